//! All records that the service holds, locked ones too as far as it shows them, and many of them read in
//! a few waits: their calls go out together, and the service answers in one go.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::{App, ItemKind, RecordKey};
use crate::auth::ports::StoreError;
use crate::store::Listing;
use crate::store::secret_service::MOMENT;
use crate::store::secret_service::finding::{is_gone, prove_absence, why_locked};
use crate::store::secret_service::messages::{Hits, ObjectPath};
use crate::store::secret_service::service::{Activation, ServiceConnection};
use crate::store::secret_service::shared::SecretService;

/// The items of the records that the service shows.
#[derive(Default)]
struct Items(BTreeMap<RecordKey, (App, Vec<Item>)>);

enum Item {
    Unlocked(ObjectPath),
    Locked,
}

impl SecretService {
    /// Whose records are in the keychain. Nothing is unlocked for it. These records are read ahead: the next
    /// read of each finds it there. What needs more than a look (a locked item, several, an error) is left
    /// to that read.
    ///
    /// # Errors
    /// `Absent` if there is no service; what else keeps it from answering.
    pub fn list(&self, read_ahead: &[RecordKey]) -> Result<Listing, StoreError> {
        let (service, hits) = self.search_all(ItemKind::Record)?;
        let (items, hidden) = items_of(&service, &hits)?;
        let nothing_else = prove_absence(&service, &Hits::default());
        if !read_ahead.is_empty() {
            self.read_present(&service, &items, read_ahead);
            if hidden.is_none() && has_settled(&service, &hits) {
                let absent = nothing_else.clone().map(|()| None);
                for key in read_ahead.iter().filter(|key| !items.0.contains_key(*key)) {
                    self.keep_read_ahead(key, absent.clone());
                }
            }
        }
        let unseen = match (hidden, nothing_else) {
            (Some(locked), _) => Some(locked),
            (None, Ok(())) => None,
            // No database is open: what is in it cannot be known.
            (None, Err(StoreError::Absent(cause))) if items.0.is_empty() => {
                return Err(StoreError::Absent(cause));
            }
            (None, Err(error)) => Some(error),
        };
        let apps = items.0.into_values().map(|(app, _)| app).collect();
        Ok(Listing { apps, unseen })
    }

    /// Whose items of this kind the keychain shows. Nothing is unlocked for it.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub(crate) fn list_items(&self, kind: ItemKind) -> Result<Listing, StoreError> {
        let (service, hits) = self.search_all(kind)?;
        let (items, unseen) = items_of(&service, &hits)?;
        let apps = items.0.into_values().map(|(app, _)| app).collect();
        Ok(Listing { apps, unseen })
    }

    fn read_present(&self, service: &ServiceConnection, items: &Items, keys: &[RecordKey]) {
        let single: Vec<(&RecordKey, &ObjectPath)> = keys
            .iter()
            .filter_map(|key| match items.0.get(key)?.1.as_slice() {
                [Item::Unlocked(item)] => Some((key, item)),
                _ => None,
            })
            .collect();
        if single.is_empty() {
            return;
        }
        let objects: Vec<&ObjectPath> = single.iter().map(|(_, item)| *item).collect();
        let Ok(secrets) = service
            .open_session()
            .and_then(|session| service.secrets(&objects, &session))
        else {
            return;
        };
        for ((key, _), secret) in single.into_iter().zip(secrets) {
            if let Ok(secret) = secret {
                self.keep_read_ahead(key, Ok(Some(secret)));
            }
        }
    }
}

/// What the service shows, and why there may be more.
fn items_of(
    service: &ServiceConnection,
    hits: &Hits,
) -> Result<(Items, Option<StoreError>), StoreError> {
    let mut items = Items::default();
    let mut add = |app: App, item| {
        let of_app = items.0.entry(app.key());
        of_app.or_insert_with(|| (app, Vec::new())).1.push(item);
    };
    for (item, app) in hits.unlocked.iter().zip(service.apps_of(&hits.unlocked)?) {
        match app {
            Ok(Some(app)) => add(app, Item::Unlocked(item.clone())),
            Ok(None) => {}
            Err(failure) if is_gone(&failure) => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    let mut hidden = None;
    for (item, app) in hits.locked.iter().zip(service.apps_of(&hits.locked)?) {
        match app {
            Ok(Some(app)) => add(app, Item::Locked),
            // Some services show nothing of a locked item.
            Ok(None) | Err(_) => hidden = Some(why_locked(service, item)),
        }
    }
    Ok((items, hidden))
}

/// Looks again: between an old item and the new one that replaces it, oo7 has none for a moment.
fn has_settled(service: &ServiceConnection, before: &Hits) -> bool {
    if service.is_gnome_keyring() {
        return true;
    }
    service.bus.rest(MOMENT);
    let objects = |hits: &Hits| -> BTreeSet<ObjectPath> {
        let all = hits.unlocked.iter().chain(&hits.locked);
        all.cloned().collect()
    };
    service
        .search_all(ItemKind::Record, Activation::Never)
        .is_ok_and(|now| objects(&now) == objects(before))
}
