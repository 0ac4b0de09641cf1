//! git's credential protocol as a helper speaks it: what git asks, and what it is told. Pure; which
//! App answers is not decided here. <https://git-scm.com/docs/git-credential>

mod attributes;
mod relay;
mod url;

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

pub use self::attributes::Attributes;
pub(crate) use self::attributes::{LONGEST_LINE, MOST_LINES, Malformed};
pub(crate) use self::relay::{Description, RepositoryPath};
use crate::host::{Host, HostKind};
use crate::token::{AccessToken, Timestamp};

/// The user name that GitHub's documentation uses beside a token.
pub(crate) const TOKEN_USER: &str = "x-access-token";

/// What git says of the credential that it wants, or has had refused. A refresh token that comes
/// along (`oauth_refresh_token`) is somebody else's and is not looked at.
#[derive(Default)]
pub struct CredentialRequest {
    protocol: Option<String>,
    host: Option<String>,
    path: Option<String>,
    username: Option<String>,
    password: Option<Zeroizing<String>>,
    authtype: Option<String>,
    credential: Option<Zeroizing<String>>,
    form: Form,
}

/// A repository as its address names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestedRepository<'a> {
    pub(crate) owner: &'a str,
    /// What it is called, without `.git`; `None` where only the owner is said.
    pub(crate) name: Option<&'a str>,
}

/// The addresses about which git asks for a host: its own, and for github.com that of gists, which are
/// a host of their own.
pub(crate) fn credential_urls(host: &Host) -> Vec<String> {
    let mut urls = vec![host.web_url()];
    if host.kind() == HostKind::GitHubCom {
        urls.push(format!("https://gist.{host}"));
    }
    urls
}

/// Whether a file of git-credential-store(1) has a password for this address.
pub(crate) fn has_password_for(url: &str, store: &str) -> bool {
    let host = url.split("://").nth(1).unwrap_or_default();
    store.lines().any(|line| {
        let place = line.rsplit('@').next().unwrap_or_default();
        place.trim_end_matches('/') == host
    })
}

/// How the caller takes a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// As a password, with its end: all that git before 2.46 knows.
    #[default]
    Password,
    /// As the value of a header, marked as not to be stored: no helper that writes passwords to the
    /// disk finds one in it.
    Header,
}

