//! The scoped tokens in the report of `status`.

use serde::Serialize;

use crate::auth::scoped_tokens::list::HandedOut;
use crate::formats::durations::human_duration;
use crate::formats::timestamps::rfc3339;
use crate::session::Call;

/// A scoped token that was handed out and not revoked.
#[derive(Debug, Serialize)]
pub(super) struct ScopedReport {
    scope: String,
    /// The process that has it, if it is revoked at that process's end.
    holder: Option<String>,
    created_at: String,
    created_at_unix: i64,
    expires_at: Option<String>,
    expires_at_unix: Option<i64>,
    #[serde(skip)]
    pub(super) line: String,
}

/// Those of this App. A list that cannot be read hides nothing of the sign-in.
pub(super) fn reports(call: &Call<'_>) -> Vec<ScopedReport> {
    match call.scoped_tokens() {
        Ok(mut list) => {
            list.forget_ended(call.clock.now());
            let entries = list.entries.iter();
            entries.map(|entry| report(entry, call)).collect()
        }
        Err(error) => {
            call.terminal.note(&error.to_string());
            Vec::new()
        }
    }
}

fn report(entry: &HandedOut, call: &Call<'_>) -> ScopedReport {
    let now = call.clock.now();
    let holder = entry.used.holder.as_deref();
    let end = entry.expires_at();
    let until = match end {
        Some(end) => format!(
            "until {} ({} left)",
            call.clock.local_time(end),
            human_duration(now.until(end))
        ),
        None => "never expires".into(),
    };
    let state = match holder {
        _ if entry.token().is_none() => "; GitHub's answer was lost".into(),
        _ if entry.ending => "; the next ghtok that is online revokes it".into(),
        Some(holder) if call.is_running(holder) => format!("; of {holder}"),
        Some(holder) => {
            format!("; {holder} has ended, and the next ghtok that is online revokes it")
        }
        None => String::new(),
    };
    ScopedReport {
        scope: entry.used.scope.clone(),
        holder: entry.used.holder.clone(),
        created_at: rfc3339(entry.created_at),
        created_at_unix: entry.created_at.0,
        expires_at: end.map(rfc3339),
        expires_at_unix: end.map(|end| end.0),
        line: format!("{}: {until}{state}", entry.used.scope),
    }
}
