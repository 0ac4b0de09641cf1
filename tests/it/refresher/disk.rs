//! P3: a full disk and a read-only folder. Before the request they stop the refresh and nothing is
//! spent; after it the sealed pair waits in the rescue file until it can be stored.

use fake_github::{Endpoint, FakeGitHub};
use ghtok::testing::auth::outcome::Happened;

use super::{FAILURE_SHARED, expect_requests, go_on, next_is_served};
use crate::support::mount::SmallDisk;
use crate::support::processes::{Caller, Watch};
use crate::support::records::{DUE, age_outcome, let_expire, sign_in};
use crate::support::sandbox::{Program, Run, Sandbox};

/// A sign-in on a small file system of its own.
struct OnDisk {
    fake: FakeGitHub,
    watch: Watch,
    disk: SmallDisk,
    token: String,
    sandbox: Sandbox,
}

impl OnDisk {
    /// The whole state folder is on it.
    fn state() -> Option<Self> {
        let fake = FakeGitHub::start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let disk = SmallDisk::mount(&sandbox.state_dir())?;
        Some(Self::signed_in(fake, sandbox, disk))
    }

    /// Only the records are on it: lock, outcome and rescue file stay writable.
    fn records() -> Option<Self> {
        let fake = FakeGitHub::start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        sandbox.state_folder().create().expect("a state folder");
        let disk = SmallDisk::mount(&sandbox.state_folder().records())?;
        Some(Self::signed_in(fake, sandbox, disk))
    }

    fn signed_in(fake: FakeGitHub, sandbox: Sandbox, disk: SmallDisk) -> Self {
        let watch = Watch::over(&sandbox);
        let token = sign_in(&sandbox, &fake, DUE).access_token;
        Self {
            fake,
            watch,
            disk,
            token,
            sandbox,
        }
    }

    fn get(&self) -> Run {
        Caller::ghtok(&self.sandbox, Program::Hurried, &["get"]).finish()
    }

    /// Nothing was sent, and a good token is served all the same; once `mend` is done, all is well.
    fn expect_nothing_spent(self, mend: impl FnOnce(&SmallDisk)) {
        let run = self.get();
        assert_eq!(run.token(), self.token, "still valid, so served");
        assert!(
            run.stderr.contains("the current token is still valid for"),
            "{run:?}"
        );
        expect_requests(&self.fake, &self.watch, 0, 0);
        mend(&self.disk);
        age_outcome(&self.sandbox, FAILURE_SHARED);
        next_is_served(&self.sandbox, &self.fake);
        expect_requests(&self.fake, &self.watch, 1, 1);
    }

    /// The refresher stops right before it sends; `spoil` makes the disk useless; it goes on.
    fn spoiled_after_sent(&self, spoil: impl FnOnce(&SmallDisk)) -> Caller {
        let caller = Caller::stopping_at(&self.sandbox, "sent_reported:stop", &["get"]);
        let refresher = self.watch.stopped_refresher();
        spoil(&self.disk);
        go_on(refresher);
        caller
    }

    /// The pair cannot be stored for good: it is sealed, and the next run adopts it.
    fn expect_rescued(self, caller: Caller, mend: impl FnOnce(&SmallDisk)) {
        let run = caller.finish();
        assert_ne!(run.code, Some(0), "{run:?}");
        assert_eq!(run.stdout, "", "the old token is dead");
        for untrue in ["nothing was lost", "never arrived"] {
            assert!(!run.stderr.contains(untrue), "{run:?}");
        }
        self.watch.no_refresher();
        assert!(self.sandbox.rescue_file().exists());
        assert_eq!(self.sandbox.record().generation, 1);
        assert!(matches!(
            self.sandbox.outcome().expect("one").what,
            Happened::Unknown(_)
        ));

        mend(&self.disk);
        age_outcome(&self.sandbox, FAILURE_SHARED);
        next_is_served(&self.sandbox, &self.fake);
        expect_requests(&self.fake, &self.watch, 1, 1);
        let stored = self.sandbox.record();
        assert_eq!((stored.generation, stored.intent), (2, None));
        assert!(!self.sandbox.rescue_file().exists());
    }
}

#[test]
fn p3_on_a_full_disk_nothing_is_spent() {
    let Some(on_disk) = OnDisk::state() else {
        return;
    };
    on_disk.disk.fill();
    on_disk.expect_nothing_spent(SmallDisk::free);
}

#[test]
fn p3_on_a_full_disk_an_expired_token_is_an_error_and_nothing_is_spent() {
    let Some(on_disk) = OnDisk::state() else {
        return;
    };
    let_expire(&on_disk.sandbox);
    on_disk.disk.fill();
    let run = on_disk.get();
    let run = run.expect_code(1);
    assert!(run.stderr.contains("no space left on device"), "{run:?}");
    assert_eq!(on_disk.fake.count(Endpoint::Refresh), 0);
    on_disk.disk.free();
    age_outcome(&on_disk.sandbox, FAILURE_SHARED);
    next_is_served(&on_disk.sandbox, &on_disk.fake);
}

/// The disk fills up between the intent and the room for the rescue.
#[test]
fn p3_on_a_disk_that_fills_up_before_the_rescue_has_room_nothing_is_spent() {
    let Some(on_disk) = OnDisk::state() else {
        return;
    };
    let caller = Caller::stopping_at(&on_disk.sandbox, "intent_written:stop", &["get"]);
    let refresher = on_disk.watch.stopped_refresher();
    on_disk.disk.fill();
    go_on(refresher);
    assert_eq!(
        caller.finish().token(),
        on_disk.token,
        "still valid, so served"
    );
    on_disk.expect_nothing_spent(SmallDisk::free);
}

#[test]
fn p3_on_a_disk_that_fills_up_after_the_request_the_pair_is_rescued() {
    let Some(on_disk) = OnDisk::state() else {
        return;
    };
    let caller = on_disk.spoiled_after_sent(SmallDisk::fill);
    on_disk.expect_rescued(caller, SmallDisk::free);
}

/// Room that comes back within the limit is used: the caller waits for it and is served.
#[test]
fn p3_a_disk_that_is_freed_in_time_costs_nothing() {
    let Some(on_disk) = OnDisk::state() else {
        return;
    };
    let caller = on_disk.spoiled_after_sent(SmallDisk::fill);
    on_disk
        .fake
        .wait_for_processed(Endpoint::Refresh, 1, FAILURE_SHARED)
        .expect("a rotation");
    on_disk.disk.free();
    assert!(on_disk.fake.is_alive(caller.finish().token()));
    expect_requests(&on_disk.fake, &on_disk.watch, 1, 1);
}

#[test]
fn p3_in_a_read_only_folder_nothing_is_spent() {
    let Some(on_disk) = OnDisk::records() else {
        return;
    };
    on_disk.disk.set_read_only();
    on_disk.expect_nothing_spent(SmallDisk::set_writable);
}

#[test]
fn p3_in_a_folder_that_becomes_read_only_after_the_request_the_pair_is_rescued() {
    let Some(on_disk) = OnDisk::records() else {
        return;
    };
    let caller = on_disk.spoiled_after_sent(SmallDisk::set_read_only);
    on_disk.expect_rescued(caller, SmallDisk::set_writable);
}
