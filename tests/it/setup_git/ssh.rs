//! `setup git --ssh`: https in place of SSH, until `--undo`.

use super::*;

impl Home {
    /// The address that git of any age uses for this one.
    fn used(&self, address: &str) -> String {
        let mut said: Vec<String> = gits()
            .iter()
            .map(|git| self.git(&git.program, &["ls-remote", "--get-url", address]))
            .collect();
        said.dedup();
        assert_eq!(said.len(), 1, "{said:?}");
        said[0].trim_end().to_owned()
    }
}

#[test]
fn addresses_of_ssh_become_https_for_the_hosts_of_apps_alone() {
    let home = Home::new();
    home.write(".gitconfig", USUAL);
    let before = snapshot(home.sandbox.home());
    let done = home.setup(&["--yes", "--ssh"]).expect_code(0);
    assert!(done.stderr.contains("instead of your SSH key"), "{done:?}");
    for (address, used) in [
        (
            "git@github.com:acme/app.git",
            "https://github.com/acme/app.git",
        ),
        (
            "ssh://git@github.com/acme/app",
            "https://github.com/acme/app",
        ),
        (
            "git@gist.github.com:0123.git",
            "https://gist.github.com/0123.git",
        ),
        ("git@ghes.example:o/r.git", "https://ghes.example/o/r.git"),
        ("git@gitlab.com:o/r.git", "git@gitlab.com:o/r.git"),
        ("me@github.com:o/r.git", "me@github.com:o/r.git"),
        ("git@github.com.evil.tld:o/r", "git@github.com.evil.tld:o/r"),
        ("https://github.com/o/r", "https://github.com/o/r"),
    ] {
        assert_eq!(home.used(address), used);
    }
    // Set up once more, it stays.
    let again = home.setup(&["--yes"]).expect_code(0);
    assert!(
        again.stderr.contains("already has these lines"),
        "{again:?}"
    );
    home.setup(&["--undo"]).expect_code(0);
    assert_eq!(snapshot(home.sandbox.home()), before);
    assert_eq!(home.used("git@github.com:a/b"), "git@github.com:a/b");
    // Without the flag nobody's SSH is touched.
    home.setup(&["--yes"]).expect_code(0);
    assert_eq!(home.used("git@github.com:a/b"), "git@github.com:a/b");
    // And it can be had later.
    home.setup(&["--yes", "--ssh"]).expect_code(0);
    assert_eq!(home.used("git@github.com:a/b"), "https://github.com/a/b");
}
