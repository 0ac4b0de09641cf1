//! git's credential lines: what is read is written back the same, no line holds another, and a request
//! is for a host only if it names it.
#![no_main]

use std::sync::OnceLock;

use ghtok::testing::formats::git_credential::{Attributes, CredentialRequest};
use ghtok::testing::host::Host;
use libfuzzer_sys::fuzz_target;

static HOST: OnceLock<Host> = OnceLock::new();

fuzz_target!(|text: &[u8]| {
    let host = HOST.get_or_init(|| Host::parse("github.com").expect("a host"));
    if let Ok(read) = Attributes::read_from(text) {
        for (key, value) in read.iter() {
            for byte in key.iter().chain(value) {
                assert!(!matches!(byte, b'\r' | b'\n' | 0));
            }
        }
        let mut written = Vec::new();
        read.write_to(&mut written).expect("a vector takes it");
        assert!(Attributes::read_from(written.as_slice()) == Ok(read));
    }
    if let Ok(request) = CredentialRequest::read_from(text)
        && request.is_for(host)
    {
        let lower = text.to_ascii_lowercase();
        let says = |part: &[u8]| lower.windows(part.len()).any(|window| window == part);
        assert!(says(b"github.com") || says(b"%"));
        assert!(says(b"https"));
        assert!(request.account() != Some("x-access-token"));
    }
});
