//! What is drawn for a person, from what their terminal can show. Text in, text out: nothing here
//! knows where a terminal is, or writes to one.

pub(crate) mod frame;
pub(crate) mod qr;
pub(crate) mod wait;
pub(crate) mod wrap;

/// Which characters are shown as what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// All of Unicode.
    Utf8,
    /// ASCII alone; more would come out as something else.
    Ascii,
}

/// What the environment says of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looks {
    /// Its characters.
    pub charset: Charset,
    /// Whether it may be coloured.
    pub coloured: bool,
    /// Whether it can only print (`TERM=dumb`): no frame, no line that is written over.
    pub dumb: bool,
}

impl Charset {
    /// The text in characters that are shown.
    pub(crate) fn fit(self, text: &str) -> String {
        match self {
            Self::Utf8 => text.to_owned(),
            Self::Ascii => text.chars().map(ascii).collect(),
        }
    }
}

fn ascii(c: char) -> String {
    match c {
        c if c.is_ascii() => c.into(),
        '…' => "...".into(),
        '“' | '”' => '"'.into(),
        '‘' | '’' => '\''.into(),
        '–' | '—' => '-'.into(),
        _ => '?'.into(),
    }
}

/// How many columns the text takes, its colours not counted.
pub(crate) fn width(text: &str) -> usize {
    anstream::adapter::strip_str(text)
        .map(|plain| plain.chars().count())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ascii_lacks_is_replaced() {
        let text = "wait … “a” — naïve";
        assert_eq!(Charset::Ascii.fit(text), "wait ... \"a\" - na?ve");
        assert_eq!(Charset::Utf8.fit(text), text);
    }

    #[test]
    fn colours_take_no_room() {
        assert_eq!(width("a\u{1b}[1mb…\u{1b}[0m"), 3);
    }
}
