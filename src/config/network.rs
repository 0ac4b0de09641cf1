//! How hosts are reached: the file's word first, the environment's where the file is silent.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::proxy::Proxy;
use super::settings::{CaFile, ProxySetting, Settings};
use crate::error::{Error, Result};

/// How hosts are reached; loopback ones never through a proxy.
#[derive(Clone, Debug, Default)]
pub struct NetworkSettings {
    /// The proxy for all other hosts.
    pub proxy: Option<Proxy>,
    /// The hosts that are reached without it, in the syntax of `NO_PROXY`.
    pub no_proxy: Option<String>,
    /// A file of PEM certificates that replaces the system's roots: an absolute path, not yet opened.
    pub ca_file: Option<PathBuf>,
}

impl NetworkSettings {
    /// `folder` is the configuration file's: relative paths begin there.
    pub(super) fn new(
        settings: &Settings,
        folder: &Path,
        environment: &Environment,
    ) -> Result<Self> {
        let ca_file = settings
            .ca_file
            .as_ref()
            .map(|ca| ca_path(ca, folder, environment));
        Ok(Self {
            proxy: proxy(&settings.proxy, environment)?,
            no_proxy: no_proxy(settings.no_proxy.as_deref(), environment)?,
            ca_file: ca_file.transpose()?,
        })
    }
}

/// `HTTP_PROXY` is not asked: ghtok speaks plain http to loopback alone, which never has a proxy.
fn proxy(setting: &ProxySetting, environment: &Environment) -> Result<Option<Proxy>> {
    match setting {
        ProxySetting::Through(proxy) => return Ok(Some(proxy.clone())),
        ProxySetting::Without => return Ok(None),
        ProxySetting::Unsaid => {}
    }
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let Some((name, text)) = environment.first_text(&names)? else {
        return Ok(None);
    };
    Proxy::parse(text, Some(name)).map_err(|reason| Error::Config {
        origin: name.into(),
        problem: format!("the address {reason}"),
    })
}

fn no_proxy(setting: Option<&str>, environment: &Environment) -> Result<Option<String>> {
    let text = match setting {
        Some(text) => Some(text),
        None => environment
            .first_text(&["NO_PROXY", "no_proxy"])?
            .map(|(_, text)| text),
    };
    Ok(text
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned))
}

fn ca_path(ca: &CaFile, folder: &Path, environment: &Environment) -> Result<PathBuf> {
    let Some(below_home) = ca.path.strip_prefix("~/") else {
        return Ok(folder.join(&ca.path));
    };
    let home = environment.home().map_err(|_| Error::Config {
        origin: ca.origin.clone(),
        problem: "ca_file begins with ~/, and no home folder is known".into(),
    })?;
    Ok(home.join(below_home))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings;

    fn network(file: &str, pairs: &[(&str, &str)]) -> Result<NetworkSettings> {
        let settings = settings::parse(Path::new("/c/config.toml"), file)?;
        NetworkSettings::new(
            &settings,
            Path::new("/c"),
            &Environment::from_pairs(pairs.iter().copied()),
        )
    }

    fn proxy_of(file: &str, pairs: &[(&str, &str)]) -> Option<(String, Option<&'static str>)> {
        let proxy = network(file, pairs).expect("settings").proxy?;
        Some((proxy.to_string(), proxy.variable()))
    }

    #[test]
    fn the_file_comes_before_the_environment_and_https_proxy_before_all_proxy() {
        let all = [
            ("ALL_PROXY", "socks5://all"),
            ("all_proxy", "socks5://lower-all"),
            ("HTTPS_PROXY", "https-upper:1"),
            ("https_proxy", "https-lower:1"),
            ("HTTP_PROXY", "never:1"),
        ];
        let found = |url: &str, variable| Some((url.to_owned(), variable));
        assert_eq!(
            proxy_of("proxy = \"file:1\"", &all),
            found("http://file:1", None)
        );
        assert_eq!(
            proxy_of("", &all),
            found("http://https-upper:1", Some("HTTPS_PROXY"))
        );
        assert_eq!(
            proxy_of("", &all[..2]),
            found("socks5://all", Some("ALL_PROXY"))
        );
        assert_eq!(
            proxy_of("", &all[1..2]),
            found("socks5://lower-all", Some("all_proxy"))
        );
        assert_eq!(proxy_of("", &all[4..]), None);
        assert_eq!(
            proxy_of("", &[("HTTPS_PROXY", ""), all[0]]),
            found("socks5://all", Some("ALL_PROXY"))
        );
        assert_eq!(proxy_of("proxy = \"\"", &all), None);
    }

    #[test]
    fn hosts_without_a_proxy_are_named_by_the_file_else_by_the_environment() {
        let no_proxy = |file, pairs: &[_]| network(file, pairs).expect("settings").no_proxy;
        let pairs = [("no_proxy", "lower"), ("NO_PROXY", " upper,x ")];
        assert_eq!(
            no_proxy("no_proxy = \"file\"", &pairs).as_deref(),
            Some("file")
        );
        assert_eq!(no_proxy("", &pairs).as_deref(), Some("upper,x"));
        assert_eq!(no_proxy("no_proxy = \"\"", &pairs), None);
        assert_eq!(no_proxy("", &[]), None);
    }

    #[test]
    fn an_unusable_proxy_is_named_without_its_password() {
        for (file, name, origin) in [
            ("", "HTTPS_PROXY", "HTTPS_PROXY: the address"),
            ("", "all_proxy", "all_proxy: the address"),
            (
                "\nproxy = \"socks9://octo:hunter2@proxy\"",
                "NO_PROXY",
                "/c/config.toml, line 2: proxy",
            ),
        ] {
            let error =
                network(file, &[(name, "socks9://octo:hunter2@proxy")]).expect_err("a bad proxy");
            assert_eq!(
                error.to_string(),
                format!(
                    "{origin} has a scheme that is none of http, https, socks4, socks4a, socks5, socks5h"
                )
            );
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn certificates_are_found_from_the_files_folder_or_the_home() {
        let home = [if cfg!(windows) {
            ("USERPROFILE", r"C:\home")
        } else {
            ("HOME", "/home/me")
        }];
        let ca_file = |text: &str| {
            network(&format!("ca_file = \"{text}\""), &home)
                .expect("settings")
                .ca_file
        };
        assert_eq!(ca_file("ca.pem"), Some(Path::new("/c").join("ca.pem")));
        assert_eq!(ca_file("/etc/ca.pem"), Some(PathBuf::from("/etc/ca.pem")));
        assert_eq!(
            ca_file("~/ca.pem"),
            Some(Path::new(home[0].1).join("ca.pem"))
        );
        let error = network("ca_file = \"~/ca.pem\"", &[]).expect_err("no home");
        assert_eq!(
            error.to_string(),
            "/c/config.toml, line 1: ca_file begins with ~/, and no home folder is known"
        );
    }
}
