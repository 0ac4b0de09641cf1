//! Tries whether a store takes, returns and deletes an item, without touching any record.

use super::{Call, Session};
use crate::app::{App, ClientId};
use crate::auth::ports::StoreError;
use crate::error::Result;

/// The client ID in the item's name. No App has it.
const CLIENT_ID: &str = "ghtok-write-test";

const CONTENT: &[u8] = b"written by: ghtok doctor --write-test";

impl Session<'_> {
    /// Writes an item to the App's store, reads it back and deletes it. A locked store stays locked.
    pub(crate) fn try_to_write(&self, call: &Call<'_>) -> Result<()> {
        let item = App {
            name: None,
            client_id: ClientId::parse(CLIENT_ID).expect("a valid ID"),
            host: call.app.host.clone(),
            account: None,
            owners: Vec::new(),
        };
        let slot = self.stores.slot(self.store_of(call.app)?, &item.key())?;
        let attempt = || -> Result<(), StoreError> {
            // Fails if the store is locked.
            slot.read()?;
            slot.write(CONTENT)?;
            let read = slot.read();
            slot.delete()?;
            match read? {
                Some(bytes) if bytes.as_slice() == CONTENT => Ok(()),
                Some(_) => Err(StoreError::Failed("it returned other bytes".into())),
                None => Err(StoreError::Failed("it did not keep a new item".into())),
            }
        };
        attempt().map_err(|error| call.store_error(error))
    }
}
