//! All records that the service holds, locked ones too as far as it shows them.

use crate::app::App;
use crate::auth::ports::StoreError;
use crate::store::Listing;
use crate::store::secret_service::finding::{is_gone, prove_absence, why_locked};
use crate::store::secret_service::service::Hits;
use crate::store::secret_service::shared::SecretService;

impl SecretService {
    /// Whose records are in the keychain. Nothing is unlocked for it.
    ///
    /// # Errors
    /// `Absent` if there is no service; what else keeps it from answering.
    pub fn list(&self) -> Result<Listing, StoreError> {
        let (service, hits) = self.search_all()?;
        let mut listing = Listing::default();
        for app in service.apps_of(&hits.unlocked)? {
            match app {
                Ok(app) => listing.apps.extend(app),
                Err(failure) if is_gone(&failure) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        let locked = service.apps_of(&hits.locked)?;
        for (item, app) in hits.locked.iter().zip(locked) {
            match app {
                Ok(Some(app)) => listing.apps.push(app),
                // Some services show nothing of a locked item.
                Ok(None) | Err(_) => listing.unseen = Some(why_locked(&service, item)),
            }
        }
        if listing.unseen.is_none() {
            match prove_absence(&service, &Hits::default()) {
                Ok(()) => {}
                // No database is open: what is in it cannot be known.
                Err(StoreError::Absent(cause)) if listing.apps.is_empty() => {
                    return Err(StoreError::Absent(cause));
                }
                Err(error) => listing.unseen = Some(error),
            }
        }
        listing.apps.sort_by_key(App::key);
        listing.apps.dedup();
        Ok(listing)
    }
}
