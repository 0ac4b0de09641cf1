//! The number of scoped tokens, on a fake clock that the fake GitHub goes by too.

use std::time::{Duration, Instant};

use fake_github::{Builder, Endpoint, Failure, Fault};
use ghtok::testing::app::RecordKey;
use ghtok::testing::auth::broker::Served;
use ghtok::testing::auth::ports::{Clock, Event, StoreError};
use ghtok::testing::auth::scope::TokenScope;
use ghtok::testing::auth::scoped_tokens::list::ScopedList;
use ghtok::testing::auth::scoped_tokens::{LockedScopedStore, ScopedStore, ScopedTokens};
use ghtok::testing::error::{Error, ScopedTokenProblem};
use ghtok::testing::github::GitHub;
use ghtok::testing::store::file::FileSlot;
use ghtok::testing::store::{ScopedItems, Slot};
use ghtok::testing::token::{ClientSecret, MinTtl};

use super::{SECRET, fake};
use crate::support::bench::{Bench, LIFE};
use crate::support::deadline::LIMIT;
use crate::support::fake_clock::{HOUR, SECOND};
use crate::support::processes::eventually;

/// A machine that is signed in and has the App's secret.
struct Pool {
    bench: Bench,
}

/// The list, with one patience more: while another test starts a process, that process has a copy of our open
/// lock until it becomes its program, and no fake clock may count this time.
struct PatientList(ScopedItems);

impl ScopedStore for PatientList {
    fn load(&self) -> Result<ScopedList, StoreError> {
        self.0.load()
    }

    fn try_lock(&self) -> Result<Option<Box<dyn LockedScopedStore + '_>>, StoreError> {
        let deadline = Instant::now() + LIMIT;
        loop {
            match self.0.try_lock()? {
                None if Instant::now() < deadline => std::thread::yield_now(),
                tried => return Ok(tried),
            }
        }
    }

    fn is_running(&self, holder: &str) -> bool {
        self.0.is_running(holder)
    }

    fn secret(&self) -> Result<Option<ClientSecret>, StoreError> {
        self.0.secret()
    }

    fn was_used(&self) -> bool {
        self.0.was_used()
    }
}

impl Pool {
    fn at(builder: Builder) -> Self {
        let bench = Bench::at(builder);
        bench.seed(LIFE);
        let key = RecordKey::of_secret(&bench.app);
        let slot = FileSlot::new(&bench.sandbox.state_folder(), &key);
        slot.write(SECRET.as_bytes()).expect("a secret");
        Self { bench }
    }

    fn store(&self) -> ScopedItems {
        self.bench.sandbox.scoped()
    }

