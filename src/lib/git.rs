//! Puts `git-credential` together.

use zeroize::Zeroizing;

use crate::app::App;
use crate::cli::{self, Cli};
use crate::commands::git_credential::{self, Choice, Operation};
use crate::error::Result;
use crate::formats::git_credential::{Description, Request};
use crate::host::Host;
use crate::store::state_folder::StateFolder;
use crate::system::terminal::Terminal;
use crate::{Machine, Root};

/// git goes on whatever comes of it: it has other helpers, and a person.
pub(crate) fn answer(machine: &Machine<'_>, cli: &Cli, git: &cli::GitCredential) -> Result<u8> {
    if let Some(via) = git.via() {
        let is_ours = |description: &Description| carries_our_token(machine, cli, git, description);
        return git_credential::pass_on(via, git.word(), is_ours, Terminal);
    }
    let next = git_credential::begin(git.operation(), Terminal)?;
    if matches!(next, git_credential::Next::Done) {
        return Ok(0);
    }
    let root = Root::load(machine, cli)?;
    match next {
        git_credential::Next::Done => {}
        git_credential::Next::Get(request) => get(&root, git, &request)?,
        git_credential::Next::Erase(request) => erase(&root, git, &request)?,
    }
    Ok(0)
}

fn get(root: &Root<'_>, git: &cli::GitCredential, request: &Request) -> Result<()> {
    if root.config.all_apps().next().is_none() {
        git_credential::tell_no_app(&root.config.file, Terminal);
        return Ok(());
    }
    let apps = apps_of(root, git, request)?;
    if apps.is_empty() {
        return Ok(());
    }
    let preferred = root.config.preferred_app()?;
    let reach = |app: &App| root.reach(app);
    let app = match git_credential::choose(request, apps, preferred, &reach) {
        Choice::App(app) => app,
        other => {
            git_credential::tell_choice(&other, request, &root.config.file, Terminal);
            return Ok(());
        }
    };
    root.config.check_store()?;
    let usual = root.config.min_ttl;
    root.with_call(app, |call| git_credential::get(request, usual, call))
        .unwrap_or_else(|error| git_credential::give_up(&error, root.config.git, Terminal));
    Ok(())
}

fn erase(root: &Root<'_>, git: &cli::GitCredential, request: &Request) -> Result<()> {
    for app in apps_of(root, git, request)? {
        root.config.check_store()?;
        // A mark that cannot be made is made at the next refusal.
        let _ = root.with_call(app, |call| git_credential::erase(request, call));
    }
    Ok(())
}

/// Whether a description carries a token that ghtok keeps for its host. Where that cannot be found out,
/// nothing of the kind that ghtok keeps is stored elsewhere; what was refused is forgotten elsewhere, for
/// ghtok has hardly answered then.
fn carries_our_token(
    machine: &Machine<'_>,
    cli: &Cli,
    git: &cli::GitCredential,
    description: &Description,
) -> bool {
    /// Of user access tokens of GitHub Apps (docs.github.com, "About authentication to GitHub").
    const USER_TOKEN: &str = "ghu_";
    let is_to_be_kept = git.operation() != Operation::Erase;
    let Ok(request) = Request::read_from(description.bytes()) else {
        let text = String::from_utf8_lossy(description.bytes());
        return is_to_be_kept && text.contains(USER_TOKEN);
    };
    let secrets = request.secrets();
    if secrets.is_empty() {
        return false;
    }
    let looks_like_ours = || secrets.iter().any(|secret| secret.starts_with(USER_TOKEN));
    has_issued(machine, cli, git, &request, &secrets)
        .unwrap_or_else(|| is_to_be_kept && looks_like_ours())
}

/// Whether one of these secrets is a token of an App of the host; `None` if nobody can say.
fn has_issued(
    machine: &Machine<'_>,
    cli: &Cli,
    git: &cli::GitCredential,
    request: &Request,
    secrets: &[Zeroizing<String>],
) -> Option<bool> {
    let root = Root::load(machine, cli).ok()?;
    let folder = StateFolder::at(root.config.state_dir.clone());
    let is_host = |host: &Host| request.is_for(host);
    if secrets
        .iter()
        .any(|secret| folder.has_issued(secret, is_host))
    {
        return Some(true);
    }
    root.config.check_store().ok()?;
    let apps = apps_of(&root, git, request).ok()?;
    let mut answers = Vec::new();
    for app in &apps {
        let opened = root
            .store_of(app)
            .and_then(|choice| root.open_store(app, choice));
        for secret in secrets {
            let store = opened.as_ref().ok();
            answers.push(store.and_then(|store| store.has_issued(secret).ok().flatten()));
        }
    }
    if answers.contains(&Some(true)) {
        return Some(true);
    }
    (!answers.is_empty() && !answers.contains(&None)).then_some(false)
}

/// The Apps of the host that git names.
fn apps_of<'a>(
    root: &'a Root<'_>,
    git: &cli::GitCredential,
    request: &Request,
) -> Result<Vec<&'a App>> {
    let mut apps: Vec<&App> = if git.names_an_app() {
        vec![root.config.app(None)?]
    } else {
        root.config.all_apps().collect()
    };
    apps.retain(|app| request.is_for(&app.host));
    Ok(apps)
}
