//! git's own rules for helpers, through `git credential` and by hand.

use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::Duration;

use fake_github::FakeGitHub;

use crate::support::git::{Age, Desk, feed, gits};
use crate::support::sandbox::{Program, Run, Sandbox, path_of};

const HOUR: Duration = Duration::from_secs(3600);

fn ask(sandbox: &Sandbox, operation: &str, lines: &str) -> Run {
    let mut command = sandbox.command(Program::Real, ["git-credential", operation]);
    feed(&mut command, lines.as_bytes())
}

fn silent(run: &Run) -> bool {
    run.code == Some(0) && run.stdout.is_empty() && run.stderr.is_empty()
}

#[test]
fn each_form_goes_to_who_understands_it() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let pair = sandbox.seed(&fake, HOUR);
    let end = sandbox.record().tokens.expires_at().expect("an end").0;
    let (host, token) = (fake.host(), &pair.access_token);
    let asked = format!("protocol=http\nhost={host}\n");
    let password =
        format!("username=x-access-token\npassword={token}\npassword_expiry_utc={end}\n");
    for lines in [
        asked.clone(),
        format!("{asked}\n"),
        asked.replace('\n', "\r\n"),
        format!("{asked}capability[]=state\nwwwauth[]=Basic realm=\"GitHub\"\nnew[]=1\n"),
        format!("{asked}username=x-access-token\n"),
        asked.trim_end().to_owned(),
        format!("url=http://{host}/o/r.git\n"),
        format!("{asked}oauth_refresh_token=ghr_somebodys\npassword_expiry_utc=1\n"),
    ] {
        let run = ask(&sandbox, "get", &lines).expect_code(0);
        assert_eq!(run.stdout, password, "{lines:?}");
        assert_eq!(run.stderr, "");
    }
    let run = ask(&sandbox, "get", &format!("{asked}capability[]=authtype\n"));
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[..2], ["capability[]=authtype", "authtype=Basic"]);
    assert!(lines[2].starts_with("credential=") && lines[3..] == ["ephemeral=1"]);
    assert_eq!(fake.connections(), 0);
}

/// True if git is not answered, and one line says so.
fn told_once(run: &Run, words: &str) -> bool {
    run.code == Some(0)
        && run.stdout.is_empty()
        && run.stderr.starts_with("ghtok: ")
        && run.stderr.matches("ghtok: ").count() == 1
        && run.stderr.contains(words)
}

#[test]
fn a_user_name_that_is_no_login_is_served_and_another_account_is_told_of() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let asked = |name: &str| {
        let lines = format!("protocol=http\nhost={}\nusername={name}\n", fake.host());
        ask(&sandbox, "get", &lines)
    };
    for name in [
        "OctoCat",
        "x-access-token",
        "git",
        "oauth2",
        "token",
        "x-oauth-basic",
        "me@example.com",
        "me%40example.com",
    ] {
        let run = asked(name);
        let answer = format!("username={name}\npassword=ghu_");
        assert!(
            run.stdout.starts_with(&answer) && run.stderr.is_empty(),
            "{run:?}"
        );
    }
    assert!(asked("").stdout.starts_with("username=x-access-token\n"));
    for other in ["mallory", "Git", "tokens"] {
        let run = asked(other);
        assert!(
            told_once(&run, &format!("git asks for \"{other}\"")),
            "{run:?}"
        );
        assert!(run.stderr.contains("as octocat"), "{run:?}");
    }
}

#[test]
fn p6_a_token_in_place_of_a_user_name_is_not_told() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let pair = sandbox.seed(&fake, HOUR);
    let classic = format!("ghp_{}", "a".repeat(36));
    for name in [
        pair.access_token.as_str(),
        &classic,
        &"0123456789".repeat(4),
        "o\u{1b}[2Jx",
    ] {
        let lines = format!("protocol=http\nhost={}\nusername={name}\n", fake.host());
        let run = ask(&sandbox, "get", &lines);
        assert!(
            told_once(&run, "a user name that is not a GitHub login"),
            "{run:?}"
        );
        assert!(
            !run.stderr.contains(name) && !run.stderr.contains('\u{1b}'),
            "{run:?}"
        );
    }
}

#[test]
fn nothing_is_spent_for_a_name_that_is_not_ours() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, Duration::from_secs(60));
    let lines = format!("protocol=http\nhost={}\nusername=mallory\n", fake.host());
    assert!(told_once(&ask(&sandbox, "get", &lines), "mallory"));
    assert_eq!(
        fake.connections(),
        0,
        "a due token is refreshed for its own account only"
    );
}

