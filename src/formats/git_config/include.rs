//! The `[include]` section of ghtok's in a file of git's, and the block of lines that ghtok wrote
//! there before it had a file of its own. Whatever is not ghtok's keeps its bytes.

use std::ops::Range;

use memchr::{memchr, memmem};

use super::own_file::is_ghtok;
use super::syntax::{self, BadLine, Part, PartKind, value};

/// The section with the line that includes a file.
fn section(path: &[u8], line_end: &[u8]) -> Vec<u8> {
    let path = value(path);
    [b"[include]", line_end, b"\tpath = ", &path, line_end].concat()
}

/// A file with ghtok's section at its end, and how many line ends had to be added before it.
pub(crate) fn added(text: &[u8], path: &[u8]) -> Result<(Vec<u8>, usize), BadLine> {
    let line_end = line_end_of(text);
    let mut after = text.to_vec();
    let mut line_ends = 0;
    while !is_closed(&after)? {
        after.extend(line_end);
        line_ends += 1;
    }
    after.extend(section(path, line_end));
    Ok((after, line_ends))
}

/// True if what is appended begins a line of its own.
fn is_closed(text: &[u8]) -> Result<bool, BadLine> {
    let is_open = syntax::read(text)?.is_open;
    let is_line = text.is_empty() || text == b"\xef\xbb\xbf" || text.ends_with(b"\n");
    Ok(is_line && !is_open)
}

fn line_end_of(text: &[u8]) -> &'static [u8] {
    match memchr(b'\n', text) {
        Some(at) if text[..at].ends_with(b"\r") => b"\r\n",
        _ => b"\n",
    }
}

/// A text without the line end that was added to it. An earlier ghtok added LF to any file.
fn without_line_end<'a>(text: &'a [u8], usual: &[u8]) -> &'a [u8] {
    let text_before = text.strip_suffix(usual);
    text_before
        .or_else(|| text.strip_suffix(b"\n"))
        .unwrap_or(text)
}

/// A file without ghtok's section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Without {
    pub(crate) text: Vec<u8>,
    /// Where the first of the lines stood; `None` if there was none.
    pub(crate) at: Option<usize>,
}

/// Takes out each line that includes a file of ghtok's, and its header if nothing else stands below it.
/// `line_ends` are taken away too where the section was the end of the file.
pub(crate) fn removed(
    text: &[u8],
    is_own: impl Fn(&[u8]) -> bool,
    line_ends: usize,
) -> Result<Without, BadLine> {
    let parts = syntax::read(text)?.parts;
    let is_own_line = |part: &Part| match &part.kind {
        PartKind::Entry { key, value } => key == b"path" && value.as_deref().is_some_and(&is_own),
        _ => false,
    };
    let (ranges, _) = cut_of(text, &parts, |header, part| {
        is_include(&header.kind) && is_own_line(part)
    });
    let at = ranges.first().map(|range| range.start);
    let was_last = ranges.last().is_some_and(|range| range.end == text.len());
    let mut left = cut(text, &ranges);
    if was_last {
        for _ in 0..line_ends {
            left.truncate(without_line_end(&left, line_end_of(text)).len());
        }
    }
    Ok(Without { text: left, at })
}

/// The files that a text always includes, each as it is named there.
pub(crate) fn unconditional(text: &[u8]) -> Result<Vec<Vec<u8>>, BadLine> {
    paths_below(text, is_include)
}

/// The files that a text includes on a condition, each as it is named there.
pub(crate) fn conditional(text: &[u8]) -> Result<Vec<Vec<u8>>, BadLine> {
    paths_below(
        text,
        |header| matches!(header, PartKind::Header { name, .. } if name == b"includeif"),
    )
}

fn is_include(header: &PartKind) -> bool {
    matches!(header, PartKind::Header { name, subsection: None } if name == b"include")
}

