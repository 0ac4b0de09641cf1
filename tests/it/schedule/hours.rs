//! A year of hourly runs on a fake clock: who is refreshed, who is warned, and what GitHub was asked.

use std::cell::RefCell;
use std::time::Duration;

use fake_github::Endpoint;
use ghtok::testing::auth::ports::Clock;
use ghtok::testing::auth::record::RefreshRejected;
use ghtok::testing::commands::schedule::check::{AppOutcome, CheckSettings, check};
use ghtok::testing::config::ScheduleRules;
use ghtok::testing::github::GitHub;
use ghtok::testing::schedule::notes::RunResult;
use ghtok::testing::session::Call;
use ghtok::testing::system::notification::Notice;
use ghtok::testing::system::terminal::Terminal;
use ghtok::testing::token::{MinTtl, Timestamp, TokenSet};

use crate::support::bench::{Bench, LIFE};
use crate::support::chance::Chance;
use crate::support::fake_clock::{DAY, HOUR};
use crate::support::sandbox::Sandbox;

const YEAR: u32 = 365 * 24;

const WARN: ScheduleRules = ScheduleRules {
    warn: true,
    keep_alive: false,
};

/// A machine with a timer: what its runs remember, and what a person saw.
struct Machine {
    bench: Bench,
    rules: ScheduleRules,
    warned_at: Option<i64>,
    notices: RefCell<Vec<(Timestamp, Notice)>>,
}

impl Machine {
    fn new(rules: ScheduleRules) -> Self {
        let bench = Bench::new();
        bench.seed(LIFE);
        Self {
            bench,
            rules,
            warned_at: None,
            notices: RefCell::default(),
        }
    }

    /// One run of the timer.
    fn run(&mut self) -> AppOutcome {
        let bench = &self.bench;
        let notify = |notice: &Notice| {
            let now = bench.clock.now();
            self.notices.borrow_mut().push((now, notice.clone()));
            Ok(())
        };
        let settings = CheckSettings {
            rules: self.rules,
            notify: &notify,
        };
        let warned_at = self.warned_at.map(Timestamp);
        let outcome = bench.by(&bench.clock, |broker| {
            let github = GitHub::new(
                &bench.app.host,
                &bench.app.client_id,
                bench.network.clone(),
                bench.limits,
            );
            let call = Call {
                min_ttl: MinTtl::DEFAULT,
                app: broker.app,
                login_command: broker.login_command,
                store: broker.store,
                broker: *broker,
                github: &|| github.clone(),
                scoped: &|| Ok(bench.sandbox.scoped()),
                clock: broker.clock,
                terminal: Terminal,
                limits: broker.limits,
            };
            check(warned_at, settings, &call)
        });
        self.warned_at = outcome.run.warned_at;
        outcome
    }

    fn hour(&mut self) -> AppOutcome {
        self.bench.clock.advance(HOUR);
        self.run()
    }

    /// Every request of the machine, and that none of them began a sign-in (P5).
    fn requests(&self) -> usize {
        let fake = &self.bench.fake;
        assert_eq!(fake.count(Endpoint::DeviceCode), 0, "P5");
        fake.ledger().len()
    }

    fn is_alive(&self) -> bool {
        self.bench.is_kept()
    }

    fn notices(&self) -> Vec<(Timestamp, Notice)> {
        self.notices.take()
    }
}

#[test]
fn p5_an_idle_app_lives_through_a_year_with_four_refreshes_at_most_and_nothing_else() {
    let mut machine = Machine::new(ScheduleRules::DEFAULT);
    for hour in 0..YEAR {
        let before = machine.requests();
        let outcome = machine.hour();
        let asked = machine.requests() - before;
        let expected = usize::from(outcome.run.result == RunResult::Refreshed);
        assert_eq!(asked, expected, "hour {hour}: {outcome:?}");
        assert_eq!(outcome.exit_code, 0, "{outcome:?}");
    }
    let refreshes = machine.bench.refresh_attempts();
    assert!((1..=4).contains(&refreshes), "{refreshes} refreshes");
    assert!(machine.is_alive());
    assert_eq!(machine.notices(), []);
}