/// Asks in the environment of somebody who only has a home.
fn ask_at_home(sandbox: &Sandbox, lines: &str) -> Run {
    let mut command = sandbox.command(Program::Real, ["git-credential", "get"]);
    command
        .env_clear()
        .env("HOME", sandbox.home())
        .env("GHTOK_STORE", "file");
    feed(&mut command, lines.as_bytes())
}

#[test]
fn git_without_a_configuration_an_app_or_a_choice_is_told_why() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let asked = format!("protocol=http\nhost={}\n", fake.host());
    let config = sandbox.home().join(".config/ghtok");
    let run = ask_at_home(&sandbox, &asked);
    let place = config.join("config.toml").display().to_string();
    assert!(
        told_once(&run, &place) && run.stderr.contains("ghtok setup git"),
        "{run:?}"
    );
    std::fs::create_dir_all(&config).expect("a folder");
    let configure = |text: &str| {
        std::fs::write(config.join("config.toml"), text).expect("a file");
    };
    configure("store = \"file\"\n");
    assert!(told_once(&ask_at_home(&sandbox, &asked), &place));
    let app = |name: &str, more: &str| {
        format!(
            "[[app]]\nname = \"{name}\"\nclient_id = \"Iv1.{name}\"\nhost = \"{}\"\n{more}",
            fake.host()
        )
    };
    let both = format!("{}{}", app("one", ""), app("two", ""));
    configure(&both);
    let run = ask_at_home(&sandbox, &asked);
    assert!(
        told_once(&run, "several Apps match (one, two)") && run.stderr.contains(&place),
        "{run:?}"
    );
    let run = ask_at_home(&sandbox, &format!("{asked}path=o/r.git\n"));
    assert!(told_once(&run, "several Apps match (one, two)"), "{run:?}");
    configure(&app("one", "account = \"alice\"\n"));
    let run = ask_at_home(&sandbox, &format!("{asked}username=bob\n"));
    assert!(
        told_once(&run, "git asks for \"bob\"") && run.stderr.contains("(one)"),
        "{run:?}"
    );
    // A host that is not configured is none of ghtok's business, and neither is an owner that is not.
    configure(&app("one", "owners = [\"acme\"]\n"));
    assert!(silent(&ask_at_home(
        &sandbox,
        "protocol=https\nhost=example.com\n"
    )));
    assert!(silent(&ask_at_home(
        &sandbox,
        &format!("{asked}path=/other/x.git\n")
    )));
    let run = ask_at_home(&sandbox, &format!("{asked}path=//ACME//x.git\n"));
    assert!(told_once(&run, "one: not signed in"), "{run:?}");
}

#[test]
fn a_byte_order_mark_is_told_of_in_a_question_and_nothing_to_a_configuration() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let asked = format!("protocol=http\nhost={}\n", fake.host());
    let run = ask(&sandbox, "get", &format!("\u{feff}{asked}"));
    assert!(told_once(&run, "byte order mark"), "{run:?}");
    sandbox.configure("\u{feff}store = \"file\"\n");
    let run = ask(&sandbox, "get", &asked);
    assert!(
        run.stdout.contains("password=ghu_") && run.stderr.is_empty(),
        "{run:?}"
    );
}

#[test]
fn other_operations_are_none_of_ours() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let pair = sandbox.seed(&fake, HOUR);
    let lines = format!(
        "protocol=http\nhost={}\npassword={}\n",
        fake.host(),
        pair.access_token
    );
    let before = sandbox.record();
    for operation in ["store", "approve", "", "list", "GET"] {
        assert!(silent(&ask(&sandbox, operation, &lines)), "{operation:?}");
    }
    let capability = ask(&sandbox, "capability", "");
    assert_eq!(capability.stdout, "version 0\ncapability authtype\n");
    assert_eq!(sandbox.record(), before);
    sandbox.configure("nonsense = 1\n");
    assert!(
        silent(&ask(&sandbox, "store", &lines)),
        "needs no configuration"
    );
}

#[test]
fn p5_no_sign_in_means_one_line_for_the_person_and_nothing_for_git() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let lines = format!("protocol=http\nhost={}\n", fake.host());
    let run = ask(&sandbox, "get", &lines).expect_code(0);
    assert_eq!(run.stdout, "");
    assert_eq!(
        run.stderr,
        format!(
            "ghtok: {0}: not signed in; sign in with:\n  ghtok login --client-id {0} --host {1} --store file\n",
            fake_github::CLIENT_ID,
            fake.host()
        )
    );
    assert_eq!(fake.connections(), 0);
    sandbox.configure("[git]\nquit = true\n");
    assert_eq!(
        ask(&sandbox, "get", &lines).expect_code(0).stdout,
        "quit=1\n"
    );
    let foreign = "protocol=https\nhost=example.com\n";
    assert!(
        silent(&ask(&sandbox, "get", foreign)),
        "quit is for our hosts"
    );
}

