//! A short run of what `tests/fuzz` does at length: damaged texts for the parsers of the record, of the
//! configuration, of MCP's lines and of server-sent events, the same at every run.

use std::fs;
use std::path::Path;

use ghtok::testing::config::{Config, Environment, Flags};
use ghtok::testing::formats::json_rpc::{Line, Members, read, with_ids};
use ghtok::testing::formats::sse::{SseEvent, SseParser};
use ghtok::testing::store::record::{decode, encode};
use tempfile::TempDir;

use crate::support::chance::Chance;

/// The seeds of a fuzz target.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/seeds")
        .join(target);
    let files = fs::read_dir(folder).expect("seeds").flatten();
    files
        .map(|file| fs::read(file.path()).expect("a seed"))
        .collect()
}

/// A seed with some bytes changed, taken out or put in twice.
fn damaged(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut text = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(4) {
        let at = chance.below(text.len().max(1));
        let end = (at + chance.below(8)).min(text.len());
        match chance.below(4) {
            0 => drop(text.drain(at..end)),
            1 => {
                let twice = text[at..end].to_vec();
                text.splice(at..at, twice);
            }
            _ => {
                let new = chance.bytes(3);
                text.splice(at..end, new);
            }
        }
    }
    text
}

#[test]
fn a_damaged_record_is_refused_or_read_back_the_same() {
    let (seeds, mut chance, mut read) = (seeds("record"), Chance::new(11), 0);
    for _ in 0..50_000 {
        if let Ok(record) = decode(&damaged(&seeds, &mut chance)) {
            assert_eq!(decode(&encode(&record)), Ok(record));
            read += 1;
        }
    }
    assert!(read > 100, "{read}");
}

#[test]
fn a_damaged_configuration_is_read_or_refused_in_one_line() {
    let (seeds, mut chance) = (seeds("configuration"), Chance::new(12));
    let folder = TempDir::new().expect("a folder");
    let pairs = [("GHTOK_CONFIG_DIR", folder.path()), ("HOME", folder.path())];
    let environment = Environment::from_pairs(pairs);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..5_000 {
        let text = damaged(&seeds, &mut chance);
        fs::write(folder.path().join("config.toml"), text).expect("a file");
        match Config::load(&Flags::default(), &environment) {
            Ok(_) => read += 1,
            Err(error) => {
                let shown = error.to_string();
                assert!(!shown.contains(char::is_control), "{shown:?}");
                refused += 1;
            }
        }
    }
    assert!(read > 100 && refused > 100, "{read} {refused}");
}

#[test]
fn a_damaged_mcp_line_is_noise_or_keeps_all_but_its_id() {
    const OURS: &str = "\"ghtok:1:1\"";
    let (seeds, mut chance) = (seeds("json_rpc"), Chance::new(13));
    let (mut ones, mut batches, mut noise) = (0, 0, 0);
    for _ in 0..50_000 {
        let line = damaged(&seeds, &mut chance);
        match read(&line) {
            Line::One(message) => {
                ones += 1;
                if let Some(members) = message.params_as::<Members<'_>>() {
                    let written = members.to_string();
                    assert_eq!(
                        serde_json::from_str::<Members<'_>>(&written).ok(),
                        Some(members)
                    );
                }
                if message.id.is_some() {
                    let renamed = message.with_id(&line, OURS);
                    let Line::One(again) = read(&renamed) else {
                        panic!("no message any more: {}", String::from_utf8_lossy(&renamed));
                    };
                    assert_eq!(
                        (again.kind(), &again.method),
                        (message.kind(), &message.method)
                    );
                    assert!(again.with_id(&renamed, message.raw_id(&line)) == line);
                }
            }
            Line::Batch(all) => {
                batches += 1;
                let ids: Vec<_> = all.iter().map(|one| (one, OURS.to_owned())).collect();
                let renamed = with_ids(&line, &ids);
                assert!(matches!(read(&renamed), Line::Batch(again) if again.len() == all.len()));
            }
            Line::Noise => noise += 1,
        }
    }
    assert!(
        ones > 1000 && batches > 1000 && noise > 1000,
        "{ones} {batches} {noise}"
    );
}

#[test]
fn damaged_server_sent_events_are_read_the_same_in_any_pieces() {
    let (seeds, mut chance) = (seeds("sse"), Chance::new(14));
    let events = |stream: &[u8], size: usize| {
        let mut parser = SseParser::default();
        let mut found: Vec<SseEvent> = Vec::new();
        for piece in stream.chunks(size.max(1)) {
            parser
                .read(piece, |event| found.push(event))
                .expect("short");
        }
        (found, parser.last_id().map(<[u8]>::to_vec), parser.retry())
    };
    let mut found = 0;
    for _ in 0..20_000 {
        let stream = damaged(&seeds, &mut chance);
        let whole = events(&stream, stream.len());
        assert_eq!(events(&stream, chance.below(7)), whole, "{stream:?}");
        found += whole.0.len();
    }
    assert!(found > 1000, "{found}");
}
