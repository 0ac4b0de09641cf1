//! An environment, arguments and a mask of permissions that nobody would choose.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fake_github::CLIENT_ID;

use super::{COMMANDS, EXEC, FORCE, GET, GIT, Home, LOGIN, LOGOUT, MCP, run, said};
use crate::support::mount::SmallDisk;
use crate::support::sandbox::{Program, Sandbox, path_of};
use crate::support::signing_in::decide;

const NO_TEXT: &[u8] = b"\xff\xfe/x";

/// The variables whose text must be understood, and those that are paths or another program's.
const TEXTS: [&str; 5] = [
    "GHTOK_APP",
    "GHTOK_CLIENT_ID",
    "GHTOK_HOST",
    "GHTOK_STORE",
    "GHTOK_LOG",
];
const OTHERS: [&str; 14] = [
    "HTTPS_PROXY",
    "NO_PROXY",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "GH_HOST",
    "GITHUB_HOST",
    "GH_TOKEN",
    "PATH",
    "TZ",
    "LC_ALL",
    "RUST_BACKTRACE",
    "SSL_CERT_FILE",
    "BROWSER",
];

#[test]
fn a_variable_that_is_no_text_is_named_or_passed_over() {
    for name in TEXTS {
        let home = Home::new();
        for arguments in COMMANDS {
            let mut command = home.command(arguments);
            command.env(name, OsStr::from_bytes(NO_TEXT));
            let run = run(command, arguments);
            let code = if matches!(arguments, EXEC | MCP) {
                125
            } else {
                2
            };
            assert_eq!(run.code, Some(code), "{name}: {arguments:?}: {run:?}");
            let says = format!("{name}: the value is not UTF-8 text");
            assert!(run.stderr.contains(&says), "{arguments:?}: {run:?}");
        }
        home.expect_kept(name);
    }
    for name in OTHERS {
        let home = Home::new();
        for arguments in COMMANDS.into_iter().chain([FORCE]) {
            // Without a PATH there is no `true`; whether `sed` is looked for depends on who is faster.
            if name == "PATH" && arguments == MCP {
                continue;
            }
            let mut command = home.command(arguments);
            command.env(name, OsStr::from_bytes(NO_TEXT));
            let run = run(command, arguments);
            let code = if name == "PATH" && arguments == EXEC {
                127
            } else {
                0
            };
            assert_eq!(run.code, Some(code), "{name}: {arguments:?}: {run:?}");
        }
        home.expect_kept(name);
    }
}

#[test]
fn a_variable_that_a_command_does_not_use_is_not_judged() {
    let home = Home::new();
    let bad = [
        ("GHTOK_STORE", "moon"),
        ("GHTOK_HOST", "https://ghes.example/path"),
        ("GHTOK_CLIENT_ID", "no ID"),
        ("GHTOK_APP", "nobody"),
    ];
    let run_with = |bad: &[(&str, &str)], arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.envs(bad.iter().copied());
        run(command, arguments)
    };
    let store = &bad[..1];
    for arguments in [
        &["setup", "git", "--print"][..],
        &["setup", "mcp", "claude-code"],
        &["schedule", "status"],
    ] {
        let run = run_with(store, arguments);
        assert_eq!(run.code, Some(0), "{arguments:?}: {run:?}");
        assert!(!run.stderr.contains("GHTOK_STORE"), "{run:?}");
    }
    for arguments in [GET, &["status"], LOGIN, LOGOUT, GIT, &["logout", "--all"]] {
        let run = run_with(store, arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains("GHTOK_STORE: \"moon\""), "{run:?}");
    }
    // It is told before anything else that is wrong with the call.
    for arguments in [
        &["get", "nobody"][..],
        &["headers", "nobody"],
        &["refresh", "nobody"],
        &["exec", "gh"],
        &["exec", "nobody", "--", "true"],
        &["mcp", "nobody", "--", "true"],
    ] {
        let run = run_with(store, arguments);
        assert!(run.stderr.contains("GHTOK_STORE: \"moon\""), "{run:?}");
    }
    // A flag overrules each of them; the name of an App, those that describe one.
    let host = home.fake.host();
    let (client_id, host) = (format!("--client-id={CLIENT_ID}"), format!("--host={host}"));
    let described = ["get", &client_id, &host, "--store=file"];
    assert_eq!(run_with(&bad, &described).code, Some(0));
    for arguments in [&["get", "main"][..], &["status", "main", "--check"]] {
        let run = run_with(&bad[1..], arguments);
        assert_eq!(run.code, Some(0), "{arguments:?}: {run:?}");
    }
    home.expect_kept("variables that nobody uses");
}

