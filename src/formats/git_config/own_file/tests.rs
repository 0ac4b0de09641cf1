//! Which lines come of the helpers that git asked before.

use super::*;

const URL: &str = "https://github.com";

fn caller() -> GhtokCommand {
    GhtokCommand {
        program: b"/g".to_vec(),
        config_dir: None,
    }
}

/// The entries of lines such as `PATTERN helper VALUE`; `*` stands for no pattern, `-` for no value.
fn entries(lines: &[(&str, &str)]) -> Vec<CredentialSetting> {
    let entry = |(pattern, value): &(&str, &str)| CredentialSetting {
        scope: "global".into(),
        origin: b"file:/h".to_vec(),
        pattern: Some(pattern.as_bytes().to_vec()).filter(|_| *pattern != "*"),
        setting: match *value {
            "path" => Setting::UseHttpPath(true),
            "no path" => Setting::UseHttpPath(false),
            helper => Setting::Helper(helper.as_bytes().to_vec()),
        },
    };
    lines.iter().map(entry).collect()
}

fn lines(before: &[(&str, &str)]) -> String {
    let caller = caller();
    let helper = caller.helper(&[]);
    let host = HostSection {
        url: URL.into(),
        others: others(URL, &entries(before), &caller, &helper),
        helper,
        replaces_ssh: false,
    };
    String::from_utf8(sections(&[host])).expect("text")
}

const FIRST: &str =
    "[credential \"https://github.com\"]\n\thelper =\n\thelper = /g git-credential\n";
const PATH: &str = "\tuseHttpPath = true\n";

#[test]
fn the_program_and_its_folder_are_quoted_for_the_shell_and_for_git() {
    let odd = GhtokCommand {
        program: b"/my \xff\"apps/g".to_vec(),
        config_dir: Some(b"/it's/cfg".to_vec()),
    };
    let line = odd.helper(&["--store".into(), "file".into()]);
    assert_eq!(
        line,
        b"!'/my \xff\"apps/g' git-credential --config-dir '/it'\\''s/cfg' --store file"
    );
    assert_eq!(
        value(&line),
        b"\"!'/my \xff\\\"apps/g' git-credential --config-dir '/it'\\\\''s/cfg' --store file\""
    );
}

#[test]
fn p13_each_helper_of_before_is_asked_where_it_was() {
    assert_eq!(lines(&[]), format!("{FIRST}{PATH}"));
    assert_eq!(
        lines(&[
            ("*", "cache"),
            ("https://gitlab.com", "other"),
            ("https://github.com", "!f() { x '$1'; }; f"),
        ]),
        format!(
            "{FIRST}\thelper = /g git-credential --via 'cache'\n\
             \thelper = \"/g git-credential --via '!f() {{ x '\\\\''$1'\\\\''; }}; f'\"\n{PATH}"
        )
    );
    let after_a_reset = lines(&[("*", "cache"), ("https://github.com", ""), ("*", "store")]);
    assert_eq!(
        after_a_reset,
        format!("{FIRST}\thelper = /g git-credential --via 'store'\n{PATH}")
    );
}

#[test]
fn p13_helpers_of_an_organization_or_a_user_keep_their_sections() {
    let told = lines(&[
        ("*", "cache"),
        ("https://github.com/org", ""),
        ("https://github.com/org", "store"),
        ("https://me@github.com", "mine"),
        ("*", "last"),
    ]);
    assert_eq!(
        told,
        format!(
            "{FIRST}\thelper = /g git-credential --via 'cache'\n{PATH}\
             [credential \"https://github.com/org\"]\n\thelper =\n\thelper = /g git-credential\n\
             \thelper = /g git-credential --via 'store'\n\
             [credential \"https://me@github.com\"]\n\thelper = /g git-credential --via 'mine'\n\
             [credential \"https://github.com\"]\n\thelper = /g git-credential --via 'last'\n"
        )
    );
}