    fn with<T>(&self, work: impl FnOnce(&ScopedTokens<'_>) -> T) -> T {
        let store = PatientList(self.store());
        let bench = &self.bench;
        let network = bench.network.clone();
        let github = GitHub::new(&bench.app.host, &bench.app.client_id, network, bench.limits);
        bench.by(&bench.clock, |broker| {
            work(&ScopedTokens {
                broker: *broker,
                store: &store,
                github: &github,
            })
        })
    }

    fn get(&self, scope: &str, holder: Option<&str>) -> Result<Served, Error> {
        let scope = scope_of(scope);
        self.with(|tokens| tokens.access_token(&scope, holder, MinTtl::DEFAULT))
    }

    fn token(&self, scope: &str) -> String {
        let served = self.get(scope, None).expect("a token");
        let token = served.token.expose().to_owned();
        assert!(self.bench.fake.is_alive(&token), "{scope}");
        token
    }

    fn revoke(&self, holder: Option<&str>) {
        let revoked = self.with(|tokens| match holder {
            Some(_) => tokens.revoke(&|entry| entry.used.holder.as_deref() == holder),
            None => tokens.revoke_all(),
        });
        revoked.expect("revoked");
    }

    fn created(&self) -> usize {
        self.bench.fake.scoped_tokens().len()
    }

    /// The sign-in lives, and there were never more than four scoped tokens at once.
    #[track_caller]
    fn assert_sound(&self) {
        assert!(self.bench.fake.most_live_scoped_tokens() <= 4);
        let record = self.bench.record();
        let token = record.tokens.access_token().expose();
        assert!(self.bench.fake.is_alive(token) && self.bench.is_kept());
        assert!(self.bench.fake.violations().is_empty());
    }
}

fn scope_of(text: &str) -> TokenScope {
    let names: Vec<_> = text.split(' ').collect();
    let (permissions, names): (Vec<&str>, Vec<&str>) =
        names.into_iter().partition(|word| word.contains('='));
    let names: Vec<_> = names
        .iter()
        .map(|name| name.parse().expect("a name"))
        .collect();
    let permissions: Vec<_> = permissions
        .iter()
        .map(|text| text.parse().expect("a permission"))
        .collect();
    TokenScope::new(&names, &permissions, false).expect("a scope")
}

/// Both things that GitHub does not say, both ways.
fn worlds() -> [Builder; 4] {
    [
        fake(),
        fake().scoped_tokens_count(),
        fake().refresh_ends_scoped_tokens(),
        fake().scoped_tokens_count().refresh_ends_scoped_tokens(),
    ]
}

fn problem(error: &Error) -> &ScopedTokenProblem {
    match error {
        Error::ScopedToken(none) => &none.why,
        other => panic!("{other}"),
    }
}

#[test]
fn a_token_is_served_from_the_list_until_it_is_due() {
    for world in worlds() {
        let pool = Pool::at(world);
        let first = pool.token("acme/one");
        pool.bench.clock.advance(HOUR * 7);
        assert_eq!(pool.token("acme/one"), first);
        pool.bench.clock.advance(Duration::from_secs(3_301));
        let second = pool.token("acme/one");
        assert_ne!(second, first);
        // It was replaced, and so it was revoked.
        assert_eq!(pool.bench.fake.live_scoped_tokens(), [second]);
        assert_eq!(pool.created(), 2);
        pool.assert_sound();
    }
}

#[test]
fn p11_fifty_sandboxes_in_a_row() {
    for world in worlds() {
        let pool = Pool::at(world);
        let mut held = Vec::new();
        for number in 0..50 {
            let name = format!("box-{number}");
            let lock = pool.store().hold(&name).expect("a folder").expect("free");
            let served = pool.get("acme/one", Some(&name)).expect("a token");
            assert!(pool.bench.fake.is_alive(served.token.expose()));
            pool.revoke(Some(&name));
            held.push(served.token);
            drop(lock);
            pool.bench.clock.advance(SECOND * 600);
        }
        assert_eq!(pool.created(), 50);
        assert!(
            held.iter()
                .all(|token| !pool.bench.fake.is_alive(token.expose()))
        );
        pool.assert_sound();
    }
}

#[test]
fn p11_of_twelve_within_an_hour_the_last_are_refused() {
    for world in worlds() {
        let pool = Pool::at(world);
        for number in 1..=12 {
            let name = format!("box-{number}");
            let _lock = pool.store().hold(&name).expect("a folder").expect("free");
            let got = pool.get("acme/one", Some(&name));
            let told = pool.bench.heard();
            assert_eq!(
                told.iter()
                    .any(|event| matches!(event, Event::ManyScopedTokens { .. })),
                (8..=9).contains(&number),
                "{number}: {told:?}"
            );
            if number < 10 {
                got.expect("a token");
                pool.revoke(Some(&name));
            } else {
                let error = got.expect_err("too many");
                assert_eq!((error.exit_code(), error.code()), (5, "scoped_token_limit"));
                // The first was created at the start.
                let hint = error.hint().expect("a hint");
                assert!(hint.contains("START+3600s"), "{hint}");
            }
            pool.bench.clock.advance(SECOND);
        }
        assert_eq!(pool.created(), 9);
        pool.bench.clock.advance(HOUR);
        pool.token("acme/one");
        pool.assert_sound();
    }
}

#[test]
fn p11_a_fifth_is_refused_while_four_are_held() {
    for world in worlds() {
        let pool = Pool::at(world);
        let names = ["a", "b", "c", "d"];
        let hold = |name: &str| pool.store().hold(name).expect("a folder").expect("free");
        let mut locks = Vec::new();
        let mut tokens = Vec::new();
        for name in names {
            locks.push(hold(name));
            tokens.push(pool.get("acme/one", Some(name)).expect("a token").token);
        }
        let error = pool.get("acme/two", None).expect_err("no room");
        let holders = names.map(str::to_owned).to_vec();
        assert_eq!(problem(&error), &ScopedTokenProblem::InUse { holders });
        assert_eq!(error.exit_code(), 1);
        assert!(
            tokens
                .iter()
                .all(|token| pool.bench.fake.is_alive(token.expose()))
        );
        assert_eq!(pool.created(), 4);
        // One was killed: its token is revoked for the next.
        drop(locks.remove(0));
        eventually("the free name", || {
            (!pool.store().is_running("a")).then_some(())
        });
        pool.token("acme/two");
        let alive = tokens
            .iter()
            .map(|token| pool.bench.fake.is_alive(token.expose()));
        assert_eq!(alive.collect::<Vec<_>>(), [false, true, true, true]);
        pool.assert_sound();
    }
}

#[test]
fn twenty_combinations_have_four_tokens_at_most() {
    for world in worlds() {
        let pool = Pool::at(world);
        let levels = ["read", "write"];
        let mut last = Vec::new();
        for number in 0..20 {
            let repository = [
                "acme/one",
                "acme/two",
                "acme/three",
                "octocat/x",
                "octocat/y",
            ];
            let repository = repository[number % 5];
            let (contents, issues) = (levels[number / 5 % 2], levels[number / 10]);
            let scope = format!("{repository} contents={contents} issues={issues}");
            last.push(pool.token(&scope));
            pool.bench.clock.advance(HOUR / 8);
        }
        assert_eq!(pool.created(), 20);
        // The oldest made room.
        assert_eq!(pool.bench.fake.live_scoped_tokens(), last[16..]);
        pool.assert_sound();
    }
}

#[test]
fn what_a_killed_process_left_is_revoked_by_the_next_that_is_online() {
    for world in worlds() {
        let pool = Pool::at(world);
        let token = pool.get("acme/one", Some("killed")).expect("a token").token;
        pool.with(|tokens| tokens.revoke_abandoned().expect("revoked"));
        assert!(!pool.bench.fake.is_alive(token.expose()));
        assert!(pool.store().load().expect("a list").entries.is_empty());
        pool.assert_sound();
    }
}

#[test]
fn a_lost_answer_keeps_its_place_until_the_token_would_have_expired() {
    let pool = Pool::at(fake().scoped_tokens_count());
    for _ in 0..4 {
        let lost = Fault::after(Failure::Reset);
        pool.bench.fake.fail_next(Endpoint::CreateScoped, lost);
        let error = pool.get("acme/one", None).expect_err("a lost answer");
        assert_eq!(error.exit_code(), 5, "{error}");
    }
    let error = pool.get("acme/one", None).expect_err("no room");
    assert!(matches!(problem(&error), ScopedTokenProblem::InUse { .. }));
    pool.bench.clock.advance(LIFE);
    pool.token("acme/one");
    pool.assert_sound();
}

#[test]
fn a_refusal_loses_nothing_and_counts_for_nothing() {
    let pool = Pool::at(fake());
    let kept = pool.token("acme/one");
    for _ in 0..12 {
        for (scope, reason) in [
            ("acme/missing", "missing"),
            ("else/one", "target"),
            ("acme/one actions=read", "actions"),
        ] {
            let error = pool.get(scope, None).expect_err(scope);
            let ScopedTokenProblem::Invalid { reason: said, .. } = problem(&error) else {
                panic!("{error}");
            };
            assert!(said.contains(reason), "{said}");
        }
    }
    assert_eq!(pool.token("acme/one"), kept);
    let list = pool.store().load().expect("a list");
    assert_eq!((list.entries.len(), list.created.len()), (1, 1));
    pool.assert_sound();
}

#[test]
fn p7_a_rejected_scoped_token_is_checked_once_and_replaced_if_it_is_dead() {
    let pool = Pool::at(fake());
    let first = pool.token("acme/one");
    pool.bench.clock.advance(SECOND * 60);
    let reject = |token: &str| {
        let is_it = |known: &str| known == token;
        pool.with(|tokens| tokens.reject(&|entry| entry.token().is_some_and(|t| is_it(t.expose()))))
            .expect("a list")
    };
    assert!(reject(&first) && !reject("ghu_other"));
    // It was good all the same.
    assert_eq!(pool.token("acme/one"), first);
    assert_eq!(pool.token("acme/one"), first);
    assert_eq!(pool.bench.user_requests(), 1);
    pool.bench.fake.revoke(&first);
    assert!(reject(&first));
    assert_ne!(pool.token("acme/one"), first);
    pool.assert_sound();
}

#[test]
fn a_sign_in_whose_token_died_is_refreshed_for_a_scoped_token() {
    let pool = Pool::at(fake());
    let record = pool.bench.record();
    pool.bench
        .fake
        .revoke(record.tokens.access_token().expose());
    pool.token("acme/one");
    assert_eq!(pool.bench.refresh_attempts(), 1);
    assert_eq!(pool.bench.record().generation, 2);
    pool.assert_sound();
}

#[test]
fn p4_a_token_that_is_still_valid_is_served_offline() {
    let pool = Pool::at(fake());
    let token = pool.token("acme/one");
    pool.bench.clock.advance(SECOND * 28_600);
    pool.bench
        .fake
        .fail_always(Endpoint::CreateScoped, Fault::before(Failure::Status(502)));
    let served = pool.get("acme/one", None).expect("the old one");
    assert_eq!(served.token.expose(), token);
    assert!(matches!(
        pool.bench.heard()[..],
        [Event::ServedAnyway { .. }]
    ));
    let at = pool.bench.clock.now();
    assert_eq!(served.expires_at, Some(at.after(SECOND * 200)));
}
