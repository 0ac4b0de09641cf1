//! Something else in the place of each of our files and folders.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use ghtok::testing::store::dialog::SharedDialog;
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use super::{CHECK, COMMANDS, EXEC, FORCE, GET, GIT, Home, LOGIN, LOGOUT, MCP, run, said};
use crate::support::processes::Watch;

/// What is put there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Odd {
    /// A link to the right thing, elsewhere.
    Link,
    LinkToNowhere,
    Pipe,
    Folder,
    Device,
    Socket,
    HardLink,
    /// The right thing, of another user.
    Foreign,
    /// The right thing, for everybody to write.
    Open,
    /// A file with something else in it.
    Garbage,
}
use Odd::*;

/// All of them; the two that take root only where there is root.
fn odd_things() -> Vec<Odd> {
    let mut all = vec![
        Link,
        LinkToNowhere,
        Pipe,
        Folder,
        Socket,
        HardLink,
        Open,
        Garbage,
    ];
    if rustix::process::geteuid().is_root() {
        all.extend([Device, Foreign]);
    } else {
        skip!("only root makes devices and other users' files");
    }
    all
}

/// What comes of it.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// Nothing.
    Works,
    /// Nothing runs without a configuration: every command ends with this code and says so.
    NoConfiguration(i32, &'static str),
    /// The sign-in cannot be read: who needs it ends with this code and says so.
    NoRecord(i32, &'static str),
    /// Everything is as if nobody had signed in.
    SignedOut,
    /// A token that is good is served; a refresh ends with 1 and says so, with nothing sent.
    NoRefresh(&'static str),
}
use Then::*;

const NO_FILE: &str = "it is not a regular file";
const NO_FOLDER: &str = "it is not a folder";
const A_LINK: &str = "it is a symbolic link";
const SECOND: &str = "it has a second hard link";
const FOREIGN: &str = "it belongs to another user";
const OPEN: &str = "other users may read or write it (mode 0666)";
const A_FOLDER: &str = "it is a folder";

fn in_place_of_the_configuration(odd: Odd) -> Then {
    match odd {
        Link | HardLink => Works,
        LinkToNowhere => NoConfiguration(2, "no GitHub App is configured"),
        Pipe | Device | Socket => NoConfiguration(1, NO_FILE),
        Folder => NoConfiguration(1, A_FOLDER),
        Foreign => NoConfiguration(1, FOREIGN),
        Open => NoConfiguration(1, "other users may write it (mode 0666)"),
        Garbage => NoConfiguration(2, "config.toml, line 1: "),
    }
}

/// The folder that `GHTOK_STATE_DIR` names: ghtok does not change its rights unasked.
fn in_place_of_the_state_folder(odd: Odd) -> Then {
    match odd {
        Foreign => NoConfiguration(1, FOREIGN),
        Open => NoConfiguration(1, "other users may read or write it (mode 0777)"),
        odd => in_place_of_a_folder(odd),
    }
}

/// A folder that ghtok made itself, such as the one of the records.
fn in_place_of_a_folder(odd: Odd) -> Then {
    match odd {
        // One that is open is made private.
        Link | HardLink | Open => Works,
        LinkToNowhere | Pipe | Device | Socket | Garbage => NoRecord(1, NO_FOLDER),
        Folder => SignedOut,
        Foreign => NoRefresh(FOREIGN),
    }
}

fn in_place_of_the_record(odd: Odd) -> Then {
    match odd {
        Garbage => NoRecord(1, "is damaged"),
        odd => match in_place_of_a_file(odd) {
            NoRefresh(says) => NoRecord(1, says),
            then => then,
        },
    }
}

/// A lock, an outcome: what a refresh writes and a good token does without.
fn in_place_of_a_file(odd: Odd) -> Then {
    match odd {
        Link | LinkToNowhere => NoRefresh(A_LINK),
        Pipe | Device | Socket => NoRefresh(NO_FILE),
        Folder => NoRefresh(A_FOLDER),
        HardLink => NoRefresh(SECOND),
        Foreign => NoRefresh(FOREIGN),
        Open => NoRefresh(OPEN),
        Garbage => Works,
    }
}

/// What is made anew each time: whatever has its name goes, but a folder with something in it.
fn in_place_of_what_is_made_anew(odd: Odd) -> Then {
    match odd {
        Folder => NoRefresh("is a directory"),
        _ => Works,
    }
}

/// What comes of each odd thing in a place.
type Rule = fn(Odd) -> Then;

/// The table: each place, and what comes of something odd there.
fn places(home: &Home) -> Vec<(PathBuf, Rule)> {
    let state = home.sandbox.state_folder();
    let key = home.sandbox.app().key();
    let mut beside = home.sandbox.record_file().into_os_string();
    beside.push(".new");
    vec![
        (
            home.sandbox.config_dir().join("config.toml"),
            in_place_of_the_configuration,
        ),
        (home.sandbox.state_dir(), in_place_of_the_state_folder),
        (state.records(), in_place_of_a_folder),
        (home.sandbox.record_file(), in_place_of_the_record),
        (state.lock(&key), in_place_of_a_file),
        (state.outcome(&key), in_place_of_a_file),
        (beside.into(), in_place_of_what_is_made_anew),
        (state.rescue(&key), in_place_of_what_is_made_anew),
        // A log that cannot be had holds nobody up.
        (state.log(&key), |_| Works),
    ]
}

#[test]
fn something_else_in_the_place_of_each_of_our_files_is_named_and_costs_nothing() {
    let mut seen = 0;
    for number in 0..places(&Home::new()).len() {
        for odd in odd_things() {
            let home = Home::new();
            let (place, then) = places(&home).swap_remove(number);
            let what = format!("{odd:?} in place of {}", place.display());
            let planted = Planted::new(&place, odd);
            seen += expect(&home, then(odd), &what);
            drop(planted);
            home.expect_kept(&what);
            let planted = Planted::new(&place, odd);
            let out = run(home.command(LOGOUT), LOGOUT);
            drop(planted);
            if out.code != Some(0) {
                home.expect_kept(&what);
            }
        }
    }
    println!("{seen} runs");
}

/// Runs every command, and says how many.
fn expect(home: &Home, then: Then, what: &str) -> usize {
    let mut commands = COMMANDS.to_vec();
    match then {
        // It would begin a sign-in.
        SignedOut => commands.retain(|command| *command != LOGIN),
        Works | NoRefresh(_) => commands.push(FORCE),
        NoConfiguration(..) | NoRecord(..) => {}
    }
    let watch = Watch::over(&home.sandbox);
    for arguments in &commands {
        let run = run(home.command(arguments), arguments);
        let (code, says) = expected(arguments, then);
        assert_eq!(run.code, Some(code), "{what}: {arguments:?}: {run:?}");
        assert!(said(&run).contains(says), "{what}: {arguments:?}: {run:?}");
        watch.no_refresher();
    }
    commands.len()
}

/// The exit code of a command, and what it says.
fn expected(arguments: &[&str], then: Then) -> (i32, &'static str) {
    // A status names it and ends well; who wants a code asks for it.
    let reads_no_record = arguments[0] == "setup" || arguments == ["status"];
    match then {
        NoConfiguration(_, says) if matches!(arguments, EXEC | MCP) => (125, says),
        // Without an App none is git's.
        NoConfiguration(2, says) if arguments == GIT && says.starts_with("no ") => (0, ""),
        // What is stored is shown without an App, too.
        NoConfiguration(2, says) if arguments == ["status"] && says.starts_with("no ") => (0, ""),
        NoConfiguration(code, says) => (code, says),
        NoRecord(code, says) => match arguments {
            EXEC => (125, says),
            GIT => (0, says),
            // It says so when a tool is called.
            MCP => (0, ""),
            _ if reads_no_record => (0, ""),
            _ => (code, says),
        },
        SignedOut => match arguments {
            EXEC => (125, "not signed in"),
            GIT => (0, "not signed in"),
            CHECK => (4, "not signed in"),
            MCP => (0, ""),
            _ if reads_no_record => (0, ""),
            _ => (4, "not signed in"),
        },
        NoRefresh(says) if arguments == FORCE => (1, says),
        Works | NoRefresh(_) => (0, ""),
    }
}

/// Something odd in a place, until it is dropped: then the right thing is back.
struct Planted {
    place: PathBuf,
    /// Where the right thing is, or its second name.
    aside: PathBuf,
    was_there: bool,
}

impl Planted {
    fn new(place: &Path, odd: Odd) -> Self {
        let aside = place.with_file_name("aside");
        let was_there = place.exists();
        if !was_there {
            fs::write(place, "").expect("a file");
            make_ours(place);
        }
        match odd {
            Foreign => chown(place, Some(65_534), None).expect("another's"),
            Open => {
                let mode = if place.is_dir() { 0o777 } else { 0o666 };
                fs::set_permissions(place, Permissions::from_mode(mode)).expect("mode");
            }
            // A folder has one name.
            HardLink if place.is_dir() => {}
            HardLink => fs::hard_link(place, &aside).expect("a second name"),
            _ => {
                fs::rename(place, &aside).expect("aside");
                put(place, &aside, odd);
            }
        }
        Self {
            place: place.to_owned(),
            aside,
            was_there,
        }
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.aside).is_ok() {
            remove(&self.place);
            fs::rename(&self.aside, &self.place).expect("back");
            // Of two names of one file a rename leaves both.
            remove(&self.aside);
        }
        if !self.was_there {
            remove(&self.place);
        } else if self.place.exists() {
            make_ours(&self.place);
        }
    }
}

fn make_ours(place: &Path) {
    let mode = if place.is_dir() { 0o700 } else { 0o600 };
    let us = rustix::process::geteuid().as_raw();
    chown(place, Some(us), None).expect("ours");
    fs::set_permissions(place, Permissions::from_mode(mode)).expect("mode");
}

fn remove(place: &Path) {
    match fs::symlink_metadata(place) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(place).expect("gone"),
        Ok(_) => fs::remove_file(place).expect("gone"),
        Err(_) => {}
    }
}