fn paths_below(text: &[u8], is_chosen: fn(&PartKind) -> bool) -> Result<Vec<Vec<u8>>, BadLine> {
    let mut is_below = false;
    let mut paths = Vec::new();
    for part in syntax::read(text)?.parts {
        match part.kind {
            PartKind::Header { .. } => is_below = is_chosen(&part.kind),
            PartKind::Entry {
                key,
                value: Some(path),
            } if is_below && key == b"path" => paths.push(path),
            PartKind::Entry { .. } | PartKind::Comment => {}
        }
    }
    Ok(paths)
}

/// The ranges of chosen entries, and of the headers below which nothing is left; with how many entries.
fn cut_of(
    text: &[u8],
    parts: &[Part],
    is_chosen: impl Fn(&Part, &Part) -> bool,
) -> (Vec<Range<usize>>, usize) {
    let mut ranges = Vec::new();
    let mut count = 0;
    let headers = |part: &Part| matches!(part.kind, PartKind::Header { .. });
    let mut at = 0;
    while at < parts.len() {
        let next = parts[at + 1..].iter().position(headers);
        let end = next.map_or(parts.len(), |next| at + 1 + next);
        if headers(&parts[at]) {
            let body = &parts[at + 1..end];
            let chosen: Vec<&Part> = body
                .iter()
                .filter(|part| is_chosen(&parts[at], part))
                .collect();
            count += chosen.len();
            let is_entry = |part: &&Part| matches!(part.kind, PartKind::Entry { .. });
            let is_beside = |part: &Part| {
                part.kind == PartKind::Comment
                    && !text[parts[at].span.end..part.span.start].contains(&b'\n')
            };
            let is_empty = body.iter().filter(is_entry).count() == chosen.len();
            if !chosen.is_empty() && is_empty && !body.first().is_some_and(is_beside) {
                ranges.push(line_of(text, &parts[at].span));
            }
            ranges.extend(chosen.iter().map(|part| line_of(text, &part.span)));
        }
        at = end;
    }
    (ranges, count)
}

/// A part with the blanks before it and the line end after it, where the line is its alone.
fn line_of(text: &[u8], span: &Range<usize>) -> Range<usize> {
    let blanks = |byte: &&u8| matches!(byte, b' ' | b'\t');
    let before = text[..span.start].iter().rev().take_while(blanks).count();
    let start = span.start - before;
    let begins = start == 0 || text[start - 1] == b'\n' || text[..start] == *b"\xef\xbb\xbf";
    if text[..span.end].ends_with(b"\n") {
        // An entry, with its line end: behind a header on the same line, that stays.
        if begins {
            return start..span.end;
        }
        let line_end = if text[..span.end].ends_with(b"\r\n") {
            2
        } else {
            1
        };
        return span.start..span.end - line_end;
    }
    let after = text[span.end..].iter().take_while(blanks).count();
    let end = span.end + after;
    match (&text[end..], begins) {
        ([b'\n', ..], true) => start..end + 1,
        ([b'\r', b'\n', ..], true) => start..end + 2,
        _ => span.clone(),
    }
}

fn cut(text: &[u8], ranges: &[Range<usize>]) -> Vec<u8> {
    let mut left = Vec::with_capacity(text.len());
    let mut from = 0;
    for range in ranges {
        left.extend_from_slice(&text[from.min(range.start)..range.start]);
        from = from.max(range.end);
    }
    left.extend_from_slice(&text[from..]);
    left
}

const BEGIN: &[u8] = b"# >>> ghtok setup git >>>";
const END: &[u8] = b"# <<< ghtok setup git <<<";
/// Stood after [`END`] where the file had not ended with a line end.
const UNENDED: &[u8] = b" (the file had no last line end)";
/// Stood after [`END`] where there had been no file.
const NEW: &[u8] = b" (the file was new)";

/// A file without the block of an earlier ghtok.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WithoutBlock {
    /// What stood before the block.
    pub(crate) before: Vec<u8>,
    /// Lines of others in the block, then what stood after it.
    pub(crate) after: Vec<u8>,
    /// Lines of others in the block.
    pub(crate) foreign: usize,
    /// Whether there was no file before the block.
    pub(crate) was_new: bool,
    /// Whether the file had no last line end before the block.
    pub(crate) was_unended: bool,
}

