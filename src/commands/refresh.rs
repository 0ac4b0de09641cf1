//! `ghtok refresh`: refreshes tokens that are due; with `--force`, others too.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::auth::broker::Served;
use crate::commands::Subcommand;
use crate::commands::Target;
use crate::config::Flags;
use crate::error::Result;
use crate::formats::durations::human_duration;
use crate::formats::timestamps::rfc3339;
use crate::session::{Call, Session};
use crate::token::TokenSet;

/// Refresh tokens that are about to expire; with --force, now
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok refresh             the default App, if its token is about to expire
  ghtok refresh --all       every configured App
  ghtok refresh --force     now, for example after installing the App")]
pub(crate) struct Refresh {
    #[command(flatten)]
    target: Target,
    /// Every configured App
    #[arg(long, conflicts_with_all = ["named", "app", "client_id"])]
    all: bool,
    /// Refresh now; invalidates the current token wherever it is in use
    #[arg(long)]
    force: bool,
    /// Print JSON, one object per App
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct RefreshJson<'a> {
    schema_version: u32,
    app: &'a str,
    host: String,
    login: Option<&'a str>,
    refreshed: bool,
    replaced_token_had_left_seconds: Option<u64>,
    expires_at: Option<String>,
    expires_at_unix: Option<i64>,
}

impl Subcommand for Refresh {
    fn flags(&self) -> Flags {
        self.target.flags()
    }

    fn wants_json(&self) -> bool {
        self.json
    }

    fn run(&self, session: &Session<'_>) -> Result<u8> {
        let refresh = |call: &Call<'_>| self.refresh(session, call);
        if self.all {
            session.for_all_apps(self.json, refresh)
        } else {
            session.for_app(refresh).map(|()| 0)
        }
    }
}

impl Refresh {
    fn refresh(&self, session: &Session<'_>, call: &Call<'_>) -> Result<()> {
        let began = call.clock.now();
        let before = call.broker.load()?;
        let served = if self.force {
            call.broker.newer_than(before.generation)?
        } else {
            call.broker.access_token(call.min_ttl)?
        };
        let refreshed = served.generation != before.generation;
        let now = call.clock.now();
        let had_left = match &before.tokens {
            TokenSet::Expiring { access, .. } if refreshed => Some(now.until(access.expires_at)),
            TokenSet::Expiring { .. } | TokenSet::Permanent(_) => None,
        };
        let line = if self.json {
            json(&served, refreshed, had_left, call)
        } else {
            self.text(&served, refreshed, had_left, call)
        };
        call.terminal.line(&line)?;
        if self.force {
            session.ask_reach_after_refresh(began, call);
        }
        Ok(())
    }

    fn text(
        &self,
        served: &Served,
        refreshed: bool,
        had_left: Option<Duration>,
        call: &Call<'_>,
    ) -> String {
        let until = served.expires_at.map_or_else(
            || "it never expires".to_owned(),
            |at| {
                let left = human_duration(call.clock.now().until(at));
                format!("valid until {} ({left})", call.clock.local_time(at))
            },
        );
        let what = match (self.force, refreshed) {
            (_, true) => format!("refreshed, {until}{}", killed(had_left)),
            (false, false) => format!("not due, {until}"),
            (true, false) => format!("has no refresh token, {until}"),
        };
        format!("{}: {what}", call.app.label())
    }
}

fn json(served: &Served, refreshed: bool, had_left: Option<Duration>, call: &Call<'_>) -> String {
    let document = RefreshJson {
        schema_version: 1,
        app: call.app.label(),
        host: call.app.host.to_string(),
        login: served
            .account
            .as_ref()
            .map(|account| account.login.as_str()),
        refreshed,
        replaced_token_had_left_seconds: had_left.map(|left| left.as_secs()),
        expires_at: served.expires_at.map(rfc3339),
        expires_at_unix: served.expires_at.map(|at| at.0),
    };
    serde_json::to_string(&document).expect("a plain struct becomes JSON")
}

/// A refresh kills the old token at once, so it says what that cost.
fn killed(had_left: Option<Duration>) -> String {
    match had_left {
        Some(left) if !left.is_zero() => {
            format!(
                "; the replaced token would have been valid for {} more",
                human_duration(left)
            )
        }
        Some(_) | None => String::new(),
    }
}
