//! P4 as one table: what a server or a network can do to a request × the three requests that a
//! sign-in lives by. What is expected stands in the table, and nothing of it is computed.

mod addresses;
mod certificates;
mod real;

use std::time::{Duration, Instant};

use fake_github::{Cut, Endpoint, Failure, FakeGitHub, Fault, RateHeaders, RetryAfter, WrongType};
use ghtok::testing::auth::ports::Event;
use ghtok::testing::limits::Limits;

use crate::polling::SignIn;
use crate::support::bench::Bench;

/// What the network may take over an answer that never ends.
const HURRIED: Duration = Duration::from_millis(300);

/// What comes on top of it, the other questions of the same call included; and once in a table, on a
/// machine that is busy, so much.
const SLACK: Duration = Duration::from_secs(1);
const SLACK_ANYWAY: Duration = Duration::from_secs(5);

/// How the device flow takes a trouble while it polls.
#[derive(Clone, Copy, Debug)]
enum Polling {
    /// It tells the person and goes on.
    Waits,
    /// It ends with this exit code.
    Ends(u8),
}
use Polling::{Ends, Waits};

/// One trouble and what comes of it.
struct Row {
    failure: Failure,
    /// What the message names, in each of the three.
    says: &'static str,
    /// The exit code of a refresh that meets it when the old token is over.
    refresh: u8,
    /// The exit code of a sign-in that gets no code to show.
    code_request: u8,
    polling: Polling,
}

fn row(failure: Failure, says: &'static str) -> Row {
    Row {
        failure,
        says,
        refresh: 5,
        code_request: 5,
        polling: Waits,
    }
}

fn is_final(failure: Failure, says: &'static str) -> Row {
    Row {
        refresh: 1,
        code_request: 1,
        polling: Ends(1),
        ..row(failure, says)
    }
}

fn limited(status: u16, retry_after: RetryAfter, headers: RateHeaders) -> Row {
    let failure = Failure::RateLimited {
        status,
        retry_after,
        headers,
    };
    row(failure, "too many requests")
}

fn redirected(status: u16, to: &str, says: &'static str) -> Row {
    row(Failure::Redirect(status, to.into()), says)
}

fn oauth(code: &'static str) -> Failure {
    Failure::OAuthError(code.into())
}

fn table() -> Vec<Row> {
    const BROKE: &str = "broke before the response was complete";
    const ODD: &str = "is not a valid answer to this request";
    const LONG: &str = "is too long";
    let date = RetryAfter::HttpDate(Duration::from_secs(90));
    vec![
        // No answer, or not to its end.
        row(Failure::Hang, "did not answer in time"),
        row(
            Failure::Drip(Duration::from_secs(1)),
            "did not answer in time",
        ),
        row(Failure::Reset, BROKE),
        row(Failure::Cut(Cut::After(0)), BROKE),
        row(Failure::Cut(Cut::After(1)), BROKE),
        row(Failure::Cut(Cut::After(20)), BROKE),
        row(Failure::Cut(Cut::Half), BROKE),
        row(Failure::Cut(Cut::HalfBody), BROKE),
        row(Failure::Cut(Cut::AllButOne), BROKE),
        // An answer that is none.
        row(Failure::Empty, ODD),
        row(Failure::WrongType(WrongType::Array), ODD),
        row(Failure::WrongType(WrongType::String), ODD),
        row(Failure::WrongType(WrongType::Number), ODD),
        row(Failure::WrongType(WrongType::Null), ODD),
        row(Failure::DeepJson, LONG),
        row(Failure::HugeBody(1 << 30), LONG),
        row(Failure::EndlessHeaders, LONG),
        row(Failure::Html, "HTTP 200 with an HTML page"),
        row(Failure::Status(204), ODD),
        // An answer from elsewhere.
        redirected(301, "/login", "redirected to 127.0.0.1"),
        redirected(302, "https://sso.example/", "redirected to sso.example"),
        redirected(303, "http://sso.example/", "redirected to sso.example"),
        redirected(307, "http://127.0.0.1:9/", "redirected to 127.0.0.1"),
        redirected(308, "https://github.com/", "redirected to github.com"),
        row(Failure::Status(304), "HTTP 304"),
        // Statuses.
        row(Failure::Status(400), "HTTP 400"),
        row(Failure::Status(401), "HTTP 401"),
        row(Failure::Status(403), "HTTP 403"),
        is_final(Failure::Status(404), "not_found"),
        row(Failure::Status(405), "HTTP 405"),
        row(Failure::Status(407), "HTTP 407 with an HTML page"),
        row(Failure::Status(408), "HTTP 408 with an HTML page"),
        row(Failure::Status(410), "HTTP 410"),
        row(Failure::Status(422), "HTTP 422"),
        row(Failure::Status(451), "HTTP 451"),
        row(Failure::Status(500), "HTTP 500 with an HTML page"),
        row(Failure::Status(501), "HTTP 501"),
        row(Failure::Status(502), "HTTP 502 with an HTML page"),
        row(Failure::Status(503), "HTTP 503 with an HTML page"),
        row(Failure::Status(504), "HTTP 504 with an HTML page"),
        row(Failure::Status(520), "HTTP 520"),
        // Budgets.
        limited(403, RetryAfter::Absent, RateHeaders::Exhausted),
        limited(403, RetryAfter::Seconds(60), RateHeaders::Absent),
        limited(429, RetryAfter::Absent, RateHeaders::Absent),
        limited(429, RetryAfter::Seconds(60), RateHeaders::Absent),
        limited(429, date, RateHeaders::Absent),
        limited(429, RetryAfter::Absurd, RateHeaders::Absent),
        limited(429, RetryAfter::Absurd, RateHeaders::Exhausted),
        // OAuth errors (RFC 6749 sections 4.1.2.1 and 5.2), GitHub's and unheard-of ones.
        row(oauth("server_error"), "server_error"),
        row(oauth("temporarily_unavailable"), "temporarily_unavailable"),
        is_final(oauth("incorrect_client_credentials"), "client_credentials"),
        is_final(oauth("unauthorized_client"), "unauthorized_client"),
        is_final(oauth("unsupported_grant_type"), "unsupported_grant_type"),
        is_final(oauth("device_flow_disabled"), "device_flow_disabled"),
        is_final(oauth("brand_new_error"), "brand_new_error"),
    ]
}

