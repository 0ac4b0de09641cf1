//! What a strict server found wrong, whether or not it answered with an error.

/// One finding; `sequence` is the request's number in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub sequence: usize,
    pub kind: ViolationKind,
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ViolationKind {
    /// A token, code or secret in the request line (RFC 6750 section 2.3).
    SecretInUrl,
    /// A public client has no secret to send (RFC 8628 section 5.6).
    ClientSecretSent,
    /// An `Authorization` header at an endpoint where a public client has none.
    AuthorizationHeader,
    /// GitHub's REST API demands one.
    MissingUserAgent,
    /// A poll before the interval was over (RFC 8628 section 3.5).
    EarlyPoll,
    /// A poll after an answer that ends the polling (RFC 8628 section 3.5).
    PollAfterTheEnd,
    /// A refresh token that had been exchanged was sent once more. After a lost
    /// answer a client may try it once to find out.
    RefreshTokenReused,
    /// A refresh token was sent to somewhere else than the token endpoint.
    RefreshTokenMisdirected,
    UnknownClient,
    UnsupportedGrantType,
    /// RFC 6749 section 3.2: a parameter must not appear twice.
    DuplicateParameter,
    WrongMethod,
    /// A parameter that the address does not take, or a value that it would not.
    BadParameter,
    WrongContentType,
    UnknownPath,
    /// What came was not HTTP.
    MalformedRequest,
}
