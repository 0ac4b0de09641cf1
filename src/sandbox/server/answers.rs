//! What a request is answered.

use super::SandboxServer;
use super::peer::Peer;
use crate::error::Error;
use crate::formats::git_credential::{CredentialAnswer, CredentialRequest};
use crate::formats::plain_text::one_line;
use crate::formats::sandbox_protocol::{Refusal, Response, SandboxRequest};
use crate::host::Host;
use crate::session::IssuedToken;
use crate::token::SecretBuffer;

impl SandboxServer<'_> {
    /// Answers a request, and enters it into the log.
    pub(super) fn answer(&self, request: SandboxRequest, peer: &Peer) -> Response {
        match request {
            SandboxRequest::Token { host } => self.answer_token(host.as_deref(), peer),
            SandboxRequest::Git(lines) => self.answer_git(&lines, peer),
            SandboxRequest::Reject { fingerprint } => {
                let outcome = if self.reject(&fingerprint) {
                    "noted"
                } else {
                    "ignored"
                };
                self.note_request("reject", peer, outcome, Some(&fingerprint));
                Response::accepted()
            }
            SandboxRequest::Status => {
                self.note_request("status", peer, "answered", None);
                let mut body = SecretBuffer::with_capacity(512);
                serde_json::to_writer(&mut body, &self.status)
                    .expect("a plain struct becomes JSON");
                body.push(b"\n");
                Response::json(body)
            }
        }
    }

    /// Answers what is not a request that a sandbox may make.
    pub(super) fn refuse(&self, refusal: Refusal, peer: &Peer) -> Response {
        self.note_request("request", peer, refusal.why, None);
        refusal.into()
    }

    fn answer_token(&self, host: Option<&str>, peer: &Peer) -> Response {
        if let Some(host) = host
            && Host::parse(host).as_ref() != Ok(&self.app.host)
        {
            self.note_request("token", peer, "refused: another host", None);
            return self.other_host(host);
        }
        self.with_token("token", peer, |issued| {
            Some(Response::json(issued.to_json()))
        })
    }

    fn other_host(&self, host: &str) -> Response {
        let error = Error::Usage {
            message: format!(
                "the sandbox {} has tokens for {}, not for {}",
                self.policy.name,
                self.app.host,
                one_line(host, 100)
            ),
            hint: format!("ask for a token for {}", self.app.host),
        };
        Response::failed(403, &error)
    }

    fn answer_git(&self, lines: &SecretBuffer, peer: &Peer) -> Response {
        let Ok(request) = CredentialRequest::read_from(lines.as_bytes()) else {
            let refusal = Refusal {
                status: 400,
                why: "the body is not what git asks a helper",
            };
            return self.refuse(refusal, peer);
        };
        let scope = self.policy.scope.as_ref();
        let is_covered = scope.is_none_or(|scope| {
            let repository = request.repository();
            repository.is_some_and(|repository| scope.covers(repository))
        });
        if !request.is_for(&self.app.host) || !is_covered {
            self.note_request("git", peer, "not answered: outside of the policy", None);
            return Response::git(SecretBuffer::default());
        }
        self.with_token("git", peer, |issued| {
            let is_other = |wanted: &str| {
                let login = issued.login.as_ref();
                !login.is_some_and(|login| login.eq_ignore_ascii_case(wanted))
            };
            if request.account().is_some_and(is_other) {
                return None;
            }
            let answer = CredentialAnswer::Token {
                form: request.form(),
                username: request.answer_name(),
                token: &issued.token,
                expires_at: issued.expires_at,
            };
            let mut body = SecretBuffer::with_capacity(1024);
            answer.write_to(&mut body).ok()?;
            Some(Response::git(body))
        })
    }

    /// Answers with a token. It is in the log before it is handed out. `answer` is `None` for a git that wants
    /// another account.
    fn with_token(
        &self,
        verb: &'static str,
        peer: &Peer,
        answer: impl FnOnce(&IssuedToken<'_>) -> Option<Response>,
    ) -> Response {
        let token = self.token();
        let issued = match token.as_ref() {
            Ok(issued) => issued,
            Err(error) => {
                self.note_request(verb, peer, error.code(), None);
                return Response::error(error);
            }
        };
        let Some(response) = answer(issued) else {
            self.note_request(verb, peer, "not answered: another account", None);
            return Response::git(SecretBuffer::default());
        };
        match self.log_token(verb, peer, &issued.token) {
            Ok(()) => response,
            Err(error) => Response::error(&error),
        }
    }
}
