//! `ghtok git-credential`: git's credential helper. Never prompts; it ignores requests for other hosts, so
//! that git asks its next helper.

mod choice;
mod hidden_path;
mod messages;
mod own_token;
mod plain;
mod via;

use std::ffi::{OsStr, OsString};
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCandidates;
use zeroize::Zeroizing;

use self::choice::{Choice, choose};
use self::hidden_path::leaves_it_to_others;
use self::messages::{give_up, tell_choice, tell_no_app, tell_other_account};
pub(crate) use self::plain::{plain, under_own_name};
use crate::app::App;
use crate::auth::scope::TokenScope;
use crate::commands::{Described, ScopeFlags};
use crate::config::{Flags, Git};
use crate::error::Result;
use crate::formats::git_credential::{
    Attributes, CredentialAnswer, CredentialRequest, Description, Malformed, RequestedRepository,
};
use crate::sandbox::client::SandboxClient;
use crate::session::{Call, IssuedToken, Session, TokenSource};
use crate::system::terminal::Terminal;
use crate::token::AccessToken;

/// A token answered 401 so soon after it was made is most often good: GitHub's replicas lag.
const MIN_AGE_TO_ERASE: Duration = Duration::from_secs(60);

/// What git asks a helper to do (git-credential(1); gitcredentials(7), "CUSTOM HELPERS").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    /// A credential is wanted.
    Get,
    /// One has worked. Ours is kept already, and others are none of our business.
    Store,
    /// One was refused.
    Erase,
    /// What does this helper understand?
    Capability,
    /// One of a later git, to be ignored.
    Unknown,
}

impl Operation {
    /// Reads git's word for it.
    fn of(word: &OsStr) -> Self {
        match word.to_str() {
            Some("get") => Self::Get,
            Some("store") => Self::Store,
            Some("erase") => Self::Erase,
            Some("capability") => Self::Capability,
            Some(_) | None => Self::Unknown,
        }
    }
}

/// Act as git's credential helper; never prompts
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  git config --global credential.helper '!ghtok git-credential'
  echo url=https://github.com | ghtok git-credential get")]
pub(crate) struct GitCredential {
    /// git's operation: get, store, erase or capability; others are ignored
    #[arg(value_name = "OPERATION")]
    operation: OsString,
    /// Answer only for this App [default: the App that matches the repository]
    #[arg(long, value_name = "APP", add = ArgValueCandidates::new(Described::app_names))]
    app: Option<String>,
    #[command(flatten)]
    described: Described,
    #[command(flatten)]
    scope: ScopeFlags,
    /// Folder of config.toml, if git runs without the variable for it
    /// [env: GHTOK_CONFIG_DIR]
    #[arg(long, value_name = "DIR")]
    config_dir: Option<PathBuf>,
    /// Pass git's request to this helper, written as in credential.helper; without the
    /// repository's path, and never with a token of ghtok's
    #[arg(long, value_name = "HELPER")]
    via: Option<OsString>,
    /// With --via, also pass the repository's path
    #[arg(long, requires = "via")]
    keep_path: bool,
}

impl GitCredential {
    pub(crate) fn flags(&self) -> Flags {
        Flags {
            app: self.app.clone(),
            config_dir: self.config_dir.clone(),
            ..self.described.flags()
        }
    }