fn limits(failure: &Failure) -> Limits {
    let answer = match failure {
        Failure::Hang | Failure::Drip(_) => HURRIED,
        _ => Limits::STANDARD.answer,
    };
    Limits {
        answer,
        ..Limits::STANDARD
    }
}

/// How long each row took.
#[derive(Default)]
struct Times(Vec<(Duration, String)>);

impl Times {
    fn of<T>(&mut self, what: &Failure, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = work();
        self.0.push((started.elapsed(), format!("{what:?}")));
        result
    }

    /// No wait was longer than its limit.
    #[track_caller]
    fn expect_limits_met(mut self) {
        self.0.sort();
        let [.., next, slowest] = self.0.as_slice() else {
            panic!("too few rows");
        };
        println!("the slowest: {slowest:?}, {next:?}");
        assert!(next.0 < HURRIED + SLACK, "{next:?}, {slowest:?}");
        assert!(slowest.0 < HURRIED + SLACK_ANYWAY, "{slowest:?}");
    }
}

#[test]
fn p4_a_table_has_forty_troubles_and_more() {
    assert!(table().len() >= 40, "{}", table().len());
}

#[test]
fn p4_refresh_serves_a_token_that_lives_and_names_the_cause() {
    let mut times = Times::default();
    for Row { failure, says, .. } in table() {
        let mut bench = Bench::new();
        bench.limits = limits(&failure);
        let pair = bench.seed(Duration::from_secs(60));
        bench
            .fake
            .fail_next(Endpoint::Refresh, Fault::before(failure.clone()));
        let served = times
            .of(&failure, || bench.get())
            .expect("a token that still lives");
        assert_eq!(served.token.expose(), pair.access_token, "{failure:?}");
        let heard = bench.heard();
        assert!(
            matches!(heard.as_slice(), [Event::ServedAnyway { cause, .. }] if cause.contains(says)),
            "{failure:?}: {heard:?}"
        );
        assert!(bench.is_kept(), "{failure:?}");
    }
    times.expect_limits_met();
}

#[test]
fn p4_refresh_without_a_living_token_ends_with_its_code_and_keeps_the_sign_in() {
    let mut times = Times::default();
    for row in table() {
        let (failure, says) = (row.failure, row.says);
        let mut bench = Bench::new();
        bench.limits = limits(&failure);
        bench.seed(Duration::ZERO);
        bench
            .fake
            .fail_next(Endpoint::Refresh, Fault::before(failure.clone()));
        let error = times.of(&failure, || bench.get()).expect_err("no token");
        assert_eq!(error.exit_code(), row.refresh, "{failure:?}: {error}");
        assert!(error.to_string().contains(says), "{failure:?}: {error}");
        assert!(bench.is_kept(), "{failure:?}");
        // It was a passing trouble: the next pair comes as if nothing had been.
        bench.limits = Limits::STANDARD;
        bench.clock.advance(Limits::STANDARD.retry_after);
        let served = bench.get().expect("the next pair");
        assert!(bench.fake.is_alive(served.token.expose()), "{failure:?}");
        assert_eq!(bench.record().generation, 2, "{failure:?}");
        assert!(!bench.sandbox.rescue_file().exists(), "{failure:?}");
    }
    times.expect_limits_met();
}

