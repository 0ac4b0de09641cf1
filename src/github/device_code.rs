//! Asking for a device code and a user code (RFC 8628 sections 3.1 and 3.2).

use std::time::Duration;

use ureq::http::Uri;

use crate::host::Host;
use crate::permits::DeviceFlowPermit;
use crate::token::DeviceCode;

use super::request::HttpRequest;
use super::response::Fields;
use super::response::HttpResponse;
use super::{GitHub, RequestFailure};

/// How long the codes live when the server does not say it (docs.github.com, "Generating a user
/// access token for a GitHub App"; RFC 8628 demands the field).
const CODE_LIFETIME: Duration = Duration::from_secs(900);

/// The wait between polls when the server does not say it (RFC 8628 section 3.2).
const INTERVAL: Duration = Duration::from_secs(5);

/// What the person and the poller need.
#[derive(Clone, Debug)]
pub struct DeviceAuthorization {
    /// The secret that polls.
    pub device_code: DeviceCode,
    /// What the person types: 1 to 32 letters, digits and hyphens.
    pub user_code: String,
    /// Where the person types it: a page of the App's own host.
    pub verification_uri: String,
    /// How long both codes live.
    pub expires_in: Duration,
    /// The least wait between two polls.
    pub interval: Duration,
}

impl GitHub {
    /// Asks for the two codes, for a person who is going to see one of them.
    ///
    /// # Errors
    /// `Refused` if the App or the host does not do the device flow; otherwise try again.
    pub fn request_device_code(
        &self,
        _: &DeviceFlowPermit,
    ) -> Result<DeviceAuthorization, RequestFailure> {
        let url = self.web("/login/device/code");
        let answer = self.ask(HttpRequest::form(
            url,
            &[("client_id", self.client_id.as_str())],
        ))?;
        match read(&answer, &self.host) {
            Some(authorization) => Ok(authorization),
            None => Err(answer.oauth_failure(&self.limits)),
        }
    }
}

fn read(answer: &HttpResponse, host: &Host) -> Option<DeviceAuthorization> {
    let fields = answer.fields()?;
    Some(DeviceAuthorization {
        device_code: DeviceCode::new(fields.text("device_code")?),
        user_code: fields
            .text("user_code")
            .filter(|code| is_user_code(code))?
            .to_owned(),
        verification_uri: verification_uri(&fields, host),
        expires_in: fields.lifetime("expires_in").unwrap_or(CODE_LIFETIME),
        interval: fields.lifetime("interval").unwrap_or(INTERVAL),
    })
}

/// A code that can be shown and typed; anything else could be an attack on the terminal.
fn is_user_code(code: &str) -> bool {
    (1..=32).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// The longest address that a person is shown to open.
const LONGEST_URI: usize = 200;

/// The server's page if it is one of the App's own host, otherwise the page that GitHub documents.
fn verification_uri(fields: &Fields, host: &Host) -> String {
    fields
        .text("verification_uri")
        .filter(|uri| uri.len() <= LONGEST_URI && is_page_of(host, uri))
        .map_or_else(|| host.device_page(), str::to_owned)
}

/// True if this is the address of a page of this host, by its own scheme and port, in characters that no
/// terminal, shell or browser takes for anything else.
pub(crate) fn is_page_of(host: &Host, uri: &str) -> bool {
    let harmless = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?#[]=&%+".contains(&b);
    if !uri.bytes().all(harmless) {
        return false;
    }
    let Ok(parsed) = uri.parse::<Uri>() else {
        return false;
    };
    let (Some(scheme), Some(authority)) = (parsed.scheme_str(), parsed.authority()) else {
        return false;
    };
    Host::parse(&format!("{scheme}://{authority}")).is_ok_and(|theirs| theirs == *host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    const GOOD: &str = r#"{"device_code":"dc","user_code":"WDJB-MJHT",
        "verification_uri":"https://ghes.example/login/device","expires_in":899,"interval":6}"#;

    fn host() -> Host {
        Host::parse("ghes.example").expect("a host")
    }

    fn json(body: &str) -> Option<DeviceAuthorization> {
        read(
            &HttpResponse::whole(200, "application/json; charset=utf-8", body),
            &host(),
        )
    }

    #[test]
    fn the_five_fields_are_read_from_json_and_from_a_form() {
        let form = "device_code=dc&user_code=WDJB-MJHT&interval=6&expires_in=899\
            &verification_uri=https%3A%2F%2Fghes.example%2Flogin%2Fdevice";
        let form = HttpResponse::whole(200, "application/x-www-form-urlencoded", form);
        for read in [json(GOOD), read(&form, &host())] {
            let read = read.expect("an authorization");
            assert_eq!(read.device_code.expose(), "dc");
            assert_eq!(read.user_code, "WDJB-MJHT");
            assert_eq!(read.verification_uri, "https://ghes.example/login/device");
            assert_eq!(
                (read.expires_in.as_secs(), read.interval.as_secs()),
                (899, 6)
            );
        }
    }

    #[test]
    fn missing_numbers_have_defaults() {
        let read = json(r#"{"device_code":"dc","user_code":"A","interval":0}"#).expect("one");
        assert_eq!((read.expires_in, read.interval), (CODE_LIFETIME, INTERVAL));
        assert_eq!(read.verification_uri, "https://ghes.example/login/device");
    }

    #[test]
    fn a_page_of_another_host_is_never_shown() {
        for evil in [
            "http://ghes.example/login/device",
            "https://evil.example/login/device",
            "https://ghes.example@evil.example/",
            "https://ghes.example.evil.example/",
            "https://ghes.example:8443/",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "https://ghes.example/\\u001b[2J",
            "https://ghes.example/$(id)",
            "/login/device",
        ] {
            let body = GOOD.replace("https://ghes.example/login/device", evil);
            let read = json(&body).expect("an authorization");
            assert_eq!(read.verification_uri, host().device_page(), "{evil}");
        }
        let other = GOOD
            .replace("login/device", "activate?x=1")
            .replace("ghes", "GHES");
        let read = json(&other).expect("an authorization");
        assert_eq!(read.verification_uri, "https://GHES.example/activate?x=1");
    }

    #[test]
    fn a_code_that_cannot_be_typed_is_no_answer() {
        for bad in ["", "A B", "A\\u001b[2J", "ÄÖ", &"A".repeat(33), "A_B"] {
            assert!(json(&GOOD.replace("WDJB-MJHT", bad)).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_device_flow_switched_off_is_refused_for_good() {
        let body = r#"{"error":"device_flow_disabled","error_description":"Device Flow must be"}"#;
        let answer = HttpResponse::whole(400, "application/json", body);
        assert!(read(&answer, &host()).is_none());
        let failure = answer.oauth_failure(&Limits::STANDARD);
        assert_eq!(failure.code(), "device_flow_disabled");
    }
}
