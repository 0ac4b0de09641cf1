//! A signed-in fake whose next refresh fails in one way.

use fake_github::{Endpoint, Failure, FakeGitHub, Fault};

use crate::client::{Reply, exchange, refresh_request, signed_in};

/// A signed-in fake whose next refresh fails.
pub(crate) struct Broken {
    pub(crate) fake: FakeGitHub,
    pub(crate) access: String,
    pub(crate) refresh_token: String,
}

impl Broken {
    pub(crate) fn by(fault: Fault) -> Self {
        let fake = FakeGitHub::start().expect("a fake");
        let (access, refresh_token) = signed_in(&fake);
        fake.fail_next(Endpoint::Refresh, fault);
        Self {
            fake,
            access,
            refresh_token,
        }
    }

    pub(crate) fn raw(&self) -> std::io::Result<Vec<u8>> {
        exchange(&self.fake, &refresh_request(&self.refresh_token))
    }

    pub(crate) fn reply(&self) -> Reply {
        Reply::parse(&self.raw().expect("an answer"))
    }

    /// The access token that the refresh issued, if it got so far.
    pub(crate) fn issued(&self) -> Option<String> {
        self.fake
            .refreshes()
            .first()
            .map(|rotation| rotation.new_access.clone())
    }

    #[track_caller]
    pub(crate) fn expect_rotated(&self, rotated: usize) {
        assert_eq!(self.fake.refreshes().len(), rotated);
        assert_eq!(self.fake.is_alive(&self.access), rotated == 0);
        assert_eq!(
            self.fake.refresh_is_alive(&self.refresh_token),
            rotated == 0
        );
    }
}

pub(crate) fn before(failure: Failure) -> Reply {
    let broken = Broken::by(Fault::before(failure));
    let reply = broken.reply();
    broken.expect_rotated(0);
    reply
}

pub(crate) fn after(failure: Failure) -> (Reply, String) {
    let broken = Broken::by(Fault::after(failure));
    let reply = broken.reply();
    broken.expect_rotated(1);
    let issued = broken.issued().expect("a rotation");
    (reply, issued)
}
