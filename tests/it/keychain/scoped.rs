//! The App's client secret and the scoped tokens, on a real gnome-keyring.

use ghtok::testing::app::RecordKey;
use ghtok::testing::store::Slot;

use super::*;
use crate::scoped::{SECRET, fake};
use crate::support::git::feed;

impl Keychain {
    /// What an item of the keychain holds.
    fn item(&self, key: &RecordKey) -> Option<String> {
        let slot = SecretServiceSlot::new(key, self.bus.session(), Duration::from_secs(5));
        let bytes = slot.read().expect("readable")?;
        Some(String::from_utf8(bytes.to_vec()).expect("text"))
    }
}

#[test]
fn p12_the_secret_and_scoped_tokens_are_items_of_their_own_and_logout_all_finds_them() {
    let Some(keychain) = Keychain::at(fake().scoped_tokens_count()) else {
        return;
    };
    let full = keychain.seed(HOUR);
    let app = keychain.sandbox.app();
    let (secret, list) = (RecordKey::of_secret(&app), app.key().of_scoped_tokens());
    let mut set = keychain.command(Program::Real, &["app", "secret", "set"]);
    feed(&mut set, SECRET.as_bytes()).expect_code(0);
    assert_eq!(keychain.item(&secret).as_deref(), Some(SECRET));
    let get = || {
        keychain
            .run(&["get", "--repo", "acme/one"])
            .token()
            .to_owned()
    };
    let token = get();
    assert_ne!(token, full);
    assert!(keychain.item(&list).expect("a list").contains(&token));
    assert_eq!(get(), token, "served from the keychain");
    assert_eq!(keychain.run(&["get"]).token(), full);
    // Each is found by its own name alone.
    let status = keychain.run(&["status"]).expect_code(0);
    assert!(
        status.stdout.contains("acme/one: until"),
        "{}",
        status.stdout
    );
    assert!(!status.stdout.contains(SECRET) && !status.stdout.contains(&token));
    keychain.with_lock(|locked| locked.delete().expect("deleted"));
    let mut all = keychain.command(Program::Real, &["logout", "--all"]);
    all.env_remove("GHTOK_CLIENT_ID").env_remove("GHTOK_HOST");
    let all = run_command(&mut all).expect_code(0);
    assert!(
        all.stderr.contains("1 scoped token was revoked"),
        "{}",
        all.stderr
    );
    assert!(
        all.stderr.contains("the client secret was deleted"),
        "{}",
        all.stderr
    );
    assert!(!keychain.fake.is_alive(&token));
    assert_eq!((keychain.item(&secret), keychain.item(&list)), (None, None));
}
