//! Answers of the token endpoint: none panics, and no token in them has a line end.
#![no_main]

use ghtok::testing::token::TokenSet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    for content_type in [
        "application/json",
        "application/x-www-form-urlencoded",
        "text/html",
    ] {
        if let Some(set) = ghtok::testing::github::granted(content_type, body) {
            let access = set.access_token().expose();
            assert!(!access.is_empty() && !access.contains(['\n', '\r', '\0', ' ']));
            if let TokenSet::Expiring {
                refresh: Some(refresh),
                ..
            } = &set
            {
                assert!(!refresh.token.expose().is_empty());
            }
        }
    }
});
