//! Ids of requests.

/// A request's id, written the way in which a peer may write it back: `1e3` and `1000` are one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(String);

/// The largest number whose neighbours are numbers of their own in a double.
const LARGEST: f64 = 9_007_199_254_740_992.0;

impl Id {
    /// An id of our own making.
    pub fn text(text: &str) -> Self {
        Self(format!("\"{text}\""))
    }

    /// The text of an id of our own making.
    pub fn as_text(&self) -> &str {
        self.0.trim_matches('"')
    }

    /// An id as it stands in JSON.
    pub fn of(raw: &str) -> Option<Self> {
        if raw == "null" {
            return None;
        }
        if raw.starts_with('"') {
            let text: String = serde_json::from_str(raw).ok()?;
            return Some(Self::text(&text));
        }
        Some(Self(match raw.parse::<f64>() {
            Ok(number)
                if raw.parse::<i64>().is_err()
                    && number.fract() == 0.0
                    && number.abs() < LARGEST =>
            {
                format!("{number:.0}")
            }
            _ => raw.to_owned(),
        }))
    }
}
