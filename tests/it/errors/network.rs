//! What the network and GitHub can answer.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use ghtok::testing::app::{App, ClientId};
use ghtok::testing::auth::broker::github_error;
use ghtok::testing::error::{Error, StoredTokens};
use ghtok::testing::github::{ConnectStage, ErrorCode, HttpError, ProxySetting};
use ghtok::testing::host::Host;

use super::page::{self, APP, LOGIN, Page};

const HOST: &str = "github.com";

/// Each cause with each of its reasons.
fn all_causes() -> Vec<HttpError> {
    let mut causes = of_connections();
    causes.extend(of_answers());
    causes
}

/// As `github/http_error/from_ureq.rs` and `github/network.rs` put them.
fn of_connections() -> Vec<HttpError> {
    let host = || HOST.to_owned();
    let mut causes = vec![HttpError::HostNotFound { host: host() }];
    for stage in [
        ConnectStage::Lookup,
        ConnectStage::Tcp,
        ConnectStage::Proxy,
        ConnectStage::Tls,
    ] {
        causes.push(HttpError::ConnectTimeout {
            host: host(),
            stage,
            limit: Duration::from_secs(10),
        });
    }
    causes.push(HttpError::NotLoopback {
        host: "localhost".into(),
        address: [192, 0, 2, 1].into(),
    });
    causes.push(HttpError::ConnectionRefused { host: host() });
    causes.push(HttpError::ConnectFailed {
        host: host(),
        reason: "network is unreachable".into(),
    });
    for (doing, reason) in [
        ("open a connection", "too many open files"),
        ("open a connection", "operation not permitted"),
        ("look up a host", "too many open files"),
        ("check a certificate", "too many open files"),
        ("read ca_file", "too many open files"),
    ] {
        causes.push(HttpError::Limit {
            doing,
            reason: reason.into(),
        });
    }
    for reason in [
        "cannot be found",
        "sent an invalid response",
        "rejected the user name or password",
        "answers HTTP 503",
        "closed the connection without a response",
        "cannot be reached: connection refused",
    ] {
        causes.push(HttpError::Proxy {
            proxy: "http://proxy.example:3128".into(),
            reason: reason.into(),
        });
    }
    for reason in [
        "its issuer is unknown (behind a company proxy: set ca_file to its certificates)",
        "its signature is not from its issuer (is ca_file out of date?)",
        "it has expired, or this machine's clock is ahead",
        "it is not valid yet, or this machine's clock is behind",
        "it is a certificate authority's own, not a server's",
        "certificate not valid for name \"github.com\"",
    ] {
        causes.push(HttpError::Certificate {
            host: host(),
            reason: reason.into(),
        });
    }
    causes.push(HttpError::NoCaCertificates);
    for reason in [
        "the connection broke during the handshake",
        "it could not be set up",
        "received fatal alert: handshake failure",
    ] {
        causes.push(HttpError::Tls {
            host: host(),
            reason: reason.into(),
        });
    }
    for reason in [
        "cannot be read: no such file or directory",
        "is not a PEM file",
        "contains no certificate (expected PEM)",
        "belongs to another user",
    ] {
        causes.push(HttpError::CaFile {
            path: "/home/me/company.pem".into(),
            reason: reason.into(),
        });
    }
    causes.push(HttpError::CaFileExposed {
        path: "/home/me/company's.pem".into(),
        mode: 0o646,
    });
    causes.extend(of_settings());
    causes
}

/// As `github/proxy.rs` and `github/network.rs` put them.
fn of_settings() -> Vec<HttpError> {
    let variable = |value: &[u8]| {
        let value = OsStr::from_bytes(value);
        ProxySetting::of_variable("HTTPS_PROXY", value)
    };
    let origin = || "/home/me/.config/ghtok/config.toml, line 1".to_owned();
    let mut causes: Vec<HttpError> = [
        variable(b"ftp://proxy.example"),
        variable(b"http://"),
        variable(b"http://proxy.example:99999"),
        variable(b"http://proxy.example:3128/path"),
        variable(b"http://me:p%ss@proxy.example"),
        variable(b"\xff"),
        ProxySetting::of_file(origin(), "ftp://proxy.example"),
    ]
    .iter()
    .map(|setting| setting.judge().expect_err("a bad setting"))
    .collect();
    for problem in [
        "the path is empty",
        "the path begins with ~/, but there is no home folder",
    ] {
        causes.push(HttpError::Setting {
            origin: "ca_file".into(),
            problem: problem.into(),
        });
    }
    causes
}

