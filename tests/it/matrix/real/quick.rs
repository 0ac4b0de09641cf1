//! Troubles that show at once.

use fake_github::{Cut, Failure, Fault, RateHeaders, RetryAfter, TlsIdentity};

use super::*;

/// What goes wrong at once.
#[derive(Clone)]
enum Trouble {
    /// The server's answer.
    Answer(Failure),
    /// Its certificate.
    Certificate(TlsIdentity),
    /// The proxy's answer.
    Proxy(&'static str),
    /// Nobody is the proxy.
    NoProxy,
    /// Nobody is the server.
    Offline,
}
use Trouble::*;

impl Trouble {
    fn trial(self, what: &'static str, left: Duration, expected: Expected) -> Trial {
        let through = |proxy: &str| {
            Trial::at(what, plain(), BEHIND, left, expected).env("HTTPS_PROXY", proxy)
        };
        match self {
            Answer(failure) => {
                Trial::get(what, plain(), left, expected).with(Fault::before(failure))
            }
            Certificate(identity) => Trial::get(what, tls(identity), left, expected).trusting(),
            Proxy(answer) => through(&proxy(answer)),
            NoProxy => through("http://octo:hunter2@127.0.0.1:9"),
            Offline => {
                let trial = Trial::get(what, plain(), left, expected);
                trial.fake.go_offline().expect("offline");
                trial
            }
        }
    }
}

/// Each with the exit code where the token is over, and what is said.
fn quick() -> Vec<(&'static str, Trouble, i32, &'static str)> {
    const BROKE: &str = "broke before the response was complete";
    const REFUSAL: &str = "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
    let redirect = Failure::Redirect(302, "http://sso.example/".into());
    let limited = |retry_after| {
        Answer(Failure::RateLimited {
            status: 429,
            retry_after,
            headers: RateHeaders::Absent,
        })
    };
    let (soon, absurd) = (RetryAfter::Seconds(60), RetryAfter::Absurd);
    vec![
        ("RST", Answer(Failure::Reset), 5, BROKE),
        ("no byte", Answer(Failure::Cut(Cut::After(0))), 5, BROKE),
        ("half", Answer(Failure::Cut(Cut::Half)), 5, BROKE),
        ("HTML", Answer(Failure::Html), 5, "HTML page"),
        (
            "empty",
            Answer(Failure::Empty),
            5,
            "is not a valid answer to this request",
        ),
        ("1 GiB", Answer(Failure::HugeBody(1 << 30)), 5, "too long"),
        ("headers", Answer(Failure::EndlessHeaders), 5, "too long"),
        ("deep", Answer(Failure::DeepJson), 5, "too long"),
        (
            "elsewhere",
            Answer(redirect),
            5,
            "redirected to sso.example",
        ),
        ("404", Answer(Failure::Status(404)), 1, "not_found"),
        ("502", Answer(Failure::Status(502)), 5, "HTTP 502"),
        ("429", limited(soon), 5, "too many requests"),
        ("429, absurd", limited(absurd), 5, "too many requests"),
        (
            "expired",
            Certificate(TlsIdentity::Expired),
            5,
            "it has expired",
        ),
        (
            "name",
            Certificate(TlsIdentity::WrongName),
            5,
            "wrong.example",
        ),
        (
            "own",
            Certificate(TlsIdentity::SelfSigned),
            5,
            "issuer is unknown",
        ),
        (
            "password",
            Proxy(REFUSAL),
            5,
            "rejected the user name or password",
        ),
        (
            "forbidden",
            Proxy("HTTP/1.1 403 No\r\n\r\n"),
            5,
            "answers HTTP 403",
        ),
        ("no proxy", NoProxy, 5, "the proxy http://127.0.0.1:9"),
        ("offline", Offline, 5, "refuses connections"),
    ]
}

#[test]
fn p4_the_real_program_names_what_went_wrong_and_serves_what_lives() {
    for (what, trouble, code, says) in quick() {
        for (left, code) in [(OVER, code), (ALIVE, 0)] {
            let expected = at_once(code, says);
            trouble.clone().trial(what, left, expected).run();
        }
    }
}
