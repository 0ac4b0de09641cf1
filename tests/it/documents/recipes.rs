//! `docs/recipes.md` and the pages below it, each command in the shell that it is for.

use fake_github::{App, FakeGitHub};

use super::session::Session;
use super::{commands, document};
use crate::support::signing_in::hurried_fake;

const CLIENT_ID: &str = "Iv23liRECIPES0000001";

/// Says what it was asked, and fails without a token.
const NEEDS_A_TOKEN: &str = "test -n \"${GH_ENTERPRISE_TOKEN:-}${GH_TOKEN:-}${GITHUB_TOKEN:-}\
                             ${HOMEBREW_GITHUB_API_TOKEN:-}\"; echo \"${0##*/}: $*\"";

fn github() -> FakeGitHub {
    hurried_fake()
        .app(App::new(CLIENT_ID))
        .start()
        .expect("a fake")
}

#[test]
fn every_command_of_the_recipes_works() {
    let fake = github();
    let session = Session::new(&fake);
    session.install();
    for name in ["gh", "brew", "aqua", "mise", "docker"] {
        session.stand_in(name, NEEDS_A_TOKEN);
    }
    session.stand_in("ssh", "shift; exec sh -c \"$1\"");
    let fish = has("fish");
    let mut lines = vec![
        format!("ghtok login --client-id {CLIENT_ID}"),
        "printf '#!/bin/sh\\necho a long job\\n' >long-job.sh; chmod +x long-job.sh".into(),
        "git config --global user.name me; cp ~/.gitconfig ~/before".into(),
    ];
    let mut left_out = Vec::new();
    let pages = [
        document("docs/recipes.md"),
        document("docs/recipes/schedule.md"),
    ];
    for line in pages.iter().flat_map(|page| commands(page)) {
        let command = line.replace(
            "https://api.github.com",
            &format!("{}/api/v3", fake.base_url()),
        );
        if line.contains("Invoke-Expression") || (line.contains("| source") && !fish) {
            left_out.push(line);
        } else if line.contains("| source") {
            lines.push(format!(
                "fish -c '{command}; printenv GH_ENTERPRISE_TOKEN >fish'"
            ));
            lines.push("test \"$(cat fish)\" = \"$(ghtok get)\"".into());
        } else {
            lines.push(command);
        }
    }
    lines.push("ghtok setup git --undo; cmp ~/before ~/.gitconfig".into());
    let run = session.types(&lines);
    println!("not run: {left_out:?}");
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    assert!(!run.stdout.contains("error:"), "{}", run.stdout);
    assert!(left_out.len() <= 2, "{left_out:?}");
    for said in [
        "gh: repo list",
        "gh: pr create",
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
}

fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).exists())
}
