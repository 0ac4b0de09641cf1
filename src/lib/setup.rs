//! Puts `setup git` and `setup mcp` together.

use std::path::PathBuf;

use crate::app::App;
use crate::cli;
use crate::commands::{setup_git, setup_mcp};
use crate::config::{Environment, StoreChoice};
use crate::error::Result;
use crate::formats::git_config;
use crate::system::process;
use crate::system::terminal::Terminal;
use crate::{Root, this_program};

impl Root<'_> {
    pub(crate) fn set_up(&self, setup: &cli::Setup) -> Result<u8> {
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
        let list = || {
            let arguments = ["config", "--list", "-z", "--show-scope", "--show-origin"];
            let git = process::find_program("git", &environment.path())?;
            process::output_of(&git, &arguments).map(|printed| git_config::listing(&printed))
        };
        let desk = setup_git::Desk {
            apps,
            program: lasting_program(&environment).replace(std::path::MAIN_SEPARATOR, "/"),
            file: environment.git_configuration()?,
            limit: self.machine.limits.git_lock,
            plain_stores: environment.git_plain_stores()?,
            helpers: &list,
            terminal: Terminal,
        };
        setup_git::run(input, &desk)
    }

    fn set_up_mcp(&self, input: setup_mcp::Input) -> Result<()> {
        let environment = Environment::from_process();
        let app = self.config.app(None)?;
        let desk = setup_mcp::Desk {
            program: lasting_program(&environment),
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
pub(crate) fn lasting_program(environment: &Environment) -> String {
    let program = this_program().unwrap_or_else(|| PathBuf::from("ghtok"));
    process::lasting_path(program, &environment.path())
        .to_string_lossy()
        .into_owned()
}
