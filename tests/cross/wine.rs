//! `ghtok.exe` under wine, with an end to each of its runs.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fake_github::CLIENT_ID;

use super::{Outcome, ensure};

/// How long any run may take: longer than ghtok itself ever waits.
const LIMIT: Duration = Duration::from_secs(60);

/// Which folders ghtok uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folders {
    /// Those that variables name.
    Given,
    /// Windows' own.
    Default,
}

/// The program with its environment.
pub struct Ghtok {
    wine: OsString,
    program: OsString,
    store: &'static str,
    folders: Folders,
    host: String,
    /// wine's `C:` and the given folders.
    home: tempfile::TempDir,
}

impl Ghtok {
    pub fn new(
        wine: &OsStr,
        program: &OsStr,
        store: &'static str,
        folders: Folders,
        host: String,
    ) -> Outcome<Self> {
        Ok(Self {
            wine: wine.to_owned(),
            program: program.to_owned(),
            store,
            folders,
            host,
            home: tempfile::tempdir()?,
        })
    }

    pub fn start(&self, arguments: &[&str]) -> Outcome<Running> {
        let mut command = Command::new(&self.wine);
        command
            .arg(&self.program)
            .args(arguments)
            .env("WINEPREFIX", self.home.path().join("wine"))
            .env("WINEDEBUG", "-all")
            .env("GHTOK_CLIENT_ID", CLIENT_ID)
            .env("GHTOK_HOST", &self.host)
            .env("GHTOK_STORE", self.store)
            .env_remove("GHTOK_APP")
            .env_remove("GHTOK_CONFIG_DIR")
            .env_remove("GHTOK_STATE_DIR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if self.folders == Folders::Given {
            command
                .env("GHTOK_STATE_DIR", self.windows_path("state"))
                .env("GHTOK_CONFIG_DIR", self.windows_path("config"));
        }
        Ok(Running::new(command.spawn()?))
    }

    pub fn run(&self, arguments: &[&str]) -> Outcome<End> {
        self.start(arguments)?.end()
    }

    /// Runs a command that prints a token.
    pub fn token(&self, arguments: &[&str]) -> Outcome<String> {
        let end = self.run(arguments)?.ends_with(0)?;
        Ok(end.stdout.trim_end().to_owned())
    }

    /// Where ghtok keeps locks and outcomes.
    pub fn state_folder(&self) -> Outcome<PathBuf> {
        match self.folders {
            Folders::Given => Ok(self.home.path().join("state")),
            Folders::Default => {
                let user = fs::read_dir(self.home.path().join("wine/drive_c/users"))?
                    .filter_map(Result::ok)
                    .map(|entry| entry.path())
                    .find(|path| !path.ends_with("Public"))
                    .ok_or("wine has no user")?;
                Ok(user.join("AppData/Local/ghtok"))
            }
        }
    }

    /// wine shows the whole machine as drive Z.
    fn windows_path(&self, name: &str) -> String {
        let path = self.home.path().join(name);
        format!("Z:{}", path.display().to_string().replace('/', "\\"))
    }
}

/// A run that has not ended.
pub struct Running {
    child: Child,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

impl Running {
    fn new(mut child: Child) -> Self {
        let stdout = read_to_end(child.stdout.take());
        let stderr = read_to_end(child.stderr.take());
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// Waits for its end.
    pub fn end(mut self) -> Outcome<End> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                let text = |thread: JoinHandle<String>| thread.join().unwrap_or_default();
                return Ok(End {
                    code: status.code(),
                    stdout: text(self.stdout),
                    stderr: text(self.stderr),
                });
            }
            if began.elapsed() > LIMIT {
                self.child.kill()?;
                return Err(format!("no end within {} s", LIMIT.as_secs()).into());
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn kill(mut self) -> Outcome {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

fn read_to_end(stream: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// What a run left.
#[derive(Debug)]
pub struct End {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl End {
    /// Goes on with a run that must have had this exit code.
    pub fn ends_with(self, code: i32) -> Outcome<Self> {
        ensure(
            self.code == Some(code),
            &format!("exit code {code}: it was {:?}: {}", self.code, self.stderr),
        )?;
        Ok(self)
    }
}
