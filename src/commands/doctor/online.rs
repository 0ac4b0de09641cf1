//! What GitHub says, with `--online` or a repository: the network, the server's time, the token, where
//! the App is installed, and why a repository answers as it does. Nothing is refreshed or stored.

use std::time::Duration;

use super::finding::{Findings, Level};
use crate::auth::reach::{Installation, Reach, Selection};
use crate::auth::record::Record;
use crate::auth::repository_access::{Access, Explanation};
use crate::auth::token_check::AccessState;
use crate::formats::durations::human_duration;
use crate::github::{HttpError, RepositoryName, RequestFailure};
use crate::session::{Call, ask_github};

const SUBJECT: &str = "github";

/// A clock may be wrong by so much before anybody notices.
const TOLERANCE: Duration = Duration::from_secs(120);

/// Asks GitHub; about the token only if there is a record.
pub(super) fn check(
    call: &Call<'_>,
    record: Option<&Record>,
    repository: Option<&RepositoryName>,
    found: &mut Findings,
) {
    if let Err(failure) = check_server(call, found) {
        unreachable(&failure, found);
        return;
    }
    let Some(record) = record else { return };
    let asked = ask_github(record, repository, call);
    check_token(&asked.token, call, found);
    match asked.reach {
        Some(Ok(reach)) => check_reach(&reach, call, found),
        Some(Err(failure)) => unreachable(&failure, found),
        None => {}
    }
    match (asked.repository, repository) {
        (Some(Ok(explanation)), Some(name)) => explain(explanation, name, found),
        (Some(Err(failure)), Some(_)) => unreachable(&failure, found),
        _ => {}
    }
}

fn check_server(call: &Call<'_>, found: &mut Findings) -> Result<(), RequestFailure> {
    let before = call.clock.now();
    let server = call.github().server_time()?;
    let host = &call.app.host;
    found.ok("network", "host_reached", format!("{host} answers"));
    let Some(server) = server else { return Ok(()) };
    let (behind, ahead) = (before.until(server), server.until(call.clock.now()));
    let skew = behind.max(ahead);
    if skew <= TOLERANCE {
        found.ok("clock", "clock_right", format!("as {host}'s"));
        return Ok(());
    }
    let which = if behind > ahead { "behind" } else { "ahead of" };
    found
        .add(
            "clock",
            "clock_wrong",
            Level::Warning,
            format!(
                "this machine's clock is {} {which} {host}'s",
                human_duration(skew)
            ),
        )
        .fix(
            "set the clock: certificates may look invalid, and tokens expire too early or too late",
        );
    Ok(())
}

fn unreachable(failure: &RequestFailure, found: &mut Findings) {
    let cause = match failure {
        RequestFailure::NotSent(cause)
        | RequestFailure::Unknown(cause)
        | RequestFailure::Answered { cause, .. } => cause,
        RequestFailure::Refused { .. } => {
            found.add(SUBJECT, "refused", Level::Problem, failure.to_string());
            return;
        }
    };
    if let Some(error) = cause.setting_error() {
        found.error("network", Level::Problem, &error);
        return;
    }
    let finding = found.add(
        "network",
        "host_unreachable",
        Level::Problem,
        cause.to_string(),
    );
    match cause {
        HttpError::Certificate { .. } | HttpError::Tls { .. } => {
            finding.fix("behind a company's proxy, set ca_file in config.toml to its certificates; otherwise check this machine's clock");
        }
        HttpError::Proxy { .. } => {
            finding.fix("check proxy and no_proxy in config.toml, HTTPS_PROXY and NO_PROXY");
        }
        HttpError::RateLimited { .. } => {
            finding.fix("wait, and ask again");
        }
        HttpError::Limit { .. } => {
            finding.fix("raise the limit (ulimit, or the container's)");
        }
        _ => {
            finding
                .fix("check the network; behind a proxy, set HTTPS_PROXY or proxy in config.toml");
        }
    }
}

fn check_token(token: &AccessState, call: &Call<'_>, found: &mut Findings) {
    let refresh = call.login_command().replacen("login", "refresh", 1);
    match token {
        AccessState::Alive(account) => {
            found.keep_login_private(&account.login);
            found.ok(
                SUBJECT,
                "token_accepted",
                format!("accepts the token of {}", account.login),
            );
        }
        AccessState::Dead => found
            .add(
                SUBJECT,
                "token_rejected",
                Level::Problem,
                "GitHub does not accept the token (401)".into(),
            )
            .run("get a new one:", format!("{refresh} --force")),
        AccessState::Expired => found
            .add(
                SUBJECT,
                "token_expired",
                Level::Ok,
                "was not asked about the token, which has expired".into(),
            )
            .run("the next use gets a new one; now:", refresh),
        AccessState::Unknown(failure) => unreachable(failure, found),
    }
}

fn check_reach(reach: &Reach, call: &Call<'_>, found: &mut Findings) {
    let installations = &reach.installations;
    if reach.is_empty() {
        let page = match &installations.app_slug {
            Some(slug) => call.app.host.install_page(slug),
            None => call.app.host.apps_page(None),
        };
        found
            .add(
                SUBJECT,
                "not_installed",
                Level::Warning,
                "the App is installed nowhere: its tokens can only read public repositories".into(),
            )
            .fix(&format!("install it: {page}"));
    }
    for installation in &installations.installed {
        found.keep_login_private(&installation.owner);
        found.ok(SUBJECT, "installed_on", line(installation));
    }
    for owner in &installations.suspended {
        found.keep_login_private(owner);
        found
            .add(
                SUBJECT,
                "installation_suspended",
                Level::Warning,
                format!("the installation on {owner} is suspended: tokens reach nothing there"),
            )
            .fix("an owner can end this in the settings of the installed Apps");
    }
}

/// One installation. Names of repositories are nobody else's business, their number is enough.
fn line(installation: &Installation) -> String {
    let repositories = match &installation.selection {
        Selection::All => "all repositories".to_owned(),
        Selection::Unknown => "some repositories".to_owned(),
        Selection::These(names) => match names.len() {
            1 => "1 selected repository".to_owned(),
            count => format!("{count} selected repositories"),
        },
    };
    let permissions = match installation.permissions_text() {
        text if text.is_empty() => text,
        text => format!("; {text}"),
    };
    format!(
        "installed on {}: {repositories}{permissions}",
        installation.owner
    )
}

fn explain(explanation: Explanation, name: &RepositoryName, found: &mut Findings) {
    found.keep_login_private(&name.owner);
    found.keep_login_private(&name.name);
    let Explanation { access, why, fix } = explanation;
    let (code, level) = match access {
        Access::Installed => ("repository_reached", Level::Ok),
        Access::PublicOnly => ("repository_read_only", Level::Warning),
        _ => ("repository_not_reached", Level::Problem),
    };
    let finding = found.add("repository", code, level, format!("{name}: {why}"));
    let Some(fix) = fix else { return };
    match (fix.act.as_str(), fix.command) {
        ("", Some(command)) => finding.run("get a new token:", command),
        (act, Some(command)) => finding.run(&format!("{act}, then get a new token:"), command),
        (act, None) => drop(finding.fix(act)),
    }
}