#[test]
fn git_credential_fill_gets_each_form() {
    for git in gits() {
        let fake = FakeGitHub::start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let pair = sandbox.seed(&fake, HOUR);
        let desk = Desk::new(&sandbox, git);
        let asked = format!("protocol=http\nhost={}\n\n", fake.host());
        let plain = desk.credential("fill", &asked).expect_code(0);
        assert!(
            plain
                .stdout
                .contains(&format!("password={}\n", pair.access_token)),
            "{plain:?}"
        );
        assert!(plain.stdout.contains("password_expiry_utc=") || desk.git.age == Age::Password);
        assert!(!plain.stdout.contains("ghr_") && plain.stderr.is_empty());
        if desk.git.age == Age::Ephemeral {
            let asked = format!("capability[]=authtype\n{asked}");
            let filled = desk.credential("fill", &asked).expect_code(0);
            assert!(
                filled.stdout.contains("credential=") && filled.stdout.contains("ephemeral=1\n")
            );
            assert!(!filled.stdout.contains("password"), "{filled:?}");
        }
    }
}

#[test]
fn p5_foreign_hosts_are_left_to_git_and_nobody_is_asked() {
    for git in gits() {
        let fake = FakeGitHub::start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        sandbox.seed(&fake, HOUR);
        let desk = Desk::new(&sandbox, git);
        let foreign = "protocol=https\nhost=example.com\n\n";
        let run = desk.credential("fill", foreign);
        assert_eq!((run.code, run.stdout.as_str()), (Some(128), ""));
        assert!(run.stderr.contains("terminal prompts disabled"), "{run:?}");
        assert!(!run.stderr.contains("ghtok"));
        let mut command =
            desk.command(&["-c", "credential.interactive=false", "credential", "fill"]);
        command.env_remove("GIT_TERMINAL_PROMPT");
        let run = feed(&mut command, foreign.as_bytes());
        assert_eq!((run.code, run.stdout.as_str()), (Some(128), ""), "{run:?}");
        let ours = format!("protocol=http\nhost={}\n\n", fake.host());
        let mut command =
            desk.command(&["-c", "credential.interactive=false", "credential", "fill"]);
        assert!(
            feed(&mut command, ours.as_bytes())
                .stdout
                .contains("password=ghu_")
        );
    }
}

#[test]
fn a_configuration_folder_named_by_a_flag_is_found_without_variables_and_by_the_refresh() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let old = sandbox.seed(&fake, Duration::from_secs(60)).access_token;
    sandbox.configure(&format!(
        "store = \"file\"\n[[app]]\nname = \"main\"\nclient_id = \"{}\"\nhost = \"{}\"\n",
        fake_github::CLIENT_ID,
        fake.host()
    ));
    let folder = sandbox.config_dir();
    let asked = format!("protocol=http\nhost={}\n", fake.host());
    let ask = |folder: &std::path::Path| {
        let mut command = sandbox.command(
            Program::Real,
            [
                "git-credential".as_ref(),
                "--config-dir".as_ref(),
                folder.as_os_str(),
                "get".as_ref(),
            ],
        );
        for name in [
            "GHTOK_CONFIG_DIR",
            "GHTOK_CLIENT_ID",
            "GHTOK_HOST",
            "GHTOK_STORE",
        ] {
            command.env_remove(name);
        }
        feed(&mut command, asked.as_bytes())
    };
    let run = ask(&folder).expect_code(0);
    assert!(run.stdout.contains("password=ghu_"), "{run:?}");
    assert!(!run.stdout.contains(&old), "it was due: {run:?}");
    assert_eq!(fake.generation(), 1);
    let run = ask("config".as_ref());
    assert!(
        run.stdout.is_empty()
            && run
                .stderr
                .contains("--config-dir: \"config\" is not an absolute path"),
        "{run:?}"
    );
}

#[test]
fn git_finds_it_by_its_own_name_too() {
    for git in gits() {
        let fake = FakeGitHub::start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        sandbox.seed(&fake, HOUR);
        let desk = Desk::new(&sandbox, git);
        let folder = sandbox.home().join("bin");
        std::fs::create_dir(&folder).expect("a folder");
        symlink(path_of(Program::Real), folder.join("git-credential-ghtok")).expect("a link");
        desk.configure(&["ghtok"]);
        let mut command: Command = desk.command(&["credential", "fill"]);
        let path = std::env::var("PATH").expect("a path");
        command.env("PATH", format!("{}:{path}", folder.display()));
        let asked = format!("protocol=http\nhost={}\n\n", fake.host());
        let run = feed(&mut command, asked.as_bytes()).expect_code(0);
        assert!(run.stdout.contains("password=ghu_"), "{run:?}");
    }
}