fn put(place: &Path, aside: &Path, odd: Odd) {
    let node = |kind, device| {
        mknodat(CWD, place, kind, Mode::RUSR | Mode::WUSR, device).expect("a node");
    };
    match odd {
        Link => symlink(aside, place).expect("a link"),
        LinkToNowhere => symlink("nowhere", place).expect("a link"),
        Pipe => node(FileType::Fifo, 0),
        // As /dev/zero: what reads it to its end never ends.
        Device => node(FileType::CharacterDevice, makedev(1, 5)),
        Socket => drop(UnixListener::bind(place).expect("a socket")),
        Folder => {
            fs::create_dir(place).expect("a folder");
            fs::write(place.join("content"), "").expect("a file");
            fs::set_permissions(place, Permissions::from_mode(0o700)).expect("mode");
        }
        Garbage => {
            fs::write(place, "{\"v\":1,\"generation\":\u{1}").expect("a file");
            fs::set_permissions(place, Permissions::from_mode(0o600)).expect("mode");
        }
        HardLink | Foreign | Open => unreachable!("the right thing stays"),
    }
}

#[test]
fn something_else_in_the_place_of_a_dialogs_files_hangs_nobody() {
    for odd in odd_things() {
        let home = Home::new();
        let (folder, key) = (home.sandbox.state_folder(), home.sandbox.app().key());
        let (lock, code) = folder.dialog(&key);
        let dialog = SharedDialog::new(folder, &key);
        let planted = Planted::new(&code, odd);
        let read = dialog.code();
        assert_eq!(read.is_some(), odd == Garbage, "{odd:?}");
        let held = dialog.try_lock().expect("a lock").expect("nobody has it");
        // What is in its place goes, but for a folder: then the others show no code and wait.
        held.publish(b"ABCD-1234");
        assert_eq!(dialog.code().is_some(), odd != Folder, "{odd:?}");
        drop(held);
        drop(planted);
        let _planted = Planted::new(&lock, odd);
        assert_eq!(dialog.try_lock().is_ok(), odd == Garbage, "{odd:?}");
    }
}

