//! The block of lines that an earlier ghtok wrote into the global file, and what other tools did to it.

use super::*;

/// A file with a block, as the earlier ghtok wrote it.
fn with_block(home: &Home, before: &str, after: &str) -> String {
    let program = home.sandbox.command(Program::Real, [""; 0]);
    let helper = format!(
        "{} git-credential",
        Path::new(program.get_program()).display()
    );
    format!(
        "{before}# >>> ghtok setup git >>> take these lines out with: ghtok setup git --undo\n\
         [credential \"https://github.com\"]\n\thelper =\n\thelper = {helper}\n\
         [credential \"https://gist.github.com\"]\n\thelper =\n\thelper = {helper}\n\
         [credential \"https://ghes.example\"]\n\thelper =\n\thelper = {helper}\n\tuseHttpPath = true\n\
         # <<< ghtok setup git <<<\n{after}"
    )
}

const LATER: &str = "[alias]\n\tl = log\n";

fn text_of(path: &Path) -> String {
    fs::read_to_string(path).expect("a file")
}

#[test]
fn p13_an_old_block_becomes_the_include_and_undo_leaves_what_was_before() {
    for line_end in ["\n", "\r\n"] {
        let home = Home::new();
        let file = home.path(".gitconfig");
        let old = with_block(&home, USUAL, LATER).replace('\n', line_end);
        let plain = format!("{USUAL}{LATER}").replace('\n', line_end);
        fs::write(&file, &old).expect("a file");
        home.setup(&["--yes"]).expect_code(0);
        let include = "[include]\n\tpath = ~/.config/git/ghtok.gitconfig\n".replace('\n', line_end);
        let expected = format!(
            "{}{include}{}",
            USUAL.replace('\n', line_end),
            LATER.replace('\n', line_end)
        );
        assert_eq!(text_of(&file), expected);
        assert_eq!(home.helpers("https://github.com").len(), 2);
        home.setup(&["--undo"]).expect_code(0);
        assert_eq!(text_of(&file), plain);
        fs::write(&file, &old).expect("a file");
        home.setup(&["--undo"]).expect_code(0);
        assert_eq!(text_of(&file), plain, "without a set-up in between");
    }
}

#[test]
fn p13_what_git_config_wrote_into_the_block_stays_behind_the_include() {
    let home = Home::new();
    let file = home.path(".gitconfig");
    fs::write(&file, with_block(&home, USUAL, "")).expect("a file");
    let global = |key: &str, value: &str| {
        home.git(Path::new("git"), &["config", "--global", key, value]);
    };
    global("credential.https://github.com.username", "octocat");
    global("credential.https://ghes.example.username", "cat");
    let told = home.setup(&["--yes"]).expect_code(0).stderr;
    let expected = format!(
        "{USUAL}[include]\n\tpath = ~/.config/git/ghtok.gitconfig\n\
         [credential \"https://github.com\"]\n\tusername = octocat\n\
         [credential \"https://ghes.example\"]\n\tusername = cat\n"
    );
    assert_eq!(text_of(&file), expected);
    assert!(
        told.contains("2 lines that are not ghtok's found among ghtok's lines"),
        "{told}"
    );
    let before = snapshot(home.sandbox.home());
    home.setup(&["--yes"]).expect_code(0);
    assert_eq!(snapshot(home.sandbox.home()), before);
    let told = home.setup(&["--undo"]).expect_code(0).stderr;
    assert!(!told.contains("as it was"), "{told}");
    assert_eq!(
        text_of(&file),
        expected.replace("[include]\n\tpath = ~/.config/git/ghtok.gitconfig\n", "")
    );
}

#[test]
fn p13_helpers_that_another_tool_put_into_the_block_are_asked_after_ghtok() {
    let home = Home::new();
    let file = home.path(".gitconfig");
    fs::write(&file, with_block(&home, USUAL, LATER)).expect("a file");
    let key = "credential.https://github.com.helper";
    let git = Path::new("git");
    home.git(git, &["config", "--global", "--replace-all", key, ""]);
    home.git(
        git,
        &[
            "config",
            "--global",
            "--add",
            key,
            "!/usr/bin/gh auth git-credential",
        ],
    );
    let edited = text_of(&file);
    home.setup(&["--yes"]).expect_code(0);
    let text = text_of(&file);
    assert!(
        text.contains("\thelper = !/usr/bin/gh auth git-credential\n"),
        "{text}"
    );
    assert!(
        text.ends_with("[include]\n\tpath = ~/.config/git/ghtok.gitconfig\n"),
        "{text}"
    );
    let helpers = home.helpers("https://github.com");
    let last = helpers.iter().rposition(String::is_empty).expect("a reset");
    assert!(
        helpers[last + 1].contains("/ghtok git-credential"),
        "{helpers:?}"
    );
    assert!(
        helpers[last + 2].ends_with(" --via '!/usr/bin/gh auth git-credential'"),
        "{helpers:?}"
    );
    home.setup(&["--undo"]).expect_code(0);
    assert!(text_of(&file).contains("\thelper = !/usr/bin/gh auth git-credential\n"));
    fs::write(&file, edited).expect("a file");
    home.setup(&["--undo"]).expect_code(0);
    assert_eq!(
        home.helpers("https://github.com"),
        ["", "!/usr/bin/gh auth git-credential"]
    );
}

#[test]
fn p13_undo_never_takes_a_line_that_another_tool_added() {
    let home = Home::new();
    let file = home.path(".gitconfig");
    fs::write(&file, with_block(&home, "", "")).expect("a file");
    let key = "credential.https://github.com.helper";
    home.git(
        Path::new("git"),
        &["config", "--global", "--add", key, "store"],
    );
    home.setup(&["--undo"]).expect_code(0);
    assert_eq!(
        text_of(&file),
        "[credential \"https://github.com\"]\n\thelper = store\n"
    );
}
