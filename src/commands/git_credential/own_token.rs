//! Whether git passes around a token that ghtok keeps: no other helper is to store it, or to drop what
//! it has because of it.

use std::ops::Deref;

use super::{GitCredential, Operation};
use crate::formats::git_credential::{CredentialRequest, Description};
use crate::session::Session;

/// Of user access tokens of GitHub Apps (docs.github.com, "About authentication to GitHub").
const USER_TOKEN: &str = "ghu_";

/// Whether a description carries a token that ghtok keeps for its host. Where that cannot be found out,
/// nothing of the kind that ghtok keeps is stored elsewhere; what was refused is forgotten elsewhere, for
/// ghtok has hardly answered then.
pub(super) fn is_carried_by<'m, S: Deref<Target = Session<'m>>>(
    description: &Description,
    git: &GitCredential,
    load: impl Fn() -> Option<S>,
) -> bool {
    let is_to_be_kept = Operation::of(&git.operation) != Operation::Erase;
    let Ok(request) = CredentialRequest::read_from(description.bytes()) else {
        let text = String::from_utf8_lossy(description.bytes());
        return is_to_be_kept && text.contains(USER_TOKEN);
    };
    let secrets = request.secrets();
    if secrets.is_empty() {
        return false;
    }
    let known = load().and_then(|session| {
        session.has_issued(&secrets, &|host| request.is_for(host), &|| {
            git.apps_of_host(&request, &session).ok()
        })
    });
    let looks_like_ours = || secrets.iter().any(|secret| secret.starts_with(USER_TOKEN));
    known.unwrap_or_else(|| is_to_be_kept && looks_like_ours())
}
