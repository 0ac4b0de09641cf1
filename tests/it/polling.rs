//! The device flow's polling on a fake clock: its pace, its patience and its end. Nothing sleeps.

mod endings;
mod pace;
mod trouble;

use std::cell::RefCell;
use std::time::Duration;

use fake_github::{Builder, CLIENT_ID, Endpoint, FakeGitHub};
use ghtok::testing::app::{App, ClientId};
use ghtok::testing::auth::device_flow::DeviceFlow;
use ghtok::testing::auth::ports::{Clock, Prompt};
use ghtok::testing::error::Result;
use ghtok::testing::github::{DeviceAuthorization, GitHub, GrantedTokens, Network};
use ghtok::testing::host::Host;
use ghtok::testing::limits::Limits;
use ghtok::testing::permits::DeviceFlowPermit;

use crate::support::fake_clock::{FakeClock, Scripted};

/// One sign-in of one person, who approves after some polls or never.
pub struct SignIn {
    clock: FakeClock,
    pub fake: FakeGitHub,
    pub limits: Limits,
    person: RefCell<Person>,
}

#[derive(Default)]
struct Person {
    shown: Option<DeviceAuthorization>,
    troubles: Vec<String>,
}

struct Seen<'a>(&'a RefCell<Person>);

impl Prompt for Seen<'_> {
    fn show(&mut self, authorization: &DeviceAuthorization) -> Result<()> {
        self.0.borrow_mut().shown = Some(authorization.clone());
        Ok(())
    }

    fn trouble(&mut self, cause: &str) {
        self.0.borrow_mut().troubles.push(cause.to_owned());
    }
}

impl SignIn {
    pub fn new() -> Self {
        Self::at(FakeGitHub::builder())
    }

    pub fn at(builder: Builder) -> Self {
        let clock = FakeClock::new();
        let fake = builder
            .clock(clock.of_the_server())
            .start()
            .expect("a fake");
        Self {
            clock,
            fake,
            limits: Limits::STANDARD,
            person: RefCell::default(),
        }
    }

    /// Runs the flow; `after_sleep` is called after each pause.
    pub fn run(&self, after_sleep: impl Fn(usize)) -> Result<GrantedTokens> {
        let bounded = |sleeps| {
            assert!(sleeps < 1000, "it has no end");
            after_sleep(sleeps);
        };
        let clock = Scripted::new(&self.clock, &bounded);
        sign_in(&self.fake.host(), self.limits, &clock, &self.person)
    }

    /// The person approves during the n-th pause, so that the n-th poll finds it.
    pub fn approved_in_pause(&self, number: usize) -> Result<GrantedTokens> {
        self.run(|sleeps| {
            if sleeps == number {
                self.approve();
            }
        })
    }

    fn approve(&self) {
        self.fake.approve(&self.code());
    }

    fn code(&self) -> String {
        let person = self.person.borrow();
        let shown = person.shown.as_ref().expect("a code was shown");
        shown.user_code.clone()
    }

    fn troubles(&self) -> usize {
        self.person.borrow().troubles.len()
    }

    /// What the person was told while it polled.
    pub fn trouble_texts(&self) -> Vec<String> {
        self.person.borrow().troubles.clone()
    }

    /// True if a code was shown.
    pub fn was_shown(&self) -> bool {
        self.person.borrow().shown.is_some()
    }

    pub fn polls(&self) -> usize {
        self.fake.count(Endpoint::Poll)
    }

    /// What the polls were told, in their order.
    fn errors(&self) -> Vec<String> {
        let polls = self.fake.requests(Endpoint::Poll);
        polls
            .into_iter()
            .map(|poll| poll.oauth_error.unwrap_or_default())
            .collect()
    }

    #[track_caller]
    pub fn expect_no_violation(&self) {
        assert_eq!(self.fake.violations(), []);
    }
}

fn app(host: &str) -> App {
    App {
        name: None,
        client_id: ClientId::parse(CLIENT_ID).expect("an ID"),
        host: Host::parse(host).expect("a host"),
        account: None,
        owners: vec![],
    }
}

fn sign_in(
    host: &str,
    limits: Limits,
    clock: &dyn Clock,
    person: &RefCell<Person>,
) -> Result<GrantedTokens> {
    let app = app(host);
    let github = GitHub::new(&app.host, &app.client_id, Network::default(), limits);
    let permit = DeviceFlowPermit::asked_for();
    let flow = DeviceFlow::new(permit, &app, "ghtok login", &github, clock);
    flow.run(&mut Seen(person))
}

/// Pauses as seconds, to the hundredth.
#[track_caller]
fn assert_pauses(found: &[f64], expected: &[f64]) {
    let same = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(a, b)| (a - b).abs() < 0.01);
    assert!(same, "{found:?} instead of {expected:?}");
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
