//! One GitHub App of the configuration, and the key of its record. Pure.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::host::Host;
use crate::token::{is_like_a_client_secret, token_prefix};

/// A GitHub App's client ID: safe as part of a file name and of a keychain item's user name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientId(String);

impl ClientId {
    /// Takes an ID of letters, digits, dots, hyphens and underscores (`Iv23li…`, `Iv1.…`). What is easily
    /// copied in its place is refused: a token or a client secret would be sent and stored as public.
    ///
    /// # Errors
    /// What is wrong with the text; the message follows the quoted text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        if token_prefix(text).is_some() {
            return Err(
                "is a token, not a client ID; copy the \"Client ID\" (Iv23li…) from the GitHub App's page",
            );
        }
        if is_like_a_client_secret(text) {
            return Err(
                "is a client secret or an old token, not a client ID; copy the \"Client ID\" (Iv23li…) from the GitHub App's page",
            );
        }
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(
                "is a number, such as an \"App ID\"; copy the \"Client ID\" (Iv23li…) from the GitHub App's page",
            );
        }
        match text.len() {
            0 => Err("is empty"),
            1..=64 if text.bytes().all(fits) => Ok(Self(text.to_owned())),
            1..=64 => Err("has characters that are not allowed in a client ID"),
            _ => Err("is too long for a client ID"),
        }
    }

    /// The ID as text. It is public, not a secret (RFC 6749 section 2.2).
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True for an OAuth App's ID (`Ov23…`), whose tokens do not expire.
    pub fn is_oauth_app(&self) -> bool {
        self.0.starts_with("Ov23")
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The GitHub login that an App must be signed in as.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountName(String);

impl AccountName {
    /// Takes a GitHub login: letters, digits, hyphens, underscores (managed users have one).
    ///
    /// # Errors
    /// What is wrong with the text; the message follows the quoted text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        match text.len() {
            0 => Err("is empty"),
            1..=100 if text.bytes().all(fits) => Ok(Self(text.to_owned())),
            _ => Err("is not a GitHub login"),
        }
    }

    /// The login as configured.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// GitHub compares logins without regard to case.
    pub fn is(&self, login: &str) -> bool {
        self.0.eq_ignore_ascii_case(login)
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One `[[app]]`, or the App that flags and variables describe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Its name in the configuration; `None` for an App that only flags or variables describe.
    pub name: Option<String>,
    /// Its client ID.
    pub client_id: ClientId,
    /// Where it is registered.
    pub host: Host,
    /// The account that it must be signed in as, if the configuration says one.
    pub account: Option<AccountName>,
    /// Which repositories' owners it serves to git.
    pub owners: Vec<String>,
}

impl App {
    /// The key of this App's record, from the configuration alone.
    pub fn key(&self) -> RecordKey {
        RecordKey::new(&self.host, &self.client_id, self.account.as_ref())
    }

    /// The App that a record's key names; it may not be configured. `None` if the text is not a valid key.
    pub fn of_key(key: &str) -> Option<Self> {
        let mut parts = key.split('/');
        let app = Self {
            name: None,
            host: Host::parse(parts.next()?).ok()?,
            client_id: ClientId::parse(parts.next()?).ok()?,
            account: parts.next().map(AccountName::parse).transpose().ok()?,
            owners: Vec::new(),
        };
        // One spelling only: another one would be another record's name.
        (parts.next().is_none() && app.key().as_str() == key).then_some(app)
    }

    /// As [`Self::of_key`], for a percent-encoded key (see [`RecordKey::file_name`]).
    pub fn of_file_name(name: &str) -> Option<Self> {
        let key = percent_decode_str(name).decode_utf8().ok()?;
        let app = Self::of_key(&key)?;
        (app.key().file_name() == name).then_some(app)
    }

    /// Its name in messages: its own name, otherwise its client ID.
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(self.client_id.as_str())
    }
}

/// Names one item in every store: a record, as `HOST[:PORT]/CLIENT_ID[/ACCOUNT]` with logins in lower case,
/// or what is stored beside records.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    kind: ItemKind,
    name: String,
}

/// What kind of item it is: a keychain's attribute `service`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ItemKind {
    /// A sign-in.
    Record,
    /// An App's client secret.
    AppSecret,
    /// The scoped tokens of a sign-in.
    ScopedTokens,
}

impl ItemKind {
    /// The kind as keychains hold it (attribute `service`).
    pub(crate) fn service(self) -> &'static str {
        match self {
            Self::Record => "ghtok",
            Self::AppSecret => "ghtok-app",
            Self::ScopedTokens => "ghtok-scoped",
        }
    }
}

