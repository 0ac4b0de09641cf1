//! The kernel-keyring store on the real kernel keyring, each test with keys of its own name. Where
//! the kernel's keys are blocked (most containers), the tests say so and prove nothing.

mod kept;
mod process;

use std::thread;

use ghtok::testing::auth::ports::StoreError;
use ghtok::testing::store::Slot;
use linux_keyutils::{KeyPermissions, KeyRing, KeyRingIdentifier};

use kept::{Kept, slot_of};
use process::{Process, Start};

#[test]
fn what_was_written_is_read_until_it_is_deleted() {
    let Some(kept) = Kept::new("round-trip") else {
        return;
    };
    assert_eq!(kept.bytes(), None);
    kept.slot.write(b"first").expect("written");
    assert_eq!(kept.bytes().as_deref(), Some(&b"first"[..]));
    let key = kept.key();
    // The kernel updates a page at most; what is longer takes the old key's place.
    for length in [4_096, 4_097, 1] {
        let long = vec![0xa5; length];
        kept.slot.write(&long).expect("replaced");
        assert_eq!(kept.bytes(), Some(long));
        assert_eq!(kept.key() == key, length == 4_096, "{length} bytes");
    }
    kept.slot.delete().expect("deleted");
    assert_eq!(kept.bytes(), None);
    kept.slot.delete().expect("nothing to delete is no failure");
}

#[test]
fn the_key_has_all_rights_for_its_user_and_no_end() {
    let Some(kept) = Kept::new("rights") else {
        return;
    };
    kept.slot.write(b"text").expect("written");
    let metadata = kept.key().metadata().expect("visible");
    assert_eq!(metadata.get_perms().bits(), 0x3f3f_0000);
    let keys = std::fs::read_to_string("/proc/keys").expect("/proc/keys");
    let line = keys
        .lines()
        .find(|line| line.contains(&kept.description()))
        .expect("its line");
    assert!(line.contains(" perm 3f3f0000 "), "{line}");
}

#[test]
fn a_revoked_or_expired_key_is_absent_and_replaced() {
    let Some(kept) = Kept::new("revoked") else {
        return;
    };
    kept.slot.write(b"old").expect("written");
    kept.key().revoke().expect("revoked");
    assert_eq!(kept.bytes(), None);
    kept.slot.delete().expect("nothing left to delete");
    kept.slot.write(b"new").expect("written");
    assert_eq!(kept.bytes().as_deref(), Some(&b"new"[..]));
}

#[test]
fn a_key_with_other_rights_is_out_of_reach_and_replaced_whole() {
    let Some(kept) = Kept::new("other-rights") else {
        return;
    };
    kept.slot.write(b"old").expect("written");
    let view = KeyPermissions::from_u32(0x0001_0000);
    kept.key().set_perms(view).expect("rights");
    assert!(matches!(kept.slot.read(), Err(StoreError::Unreachable(_))));
    kept.slot.write(b"new").expect("written");
    assert_eq!(kept.bytes().as_deref(), Some(&b"new"[..]));
}

#[test]
fn the_proof_of_writing_leaves_nothing_behind() {
    let Some(kept) = Kept::new("proof") else {
        return;
    };
    kept.slot.prove_writable().expect("writable");
    assert_eq!(kept.bytes(), None);
    kept.slot.write(b"text").expect("written");
    kept.slot.prove_writable().expect("writable");
    assert_eq!(kept.bytes().as_deref(), Some(&b"text"[..]));
    let ring = KeyRing::from_special_id(KeyRingIdentifier::User, false).expect("a ring");
    assert!(
        ring.search(&format!("{} (probe)", kept.description()))
            .is_err()
    );
}

