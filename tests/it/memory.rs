//! Buffers that held a token are wiped before their memory is given back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fake_github::FakeGitHub;
use tempfile::TempDir;

use crate::support::deadline::run_command;
use crate::support::sandbox::{Program, Sandbox};

/// A library that looks at each block of memory that is given back.
struct Scanner {
    folder: TempDir,
}

impl Scanner {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let scanner = Self { folder };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/memory/freed.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([scanner.library(), source])
            .status();
        assert!(built.expect("cc").success());
        scanner
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("freed.so")
    }

    /// The blocks that a command, or a process that it starts, gives back with this text in them.
    fn blocks_with(&self, text: &str, command: &mut Command) -> Vec<String> {
        let log = self.folder.path().join("log");
        let _ = fs::remove_file(&log);
        let inverted: String = text.bytes().map(|byte| char::from(byte ^ 1)).collect();
        command
            .env("LD_PRELOAD", self.library())
            .env("SCAN_FOR", &inverted)
            .env("SCAN_LOG", &log);
        let run = run_command(command).expect_code(0);
        let blocks = fs::read_to_string(&log).unwrap_or_default();
        println!("{text}: {blocks:?} {run:?}");
        blocks.lines().map(str::to_owned).collect()
    }
}

struct Stage {
    fake: FakeGitHub,
    sandbox: Sandbox,
    scanner: Scanner,
}

impl Stage {
    fn new() -> Self {
        let fake = FakeGitHub::start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        sandbox.seed(&fake, Duration::from_secs(7200));
        Self {
            fake,
            sandbox,
            scanner: Scanner::new(),
        }
    }

    fn blocks_with(&self, text: &str, arguments: &[&str]) -> Vec<String> {
        let mut command = self.sandbox.command(Program::Real, arguments);
        self.scanner.blocks_with(text, &mut command)
    }
}

#[test]
fn the_scanner_finds_what_is_not_wiped() {
    let scanner = Scanner::new();
    let mut command = Command::new("sh");
    command.args(["-c", "value=secret; value=$value-text; value=; echo"]);
    command.stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    assert!(!scanner.blocks_with("secret-text", &mut command).is_empty());
}

#[test]
fn no_command_that_serves_a_token_leaves_it_in_memory_that_it_gave_back() {
    let stage = Stage::new();
    let record = stage.sandbox.record();
    let access = record.tokens.access_token().expose().to_owned();
    let refresh = record
        .tokens
        .refresh_token()
        .expect("one")
        .expose()
        .to_owned();
    for arguments in [
        &["get"][..],
        &["get", "--format", "json"],
        &["get", "--format", "header"],
        &["get", "--format", "env"],
        &["get", "--format", "fish"],
        &["get", "--format", "powershell"],
        &["get", "--format", "netrc"],
        &["headers"],
        &["status"],
    ] {
        for secret in [&access, &refresh] {
            let blocks = stage.blocks_with(secret, arguments);
            assert_eq!(blocks, Vec::<String>::new(), "{arguments:?}");
        }
    }
}

#[test]
fn git_credential_wipes_the_token_also_as_a_header() {
    let stage = Stage::new();
    let access = stage
        .sandbox
        .record()
        .tokens
        .access_token()
        .expose()
        .to_owned();
    let header = STANDARD.encode(format!("x-access-token:{access}"));
    let description = format!(
        "capability[]=authtype\nprotocol=http\nhost={}\n\n",
        stage.fake.host()
    );
    let input = stage.sandbox.home().join("description");
    fs::write(&input, description).expect("a file");
    for secret in [&access, &header] {
        let mut command = stage
            .sandbox
            .command(Program::Real, ["git-credential", "get"]);
        command.stdin(fs::File::open(&input).expect("the file"));
        let blocks = stage.scanner.blocks_with(secret, &mut command);
        assert_eq!(blocks, Vec::<String>::new());
    }
}

/// With the buffers of the HTTP client, of which the request and the answer go through two. Its copy of
/// the `Authorization` header, of the question where the App is installed, is not ours to wipe
/// (docs/security.md).
#[test]
fn a_refresh_and_a_revocation_wipe_both_pairs() {
    for prefix in ["ghu_", "ghr_"] {
        let stage = Stage::new();
        let mut blocks = stage.blocks_with(prefix, &["refresh", "--force"]);
        blocks.retain(|block| block != "header");
        assert_eq!(blocks, Vec::<String>::new(), "{prefix}");
        let blocks = stage.blocks_with(prefix, &["logout", "--revoke"]);
        assert_eq!(blocks, Vec::<String>::new(), "{prefix}");
    }
}