impl RecordKey {
    fn new(host: &Host, client_id: &ClientId, account: Option<&AccountName>) -> Self {
        let mut key = format!("{host}/{client_id}");
        if let Some(account) = account {
            key.push('/');
            key.push_str(&account.as_str().to_ascii_lowercase());
        }
        Self {
            kind: ItemKind::Record,
            name: key,
        }
    }

    /// The item with the App's client secret, which its accounts share.
    pub fn of_secret(app: &App) -> Self {
        Self {
            kind: ItemKind::AppSecret,
            ..Self::new(&app.host, &app.client_id, None)
        }
    }

    /// The item with the scoped tokens that were created with this record's tokens.
    #[must_use]
    pub fn of_scoped_tokens(&self) -> Self {
        Self {
            kind: ItemKind::ScopedTokens,
            name: self.name.clone(),
        }
    }

    /// The kind of the item as keychains hold it (attribute `service`).
    pub fn service(&self) -> &'static str {
        self.kind.service()
    }

    /// What kind of item it names.
    pub(crate) fn kind(&self) -> ItemKind {
        self.kind
    }

    /// The key as keychains hold it (attribute `username`).
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The key percent-encoded (RFC 3986 section 2.1): a file name on every system.
    pub fn file_name(&self) -> String {
        const ENCODED: AsciiSet = NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');
        utf8_percent_encode(&self.name, &ENCODED).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_of_the_configuration_and_fits_a_file_name() {
        let app = App {
            name: Some("work".into()),
            client_id: ClientId::parse("Iv1.0123456789abcdef").expect("an id"),
            host: Host::parse("GHES.example:8443").expect("a host"),
            account: Some(AccountName::parse("Octo-Cat").expect("a login")),
            owners: vec![],
        };
        assert_eq!(
            app.key().as_str(),
            "ghes.example:8443/Iv1.0123456789abcdef/octo-cat"
        );
        assert_eq!(
            app.key().file_name(),
            "ghes.example%3A8443%2FIv1.0123456789abcdef%2Focto-cat"
        );
    }

    #[test]
    fn p12_a_key_is_read_back_as_the_app_that_it_was_made_of_and_nothing_else_is_a_key() {
        for key in [
            "github.com/Iv1.0123456789abcdef",
            "ghes.example:8443/Iv23li/octo-cat",
            "[::1]:3000/Iv23li",
            "127.0.0.1:3000/Iv23li_x/octo_corp",
        ] {
            let app = App::of_key(key).expect(key);
            assert_eq!(app.key().as_str(), key);
            assert_eq!(App::of_file_name(&app.key().file_name()), Some(app));
        }
        for bad in [
            "",
            "github.com",
            "github.com/",
            "/Iv1.a",
            "github.com/Iv1.a/",
            "github.com/Iv1.a/Octo",
            "github.com/Iv1.a/octo/x",
            "GitHub.com/Iv1.a",
            "github.com:443/Iv1.a",
            "https://github.com/Iv1.a",
            "github.com/Iv1.a (probe)",
            "../Iv1.a",
        ] {
            assert_eq!(App::of_key(bad), None, "{bad}");
        }
        for bad in [
            "github.com/Iv1.a",
            "github.com%2fIv1.a",
            "github.com%2FIv1%2Ea",
            "github.com%2",
            "github.com%2FIv1.a%",
            "github.com%2FIv1.a%FF",
            "github.com%+2Iv1.a",
        ] {
            assert_eq!(App::of_file_name(bad), None, "{bad}");
        }
    }

    #[test]
    fn p6_what_is_pasted_in_place_of_a_client_id_is_refused() {
        let secret = "0123456789abcdef0123456789abcdef01234567";
        for bad in [
            "ghp_0123456789abcdefghijklmnopqrstuvwxyz",
            "ghu_short",
            "ghr_x",
            "github_pat_11ABCDEFG",
            secret,
            "123456",
            "7",
        ] {
            let reason = ClientId::parse(bad).expect_err(bad);
            assert!(reason.contains("Client ID"), "{bad}: {reason}");
        }
        // Old OAuth Apps, which Enterprise Servers still have.
        for good in [
            "Iv1.0123456789abcdef",
            "Iv23liAbCdEf",
            "178c6fc778ccc68e1d6a",
        ] {
            assert!(ClientId::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn client_ids_and_logins_that_could_leave_a_folder_are_refused() {
        for bad in ["", "a/b", "a b", "a\0", "a%2F", "é", &"x".repeat(65)] {
            assert!(ClientId::parse(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "..", "a/b", "a b", "é"] {
            assert!(AccountName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
