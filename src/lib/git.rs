//! Puts `git-credential` and `setup git` together.

use std::path::PathBuf;

use crate::app::App;
use crate::cli::{self, Cli};
use crate::commands::{git_credential, setup_git};
use crate::config::Environment;
use crate::error::Result;
use crate::formats::git_config;
use crate::system::process;
use crate::system::terminal::Terminal;
use crate::{Machine, Root, this_program};

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

impl Root<'_> {
    pub(crate) fn set_up(&self, setup: &cli::Setup) -> Result<u8> {
        let cli::Program::Git(git) = &setup.program;
        let input = git.input();
        let environment = Environment::from_process();
        let apps: Vec<_> = self
            .config
            .all_apps()
            .map(|app| (app, self.how_to_find(app)))
            .collect();
        if apps.is_empty() && input != setup_git::Input::Undo {
            self.config.app(None)?;
        }
        let program = this_program().unwrap_or_else(|| PathBuf::from("ghtok"));
        let program = process::lasting_path(program, &environment.path());
        let list = || {
            let arguments = ["config", "--list", "-z", "--show-scope", "--show-origin"];
            let git = process::find_program("git", &environment.path())?;
            process::output_of(&git, &arguments).map(|printed| git_config::listing(&printed))
        };
        let desk = setup_git::Desk {
            apps,
            program: program
                .to_string_lossy()
                .replace(std::path::MAIN_SEPARATOR, "/"),
            file: environment.git_configuration()?,
            plain_stores: environment.git_plain_stores()?,
            helpers: &list,
            terminal: Terminal,
        };
        setup_git::run(input, &desk).map(|()| 0)
    }

    /// An App that no configuration describes is found by what described it now.
    fn how_to_find(&self, app: &App) -> Vec<String> {
        if app.name.is_some() {
            return Vec::new();
        }
        let mut arguments = vec![
            format!("--client-id={}", app.client_id),
            format!("--host={}", app.host.web_url()),
        ];
        if self.config.store != crate::config::StoreChoice::Auto {
            arguments.push(format!("--store={}", self.config.store));
        }
        arguments
    }
}
