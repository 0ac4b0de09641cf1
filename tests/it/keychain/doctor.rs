//! `ghtok doctor` on a real gnome-keyring: it neither unlocks it nor asks for that, and its write test
//! leaves nothing.

use super::*;

/// What a process writes to the bus.
const WRITES: &str = "sendto,sendmsg,write,writev";

#[test]
fn p5_a_locked_keychain_is_named_and_stays_locked() {
    let Some(keychain) = Keychain::new() else {
        return;
    };
    keychain.seed(HOUR);
    keychain.bus.lock();
    let _prompter = keychain.bus.hold_prompts();
    let (run, calls) = keychain.traced(&["doctor", "--json", "--write-test"], WRITES);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.stdout
            .contains("\"code\":\"store_locked\",\"level\":\"problem\""),
        "{run:?}"
    );
    assert!(!run.stdout.contains("store_writable"), "{run:?}");
    assert!(calls.contains("SearchItems"), "the keychain was asked");
    for call in ["Unlock", "Prompt", "CreateItem", "CreateCollection"] {
        assert!(!calls.contains(call), "{call}: {calls}");
    }
    assert_eq!(keychain.run(&["get"]).code, Some(6), "it is still locked");
}

#[test]
fn a_write_test_on_an_unlocked_keychain_leaves_nothing() {
    let Some(keychain) = Keychain::new() else {
        return;
    };
    let token = keychain.seed(HOUR);
    let (run, calls) = keychain.traced(&["doctor", "--json", "--write-test"], WRITES);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(
        run.stdout
            .contains("\"code\":\"store_writable\",\"level\":\"ok\""),
        "{run:?}"
    );
    assert!(calls.contains("CreateItem"), "an item was written");
    let found = keychain
        .bus
        .secret_tool(&["search", "--all", "service", "ghtok"], b"");
    let found = String::from_utf8_lossy(&[found.stdout, found.stderr].concat()).into_owned();
    assert!(!found.contains("write-test"), "{found}");
    assert_eq!(keychain.run(&["get"]).token(), token);
    let (_, calls) = keychain.traced(&["doctor"], WRITES);
    assert!(!calls.contains("CreateItem"), "only if it is asked for");
}
