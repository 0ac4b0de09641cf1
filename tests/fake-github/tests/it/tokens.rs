//! Rotation, reuse, expiry, the pool of ten, revocation.

use std::thread;

use fake_github::{App, CLIENT_ID, FakeGitHub, ViolationKind};

use crate::client::{TestClock, get, post, refresh, signed_in};

#[test]
fn a_refresh_rotates_both_tokens_at_once() {
    let fake = FakeGitHub::start().expect("a fake");
    let (access, refresh_token) = signed_in(&fake);
    let reply = refresh(&fake, &refresh_token);
    assert_eq!(reply.status, 200);
    let (new_access, new_refresh) = (reply.get("access_token"), reply.get("refresh_token"));
    assert!(!fake.is_alive(&access) && !fake.refresh_is_alive(&refresh_token));
    assert!(fake.is_alive(&new_access) && fake.refresh_is_alive(&new_refresh));
    assert_eq!(get(&fake, "/api/v3/user", &access).status, 401);
    assert_eq!(get(&fake, "/api/v3/user", &new_access).status, 200);

    let [rotation] = &fake.refreshes()[..] else {
        panic!("one rotation")
    };
    assert_eq!((rotation.generation, fake.generation()), (1, 1));
    assert_eq!(
        (&rotation.old_access, &rotation.new_access),
        (&access, &new_access)
    );
    assert_eq!(
        (&rotation.old_refresh, &rotation.new_refresh),
        (&refresh_token, &new_refresh)
    );
    assert!(fake.violations().is_empty());
}

#[test]
fn a_spent_refresh_token_is_refused_and_its_successor_lives() {
    let fake = FakeGitHub::start().expect("a fake");
    let (_, refresh_token) = signed_in(&fake);
    let winner = refresh(&fake, &refresh_token);
    let loser = refresh(&fake, &refresh_token);
    assert_eq!(
        (loser.status, loser.get("error")),
        (200, "bad_refresh_token".into())
    );
    let text = "The refresh token passed is incorrect or expired.";
    assert_eq!(loser.get("error_description"), text);
    assert!(fake.is_alive(&winner.get("access_token")));
    assert_eq!(fake.violations()[0].kind, ViolationKind::RefreshTokenReused);
}

#[test]
fn reuse_can_revoke_the_family_and_only_it() {
    let fake = FakeGitHub::builder()
        .family_revocation()
        .start()
        .expect("a fake");
    let (_, refresh_token) = signed_in(&fake);
    let (other_access, _) = signed_in(&fake);
    let winner = refresh(&fake, &refresh_token);
    refresh(&fake, &refresh_token);
    assert!(!fake.is_alive(&winner.get("access_token")));
    assert!(!fake.refresh_is_alive(&winner.get("refresh_token")));
    assert!(fake.is_alive(&other_access));
}

#[test]
fn of_twenty_simultaneous_refreshes_one_wins() {
    let fake = FakeGitHub::start().expect("a fake");
    let (_, refresh_token) = signed_in(&fake);
    let won = thread::scope(|scope| {
        let all: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| refresh(&fake, &refresh_token).get("error")))
            .collect();
        all.into_iter()
            .map(|one| one.join().expect("a reply"))
            .filter(String::is_empty)
            .count()
    });
    assert_eq!((won, fake.generation()), (1, 1));
}

#[test]
fn tokens_expire_by_the_injected_clock() {
    let clock = TestClock::default();
    let fake = FakeGitHub::builder()
        .clock(clock.reader())
        .start()
        .expect("a fake");
    let (access, refresh_token) = signed_in(&fake);
    clock.advance(28_799);
    assert_eq!(get(&fake, "/api/v3/user", &access).status, 200);
    clock.advance(1);
    assert_eq!(get(&fake, "/api/v3/user", &access).status, 401);
    assert!(!fake.is_alive(&access) && fake.refresh_is_alive(&refresh_token));

    let second = refresh(&fake, &refresh_token);
    assert!(fake.is_alive(&second.get("access_token")));
    clock.advance(15_897_600);
    assert_eq!(
        refresh(&fake, &second.get("refresh_token")).get("error"),
        "bad_refresh_token"
    );
}

#[test]
fn a_refresh_token_serves_only_its_own_client() {
    let builder = FakeGitHub::builder()
        .app(App::new(CLIENT_ID))
        .app(App::new("Iv1.other"));
    let fake = builder.start().expect("a fake");
    let refresh_token = fake
        .mint("Iv1.other")
        .refresh_token
        .expect("an expiring App");
    assert_eq!(
        refresh(&fake, &refresh_token).get("error"),
        "bad_refresh_token"
    );
    assert_eq!(refresh(&fake, "").get("error"), "bad_refresh_token");
    assert!(fake.refresh_is_alive(&refresh_token));
}

#[test]
fn the_eleventh_sign_in_kills_the_oldest_pair() {
    let builder = FakeGitHub::builder()
        .app(App::new(CLIENT_ID))
        .app(App::new("Iv1.other"));
    let fake = builder
        .user("octocat", 1)
        .user("hubot", 2)
        .start()
        .expect("a fake");
    let elsewhere = [fake.mint("Iv1.other"), fake.mint_as(CLIENT_ID, "hubot")];
    let (first, first_refresh) = signed_in(&fake);
    let (second, _) = signed_in(&fake);
    for _ in 0..8 {
        signed_in(&fake);
    }
    assert!(fake.is_alive(&first));
    // A refresh takes no place, and makes its pair the youngest.
    let renewed = refresh(&fake, &first_refresh).get("access_token");
    assert!(fake.is_alive(&second));
    signed_in(&fake);
    assert!(!fake.is_alive(&second) && fake.is_alive(&renewed));
    assert!(
        elsewhere
            .iter()
            .all(|pair| fake.is_alive(&pair.access_token))
    );
}

#[test]
fn removing_the_app_kills_everything_of_it() {
    let builder = FakeGitHub::builder()
        .app(App::new(CLIENT_ID))
        .app(App::new("Iv1.other"));
    let fake = builder.start().expect("a fake");
    let (access, refresh_token) = signed_in(&fake);
    let other = fake.mint("Iv1.other");
    fake.revoke_authorization(CLIENT_ID);
    assert!(!fake.is_alive(&access) && fake.is_alive(&other.access_token));
    assert_eq!(
        refresh(&fake, &refresh_token).get("error"),
        "bad_refresh_token"
    );
}

#[test]
fn one_token_can_die_alone() {
    let fake = FakeGitHub::start().expect("a fake");
    let (access, refresh_token) = signed_in(&fake);
    fake.revoke(&access);
    assert!(!fake.is_alive(&access) && fake.refresh_is_alive(&refresh_token));
    assert_eq!(refresh(&fake, &refresh_token).get("error"), "");
}

#[test]
fn unknown_grants_are_unsupported() {
    let fake = FakeGitHub::start().expect("a fake");
    for grant in ["authorization_code", ""] {
        let params = [("client_id", CLIENT_ID), ("grant_type", grant)];
        let reply = post(&fake, "/login/oauth/access_token", &params);
        assert_eq!(
            (reply.status, reply.get("error")),
            (200, "unsupported_grant_type".into())
        );
    }
    assert_eq!(
        fake.violations()[1].kind,
        ViolationKind::UnsupportedGrantType
    );
}
