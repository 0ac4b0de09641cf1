//! Another process that works on the record although the lock is ours, as on a file system whose locks
//! lock nothing.

use super::*;

/// The lock did not keep another process out (a file system whose locks lock nothing): it used the
/// refresh token first.
#[test]
fn p3_a_refused_refresh_token_is_no_loss_where_a_newer_pair_is_stored() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let pair = sign_in(&sandbox, &fake, DUE);
    let newer = Record {
        generation: 2,
        ..record_of(&fake.mint(CLIENT_ID), FRESH)
    };
    fake.revoke(pair.refresh_token.as_deref().expect("one"));
    let by = |event: &Event| {
        if *event == Event::Refresh(Step::Answered) {
            sandbox.put(&newer);
        }
    };
    refresh_observed(&fake, &sandbox, &By(by), |locked, refresh| {
        refresh.run(locked, USUAL);
    });
    assert_eq!(sandbox.record(), newer);
    let told = sandbox.outcome().expect("an outcome");
    assert_eq!((told.generation, told.what), (2, Happened::Saved));
    assert_eq!(fake.count(Endpoint::Refresh), 1);
}

/// One refresh; another process does this at a step of it, although the lock is ours.
fn disturbed(step: Step, by: impl Fn(&Sandbox, &FakeGitHub)) -> (FakeGitHub, Sandbox) {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sign_in(&sandbox, &fake, DUE);
    let by = |event: &Event| {
        if *event == Event::Refresh(step) {
            by(&sandbox, &fake);
        }
    };
    refresh_observed(&fake, &sandbox, &By(by), |locked, refresh| {
        refresh.run(locked, USUAL);
    });
    (fake, sandbox)
}

fn newer(fake: &FakeGitHub) -> Record {
    Record {
        generation: 2,
        ..record_of(&fake.mint(CLIENT_ID), FRESH)
    }
}

#[test]
fn p3_a_newer_pair_that_came_despite_the_lock_is_adopted_before_anything_is_sent() {
    let (fake, sandbox) = disturbed(Step::Connected, |sandbox, fake| sandbox.put(&newer(fake)));
    let record = sandbox.record();
    assert_eq!((record.generation, record.intent), (2, None));
    assert!(fake.is_alive(record.tokens.access_token().expose()));
    assert_eq!(fake.count(Endpoint::Refresh), 0);
    let told = sandbox.outcome().expect("an outcome");
    assert_eq!((told.generation, told.what), (2, Happened::Saved));
}

#[test]
fn p3_while_another_process_refreshes_despite_the_lock_nothing_is_sent() {
    let intent = Intent {
        generation: 2,
        key: RescueKey::from_bytes([9; 32]),
        started_at: now(),
        interrupted_at: None,
    };
    let (fake, sandbox) = disturbed(Step::Connected, |sandbox, _| {
        sandbox.put(&Record {
            intent: Some(intent.clone()),
            ..sandbox.record()
        });
    });
    assert_eq!(fake.count(Endpoint::Refresh), 0);
    assert_eq!(sandbox.record().intent, Some(intent), "it is the other's");
    let told = sandbox.outcome().expect("an outcome").what;
    assert!(matches!(told, Happened::Unknown(_)), "{told:?}");
}

#[test]
fn p7_a_mark_that_another_process_made_despite_the_lock_is_not_lost() {
    let once = Cell::new(true);
    let (fake, sandbox) = disturbed(Step::Connected, |sandbox, _| {
        if once.take() {
            sandbox.put(&Record {
                rejected: Some(Rejected::Reported(now())),
                ..sandbox.record()
            });
        }
    });
    assert_eq!(fake.count(Endpoint::User), 1, "it begins again, and checks");
    assert_eq!(sandbox.record().generation, 2);
}

