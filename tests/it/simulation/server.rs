//! The simulated GitHub: pairs, scoped tokens, and what each request does to them.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use ghtok::testing::github::{GrantedTokens, Refreshed};
use ghtok::testing::token::{AccessToken, RefreshToken};

use super::world::Pid;

/// How long an access token lives.
pub const LIFE: Duration = Duration::from_secs(28_800);

/// One pair that was granted.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct Pair {
    pub sign_in: usize,
    pub is_access_alive: bool,
    pub is_refresh_alive: bool,
    /// The pair that replaced it.
    pub next: Option<usize>,
    /// The process that received it, while it exists nowhere else.
    pub holder: Option<Pid>,
    /// It was lost where nobody can prevent it: its answer did not arrive, or its process was killed before it
    /// could write.
    pub may_be_lost: bool,
    /// It was stored or sealed at some time.
    pub was_durable: bool,
    /// The refusal of its refresh token was stored.
    pub is_known_dead: bool,
    /// The step at which the last intent to replace it was stored.
    pub intent_at: Option<u64>,
    /// The same, when GitHub replaced it.
    pub doomed_at: Option<u64>,
}

/// Without the numbers of steps, which differ between schedules that come to the same.
impl Hash for Pair {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let state = (
            self.is_access_alive,
            self.is_refresh_alive,
            self.may_be_lost,
        );
        let known = (self.was_durable, self.is_known_dead);
        (self.sign_in, self.next, self.holder, state, known).hash(hasher);
    }
}

/// One scoped token.
#[derive(Clone, Debug, Hash)]
pub struct Scoped {
    pub is_alive: bool,
    /// A caller got it.
    pub is_handed_out: bool,
}

#[derive(Clone, Debug, Default, Hash)]
pub struct Server {
    pub pairs: Vec<Pair>,
    pub scoped: Vec<Scoped>,
    pub sign_ins: usize,
    /// The sign-in whose pair is stored.
    pub active: usize,
}

impl Server {
    /// A pair of a new sign-in.
    pub fn sign_in(&mut self) -> usize {
        self.sign_ins += 1;
        self.grant(self.sign_ins, None)
    }

    fn grant(&mut self, sign_in: usize, holder: Option<Pid>) -> usize {
        self.pairs.push(Pair {
            sign_in,
            is_access_alive: true,
            is_refresh_alive: true,
            next: None,
            holder,
            may_be_lost: false,
            was_durable: false,
            is_known_dead: false,
            intent_at: None,
            doomed_at: None,
        });
        self.pairs.len() - 1
    }

    /// Replaces a pair, as GitHub does; a refresh token that was used ends the whole sign-in, as some servers do.
    pub fn refresh(&mut self, pair: usize, by: Pid) -> Refreshed {
        if !self.pairs[pair].is_refresh_alive {
            let sign_in = self.pairs[pair].sign_in;
            self.end(|it| it.sign_in == sign_in);
            return Refreshed::BadRefreshToken;
        }
        let old = &mut self.pairs[pair];
        old.is_refresh_alive = false;
        old.is_access_alive = false;
        old.doomed_at = old.intent_at;
        let sign_in = old.sign_in;
        let new = self.grant(sign_in, Some(by));
        self.pairs[pair].next = Some(new);
        Refreshed::Granted(granted(new))
    }

    pub fn end(&mut self, which: impl Fn(&Pair) -> bool) {
        for pair in self.pairs.iter_mut().filter(|pair| which(pair)) {
            pair.is_access_alive = false;
            pair.is_refresh_alive = false;
        }
    }

    /// The pair of the stored sign-in that GitHub would refresh.
    pub fn current(&self) -> Option<usize> {
        let is_current = |pair: &Pair| pair.sign_in == self.active && pair.is_refresh_alive;
        self.pairs.iter().rposition(is_current)
    }

    /// True if a pair of the stored sign-in was lost in the one window.
    pub fn may_be_lost(&self) -> bool {
        let mut pairs = self.pairs.iter();
        pairs.any(|pair| pair.sign_in == self.active && pair.may_be_lost)
    }

    /// True if a pair of any sign-in was.
    pub fn may_one_be_lost(&self) -> bool {
        self.pairs.iter().any(|pair| pair.may_be_lost)
    }
}

/// The tokens of a pair.
pub fn granted(pair: usize) -> GrantedTokens {
    GrantedTokens {
        access_token: AccessToken::new(format!("ghu_{pair}")),
        expires_in: Some(LIFE),
        refresh_token: Some(RefreshToken::new(format!("ghr_{pair}"))),
        refresh_token_expires_in: Some(Duration::from_secs(15_897_600)),
    }
}