/// Where no store is named, the note of the sign-in says which it was: it is never guessed.
#[test]
fn something_else_in_the_place_of_the_stores_note_is_named() {
    for odd in odd_things() {
        let home = Home::new();
        let note = home
            .sandbox
            .state_folder()
            .chosen_store(&home.sandbox.app().key());
        fs::write(&note, "file\n").expect("a note");
        fs::set_permissions(&note, Permissions::from_mode(0o600)).expect("mode");
        let planted = Planted::new(&note, odd);
        let mut command = home.command(GET);
        command.env_remove("GHTOK_STORE");
        let run = run(command, GET);
        match in_place_of_a_file(odd) {
            NoRefresh(says) => {
                assert_eq!(run.code, Some(1), "{odd:?}: {run:?}");
                assert!(run.stderr.contains(says), "{odd:?}: {run:?}");
            }
            // A store that this ghtok does not know, or rubbish: the keychain, which is not there.
            _ => assert_eq!(run.code, Some(6), "{odd:?}: {run:?}"),
        }
        drop(planted);
        home.expect_kept(&format!("{odd:?}"));
    }
}

/// The timer's own files: what it remembers, what it did last, and the lock of its runs.
#[test]
fn something_else_in_the_place_of_a_timers_files_holds_nobody_up() {
    for number in 0..3 {
        for odd in odd_things() {
            let home = Home::new();
            let folder = home.sandbox.state_folder();
            let file = [folder.timer(), folder.timer_run(), folder.timer_lock()][number].clone();
            let planted = Planted::new(&file, odd);
            for arguments in [
                &["schedule", "status"][..],
                &["schedule", "run"],
                &["status"],
            ] {
                let run = run(home.command(arguments), arguments);
                let what = format!("{odd:?} in place of {}: {run:?}", file.display());
                let is_named = said(&run).contains(&file.display().to_string());
                match run.code {
                    Some(0) => {}
                    code => assert!(code == Some(1) && is_named, "{arguments:?}: {what}"),
                }
                // A status shows the sign-ins whatever becomes of the timer.
                if arguments == ["status"] {
                    assert_eq!(run.code, Some(0), "{what}");
                    assert!(run.stdout.contains("main"), "{what}");
                }
            }
            drop(planted);
            home.expect_kept(&format!("{odd:?}"));
        }
    }
}