    /// Answers git, which goes on whatever comes of it: it has other helpers, and a person. Most of
    /// what git asks needs no configuration; `load` reads it.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub(crate) fn run<'m>(
        &self,
        load: impl Fn() -> Result<ManuallyDrop<Session<'m>>>,
    ) -> Result<u8> {
        if let Some(helper) = &self.via {
            let is_ours = |description: &Description| {
                let load = || load().ok();
                own_token::is_carried_by(description, self, load)
            };
            return Ok(via::pass_on(
                helper,
                self.keep_path,
                &self.operation,
                is_ours,
                Terminal,
            ));
        }
        match Operation::of(&self.operation) {
            Operation::Unknown => {}
            Operation::Capability => print(&CredentialAnswer::Capabilities, Terminal)?,
            Operation::Store => {
                // Read all the same: a caller whose pipe breaks could take it for a failure.
                let _ = Attributes::read_from(Terminal.input());
            }
            Operation::Get => {
                if let Some(request) = described(Terminal) {
                    self.get(&request, &*load()?)?;
                }
            }
            Operation::Erase => {
                if let Some(request) = described(Terminal) {
                    self.erase(&request, &*load()?)?;
                }
            }
        }
        Ok(0)
    }

    /// Answers git in a sandbox: what the host answers.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub(crate) fn run_in_sandbox(&self, sandbox: &SandboxClient<'_>) -> Result<u8> {
        let operation = Operation::of(&self.operation);
        if self.via.is_some() || !matches!(operation, Operation::Get | Operation::Erase) {
            return self.run(|| Err(sandbox.host_only()));
        }
        let Some(request) = described(Terminal) else {
            return Ok(0);
        };
        let asked = if operation == Operation::Get {
            sandbox.ask_for_git(&request)
        } else {
            // The flags may be those of a helper on the host; the host decides about its own tokens.
            let tokens = sandbox.tokens(&Flags::default());
            let erased = tokens.and_then(|tokens| erase(&request, &tokens));
            erased.map(|()| Attributes::default())
        };
        match asked {
            Ok(answer) => print_attributes(&answer, Terminal)?,
            Err(error) => give_up(&error, Git { quit: false }, Terminal),
        }
        Ok(0)
    }

    fn get(&self, request: &CredentialRequest, session: &Session<'_>) -> Result<()> {
        let config = &session.config;
        if config.all_apps().next().is_none() {
            tell_no_app(&config.file, Terminal);
            return Ok(());
        }
        let apps = self.apps_of_host(request, session)?;
        if apps.is_empty() {
            return Ok(());
        }
        let reach = |app: &App| session.reach(app);
        let app = match choose(request, apps, config.preferred_app()?, &reach) {
            Choice::App(app) => app,
            other => {
                tell_choice(&other, request, &config.file, Terminal);
                return Ok(());
            }
        };
        if leaves_it_to_others(request, app, session) {
            return Ok(());
        }
        config.check_store()?;
        session
            .with_call(app, |call| {
                let scope = self.scope.scope(&app.host)?;
                if scope
                    .as_ref()
                    .is_some_and(|scope| !is_within(scope, request))
                {
                    return Ok(());
                }
                answer(request, call, &call.tokens(scope.as_ref(), None))
            })
            .unwrap_or_else(|error| give_up(&error, config.git, Terminal));
        Ok(())
    }

    fn erase(&self, request: &CredentialRequest, session: &Session<'_>) -> Result<()> {
        for app in self.apps_of_host(request, session)? {
            session.config.check_store()?;
            // A mark that cannot be made is made at the next refusal.
            let _ = session.with_call(app, |call| erase(request, &call.tokens(None, None)));
        }
        Ok(())
    }

    /// The Apps of the host that git names.
    fn apps_of_host<'a>(
        &self,
        request: &CredentialRequest,
        session: &'a Session<'_>,
    ) -> Result<Vec<&'a App>> {
        let flags = self.flags();
        let names_an_app = flags.app.is_some() || flags.client_id.is_some() || flags.host.is_some();
        let mut apps: Vec<&App> = if names_an_app {
            vec![session.config.app(None)?]
        } else {
            session.config.all_apps().collect()
        };
        apps.retain(|app| request.is_for(&app.host));
        Ok(apps)
    }
}

fn described(terminal: Terminal) -> Option<CredentialRequest> {
    match CredentialRequest::read_from(terminal.input()) {
        Ok(request) => Some(request),
        Err(Malformed(why)) => {
            terminal.note(&format!("git-credential: not answered: the request {why}"));
            None
        }
    }
}

/// Answers with a token of this App, if its account is the one that is wanted.
///
/// # Errors
/// Whatever keeps a token from being had.
fn answer(request: &CredentialRequest, call: &Call<'_>, source: &dyn TokenSource) -> Result<()> {
    let wanted = request.account();
    if let Some(wanted) = wanted.filter(|_| call.app.account.is_none()) {
        let login = call.broker.load()?.account.map(|account| account.login);
        if !is(login.as_deref(), wanted) {
            tell_other_account(wanted, login.as_deref(), call);
            return Ok(());
        }
    }
    let IssuedToken {
        token,
        expires_at,
        login,
        ..
    } = source.access_token(None)?;
    if let Some(wanted) = wanted
        && !is_account_of(call.app, login.as_deref(), wanted)
    {
        tell_other_account(wanted, login.as_deref(), call);
        return Ok(());
    }
    let answer = CredentialAnswer::Token {
        form: request.form(),
        username: request.answer_name(),
        token: &token,
        expires_at,
    };
    print(&answer, call.terminal)
}

/// Whether git asks for a repository of this scope; for others its next helper is asked.
fn is_within(scope: &TokenScope, request: &CredentialRequest) -> bool {
    let Some(RequestedRepository { owner, name }) = request.repository() else {
        return false;
    };
    let mut names = scope.repositories.iter();
    owner.eq_ignore_ascii_case(&scope.owner)
        && name.is_some_and(|name| names.any(|known| known.eq_ignore_ascii_case(name)))
}

/// A configured account is checked by the broker.
fn is_account_of(app: &App, actual: Option<&str>, wanted: &str) -> bool {
    match &app.account {
        Some(configured) => configured.is(wanted),
        None => is(actual, wanted),
    }
}

fn is(login: Option<&str>, wanted: &str) -> bool {
    login.is_some_and(|login| login.eq_ignore_ascii_case(wanted))
}

/// Reports the token that was refused; the next `get` asks GitHub. Waits for nothing and nobody.
///
/// # Errors
/// What the store says.
pub fn erase(request: &CredentialRequest, source: &dyn TokenSource) -> Result<()> {
    for secret in request.secrets() {
        source.reject(&AccessToken::new(secret.as_str()), MIN_AGE_TO_ERASE)?;
    }
    Ok(())
}

fn print_attributes(answer: &Attributes, terminal: Terminal) -> Result<()> {
    let mut text = Zeroizing::new(Vec::with_capacity(4096));
    // A vector takes everything.
    let _ = answer.write_to(&mut *text);
    terminal.data(&text)
}

fn print(answer: &CredentialAnswer<'_>, terminal: Terminal) -> Result<()> {
    let mut text = Zeroizing::new(Vec::with_capacity(4096));
    match answer.write_to(&mut *text) {
        Ok(()) => terminal.data(&text),
        Err(Malformed(_)) => Ok(()),
    }
}
