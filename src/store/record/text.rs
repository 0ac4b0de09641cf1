//! A text of a stored record.

use std::fmt;
use std::ops::Deref;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

/// Borrowed from the record's bytes; a text with escapes, as no token has them, is a copy that is wiped.
/// (serde reads an `Option<Cow<str>>` as a copy always.)
pub(super) enum Text<'a> {
    Borrowed(&'a str),
    Unescaped(Zeroizing<String>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Unescaped(text) => text,
        }
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::Borrowed(text)
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;

        impl<'de> Visitor<'de> for Texts {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text::Borrowed(text))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text::Unescaped(Zeroizing::new(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Texts)
    }
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn only_a_text_with_escapes_is_copied() {
        let read =
            |json: &'static str| serde_json::from_str::<Option<Text<'_>>>(json).expect("JSON");
        assert!(matches!(read(r#""ghr_x""#), Some(Text::Borrowed("ghr_x"))));
        let escaped = read(r#""a\u0062""#).expect("a text");
        assert!(matches!(&escaped, Text::Unescaped(text) if text.as_str() == "ab"));
        assert!(read("null").is_none());
    }
}