#[test]
fn p4_a_code_request_ends_with_its_code_and_shows_nothing() {
    let mut times = Times::default();
    for row in table() {
        let (failure, says) = (row.failure, row.says);
        let mut flow = SignIn::new();
        flow.limits = limits(&failure);
        flow.fake
            .fail_next(Endpoint::DeviceCode, Fault::before(failure.clone()));
        let error = times
            .of(&failure, || flow.run(|_| {}))
            .expect_err("no code");
        assert_eq!(error.exit_code(), row.code_request, "{failure:?}: {error}");
        assert!(error.to_string().contains(says), "{failure:?}: {error}");
        assert!(!flow.was_shown(), "{failure:?}");
        assert_eq!(flow.polls(), 0, "{failure:?}");
    }
    times.expect_limits_met();
}

#[test]
fn p4_polling_waits_out_what_passes_and_ends_with_what_is_final() {
    let mut times = Times::default();
    for row in table() {
        let (failure, says) = (row.failure, row.says);
        let mut flow = SignIn::new();
        flow.limits = limits(&failure);
        flow.fake
            .fail_next(Endpoint::Poll, Fault::before(failure.clone()));
        let ended = times.of(&failure, || flow.approved_in_pause(2));
        match (row.polling, ended) {
            (Waits, Ok(grant)) => {
                assert!(flow.fake.is_alive(grant.access_token.expose()));
                let told = flow.trouble_texts();
                assert!(
                    matches!(told.as_slice(), [told] if told.contains(says)),
                    "{failure:?}: {told:?}"
                );
                assert_eq!(flow.polls(), 2, "{failure:?}");
                flow.expect_no_violation();
            }
            (Ends(code), Err(error)) => {
                assert_eq!(error.exit_code(), code, "{failure:?}: {error}");
                assert!(error.to_string().contains(says), "{failure:?}: {error}");
                assert_eq!(flow.polls(), 1, "{failure:?}");
            }
            (expected, ended) => panic!("{failure:?}: {ended:?} instead of {expected:?}"),
        }
    }
    times.expect_limits_met();
}

/// Answers that are good although they look odd.
fn odd_but_good() -> Vec<Failure> {
    vec![
        Failure::FormBody,
        Failure::Bom,
        Failure::DuplicateKeys,
        Failure::InterimFirst,
        Failure::Drip(Duration::ZERO),
    ]
}

#[test]
fn p4_a_good_answer_in_form_encoding_or_odd_clothes_succeeds() {
    for failure in odd_but_good() {
        let good = || Fault::after(failure.clone());
        let bench = Bench::new();
        let pair = bench.seed(Duration::from_secs(60));
        bench.fake.fail_next(Endpoint::Refresh, good());
        let served = bench.get().expect("a new token");
        assert_ne!(served.token.expose(), pair.access_token, "{failure:?}");
        assert!(bench.fake.is_alive(served.token.expose()), "{failure:?}");
        assert!(bench.is_kept(), "{failure:?}");

        let flow = SignIn::new();
        flow.fake.fail_next(Endpoint::DeviceCode, good());
        flow.fake.fail_next(Endpoint::Poll, good());
        let grant = flow.approved_in_pause(1).expect("a grant");
        assert!(flow.fake.is_alive(grant.access_token.expose()));
        assert_eq!(flow.trouble_texts(), Vec::<String>::new(), "{failure:?}");
        flow.expect_no_violation();
    }
}

#[test]
fn p4_offline_all_three_say_so_and_lose_nothing() {
    let bench = Bench::new();
    let pair = bench.seed(Duration::from_secs(60));
    bench.fake.go_offline().expect("offline");
    let served = bench.get().expect("a token that still lives");
    assert_eq!(served.token.expose(), pair.access_token);
    bench.clock.advance(Duration::from_secs(60));
    let error = bench.get().expect_err("it is over");
    assert_eq!(error.exit_code(), 5, "{error}");
    assert!(error.to_string().contains("refuses connections"), "{error}");
    assert!(bench.is_kept());

    let flow = SignIn::new();
    flow.fake.go_offline().expect("offline");
    let error = flow.run(|_| {}).expect_err("no code");
    assert_eq!(error.exit_code(), 5, "{error}");
    assert!(error.to_string().contains("refuses connections"), "{error}");
}

#[test]
fn p4_latency_within_the_limit_is_no_trouble() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = crate::support::sandbox::Sandbox::new(&fake);
    let pair = sandbox.seed(&fake, Duration::ZERO);
    fake.fail_next(Endpoint::Refresh, Fault::after(Failure::Gate));
    let child = sandbox.spawn(crate::support::sandbox::Program::Real, ["get"]);
    let limit = crate::support::deadline::LIMIT;
    fake.wait_for_held(Endpoint::Refresh, 1, limit).expect("it");
    std::thread::sleep(Duration::from_millis(1500));
    fake.release(Endpoint::Refresh);
    let told = crate::support::deadline::ends(child, limit);
    assert_ne!(told.token(), pair.access_token);
    assert!(fake.is_alive(told.token()));
    // The wait was named.
    assert!(!told.stderr.is_empty(), "{told:?}");
}
