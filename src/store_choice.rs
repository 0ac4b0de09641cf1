//! The names of the stores.

use std::fmt;
use std::str::FromStr;

use crate::spelling::did_you_mean;

/// Where sign-ins are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum StoreChoice {
    /// What was used at the sign-in; then the OS keychain; on a Linux without one, the kernel keyring.
    #[default]
    Auto,
    /// The OS keychain.
    Keychain,
    /// Linux's kernel keyring.
    Kernel,
    /// A plain file for each record.
    File,
}

impl StoreChoice {
    const ALL: [Self; 4] = [Self::Auto, Self::Keychain, Self::Kernel, Self::File];

    /// The names of all.
    pub(crate) fn names() -> [&'static str; 4] {
        Self::ALL.map(Self::as_str)
    }

    /// Its name in flags, variables and the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Keychain => "keychain",
            Self::Kernel => "kernel",
            Self::File => "file",
        }
    }

    /// Whether a sign-in without `--store` may choose it.
    pub(crate) fn is_automatic(self) -> bool {
        matches!(self, Self::Auto | Self::Keychain | Self::Kernel)
    }

    /// The store that this means: the keychain for `auto`.
    pub(crate) fn or_keychain(self) -> Self {
        match self {
            Self::Auto => Self::Keychain,
            named => named,
        }
    }
}

impl FromStr for StoreChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|choice| choice.as_str() == text)
            .ok_or_else(|| {
                let names = Self::names();
                let meant = did_you_mean(text, names);
                format!("is not one of {}{meant}", names.join(", "))
            })
    }
}

impl fmt::Display for StoreChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_store_is_found_by_its_name() {
        for choice in StoreChoice::ALL {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
    }

    #[test]
    fn the_error_names_every_store() {
        let error = "vault".parse::<StoreChoice>().expect_err("no store");
        for choice in StoreChoice::ALL {
            assert!(error.contains(choice.as_str()), "{choice}");
        }
    }
}