impl WithoutBlock {
    /// The file that is left. A line end that the block had needed goes with it.
    pub(crate) fn text(&self) -> Vec<u8> {
        let mut before = &self.before[..];
        if self.was_unended && self.after.is_empty() {
            before = without_line_end(before, line_end_of(before));
        }
        [before, &self.after].concat()
    }
}

/// Takes the block of an earlier ghtok out; `None` if there is none. What others wrote into it stays.
pub(crate) fn without_block(text: &[u8]) -> Result<Option<WithoutBlock>, BadLine> {
    let parts = syntax::read(text)?.parts;
    let is = |part: &&Part, mark: &[u8]| {
        part.kind == PartKind::Comment && text[part.span.clone()].starts_with(mark)
    };
    let Some(begin) = parts.iter().find_map(|part| begin_of_block(text, part)) else {
        return Ok(None);
    };
    let later = |part: &&Part| part.span.start > begin.start;
    let end = parts.iter().filter(later).find(|part| is(part, END));
    let note = end.map_or(&b""[..], |end| &text[end.span.clone()][END.len()..]);
    let within = begin.end..end.map_or(text.len(), |end| end.span.start);
    let (mut ranges, own) = cut_of(text, &parts, |header, part| {
        within.contains(&part.span.start)
            && within.contains(&header.span.start)
            && is_own_of_block(&parts, header, part)
    });
    let is_entry_within = |part: &&Part| {
        matches!(part.kind, PartKind::Entry { .. }) && within.contains(&part.span.start)
    };
    let foreign = parts.iter().filter(is_entry_within).count() - own;
    let marks = std::iter::once(&begin).chain(end.map(|end| &end.span));
    ranges.extend(marks.map(|mark| line_of(text, mark)));
    ranges.sort_by_key(|range| range.start);
    let start = line_of(text, &begin).start;
    let left = cut(text, &ranges);
    Ok(Some(WithoutBlock {
        before: left[..start].to_vec(),
        after: left[start..].to_vec(),
        foreign,
        was_new: note == NEW,
        was_unended: note == UNENDED,
    }))
}

/// The line with which a block begins: a comment, also where a value that was continued at the end of the
/// file took it in.
fn begin_of_block(text: &[u8], part: &Part) -> Option<Range<usize>> {
    let span = part.span.clone();
    let own = &text[span.clone()];
    match part.kind {
        PartKind::Comment => own.starts_with(BEGIN).then_some(span),
        PartKind::Entry { .. } => {
            let line = [b"\n", BEGIN].concat();
            let at = memmem::find(own, &line)?;
            Some(span.start + at + 1..span.end)
        }
        PartKind::Header { .. } => None,
    }
}

/// True for a line that ghtok wrote into its block: its helper, the reset right before it, and
fn is_own_of_block(parts: &[Part], header: &Part, part: &Part) -> bool {
    let is_credential = matches!(
        &header.kind,
        PartKind::Header { name, subsection: Some(url) } if name == b"credential" && url.starts_with(b"http")
    );
    let helper = |part: &Part| match &part.kind {
        PartKind::Entry { key, value } if key == b"helper" => {
            Some(value.clone().unwrap_or_default())
        }
        _ => None,
    };
    let is_path = matches!(
        &part.kind,
        PartKind::Entry { key, value } if key == b"usehttppath" && value.as_deref() == Some(b"true")
    );
    let next = parts.iter().find(|next| next.span.start > part.span.start);
    is_credential
        && match helper(part) {
            None => is_path,
            Some(line) if line.is_empty() => {
                next.and_then(helper).is_some_and(|next| is_ghtok(&next))
            }
            Some(line) => is_ghtok(&line),
        }
}

#[cfg(test)]
mod tests;