/// A sign-in of another process got the same number first. Each is one too many, and the one that a person
/// has just approved stays.
#[test]
fn p3_a_new_pair_does_not_replace_one_that_was_stored_during_the_request() {
    let (fake, sandbox) = disturbed(Step::Answered, |sandbox, fake| sandbox.put(&newer(fake)));
    assert_eq!(fake.count(Endpoint::Refresh), 1);
    let [rotation] = fake.refreshes().try_into().expect("one");
    let stored = sandbox.record();
    assert_eq!(stored.generation, 2);
    assert_ne!(
        stored.tokens.access_token().expose(),
        rotation.new_access.as_str()
    );
    assert!(fake.is_alive(stored.tokens.access_token().expose()));
}

#[test]
fn p3_a_new_pair_is_saved_whatever_was_noted_about_the_old_one() {
    let (fake, sandbox) = disturbed(Step::Answered, |sandbox, _| {
        let refused = RefreshRejected {
            at: now(),
            interrupted_at: Some(now()),
            access_checked_at: None,
        };
        sandbox.put(&Record {
            intent: None,
            refresh_rejected: Some(refused),
            ..sandbox.record()
        });
    });
    let stored = sandbox.record();
    assert_eq!((stored.generation, stored.refresh_rejected), (2, None));
    assert!(fake.is_alive(stored.tokens.access_token().expose()));
}

#[test]
fn a_sign_out_during_a_refresh_is_not_undone_by_it() {
    let sign_out = |sandbox: &Sandbox, told: bool| {
        fs::remove_file(sandbox.record_file()).expect("a record");
        if told {
            let file = sandbox.state_folder().outcome(&sandbox.app().key());
            let deleted = outcome(Happened::Deleted);
            let other = Sandbox::new(&FakeGitHub::start().expect("a fake"));
            with_lock(&other.store(), |locked| {
                locked.report(&deleted).expect("told");
            });
            fs::copy(other.state_folder().outcome(&other.app().key()), file).expect("a file");
        }
    };
    let (fake, sandbox) = disturbed(Step::Answered, |sandbox, _| sign_out(sandbox, true));
    assert!(!sandbox.record_file().exists());
    assert_eq!(
        sandbox.outcome().expect("an outcome").what,
        Happened::Deleted
    );
    let [rotation] = fake.refreshes().try_into().expect("one");
    assert!(!fake.is_alive(&rotation.new_access), "it is revoked");
    assert!(!sandbox.rescue_file().exists());
    // A keychain that has lost the record alone is no sign-out: the new pair is all that is left.
    let (fake, sandbox) = disturbed(Step::Answered, |sandbox, _| sign_out(sandbox, false));
    assert!(fake.is_alive(sandbox.record().tokens.access_token().expose()));
}

/// A lock that is granted to everybody, as on some network file systems, and several callers at once.
#[test]
fn p3_where_a_lock_keeps_nobody_out_the_sign_in_survives() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sign_in(&sandbox, &fake, DUE);
    for round in 0..4 {
        let callers: Vec<_> = (0..2)
            .map(|_| {
                let ghtok = sandbox.command(Program::Real, ["get"]);
                let mut traced = Command::new("strace");
                traced
                    .args(["-f", "-o", "/dev/null", "-e", "trace=flock"])
                    .args(["-e", "inject=flock:retval=0"])
                    .arg(ghtok.get_program())
                    .args(ghtok.get_args())
                    .env_clear()
                    .envs(
                        ghtok
                            .get_envs()
                            .filter_map(|(name, value)| Some((name, value?))),
                    );
                Caller::start(&sandbox, &mut traced)
            })
            .collect();
        for caller in callers {
            caller.finish();
        }
        let token = eventually("a token", || {
            let run = sandbox.run(["get"]);
            (run.code == Some(0)).then(|| run.token().to_owned())
        });
        assert!(fake.is_alive(&token), "round {round}");
        let (used, rotated) = (fake.count(Endpoint::Refresh), fake.refreshes().len());
        println!("round {round}: {used} requests, {rotated} rotations");
        let_live(&sandbox, DUE);
    }
}
