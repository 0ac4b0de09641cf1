//! Where an App is installed: what is asked of GitHub and kept, and that git's other helpers are asked
//! where it is not (P13).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use fake_github::{
    App, Builder, CLIENT_ID, Cut, Endpoint, Failure, FakeGitHub, Fault, Installation, Installed,
};
use ghtok::testing::auth::ports::TokenStore;
use ghtok::testing::auth::reach::{Installations, Reach, Selection};
use ghtok::testing::store::reach;
use tempfile::TempDir;

use crate::support::deadline::{LIMIT, run};
use crate::support::git::{Desk, add_repository, feed, files_with, gits, helper};
use crate::support::processes::{Watch, eventually};
use crate::support::sandbox::{Program, Run, Sandbox, as_configured, now, path_of, record_of};
use crate::support::signing_in::{hurried_fake, sign_in};

pub(super) const HOUR: Duration = Duration::from_secs(3600);
const DUE: Duration = Duration::from_secs(60);
const OTHER: &str = "Iv1.other";

/// The App is installed on one of acme's repositories, and on the person's; another App on all of
/// acme's.
fn installed(builder: Builder) -> Builder {
    let own = vec![
        Installed::on("acme").selected(["app"]),
        Installed::on("octocat"),
    ];
    let others = vec![Installed::on("acme")];
    builder
        .app(App::new(CLIENT_ID).installation(Installation::On(own)))
        .app(App::new(OTHER).installation(Installation::On(others)))
}

fn start() -> (FakeGitHub, Sandbox) {
    let fake = installed(hurried_fake()).start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    (fake, sandbox)
}

fn reach_file(sandbox: &Sandbox) -> PathBuf {
    sandbox.state_folder().reach(&sandbox.app().key())
}

fn ask(sandbox: &Sandbox, fake: &FakeGitHub, path: &str) -> Run {
    let lines = format!("protocol=http\nhost={}\npath={path}\n", fake.host());
    let mut command = sandbox.command(Program::Real, ["git-credential", "get"]);
    feed(&mut command, lines.as_bytes()).expect_code(0)
}

fn is_answered(run: &Run) -> bool {
    let is_silent = run.stdout.is_empty() && run.stderr.is_empty();
    assert!(is_silent || run.stdout.contains("password=ghu_"), "{run:?}");
    !is_silent
}

/// Waits until nobody asks GitHub any more.
pub(super) fn all_have_asked(sandbox: &Sandbox) {
    let watch = Watch::over(sandbox);
    watch.no_refresher();
    eventually("the end of the questions", || {
        watch.running("ask-reach").is_empty().then_some(())
    });
}

/// Makes what is known this much older.
fn age(sandbox: &Sandbox, by: Duration) -> Vec<u8> {
    let file = reach_file(sandbox);
    let mut known = reach::read(&file).expect("something known");
    known.asked_at.0 -= i64::try_from(by.as_secs()).expect("seconds");
    reach::write(&file, &known).expect("a file");
    fs::read(file).expect("a file")
}

#[test]
fn p13_git_goes_on_with_the_users_own_helper_where_the_app_is_not_installed() {
    for git in gits() {
        let root = TempDir::new().expect("a folder");
        for name in ["octocat/hello", "acme/app", "acme/other", "else/open"] {
            add_repository(root.path(), name);
        }
        let builder = installed(hurried_fake()).git_root(root.path());
        let fake = builder
            .public_repository("else/open")
            .start()
            .expect("a fake");
        let sandbox = Sandbox::new(&fake);
        sign_in(&fake, &sandbox, &["login"]).expect_code(0);
        let ours = sandbox.record().tokens.access_token().expose().to_owned();
        let others = fake.mint(OTHER).access_token;
        let (own, notes) = (sandbox.home().join("own"), sandbox.home().join("asked"));
        let script = format!(
            "#!/bin/sh\necho \"--- $1\" >>{0}\ncat >>{0}\n[ \"$1\" != get ] || printf 'username=me\\npassword=%s\\n' {others}\n",
            notes.display()
        );
        fs::write(&own, script).expect("a script");
        fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).expect("a mode");
        let desk = Desk::new(&sandbox, git);
        let ghtok = path_of(Program::Real);
        let through = format!("{} git-credential --via {}", ghtok.display(), own.display());
        desk.configure(&[&helper(), &through]);
        let path = ["-c", "credential.useHttpPath=true"];
        let with_path = |arguments: &[&str]| {
            let run = desk.well(&[&path[..], arguments].concat());
            assert!(!run.stderr.contains("ghtok"), "{run:?}");
            fs::read_to_string(&notes).unwrap_or_default()
        };
        let clone = |name: &str| {
            let from = format!("{}/{name}.git", fake.base_url());
            with_path(&["clone", "--quiet", &from, &name.replace('/', "-")])
        };
        // Reached: the other helper is asked nothing, and stores nothing.
        assert_eq!(clone("acme/app"), "", "{:?}", desk.git);
        assert_eq!(clone("octocat/hello"), "");
        let commit = ["commit", "--quiet", "--allow-empty", "-m", "second"];
        with_path(&[&["-C", "octocat-hello"], &commit[..]].concat());
        assert_eq!(with_path(&["-C", "octocat-hello", "push", "--quiet"]), "");
        assert_eq!(files_with(sandbox.home(), &ours), [sandbox.record_file()]);
        // Readable by everybody: nobody is asked.
        assert_eq!(clone("else/open"), "");
        // Out of reach: as before ghtok was set up.
        let told = clone("acme/other");
        assert!(
            told.starts_with("--- get\n") && !told.contains("path="),
            "{told}"
        );
        assert!(
            told.contains("--- store\n"),
            "what is its own it stores: {told}"
        );
        assert!(!told.contains(&ours));
        assert!(fake.violations().is_empty(), "{:?}", fake.violations());
    }
}

