//! What keeps a scoped token from being had.

use ghtok::testing::error::{Error, NoScopedToken, ScopedTokenProblem};

use super::page::{APP, LOGIN, Page};

pub fn all(page: &mut Page) {
    page.section("Scoped tokens");
    for why in [
        ScopedTokenProblem::NoSecret,
        ScopedTokenProblem::WrongSecret,
        ScopedTokenProblem::Invalid {
            scope: "acme/app contents=write".into(),
            reason: "The repository app is not accessible".into(),
        },
        ScopedTokenProblem::TokenRejected,
        ScopedTokenProblem::InUse {
            holders: vec!["mcp-4711".into(), "mcp-4712".into()],
        },
        ScopedTokenProblem::InUse { holders: vec![] },
        ScopedTokenProblem::TooMany {
            until: "2026-11-22 21:00:00 +00:00".into(),
        },
    ] {
        page.add(Error::ScopedToken(NoScopedToken {
            app: APP.into(),
            why,
            login: LOGIN.into(),
        }));
    }
}
