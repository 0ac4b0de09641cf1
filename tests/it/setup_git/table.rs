//! Configurations of all shapes: set up, seen by each git, set up once more without a change, undone to
//! the byte.

use super::*;

/// Texts of `~/.gitconfig`.
const TEXTS: [(&str, &[u8]); 32] = [
    ("usual", USUAL.as_bytes()),
    ("empty", b""),
    ("one line end", b"\n"),
    ("blank lines", b"\n\n\t\n"),
    ("blanks without a line end", b"[a]\n\tb = c\n  \t"),
    ("only comments", b"# mine\n; and mine"),
    ("a comment at the end", b"[user]\n\tname = t\n# end"),
    ("no last line end", b"[user]\n\tname = t"),
    ("a key without a value", b"[a]\n\tb"),
    ("an empty section", b"[a]\n\tb = c\n[include]\n"),
    ("CRLF", b"[user]\r\n\tname = t\r\n"),
    ("CRLF without the last", b"[user]\r\n\tname = t"),
    ("both line ends", b"[user]\r\n\tname = t\n\temail = e\r\n"),
    ("a byte order mark", b"\xef\xbb\xbf[user]\n\tname = t\n"),
    ("nothing but a byte order mark", b"\xef\xbb\xbf"),
    ("a continued value", b"[alias]\n\tl = log \\\n\t  --oneline\n"),
    ("a value continued to the end", b"[alias]\n\tl = log \\\n"),
    ("a backslash at the end", b"[alias]\n\tl = log\\"),
    ("CRLF and a continuation", b"[alias]\r\n\tl = log \\\r\n"),
    ("quotes in quotes", b"[alias]\n\tl = \"!f() { echo \\\"$1; # \\\\ \\\"; }; f\"\n"),
    ("not UTF-8", b"[user]\n\tname = J\xf6rg \xff\n"),
    ("tabs and spaces", b"  [user]  \n\t \tname\t=\t t\t \n\t"),
    ("keys behind headers", b"[user] name = t\n[a \"b\"] c"),
    ("capital letters", b"[INCLUDE]\n\tPATH = none\n[Credential]\n\tHelper =\n"),
    ("an include of nothing", b"[include]\n\tpath = ~/nowhere\n"),
    ("an include", b"[include]\n\tpath = more\n[a]\n\tb = c"),
    ("an include at the end", b"[a]\n\tb = c\n[include]\n\tpath = more"),
    ("conditions", b"[includeIf \"gitdir:~/work/\"]\n\tpath = more\n[includeIf \"onbranch:x\"]\n\tpath = more\n"),
    ("an odd subsection", b"[url \"a\\\"b\\\\c]#\"]\n\tinsteadOf = x\n"),
    (
        "helpers",
        b"[credential \"https://github.com\"]\n\thelper =\n\thelper = !/usr/bin/gh auth git-credential\n[credential]\n\thelper = store\n",
    ),
    (
        "helpers of an organization, a user, a pattern",
        b"[credential \"https://github.com/org\"]\n\thelper = store\n[credential \"https://me@github.com\"]\n\thelper = cache\n\
          [credential \"https://*.example\"]\n\thelper = \"!f() { test '$1' = get; }; f\"\n",
    ),
    (
        "ghtok by hand",
        b"[credential \"https://github.com\"]\n\thelper = ghtok\n\tuseHttpPath = true\n\tusername = me\n",
    ),
];

#[test]
fn p13_files_of_all_shapes_come_back_to_the_byte() {
    let home = Home::new();
    home.write("more", "[credential]\n\thelper = store\n");
    for (what, text) in TEXTS {
        fs::write(home.path(".gitconfig"), text).expect("a file");
        home.there_and_back(what);
    }
}

#[test]
fn p13_files_in_all_places_come_back_to_the_byte() {
    let home = Home::new();
    home.there_and_back("none");
    home.write(".config/git/config", USUAL);
    home.there_and_back("XDG's alone");
    home.write(".gitconfig", USUAL);
    home.there_and_back("both");
    let file = home.path(".gitconfig");
    for mode in [0o600, 0o640, 0o664] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).expect("mode");
        home.there_and_back("a mode");
    }
    fs::remove_file(&file).expect("gone");
    symlink("dotfiles/gitconfig", &file).expect("a link");
    fs::create_dir(home.path("dotfiles")).expect("a folder");
    home.there_and_back("a link to nothing");
    home.write("dotfiles/gitconfig", USUAL);
    home.there_and_back("a link");
    fs::remove_file(&file).expect("gone");
    symlink("dotfiles/gitconfig", home.path("second")).expect("a link");
    symlink("second", &file).expect("a link");
    home.there_and_back("a link to a link");
}

#[test]
fn a_very_long_file_comes_back_to_the_byte() {
    let home = Home::new();
    let alias = |n: usize| format!("[alias \"a{n}\"]\n\tcommand = \"!echo {n}\" ; {n}\n");
    home.write(".gitconfig", &(0..40_000).map(alias).collect::<String>());
    home.there_and_back("2 MB");
}

#[test]
fn a_link_whose_folder_is_missing_is_not_replaced() {
    let home = Home::new();
    symlink("nowhere/gitconfig", home.path(".gitconfig")).expect("a link");
    let before = snapshot(home.sandbox.home());
    home.setup(&["--yes"]).expect_code(1);
    assert_eq!(snapshot(home.sandbox.home()), before);
}

