//! `ghtok exec`: runs a command with tokens in its environment and nowhere else, and git in it asks ghtok. On Unix the command
//! takes this process's place, with its terminal, its signals and its exit code.

mod git;
use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use log::LevelFilter;

use crate::app::App;
use crate::commands::{ScopeFlags, Subcommand, Target, Unseparated};
use crate::config::{Environment, Flags, check_app_name};
use crate::error::{Error, Result};
use crate::formats::durations::parse_duration;
use crate::host::token_env::{
    self, EnvChange, EnvPlan, OtherTokens, Reason, Recipient, TokenVariable,
};
use crate::sandbox::client::{SandboxClient, other};
use crate::session::{Call, IssuedToken, Session, TokenSource};
use crate::system::process;
use crate::system::terminal::Terminal;
use crate::token::AccessToken;

/// Run a command with a token in its environment
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok exec -- gh repo list
  ghtok exec -- git clone https://github.com/octocat/hello.git
  ghtok exec work --min-ttl 1h -- ./release.sh
  ghtok exec --repo octocat/hello --read-only -- ./agent.sh
  ghtok exec -e HOMEBREW_GITHUB_API_TOKEN -- brew upgrade
  ghtok exec -e GH_TOKEN:main -e GH_ENTERPRISE_TOKEN:work -- ./mirror.sh")]
pub(crate) struct Exec {
    #[command(flatten)]
    target: Target,
    /// Put the token of the App (or of the named APP) only into this variable; repeatable
    #[arg(short = 'e', long = "env", value_name = "VAR[:APP]", value_parser = variable_and_app)]
    variables: Vec<Named>,
    /// Keep other token variables of the environment
    #[arg(long)]
    keep_env: bool,
    /// Minimum remaining lifetime, for example 90s, 30m or 1h30m
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    min_ttl: Option<Duration>,
    #[command(flatten)]
    scope: ScopeFlags,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
    /// Set if no `--` stood before the command.
    #[arg(skip)]
    unseparated: Option<Unseparated>,
}

/// `-e VAR[:APP]`.
#[derive(Clone, Debug)]
struct Named {
    variable: String,
    app: Option<String>,
}

/// A variable that gets an App's token.
struct Assignment<'a> {
    variable: &'a str,
    app: &'a App,
    /// Whether a flag or an argument names it.
    is_named: bool,
}

impl Subcommand for Exec {
    fn flags(&self) -> Flags {
        self.target.flags()
    }

    fn run(&self, session: &Session<'_>) -> Result<u8> {
        session.config.check_store()?;
        if let Some(unseparated) = &self.unseparated {
            let apps: Vec<&str> = session.config.all_apps().map(App::label).collect();
            return Err(unseparated.error(&apps));
        }
        let assignments = self.assignments(session)?;
        // Before a token is asked for: a plan that cannot be costs no refresh.
        let grants: Vec<TokenVariable<'_>> = assignments
            .iter()
            .map(|assignment| TokenVariable {
                variable: assignment.variable,
                host: &assignment.app.host,
            })
            .collect();
        let plan = self.plan(&grants)?;
        let tokens = self.tokens(&assignments, session)?;
        tell(&plan);
        let git = self.git(&assignments, session)?;
        self.run_command(&plan, &tokens, &git)
    }

    fn run_in_sandbox(&self, sandbox: &SandboxClient<'_>) -> Result<u8> {
        if let Some(unseparated) = &self.unseparated {
            return Err(unseparated.error(&[]));
        }
        self.scope.check_in_sandbox()?;
        let tokens = sandbox.tokens(&self.flags())?;
        let issued = tokens.access_token(self.min_ttl)?;
        let variables = self.variables_in_sandbox(&issued)?;
        let host = issued.host.as_ref();
        let grants: Vec<TokenVariable<'_>> = variables
            .into_iter()
            .map(|variable| TokenVariable { variable, host })
            .collect();
        let plan = self.plan(&grants)?;
        tell(&plan);
        let git = git::variables_in_sandbox(host);
        self.run_command(&plan, &vec![issued.token.clone(); grants.len()], &git)
    }

    fn exit_code(&self, error: &Error) -> u8 {
        error.wrapper_exit_code()
    }
}

impl Exec {
    pub(crate) fn mark_unseparated(&mut self, unseparated: Unseparated) {
        self.unseparated = Some(unseparated);
    }

