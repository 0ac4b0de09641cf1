//! Other tools and other users beside `setup git`: what worked before still does.

use super::*;

const URL: &str = "https://github.com";

#[test]
fn p13_helpers_of_all_files_are_asked_after_ghtok_in_their_order() {
    let home = Home::new();
    home.write(
        "system-gitconfig",
        "[credential]\n\thelper = cache --timeout 9\n",
    );
    home.write(".config/git/config", "[credential]\n\thelper = store\n");
    home.write(
        "more",
        "[credential \"https://github.com\"]\n\thelper = /opt/my helper\n",
    );
    home.write(
        ".gitconfig",
        "[include]\n\tpath = more\n[credential \"https://gitlab.com\"]\n\thelper = other\n",
    );
    home.setup(&["--yes"]).expect_code(0);
    let text = fs::read_to_string(home.included()).expect("a file");
    let vias = |url: &str| -> Vec<String> {
        let section = text.split(&format!("[credential \"{url}\"]")).nth(1);
        let section = section.and_then(|rest| rest.split("\n[").next());
        let lines = section.unwrap_or_default().lines();
        lines
            .filter_map(|line| line.split_once(" --via "))
            .map(|(_, helper)| helper.to_owned())
            .collect()
    };
    assert_eq!(
        vias(URL),
        ["'cache --timeout 9'", "'store'", "'/opt/my helper'"]
    );
    assert_eq!(
        vias("https://ghes.example"),
        ["'cache --timeout 9'", "'store'"]
    );
    // What comes later goes into the list at the next set-up, and ghtok stays first.
    let key = "credential.https://github.com.helper";
    home.git(
        Path::new("git"),
        &["config", "--global", "--replace-all", key, ""],
    );
    home.git(
        Path::new("git"),
        &[
            "config",
            "--global",
            "--add",
            key,
            "!gh auth git-credential",
        ],
    );
    home.setup(&["--yes"]).expect_code(0);
    let helpers = home.helpers(URL);
    let last = helpers.iter().rposition(String::is_empty).expect("a reset");
    assert!(
        helpers[last + 1].contains("/ghtok git-credential")
            && helpers[last + 2].ends_with("--via '!gh auth git-credential'")
            && helpers.len() == last + 3,
        "{helpers:?}"
    );
}

#[test]
fn several_at_once_all_succeed() {
    let home = Home::new();
    home.write(".gitconfig", USUAL);
    let before = snapshot(home.sandbox.home());
    for flag in ["--yes", "--undo"] {
        let runs: Vec<Run> = std::thread::scope(|scope| {
            let one = || home.setup(&[flag]);
            let started: Vec<_> = (0..6).map(|_| scope.spawn(one)).collect();
            let ended = started.into_iter().map(|one| one.join().expect("a run"));
            ended.collect()
        });
        for run in runs {
            assert_eq!(run.code, Some(0), "{flag}: {}", run.stderr);
        }
        let text = fs::read_to_string(home.path(".gitconfig")).expect("it");
        let includes = text.matches("ghtok.gitconfig").count();
        assert_eq!(includes, usize::from(flag == "--yes"), "{text}");
    }
    assert_eq!(snapshot(home.sandbox.home()), before);
}

#[test]
fn what_git_traces_and_warns_of_does_not_matter() {
    let home = Home::new();
    home.write(".gitconfig", USUAL);
    home.write("other", "[user]\n\tname = t\n");
    for (name, value) in [
        ("GIT_TRACE", "1".into()),
        ("GIT_TRACE2", "1".into()),
        ("GIT_CONFIG", home.path("other").display().to_string()),
    ] {
        let before = snapshot(home.sandbox.home());
        for flag in ["--yes", "--undo"] {
            let words = ["setup", "git", flag];
            let mut setup = home.in_it(home.sandbox.command(Program::Real, words));
            setup.env(name, &value);
            let run = run_command(&mut setup).expect_code(0);
            assert!(!run.stderr.contains("error"), "{name}: {run:?}");
        }
        assert_eq!(snapshot(home.sandbox.home()), before, "{name}");
    }
}

#[test]
fn p13_a_copy_of_the_file_works_where_no_ghtok_is() {
    let home = Home::new();
    home.write(".gitconfig", USUAL);
    home.setup(&["--yes"]).expect_code(0);
    let other = home.path("other");
    fs::create_dir(&other).expect("a folder");
    fs::copy(home.path(".gitconfig"), other.join(".gitconfig")).expect("a copy");
    for git in gits() {
        let mut command = Command::new(&git.program);
        command
            .args(["config", "--get-regexp", "credential|alias"])
            .env_clear()
            .env("HOME", &other)
            .env("GIT_CONFIG_NOSYSTEM", "1");
        let said = command.output().expect("git runs");
        assert_eq!(
            String::from_utf8_lossy(&said.stdout),
            "alias.l log --oneline\n"
        );
    }
}