#[test]
fn what_git_cannot_read_is_left_alone_and_not_called_done() {
    let home = Home::new();
    for text in ["[user\n\tname = t\n", "[a]\n\tb = \"c\n", "[a]\n= c\n"] {
        home.write(".gitconfig", text);
        let before = snapshot(home.sandbox.home());
        for flag in ["--yes", "--undo"] {
            let refused = home.setup(&[flag]).expect_code(1);
            assert!(refused.stderr.contains("bad config line"), "{refused:?}");
            assert!(!refused.stderr.contains("done"), "{refused:?}");
        }
        assert_eq!(snapshot(home.sandbox.home()), before);
    }
    // The file itself is good, what it includes is not.
    home.write(".gitconfig", "[include]\n\tpath = more\n");
    home.write("more", "[user\n");
    let before = snapshot(home.sandbox.home());
    let refused = home.setup(&["--yes"]).expect_code(1);
    assert!(refused.stderr.contains("bad config line"), "{refused:?}");
    assert_eq!(snapshot(home.sandbox.home()), before);
}

#[test]
fn what_git_will_not_see_is_taken_back_and_not_called_done() {
    let home = Home::new();
    home.write(".gitconfig", USUAL);
    let before = snapshot(home.sandbox.home());
    for nothing in ["", "/dev/null"] {
        let with = |flag: &str| {
            let words = ["setup", "git", flag];
            let mut setup = home.in_it(home.sandbox.command(Program::Real, words));
            setup.env("GIT_CONFIG_GLOBAL", nothing);
            run_command(&mut setup)
        };
        let refused = with("--yes").expect_code(1);
        assert!(
            refused.stderr.contains("GIT_CONFIG_GLOBAL is empty")
                && !refused.stderr.contains("done"),
            "{refused:?}"
        );
        assert_eq!(snapshot(home.sandbox.home()), before);
        // What was set up without the variable can be undone with it.
        home.setup(&["--yes"]).expect_code(0);
        with("--undo").expect_code(0);
        assert_eq!(snapshot(home.sandbox.home()), before);
    }
    // What the system says does not matter.
    let mut setup = home.in_it(
        home.sandbox
            .command(Program::Real, ["setup", "git", "--yes"]),
    );
    setup.env("GIT_CONFIG_NOSYSTEM", "1");
    run_command(&mut setup).expect_code(0);
}

#[test]
fn a_file_that_git_config_global_names_is_the_one() {
    let home = Home::new();
    home.write(".gitconfig", USUAL);
    let named = home.write("named", USUAL);
    let mut setup = home.in_it(
        home.sandbox
            .command(Program::Real, ["setup", "git", "--yes"]),
    );
    setup.env("GIT_CONFIG_GLOBAL", &named);
    run_command(&mut setup).expect_code(0);
    assert_eq!(
        fs::read_to_string(home.path(".gitconfig")).expect("it"),
        USUAL
    );
    assert!(
        fs::read_to_string(&named)
            .expect("it")
            .ends_with("[include]\n\tpath = ~/.config/git/ghtok.gitconfig\n")
    );
}

#[test]
fn a_file_of_somebody_else_in_the_place_of_ghtoks_is_left_alone() {
    let home = Home::new();
    home.write(".gitconfig", USUAL);
    home.write(".config/git/ghtok.gitconfig", "[user]\n\tname = t\n");
    let before = snapshot(home.sandbox.home());
    let refused = home.setup(&["--yes"]).expect_code(1);
    assert!(
        refused.stderr.contains("ghtok did not write it"),
        "{refused:?}"
    );
    home.setup(&["--undo"]).expect_code(0);
    assert_eq!(snapshot(home.sandbox.home()), before);
}

#[test]
fn a_program_whose_path_is_not_text_is_written_as_it_is() {
    use std::os::unix::ffi::OsStrExt;

    let home = Home::new();
    let name = std::ffi::OsStr::from_bytes(b"o\xffdd \"'\\;#$(x)\n\t dir ");
    let folder = home.sandbox.home().join(name);
    fs::create_dir(&folder).expect("a folder");
    let program = folder.join("ghtok");
    let real = home.sandbox.command(Program::Real, [""; 0]);
    // By a process of its own: a child of another test may hold a descriptor that writes to ours.
    let copied = Command::new("cp")
        .arg(real.get_program())
        .arg(&program)
        .status();
    assert!(copied.is_ok_and(|status| status.success()), "a copy");
    let mut setup = Command::new(&program);
    setup.args(["setup", "git", "--yes"]).env_clear();
    setup.envs(
        real.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    run_command(&mut home.in_it(setup)).expect_code(0);
    for git in gits() {
        let mut fill = Command::new(&git.program);
        fill.args(["-c", "core.askPass=", "credential", "fill"])
            .env_clear()
            .env("HOME", home.sandbox.home())
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GHTOK_STATE_DIR", home.sandbox.state_dir())
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
            .env("GIT_TRACE", "1")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        let mut child = home.in_it(fill).spawn().expect("git starts");
        std::io::Write::write_all(
            &mut child.stdin.take().expect("a pipe"),
            b"protocol=https\nhost=github.com\npath=a/b\n\n",
        )
        .expect("written");
        let said = child.wait_with_output().expect("an end").stderr;
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(said.contains("ghtok: main"), "ghtok was not run: {said}");
        assert!(
            !said.contains("not found") && !said.contains("Syntax"),
            "{said}"
        );
    }
}
