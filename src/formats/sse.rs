//! Server-sent events (HTML standard, section "Server-sent events"): bytes in any pieces become events.
//! Pure.

/// The most bytes of one event's data, and of one line.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The most bytes of an event id: it is sent back in a header.
const LONGEST_ID: usize = 8 * 1024;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// One event. Its bytes are not checked to be UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SseEvent {
    /// The `event` field; empty for a plain message.
    pub kind: Vec<u8>,
    /// The `data` fields, joined by line feeds. May be empty: such an event only carries an id.
    pub data: Vec<u8>,
}

/// An event is longer than 64 MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTooLong;

/// Reads one stream.
#[derive(Debug, Default)]
pub struct SseParser {
    /// The line that has not ended yet.
    line: Vec<u8>,
    /// The last piece ended with a carriage return: a line feed belongs to it.
    after_return: bool,
    /// A line has ended: no byte order mark can follow.
    has_begun: bool,
    event: SseEvent,
    has_data: bool,
    /// The id that the event being read sets.
    next_id: Option<Vec<u8>>,
    last_id: Option<Vec<u8>>,
    retry: Option<u64>,
}

impl SseParser {
    /// Reads a piece of the stream, and hands each event that ends in it to `take`.
    ///
    /// # Errors
    /// If an event is too long. The stream cannot be read any further then.
    pub fn read(
        &mut self,
        mut piece: &[u8],
        mut take: impl FnMut(SseEvent),
    ) -> Result<(), EventTooLong> {
        if self.after_return && !piece.is_empty() {
            self.after_return = false;
            piece = piece.strip_prefix(b"\n").unwrap_or(piece);
        }
        while let Some(end) = memchr::memchr2(b'\r', b'\n', piece) {
            self.extend(&piece[..end])?;
            let is_return = piece[end] == b'\r';
            piece = &piece[end + 1..];
            if is_return {
                self.after_return = piece.is_empty();
                piece = piece.strip_prefix(b"\n").unwrap_or(piece);
            }
            if let Some(event) = self.line_ended()? {
                take(event);
            }
        }
        self.extend(piece)
    }

    /// The id of the last event that had one: where a new connection can go on.
    pub fn last_id(&self) -> Option<&[u8]> {
        self.last_id.as_deref()
    }

    /// How long to wait before a new connection, in milliseconds, if the server has said so.
    pub fn retry(&self) -> Option<u64> {
        self.retry
    }

