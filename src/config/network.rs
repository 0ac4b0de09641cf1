//! How hosts are reached: the file's word first, the environment's where the file is silent. Only read
//! here; judged where a connection is made.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::settings::FileSettings;
use crate::github::{Network, ProxySetting};

/// `folder` is the configuration file's: relative paths begin there.
pub(super) fn network(
    settings: &FileSettings,
    folder: &Path,
    environment: &Environment,
) -> Network {
    Network {
        proxy: proxy(settings, environment),
        no_proxy: no_proxy(settings.no_proxy.as_deref(), environment),
        ca_file: settings
            .ca_file
            .as_deref()
            .map(|path| ca_path(path, folder, environment)),
    }
}

/// `HTTP_PROXY` is not asked: ghtok speaks plain http to loopback alone, which never has a proxy.
fn proxy(settings: &FileSettings, environment: &Environment) -> Option<ProxySetting> {
    if settings.proxy.is_some() {
        return settings.proxy.clone();
    }
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .find_map(|name| Some(ProxySetting::of_variable(name, &environment.value(name)?)))
}

/// What is not UTF-8 there names no host.
fn no_proxy(setting: Option<&str>, environment: &Environment) -> Option<String> {
    let variable = || {
        environment
            .lossy_text("NO_PROXY")
            .or_else(|| environment.lossy_text("no_proxy"))
    };
    setting.map(str::to_owned).or_else(variable)
}

fn ca_path(path: &str, folder: &Path, environment: &Environment) -> PathBuf {
    match path.strip_prefix("~/") {
        Some(below) => match environment.home() {
            Ok(home) => home.join(below),
            Err(_) => path.into(),
        },
        None if path.is_empty() => PathBuf::new(),
        None => folder.join(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings;

    fn of(file: &str, pairs: &[(&str, &str)]) -> Network {
        let settings = settings::parse(Path::new("/c/config.toml"), file).expect(file);
        network(
            &settings,
            Path::new("/c"),
            &Environment::from_pairs(pairs.iter().copied()),
        )
    }

    fn proxy_of(file: &str, pairs: &[(&str, &str)]) -> Option<(String, Option<&'static str>)> {
        let setting = of(file, pairs).proxy?;
        let proxy = setting.judge().expect("an address")?;
        Some((proxy.to_string(), setting.variable()))
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
            found("socks5://all:1080", Some("ALL_PROXY"))
        );
        assert_eq!(
            proxy_of("", &all[1..2]),
            found("socks5://lower-all:1080", Some("all_proxy"))
        );
        assert_eq!(proxy_of("", &all[4..]), None);
        assert_eq!(
            proxy_of("", &[("HTTPS_PROXY", ""), all[0]]),
            found("socks5://all:1080", Some("ALL_PROXY"))
        );
        assert_eq!(proxy_of("proxy = \"\"", &all), None);
    }

    #[test]
    fn hosts_without_a_proxy_are_named_by_the_file_else_by_the_environment() {
        let no_proxy = |file, pairs: &[_]| of(file, pairs).no_proxy;
        let pairs = [("no_proxy", "lower"), ("NO_PROXY", "upper,x")];
        assert_eq!(
            no_proxy("no_proxy = \"file\"", &pairs).as_deref(),
            Some("file")
        );
        assert_eq!(no_proxy("", &pairs).as_deref(), Some("upper,x"));
        assert_eq!(no_proxy("no_proxy = \"\"", &pairs).as_deref(), Some(""));
        assert_eq!(no_proxy("", &[]), None);
    }

    #[test]
    fn an_unusable_proxy_is_named_without_its_password_once_it_is_judged() {
        for (file, name, origin) in [
            ("", "HTTPS_PROXY", "HTTPS_PROXY: the address"),
            ("", "all_proxy", "all_proxy: the address"),
            (
                "\nproxy = \"socks9://octo:hunter2@proxy\"",
                "NO_PROXY",
                "/c/config.toml, line 2: proxy",
            ),
        ] {
            let network = of(file, &[(name, "socks9://octo:hunter2@proxy")]);
            let cause = network.proxy.expect("a setting").judge().expect_err("bad");
            assert_eq!(
                cause.to_string(),
                format!(
                    "{origin} has an unknown scheme (expected http, https, socks, socks4, socks4a, socks5 or socks5h)"
                )
            );
            assert!(!format!("{cause:?}").contains("hunter2"));
        }
    }

    #[test]
    fn certificates_are_found_from_the_files_folder_or_the_home() {
        let home = [if cfg!(windows) {
            ("USERPROFILE", r"C:\home")
        } else {
            ("HOME", "/home/me")
        }];
        let ca_file = |text: &str| of(&format!("ca_file = \"{text}\""), &home).ca_file;
        assert_eq!(ca_file("ca.pem"), Some(Path::new("/c").join("ca.pem")));
        assert_eq!(ca_file("/etc/ca.pem"), Some(PathBuf::from("/etc/ca.pem")));
        assert_eq!(
            ca_file("~/ca.pem"),
            Some(Path::new(home[0].1).join("ca.pem"))
        );
        let homeless = of("ca_file = \"~/ca.pem\"", &[]).ca_file;
        assert_eq!(homeless, Some(PathBuf::from("~/ca.pem")));
    }
}
