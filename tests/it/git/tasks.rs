//! Twelve ordinary tasks before and after `setup git`, with another helper that knows a second account
//! (P13): what worked before works after.

mod bench;
mod ssh;

use std::fs;

use fake_github::{Endpoint, Failure, Fault};
use ghtok::testing::token::TokenSet;

use self::bench::{Other, Task, TaskBench};
use super::reach::all_have_asked;
use crate::support::git::{files_with, gits};
use crate::support::sandbox::now;

/// True if it worked.
type Work = fn(&Task) -> bool;

const ALL: [(&str, Work); 12] = [
    ("clone where the App is not installed", clone_elsewhere),
    ("push where it is", push),
    ("submodule of another owner", submodule),
    ("LFS", lfs),
    ("https and ssh remotes", two_remotes),
    ("public clone", public),
    ("upstream of a fork", upstream),
    ("git -c", on_the_command_line),
    ("worktree", worktree),
    ("Enterprise host", enterprise),
    ("offline", offline),
    ("signed out", signed_out),
];

fn clone_elsewhere(task: &Task) -> bool {
    task.git(&["clone", "--quiet", &task.url("acme/private"), "it"])
}

fn push(task: &Task) -> bool {
    task.clone_own() && task.commit("it") && task.git(&["-C", "it", "push", "--quiet"])
}

fn submodule(task: &Task) -> bool {
    let at = task.url("acme/private");
    let Some(head) = task.prints(&["ls-remote", &at, "HEAD"]) else {
        return false;
    };
    let entry = format!("160000,{},sub", head.split('\t').next().unwrap_or_default());
    let add = ["-C", "it", "update-index", "--add", "--cacheinfo", &entry];
    task.clone_own()
        && task.write(
            "it/.gitmodules",
            &format!("[submodule \"sub\"]\n\tpath = sub\n\turl = {at}\n"),
        )
        && task.git(&add)
        && task.git(&["-C", "it", "submodule", "--quiet", "update", "--init"])
}

/// A file of git-lfs, pushed to and fetched from the own repository and one where the App is not installed.
fn lfs(task: &Task) -> bool {
    ["octocat/hello", "acme/private"].into_iter().all(|name| {
        let (at, folder, again) = (
            task.url(name),
            name.replace('/', "-"),
            format!("{}-again", name.replace('/', "-")),
        );
        let branch = format!("HEAD:lfs-{}", task.turn());
        let content = format!("{} {name} in a large file", task.turn());
        task.git(&["clone", "--quiet", &at, &folder])
            && task.git(&["-C", &folder, "lfs", "install", "--local"])
            && task.write(
                &format!("{folder}/.gitattributes"),
                "*.bin filter=lfs diff=lfs merge=lfs -text\n",
            )
            && task.write(&format!("{folder}/large.bin"), &content)
            && task.git(&["-C", &folder, "add", "."])
            && task.commit(&folder)
            && task.git(&["-C", &folder, "push", "--quiet", "origin", &branch])
            && task.git(&[
                "clone",
                "--quiet",
                "--branch",
                &branch["HEAD:".len()..],
                &at,
                &again,
            ])
            && task.git(&["-C", &again, "lfs", "install", "--local"])
            && task.git(&["-C", &again, "lfs", "pull"])
            && task.reads(&format!("{again}/large.bin")) == content
    })
}

fn two_remotes(task: &Task) -> bool {
    let ssh = task.ssh_url("acme/private");
    task.clone_own()
        && task.git(&["-C", "it", "remote", "add", "ssh", &ssh])
        && task.git(&["-C", "it", "fetch", "--quiet", "ssh"])
        && task.git(&["-C", "it", "fetch", "--quiet", "origin"])
}

fn public(task: &Task) -> bool {
    task.git(&["clone", "--quiet", &task.url("else/open"), "it"])
}

