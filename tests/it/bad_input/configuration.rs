//! A configuration that cannot be meant. What each setting takes is tried in `src/config`; here every
//! command meets the same file.

use super::{COMMANDS, EXEC, GET, GIT, Home, MCP, run, said};

/// What stands in the file, and what is said of it. `$` is a good `[[app]]`.
const TABLE: [(&str, &str); 21] = [
    (
        "default_ap = \"main\"\n$",
        "line 1: unknown key \"default_ap\" in the file",
    ),
    ("$colour = 1\n", "line 5: unknown key \"colour\" in [[app]]"),
    (
        "[git]\nquits = true\n$",
        "line 2: unknown key \"quits\" in [git]",
    ),
    ("[gti]\n$", "line 1: unknown key \"gti\" in the file"),
    ("store = 1\n$", "line 1: store "),
    ("store = \"disk\"\n$", "\"disk\" is not one of"),
    ("min_ttl = true\n$", "line 1: min_ttl "),
    ("min_ttl = \"soon\"\n$", "line 1: min_ttl "),
    ("ca_file = []\n$", "line 1: ca_file "),
    ("proxy = 3128\n$", "line 1: proxy "),
    ("app = \"main\"\n", "line 1: app "),
    ("[[app]]\nname = \"main\"\n", "line 1: "),
    (
        "[[app]]\nname = \"main\"\nclient_id = \"not an ID\"\n",
        "line 3: client_id ",
    ),
    (
        "[[app]]\nname = \"main\"\nclient_id = 5\n",
        "line 3: client_id ",
    ),
    (
        "[[app]]\nname = \"main\"\nclient_id = \"Iv1.0\"\nhost = \"http://ghes.example\"\n",
        "line 4: host ",
    ),
    (
        "[[app]]\nname = \"main\"\nclient_id = \"Iv1.0\"\nhost = \"git hub.com\"\n",
        "line 4: host ",
    ),
    (
        "[[app]]\nname = \"main\"\nclient_id = \"Iv1.0\"\nhost = \"github.com@evil.example\"\n",
        "line 4: host ",
    ),
    ("$$", "line 5: a second App is named \"main\""),
    ("default_app = \"other\"\n$", "line 1: default_app "),
    ("$min_ttl = \"5m", "line 5: "),
    ("\u{1}", "line 1: "),
];

#[test]
fn what_cannot_be_meant_ends_every_command_with_its_line() {
    for (text, says) in TABLE {
        let home = Home::new();
        let good = home.app_section();
        home.sandbox.configure(&text.replace('$', &good));
        for arguments in COMMANDS {
            let run = home.run(arguments);
            let code = if matches!(arguments, EXEC | MCP) {
                125
            } else {
                2
            };
            assert_eq!(run.code, Some(code), "{text:?}: {arguments:?}: {run:?}");
            let all = said(&run);
            let first = all.lines().next().unwrap_or_default();
            assert!(
                first.contains("config.toml"),
                "{text:?}: {arguments:?}: {run:?}"
            );
            assert!(first.contains(says), "{text:?}: {arguments:?}: {run:?}");
            assert!(!run.stderr.contains("hunter2"), "{text:?}: {run:?}");
            assert_eq!(run.stdout, "", "{text:?}: {arguments:?}");
        }
        home.sandbox.configure(&good);
        home.expect_kept(text);
    }
}

#[test]
fn a_host_by_plain_http_is_taken_for_this_machine_alone() {
    for host in [
        "http://ghes.example",
        "http://10.0.0.1",
        "http://localhost.evil.example",
    ] {
        let home = Home::new();
        for arguments in COMMANDS {
            let mut command = home.command(arguments);
            command
                .env("GHTOK_CLIENT_ID", "Iv1.0")
                .env("GHTOK_HOST", host);
            let run = run(command, arguments);
            let code = if matches!(arguments, EXEC | MCP) {
                125
            } else {
                2
            };
            assert_eq!(run.code, Some(code), "{host}: {arguments:?}: {run:?}");
            assert!(
                run.stderr.contains("GHTOK_HOST: "),
                "{arguments:?}: {run:?}"
            );
        }
        assert_eq!(home.fake.connections(), 0);
    }
}

#[test]
fn a_min_ttl_that_no_token_has_is_a_usage_error_and_refreshes_nothing() {
    let home = Home::new();
    for ttl in ["8h", "28800", "9h", "1000h"] {
        for command in [
            &["get", "--min-ttl", ttl][..],
            &["headers", "--min-ttl", ttl],
            &["exec", "--min-ttl", ttl, "--", "true"],
        ] {
            let run = home.run(command);
            let code = if command[0] == "exec" { 125 } else { 2 };
            assert_eq!(run.code, Some(code), "{command:?}: {run:?}");
            assert!(
                run.stderr
                    .contains("is not less than the lifetime of a new token"),
                "{run:?}"
            );
        }
    }
    for ttl in ["", "-1", "1h30", "soon", "99999999999999999999"] {
        let run = home.run(&["get", &format!("--min-ttl={ttl}")]);
        assert_eq!(run.code, Some(2), "{ttl:?}: {run:?}");
    }
    assert_eq!(home.fake.connections(), 0);
    // As the usual one of a file it is cut to a tenth of the life.
    home.sandbox
        .configure(&format!("min_ttl = \"9h\"\n{}", home.app_section()));
    assert_eq!(home.run(GET).code, Some(0));
    home.expect_kept("a min TTL of 9 hours in the file");
}

/// git asks for hosts that are none of ours at every turn: a file that it cannot do without is named,
/// and git goes on.
#[test]
fn git_is_told_in_one_line_too() {
    let home = Home::new();
    home.sandbox.configure("colour = 1\n");
    let run = home.run(GIT);
    assert_eq!(run.stderr.lines().count(), 2, "{run:?}");
    assert_eq!(run.stdout, "");
}
