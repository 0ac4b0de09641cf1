//! `ghtok docs`: the pages in the binary are the files, all of them.

use fake_github::FakeGitHub;

use super::{document, pages_of_docs};
use crate::support::pty::Terminal;
use crate::support::sandbox::{Program, Sandbox};

#[test]
fn every_page_of_the_documentation_is_in_the_binary() {
    let sandbox = Sandbox::new(&FakeGitHub::start().expect("a fake"));
    let list = sandbox.run(["docs"]).expect_code(0).stdout;
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    let mut files = vec![("readme".to_owned(), "README.md".to_owned())];
    files.extend(pages_of_docs().into_iter().map(|file| {
        let name = file.trim_start_matches("docs/").trim_end_matches(".md");
        (name.to_owned(), file)
    }));
    assert_eq!(names.len(), files.len(), "{names:?}");
    for (name, file) in files {
        assert!(names.contains(&name.as_str()), "{name} is not listed");
        let told = sandbox.run(["docs", &name]).expect_code(0);
        assert_eq!(told.stdout, document(&file), "{name}");
    }
    let none = sandbox.run(["docs", "recipe"]).expect_code(2);
    assert!(none.stderr.contains("'recipes'"), "{none:?}");
}

/// Tables and code are wider, and keep their lines.
#[test]
fn on_a_terminal_paragraphs_are_filled() {
    let sandbox = Sandbox::new(&FakeGitHub::start().expect("a fake"));
    let mut command = sandbox.command(Program::Real, ["docs", "mcp"]);
    command.env("TERM", "xterm");
    let left = Terminal::start(&command, 200, 60).end();
    let text = String::from_utf8(left.bytes).expect("UTF-8");
    let is_prose = |line: &&str| line.starts_with(char::is_alphabetic) && line.contains(' ');
    let prose: Vec<&str> = text.lines().filter(is_prose).collect();
    let fit = prose
        .iter()
        .filter(|line| line.chars().count() <= 60)
        .count();
    assert!(prose.len() > 20 && fit * 10 > prose.len() * 8, "{text}");
}
