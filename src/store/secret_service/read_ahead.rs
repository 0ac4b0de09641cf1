//! Many records in a few waits: their calls go out together, and the service answers in one go.

use crate::app::RecordKey;
use crate::auth::ports::StoreError;
use crate::store::secret_service::MOMENT;
use crate::store::secret_service::finding::prove_absence;
use crate::store::secret_service::service::{AT_ONCE, Hits, Object, Service};
use crate::store::secret_service::shared::SecretService;

impl SecretService {
    /// Reads records before they are asked for; each one's next read finds it there. What needs
    /// more than a look (a locked item, several, an error) is left to that read.
    pub fn read_ahead(&self, keys: &[RecordKey]) {
        let [first, _, ..] = keys else {
            return;
        };
        // As in any read, one search comes first and alone.
        let Ok((service, _)) = self.search(first) else {
            return;
        };
        for keys in keys.chunks(AT_ONCE) {
            // The next chunk would fare no better.
            if self.read_chunk(&service, keys).is_err() {
                return;
            }
        }
    }

    fn read_chunk(&self, service: &Service, keys: &[RecordKey]) -> Result<(), StoreError> {
        let found = search(service, keys)?;
        let single: Vec<(&RecordKey, Object)> = found
            .iter()
            .filter_map(|(key, hits)| Some((*key, only(hits)?.clone())))
            .collect();
        if !single.is_empty() {
            let session = service.open_session()?;
            let items: Vec<&Object> = single.iter().map(|(_, item)| item).collect();
            for ((key, _), secret) in single.iter().zip(service.secrets(&items, &session)?) {
                if let Ok(secret) = secret {
                    self.keep_read_ahead(key, Ok(Some(secret)));
                }
            }
        }
        let mut absent: Vec<&RecordKey> = found
            .iter()
            .filter(|(_, hits)| hits.is_empty())
            .map(|(key, _)| *key)
            .collect();
        if !absent.is_empty() && !service.is_gnome_keyring() {
            // Between an old item and the one that replaces it, oo7 has none for a moment.
            service.bus.rest(MOMENT);
            let again = search(service, absent.iter().copied())?;
            absent = again
                .iter()
                .filter(|(_, hits)| hits.is_empty())
                .map(|(key, _)| *key)
                .collect();
        }
        if !absent.is_empty() {
            let nothing = prove_absence(service, &Hits::default()).map(|()| None);
            for key in absent {
                self.keep_read_ahead(key, nothing.clone());
            }
        }
        Ok(())
    }
}

fn search<'k>(
    service: &Service,
    keys: impl IntoIterator<Item = &'k RecordKey>,
) -> Result<Vec<(&'k RecordKey, Hits)>, StoreError> {
    let keys: Vec<&RecordKey> = keys.into_iter().collect();
    let found = service.find_all(&keys)?;
    let hits = keys.into_iter().zip(found);
    Ok(hits
        .filter_map(|(key, hits)| Some((key, hits.ok()?)))
        .collect())
}

/// The one item with a record's attributes, if it can be read.
fn only(hits: &Hits) -> Option<&Object> {
    match (hits.unlocked.as_slice(), hits.locked.as_slice()) {
        ([item], []) => Some(item),
        _ => None,
    }
}
