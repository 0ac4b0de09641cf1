//! What a `get` costs whose token is not due, and a look at many Apps.

use super::{HOUR, Keychain};
use crate::support::deadline::ends;
use crate::support::sandbox::Program;

/// System calls by which a process could lock, write, talk to others, or start processes.
const TRACED: &str = "connect,sendto,sendmsg,write,writev,flock,fcntl,fsync,fdatasync,rename,\
                      renameat2,unlink,clone,clone3,fork,vfork,execve";

#[test]
fn p10_a_cached_get_is_one_conversation_with_the_keychain_and_nothing_else() {
    let Some(keychain) = Keychain::new() else {
        return;
    };
    let token = keychain.seed(2 * HOUR);
    let (run, calls) = keychain.traced(&["get"], TRACED);
    assert_eq!(run.token(), token);

    let count = |text: &str| calls.matches(text).count();
    assert_eq!(count("connect("), 1, "one connection, to the bus: {calls}");
    for (member, times) in [
        ("SearchItems", 1),
        ("OpenSession", 1),
        ("GetSecret", 1),
        ("Unlock", 0),
        ("StartServiceByName", 0),
    ] {
        let lines = calls.lines().filter(|line| line.contains(member));
        assert_eq!(lines.count(), times, "{member}: {calls}");
    }
    assert_eq!(count("execve("), 1, "no child process: {calls}");
    for absent in [
        "clone",
        "fork(",
        "flock(",
        "F_SETLK",
        "F_OFD_SETLK",
        "fsync(",
        "rename",
        "unlink(",
    ] {
        assert_eq!(count(absent), 0, "{absent}: {calls}");
    }
    assert_eq!(keychain.fake.connections(), 0, "no network");
}

#[test]
fn p10_many_cached_gets_at_once_leave_the_keychain_alive() {
    let Some(mut keychain) = Keychain::new() else {
        return;
    };
    let token = keychain.seed(2 * HOUR);
    let daemon = keychain.bus.keyring_pid();
    for _ in 0..3 {
        let callers: Vec<_> = (0..40)
            .map(|_| {
                let mut command = keychain.command(Program::Real, &["get"]);
                command.spawn().expect("a process")
            })
            .collect();
        for caller in callers {
            let run = ends(caller, std::time::Duration::from_secs(60));
            assert_eq!(run.token(), token);
        }
    }
    assert_eq!(keychain.bus.keyring_pid(), daemon, "the same daemon");
    assert_eq!(keychain.run(&["get"]).token(), token);
    assert_eq!(keychain.fake.connections(), 0);
}

#[test]
fn p10_many_apps_are_looked_at_in_one_search_and_one_read_each() {
    let Some(keychain) = Keychain::new() else {
        return;
    };
    let token = keychain.seed(2 * HOUR);
    let (app, record) = (keychain.sandbox.app(), keychain.witness());
    let mut config = format!(
        "[[app]]\nname = \"app\"\nclient_id = \"{}\"\nhost = \"{}\"\n",
        app.client_id, app.host
    );
    for number in 0..30 {
        let client_id = format!("Iv1.{number:016x}");
        config.push_str(&format!(
            "[[app]]\nname = \"app{number}\"\nclient_id = \"{client_id}\"\nhost = \"{}\"\n",
            app.host
        ));
        // The last ones are not signed in.
        if number < 28 {
            let username = format!("{}/{client_id}", app.host);
            let arguments = [
                "store",
                "--label=a test",
                "service",
                "ghtok",
                "username",
                &username,
            ];
            let stored = keychain.bus.secret_tool(&arguments, record.as_bytes());
            assert!(stored.status.success());
        }
    }
    keychain.sandbox.configure(&config);
    for arguments in [&["status"][..], &["schedule", "run"]] {
        let (run, calls) = keychain.traced(arguments, "connect,sendto,sendmsg,write,writev,openat");
        assert!(!run.stdout.contains(&token), "{arguments:?}");
        for (member, times) in [
            ("SearchItems", 1),
            ("Attributes", 29),
            ("OpenSession", 1),
            ("GetSecret", 29),
            ("ReadAlias", 1),
        ] {
            assert_eq!(
                calls.matches(member).count(),
                times,
                "{arguments:?}: {member}: {calls}"
            );
        }
        let notes = calls.matches("Iv1.0000000000000007.store").count();
        assert!(notes <= 2, "{arguments:?}: {notes} reads of one note");
    }
}
