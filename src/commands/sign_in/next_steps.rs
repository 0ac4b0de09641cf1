//! The next steps after a sign-in that are not done yet: each is a command that works as printed.

use super::SignInRun;
use super::saved_app::SavedApp;
use crate::auth::reach::Reach;
use crate::config::Environment;
use crate::formats::git_config::{AskedHelpers, listing};
use crate::formats::mcp_client::Client;
use crate::host::Host;
use crate::schedule::notes::Notes as _;
use crate::session::ghtok_servers;
use crate::system::git_program::GitProgram;

/// What `exec` runs in its example: a shell is there on every machine.
const SHELL: &str = if cfg!(windows) { "cmd" } else { "sh" };

/// A command and its meaning a line.
pub(super) fn next_steps(run: &SignInRun<'_>, app: &SavedApp, reach: Option<&Reach>) -> String {
    let arguments = &app.arguments;
    let mut steps: Vec<(String, &str)> = Vec::new();
    if reach.is_some_and(Reach::is_empty) {
        let refresh = with("refresh", arguments, " --force");
        steps.push((
            refresh,
            "after installing the App, for a token that reaches it",
        ));
    }
    // The others know an App by its name only.
    if app.in_config.name().is_some() {
        if !git_asks_ghtok(&run.app.host) {
            steps.push(("ghtok setup git".into(), "git clones and pushes with it"));
        }
        if !an_mcp_client_runs_ghtok() {
            steps.push(("ghtok setup mcp".into(), "MCP servers run with it"));
        }
    }
    let exec = with("exec", arguments, &format!(" -- {SHELL}"));
    steps.push((exec, "a shell whose commands have it"));
    let timer = run.session.timer_notes().installed();
    if app.in_config.name().is_some() && !matches!(timer, Ok(Some(_))) {
        steps.push((
            "ghtok schedule install".into(),
            "keeps the sign-in alive while it is not used",
        ));
    }
    steps.push((with("get", arguments, ""), "prints the token"));
    in_columns(&steps, run.screen.columns())
}

/// The meanings beside the commands; where that is too wide for the terminal, below them.
fn in_columns(steps: &[(String, &str)], columns: usize) -> String {
    let longest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or_default();
    let command = longest(&mut steps.iter().map(|(command, _)| command.chars().count()));
    let meaning = longest(&mut steps.iter().map(|(_, meaning)| meaning.chars().count()));
    let line = |(text, means): &(String, &str)| {
        if 2 + command + 3 + meaning > columns {
            format!("  {text}\n    {means}")
        } else {
            format!("  {text:command$}   {means}")
        }
    };
    steps.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn with(verb: &str, arguments: &str, after: &str) -> String {
    match arguments {
        "" => format!("ghtok {verb}{after}"),
        arguments => format!("ghtok {verb} {arguments}{after}"),
    }
}

/// True if git asks ghtok about this host, or is not here.
fn git_asks_ghtok(host: &Host) -> bool {
    let Some(git) = GitProgram::find(&Environment::from_process().path_or_usual()) else {
        return true;
    };
    let printed = git.of_everything().unwrap_or_default();
    AskedHelpers::of(&host.web_url(), &listing(&printed)).has_ghtok()
}

/// True if an MCP client has a server that ghtok runs, in the account's files or this project's.
fn an_mcp_client_runs_ghtok() -> bool {
    let project = std::env::current_dir().unwrap_or_default();
    let Ok(folders) = Environment::from_process().client_folders(project) else {
        return false;
    };
    let mut clients = Client::ALL.into_iter();
    clients.any(|client| !ghtok_servers(client, &folders).is_empty())
}
