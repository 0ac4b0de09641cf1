//! Clocks: when a token is due, and what a wall clock that is wrong or jumps may cost. The broker,
//! the refresh and the file store in this process, on a fake clock.

use std::cell::RefCell;
use std::time::Duration;

use fake_github::{App, CLIENT_ID, DateHeader, FakeGitHub, RateHeaders, RetryAfter, Tokens};
use fake_github::{Endpoint, Failure, Fault};
use ghtok::testing::auth::outcome::{
    Attempt, FailureCause, Happened, Outcome, Scope, SharedFailure,
};
use ghtok::testing::auth::ports::{Clock, Event, TokenStore};
use ghtok::testing::auth::record::Record;
use ghtok::testing::error::{Error, SignInReason};
use ghtok::testing::token::{MinTtl, TokenSet};
use log::{LevelFilter, Log, Metadata};

use crate::support::bench::{Bench, LIFE, fresh};
use crate::support::fake_clock::{DAY, FakeClock, HOUR, SECOND, Scripted, TEN_YEARS};

const USUAL: MinTtl = MinTtl::DEFAULT;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn a_token_is_refreshed_from_the_second_on_in_which_it_is_due() {
    let explicit = |count| MinTtl::Explicit(seconds(count));
    let greedy = MinTtl::Usual(HOUR * 7);
    for (left, min_ttl, refreshed) in [
        (28_800, USUAL, false),
        (300, USUAL, false),
        (299, USUAL, true),
        (1, USUAL, true),
        (0, USUAL, true),
        // A configured duration takes no more than a tenth of the life.
        (2_880, greedy, false),
        (2_879, greedy, true),
        (3_600, explicit(3_600), false),
        (3_599, explicit(3_600), true),
        (28_799, explicit(28_799), false),
        (1, explicit(0), false),
        (0, explicit(0), true),
    ] {
        let bench = Bench::new();
        let pair = bench.seed(seconds(left));
        let served = bench.get_with(min_ttl).expect("a token");
        let row = format!("{left} s left, {min_ttl:?}");
        assert_eq!(
            served.token.expose() != pair.access_token,
            refreshed,
            "{row}"
        );
        assert_eq!(bench.refresh_attempts(), usize::from(refreshed), "{row}");
        assert_eq!(
            served.expires_at,
            bench.record().tokens.expires_at(),
            "{row}"
        );
        assert_eq!(bench.heard(), [], "{row}");
    }
}

#[test]
fn a_clock_set_back_a_day_makes_the_token_due_and_the_refresh_works() {
    let bench = Bench::new();
    let pair = bench.seed(LIFE);
    bench.clock.set_back(DAY);
    let served = bench.get().expect("a token");
    assert_ne!(served.token.expose(), pair.access_token);
    assert_eq!(served.expires_at, Some(bench.clock.now().after(LIFE)));
    // The new pair is judged by the clock as it is now.
    assert_eq!(bench.get().expect("a token"), served);
    assert_eq!(bench.refresh_attempts(), 1);
}

#[test]
fn p4_a_clock_set_back_a_day_costs_nothing_while_offline() {
    let bench = Bench::new();
    let pair = bench.seed(LIFE);
    bench.clock.set_back(DAY);
    bench.fake.go_offline().expect("offline");
    assert_eq!(
        bench.get().expect("a token").token.expose(),
        pair.access_token
    );
    assert!(matches!(
        bench.heard().as_slice(),
        [Event::ServedAnyway { .. }]
    ));
    assert!(bench.is_kept());
}

#[test]
fn a_clock_ten_years_ahead_tries_the_refresh_token_all_the_same() {
    let bench = Bench::new();
    let pair = bench.seed(LIFE);
    bench.clock.set_ahead(TEN_YEARS);
    let served = bench
        .get()
        .expect("both tokens live, whatever this clock says");
    assert_ne!(served.token.expose(), pair.access_token);
    assert_eq!(bench.get().expect("a token"), served);
    assert_eq!(bench.refresh_attempts(), 1);
    // Back in its own year the machine holds a pair of the future: due, and again it works.
    bench.clock.set_back(TEN_YEARS);
    assert_ne!(bench.get().expect("a token").token, served.token);
    assert_eq!(bench.refresh_attempts(), 2);
}

#[test]
fn a_refresh_token_that_is_refused_in_ten_years_is_never_sent_again() {
    let bench = Bench::new();
    bench.seed(LIFE);
    bench.clock.set_ahead(TEN_YEARS);
    bench.fake.revoke_authorization(CLIENT_ID);
    for _ in 0..3 {
        let error = bench.get().expect_err("a dead refresh token");
        assert_eq!(error.exit_code(), 4, "{error}");
        assert_eq!(error.code(), "refresh_refused");
        bench.clock.advance(HOUR);
    }
    assert_eq!(bench.refresh_attempts(), 1);
    assert_eq!(bench.user_requests(), 0);
    assert!(
        bench.sandbox.record_file().exists(),
        "no clock deletes a record"
    );
}

