//! The question whether a sign-in is the right person's, before the first one of an App is stored: with the
//! App's name and owner, where GitHub says them.

use super::RegisteredApp;
use crate::github::AppInfo;
use crate::session::Call;
use crate::session::sign_in::NewSignIn;
use crate::system::terminal::Terminal;
use crate::system::terminal::keys::forget_typed;
use crate::system::terminal::screen::Screen;

/// Asks; false if it is not the right person. In the background, where nobody can answer, it counts as right.
pub(super) fn is_right_person(
    new: &NewSignIn,
    info: Option<&AppInfo>,
    registered: &RegisteredApp,
    screen: &Screen,
    call: &Call<'_>,
) -> bool {
    let host = &call.app.host;
    if let Some(info) = info {
        let of = match &info.owner {
            Some(owner) => format!(", owned by {owner}"),
            None => String::new(),
        };
        screen.say(&format!("\nThe App \"{}\"{of}, on {host}.", info.name));
        if let Some(stranger) = stranger(info, new, registered, call) {
            screen.say(&format!(
                "\nWarning: GitHub lists {stranger} neither as you nor as one of your organizations. The owner of \
                 an App can use it on every repository where it is installed: go on only if you trust {stranger}."
            ));
        }
    }
    let question = match new.account() {
        Some(account) => format!("You are signed in as {}, right?", account.login),
        None => "GitHub does not say who signed in. Store this sign-in?".to_owned(),
    };
    if !Terminal.is_in_foreground() {
        return true;
    }
    forget_typed();
    Terminal.confirm(&format!("\n{question}"))
}

/// What GitHub says of the App of a new sign-in.
pub(super) fn describe(
    new: &NewSignIn,
    registered: &RegisteredApp,
    call: &Call<'_>,
) -> Option<AppInfo> {
    let token = new.token();
    let of_slug = |slug: &str| call.github().app_info(token, slug).ok().flatten();
    registered.slug.as_deref().and_then(of_slug).or_else(|| {
        let began = call.clock.monotonic();
        let elapsed = || call.clock.monotonic().saturating_sub(began);
        let installations = call
            .github()
            .installations(token, call.limits.check, &elapsed);
        let slug = installations.ok()?.app_slug?;
        of_slug(&slug).or(Some(AppInfo {
            name: slug.clone(),
            slug,
            owner: None,
        }))
    })
}

/// The App's owner, if it is neither the person, nor the organization for which the App was registered, nor
/// another organization of the person.
fn stranger<'i>(
    info: &'i AppInfo,
    new: &NewSignIn,
    registered: &RegisteredApp,
    call: &Call<'_>,
) -> Option<&'i str> {
    let owner = info.owner.as_deref()?;
    let is_owner = |login: &str| login.eq_ignore_ascii_case(owner);
    let is_person = new
        .account()
        .is_some_and(|account| is_owner(&account.login));
    if is_person || registered.organization.as_deref().is_some_and(is_owner) {
        return None;
    }
    let organizations = call.github().organizations(new.token()).unwrap_or_default();
    let is_theirs = organizations.iter().any(|login| is_owner(login));
    (!is_theirs).then_some(owner)
}
