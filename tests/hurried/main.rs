//! ghtok on a machine where time runs ten times as fast, and where a refresh can be made to stop or
//! die at a named step: the composition root is the product's own.
//!
//! `GHTOK_TEST_AT=STEP:kill|stop` does that to the process that reaches STEP (`begun`, `connected`,
//! `intent_written`, …). The released binary knows nothing of it.

#![allow(clippy::disallowed_methods)]

use std::process::ExitCode;
use std::time::Duration;

use ghtok::Machine;
use ghtok::testing::auth::ports::{Clock, Event, Observer, Step};
use ghtok::testing::limits::Limits;
use ghtok::testing::system::clock::SystemClock;
use ghtok::testing::system::notes::StderrNotes;
use ghtok::testing::token::Timestamp;

const HASTE: u32 = 10;

fn main() -> ExitCode {
    let clock = Hurried(SystemClock::start());
    let observer = StopAt::from_environment();
    // What goes by the hurried clock keeps its length; what the network takes is cut.
    let scaled = Limits::STANDARD.divided_by(HASTE);
    let limits = Limits {
        connect: scaled.connect,
        answer: scaled.answer,
        check: scaled.check,
        ..Limits::STANDARD
    };
    ghtok::run_on(
        &Machine {
            clock: &clock,
            observer: &observer,
            limits,
        },
        std::env::args_os(),
    )
}

struct Hurried(SystemClock);

impl Clock for Hurried {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic() * HASTE
    }

    fn sleep(&self, duration: Duration) {
        self.0.sleep(duration / HASTE);
    }

    fn sleep_unless(&self, duration: Duration, wait: &dyn Fn(Duration)) {
        self.0.sleep_unless(duration / HASTE, wait);
    }

    fn local_time(&self, at: Timestamp) -> String {
        self.0.local_time(at)
    }
}

struct StopAt(Option<(String, String)>);

impl StopAt {
    fn from_environment() -> Self {
        let wish = std::env::var("GHTOK_TEST_AT").ok();
        Self(wish.and_then(|wish| {
            let (step, deed) = wish.split_once(':')?;
            Some((step.to_owned(), deed.to_owned()))
        }))
    }
}

impl Observer for StopAt {
    fn observe(&self, event: &Event) {
        StderrNotes.observe(event);
        let (Event::Refresh(step), Some((at, deed))) = (event, &self.0) else {
            return;
        };
        if name(*step) == at {
            end_or_stop(deed);
        }
    }
}

fn name(step: Step) -> &'static str {
    match step {
        Step::Begun => "begun",
        Step::Connected => "connected",
        Step::IntentWritten => "intent_written",
        Step::RescuePrepared => "rescue_prepared",
        Step::SentReported => "sent_reported",
        Step::Answered => "answered",
        Step::Sealed => "sealed",
        Step::Saved => "saved",
        Step::Reported => "reported",
        Step::RescueWiped => "rescue_wiped",
    }
}

#[cfg(unix)]
fn end_or_stop(deed: &str) {
    use rustix::process::{Signal, getpid, kill_process};
    let signal = match deed {
        "kill" => Signal::KILL,
        "stop" => Signal::STOP,
        other => panic!("GHTOK_TEST_AT asks for {other}"),
    };
    kill_process(getpid(), signal).expect("a process may signal itself");
}

#[cfg(not(unix))]
fn end_or_stop(_: &str) {
    std::process::abort();
}