#[test]
fn without_keep_alive_nothing_is_asked_and_a_person_is_warned_once_a_day() {
    let mut machine = Machine::new(WARN);
    for _ in 0..YEAR {
        machine.hour();
    }
    assert_eq!(machine.requests(), 0);
    let notices = machine.notices();
    let days = notices.len();
    // From 14 days before the end of 184 on.
    assert!((190..=196).contains(&days), "{days} warnings");
    for pair in notices.windows(2) {
        assert!(pair[1].0.0 - pair[0].0.0 >= 24 * 3600, "twice in a day");
    }
    assert_eq!(notices[0].1.title, "ghtok: a sign-in expires soon");
    let app = machine.bench.app.label();
    let host = &machine.bench.app.host;
    assert_eq!(
        notices[0].1.body,
        format!("{app}: the sign-in to {host} ends in 13 d. Run: ghtok login")
    );
    let last = &notices[days - 1].1.body;
    assert!(
        last.contains("has expired (by this machine's clock)"),
        "{last}"
    );
}

#[test]
fn without_any_rule_nothing_happens() {
    let mut machine = Machine::new(ScheduleRules {
        warn: false,
        keep_alive: false,
    });
    for _ in 0..YEAR {
        assert_eq!(machine.hour().run.result, RunResult::Nothing);
    }
    assert_eq!((machine.requests(), machine.notices().len()), (0, 0));
}

#[test]
fn daily_use_is_not_refreshed_once_more_because_of_the_timer() {
    // Weekdays, some hours a day, and two weeks of holidays.
    let is_used = |hour: u32| {
        let (day, of_day) = (hour / 24, hour % 24);
        day % 7 < 5 && (9..18).contains(&of_day) && !(200..214).contains(&day)
    };
    let refreshes = |with_timer: Option<ScheduleRules>| {
        let mut machine = Machine::new(with_timer.unwrap_or(ScheduleRules::DEFAULT));
        for hour in 0..YEAR {
            machine.bench.clock.advance(HOUR);
            if is_used(hour) {
                machine.bench.get().expect("a token");
            }
            if with_timer.is_some() {
                let alive = machine.bench.record().tokens.access_token().clone();
                machine.run();
                assert_eq!(
                    &alive,
                    machine.bench.record().tokens.access_token(),
                    "hour {hour}"
                );
            }
        }
        assert!(machine.is_alive());
        assert_eq!(machine.notices(), []);
        machine.bench.refresh_attempts()
    };
    let (without, with) = (refreshes(None), refreshes(Some(ScheduleRules::DEFAULT)));
    assert_eq!(with, without, "needless rotations");
    assert!(without > 250, "{without}");
}

#[test]
fn a_laptop_that_sleeps_for_up_to_30_days_keeps_its_sign_in() {
    for seed in 1..=20 {
        let mut machine = Machine::new(ScheduleRules::DEFAULT);
        let mut chance = Chance::new(seed);
        let mut hours = 0;
        while hours < YEAR {
            let asleep = u32::try_from(chance.below(30 * 24)).expect("hours");
            let awake = u32::try_from(1 + chance.below(5)).expect("hours");
            machine.bench.clock.advance(HOUR * asleep);
            for _ in 0..awake {
                let outcome = machine.hour();
                assert_eq!(outcome.exit_code, 0, "seed {seed}: {outcome:?}");
            }
            hours += asleep + awake;
        }
        assert!(machine.is_alive(), "seed {seed}");
        assert!(machine.bench.refresh_attempts() <= 4, "seed {seed}");
        assert_eq!(machine.notices(), [], "seed {seed}");
    }
}

#[test]
fn p4_a_month_offline_in_the_last_quarter_costs_nothing() {
    let mut machine = Machine::new(ScheduleRules::DEFAULT);
    for _ in 0..138 * 24 {
        machine.hour();
    }
    assert_eq!(machine.bench.refresh_attempts(), 0);
    machine.bench.fake.go_offline().expect("offline");
    for _ in 0..31 * 24 {
        let outcome = machine.hour();
        assert!([0, 5].contains(&outcome.exit_code), "{outcome:?}");
        assert_ne!(outcome.run.result, RunResult::Refreshed);
    }
    assert_eq!(machine.notices(), [], "15 days are left");
    for _ in 0..3 * 24 {
        machine.hour();
    }
    let warned = machine.notices();
    assert!((1..=3).contains(&warned.len()), "{warned:?}");
    machine.bench.fake.go_online().expect("online");
    assert_eq!(machine.hour().run.result, RunResult::Refreshed);
    assert!(machine.is_alive());
}