#[test]
fn p13_a_helper_that_was_told_the_path_is_told_it_still() {
    let told = lines(&[("*", "store"), ("https://github.com", "path")]);
    assert!(
        told.contains("/g git-credential --keep-path --via 'store'"),
        "{told}"
    );
    let told = lines(&[
        ("*", "path"),
        ("*", "store"),
        ("https://github.com", "no path"),
    ]);
    assert!(told.contains("/g git-credential --via 'store'"), "{told}");
    let told = lines(&[("https://github.com/org", "path"), ("*", "store")]);
    assert!(told.contains("/g git-credential --via 'store'"), "{told}");
}

#[test]
fn ghtok_is_not_asked_through_itself() {
    for own in [
        "ghtok",
        "ghtok --app x",
        "/usr/bin/ghtok git-credential",
        "!'/my apps/ghtok' git-credential --store file",
        "!\"C:/Program Files/ghtok.exe\" git-credential",
        "/opt/git-credential-ghtok",
    ] {
        assert!(is_ghtok(own.as_bytes()), "{own}");
        assert_eq!(lines(&[("*", own)]), format!("{FIRST}{PATH}"), "{own}");
    }
    for other in [
        "store",
        "!gh auth git-credential",
        "/x/notghtok git-credential",
        "",
    ] {
        assert!(!is_ghtok(other.as_bytes()), "{other}");
    }
    let chosen = lines(&[
        ("https://github.com/org", ""),
        ("https://github.com/org", "ghtok --app work"),
    ]);
    assert_eq!(
        chosen,
        format!(
            "{FIRST}{PATH}[credential \"https://github.com/org\"]\n\thelper =\n\thelper = ghtok --app work\n"
        )
    );
}

#[test]
fn a_line_says_who_is_asked_through_it() {
    for helper in ["store", "!f() { x '$1'; }; f", "/opt/my helper"] {
        let line = caller().via(helper.as_bytes(), true);
        assert!(line.starts_with(b"/g "));
        let ghtoks = [b"/opt/ghtok".to_vec(), line[2..].to_vec()].concat();
        assert_eq!(passed_on_to(&ghtoks).as_deref(), Some(helper.as_bytes()));
    }
    assert_eq!(passed_on_to(b"/opt/ghtok git-credential"), None);
    assert_eq!(passed_on_to(b"store --via x"), None);
}

#[test]
fn addresses_of_ssh_are_replaced_by_those_of_the_host() {
    let host = |url: &str| HostSection {
        url: url.into(),
        helper: b"ghtok".to_vec(),
        others: Vec::new(),
        replaces_ssh: true,
    };
    for (url, name) in [
        ("https://github.com", "github.com"),
        ("https://ghes.example:8443", "ghes.example"),
        ("http://[::1]:3000", "[::1]"),
    ] {
        let text = sections(&[host(url)]);
        let told = String::from_utf8_lossy(&text).into_owned();
        let expected = format!(
            "[url \"{url}/\"]\n\tinsteadOf = git@{name}:\n\tinsteadOf = ssh://git@{name}/\n"
        );
        assert!(told.ends_with(&expected), "{told}");
        assert!(replaces_ssh(&own_file(&text, &Before::default())));
    }
    assert!(!replaces_ssh(&own_file(b"", &Before::default())));
}

#[test]
fn the_file_says_what_was_before() {
    for told in [
        Before::default(),
        Before {
            was_new: true,
            line_ends: 0,
            digest: None,
            folders: 3,
        },
        Before {
            was_new: false,
            line_ends: 2,
            digest: Some("ab12".into()),
            folders: 0,
        },
    ] {
        assert_eq!(before(&own_file(b"[a]\n", &told)), Some(told));
    }
    assert_eq!(before(b"[credential]\n"), None);
}

/// What an earlier ghtok wrote is undone by this one.
#[test]
fn p13_the_remarks_about_the_file_before_stay_as_they_are() {
    assert_eq!(MARK, "# Written by: ghtok setup git");
    assert_eq!(
        WAS_NEW,
        "# The file that includes this one did not exist before.\n"
    );
    assert_eq!(LINE_ENDS, "# Line ends added before the include: ");
    assert_eq!(FOLDERS, "# Folders created for this file: ");
    assert_eq!(DIGEST, "# SHA-256 of that file before: ");
}