#[test]
fn a_refused_refresh_token_leaves_the_unexpired_access_token_alone() {
    let bench = Bench::new();
    let pair = bench.seed(seconds(60));
    bench
        .fake
        .revoke(pair.refresh_token.as_deref().expect("one"));
    for _ in 0..3 {
        assert_eq!(
            bench.get().expect("a token").token.expose(),
            pair.access_token
        );
        bench.clock.advance(seconds(15));
    }
    bench.clock.advance(seconds(15));
    assert_eq!(
        bench.get().expect_err("it is over").code(),
        "refresh_refused"
    );
    assert_eq!(bench.refresh_attempts(), 1);
}

fn failed(bench: &Bench, generation: u64) -> Outcome {
    Outcome {
        generation,
        at: bench.clock.now(),
        what: Happened::Failed(SharedFailure {
            attempt: Attempt::Refresh,
            cause: FailureCause::Temporary("HTTP 502".into()),
            retry_at: Some(bench.clock.now().after(seconds(120))),
            scope: Scope::Everyone,
        }),
    }
}

#[test]
fn p4_a_failure_noted_in_the_future_is_no_ground_to_wait() {
    let bench = Bench::new();
    bench.seed(Duration::ZERO);
    bench.report(&failed(&bench, 2));
    assert_eq!(bench.get().expect_err("shared").exit_code(), 5);
    assert_eq!(bench.refresh_attempts(), 0);
    bench.clock.set_back(SECOND);
    bench.get().expect("a failure of the future is not adopted");
    assert_eq!(bench.refresh_attempts(), 1);
}

#[test]
fn p4_a_clock_set_ahead_ends_the_wait_that_a_server_asked_for() {
    let bench = Bench::new();
    bench.seed(Duration::ZERO);
    bench.report(&failed(&bench, 2));
    bench.clock.set_ahead(TEN_YEARS);
    bench.get().expect("a token");
    assert_eq!(bench.refresh_attempts(), 1);
}

#[test]
fn the_servers_date_changes_nothing() {
    let century = 100 * 365 * 24 * 3600;
    for date in [
        DateHeader::Skewed(century),
        DateHeader::Skewed(-40 * 365 * 24 * 3600),
        DateHeader::Absent,
    ] {
        let bench = Bench::at(FakeGitHub::builder().date_header(date));
        bench.seed(Duration::ZERO);
        let served = bench.get().expect("a token");
        assert_eq!(
            served.expires_at,
            Some(bench.clock.now().after(LIFE)),
            "{date:?}"
        );
        assert_eq!(bench.record().obtained_at, bench.clock.now(), "{date:?}");
        assert_eq!(bench.get().expect("a token"), served);
        assert_eq!(bench.refresh_attempts(), 1, "{date:?}");
    }
}

#[test]
fn a_retry_after_date_counts_from_the_servers_own_date() {
    for skew in [0, 365 * 24 * 3600, -365 * 24 * 3600] {
        let bench = Bench::at(FakeGitHub::builder().date_header(DateHeader::Skewed(skew)));
        bench.seed(Duration::ZERO);
        let limited = Failure::RateLimited {
            status: 429,
            retry_after: RetryAfter::HttpDate(seconds(60)),
            headers: RateHeaders::Absent,
        };
        bench
            .fake
            .fail_next(Endpoint::Refresh, Fault::before(limited));
        assert_eq!(bench.get().expect_err("limited").exit_code(), 5);
        bench.clock.advance(seconds(59));
        assert_eq!(bench.get().expect_err("limited still").exit_code(), 5);
        assert_eq!(bench.refresh_attempts(), 1, "skew {skew}");
        bench.clock.advance(SECOND);
        bench.get().expect("a token");
    }
}

#[test]
fn a_permanent_token_never_expires_by_any_clock() {
    let app = App::new(CLIENT_ID).tokens(Tokens::Permanent);
    let bench = Bench::at(FakeGitHub::builder().app(app));
    let pair = bench.fake.mint(CLIENT_ID);
    let now = bench.clock.now();
    bench.put(&Record {
        tokens: TokenSet::Permanent(fresh(&pair, now).tokens.access_token().clone()),
        ..fresh(&pair, now)
    });
    for turn in [
        |_: &FakeClock| {},
        |clock: &FakeClock| clock.set_back(DAY),
        |clock: &FakeClock| clock.set_ahead(TEN_YEARS),
    ] {
        turn(&bench.clock);
        for min_ttl in [USUAL, MinTtl::Explicit(TEN_YEARS)] {
            let served = bench.get_with(min_ttl).expect("a token");
            assert_eq!(served.token.expose(), pair.access_token);
            assert_eq!(served.expires_at, None);
        }
    }
    assert_eq!(
        bench.force().expect("a token").token.expose(),
        pair.access_token
    );
    assert_eq!(bench.fake.connections(), 0);
}

