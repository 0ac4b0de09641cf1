//! The completion scripts, loaded and used by real shells on a terminal.

use std::process::Command;

use super::Home;
use crate::support::pty::Terminal;
use crate::support::sandbox::Program;

const APPS: &str = "[[app]]\nname = \"work\"\nclient_id = \"Iv1.a\"\n[[app]]\nname = \"play\"\nclient_id = \"Iv1.b\"\n";

/// A shell's program and flags, and how it loads the script.
const SHELLS: [(&[&str], &str); 5] = [
    (
        &["bash", "--norc", "-i"],
        "source <(ghtok completions bash)",
    ),
    (
        &["zsh", "-f", "-i"],
        "autoload -U compinit; compinit -u -D; source <(ghtok completions zsh)",
    ),
    // Loaded by the first tab.
    (
        &["zsh", "-f", "-i"],
        "ghtok completions zsh > $HOME/_ghtok; fpath=($HOME $fpath); autoload -U compinit; compinit -u -D",
    ),
    (
        &["fish", "--no-config", "-i"],
        "ghtok completions fish | source",
    ),
    (
        &["elvish", "-norc"],
        "eval (ghtok completions elvish | slurp)",
    ),
];

/// What is typed before a tab, and what it becomes.
const COMPLETED: [(&str, &str); 7] = [
    ("ghtok stat", "ghtok status"),
    ("ghtok get --form", "ghtok get --format"),
    ("ghtok get --format pow", "ghtok get --format powershell"),
    ("ghtok get --store key", "ghtok get --store keychain"),
    ("ghtok setup mcp vsc", "ghtok setup mcp vscode"),
    ("ghtok schedule inst", "ghtok schedule install"),
    ("ghtok get wo", "ghtok get work"),
];

#[test]
fn shells_complete_commands_flags_values_and_apps() {
    for (shell, load) in SHELLS {
        let home = Home::new();
        home.sandbox.configure(APPS);
        let Some(mut terminal) = start(&home, shell) else {
            continue;
        };
        terminal.types(&format!("{load}; echo load''ed\n"));
        terminal.wait_for("loaded");
        for (typed, becomes) in COMPLETED {
            terminal.types(&format!("{typed}\t"));
            terminal.wait_for(becomes);
            // Clears the line.
            terminal.types("\u{15}");
        }
        // A hidden command is not offered.
        terminal.types("ghtok refreshe\tX");
        terminal.wait_for("ghtok refresheX");
    }
}

fn start(home: &Home, shell: &[&str]) -> Option<Terminal> {
    if Command::new(shell[0]).arg("-c").arg(":").status().is_err() {
        skip!("there is no {}", shell[0]);
        return None;
    }
    let usual = home.sandbox.command(Program::Real, ["get"]);
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).env_clear();
    for (name, value) in usual.get_envs() {
        command.env(name, value.expect("set"));
    }
    for name in ["GHTOK_CLIENT_ID", "GHTOK_HOST"] {
        command.env_remove(name);
    }
    let path = format!("{}:/usr/bin:/bin", home.bin.path().display());
    command
        .env("PATH", path)
        .env("TERM", "xterm-256color")
        .env("LANG", "C.UTF-8")
        .env("PS1", "> ");
    Some(Terminal::start(&command, 100, 100))
}

/// Each value on a line, as the shells ask for them.
#[test]
fn the_candidates_are_those_of_the_parser() {
    let home = Home::new();
    home.sandbox.configure(APPS);
    let script = |words: &str| {
        let index = words.split(' ').count() - 1;
        format!("_CLAP_COMPLETE_INDEX={index} GHTOK_COMPLETE=bash ghtok -- {words}")
    };
    for (words, wanted) in [
        (
            "ghtok get --format ''",
            "token\njson\nheader\nenv\nfish\npowershell\nnetrc",
        ),
        ("ghtok login --store ''", "auto\nkeychain\nkernel\nfile"),
        ("ghtok setup g", "git"),
        ("ghtok refresh", "refresh"),
    ] {
        let told = home.run(&["sh"], &script(words), &[]).expect("a shell");
        assert_eq!(told.stdout, wanted, "{words}: {told:?}");
        assert_eq!(told.code, Some(0), "{words}: {told:?}");
    }
    let all = home
        .run(&["sh"], &script("ghtok ''"), &[])
        .expect("a shell");
    for name in ["get", "login", "help", "docs", "man", "completions"] {
        assert!(
            all.stdout.lines().any(|line| line == name),
            "{name}: {all:?}"
        );
    }
    for hidden in ["refresher", "ask-reach", "mcp-guard"] {
        assert!(!all.stdout.contains(hidden), "{hidden}: {all:?}");
    }
}