impl CredentialRequest {
    /// Reads a description. Unknown keys are ignored, as git asks of helpers.
    ///
    /// # Errors
    /// If it is malformed, or says two things of one part.
    pub fn read_from(source: impl Read) -> Result<Self, Malformed> {
        let attributes = Attributes::read_from(source)?;
        let mut request = Self::default();
        for (key, value) in attributes.iter() {
            request.take(key, value)?;
        }
        Ok(request)
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), Malformed> {
        match key {
            b"protocol" => say(&mut self.protocol, text(value)?, str::eq_ignore_ascii_case),
            b"host" => say(&mut self.host, text(value)?, str::eq_ignore_ascii_case),
            b"path" => say(&mut self.path, text(value)?, str::eq),
            b"username" => say(&mut self.username, text(value)?, str::eq),
            b"authtype" => say(&mut self.authtype, text(value)?, str::eq),
            b"password" => secret(&mut self.password, value),
            b"credential" => secret(&mut self.credential, value),
            b"url" => self.take_url(value),
            b"capability[]" => {
                match value {
                    b"authtype" => self.form = Form::Header,
                    b"" => self.form = Form::Password,
                    _ => {}
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// git itself would let a URL replace the parts; here they must agree, so that no reader of the
    /// same lines can see another host than this one.
    fn take_url(&mut self, value: &[u8]) -> Result<(), Malformed> {
        let url::Parts {
            protocol,
            host,
            path,
            username,
            password,
        } = url::split(text(value)?)?;
        self.take(b"protocol", protocol.as_bytes())?;
        self.take(b"host", host.as_bytes())?;
        for (key, part) in [("path", path), ("username", username)] {
            if let Some(part) = part {
                self.take(key.as_bytes(), part.as_bytes())?;
            }
        }
        match password {
            Some(password) => self.take(b"password", password.as_bytes()),
            None => Ok(()),
        }
    }

    /// True if exactly this host is meant, or its gists, by its own scheme and port (P6). A missing
    /// part fits nothing.
    pub fn is_for(&self, host: &Host) -> bool {
        [self.meant(self.host.as_deref()), self.gist_host()].contains(&Some(host.clone()))
    }

    /// True if gists are meant.
    pub(crate) fn is_for_gists(&self) -> bool {
        self.gist_host().is_some()
    }

    /// The host whose gists are meant. Only github.com has them on a host of their own.
    fn gist_host(&self) -> Option<Host> {
        let (prefix, rest) = self.host.as_deref()?.split_at_checked("gist.".len())?;
        let host = self.meant(prefix.eq_ignore_ascii_case("gist.").then_some(rest))?;
        (host.kind() == HostKind::GitHubCom).then_some(host)
    }

    fn meant(&self, host: Option<&str>) -> Option<Host> {
        let (protocol, host) = (self.protocol.as_deref()?, host?);
        // `Host::parse` reads whole addresses too; a host with these in it is none.
        if host.contains('/') || protocol.contains(':') {
            return None;
        }
        Host::parse(&format!("{protocol}://{host}")).ok()
    }

    /// The repository, where git sends the path (`credential.useHttpPath`) and it has an owner.
    pub(crate) fn repository(&self) -> Option<RequestedRepository<'_>> {
        let path = self.path.as_deref()?;
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let (owner, name) = (parts.next()?, parts.next());
        // `ID.git` is a gist's path without its owner.
        if name.is_none() && (owner.strip_suffix(".git").is_some() || self.is_for_gists()) {
            return None;
        }
        Some(RequestedRepository {
            owner,
            name: name.map(|name| name.strip_suffix(".git").unwrap_or(name)),
        })
    }

    /// Whose credential is wanted; `None` if anybody's, or a token's, will do.
    pub fn account(&self) -> Option<&str> {
        self.username
            .as_deref()
            .filter(|name| !name.is_empty() && !is_no_login(name))
    }

    /// The user name to answer with: the caller's own, where it has one.
    pub(crate) fn answer_name(&self) -> &str {
        self.username
            .as_deref()
            .filter(|name| !name.is_empty())
            .unwrap_or(TOKEN_USER)
    }

    /// What another ghtok needs to answer in this one's place: no secret.
    ///
    /// # Errors
    /// If it cannot be said in this protocol.
    pub(crate) fn question(&self) -> Result<Attributes, Malformed> {
        // A user name may be a token.
        let name = self.username.as_deref();
        let parts = [
            ("protocol", self.protocol.as_deref()),
            ("host", self.host.as_deref()),
            ("path", self.path.as_deref()),
            (
                "username",
                name.filter(|name| token_as_name(name).is_none()),
            ),
        ];
        let mut lines = Attributes::default();
        if self.form == Form::Header {
            lines.push(b"capability[]", b"authtype")?;
        }
        for (key, value) in parts {
            if let Some(value) = value {
                lines.push(key.as_bytes(), value.as_bytes())?;
            }
        }
        Ok(lines)
    }

    /// How the caller takes a token.
    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// The secrets that the description carries: a password, the ones in a `Basic` header, the whole
    /// value of another header, or a token in the place of the user name, which GitHub takes too.
    pub(crate) fn secrets(&self) -> Vec<Zeroizing<String>> {
        let password = self.password.clone();
        let name = self.username.as_deref().and_then(token_as_name);
        let named = password.into_iter().chain(name);
        named.chain(self.in_header()).collect()
    }

    fn in_header(&self) -> Vec<Zeroizing<String>> {
        let (Some(scheme), Some(credential)) = (self.authtype.as_deref(), self.credential.as_ref())
        else {
            return Vec::new();
        };
        if !scheme.eq_ignore_ascii_case("Basic") {
            return vec![credential.clone()];
        }
        let decoded = STANDARD.decode(credential.as_bytes()).map(Zeroizing::new);
        let decoded = decoded.unwrap_or_default();
        let Some((name, password)) = str::from_utf8(&decoded)
            .ok()
            .and_then(|text| text.split_once(':'))
        else {
            return Vec::new();
        };
        let password = Zeroizing::new(password.to_owned());
        token_as_name(name).into_iter().chain([password]).collect()
    }
}

#[derive(Debug)]
pub(crate) enum CredentialAnswer<'a> {
    Token {
        form: Form,
        username: &'a str,
        token: &'a AccessToken,
        /// When it ends; `None` if it never does by the clock.
        expires_at: Option<Timestamp>,
    },
    /// git is to give up, without asking other helpers or the person.
    Quit,
    /// What this helper understands beyond the basics.
    Capabilities,
}

impl CredentialAnswer<'_> {
    /// Writes it in one call, whole or not at all. The refresh token never is in it.
    ///
    /// # Errors
    /// If it cannot be said in this protocol, or the writer fails.
    pub(crate) fn write_to(&self, mut out: impl Write) -> Result<(), Malformed> {
        let unwritable = |_| Malformed("cannot be written");
        match self {
            Self::Capabilities => out
                .write_all(b"version 0\ncapability authtype\n")
                .map_err(unwritable),
            Self::Quit | Self::Token { .. } => self.attributes()?.write_to(out).map_err(unwritable),
        }
    }

    fn attributes(&self) -> Result<Attributes, Malformed> {
        let mut lines = Attributes::default();
        match self {
            Self::Capabilities => {}
            Self::Quit => lines.push(b"quit", b"1")?,
            Self::Token {
                form: Form::Password,
                username,
                token,
                expires_at,
            } => {
                lines.push(b"username", username.as_bytes())?;
                lines.push(b"password", token.expose().as_bytes())?;
                if let Some(at) = expires_at {
                    lines.push(b"password_expiry_utc", at.0.to_string().as_bytes())?;
                }
            }
            Self::Token {
                form: Form::Header,
                username,
                token,
                expires_at: _,
            } => {
                lines.push(b"capability[]", b"authtype")?;
                lines.push(b"authtype", b"Basic")?;
                lines.push(b"credential", basic(username, token).as_bytes())?;
                lines.push(b"ephemeral", b"1")?;
            }
        }
        Ok(lines)
    }
}

/// RFC 7617 section 2. A colon would end the user name.
fn basic(username: &str, token: &AccessToken) -> Zeroizing<String> {
    let name = if username.contains(':') {
        TOKEN_USER
    } else {
        username
    };
    let pair = Zeroizing::new(format!("{name}:{}", token.expose()));
    Zeroizing::new(STANDARD.encode(pair.as_bytes()))
}

/// True for what people write where GitHub takes any user name beside a token, or an e-mail address.
/// A user name that is too long for a login may be a token.
fn token_as_name(name: &str) -> Option<Zeroizing<String>> {
    const LONGEST_LOGIN: usize = 39;
    (name.len() > LONGEST_LOGIN).then(|| Zeroizing::new(name.to_owned()))
}

fn is_no_login(name: &str) -> bool {
    const PLACEHOLDERS: [&str; 5] = ["git", "oauth2", "token", TOKEN_USER, "x-oauth-basic"];
    PLACEHOLDERS.contains(&name) || name.contains('@') || name.contains("%40")
}

/// Sets a part, or checks that it is said twice in the same words.
fn say(
    part: &mut Option<String>,
    value: &str,
    same: fn(&str, &str) -> bool,
) -> Result<(), Malformed> {
    match part {
        Some(earlier) if !same(earlier, value) => Err(CONTRADICTION),
        Some(_) => Ok(()),
        None => {
            *part = Some(value.to_owned());
            Ok(())
        }
    }
}

fn secret(part: &mut Option<Zeroizing<String>>, value: &[u8]) -> Result<(), Malformed> {
    let value = text(value)?;
    match part {
        Some(earlier) if earlier.as_str() != value => Err(CONTRADICTION),
        Some(_) => Ok(()),
        None => {
            *part = Some(Zeroizing::new(value.to_owned()));
            Ok(())
        }
    }
}

const CONTRADICTION: Malformed = Malformed("has two different values for one attribute");

fn text(value: &[u8]) -> Result<&str, Malformed> {
    str::from_utf8(value).map_err(|_| Malformed("is not UTF-8 text"))
}

#[cfg(test)]
mod tests;
