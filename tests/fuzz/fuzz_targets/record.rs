//! Stored records: what can be read is written and read back the same.
#![no_main]

use ghtok::testing::store::record::{decode, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(record) = decode(bytes) {
        let again = decode(&encode(&record)).expect("our own writing");
        assert_eq!(again, record);
    }
});
