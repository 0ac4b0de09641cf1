//! A token that somebody saw refused: one question to GitHub decides, and nothing is spent on a
//! rumour (P7 builds on this).

use fake_github::{Endpoint, Failure, Fault};
use ghtok::testing::auth::ports::{Clock, Event};
use ghtok::testing::auth::record::{Record, Rejected};

use super::{assert_next_call_refreshes, assert_served_anyway, seconds};
use crate::support::bench::Bench;
use crate::support::fake_clock::SECOND;

#[test]
fn p7_a_token_that_github_accepts_is_served_and_the_mark_goes() {
    let bench = Bench::new();
    let pair = bench.seed_reported();
    for _ in 0..2 {
        assert_eq!(
            bench.get().expect("it lives").token.expose(),
            pair.access_token
        );
    }
    assert_eq!(bench.record().rejected, None);
    assert_eq!((bench.user_requests(), bench.refresh_attempts()), (1, 0));
    assert_eq!(bench.heard(), []);
}

#[test]
fn p7_a_token_that_github_refuses_is_replaced() {
    let bench = Bench::new();
    let pair = bench.seed_reported();
    bench.fake.revoke(&pair.access_token);
    assert_next_call_refreshes(&bench, &pair);
    assert_eq!((bench.user_requests(), bench.refresh_attempts()), (1, 1));
}

#[test]
fn p7_a_token_that_github_refuses_is_never_served_again_even_if_no_refresh_can_be_had() {
    let bench = Bench::new();
    let pair = bench.seed_reported();
    bench.fake.revoke(&pair.access_token);
    bench
        .fake
        .fail_next(Endpoint::Refresh, Fault::before(Failure::Status(500)));
    assert_eq!(bench.get().expect_err("dead").exit_code(), 5);
    assert!(matches!(
        bench.record().rejected,
        Some(Rejected::Confirmed(_))
    ));
    bench.clock.advance(seconds(10));
    assert_next_call_refreshes(&bench, &pair);
    // It was asked about once; a 401 needs no second opinion.
    assert_eq!(bench.user_requests(), 1);
}

#[test]
fn p7_both_tokens_dead_needs_a_person() {
    let bench = Bench::new();
    bench.seed_reported();
    bench.fake.revoke_authorization(fake_github::CLIENT_ID);
    for _ in 0..2 {
        let error = bench.get().expect_err("dead");
        assert_eq!((error.exit_code(), error.code()), (4, "refresh_refused"));
    }
    assert_eq!((bench.user_requests(), bench.refresh_attempts()), (1, 1));
}

#[test]
fn p4_a_question_without_an_answer_changes_nothing_and_answers_for_everybody() {
    for failure in [
        Failure::Status(500),
        Failure::Status(403),
        Failure::Html,
        Failure::Reset,
        Failure::Redirect(302, "https://sso.example/".into()),
    ] {
        let bench = Bench::new();
        let pair = bench.seed_reported();
        bench
            .fake
            .fail_always(Endpoint::User, Fault::before(failure.clone()));
        assert_served_anyway(&bench, &pair, bench.get());
        assert!(matches!(
            bench.record().rejected,
            Some(Rejected::Reported(_))
        ));
        bench.clock.advance(seconds(9));
        assert_served_anyway(&bench, &pair, bench.get());
        assert_eq!(bench.user_requests(), 1, "{failure:?}");
        bench.clock.advance(SECOND);
        bench.fake.heal(Endpoint::User);
        assert_eq!(
            bench.get().expect("it lives").token.expose(),
            pair.access_token
        );
        assert_eq!(bench.record().rejected, None, "{failure:?}");
        assert_eq!((bench.user_requests(), bench.refresh_attempts()), (2, 0));
    }
}

#[test]
fn p4_a_question_while_offline_serves_the_token_as_it_is() {
    let bench = Bench::new();
    let pair = bench.seed_reported();
    bench.fake.go_offline().expect("offline");
    let served = bench.get().expect("nobody knows better");
    assert_eq!(served.token.expose(), pair.access_token);
    let heard = bench.heard();
    let [Event::ServedAnyway { cause, .. }] = heard.as_slice() else {
        panic!("{heard:?}")
    };
    assert!(cause.contains("check"), "{cause}");
    assert!(matches!(
        bench.record().rejected,
        Some(Rejected::Reported(_))
    ));
}

#[test]
fn p4_a_reported_token_that_ran_out_is_refreshed_like_any_other() {
    let bench = Bench::new();
    let pair = bench.seed(seconds(0));
    bench.put(&Record {
        rejected: Some(Rejected::Reported(bench.clock.now())),
        ..bench.record()
    });
    assert_next_call_refreshes(&bench, &pair);
}
