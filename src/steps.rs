//! What `-v` and `GHTOK_LOG` show: the steps of a call, in words. Never a token, a body or a query.
//! Words are put together only where somebody reads them.

use std::fmt;
use std::str::FromStr;

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Nothing.
    #[default]
    Off,
    /// The steps of a call (`-v`).
    Info,
    /// Also what each is made of (`-vv`).
    Debug,
}

/// Where steps are told, and how many of them.
#[derive(Clone, Copy)]
pub struct Steps {
    detail: Detail,
    tell: fn(&str),
}

impl Steps {
    /// Tells nothing.
    pub const SILENT: Self = Self {
        detail: Detail::Off,
        tell: |_| {},
    };

    /// Hands so much to `tell`, a line at a time.
    pub fn new(detail: Detail, tell: fn(&str)) -> Self {
        Self { detail, tell }
    }

    /// How much is told.
    pub fn detail(self) -> Detail {
        self.detail
    }

    /// Tells a step that is done.
    pub fn info(self, words: impl FnOnce() -> String) {
        self.at(Detail::Info, words);
    }

    /// Tells a part of a step that is done.
    pub fn debug(self, words: impl FnOnce() -> String) {
        self.at(Detail::Debug, words);
    }

    fn at(self, detail: Detail, words: impl FnOnce() -> String) {
        if self.detail >= detail {
            (self.tell)(&words());
        }
    }
}

impl Default for Steps {
    fn default() -> Self {
        Self::SILENT
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Steps").field(&self.detail).finish()
    }
}

impl Detail {
    /// What so many `-v` ask for.
    pub fn of_flags(count: u8) -> Self {
        match count {
            0 => Self::Off,
            1 => Self::Info,
            _ => Self::Debug,
        }
    }

    /// The flag that asks for as much, if one does.
    pub fn flag(self) -> Option<&'static str> {
        match self {
            Self::Off => None,
            Self::Info => Some("-v"),
            Self::Debug => Some("-vv"),
        }
    }
}

impl FromStr for Detail {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            "info" => Ok(Self::Info),
            "debug" => Ok(Self::Debug),
            _ => Err("is no level (there are off, info and debug)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_made_only_for_who_reads_them() {
        for (detail, flag, text) in [
            (Detail::Off, None, "off"),
            (Detail::Info, Some("-v"), "info"),
            (Detail::Debug, Some("-vv"), "debug"),
        ] {
            let steps = Steps::new(detail, |_| {});
            let (mut info, mut debug) = (false, false);
            steps.info(|| {
                info = true;
                String::new()
            });
            steps.debug(|| {
                debug = true;
                String::new()
            });
            assert_eq!(info, detail != Detail::Off);
            assert_eq!(debug, detail == Detail::Debug);
            assert_eq!(detail.flag(), flag);
            assert_eq!(text.parse(), Ok(detail));
        }
        assert!("INFO".parse::<Detail>().is_err());
        assert_eq!(Detail::of_flags(9), Detail::Debug);
    }
}
