//! Scoped tokens and client secrets that are left without their sign-in or their App: after a `logout` that
//! could not revoke them, or where an App was removed from the configuration by hand.

use super::sign_out::end_scoped_tokens;
use super::{Call, Session};
use crate::app::{App, ItemKind, RecordKey};
use crate::auth::ports::TokenStore;
use crate::auth::scoped_tokens::ScopedStore;
use crate::error::Result;
use crate::store_choice::StoreChoice;
use crate::system::terminal::Terminal;

impl Session<'_> {
    /// Revokes and removes the scoped tokens without a sign-in, and the secrets of Apps that are not configured;
    /// returns how many there were. Stores that cannot be listed were told with their sign-ins.
    pub(crate) fn remove_orphans(&self) -> usize {
        // First the tokens: with the secret they are revoked without an e-mail.
        let mut lists = self.items(ItemKind::ScopedTokens);
        lists.retain(|(app, store)| self.is_signed_out(app, *store));
        for (app, store) in &lists {
            let ended = self.with_call_in(app, *store, end_orphans);
            if let Err(error) = ended {
                log::info!("scoped tokens of {}: {error}", app.label());
            }
        }
        let mut secrets = self.items(ItemKind::AppSecret);
        secrets.retain(|(app, store)| !self.is_configured(app) && self.delete_secret(app, *store));
        for (app, _) in &secrets {
            let label = app.label();
            Terminal.note(&format!("{label}: the client secret was deleted"));
        }
        lists.len() + secrets.len()
    }

    fn items(&self, kind: ItemKind) -> Vec<(App, StoreChoice)> {
        let stores = self.stores_to_list().into_iter();
        let listed = stores.filter_map(|store| {
            let listing = self.stores.list_items(store, kind).ok()?;
            Some(listing.apps.into_iter().map(move |app| (app, store)))
        });
        listed.flatten().collect()
    }

    /// Whether a list of scoped tokens has no sign-in beside it.
    fn is_signed_out(&self, app: &App, store: StoreChoice) -> bool {
        let opened = self.open_store(app, store);
        opened.is_ok_and(|opened| matches!(opened.load(), Ok(None)))
    }

    fn is_configured(&self, app: &App) -> bool {
        let key = RecordKey::of_secret(app);
        let mut apps = self.config.all_apps();
        apps.any(|known| RecordKey::of_secret(known) == key)
    }

    fn delete_secret(&self, app: &App, store: StoreChoice) -> bool {
        let slot = self.stores.slot(store, &RecordKey::of_secret(app));
        slot.is_ok_and(|slot| slot.delete().is_ok())
    }
}

fn end_orphans(call: &Call<'_>) -> Result<()> {
    // The list counts as used where its lock is there, and the state folder may be a new one.
    drop((call.scoped)()?.try_lock());
    end_scoped_tokens(call);
    Ok(())
}
