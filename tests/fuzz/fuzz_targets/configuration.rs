//! Configuration files: none panics, errors are one line, and Apps have keys of their own.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match ghtok::testing::config::apps_of(text) {
        Ok(apps) => {
            for (at, app) in apps.iter().enumerate() {
                assert!(!app.key().file_name().contains(['/', '\\', '\0']));
                assert!(apps[..at].iter().all(|other| other.key() != app.key()));
            }
        }
        Err(error) => {
            let shown = error.to_string();
            assert!(!shown.contains(|c: char| c.is_control()), "{shown:?}");
        }
    }
});