#[test]
fn an_argument_that_is_no_text_is_a_usage_error() {
    let home = Home::new();
    let odd = OsStr::from_bytes(NO_TEXT);
    for before in [
        &["get"][..],
        &["get", "--app"],
        &["get", "--min-ttl"],
        &["get", "--client-id"],
        &["login"],
        &["logout"],
        &["status"],
        &["headers"],
        &["refresh"],
        &["setup"],
        &["nonsense"],
    ] {
        let arguments: Vec<&OsStr> = before.iter().map(OsStr::new).chain([odd]).collect();
        let model = home.command(GET);
        let run = run(
            with_arguments(&model, model.get_program(), &arguments),
            before,
        );
        assert_eq!(run.code, Some(2), "{before:?}: {run:?}");
    }
    // A command's own arguments are its own affair.
    let script = "printf '%s' \"$1\" | od -An -tx1";
    let words = [OsStr::new("exec"), OsStr::new("--"), OsStr::new("sh")];
    let arguments: Vec<&OsStr> = words
        .into_iter()
        .chain(["-c", script, "sh"].map(OsStr::new))
        .chain([odd])
        .collect();
    let model = home.command(EXEC);
    let run = run(
        with_arguments(&model, model.get_program(), &arguments),
        EXEC,
    );
    assert_eq!(run.stdout.trim(), "ff fe 2f 78", "{run:?}");
    home.expect_kept("odd arguments");
}

/// The same call of another program, or with other arguments.
fn with_arguments(model: &Command, program: &OsStr, arguments: &[&OsStr]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env_clear();
    let set = model
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    command.envs(set.map(|(name, value)| (name.to_owned(), value.to_owned())));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A command whose home is this and who is told nothing else of its folders.
fn at_home(home: &Home, place: Option<&Path>, arguments: &[&str]) -> Command {
    let mut command = home.sandbox.command(Program::Real, arguments);
    command
        .env_remove("GHTOK_STATE_DIR")
        .env_remove("GHTOK_CONFIG_DIR")
        .env_remove("HOME")
        .env("PATH", "/usr/bin:/bin")
        .stdin(home.input(arguments));
    if let Some(place) = place {
        command.env("HOME", place);
    }
    command
}

#[test]
fn a_home_that_is_none_is_named() {
    let home = Home::new();
    for arguments in COMMANDS {
        let run = run(
            at_home(&home, Some(Path::new("home")), arguments),
            arguments,
        );
        let code = if matches!(arguments, EXEC | MCP) {
            125
        } else {
            2
        };
        assert_eq!(run.code, Some(code), "{arguments:?}: {run:?}");
        assert!(
            said(&run).contains("HOME: \"home\" is not an absolute path"),
            "{run:?}"
        );
    }
    for place in ["/dev/null", "/proc/1/no/home"] {
        let login = run(at_home(&home, Some(Path::new(place)), LOGIN), LOGIN);
        assert_eq!(login.code, Some(1), "{login:?}");
        assert!(
            login.stderr.contains(&format!("cannot create {place}")),
            "{login:?}"
        );
        let get = run(at_home(&home, Some(Path::new(place)), GET), GET);
        assert_eq!(get.code, Some(4), "{get:?}");
    }
    home.expect_kept("no home");
}

/// Without HOME the password database says where home is; an account that it does not know has none.
#[test]
fn an_account_without_a_home_is_told_what_to_set() {
    let home = Home::new();
    if !rustix::process::geteuid().is_root() {
        skip!("only root can become somebody whom nobody knows");
        return;
    }
    let program = reachable(&home.sandbox);
    for arguments in COMMANDS {
        let model = at_home(&home, None, arguments);
        let words: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let mut command = with_arguments(&model, program.as_os_str(), &words);
        command.stdin(home.input(arguments)).uid(54_321).gid(54_321);
        let run = run(command, arguments);
        let code = if matches!(arguments, EXEC | MCP) {
            125
        } else {
            2
        };
        assert_eq!(run.code, Some(code), "{arguments:?}: {run:?}");
        assert!(
            run.stderr.contains("this account has no home folder"),
            "{run:?}"
        );
    }
}

/// A copy of the program in a folder that everybody may enter.
fn reachable(sandbox: &Sandbox) -> PathBuf {
    let program = sandbox.home().join("ghtok");
    // Not by us: a descriptor that is open for writing while another test starts a process would be
    // inherited, and keep the copy from being run.
    let copied = Command::new("cp")
        .arg(path_of(Program::Real))
        .arg(&program)
        .status();
    assert!(copied.expect("cp").success());
    fs::set_permissions(sandbox.home(), fs::Permissions::from_mode(0o755)).expect("mode");
    program
}

#[test]
fn a_home_of_another_user_is_left_alone() {
    let home = Home::new();
    if !rustix::process::geteuid().is_root() {
        skip!("only root makes other users' folders");
        return;
    }
    let place = home.sandbox.home().join("theirs");
    fs::create_dir(&place).expect("a folder");
    chown(&place, Some(65_534), Some(65_534)).expect("another's");
    for arguments in COMMANDS {
        let run = run(at_home(&home, Some(&place), arguments), arguments);
        if arguments == LOGIN {
            assert_eq!(run.code, Some(1), "{run:?}");
            let says = "it belongs to another user; check HOME";
            assert!(run.stderr.contains(says), "{run:?}");
        }
    }
    let left = fs::read_dir(&place).expect("a folder").count();
    assert_eq!(left, 0, "something was written into another's home");
}

#[test]
fn no_mask_of_permissions_opens_a_file_or_locks_us_out() {
    for mask in ["000", "777", "022"] {
        let home = Home::new();
        fs::remove_dir_all(home.sandbox.state_dir()).expect("gone");
        let login = under(&home, mask, LOGIN);
        let signed_in = decide(&home.fake, login, |code| {
            home.fake.approve(code);
        });
        assert_eq!(signed_in.code, Some(0), "{mask}: {signed_in:?}");
        for arguments in [FORCE, GET, &["-vv", "refresh", "--force"]] {
            let run = run(under(&home, mask, arguments), arguments);
            assert_eq!(run.code, Some(0), "{mask}: {run:?}");
        }
        expect_private(&home.sandbox.state_dir());
    }
}

/// The same call from a shell with this umask.
fn under(home: &Home, mask: &str, arguments: &[&str]) -> Command {
    let model = home.command(arguments);
    let script = format!("umask {mask}; exec \"$0\" \"$@\"");
    let before = [OsStr::new("-c"), OsStr::new(&script), model.get_program()];
    let words: Vec<&OsStr> = before.into_iter().chain(model.get_args()).collect();
    with_arguments(&model, OsStr::new("/bin/sh"), &words)
}

fn expect_private(folder: &Path) {
    let mode = |path: &Path| fs::metadata(path).expect("it").mode() & 0o777;
    assert_eq!(mode(folder), 0o700, "{}", folder.display());
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            expect_private(&path);
        } else {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
    }
}

