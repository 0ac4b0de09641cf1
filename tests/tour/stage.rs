//! Where the tour plays: the program, a temporary home, and words on the screen.

use std::env;
use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use fake_github::FakeGitHub;
use ghtok::testing::store::record;
use ghtok::testing::token::{Timestamp, TokenSet};

/// What every step returns.
pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The columns of a usual terminal.
const COLUMNS: usize = 80;
const INDENT: &str = "  ";

/// The program in a home of its own.
pub struct Stage {
    program: PathBuf,
    home: tempfile::TempDir,
    host: String,
}

impl Stage {
    /// An empty home for one App of the fake. This program is ghtok too, under that name: so nothing is
    /// compiled for the tour but the tour.
    pub fn new(fake: &FakeGitHub) -> Outcome<Self> {
        let here = env::current_exe()?;
        let folder = here.parent().ok_or("the example has no folder")?;
        let home = tempfile::Builder::new()
            .prefix("tour-")
            .tempdir_in(folder)?;
        let bin = home.path().join("bin");
        fs::create_dir(&bin)?;
        let program = bin.join(format!("ghtok{}", env::consts::EXE_SUFFIX));
        if fs::hard_link(&here, &program).is_err() {
            fs::copy(&here, &program)?;
        }
        Ok(Self {
            program,
            home,
            host: fake.host(),
        })
    }

    /// Starts ghtok.
    pub fn start(&self, arguments: &[&str]) -> Outcome<Child> {
        Ok(self.command(&self.program, arguments).spawn()?)
    }

    /// Runs a program to its end; what it says is kept for [`Self::shown`].
    pub fn run(&self, program: impl AsRef<OsStr>, arguments: &[&str]) -> Outcome<Output> {
        Ok(self.command(program, arguments).output()?)
    }

    /// ghtok, by its path.
    pub fn ghtok(&self) -> &Path {
        &self.program
    }

    /// What people read of an output: without the path of this home.
    pub fn shown(&self, text: &[u8]) -> String {
        let home = self.home.path().display().to_string();
        String::from_utf8_lossy(text).replace(&home, "~")
    }

    pub fn command(&self, program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.home.path())
            .env("HOME", self.home.path())
            .env("GHTOK_CONFIG_DIR", self.home.path().join("config"))
            .env("GHTOK_STATE_DIR", self.home.path().join("state"))
            .env("GHTOK_HOST", &self.host)
            .env("GHTOK_STORE", "file")
            .env_remove("GHTOK_APP")
            .env_remove("GHTOK_CLIENT_ID")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("GIT_CONFIG_GLOBAL")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Moves the stored expiry to a minute from now, as if the token's eight hours were over.
    pub fn turn_the_clock(&self) -> Outcome {
        let records = self.home.path().join("state").join("records");
        let file = fs::read_dir(records)?.next().ok_or("no record")??.path();
        let mut stored = record::decode(&fs::read(&file)?)?;
        if let TokenSet::Expiring { access, .. } = &mut stored.tokens {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
            access.expires_at = Timestamp(i64::try_from(now.as_secs())? + 60);
        }
        Ok(fs::write(&file, record::encode(&stored))?)
    }

    /// Runs a command that prints a token.
    pub fn token(&self, arguments: &[&str]) -> Outcome<String> {
        let end = self.start(arguments)?.wait_with_output()?;
        ensure(end.status.success(), &String::from_utf8_lossy(&end.stderr))?;
        Ok(String::from_utf8(end.stdout)?.trim_end().to_owned())
    }
}

/// A step's title.
pub fn say(title: &str) {
    println!("\n── {title}\n");
}

/// Text, indented, its lines broken between words.
pub fn tell(text: &str) {
    for line in text.trim_end().lines() {
        for part in broken(line) {
            println!("{}", format!("{INDENT}{part}").trim_end());
        }
    }
}

/// A line in parts that fit; blanks at its start stay.
fn broken(line: &str) -> Vec<String> {
    let room = COLUMNS - INDENT.len();
    let blanks = line.len() - line.trim_start().len();
    let mut parts = vec![line[..blanks].to_owned()];
    for word in line.split_whitespace() {
        let last = parts.last_mut().expect("at least one");
        if last.trim().is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= room {
            last.push(' ');
            last.push_str(word);
        } else {
            parts.push(format!("{}{word}", " ".repeat(blanks)));
        }
    }
    if line.chars().count() <= room {
        return vec![line.to_owned()];
    }
    parts
}

/// The middle one.
pub fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Ends the tour where it shows something that is not true.
pub fn ensure(holds: bool, what: &str) -> Outcome {
    if holds {
        Ok(())
    } else {
        Err(format!("the tour expected: {what}").into())
    }
}
