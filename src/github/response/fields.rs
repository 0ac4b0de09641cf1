//! The fields of an answer's body, from JSON or a form. Reads what can be read: unknown fields,
//! any nesting and odd numbers are no reason to lose a token.

use std::fmt;
use std::time::Duration;

use percent_encoding::percent_decode;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

/// The longest lifetime that is believed: moments a century ahead can still be printed.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The top-level fields of one body, in their order; names may repeat.
#[derive(Default)]
pub(in crate::github) struct Fields(Vec<(String, Scalar)>);

/// A value that is no list and no object.
enum Scalar {
    Text(Zeroizing<String>),
    Number(f64),
    Other,
}

impl Fields {
    /// A whole JSON object (RFC 8259), with or without a byte order mark.
    pub(in crate::github) fn from_json(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(without_mark(body)).ok()
    }

    /// A form (WHATWG URL standard, "application/x-www-form-urlencoded").
    pub(in crate::github) fn from_form(body: &[u8]) -> Option<Self> {
        let body = without_mark(body);
        let mut fields = Vec::new();
        for pair in body
            .trim_ascii()
            .split(|b| *b == b'&')
            .filter(|pair| !pair.is_empty())
        {
            let at = pair.iter().position(|b| *b == b'=')?;
            let name = decoded(&pair[..at])?;
            fields.push((name.to_string(), Scalar::Text(decoded(&pair[at + 1..])?)));
        }
        (!fields.is_empty()).then_some(Self(fields))
    }

    /// Those of the named fields that stand in a body as JSON strings or numbers, although the body
    /// as a whole is no JSON: cut off, or spoilt by one odd value.
    pub(in crate::github) fn salvaged(body: &[u8], names: &[&str]) -> Self {
        let mut fields = Vec::new();
        for name in names {
            let quoted = format!("\"{name}\"");
            let Some(at) = body
                .windows(quoted.len())
                .position(|w| w == quoted.as_bytes())
            else {
                continue;
            };
            let rest = body[at + quoted.len()..].trim_ascii_start();
            let Some(rest) = rest.strip_prefix(b":") else {
                continue;
            };
            // Reads one value and not on: a string counts only with its closing quote.
            let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Scalar>();
            if let Some(Ok(value)) = values.next() {
                fields.push(((*name).to_owned(), value));
            }
        }
        Self(fields)
    }

    /// The last text of this name that is not empty.
    pub(in crate::github) fn text(&self, name: &'static str) -> Option<&str> {
        self.named(name).find_map(|value| match value {
            Scalar::Text(text) if !text.is_empty() => Some(text.as_str()),
            Scalar::Text(_) | Scalar::Number(_) | Scalar::Other => None,
        })
    }

    /// The last whole number of this name, as a number or as text.
    pub(in crate::github) fn whole_number(&self, name: &'static str) -> Option<u64> {
        self.number(name)
            .filter(|n| n.fract() == 0.0)
            .map(saturating_u64)
    }

    /// A lifetime in seconds, as a number or as text (GitHub's announcement of 2020 had text), at
    /// most a century. Zero, negative and unreadable ones count as missing.
    pub(in crate::github) fn lifetime(&self, name: &'static str) -> Option<Duration> {
        let seconds = self
            .number(name)
            .map(saturating_u64)
            .filter(|seconds| *seconds > 0)?;
        Some(Duration::from_secs(seconds).min(CENTURY))
    }

    fn number(&self, name: &'static str) -> Option<f64> {
        let readable = |value: &Scalar| match value {
            Scalar::Number(number) => Some(*number),
            Scalar::Text(text) => text.trim().parse::<f64>().ok(),
            Scalar::Other => None,
        };
        self.named(name)
            .filter_map(readable)
            .find(|number| *number > 0.0)
    }

    fn named(&self, name: &'static str) -> impl Iterator<Item = &Scalar> {
        self.0
            .iter()
            .rev()
            .filter(move |(n, _)| n == name)
            .map(|(_, value)| value)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and that is what is wanted"
)]
fn saturating_u64(number: f64) -> u64 {
    number as u64
}

pub(in crate::github) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// Undoes a form's encoding; `None` if the result is not UTF-8.
fn decoded(text: &[u8]) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    for (at, part) in text.split(|byte| *byte == b'+').enumerate() {
        bytes.extend((at > 0).then_some(b' '));
        bytes.extend(percent_decode(part));
    }
    std::str::from_utf8(&bytes)
        .ok()
        .map(|text| Zeroizing::new(text.to_owned()))
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        #[expect(
            clippy::cast_precision_loss,
            reason = "lifetimes and account numbers fit in 53 bits"
        )]
        impl<'de> Visitor<'de> for ScalarVisitor {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(Zeroizing::new(text.to_owned())))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar::Number(number as f64))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar::Number(number as f64))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
                Ok(Scalar::Number(number))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Scalar, E> {
                Ok(Scalar::Other)
            }

            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar::Other)
            }

            // What is inside is skipped without recursion, so no depth can end the reading.
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
    }
}