#[test]
fn two_machines_of_one_person_do_not_disturb_each_other() {
    let mut busy = Machine::new(ScheduleRules::DEFAULT);
    let mut idle_home = Sandbox::new(&busy.bench.fake);
    let pair = busy.bench.fake.mint(fake_github::CLIENT_ID);
    idle_home.put(&crate::support::bench::fresh(&pair, busy.bench.clock.now()));
    let mut idle_refreshes = 0;
    for hour in 0..YEAR {
        busy.hour();
        if hour % 24 == 10 {
            busy.bench.get().expect("a token");
        }
        std::mem::swap(&mut busy.bench.sandbox, &mut idle_home);
        let outcome = busy.run();
        idle_refreshes += usize::from(outcome.run.result == RunResult::Refreshed);
        assert_eq!(outcome.exit_code, 0, "{outcome:?}");
        std::mem::swap(&mut busy.bench.sandbox, &mut idle_home);
    }
    assert!(busy.is_alive());
    std::mem::swap(&mut busy.bench.sandbox, &mut idle_home);
    assert!(busy.is_alive(), "the idle machine's sign-in");
    assert!((1..=4).contains(&idle_refreshes), "{idle_refreshes}");
    assert_eq!(busy.notices(), []);
    busy.requests();
}

#[test]
fn a_sign_in_that_was_revoked_while_idle_is_tried_once_and_warned_of_daily() {
    let mut machine = Machine::new(ScheduleRules::DEFAULT);
    machine
        .bench
        .fake
        .revoke_authorization(fake_github::CLIENT_ID);
    for _ in 0..150 * 24 {
        machine.hour();
    }
    assert_eq!(
        machine.bench.refresh_attempts(),
        1,
        "a refused refresh token is never sent again"
    );
    let notices = machine.notices();
    assert!((11..=13).contains(&notices.len()), "{}", notices.len());
    let notice = &notices[0].1;
    assert_eq!(notice.title, "ghtok: sign in again");
    assert!(
        notice.body.contains("GitHub refused the refresh token"),
        "{notice:?}"
    );
    assert!(notice.body.ends_with(" Run: ghtok login"), "{notice:?}");
    machine.hour();
    let outcome = machine.run();
    assert_eq!(
        (outcome.exit_code, outcome.run.result),
        (4, RunResult::SignInNeeded)
    );
}

#[test]
fn what_has_ended_is_warned_of_while_the_access_token_still_lives() {
    let mut machine = Machine::new(ScheduleRules::DEFAULT);
    let mut record = machine.bench.record();
    record.refresh_rejected = Some(RefreshRejected {
        at: machine.bench.clock.now(),
        interrupted_at: None,
        access_checked_at: None,
    });
    machine.bench.put(&record);
    assert_eq!(machine.run().run.result, RunResult::Warned);
    record.refresh_rejected = None;
    if let TokenSet::Expiring { refresh, .. } = &mut record.tokens {
        *refresh = None;
    }
    machine.bench.put(&record);
    assert_eq!(
        machine.run().run.result,
        RunResult::SignInNeeded,
        "once a day"
    );
    machine.bench.clock.advance(DAY);
    assert_eq!(machine.run().run.result, RunResult::Warned);
    let bodies: Vec<String> = machine
        .notices()
        .into_iter()
        .map(|(_, it)| it.body)
        .collect();
    assert!(
        bodies[0].contains("GitHub refused the refresh token on"),
        "{bodies:?}"
    );
    assert!(
        bodies[1].contains("came without a refresh token"),
        "{bodies:?}"
    );
    assert_eq!(machine.requests(), 0);
}

#[test]
fn an_app_whose_tokens_do_not_expire_is_left_alone_for_ever() {
    let mut machine = Machine::new(ScheduleRules::DEFAULT);
    let mut record = machine.bench.record();
    record.tokens = TokenSet::Permanent(record.tokens.access_token().clone());
    machine.bench.put(&record);
    for _ in 0..YEAR {
        let outcome = machine.hour();
        assert_eq!(
            (outcome.run.result, outcome.exit_code),
            (RunResult::Nothing, 0)
        );
    }
    assert_eq!((machine.requests(), machine.notices().len()), (0, 0));
}

#[test]
fn a_clock_that_was_wrong_warns_of_nothing_and_spends_nothing_for_long() {
    let mut machine = Machine::new(ScheduleRules::DEFAULT);
    // Ten years ahead for a day: GitHub's answer decides, and there is a new pair.
    machine
        .bench
        .clock
        .set_ahead(Duration::from_secs(10 * 365 * 24 * 3600));
    for _ in 0..24 {
        machine.hour();
    }
    assert_eq!(machine.bench.refresh_attempts(), 1);
    machine
        .bench
        .clock
        .set_back(Duration::from_secs(10 * 365 * 24 * 3600));
    for _ in 0..48 {
        machine.hour();
    }
    assert_eq!(machine.bench.refresh_attempts(), 1);
    assert_eq!(machine.notices(), []);
    assert!(machine.is_alive());
}