#[test]
fn p13_another_user_with_this_home_can_use_git() {
    if !rustix::process::geteuid().is_root() {
        skip!("only root can become another user");
        return;
    }
    for (what, folder, umask) in [
        ("none", None, "022"),
        ("none, and a strict umask", None, "077"),
        ("a closed one", Some(0o700), "077"),
        ("an open one", Some(0o755), "022"),
    ] {
        let home = Home::new();
        let file = home.write(".gitconfig", USUAL);
        fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("mode");
        fs::set_permissions(home.sandbox.home(), Permissions::from_mode(0o755)).expect("mode");
        if let Some(mode) = folder {
            fs::create_dir(home.path(".config")).expect("a folder");
            fs::set_permissions(home.path(".config"), Permissions::from_mode(mode)).expect("mode");
        }
        let before = snapshot(home.sandbox.home());
        let real = home
            .sandbox
            .command(Program::Real, ["setup", "git", "--yes"]);
        let mut setup = Command::new("sh");
        setup
            .args(["-c", &format!("umask {umask}; exec \"$@\""), "-"])
            .arg(real.get_program())
            .args(real.get_args())
            .env_clear()
            .envs(
                real.get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            );
        run_command(&mut home.in_it(setup)).expect_code(0);
        for git in gits() {
            let mut command = Command::new("setpriv");
            command
                .args(["--reuid=4321", "--regid=4321", "--clear-groups"])
                .arg(&git.program)
                .args([
                    "config",
                    "--get-all",
                    "credential.https://github.com.helper",
                ])
                .env_clear()
                .env("HOME", home.sandbox.home())
                .current_dir("/");
            let said = command.output().expect("setpriv runs");
            let text = String::from_utf8_lossy(&said.stdout).into_owned();
            assert!(text.contains("ghtok git-credential"), "{what}: {said:?}");
        }
        home.setup(&["--undo"]).expect_code(0);
        assert_eq!(snapshot(home.sandbox.home()), before, "{what}");
    }
}

#[test]
fn a_configuration_folder_of_the_shell_alone_is_written_along() {
    let home = Home::new();
    let folder = home.path("cfg");
    fs::create_dir_all(folder.join("ghtok")).expect("a folder");
    fs::write(folder.join("ghtok/config.toml"), APPS).expect("a file");
    let with = |value: &Path| {
        let mut setup = home.in_it(
            home.sandbox
                .command(Program::Real, ["setup", "git", "--print"]),
        );
        setup
            .env_remove("GHTOK_CONFIG_DIR")
            .env("XDG_CONFIG_HOME", value);
        run_command(&mut setup).expect_code(0).stdout
    };
    let printed = with(&folder);
    let flag = format!(
        "/ghtok git-credential --config-dir {}/ghtok\n",
        folder.display()
    );
    assert!(printed.contains(&flag), "{printed}");
    // Where everybody looks, nothing is said.
    fs::create_dir_all(home.path(".config/ghtok")).expect("a folder");
    fs::write(home.path(".config/ghtok/config.toml"), APPS).expect("a file");
    let printed = with(&home.path(".config"));
    assert!(printed.contains("/ghtok git-credential\n"), "{printed}");
}

#[test]
fn undo_finds_lines_that_another_xdg_config_home_made() {
    let home = Home::new();
    home.write(".gitconfig", USUAL);
    fs::create_dir(home.path("cfg")).expect("a folder");
    let before = snapshot(home.sandbox.home());
    let mut setup = home.in_it(
        home.sandbox
            .command(Program::Real, ["setup", "git", "--yes"]),
    );
    setup.env("XDG_CONFIG_HOME", home.path("cfg"));
    run_command(&mut setup).expect_code(0);
    let text = fs::read_to_string(home.path(".gitconfig")).expect("a file");
    assert!(
        text.ends_with("\tpath = ~/cfg/git/ghtok.gitconfig\n"),
        "{text}"
    );
    let told = home.setup(&["--undo"]).expect_code(0).stderr;
    assert!(
        told.contains("removed ghtok's lines from") && told.contains("cfg/git/ghtok.gitconfig"),
        "{told}"
    );
    assert_eq!(snapshot(home.sandbox.home()), before);
}

#[test]
fn undo_leaves_what_others_put_into_the_section() {
    let home = Home::new();
    home.write(".gitconfig", USUAL);
    home.setup(&["--yes"]).expect_code(0);
    home.git(
        Path::new("git"),
        &["config", "--global", "--add", "include.path", "mine"],
    );
    home.setup(&["--undo"]).expect_code(0);
    let text = fs::read_to_string(home.path(".gitconfig")).expect("a file");
    assert_eq!(text, format!("{USUAL}[include]\n\tpath = mine\n"));
}

#[test]
fn p13_a_helper_that_is_included_on_a_condition_is_named() {
    let home = Home::new();
    home.write("work", "[credential]\n\thelper = store\n");
    home.write("names", "[user]\n\tname = t\n");
    let conditions = "[includeIf \"gitdir:~/w/\"]\n\tpath = work\n\tpath = names\n";
    let file = home.write(".gitconfig", conditions);
    let told = home.setup(&["--yes"]).expect_code(0).stderr;
    assert!(
        told.contains("/work names helpers and is included with includeIf"),
        "{told}"
    );
    assert!(!told.contains("/names names"), "{told}");
    let text = fs::read_to_string(&file).expect("a file");
    let moved = format!("{}{conditions}", text.replace(conditions, ""));
    fs::write(&file, &moved).expect("a file");
    let told = home.setup(&["--yes"]).expect_code(0).stderr;
    assert!(!told.contains("on a condition"), "{told}");
    assert_eq!(fs::read_to_string(&file).expect("a file"), moved);
}
