//! How a browser's command is read, and which pages it may be given: no terminal is needed to see it.

use std::fs;
use std::path::PathBuf;

use ghtok::testing::config::{Browsers, Desktop, Environment};
use ghtok::testing::host::Host;
use ghtok::testing::system::browser::Browser;

use super::Desk;
use crate::support::processes::eventually;

/// No shell reads the command: what would run something there is an argument like any other.
#[test]
fn a_hostile_command_runs_its_first_program_alone() {
    let desk = Desk::new().with_noting_browser();
    let page = desk.page();
    let planted = desk.sandbox.home().join("planted");
    let script = desk.sandbox.home().join("browser.sh");
    let run = format!("/bin/sh {}", script.display());
    let plant = planted.display().to_string();
    for (tail, expected) in [
        (" -a %s -b", vec!["-a", &page, "-b"]),
        (" --url=%s", vec![&format!("--url={page}")]),
        (" %s %s", vec![&page, &page]),
        (
            &format!(" ; touch {plant} & # %s"),
            vec![";", "touch", &plant, "&", "#", &page],
        ),
        (
            &format!(" $(touch\t{plant}) `touch` | x > y"),
            vec![
                "$(touch",
                &format!("{plant})"),
                "`touch`",
                "|",
                "x",
                ">",
                "y",
                &page,
            ],
        ),
        (" 'a b' \"c\"", vec!["'a", "b'", "\"c\"", &page]),
        (" ${HOME} ~ *", vec!["${HOME}", "~", "*", &page]),
        (":/bin/false %s", vec![&page]),
        ("", vec![&page]),
    ] {
        let command = format!("/nonexistent/x %s:{run}{tail}");
        assert_eq!(desk.opened_by(&command), expected, "{command}");
        assert!(!planted.exists(), "{command}");
    }
}

impl Desk {
    /// What the noting browser is given when `login` opens the page with this `$BROWSER`.
    fn opened_by(&self, variable: &str) -> Vec<String> {
        let _ = fs::remove_file(self.notes());
        let environment = Environment::from_pairs([("BROWSER", variable)]);
        let Desktop {
            browsers: Browsers::Named(_, commands),
            folders,
            ..
        } = Desktop::of(&environment)
        else {
            panic!("{variable} was not read")
        };
        let host = Host::parse(self.fake.base_url()).expect("a host");
        let browser = Browser::find(&commands, &folders).expect("a browser");
        let mut opened = browser.open(&self.page(), &host).expect("it starts");
        eventually("its end", || opened.try_wait());
        self.noted()
    }
}

#[test]
fn a_path_with_blanks_is_taken_whole_and_a_relative_one_is_no_program() {
    let desk = Desk::new();
    let folder = desk.sandbox.home().join("my programs");
    fs::create_dir(&folder).expect("a folder");
    let program = folder.join("a browser");
    fs::copy("/bin/true", &program).expect("a program");
    let find = |command: &str, folders: &[PathBuf]| Browser::find(&[command.to_owned()], folders);
    let found = find(&program.display().to_string(), &[]).expect("found");
    assert_eq!(found.name(), "a browser");
    for relative in [
        "./browser",
        "my programs/a browser",
        "../bin/true",
        "",
        " ",
        ".",
    ] {
        let folders = [desk.sandbox.home().to_owned(), PathBuf::from("/bin")];
        assert!(find(relative, &folders).is_none(), "{relative:?}");
    }
    assert!(find("true", &[]).is_none(), "no folder, no program");
    assert!(find("true %s", &["/usr/bin".into()]).is_some());
}

/// The device flow shows a page of the App's host only; the browser does not rely on that.
#[test]
fn p6_a_page_of_another_host_or_scheme_is_not_opened() {
    let browser = Browser::find(&["/bin/true".into()], &[]).expect("/bin/true");
    let open = |host: &str, page: &str| browser.open(page, &Host::parse(host).expect("a host"));
    for (host, page) in [
        ("github.com", "http://github.com/login/device"),
        ("github.com", "https://github.com.evil.example/login/device"),
        ("github.com", "https://github.com@evil.example/"),
        ("github.com", "https://gist.github.com/login/device"),
        ("github.com", "https://github.com:8443/login/device"),
        ("github.com", "ftp://github.com/login/device"),
        ("github.com", "file:///etc/passwd"),
        ("github.com", "javascript:alert(1)"),
        ("github.com", "/login/device"),
        ("github.com", "--new-window=https://github.com/"),
        ("github.com", "https://github.com/a b"),
        ("github.com", "https://github.com/\u{1b}[2J"),
        ("ghes.example", "https://github.com/login/device"),
        ("127.0.0.1:8080", "http://127.0.0.1:8081/login/device"),
        ("127.0.0.1:8080", "https://127.0.0.1:8080/login/device"),
    ] {
        let error = open(host, page).expect_err(page);
        assert_eq!(error.to_string(), format!("it is no page of {host}"));
    }
    for (host, page) in [
        ("github.com", "https://github.com/login/device"),
        ("ghes.example", "https://ghes.example/login/device"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080/login/device"),
    ] {
        let mut opened = open(host, page).expect(page);
        eventually("its end", || opened.try_wait());
    }
}
