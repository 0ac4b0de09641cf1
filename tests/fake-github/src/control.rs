//! What a test does to a running fake: the acts of people, and the faults.

use std::time::Duration;

use crate::app::{Installation, Installed};
use crate::authority::Decision;
use crate::faults::{Fault, Stage};
use crate::ledger::Endpoint;
use crate::server::FakeGitHub;
use crate::shared::Reception;

/// A sign-in: the tokens and whose they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    pub client_id: String,
    pub login: String,
    pub user_id: u64,
    pub access_token: String,
    /// `None`, as the two lifetimes, for an App whose tokens do not expire.
    pub refresh_token: Option<String>,
    pub expires_in: Option<u64>,
    pub refresh_token_expires_in: Option<u64>,
}

/// Where it is.
impl FakeGitHub {
    /// `127.0.0.1:PORT`
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// `http://127.0.0.1:PORT`, or `https` with TLS.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// The certificate of the authority that a client must trust; `None` without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }
}

/// What people do.
impl FakeGitHub {
    /// The first user approves.
    ///
    /// # Panics
    /// If no such code waits for anyone; so do `approve_as`, `deny` and `expire`.
    #[track_caller]
    pub fn approve(&self, user_code: &str) {
        let login = self.shared.lock().authority.default_login();
        self.approve_as(user_code, &login);
    }

    #[track_caller]
    pub fn approve_as(&self, user_code: &str, login: &str) {
        let known = self.shared.lock().authority.user(login).is_some();
        assert!(known, "no user {login} is registered");
        self.decide(
            user_code,
            Decision::Approved {
                login: login.to_owned(),
            },
        );
    }

    #[track_caller]
    pub fn deny(&self, user_code: &str) {
        self.decide(user_code, Decision::Denied);
    }

    /// Lets the code's time run out.
    #[track_caller]
    pub fn expire(&self, user_code: &str) {
        let done = self
            .shared
            .change(|state| state.authority.expire_code(user_code));
        assert!(done, "no code {user_code} was issued");
    }

    #[track_caller]
    fn decide(&self, user_code: &str, decision: Decision) {
        let done = self
            .shared
            .change(|state| state.authority.decide(user_code, decision));
        assert!(done, "no code {user_code} waits for a decision");
    }

    /// User codes that wait for a person.
    pub fn pending_codes(&self) -> Vec<String> {
        self.shared.lock().authority.pending_codes()
    }

    /// The next `times` polls of approved codes are answered `incorrect_device_code`.
    pub fn incorrect_device_code_after_approval(&self, times: u32) {
        self.shared
            .change(|state| state.authority.answer_incorrect_device_code(times));
    }

    /// Issues a pair for the first user, as if they had signed in.
    ///
    /// # Panics
    /// If no such App or user is registered.
    #[track_caller]
    pub fn mint(&self, client_id: &str) -> Pair {
        let login = self.shared.lock().authority.default_login();
        self.mint_as(client_id, &login)
    }

    #[track_caller]
    pub fn mint_as(&self, client_id: &str, login: &str) -> Pair {
        let registered = {
            let authority = &self.shared.lock().authority;
            authority.app(client_id).is_some() && authority.user(login).is_some()
        };
        assert!(
            registered,
            "App {client_id} or user {login} is not registered"
        );
        self.shared
            .change(|state| state.authority.mint(client_id, login))
    }

    /// A personal access token: it reaches what the person does, wherever Apps are installed.
    ///
    /// # Panics
    /// If no such user is registered.
    #[track_caller]
    pub fn personal_token(&self, login: &str, reaches: Vec<Installed>) -> String {
        self.shared.change(|state| {
            assert!(
                state.authority.user(login).is_some(),
                "user {login} is not registered"
            );
            state.authority.personal_token(login, reaches)
        })
    }

    /// The person installs the App there, and nowhere else. A token that exists reaches
    /// what it reached; one that is made later reaches this.
    ///
    /// # Panics
    /// If no such App is registered.
    #[track_caller]
    pub fn install(&self, client_id: &str, installation: &Installation) {
        let done = self
            .shared
            .change(|state| state.authority.install(client_id, installation));
        assert!(done, "App {client_id} is not registered");
    }

    /// The App's owner ticks "Enable Device Flow".
    ///
    /// # Panics
    /// If no such App is registered.
    #[track_caller]
    pub fn enable_device_flow(&self, client_id: &str) {
        let done = self
            .shared
            .change(|state| state.authority.enable_device_flow(client_id));
        assert!(done, "App {client_id} is not registered");
    }

    /// Kills this one token and leaves its partner alone.
    pub fn revoke(&self, token: &str) {
        self.shared.change(|state| state.authority.revoke(token));
    }

    /// The person removes the App: all its tokens die.
    pub fn revoke_authorization(&self, client_id: &str) {
        self.shared
            .change(|state| state.authority.revoke_authorization(client_id));
    }
}

/// What goes wrong.
impl FakeGitHub {
    /// The next request meets this fault. Called again, it is for the one after that.
    pub fn fail_next(&self, endpoint: Endpoint, fault: Fault) {
        self.fail_times(endpoint, 1, fault);
    }

    pub fn fail_times(&self, endpoint: Endpoint, times: usize, fault: Fault) {
        self.shared
            .change(|state| state.faults.plan_next(endpoint, times, fault));
    }

    /// Every request meets this fault, once the planned ones are used up.
    pub fn fail_always(&self, endpoint: Endpoint, fault: Fault) {
        self.shared
            .change(|state| state.faults.plan_always(endpoint, fault));
    }

    /// Every request is delayed at this stage; with a fault, before it strikes.
    pub fn delay(&self, endpoint: Endpoint, stage: Stage, delay: Duration) {
        self.shared
            .change(|state| state.faults.plan_delay(endpoint, stage, delay));
    }

    /// Forgets faults and delays. Requests that hang or wait at a gate stay there.
    pub fn heal(&self, endpoint: Endpoint) {
        self.shared.change(|state| state.faults.heal(endpoint));
    }

    /// Opens the gate for the requests that stand there now, and says how many did.
    /// Call `wait_for_held` first.
    pub fn release(&self, endpoint: Endpoint) -> usize {
        self.shared.change(|state| {
            let held = state.ledger.requests.iter_mut();
            let held = held.filter(|request| request.held && request.endpoint == endpoint);
            held.map(|request| request.held = false).count()
        })
    }

    /// How connections are received from now on.
    pub fn receive(&self, reception: Reception) {
        self.shared.change(|state| state.reception = reception);
    }
}
