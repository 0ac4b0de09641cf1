//! Keys on the real user keyring that end with their test.

use ghtok::testing::app::{App, ClientId};
use ghtok::testing::host::Host;
use ghtok::testing::store::Slot;
use ghtok::testing::store::kernel::{KernelSlot, is_available};
use linux_keyutils::{Key, KeyRing, KeyRingIdentifier};

/// A slot whose keys are gone when the test ends, however it ends.
pub(super) struct Kept {
    pub(super) slot: KernelSlot,
    pub(super) id: String,
}

impl Kept {
    /// `None`, with a line that says why, where there is no kernel keyring.
    pub(super) fn new(test: &str) -> Option<Self> {
        if let Err(error) = is_available() {
            skip!("no kernel keyring here: {error}");
            return None;
        }
        let id = format!("test-{}-{test}", std::process::id());
        Some(Self {
            slot: slot_of(&id),
            id,
        })
    }

    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        self.slot
            .read()
            .expect("readable")
            .map(|bytes| bytes.to_vec())
    }

    /// The key itself, past the store.
    pub(super) fn key(&self) -> Key {
        let ring = KeyRing::from_special_id(KeyRingIdentifier::User, false).expect("a ring");
        ring.search(&self.description()).expect("a key")
    }

    pub(super) fn description(&self) -> String {
        format!("ghtok:github.com/{}", self.id)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.slot.delete();
    }
}

/// The slot of an App with this client ID.
pub(super) fn slot_of(id: &str) -> KernelSlot {
    let app = App {
        name: None,
        client_id: ClientId::parse(id).expect("an ID"),
        host: Host::parse("github.com").expect("a host"),
        account: None,
        owners: vec![],
    };
    KernelSlot::new(&app.key())
}
