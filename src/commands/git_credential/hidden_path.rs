//! Whether git keeps the repository's path from ghtok although `setup git` told it to send it: then nobody
//! knows whether the App reaches the repository, and the helpers that were in force before are asked (P13).

use crate::app::App;
use crate::config::Environment;
use crate::formats::git_config::{hides_path_from_ghtok, listing};
use crate::formats::git_credential::CredentialRequest;
use crate::session::Session;
use crate::system::git_program::GitProgram;

/// True if the App must not answer, because it may not reach what git does not name. git is asked only where
/// the request has no path and the App's reach is limited.
pub(super) fn leaves_it_to_others(
    request: &CredentialRequest,
    app: &App,
    session: &Session<'_>,
) -> bool {
    if request.repository().is_some() || request.is_for_gists() {
        return false;
    }
    let is_limited = !app.owners.is_empty() || session.reach(app).is_some();
    if !is_limited {
        return false;
    }
    let git = GitProgram::find(&Environment::from_process().path_or_usual());
    let printed = git.and_then(|git| git.of_current_folder());
    let hides = printed
        .is_some_and(|printed| hides_path_from_ghtok(&app.host.web_url(), &listing(&printed)));
    if hides {
        log::info!("credential.useHttpPath was turned off: another helper is asked");
    }
    hides
}
