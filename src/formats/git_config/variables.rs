//! What git is told through its environment (git-config(1), `GIT_CONFIG_COUNT`): settings that come after
//! those of all files, and before those of `git -c`.

use super::GhtokCommand;
#[cfg(unix)]
use crate::host::{Host, HostKind};

/// Which Apps git asks about a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostHelpers {
    /// The host's address.
    pub(crate) url: String,
    /// ghtok's own lines, as [`GhtokCommand::helper`] makes them.
    pub(crate) helpers: Vec<Vec<u8>>,
}

/// The variables by which git asks ghtok about these hosts, and then whomever it would have asked
/// without them. `count` is how many settings the caller's environment has already; they stay.
pub(crate) fn variables(
    count: u32,
    hosts: &[HostHelpers],
    ghtok: &GhtokCommand,
) -> Vec<(String, Vec<u8>)> {
    let others = ghtok.via(all_others(count).as_bytes(), true);
    let mut settings: Vec<(String, Vec<u8>)> = Vec::new();
    for HostHelpers { url, helpers } in hosts {
        let mut tell = |key: &str, value: &[u8]| {
            settings.push((format!("credential.{url}.{key}"), value.to_vec()));
        };
        tell("helper", b"");
        for helper in helpers {
            tell("helper", helper);
        }
        tell("helper", &others);
        tell("useHttpPath", b"true");
    }
    numbered(count, settings)
}

/// The variables by which git asks this helper about these addresses, and nobody else, and uses https where a
/// repository has an ssh address of the host.
#[cfg(unix)]
pub(crate) fn only_helper(
    count: u32,
    urls: &[String],
    host: &Host,
    helper: &[u8],
) -> Vec<(String, Vec<u8>)> {
    let mut settings: Vec<(String, Vec<u8>)> = Vec::new();
    for url in urls {
        settings.push((format!("credential.{url}.helper"), Vec::new()));
        settings.push((format!("credential.{url}.helper"), helper.to_vec()));
        settings.push((format!("credential.{url}.useHttpPath"), b"true".to_vec()));
    }
    let name = host.name();
    let mut ssh = vec![format!("git@{name}:"), format!("ssh://git@{name}/")];
    if host.kind() == HostKind::GitHubCom {
        // docs.github.com, "Using SSH over the HTTPS port".
        ssh.push(format!("ssh://git@ssh.{name}:443/"));
    }
    for address in ssh {
        let key = format!("url.{}/.insteadOf", host.web_url());
        settings.push((key, address.into_bytes()));
    }
    numbered(count, settings)
}

/// The settings as variables, behind `count` others.
fn numbered(count: u32, settings: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    let mut variables = Vec::new();
    let mut next = count;
    for (key, value) in settings {
        variables.push((format!("GIT_CONFIG_KEY_{next}"), key.into_bytes()));
        variables.push((format!("GIT_CONFIG_VALUE_{next}"), value));
        next += 1;
    }
    variables.push(("GIT_CONFIG_COUNT".into(), next.to_string().into_bytes()));
    variables
}

/// A helper that stands for all others: git itself, without the settings above, in the repository in
/// which it is asked.
fn all_others(count: u32) -> String {
    format!(
        "!f() {{ case $1 in get) set fill;; store) set approve;; erase) set reject;; *) exit;; esac; \
         GIT_CONFIG_COUNT={count} git credential $1; }}; f"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p6_only_the_hosts_are_named_and_the_callers_settings_stay() {
        let ghtok = GhtokCommand {
            program: b"/g".to_vec(),
            config_dir: None,
        };
        let host = HostHelpers {
            url: "https://ghes.example".into(),
            helpers: vec![b"/g git-credential --app=a".to_vec()],
        };
        let told = variables(2, &[host], &ghtok);
        let told: Vec<(&str, String)> = told
            .iter()
            .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value).into_owned()))
            .collect();
        let value = |name: &str| {
            let found = told.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        assert_eq!(value("GIT_CONFIG_COUNT"), "6");
        for place in 2..5 {
            let key = value(&format!("GIT_CONFIG_KEY_{place}"));
            assert_eq!(key, "credential.https://ghes.example.helper");
        }
        assert_eq!(value("GIT_CONFIG_VALUE_2"), "");
        assert_eq!(value("GIT_CONFIG_VALUE_3"), "/g git-credential --app=a");
        let others = value("GIT_CONFIG_VALUE_4");
        assert!(
            others.starts_with("/g git-credential --keep-path --via '!f() {")
                && others.contains("GIT_CONFIG_COUNT=2 git credential $1"),
            "{others}"
        );
        assert_eq!(
            value("GIT_CONFIG_KEY_5"),
            "credential.https://ghes.example.useHttpPath"
        );
        assert_eq!(told.len(), 9);
    }
}
