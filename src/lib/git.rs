//! Puts `git-credential` together.

use crate::cli::{self, Cli};
use crate::commands::git_credential;
use crate::error::Result;
use crate::system::terminal::Terminal;
use crate::{Machine, Root};

/// git goes on whatever comes of it: it has other helpers, and a person.
pub(crate) fn answer(machine: &Machine<'_>, cli: &Cli, git: &cli::GitCredential) -> Result<u8> {
    let next = git_credential::begin(git.operation(), Terminal)?;
    let (git_credential::Next::Get(request) | git_credential::Next::Erase(request)) = &next else {
        return Ok(0);
    };
    let root = Root::load(machine, cli)?;
    let mut apps = if git.names_an_app() {
        vec![root.config.app(None)?]
    } else {
        root.config.all_apps().collect()
    };
    apps.retain(|app| request.is_for(&app.host));
    if apps.is_empty() {
        return Ok(0);
    }
    match next {
        git_credential::Next::Done => {}
        git_credential::Next::Get(request) => {
            let preferred = root.config.preferred_app()?;
            if let Some(app) = git_credential::choose(&request, apps, preferred) {
                let usual = root.config.min_ttl;
                root.with_call(app, |call| git_credential::get(&request, usual, call))
                    .unwrap_or_else(|error| {
                        git_credential::give_up(&error, root.config.git, Terminal);
                    });
            }
        }
        git_credential::Next::Erase(request) => {
            for app in apps {
                // A mark that cannot be made is made at the next refusal.
                let _ = root.with_call(app, |call| git_credential::erase(&request, call));
            }
        }
    }
    Ok(0)
}
