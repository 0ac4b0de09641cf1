//! What a refresh waits for on the disk: the room for a rescue, that the refresh token is being sent, and
//! the sealed pair. Nothing else is worth a wait.

use std::fs;

use super::{DUE, Keychain};

/// Each file that a command, with all processes that it starts, waits for the disk to have.
fn synced(keychain: &Keychain, arguments: &[&str]) -> Vec<String> {
    let waits = "fsync,fdatasync,sync_file_range,syncfs,sync";
    let (run, calls) = keychain.traced(arguments, waits);
    run.expect_code(0);
    let file = |line: &str| {
        let (_, named) = line.split_once("sync(")?.1.split_once('<')?;
        let (path, _) = named.split_once('>')?;
        Some(path.rsplit('.').next()?.to_owned())
    };
    calls.lines().filter_map(file).collect()
}

#[test]
fn p3_a_refresh_waits_for_the_disk_three_times_whatever_else_it_keeps() {
    let Some(keychain) = Keychain::new() else {
        return;
    };
    keychain.seed(DUE);
    let reach = keychain
        .sandbox
        .state_folder()
        .reach(&keychain.sandbox.app().key());
    for arguments in [&["get"][..], &["refresh", "--force"]] {
        assert!(!reach.exists());
        assert_eq!(
            synced(&keychain, arguments),
            ["rescue", "outcome", "rescue"],
            "{arguments:?}"
        );
        fs::remove_file(&reach).expect("it was asked too where the App is installed");
    }
}
