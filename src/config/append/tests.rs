use std::cell::Cell;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::super::scratch::Scratch;
use super::*;
use crate::app::{AccountName, ClientId};

fn app(host: &str) -> App {
    App {
        name: None,
        client_id: ClientId::parse("Iv1.a").expect("an id"),
        host: Host::parse(host).expect("a host"),
        account: Some(AccountName::parse("octo").expect("a login")),
        owners: vec!["a".into(), "b".into()],
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it").permissions().mode() & 0o7777
}

fn content(path: &Path) -> String {
    fs::read_to_string(path).expect("a file")
}

const SECTION: &str = "[[app]]\nname = \"work\"\nclient_id = \"Iv1.b\"\n";

fn plain(client_id: &str) -> App {
    App {
        name: None,
        client_id: ClientId::parse(client_id).expect("an id"),
        host: Host::parse("github.com").expect("a host"),
        account: None,
        owners: vec![],
    }
}

fn add(folder: &Scratch) -> Result<AppEntry> {
    add_app(&folder.file(), &plain("Iv1.b"), Some("work"))
}

#[test]
fn a_section_is_read_back_as_the_same_app() {
    for host in [
        "github.com",
        "ghes.example:8443",
        "http://127.0.0.1:443",
        "https://localhost:80",
        "https://localhost",
        "http://[::1]:3000",
    ] {
        let named = App {
            name: Some("work".into()),
            ..app(host)
        };
        let settings =
            settings::parse(Path::new("c"), &app_section(&app(host), "work")).expect(host);
        assert_eq!(settings.apps, [named]);
    }
    assert_eq!(
        app_section(&plain("Iv1.a"), "x"),
        "[[app]]\nname = \"x\"\nclient_id = \"Iv1.a\"\n"
    );
}

#[test]
fn a_hostile_name_stays_a_name_and_is_never_written() {
    let folder = Scratch::new();
    let name = "x\"\nstore = \"file\\";
    let section = app_section(&app("github.com"), name);
    assert!(
        section.contains("name = \"x\\\"\\u000Astore = \\\"file\\\\\"\n"),
        "{section}"
    );
    assert!(add_app(&folder.file(), &app("github.com"), Some(name)).is_err());
    assert!(!folder.file().exists());
}

#[test]
fn the_first_app_begins_a_private_file() {
    let folder = Scratch::new();
    let file = folder.path().join("a/b/config.toml");
    add_app(&file, &plain("Iv1.b"), Some("work")).expect("written");
    assert_eq!(content(&file), SECTION);
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().expect("a folder")), 0o700);
    assert_eq!(mode(&folder.path().join("a")), 0o700);
}

#[test]
fn what_stands_there_stays_byte_for_byte() {
    for (before, newline, gap) in [
        ("# mine\r\n[git]\r\nquit = true\r\n", "\r\n", "\r\n"),
        ("store = \"file\" # no line end", "\n", "\n\n"),
        ("\u{feff}# é\n", "\n", "\n"),
        ("", "\n", ""),
    ] {
        let folder = Scratch::new().with(before);
        fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o640)).expect("a mode");
        add(&folder).expect("written");
        let section = SECTION.replace('\n', newline);
        assert_eq!(content(&folder.file()), format!("{before}{gap}{section}"));
        assert_eq!(mode(&folder.file()), 0o640);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }
}

#[test]
fn the_first_app_becomes_the_default_in_the_write_of_the_second() {
    const MAIN: &str = "[[app]]\nname = \"main\"\nclient_id = \"Iv1.a\"\n";
    for (before, after) in [
        (MAIN.to_owned(), format!("default_app = \"main\"\n\n{MAIN}")),
        (
            format!(
                "# mine\n\nstore = \"file\" # plain\n# the App\n# at home\n{MAIN}\n[git]\nquit = true"
            ),
            format!(
                "# mine\n\nstore = \"file\" # plain\ndefault_app = \"main\"\n\n# the App\n# at home\n{MAIN}\n[git]\nquit = true\n"
            ),
        ),
        (
            format!("\u{feff}{MAIN}").replace('\n', "\r\n"),
            format!("\u{feff}default_app = \"main\"\n\n{MAIN}").replace('\n', "\r\n"),
        ),
        // What looks like a table's head is in the middle of a text.
        (
            format!("no_proxy = \"\"\"a,\n[b]\n\"\"\"\n{MAIN}"),
            format!("default_app = \"main\"\n\nno_proxy = \"\"\"a,\n[b]\n\"\"\"\n{MAIN}"),
        ),
    ] {
        let folder = Scratch::new().with(&before);
        let entry = add(&folder).expect(&before);
        assert_eq!(entry.new_default.as_deref(), Some("main"));
        let newline = newline_of(&before);
        let section = SECTION.replace('\n', newline);
        assert_eq!(
            content(&folder.file()),
            format!("{after}{newline}{section}")
        );
        let settings = settings::parse(Path::new("c"), &content(&folder.file())).expect("read");
        assert_eq!(settings.default_app.as_deref(), Some("main"));
        assert_eq!(settings.apps.len(), 2);
    }
}

