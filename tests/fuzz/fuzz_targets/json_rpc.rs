//! MCP's lines: none panics, and what is replaced in one is replaced alone.
#![no_main]

use ghtok::testing::formats::json_rpc::{Line, Members, Message, read, with_ids};
use libfuzzer_sys::fuzz_target;

const OURS: &str = "\"ghtok:1:1\"";

fuzz_target!(|line: &[u8]| match read(line) {
    Line::One(message) => one(&message, line),
    Line::Batch(all) => {
        let ids: Vec<_> = all
            .iter()
            .map(|message| (message, OURS.to_owned()))
            .collect();
        let changed = with_ids(line, &ids);
        let Line::Batch(again) = read(&changed) else {
            panic!("it was a batch");
        };
        assert_eq!(again.len(), all.len());
        for (before, after) in all.iter().zip(&again) {
            assert_eq!(before.method, after.method);
        }
    }
    Line::Noise => {}
});

fn one(message: &Message<'_>, line: &[u8]) {
    if let Some(params) = message.params_as::<Members<'_>>() {
        let written = params.to_string();
        let again: Members<'_> = serde_json::from_str(&written).expect("an object");
        assert_eq!(again, params);
    }
    let (Some(id), raw) = (&message.id, message.raw_id(line).to_owned()) else {
        return;
    };
    let renamed = message.with_id(line, OURS);
    let Line::One(again) = read(&renamed) else {
        panic!("it was a message");
    };
    assert_eq!(again.raw_id(&renamed), OURS);
    assert_eq!(
        (again.kind(), &again.method),
        (message.kind(), &message.method)
    );
    // And back: as it was, to the byte.
    assert!(again.with_id(&renamed, &raw) == line);
    let Line::One(restored) = read(line) else {
        panic!("it was a message");
    };
    assert_eq!(restored.id.as_ref(), Some(id));
}
