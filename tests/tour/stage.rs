//! Where the tour plays: the built program, a temporary home, and words on the screen.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use fake_github::{CLIENT_ID, FakeGitHub};
use ghtok::testing::store::record;
use ghtok::testing::token::{Timestamp, TokenSet};

/// What every step returns.
pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Builds the program with the profile of this example and says where it is.
pub fn build() -> Outcome<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--bin", "ghtok"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    ensure(command.status()?.success(), "cargo builds ghtok")?;
    // This example lies in the folder "examples" beside the program.
    let here = env::current_exe()?;
    let folder = here.ancestors().nth(2).ok_or("the example has no folder")?;
    Ok(folder.join(format!("ghtok{}", env::consts::EXE_SUFFIX)))
}

/// The program in a home of its own.
pub struct Stage {
    program: PathBuf,
    home: tempfile::TempDir,
    host: String,
}

impl Stage {
    /// An empty home for one App of the fake.
    pub fn new(program: PathBuf, fake: &FakeGitHub) -> Outcome<Self> {
        Ok(Self {
            program,
            home: tempfile::tempdir()?,
            host: fake.host(),
        })
    }

    /// Starts ghtok.
    pub fn start(&self, arguments: &[&str]) -> Outcome<Child> {
        let child = Command::new(&self.program)
            .args(arguments)
            .env("HOME", self.home.path())
            .env("GHTOK_CONFIG_DIR", self.home.path().join("config"))
            .env("GHTOK_STATE_DIR", self.home.path().join("state"))
            .env("GHTOK_CLIENT_ID", CLIENT_ID)
            .env("GHTOK_HOST", &self.host)
            .env("GHTOK_STORE", "file")
            .env_remove("GHTOK_APP")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        Ok(child)
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

/// Text, indented.
pub fn tell(text: &str) {
    for line in text.trim_matches('\n').lines() {
        println!("   {line}");
    }
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