#[test]
fn every_process_of_the_user_reads_changes_and_removes_it() {
    let Some(kept) = Kept::new("processes") else {
        return;
    };
    for start in [Start::Plain, Start::LikeCron, Start::EmptySession] {
        let other = Process::new(start);
        kept.slot.write(b"from-here").expect("written");
        assert_eq!(other.run("read", &kept.id), "some from-here", "{start:?}");
        assert_eq!(other.run("write", &kept.id), "written", "{start:?}");
        assert_eq!(kept.bytes().as_deref(), Some(&b"from-there"[..]));
        assert_eq!(other.run("delete", &kept.id), "deleted", "{start:?}");
        assert_eq!(kept.bytes(), None);
        // What a process without possession made is not its own alone either.
        assert_eq!(other.run("write", &kept.id), "written", "{start:?}");
        assert_eq!(kept.bytes().as_deref(), Some(&b"from-there"[..]));
        kept.slot.write(b"from-here-again").expect("written");
        assert_eq!(other.run("prove", &kept.id), "proven", "{start:?}");
    }
}

#[test]
fn readers_see_whole_records_while_others_write() {
    let Some(kept) = Kept::new("at-once") else {
        return;
    };
    let texts: Vec<Vec<u8>> = (1..=4u8).map(|n| vec![n; 500 * usize::from(n)]).collect();
    kept.slot.write(&texts[0]).expect("written");
    thread::scope(|scope| {
        for text in &texts {
            let slot = slot_of(&kept.id);
            scope.spawn(move || {
                for _ in 0..200 {
                    slot.write(text).expect("written");
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    let read = kept.bytes().expect("never absent");
                    assert!(texts.contains(&read), "{} bytes", read.len());
                }
            });
        }
    });
}

#[test]
fn first_writers_at_once_leave_one_key() {
    let Some(kept) = Kept::new("first-at-once") else {
        return;
    };
    thread::scope(|scope| {
        for n in 0..8 {
            let slot = slot_of(&kept.id);
            let text = format!("writer {n}");
            scope.spawn(move || slot.write(text.as_bytes()).expect("written"));
        }
    });
    let read = kept.bytes().expect("one of them");
    assert!(read.starts_with(b"writer "), "{read:?}");
    kept.slot.delete().expect("deleted");
    assert_eq!(kept.bytes(), None, "no second key was behind it");
}

#[test]
fn an_unprivileged_user_has_the_store_too_and_hears_of_a_full_quota() {
    let Some(kept) = Kept::new("unprivileged") else {
        return;
    };
    let Some(other) = Process::of_an_unprivileged_user() else {
        skip!("another user's process can be started by root alone");
        return;
    };
    assert_eq!(other.run("write", &kept.id), "written");
    assert_eq!(other.run("read", &kept.id), "some from-there");
    assert_eq!(kept.bytes(), None, "each user has a keyring of their own");
    let told = other.run("fill", &kept.id);
    assert_eq!(
        told,
        "full Failed(\"this user's quota of kernel keys is used up (see /proc/sys/kernel/keys)\")"
    );
    assert_eq!(other.run("delete", &kept.id), "deleted");
    assert_eq!(other.run("read", &kept.id), "none");
}

#[test]
fn a_sandbox_that_forbids_keys_is_out_of_reach_and_not_empty() {
    let Some(kept) = Kept::new("sandbox") else {
        return;
    };
    kept.slot.write(b"text").expect("written");
    for (error, words) in [
        ("EPERM", "this process may not use kernel keys"),
        ("ENOSYS", "this kernel does not support keys"),
        ("EACCES", "this process has no permission"),
    ] {
        let Some(other) = Process::in_a_sandbox(error) else {
            skip!("strace is not here");
            return;
        };
        for deed in ["available", "read", "write", "delete", "prove"] {
            let told = other.run(deed, &kept.id);
            assert!(told.starts_with("failed Unreachable("), "{deed}: {told}");
            assert!(told.contains(words), "{deed}: {told}");
        }
    }
    assert_eq!(kept.bytes().as_deref(), Some(&b"text"[..]));
}