    fn assignments<'a>(&'a self, session: &'a Session<'_>) -> Result<Vec<Assignment<'a>>> {
        if self.variables.is_empty() {
            let app = session.config.app(None)?;
            let names = app.host.variables().token_names;
            let is_named = self.flags().app.is_some();
            let all = names.iter().map(|variable| Assignment {
                variable,
                app,
                is_named,
            });
            return Ok(all.collect());
        }
        let assignment = |named: &'a Named| {
            let app = match &named.app {
                Some(name) => session.config.app_named(name)?,
                None => session.config.app(None)?,
            };
            Ok(Assignment {
                variable: &named.variable,
                app,
                is_named: named.app.is_some() || self.flags().app.is_some(),
            })
        };
        self.variables.iter().map(assignment).collect()
    }

    /// The variables that get the token of a sandbox, which has one App.
    fn variables_in_sandbox<'a>(&'a self, issued: &'a IssuedToken<'_>) -> Result<Vec<&'a str>> {
        if self.variables.is_empty() {
            return Ok(issued.host.variables().token_names.to_vec());
        }
        let names = self.variables.iter().map(|named| match &named.app {
            Some(app) if *app != issued.app => Err(other("App", app, &issued.app)),
            Some(_) | None => Ok(named.variable.as_str()),
        });
        names.collect()
    }

    /// Which variables get whose token, and what else changes in the command's environment (P6).
    fn plan(&self, grants: &[TokenVariable<'_>]) -> Result<EnvPlan> {
        let others = if self.keep_env {
            OtherTokens::Keep
        } else {
            OtherTokens::Remove
        };
        let inherited = Environment::inherited_by_tools();
        token_env::plan(Recipient::Command, grants, others, &inherited)
    }

    /// A token for each assignment; one for each App.
    fn tokens(
        &self,
        assignments: &[Assignment<'_>],
        session: &Session<'_>,
    ) -> Result<Vec<AccessToken>> {
        let mut tokens: Vec<AccessToken> = Vec::with_capacity(assignments.len());
        for assignment in assignments {
            let mut before = assignments.iter().zip(&tokens);
            let same = before.find(|(other, _)| other.app == assignment.app);
            let token = match same.map(|(_, token)| token.clone()) {
                Some(token) => token,
                None => session.with_call(assignment.app, |call| self.token(call))?,
            };
            tokens.push(token);
        }
        Ok(tokens)
    }

    /// What git in the command is told.
    fn git(
        &self,
        assignments: &[Assignment<'_>],
        session: &Session<'_>,
    ) -> Result<Vec<(String, OsString)>> {
        let mut scopes = Vec::with_capacity(assignments.len());
        for assignment in assignments {
            scopes.push(self.scope.scope(&assignment.app.host)?);
        }
        let store = self.flags().store;
        Ok(git::variables(assignments, &scopes, store, session))
    }

    fn token(&self, call: &Call<'_>) -> Result<AccessToken> {
        let scope = self.scope.scope(&call.app.host)?;
        let source = call.tokens(scope.as_ref(), None);
        let token = source.access_token(self.min_ttl)?.token;
        // The command then has no child that it did not start.
        call.reap_refresher();
        Ok(token)
    }

    /// On Unix this returns only if the command cannot be run.
    fn run_command(
        &self,
        plan: &EnvPlan,
        tokens: &[AccessToken],
        git: &[(String, OsString)],
    ) -> Result<u8> {
        let mut changes: Vec<process::Change<'_>> = plan
            .changes
            .iter()
            .filter_map(|change| match change {
                EnvChange::Remove(name) => Some(process::Change::Remove(name)),
                EnvChange::Text(name, text) => Some(process::Change::Set(name, text.as_ref())),
                EnvChange::Token { variable, grant } => {
                    let token = tokens.get(*grant)?;
                    Some(process::Change::Set(variable, token.expose().as_ref()))
                }
            })
            .collect();
        let git = git.iter();
        changes.extend(git.map(|(name, value)| process::Change::Set(name, value)));
        let (program, arguments) = self.command.split_first().ok_or_else(no_command)?;
        process::exec(program, arguments, &changes)
            .map_err(|error| process::not_started(program, &error))
    }
}

/// That the command will work on another host than it was told is news even to a log.
fn tell(plan: &EnvPlan) {
    let reasons: &[Reason] = if log::max_level() != LevelFilter::Off || Terminal.shows_notes() {
        &[Reason::Token, Reason::OtherHost]
    } else {
        &[Reason::OtherHost]
    };
    if let Some(note) = plan.note(Recipient::Command, reasons) {
        Terminal.note(&note);
    }
}

/// The parser asks for a command before this is met.
pub fn no_command() -> Error {
    Error::Usage {
        message: "exec: no command is given".into(),
        hint: "for example:\n  ghtok exec -- gh repo list".into(),
    }
}

/// `VAR` or `VAR:APP`.
fn variable_and_app(text: &str) -> Result<Named, String> {
    let (variable, app) = match text.split_once(':') {
        Some((variable, app)) => (variable, Some(app)),
        None => (text, None),
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if variable.is_empty()
        || !variable.chars().all(fits)
        || variable.starts_with(|c: char| c.is_ascii_digit())
    {
        return Err("the name of a variable is letters, digits and underscores".into());
    }
    if let Some(app) = app {
        check_app_name(app).map_err(|reason| format!("the App's name {reason}"))?;
    }
    Ok(Named {
        variable: variable.to_owned(),
        app: app.map(str::to_owned),
    })
}