/// As `github/response.rs` and `github/http_error/from_ureq.rs` put them.
fn of_answers() -> Vec<HttpError> {
    let host = || HOST.to_owned();
    let mut causes = vec![
        HttpError::BadRequest,
        HttpError::AnswerTimeout { host: host() },
        HttpError::CutOff { host: host() },
        HttpError::TooLarge { host: host() },
    ];
    for problem in ["is not HTTP", "is not a valid answer to this request"] {
        causes.push(HttpError::Malformed {
            host: host(),
            problem,
        });
    }
    causes.extend([
        HttpError::Html {
            host: host(),
            status: 502,
        },
        HttpError::HttpStatus {
            host: host(),
            status: 500,
            message: None,
        },
        HttpError::HttpStatus {
            host: host(),
            status: 403,
            message: Some("Resource not accessible by integration".into()),
        },
        HttpError::RateLimited {
            host: host(),
            message: None,
        },
        HttpError::RateLimited {
            host: host(),
            message: Some("API rate limit exceeded".into()),
        },
        HttpError::Redirect {
            host: host(),
            to: None,
        },
        HttpError::Redirect {
            host: host(),
            to: Some("sso.example".into()),
        },
    ]);
    causes
}

/// Each of GitHub's words, at the hosts where their fixes differ.
fn all_codes() -> Vec<(ErrorCode, &'static str)> {
    let known = [
        "device_flow_disabled",
        "incorrect_client_credentials",
        "unauthorized_client",
        "unsupported_grant_type",
        "bad_verification_code",
        "incorrect_device_code",
        "unverified_user_email",
        "access_denied",
        "not_found",
        "flux_capacitor_missing",
    ];
    let mut codes: Vec<_> = known
        .into_iter()
        .map(|code| (ErrorCode::parse(code), HOST))
        .collect();
    codes.push((ErrorCode::UnauthorizedClient, "ghes.example"));
    codes.push((ErrorCode::UnsupportedGrantType, "ghes.example"));
    codes
}

pub fn causes(page: &mut Page) {
    page.section("The network, or the server: the sign-in is kept");
    for cause in all_causes() {
        page.add(temporary("could not refresh the token", &cause, None));
    }
    let limited = HttpError::RateLimited {
        host: HOST.into(),
        message: None,
    };
    for (what, retry_after) in [
        ("could not refresh the token", 60),
        ("could not check whether GitHub still accepts the token", 1),
        ("could not ask GitHub whose token this is", 1),
        ("another ghtok could not refresh the token", 5),
        (
            "another ghtok could not check whether GitHub still accepts the token",
            5,
        ),
        ("another ghtok could not ask GitHub whose token this is", 5),
        ("could not request a sign-in code", 0),
        ("could not revoke the tokens, so nothing was deleted", 300),
    ] {
        let retry_after = Some(Duration::from_secs(retry_after));
        page.add(temporary(what, &limited, retry_after));
    }
    page.section("A request was sent, and no complete answer came");
    let cause = &all_causes()[0];
    page.add(temporary("could not refresh the token", cause, None).with_an_open_refresh());
    page.add(Error::Temporary {
        app: APP.into(),
        what: "could not revoke the tokens, so nothing was deleted",
        cause: cause.to_string(),
        retry_after: None,
        tokens: StoredTokens::PerhapsRevoked,
    });
}

pub fn settings(page: &mut Page) {
    page.section("Settings of the network, judged where a connection is made");
    for error in all_causes().iter().filter_map(HttpError::setting_error) {
        page.add(error);
    }
}

fn temporary(what: &'static str, cause: &HttpError, retry_after: Option<Duration>) -> Error {
    Error::Temporary {
        app: APP.into(),
        what,
        cause: cause.to_string(),
        retry_after,
        tokens: StoredTokens::Kept,
    }
}

pub fn refusals(page: &mut Page) {
    page.section("GitHub says no");
    for (code, host) in all_codes() {
        let app = App {
            name: Some(APP.into()),
            client_id: ClientId::parse("Iv23liAbCdEf").expect("an ID"),
            host: Host::parse(host).expect("a host"),
            account: None,
            owners: vec![],
        };
        page.add(github_error(&app, &code, LOGIN));
    }
    page.add(Error::Refused {
        app: APP.into(),
        host: "ghes.example".into(),
        code: "HTTP 404".into(),
        meaning: "it does not support this way of revoking tokens, so nothing was deleted",
        fix: "revoke the App at https://ghes.example/settings/apps/authorizations, then delete the tokens here with:\n  ghtok logout work".into(),
    });
}

pub fn every_cause_and_code_is_there() {
    let causes: Vec<HttpError> = all_causes();
    let shown: BTreeSet<&str> = causes.iter().map(page::cause).collect();
    assert_eq!(shown.len(), page::CAUSES.len(), "{shown:?}");
    let codes = all_codes();
    let shown: BTreeSet<&str> = codes
        .iter()
        .map(|(code, _)| page::error_code(code))
        .collect();
    assert_eq!(shown.len(), page::ERROR_CODES.len(), "{shown:?}");
}
