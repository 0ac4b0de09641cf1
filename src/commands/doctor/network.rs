//! How the Apps' hosts are reached: proxy and certificates, as they are configured. Nothing is connected.

use std::path::Path;

use super::finding::{Findings, Level};
use crate::app::App;
use crate::config::network_variables;
use crate::github::ProxySetting;
use crate::session::Session;

const SUBJECT: &str = "network";

/// Looks at the settings for each App's host.
pub(super) fn check(session: &Session<'_>, apps: &[&App], found: &mut Findings) {
    let network = &session.config.network;
    let before = found.count();
    let mut hosts = Vec::new();
    for app in apps {
        if hosts.contains(&&app.host) {
            continue;
        }
        hosts.push(&app.host);
        let github = session.github(app);
        if let Err(error) = github.check_settings() {
            found.error(SUBJECT, Level::Problem, &error);
            continue;
        }
        let way = match github.proxy() {
            Some(proxy) => {
                found.keep_host_private(proxy.host());
                let origin = network.proxy.as_ref().and_then(ProxySetting::variable);
                format!(
                    "through the proxy {proxy} ({})",
                    origin.unwrap_or("config.toml")
                )
            }
            None => "without a proxy".into(),
        };
        let roots = match &network.ca_file {
            Some(path) => format!("certificates of {}", path.display()),
            None => "the system's certificates".into(),
        };
        found.ok(
            SUBJECT,
            "network_settings",
            format!("{}: {way}, {roots}", app.host),
        );
    }
    if found.count() > before && network.ca_file.is_none() {
        check_certificates(found);
    }
}

/// `SSL_CERT_FILE` and `SSL_CERT_DIR` replace the system's certificates.
fn check_certificates(found: &mut Findings) {
    let [file, folder, ..] = network_variables();
    for (name, value) in [("SSL_CERT_FILE", file), ("SSL_CERT_DIR", folder)] {
        if let Some(path) = value.filter(|value| !Path::new(value).exists()) {
            found
                .add(
                    SUBJECT,
                    "certificates_missing",
                    Level::Problem,
                    format!(
                        "{name} leads to {}, which does not exist",
                        Path::new(&path).display()
                    ),
                )
                .run(
                    "remove it here, and from the file that sets it:",
                    format!("unset {name}"),
                );
        }
    }
}
