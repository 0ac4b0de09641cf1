//! A JSON object's members in their order, each value as it stands.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object's members in their order, each value as it stands.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Members<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Members<'a> {
    /// The value of this name, in JSON.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().rev().find(|(own, _)| own == name);
        found.map(|(_, value)| *value)
    }

    /// Puts a value, in JSON, where one of this name stands, or behind all.
    pub fn set(&mut self, name: &'a str, value: &'a str) {
        match self.0.iter_mut().rev().find(|(own, _)| own == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.into(), value)),
        }
    }

    /// Takes out whatever has this name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(own, _)| own != name);
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Members<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, (name, value)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{}:{value}", serde_json::Value::from(&**name))?;
        }
        f.write_str("}")
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some((name, value)) =
                    map.next_entry::<BorrowedText<'de>, &'de RawValue>()?
                {
                    all.push((name.0, value.get()));
                }
                Ok(Members(all))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// A text, borrowed where it has no escapes.
#[derive(Deserialize)]
pub(super) struct BorrowedText<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_and_their_values() {
        let text = r#"{"b":1.50e+2,"a\"":{ "x":[] },"c":12345678901234567890123}"#;
        let mut members: Members<'_> = serde_json::from_str(text).expect("an object");
        assert_eq!(members.to_string(), text);
        members.set("b", "7");
        members.set("d", "null");
        members.remove("c");
        assert_eq!(members.to_string(), r#"{"b":7,"a\"":{ "x":[] },"d":null}"#);
        assert_eq!(members.get("d"), Some("null"));
        assert!(serde_json::from_str::<Members<'_>>("[]").is_err());
    }
}
