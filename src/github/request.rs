//! One request, ready to be written: where to, which headers, which body.
//! Secrets stand in the body or in the `Authorization` header, never in the address.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ureq::http;
use zeroize::Zeroizing;

use crate::app::ClientId;
use crate::token::{AccessToken, ClientSecret, SecretBuffer};

use super::response::LARGEST_BODY;

/// The REST API's version that ghtok speaks (docs.github.com, "API Versions").
const API_VERSION: &str = "2022-11-28";

pub(super) struct HttpRequest {
    method: http::Method,
    /// Its address.
    pub(super) url: String,
    headers: Vec<(&'static str, Zeroizing<String>)>,
    body: Option<SecretBuffer>,
    /// The most bytes that are read of the answer's body.
    pub(super) largest_answer: usize,
}

impl HttpRequest {
    /// A form for an OAuth address (RFC 6749 appendix B), answered in JSON.
    pub(super) fn form(url: String, fields: &[(&str, &str)]) -> Self {
        let mut body = SecretBuffer::with_capacity(512);
        for (at, (name, value)) in fields.iter().enumerate() {
            if at > 0 {
                body.push(b"&");
            }
            push_encoded(&mut body, name);
            body.push(b"=");
            push_encoded(&mut body, value);
        }
        Self {
            method: http::Method::POST,
            url,
            headers: vec![],
            body: Some(body),
            largest_answer: LARGEST_BODY,
        }
        .header("Accept", "application/json")
        .header("Content-Type", "application/x-www-form-urlencoded")
    }

    /// A question to the REST API with a token.
    pub(super) fn rest_get(url: String, token: &AccessToken) -> Self {
        Self::rest_get_public(url).header("Authorization", &bearer(token))
    }

    /// A question to the REST API without a token.
    pub(super) fn rest_get_public(url: String) -> Self {
        Self {
            method: http::Method::GET,
            url,
            headers: vec![],
            body: None,
            largest_answer: LARGEST_BODY,
        }
        .rest()
    }

    /// JSON for the REST API, without a token.
    pub(super) fn rest_post(url: String, json: SecretBuffer) -> Self {
        Self {
            method: http::Method::POST,
            url,
            headers: vec![],
            body: Some(json),
            largest_answer: LARGEST_BODY,
        }
        .rest()
        .header("Content-Type", "application/json")
    }

    /// The same, as the App itself: Basic credentials (RFC 7617) of its client ID and its secret.
    pub(super) fn signed_by_app(self, client_id: &ClientId, secret: &ClientSecret) -> Self {
        self.header("Authorization", &basic(client_id, secret))
    }

    /// The same, to delete what the body names.
    pub(super) fn deleting(self) -> Self {
        Self {
            method: http::Method::DELETE,
            ..self
        }
    }

    /// The same, where a long answer is expected.
    pub(super) fn answered_by(self, largest_answer: usize) -> Self {
        Self {
            largest_answer,
            ..self
        }
    }

    fn rest(self) -> Self {
        self.header("Accept", "application/vnd.github+json")
            .header("X-GitHub-Api-Version", API_VERSION)
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, Zeroizing::new(value.to_owned())));
        self
    }

    pub(super) fn method(&self) -> &str {
        self.method.as_str()
    }

    /// The path of its address, without host or query.
    pub(super) fn path(&self) -> String {
        let uri = self.url.parse::<http::Uri>();
        uri.map(|uri| uri.path().to_owned()).unwrap_or_default()
    }

    /// The head and the body as ureq takes them. Fails if a token has characters that no header can
    /// carry.
    pub(super) fn into_parts(
        self,
    ) -> Result<(http::Request<()>, Option<SecretBuffer>), http::Error> {
        let mut head = http::Request::builder().method(self.method).uri(&self.url);
        for (name, value) in &self.headers {
            let mut value = http::HeaderValue::from_str(value)?;
            value.set_sensitive(*name == "Authorization");
            head = head.header(*name, value);
        }
        Ok((head.body(())?, self.body))
    }
}

fn bearer(token: &AccessToken) -> Zeroizing<String> {
    const SCHEME: &str = "Bearer ";
    let token = token.expose();
    let mut value = Zeroizing::new(String::with_capacity(SCHEME.len() + token.len()));
    value.push_str(SCHEME);
    value.push_str(token);
    value
}

fn basic(client_id: &ClientId, secret: &ClientSecret) -> Zeroizing<String> {
    const SCHEME: &str = "Basic ";
    let secret = secret.expose();
    let mut pair = Zeroizing::new(String::with_capacity(
        client_id.as_str().len() + 1 + secret.len(),
    ));
    pair.push_str(client_id.as_str());
    pair.push(':');
    pair.push_str(secret);
    let mut value = Zeroizing::new(String::with_capacity(SCHEME.len() + 2 * pair.len() + 4));
    value.push_str(SCHEME);
    BASE64_STANDARD.encode_string(pair.as_bytes(), &mut value);
    value
}

/// Percent-encodes everything but unreserved characters (RFC 3986 section 2.3).
fn push_encoded(form: &mut SecretBuffer, text: &str) {
    const RESERVED: AsciiSet = NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    for part in utf8_percent_encode(text, &RESERVED) {
        form.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_encodes_what_could_be_mistaken() {
        let request = HttpRequest::form(
            "https://h.example/x".into(),
            &[("a", "1&b=2 +é"), ("c", "")],
        );
        let (head, body) = request.into_parts().expect("a request");
        assert_eq!(head.method(), "POST");
        assert_eq!(
            body.expect("a body").as_bytes(),
            b"a=1%26b%3D2%20%2B%C3%A9&c="
        );
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_not_sent() {
        let token = AccessToken::new("ghu_a\r\nX-Evil: 1");
        assert!(
            HttpRequest::rest_get("https://h.example/user".into(), &token)
                .into_parts()
                .is_err()
        );
    }
}
