//! Tests, or parts of tests, that this machine cannot run.

/// Says on standard output why a test is not run. With `GHTOK_TEST_ALL`, as in CI, that is a
/// failure: a test that is skipped everywhere proves nothing.
///
/// Takes what `format!` takes.
macro_rules! skip {
    ($($reason:tt)*) => {
        $crate::support::skip::skip(&format!($($reason)*))
    };
}

#[track_caller]
pub fn skip(reason: &str) {
    let must_run = std::env::var_os("GHTOK_TEST_ALL").is_some_and(|value| !value.is_empty());
    assert!(!must_run, "skipped, with GHTOK_TEST_ALL set: {reason}");
    println!("skipped: {reason}");
}
