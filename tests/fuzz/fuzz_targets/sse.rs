//! Server-sent events: none panics, and how a stream is cut into pieces makes no difference.
#![no_main]

use ghtok::testing::formats::sse::{SseEvent, SseParser};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((size, stream)) = input.split_first() else {
        return;
    };
    let whole = read([stream].into_iter());
    let pieces = read(stream.chunks(usize::from(*size).max(1)));
    assert_eq!(whole, pieces);
    for event in &whole.0 {
        assert!(!event.kind.contains(&b'\n') && !event.data.contains(&b'\r'));
    }
    assert!(whole.1.is_none_or(|id| !id.contains(&0)));
});

type Found = (Vec<SseEvent>, Option<Vec<u8>>, Option<u64>);

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Found {
    let mut parser = SseParser::default();
    let mut events = Vec::new();
    for piece in pieces {
        parser.read(piece, |event| events.push(event)).expect("a short stream");
    }
    (events, parser.last_id().map(<[u8]>::to_vec), parser.retry())
}
