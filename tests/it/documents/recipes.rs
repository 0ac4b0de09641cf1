//! `docs/recipes.md` and the pages below it, each command in the shell that it is for.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fake_github::{App, FakeGitHub};

use super::session::Session;
use super::{commands, document};
use crate::support::signing_in::hurried_fake;

const CLIENT_ID: &str = "Iv23liRECIPES0000001";

/// Says what it was asked, and fails without a token.
const NEEDS_A_TOKEN: &str = "test -n \"${GH_ENTERPRISE_TOKEN:-}${GH_TOKEN:-}${GITHUB_TOKEN:-}\
                             ${HOMEBREW_GITHUB_API_TOKEN:-}\"; echo \"${0##*/}: $*\"";

/// Programs that the recipes start, and that no test has or may run.
const STAND_INS: [&str; 5] = ["gh", "brew", "aqua", "mise", "docker"];

/// What a home may hold already: files of the names that recipes write, readable by everybody.
const OLD_FILES: &str = "printf 'machine other.example login a password b\\n' >~/.netrc
cp ~/.netrc ~/.netrc-ghtok; cp ~/.netrc ~/.netrc-ghtok.new; cp ~/.netrc ~/netrc-before
chmod 644 ~/.netrc*
git config --global user.name me; cp ~/.gitconfig ~/before";

fn github() -> FakeGitHub {
    hurried_fake()
        .app(App::new(CLIENT_ID))
        .start()
        .expect("a fake")
}

fn prepared(fake: &FakeGitHub) -> Session<'_> {
    let session = Session::new(fake);
    session.install();
    for name in STAND_INS {
        session.stand_in(name, NEEDS_A_TOKEN);
    }
    session.stand_in("ssh", "shift; exec sh -c \"$1\"");
    session
}

/// The commands of all recipes, as they are typed here; the second list cannot be tried.
fn recipes(fake: &FakeGitHub) -> (Vec<String>, Vec<String>) {
    let fish = has("fish");
    let pages = ["docs/recipes.md", "docs/recipes/schedule.md"].map(document);
    let api = format!("{}/api/v3", fake.base_url());
    let lines = pages.iter().flat_map(|page| commands(page));
    let lines = lines.map(|line| line.replace("https://api.github.com", &api));
    let is_for_others =
        |line: &String| line.contains("Invoke-Expression") || (line.contains("| source") && !fish);
    let (left_out, tried): (Vec<_>, Vec<_>) = lines.partition(is_for_others);
    let typed = tried.into_iter().map(|line| {
        if line.contains("| source") {
            let script = format!("{line}; or exit; printenv GH_ENTERPRISE_TOKEN >.fish");
            format!("(umask 077; fish -c '{script}')")
        } else {
            line
        }
    });
    (typed.collect(), left_out)
}

#[test]
fn every_command_of_the_recipes_works() {
    let fake = github();
    let session = prepared(&fake);
    let (recipes, left_out) = recipes(&fake);
    let mut lines = vec![
        format!("ghtok login --client-id {CLIENT_ID}"),
        "printf '#!/bin/sh\\necho a long job\\n' >long-job.sh; chmod +x long-job.sh".into(),
        OLD_FILES.into(),
    ];
    lines.extend(recipes);
    lines.push("ghtok setup git --undo; cmp ~/before ~/.gitconfig".into());
    lines.push("cmp ~/netrc-before ~/.netrc; (umask 077; ghtok get >.token)".into());
    if has("fish") {
        lines.push("cmp .fish .token".into());
    }
    let run = session.types(&lines);
    println!("not run: {left_out:?}");
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    assert!(!run.stdout.contains("error:"), "{}", run.stdout);
    assert!(left_out.len() <= 2, "{left_out:?}");
    for said in [
        "gh: repo list",
        "brew: upgrade",
        "aqua: install",
        "mise: install",
        "docker: run --rm -e GH_TOKEN IMAGE gh repo list",
        "docker: build --secret id=gh,env=GH_TOKEN .",
        "a long job",
        "octocat",
    ] {
        assert!(run.stdout.contains(said), "{said}: {}", run.stdout);
    }
    let token = fs::read_to_string(session.home().join(".token")).expect("the token");
    let holders = files_with(&session.home(), token.trim());
    assert!(
        holders.contains(&session.home().join(".netrc-ghtok")),
        "{holders:?}"
    );
    for file in holders {
        let mode = fs::metadata(&file).expect("it").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is open to others", file.display());
    }
}

/// A failed ghtok ends a script with `set -euo pipefail`; what was there before is still there.
#[test]
fn no_recipe_hides_that_ghtok_failed() {
    let fake = github();
    let session = prepared(&fake);
    let asks = ["ghtok get", "ghtok exec", "ghtok headers"];
    let (recipes, _) = recipes(&fake);
    let recipes = recipes
        .into_iter()
        .filter(|line| !line.starts_with("alias ") && asks.iter().any(|ask| line.contains(ask)));
    let recipes: Vec<_> = recipes.collect();
    assert!(recipes.len() > 8, "{recipes:?}");
    let mut lines = vec![
        format!("export GHTOK_CLIENT_ID={CLIENT_ID}"),
        OLD_FILES.into(),
        "printf '#!/bin/sh\\n' >long-job.sh; chmod +x long-job.sh".into(),
    ];
    for (at, recipe) in recipes.iter().enumerate() {
        let script = format!(".recipe-{at}");
        let text = format!("set -euo pipefail\n{recipe}\necho went on {at}\n");
        fs::write(session.home().join(&script), text).expect("a script");
        lines.push(format!("if bash {script}; then exit 9; fi"));
    }
    lines.push("cmp ~/netrc-before ~/.netrc; cmp ~/netrc-before ~/.netrc-ghtok".into());
    let run = session.types(&lines);
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    assert!(!run.stdout.contains("went on"), "{}", run.stdout);
}

/// The regular files below a folder that contain this text.
fn files_with(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let kind = fs::symlink_metadata(&path).expect("it").file_type();
        if kind.is_dir() {
            found.extend(files_with(&path, text));
        } else if kind.is_file() {
            let content = fs::read(&path).expect("a file");
            let holds = content
                .windows(text.len())
                .any(|part| part == text.as_bytes());
            found.extend(holds.then_some(path));
        }
    }
    found
}

fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).exists())
}
