//! Failures that act on the bytes of an answer or on its connection.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use fake_github::{Cut, Endpoint, Failure, Fault, Stage};

use crate::broken::{Broken, after, before};
use crate::client::{PATIENCE, Reply, connect, refresh_request};

#[test]
fn cut_answers_end_where_they_should() {
    let whole = |bytes: &[u8]| {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = str::from_utf8(&bytes[..end]).ok()?;
        let (_, rest) = head.split_once("Content-Length: ")?;
        let length: usize = rest.lines().next()?.parse().ok()?;
        Some((end, end + length))
    };
    let cut = |fault| {
        let broken = Broken::by(fault);
        let raw = broken.raw().expect("an answer that just ends");
        let seen = broken.fake.requests(Endpoint::Refresh)[0].status;
        (raw, seen, broken)
    };
    for stage in [Fault::before, Fault::after] {
        let (raw, seen, _) = cut(stage(Failure::Cut(Cut::After(0))));
        assert_eq!((raw.len(), seen), (0, None));
        let (raw, seen, _) = cut(stage(Failure::Cut(Cut::After(1))));
        assert_eq!((&raw[..], seen), (&b"H"[..], None));
        let (raw, seen, broken) = cut(stage(Failure::Cut(Cut::AllButOne)));
        let (_, length) = whole(&raw).expect("a whole head");
        assert_eq!((raw.len(), seen), (length - 1, Some(200)));
        broken.expect_rotated(usize::from(broken.issued().is_some()));
        let (half, ..) = cut(stage(Failure::Cut(Cut::Half)));
        assert_eq!(half.len(), length / 2);
        let (half_body, ..) = cut(stage(Failure::Cut(Cut::HalfBody)));
        let (head, length) = whole(&half_body).expect("a whole head");
        assert_eq!(half_body.len(), head + (length - head) / 2);
    }
}

#[test]
fn a_cut_answer_does_not_tell_whether_it_rotated() {
    for (stage, rotated) in [(Stage::BeforeProcessing, 0), (Stage::AfterProcessing, 1)] {
        let broken = Broken::by(Fault {
            stage,
            failure: Failure::Cut(Cut::AllButOne),
        });
        let raw = broken.raw().expect("an answer that just ends");
        broken.expect_rotated(rotated);
        let text = String::from_utf8_lossy(&raw);
        assert!(text.starts_with("HTTP/1.1 200 OK") && text.contains("\"access_token\":\"ghu_"));
        assert_eq!(
            broken.issued().is_some_and(|issued| text.contains(&issued)),
            rotated == 1
        );
    }
}

#[test]
fn a_reset_is_a_reset() {
    for (fault, rotated) in [
        (Fault::before(Failure::Reset), 0),
        (Fault::after(Failure::Reset), 1),
    ] {
        let broken = Broken::by(fault);
        let error = broken.raw().expect_err("a reset");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        broken.expect_rotated(rotated);
    }
}

#[test]
fn a_hang_lasts_until_the_fake_stops() {
    for (fault, rotated) in [
        (Fault::before(Failure::Hang), 0),
        (Fault::after(Failure::Hang), 1),
    ] {
        let broken = Broken::by(fault);
        let mut stream = connect(&broken.fake);
        stream
            .write_all(refresh_request(&broken.refresh_token).as_bytes())
            .expect("sent");
        broken
            .fake
            .wait_for(Endpoint::Refresh, 1, PATIENCE)
            .expect("it arrives");
        if rotated == 1 {
            broken
                .fake
                .wait_for_processed(Endpoint::Refresh, 1, PATIENCE)
                .expect("it rotates");
        }
        broken.expect_rotated(rotated);
        stream
            .set_read_timeout(Some(Duration::from_millis(30)))
            .expect("a socket option");
        let silence = stream.read(&mut [0]).expect_err("no byte comes");
        assert!(matches!(
            silence.kind(),
            ErrorKind::WouldBlock | ErrorKind::TimedOut
        ));
        assert!(
            broken.fake.requests(Endpoint::Refresh)[0]
                .answered
                .is_none()
        );
        let start = Instant::now();
        drop(broken);
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "stopping took {:?}",
            start.elapsed()
        );
    }
}

#[test]
fn a_drip_is_slow_and_whole() {
    let pause = Duration::from_micros(50);
    let start = Instant::now();
    let (reply, issued) = after(Failure::Drip(pause));
    assert_eq!(reply.get("access_token"), issued);
    let bytes = u32::try_from(reply.head.len() + reply.body.len()).expect("small");
    assert!(start.elapsed() >= pause * bytes);
}

#[test]
fn an_interim_answer_may_come_first() {
    let broken = Broken::by(Fault::after(Failure::InterimFirst));
    let raw = broken.raw().expect("an answer");
    let rest = raw
        .strip_prefix(b"HTTP/1.1 100 Continue\r\n\r\n")
        .expect("100 comes first");
    assert_eq!(
        Some(Reply::parse(rest).get("access_token")),
        broken.issued()
    );
}

#[test]
fn huge_bodies_are_streamed() {
    let reply = before(Failure::HugeBody(3_000_001));
    assert_eq!(reply.json().as_str().map(str::len), Some(3_000_001));
}

#[test]
fn headers_can_be_endless() {
    let broken = Broken::by(Fault::before(Failure::EndlessHeaders));
    let mut stream = connect(&broken.fake);
    stream
        .write_all(refresh_request(&broken.refresh_token).as_bytes())
        .expect("sent");
    let mut seen = vec![0; 2_000_000];
    stream.read_exact(&mut seen).expect("as much as one wants");
    assert!(seen.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert!(!seen.windows(4).any(|window| window == b"\r\n\r\n"));
}
