//! Puts `setup git` and `setup mcp` together.

use std::path::PathBuf;

use crate::app::App;
use crate::cli;
use crate::commands::{setup_git, setup_mcp};
use crate::config::{Environment, StoreChoice};
use crate::error::Result;
use crate::formats::git_config;
use crate::session::{Session, this_program};
use crate::system::git_program::GitProgram;
use crate::system::process;
use crate::system::terminal::Terminal;

impl Session<'_> {
    pub(crate) fn set_up(&self, setup: &cli::Setup) -> Result<u8> {
        // An App that no configuration describes is described with its store.
        if self.config.all_apps().any(|app| app.name.is_none()) {
            self.config.check_store()?;
        }
        match &setup.program {
            cli::Program::Git(git) => self.set_up_git(git.input()),
            cli::Program::Mcp(mcp) => self.set_up_mcp(mcp.input()),
        }
        .map(|()| 0)
    }

    fn set_up_git(&self, input: setup_git::Input) -> Result<()> {
        let environment = Environment::from_process();
        let apps: Vec<_> = self
            .config
            .all_apps()
            .map(|app| (app, self.described(app)))
            .collect();
        if apps.is_empty() && input != setup_git::Input::Undo {
            self.config.app(None)?;
        }
        let git = process::find_program("git", &environment.path_or_usual());
        let list = || {
            let arguments = ["config", "--list", "-z", "--show-scope", "--show-origin"];
            process::output_of(git.as_ref()?, &arguments)
                .map(|printed| git_config::listing(&printed))
        };
        // What flags or variables describe is found without the configuration.
        let is_named = apps.iter().any(|(app, _)| app.name.is_some());
        let config_dir = environment.unusual_config_dir()?.filter(|_| is_named);
        let desk = setup_git::Desk {
            apps,
            caller: git_config::GhtokCommand {
                program: setup_git::bytes_of(&lasting_program(&environment)),
                config_dir: config_dir.as_deref().map(setup_git::bytes_of),
            },
            places: environment.git_places()?,
            limit: self.machine.limits.git_lock,
            git: git.clone().map(GitProgram::new),
            helpers: &list,
            terminal: Terminal,
        };
        setup_git::run(input, &desk)
    }

    fn set_up_mcp(&self, input: setup_mcp::Input) -> Result<()> {
        let environment = Environment::from_process();
        let app = self.config.app(None)?;
        let desk = setup_mcp::Desk {
            program: lasting_program(&environment).to_string_lossy().into_owned(),
            flags: match &app.name {
                Some(name) if self.config.apps.len() > 1 => vec![format!("--app={name}")],
                _ => self.described(app),
            },
            host: &app.host,
            folders: environment.client_folders(std::env::current_dir().unwrap_or_default())?,
            moved_by: environment.moved_by(),
            find: &|name| process::find_program(name, &environment.path()),
            run: &process::run_for_a_person,
            terminal: Terminal,
        };
        setup_mcp::run(input, &desk)
    }

    /// An App that no configuration describes is found by what described it now.
    pub(crate) fn described(&self, app: &App) -> Vec<String> {
        if app.name.is_some() {
            return Vec::new();
        }
        let mut arguments = vec![
            format!("--client-id={}", app.client_id),
            format!("--host={}", app.host.web_url()),
        ];
        if self.config.store != StoreChoice::Auto {
            arguments.push(format!("--store={}", self.config.store));
        }
        arguments
    }
}

/// This program, by a path that stays the same.
pub(crate) fn lasting_program(environment: &Environment) -> PathBuf {
    let program = this_program().unwrap_or_else(|| PathBuf::from("ghtok"));
    process::lasting_path(program, &environment.path())
}