fn mode_of(place: &Path) -> u32 {
    fs::metadata(place).expect("there").mode() & 0o777
}

#[test]
fn open_folders_that_variables_name_are_refused_and_the_hint_cures_it() {
    let home = Home::new();
    let cases = [
        (
            home.sandbox.config_dir(),
            0o775,
            "other users may write it",
            0o755,
        ),
        (
            home.sandbox.config_dir(),
            0o757,
            "other users may write it",
            0o755,
        ),
        (
            home.sandbox.state_dir(),
            0o750,
            "other users may read or write it",
            0o700,
        ),
        (
            home.sandbox.state_dir(),
            0o701,
            "other users may read or write it",
            0o700,
        ),
    ];
    for (folder, open, says, fixed) in cases {
        let set = |mode| fs::set_permissions(&folder, Permissions::from_mode(mode)).expect("mode");
        set(open);
        for arguments in [GET, &["status"], LOGIN, LOGOUT] {
            let run = home.run(arguments);
            assert_eq!(run.code, Some(1), "{open:o}: {arguments:?}: {run:?}");
            assert!(run.stderr.contains(says), "{open:o}: {run:?}");
            let (_, fix) = run.stderr.split_once("chmod ").expect("a hint");
            let mut shell = Command::new("sh");
            let status = shell.args(["-c", &format!("chmod {fix}")]).status();
            assert!(status.expect("sh").success(), "{fix}");
            assert_eq!(mode_of(&folder), fixed, "{open:o}: {fix}");
            home.expect_kept("a folder that was closed");
            set(open);
        }
        set(0o700);
    }
}

#[test]
fn an_open_folder_of_ghtoks_own_choice_is_made_private() {
    let home = Home::new();
    let own = home.sandbox.home().join(".local/state/ghtok");
    fs::create_dir_all(own.parent().expect("a parent")).expect("folders");
    fs::rename(home.sandbox.state_dir(), &own).expect("moved");
    fs::set_permissions(&own, Permissions::from_mode(0o755)).expect("mode");
    for (arguments, then) in [(GET, 0o755), (FORCE, 0o700)] {
        let run = run(
            at_home(&home, Some(home.sandbox.home()), arguments),
            arguments,
        );
        assert_eq!(run.code, Some(0), "{arguments:?}: {run:?}");
        assert_eq!(mode_of(&own), then, "{arguments:?}");
    }
}

#[test]
fn folders_that_cannot_be_written_leave_a_good_token_served() {
    let home = Home::new();
    let record = fs::read(home.sandbox.record_file()).expect("a record");
    fs::remove_dir_all(home.sandbox.state_dir()).expect("gone");
    let Some(disk) = SmallDisk::mount(&home.sandbox.state_dir()) else {
        return;
    };
    home.sandbox.put_bytes(&record);
    disk.set_read_only();
    for arguments in COMMANDS.into_iter().chain([FORCE, LOGOUT]) {
        let run = home.run(arguments);
        let needs_to_write = arguments == FORCE || arguments == LOGOUT;
        assert_eq!(
            run.code,
            Some(if needs_to_write { 6 } else { 0 }),
            "{arguments:?}: {run:?}"
        );
        if needs_to_write {
            assert!(run.stderr.contains("read-only file system"), "{run:?}");
        }
    }
    // A good sign-in is told of, and what later calls will not know of it.
    let run = home.run(&["login", "--store", "file"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let note = "without the same --store: cannot write";
    assert!(
        run.stderr.contains("already signed in as octocat"),
        "{run:?}"
    );
    assert!(run.stderr.contains(note), "{run:?}");
    assert_eq!(home.run(LOGIN).stderr.matches("ghtok: ").count(), 0);
    disk.set_writable();
    home.expect_kept("a read-only state folder");
}