#[test]
fn a_default_that_is_set_and_several_apps_without_one_are_left_alone() {
    let two = "[[app]]\nname = \"a\"\nclient_id = \"Iv1.1\"\n[[app]]\nname = \"c\"\nclient_id = \"Iv1.2\"\n";
    let set = "default_app = \"a\"\n[[app]]\nname = \"a\"\nclient_id = \"Iv1.1\"\n";
    for before in ["", two, set] {
        let folder = Scratch::new().with(before);
        assert_eq!(add(&folder).expect(before).new_default, None);
        assert!(content(&folder.file()).starts_with(before));
    }
}

#[test]
fn a_name_that_is_taken_gets_a_number_and_an_app_that_is_there_keeps_its_own() {
    let folder = Scratch::new();
    let add = |id: &str, wanted| {
        add_app(&folder.file(), &plain(id), wanted)
            .expect("it")
            .name
    };
    assert_eq!(add("Iv1.a", None), "github");
    assert_eq!(add("Iv1.b", None), "github-2");
    assert_eq!(add("Iv1.c", None), "github-3");
    assert_eq!(add("Iv1.d", Some("work")), "work");
    assert_eq!(add("Iv1.e", Some("work")), "work-2");
    let before = content(&folder.file());
    assert_eq!(add("Iv1.b", Some("other")), "github-2");
    assert_eq!(content(&folder.file()), before);
    let server = App {
        host: Host::parse("git.example.com").expect("a host"),
        ..plain("Iv1.a")
    };
    assert_eq!(
        add_app(&folder.file(), &server, None).expect("it").name,
        "git"
    );
}

#[test]
fn p12_a_file_that_changes_meanwhile_is_not_replaced_and_the_next_try_keeps_both() {
    let other = "[[app]]\nname = \"other\"\nclient_id = \"Iv1.c\"\n";
    for before in [None, Some("store = \"file\"\n"), Some(SECTION)] {
        let folder = match before {
            Some(text) => Scratch::new().with(text),
            None => Scratch::new(),
        };
        let tries = Cell::new(0);
        let added = write_edited(&folder.file(), |text| {
            let edit = edit(&folder.file(), text, &plain("Iv1.d"), None);
            if tries.replace(tries.get() + 1) == 0 {
                fs::write(folder.file(), other).expect("a change");
            }
            edit
        });
        assert_eq!(added.expect("written").name, "github", "{before:?}");
        assert_eq!(tries.get(), 2);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
        let text = content(&folder.file());
        let settings = settings::parse(Path::new("c"), &text).expect("read");
        let names: Vec<&str> = settings.apps.iter().map(App::label).collect();
        assert_eq!(names, ["other", "github"]);
    }
    let folder = Scratch::new().with(SECTION);
    let always_removed = write_edited(&folder.file(), |text| {
        let edit = edit(&folder.file(), text, &plain("Iv1.d"), None);
        if folder.file().exists() {
            fs::remove_file(folder.file()).expect("removed");
        } else {
            fs::write(folder.file(), SECTION).expect("a change");
        }
        edit
    });
    let error = always_removed.expect_err("no moment of rest").to_string();
    assert!(error.contains("changed it at the same time"), "{error}");
}

#[test]
fn a_link_is_followed_and_stays_a_link() {
    let folder = Scratch::new();
    let real = folder.path().join("dotfiles.toml");
    fs::write(&real, "store = \"file\"\n").expect("a file");
    symlink("dotfiles.toml", folder.file()).expect("a link");
    add(&folder).expect("written");
    assert!(folder.file().is_symlink());
    assert_eq!(content(&real), format!("store = \"file\"\n\n{SECTION}"));
    fs::remove_file(&real).expect("gone");
    let error = add(&folder).expect_err("a dangling link").to_string();
    assert!(error.starts_with("cannot follow the link "), "{error}");
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    for before in ["app = []\n", "store = 1\n", "[[app]]\nname = \"x\"\n"] {
        let folder = Scratch::new().with(before);
        assert!(add(&folder).is_err(), "{before}");
        assert_eq!(content(&folder.file()), before);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }
}

#[test]
fn a_read_only_file_and_a_folder_in_its_place_are_left_alone() {
    let folder = Scratch::new().with("# fixed\n");
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o444)).expect("a mode");
    let error = add(&folder).expect_err("read-only").to_string();
    assert!(error.ends_with("config.toml: it is read-only"), "{error}");
    assert_eq!(content(&folder.file()), "# fixed\n");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    let taken = Scratch::new();
    fs::create_dir(taken.file()).expect("a folder");
    assert!(add(&taken).is_err());
}
