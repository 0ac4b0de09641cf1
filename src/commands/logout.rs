//! `ghtok logout`: removes a sign-in, even a damaged one; with `--revoke`, revokes its tokens first.

use clap::Args;

use crate::auth::broker::github_error;
use crate::auth::ports::TokenStore;
use crate::auth::record::Record;
use crate::commands::{Subcommand, Target};
use crate::config::Flags;
use crate::error::{Error, Result, StoredTokens, most_serious};
use crate::github::{HttpError, RequestFailure};
use crate::session::sign_out::{SignedOut, sign_out};
use crate::session::{Call, Reading, Session, report};
use crate::system::terminal::Terminal;

/// Remove a stored sign-in
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok logout
  ghtok logout --all
  ghtok logout --revoke     also revoke the tokens at GitHub")]
pub(crate) struct Logout {
    #[command(flatten)]
    target: Target,
    /// All stored sign-ins, also of Apps that are not configured; with --store, only those in it
    #[arg(long, conflicts_with_all = ["named", "app", "client_id"])]
    all: bool,
    /// The sign-in of this account ('': of no account), if no configured App uses it any more
    #[arg(long, value_name = "LOGIN", requires = "client_id")]
    account: Option<String>,
    /// First revoke both tokens at GitHub, which sends an e-mail
    #[arg(long)]
    revoke: bool,
    /// Print errors as JSON
    #[arg(long)]
    json: bool,
}

impl Subcommand for Logout {
    fn flags(&self) -> Flags {
        self.target.flags()
    }

    fn wants_json(&self) -> bool {
        self.json
    }

    fn run(&self, session: &Session<'_>) -> Result<u8> {
        session.config.check_store()?;
        if self.all {
            return Ok(self.log_out_all(session));
        }
        match &self.account {
            None => session.for_app(|call| self.log_out(call))?,
            Some(account) => {
                let app = session.config.app_of_record(account)?;
                session.with_call(&app, |call| self.log_out(call))?;
            }
        }
        Ok(0)
    }
}

impl Logout {
    /// Removes what can be removed, and tells each error; returns the most serious exit code.
    fn log_out_all(&self, session: &Session<'_>) -> u8 {
        let others = session.other_sign_ins(Reading::OneByOne);
        let log_out = |call: &Call<'_>| self.log_out(call);
        let apps = session.config.all_apps();
        let known = apps.map(|app| session.with_call(app, log_out));
        let records = others.records.iter();
        let found = records.map(|(app, store)| session.with_call_in(app, *store, log_out));
        let mut results: Vec<Result<()>> = known.chain(found).collect();
        for (app, store) in &others.leftovers {
            // Another process that holds the lock makes new ones.
            if let Ok(store) = session.open_store(app, *store)
                && let Ok(Some(mut locked)) = store.try_lock()
            {
                let _ = locked.forget_rest();
            }
        }
        results.extend(others.unseen.into_iter().map(Err));
        if session.remove_orphans() == 0 && results.is_empty() {
            Terminal.note("nothing is stored");
        }
        let exit_code =
            |result: Result<()>| result.map_or_else(|error| report(&error, self.json), |()| 0);
        most_serious(results.into_iter().map(exit_code))
    }

    fn log_out(&self, call: &Call<'_>) -> Result<()> {
        let stored = sign_out(call, |record| {
            if self.revoke {
                revoke(record, call)
            } else {
                Ok(())
            }
        })?;
        let done = match (stored, self.revoke) {
            (SignedOut::Record, true) => {
                "signed out; GitHub revoked the tokens and sends their owner an e-mail"
            }
            (SignedOut::Unreadable, true) => "signed out; there was no token to revoke at GitHub",
            (stored, _) => stored.words(),
        };
        call.terminal.note(&format!("{}: {done}", call.app.label()));
        Ok(())
    }
}

fn revoke(record: &Record, call: &Call<'_>) -> Result<()> {
    let tokens = &record.tokens;
    call.github()
        .revoke(tokens.access_token(), tokens.refresh_token())
        .map_err(|failure| {
            let app = call.app.label().to_owned();
            let tokens = match failure {
                RequestFailure::Unknown(_) => StoredTokens::PerhapsRevoked,
                _ => StoredTokens::Kept,
            };
            match failure {
                RequestFailure::Refused { code } => {
                    github_error(call.app, &code, &call.login_command())
                }
                RequestFailure::Answered {
                    status: 401 | 403 | 404 | 422,
                    cause: HttpError::HttpStatus { status, .. },
                    retry_after: None,
                } => no_revocation(status, call),
                RequestFailure::NotSent(cause) | RequestFailure::Unknown(cause) => {
                    cause.setting_error().unwrap_or_else(|| Error::Temporary {
                        app,
                        what: "could not revoke the tokens, so nothing was deleted",
                        cause: cause.to_string(),
                        retry_after: None,
                        tokens,
                    })
                }
                RequestFailure::Answered {
                    cause, retry_after, ..
                } => Error::Temporary {
                    app,
                    what: "could not revoke the tokens, so nothing was deleted",
                    cause: cause.to_string(),
                    retry_after,
                    tokens,
                },
            }
        })
}

/// GitHub Enterprise Server has no such address, or asks for a signature that we must not give
/// (docs.github.com, "REST API endpoints for revocation").
fn no_revocation(status: u16, call: &Call<'_>) -> Error {
    let logout = call.login_command().replacen("login", "logout", 1);
    Error::Refused {
        app: call.app.label().to_owned(),
        host: call.app.host.to_string(),
        code: format!("HTTP {status}"),
        meaning: "it does not support this way of revoking tokens, so nothing was deleted",
        fix: format!(
            "revoke the App at {}/settings/apps/authorizations, then delete the tokens here with:\n  {logout}",
            call.app.host.web_url()
        ),
    }
}
