//! Scoped tokens: how many there are, what ends them, and the commands that use them.

mod commands;
mod pool;

use fake_github::{App, Builder, CLIENT_ID, FakeGitHub, Installation, Installed, Level};

pub const SECRET: &str = "0123456789abcdef0123456789abcdef01234567";

/// A fake whose App has a secret and reaches three repositories of acme and all of octocat's.
pub fn fake() -> Builder {
    let installed = vec![
        Installed::on("octocat"),
        Installed::on("acme").selected(["one", "two", "three"]),
    ];
    let app = App::new(CLIENT_ID)
        .client_secret(SECRET)
        .permission("issues", Level::Write)
        .installation(Installation::On(installed));
    FakeGitHub::builder().app(app)
}