fn upstream(task: &Task) -> bool {
    let (open, closed) = (task.url("else/open"), task.url("acme/private"));
    task.clone_own()
        && task.git(&["-C", "it", "remote", "add", "upstream", &open])
        && task.git(&["-C", "it", "fetch", "--quiet", "upstream"])
        && task.git(&["-C", "it", "remote", "set-url", "upstream", &closed])
        && task.git(&["-C", "it", "fetch", "--quiet", "upstream"])
}

fn on_the_command_line(task: &Task) -> bool {
    let helper = format!("credential.helper={}", task.second_helper());
    let (reset, other) = ("credential.helper=", "http.followRedirects=true");
    let at = task.url("acme/private");
    let no_path = "credential.useHttpPath=false";
    task.git(&["-c", reset, "-c", &helper, "clone", "--quiet", &at, "one"])
        && task.git(&["-c", other, "clone", "--quiet", &at, "two"])
        && task.git(&["-c", no_path, "clone", "--quiet", &at, "three"])
}

fn worktree(task: &Task) -> bool {
    let branch = format!("topic-{}", task.turn());
    task.clone_own()
        && task.git(&[
            "-C", "it", "worktree", "add", "--quiet", "-b", &branch, "../wt",
        ])
        && task.commit("wt")
        && task.git(&["-C", "wt", "push", "--quiet", "origin", &branch])
}

fn enterprise(task: &Task) -> bool {
    let at = format!("{}/octocat/hello.git", task.bench.enterprise.base_url());
    task.git(&["clone", "--quiet", &at, "it"])
}

/// The token has expired, and the server that refreshes it cannot be reached.
fn offline(task: &Task) -> bool {
    let (fake, sandbox) = (&task.bench.fake, &task.bench.sandbox);
    let kept = fs::read(sandbox.record_file()).expect("a record");
    let mut record = sandbox.record();
    if let TokenSet::Expiring { access, .. } = &mut record.tokens {
        access.expires_at = now();
    }
    sandbox.put(&record);
    for endpoint in [Endpoint::Refresh, Endpoint::User] {
        fake.fail_always(endpoint, Fault::before(Failure::Reset));
    }
    let worked = task.clone_own();
    fake.heal(Endpoint::Refresh);
    fake.heal(Endpoint::User);
    sandbox.put_bytes(&kept);
    worked
}

fn signed_out(task: &Task) -> bool {
    let sandbox = &task.bench.sandbox;
    let kept = fs::read(sandbox.record_file()).expect("a record");
    fs::remove_file(sandbox.record_file()).expect("a record");
    let worked = task.clone_own();
    sandbox.put_bytes(&kept);
    worked
}

fn all_work_before_and_after(other: Other) {
    for git in gits() {
        let Some(bench) = TaskBench::new(git, other) else {
            return;
        };
        let failed = |turn: &str| -> Vec<&str> {
            let tasks = ALL.iter().filter(|(name, task)| {
                let worked = task(&Task::new(&bench, turn, name));
                !worked
            });
            tasks.map(|(name, _)| *name).collect()
        };
        assert_eq!(failed("before"), [""; 0], "{:?}", bench.git);
        bench.set_up();
        assert_eq!(failed("after"), [""; 0], "{:?}", bench.git);
        all_have_asked(&bench.sandbox);
        let ours = bench
            .sandbox
            .record()
            .tokens
            .access_token()
            .expose()
            .to_owned();
        let holders = files_with(bench.sandbox.home(), &ours);
        assert_eq!(holders, [bench.sandbox.record_file()], "{:?}", bench.git);
        bench.assert_no_token_of_ghtok_in_the_keyring();
        assert!(bench.fake.violations().is_empty());
    }
}

#[test]
fn p13_twelve_tasks_work_before_and_after_with_git_store() {
    all_work_before_and_after(Other::Store);
}

#[test]
fn p13_twelve_tasks_work_before_and_after_with_a_stand_in_for_osxkeychain() {
    all_work_before_and_after(Other::OsxKeychain);
}

#[test]
fn p13_twelve_tasks_work_before_and_after_with_libsecret() {
    all_work_before_and_after(Other::LibSecret);
}