#[test]
fn without_a_refresh_token_the_whole_life_is_served_and_then_only_a_person_helps() {
    let bench = Bench::new();
    let pair = bench.fake.mint(CLIENT_ID);
    let mut record = fresh(&pair, bench.clock.now());
    if let TokenSet::Expiring { refresh, .. } = &mut record.tokens {
        *refresh = None;
    }
    bench.put(&record);
    bench.clock.advance(seconds(28_799));
    assert_eq!(
        bench.get().expect("a token").token.expose(),
        pair.access_token
    );
    bench.clock.advance(SECOND);
    let error = bench.get().expect_err("it is over");
    assert!(
        matches!(
            &error,
            Error::SignInNeeded {
                why: SignInReason::Expired,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!((error.exit_code(), error.code()), (4, "expired"));
    assert_eq!(bench.fake.connections(), 0);
}

#[test]
fn a_min_ttl_that_no_new_token_has_is_a_usage_error_and_spends_nothing() {
    for asked in [LIFE, LIFE + SECOND, TEN_YEARS] {
        let bench = Bench::new();
        bench.seed(seconds(60));
        let error = bench
            .get_with(MinTtl::Explicit(asked))
            .expect_err("too much");
        assert_eq!((error.exit_code(), error.code()), (2, "usage"), "{error}");
        assert!(
            error
                .to_string()
                .contains("the lifetime of a new token, 8h"),
            "{error}"
        );
        assert_eq!(bench.fake.connections(), 0);
    }
    let bench = Bench::new();
    bench.seed(seconds(28_798));
    bench
        .get_with(MinTtl::Explicit(seconds(28_799)))
        .expect("a new token has that much");
    assert_eq!(bench.refresh_attempts(), 1);
}

#[test]
fn p4_a_shorter_token_is_served_with_a_word_where_min_ttl_cannot_be_had() {
    let bench = Bench::new();
    let pair = bench.seed(HOUR);
    bench.fake.go_offline().expect("offline");
    let served = bench.get_with(MinTtl::Explicit(HOUR * 2)).expect("a token");
    assert_eq!(served.token.expose(), pair.access_token);
    let heard = bench.heard();
    let [Event::ServedAnyway { left, .. }] = heard.as_slice() else {
        panic!("{heard:?}")
    };
    assert_eq!(*left, Some(HOUR));
}

thread_local! {
    static LOGGED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what each test's own thread logs.
struct Kept;

impl Log for Kept {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        LOGGED.with_borrow_mut(|lines| lines.push(record.args().to_string()));
    }

    fn flush(&self) {}
}

#[test]
fn the_steps_of_a_long_wait_are_logged_once_each() {
    let mut bench = Bench::new();
    bench.seed(Duration::ZERO);
    bench.lock_is_held = true;
    log::set_logger(&Kept).expect("no other logger in these tests");
    log::set_max_level(LevelFilter::Debug);
    let store = bench.sandbox.store();
    let _held_by_another = store.try_lock().expect("a folder").expect("a free lock");
    let clock = Scripted::new(&bench.clock, &|_| {});
    let result = bench.by(&clock, |broker| broker.access_token(USUAL));
    assert_eq!(result.expect_err("gave up").exit_code(), 7);
    let lines = LOGGED.take();
    let of_the_lock = lines
        .iter()
        .filter(|line| line.contains("another ghtok has it"));
    assert_eq!(of_the_lock.count(), 1, "{lines:#?}");
    assert!(lines.len() < 10, "{lines:#?}");
}

#[test]
fn p9_a_caller_waits_by_the_monotonic_clock_and_no_jump_makes_it_longer() {
    let minute = seconds(60);
    for (left, set_back, exit_code) in [
        (minute, Duration::ZERO, None),
        (minute, TEN_YEARS, None),
        (Duration::ZERO, Duration::ZERO, Some(7)),
        // A clock that went back calls the old token unexpired once more.
        (Duration::ZERO, TEN_YEARS, None),
    ] {
        let mut bench = Bench::new();
        let pair = bench.seed(left);
        bench.lock_is_held = true;
        let store = bench.sandbox.store();
        let _held_by_another = store.try_lock().expect("a folder").expect("a free lock");
        let began = bench.clock.monotonic();
        let jump = |sleeps: usize| {
            if sleeps == 50 {
                bench.clock.set_back(set_back);
            }
        };
        let clock = Scripted::new(&bench.clock, &jump);
        let result = bench.by(&clock, |broker| broker.access_token(USUAL));
        let waited = bench.clock.monotonic().saturating_sub(began);
        let limit = bench.limits.caller;
        assert!((limit..limit + SECOND).contains(&waited), "{waited:?}");
        match result {
            Ok(served) => assert_eq!(
                (served.token.expose(), exit_code),
                (pair.access_token.as_str(), None)
            ),
            Err(error) => assert_eq!(Some(error.exit_code()), exit_code, "{error}"),
        }
        assert_eq!(
            bench
                .heard()
                .iter()
                .filter(|it| **it == Event::Waiting)
                .count(),
            1
        );
        assert_eq!(bench.refresh_attempts(), 0);
    }
}