#[test]
fn p13_a_sign_in_asks_and_keeps_where_the_app_is_installed_and_logout_forgets_it() {
    let (fake, sandbox) = start();
    sign_in(&fake, &sandbox, &["login"]).expect_code(0);
    assert_eq!(fake.count(Endpoint::Installations), 2);
    let file = reach_file(&sandbox);
    let mode = fs::metadata(&file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let kept = fs::read_to_string(&file).expect("text");
    assert!(!kept.contains("ghu_") && !kept.contains("ghr_"), "{kept}");
    for (path, answered) in [
        ("acme/app.git", true),
        ("/ACME//App", true),
        ("octocat/anything.git", true),
        ("acme/other.git", false),
        ("else/app.git", false),
        ("", true),
    ] {
        assert_eq!(is_answered(&ask(&sandbox, &fake, path)), answered, "{path}");
    }
    for damaged in ["", "{", "[]", "{\"v\":2}", "{\"v\":1,\"installations\":[]}"] {
        fs::write(&file, damaged).expect("a file");
        assert!(
            is_answered(&ask(&sandbox, &fake, "else/app.git")),
            "{damaged}"
        );
    }
    run(&sandbox, &["logout"]).expect_code(0);
    assert!(!file.exists());
    let marks = sandbox.state_folder().fingerprints(&sandbox.app().key());
    assert!(!marks.exists());
}

#[test]
fn of_several_apps_the_one_that_is_installed_answers() {
    let (fake, sandbox) = start();
    let pair = sandbox.seed(&fake, HOUR);
    let other = fake.mint(OTHER);
    let app = |name: &str, id: &str| {
        format!(
            "[[app]]\nname = \"{name}\"\nclient_id = \"{id}\"\nhost = \"{}\"\n",
            fake.host()
        )
    };
    sandbox.configure(&format!(
        "store = \"file\"\ndefault_app = \"own\"\n{}{}",
        app("own", CLIENT_ID),
        app("other", OTHER)
    ));
    let key = sandbox.app().key();
    let other_key = key.as_str().replace(CLIENT_ID, OTHER);
    let folder = sandbox.state_folder();
    let other_file = |folder: PathBuf, kind: &str| {
        folder.join(format!(
            "{}{kind}",
            other_key.replace(':', "%3A").replace('/', "%2F")
        ))
    };
    let record = other_file(folder.records(), "");
    fs::write(
        &record,
        ghtok::testing::store::record::encode(&record_of(&other, HOUR)),
    )
    .expect("a record");
    fs::set_permissions(&record, fs::Permissions::from_mode(0o600)).expect("a mode");
    let known = |owner: &str| Reach {
        user_id: Some(583_231),
        asked_at: now(),
        installations: Installations {
            installed: vec![ghtok::testing::auth::reach::Installation::new(
                owner,
                Selection::All,
            )],
            is_whole: true,
            ..Installations::default()
        },
    };
    reach::write(&folder.reach(&key), &known("octocat")).expect("a file");
    let file = other_file(sandbox.state_dir(), ".reach");
    reach::write(&file, &known("acme")).expect("a file");
    let token = |path: &str| {
        let lines = format!("protocol=http\nhost={}\npath={path}\n", fake.host());
        let mut command = sandbox.command(Program::Real, ["git-credential", "get"]);
        as_configured(&mut command);
        feed(&mut command, lines.as_bytes()).expect_code(0).stdout
    };
    assert!(token("octocat/x.git").contains(&pair.access_token));
    assert!(token("acme/x.git").contains(&other.access_token));
    assert_eq!(token("else/x.git"), "");
    assert!(token("").contains(&pair.access_token), "the default App");
}

#[test]
fn once_a_day_a_refresh_is_followed_by_a_question_that_nobody_waits_for() {
    let (fake, sandbox) = start();
    let get = || run(&sandbox, &["get"]).expect_code(0);
    sandbox.seed(&fake, DUE);
    // The caller has its token while the question is open.
    fake.fail_next(Endpoint::Installations, Fault::before(Failure::Gate));
    get();
    fake.wait_for_held(Endpoint::Installations, 1, LIMIT)
        .expect("a question");
    let store = sandbox.store();
    eventually("the end of the refresher, and with it of its lock", || {
        let locked = TokenStore::try_lock(&store).expect("a folder");
        locked.is_some().then_some(())
    });
    fake.release(Endpoint::Installations);
    all_have_asked(&sandbox);
    assert_eq!(fake.count(Endpoint::Installations), 2);
    assert!(reach::read(&reach_file(&sandbox)).is_some());
    // Not again on the same day.
    sandbox.seed(&fake, DUE);
    get();
    all_have_asked(&sandbox);
    assert_eq!(
        (fake.generation(), fake.count(Endpoint::Installations)),
        (2, 2)
    );
    // And again on the next.
    age(&sandbox, HOUR * 24);
    sandbox.seed(&fake, DUE);
    get();
    all_have_asked(&sandbox);
    assert_eq!(
        (fake.generation(), fake.count(Endpoint::Installations)),
        (3, 4)
    );
    assert_eq!(fake.violations(), []);
}

#[test]
fn a_question_that_fails_changes_nothing() {
    let (fake, sandbox) = start();
    sign_in(&fake, &sandbox, &["login"]).expect_code(0);
    let old = age(&sandbox, HOUR * 25);
    for failure in [
        Failure::Status(500),
        Failure::Html,
        Failure::Cut(Cut::HalfBody),
        Failure::Reset,
    ] {
        let before = fake.count(Endpoint::Installations);
        fake.fail_always(Endpoint::Installations, Fault::before(failure.clone()));
        sandbox.seed(&fake, DUE);
        let run = run(&sandbox, &["get"]).expect_code(0);
        assert_eq!(run.stderr, "", "{failure:?}");
        eventually("a question", || {
            (fake.count(Endpoint::Installations) > before).then_some(())
        });
        all_have_asked(&sandbox);
        let kept = fs::read(reach_file(&sandbox)).expect("a file");
        assert_eq!(kept, old, "{failure:?}");
    }
    // A sign-in does not wait for it longer than its limit, and is one all the same.
    fs::remove_file(reach_file(&sandbox)).expect("a file");
    fake.fail_always(Endpoint::Installations, Fault::before(Failure::Hang));
    sign_in(&fake, &sandbox, &["login", "--force"]).expect_code(0);
    assert!(!reach_file(&sandbox).exists());
    assert!(
        is_answered(&ask(&sandbox, &fake, "else/app.git")),
        "unknown is reached"
    );
}

#[test]
fn what_is_known_of_another_person_does_not_outlive_their_sign_in() {
    for (user_id, stays) in [(Some(583_231), true), (Some(1), false), (None, false)] {
        let (fake, sandbox) = start();
        sandbox.state_folder().create().expect("a folder");
        let known = Reach {
            user_id,
            asked_at: now(),
            installations: Installations {
                installed: vec![],
                is_whole: true,
                ..Installations::default()
            },
        };
        reach::write(&reach_file(&sandbox), &known).expect("a file");
        fake.fail_always(Endpoint::Installations, Fault::before(Failure::Status(500)));
        sign_in(&fake, &sandbox, &["login"]).expect_code(0);
        assert_eq!(reach_file(&sandbox).exists(), stays, "{user_id:?}");
    }
}

#[test]
fn an_app_that_was_just_installed_is_found_by_a_forced_refresh() {
    let app = App::new(CLIENT_ID).installation(Installation::Nowhere);
    let fake = hurried_fake().app(app).start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sign_in(&fake, &sandbox, &["login"]).expect_code(0);
    assert!(!is_answered(&ask(&sandbox, &fake, "acme/app.git")));
    let acme = Installation::On(vec![Installed::on("acme")]);
    fake.install(CLIENT_ID, &acme);
    run(&sandbox, &["refresh", "--force"]).expect_code(0);
    assert!(is_answered(&ask(&sandbox, &fake, "acme/app.git")));
    all_have_asked(&sandbox);
    assert_eq!(fake.count(Endpoint::Installations), 2);
    // Twice in a row it is asked once.
    run(&sandbox, &["refresh", "--force"]).expect_code(0);
    all_have_asked(&sandbox);
    assert_eq!(fake.count(Endpoint::Installations), 2);
}