    fn extend(&mut self, part: &[u8]) -> Result<(), EventTooLong> {
        if self.line.len() + part.len() > MAX_BYTES {
            return Err(EventTooLong);
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn line_ended(&mut self) -> Result<Option<SseEvent>, EventTooLong> {
        let mut line = std::mem::take(&mut self.line);
        if !self.has_begun && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        self.has_begun = true;
        if line.is_empty() {
            return Ok(self.event_ended());
        }
        let name_end = memchr::memchr(b':', &line).unwrap_or(line.len());
        let value_start = match line.get(name_end + 1) {
            Some(b' ') => name_end + 2,
            _ => (name_end + 1).min(line.len()),
        };
        let value = &line[value_start..];
        match &line[..name_end] {
            b"data" if !self.has_data => {
                self.has_data = true;
                line.drain(..value_start);
                self.event.data = line;
            }
            b"data" => {
                if self.event.data.len() + value.len() >= MAX_BYTES {
                    return Err(EventTooLong);
                }
                self.event.data.push(b'\n');
                self.event.data.extend_from_slice(value);
            }
            b"event" => self.event.kind = value.to_vec(),
            b"id" if !value.contains(&0) && value.len() <= LONGEST_ID => {
                self.next_id = Some(value.to_vec());
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let digits = std::str::from_utf8(value).ok();
                self.retry = digits.and_then(|digits| digits.parse().ok()).or(self.retry);
            }
            // Comments begin with the colon; other fields are ignored.
            _ => {}
        }
        Ok(None)
    }

    fn event_ended(&mut self) -> Option<SseEvent> {
        if let Some(id) = self.next_id.take() {
            self.last_id = (!id.is_empty()).then_some(id);
        }
        let event = std::mem::take(&mut self.event);
        std::mem::take(&mut self.has_data).then_some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data of all events, the last id and the retry time.
    fn read(pieces: &[&[u8]]) -> (Vec<String>, Option<String>, Option<u64>) {
        let mut parser = SseParser::default();
        let mut found = Vec::new();
        for piece in pieces {
            let take = |event: SseEvent| found.push(text(&event.data));
            parser.read(piece, take).expect("short events");
        }
        (found, parser.last_id().map(text), parser.retry())
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn streams_are_read_as_the_standard_says() {
        for (stream, data, id, retry) in [
            ("data: a\n\ndata:b\n\n", &["a", "b"][..], None, None),
            ("data: a\r\ndata: b\r\r", &["a\nb"], None, None),
            ("\u{feff}data: a\n\n", &["a"], None, None),
            ("data: \u{feff}\n\n", &["\u{feff}"], None, None),
            (": keepalive\n\n:\n\ndata: a\n\n", &["a"], None, None),
            ("event: message\ndata:  a \n\n", &[" a "], None, None),
            ("data\ndata\n\n", &["\n"], None, None),
            ("data\n\n", &[""], None, None),
            ("id: 7\ndata:\n\n", &[""], Some("7"), None),
            ("id: 7\n\nid: 8\ndata: a", &[], Some("7"), None),
            ("id: 7\n\nid\n\n", &[], None, None),
            ("id: a\0b\n\n", &[], None, None),
            (
                "retry: 250\n\nretry: -1\nretry: 1x\n\n",
                &[],
                None,
                Some(250),
            ),
            ("retry: 99999999999999999999\n\n", &[], None, None),
            ("data: unfinished", &[], None, None),
            ("other: a\ndatax: b\n\n", &[], None, None),
        ] {
            let found = read(&[stream.as_bytes()]);
            let id = id.map(str::to_owned);
            let data: Vec<String> = data.iter().map(|&data| data.to_owned()).collect();
            assert_eq!(found, (data, id, retry), "{stream:?}");
        }
    }

    #[test]
    fn pieces_of_any_size_make_no_difference() {
        let stream =
            "\u{feff}id: é1\r\ndata: caf\u{e9} 1\r\ndata: 2\r\n\r\n: c\rdata: 3\r\r\nretry: 9\n\n";
        let whole = read(&[stream.as_bytes()]);
        assert_eq!(whole.0, ["caf\u{e9} 1\n2", "3"]);
        for size in 1..stream.len() {
            let pieces: Vec<&[u8]> = stream.as_bytes().chunks(size).collect();
            assert_eq!(read(&pieces), whole, "{size}");
        }
    }

    #[test]
    fn the_kind_is_that_of_one_event_only() {
        let mut kinds = Vec::new();
        let stream = b"event: endpoint\ndata: a\n\ndata: b\n\n";
        let take = |event: SseEvent| kinds.push(text(&event.kind));
        SseParser::default().read(stream, take).expect("short");
        assert_eq!(kinds, ["endpoint", ""]);
    }

    #[test]
    fn an_event_of_64_mib_is_read_and_a_longer_one_refused() {
        for (extra, fits) in [(0, true), (1, false)] {
            let mut parser = SseParser::default();
            let mut longest = 0;
            let mut take = |event: SseEvent| longest = event.data.len();
            let line = vec![b'x'; MAX_BYTES - b"data:".len() + extra];
            let read = parser.read(b"data:", &mut take);
            let read = read.and_then(|()| parser.read(&line, &mut take));
            let read = read.and_then(|()| parser.read(b"\n\n", &mut take));
            assert_eq!(read.is_ok(), fits);
            assert_eq!(longest, if fits { line.len() } else { 0 });
        }
    }
}
