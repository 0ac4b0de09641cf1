//! What failed, on what, why, and the next command to run. `main` prints it; nobody else does.
//! The sentences stand here; many get their reason as text from the module that failed. All of them together
//! are on one page, `tests/it/snapshots/errors.txt`: a test holds it against the sources.

mod exit_code;
mod hint;
mod report;
mod sandbox;
mod scoped;
mod sign_in;
mod system;
mod tokens;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

pub(crate) use exit_code::{WRAPPER_FAILED, most_serious};
pub(crate) use report::joined;
pub use sandbox::{HostError, SandboxProblem};
pub use scoped::{NoScopedToken, ScopedTokenProblem};
pub use sign_in::SignInReason;
pub(crate) use system::{is_exhausted, is_limit, system_reason};
pub use tokens::{Discarded, StoredTokens};

/// The result type of the program.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// All errors that a person can see.
#[derive(Debug, Error)]
pub enum Error {
    /// Arguments that do not fit together.
    #[error("{message}")]
    Usage {
        /// What does not fit.
        message: String,
        /// The corrected command.
        hint: String,
    },
    /// The configuration file, a variable or a flag says something that cannot be.
    #[error("{origin}: {problem}")]
    Config {
        /// Which file, variable or flag.
        origin: String,
        /// What is wrong there.
        problem: String,
    },
    /// No App is configured, and no flag describes one.
    #[error("no GitHub App is configured or given by --client-id or GHTOK_CLIENT_ID")]
    NoApp {
        /// Where the configuration would be.
        config_file: PathBuf,
    },
    /// Several Apps are configured, and nothing says which is meant.
    #[error("several Apps are configured ({}) and none is the default", known.join(", "))]
    WhichApp {
        /// The configured names.
        known: Vec<String>,
    },
    /// The named App is not configured.
    #[error("no App named \"{name}\" is configured{}", report::known_apps(known))]
    UnknownApp {
        /// The name that was asked for.
        name: String,
        /// The configured names.
        known: Vec<String>,
    },
    /// A sign-in is needed.
    #[error("{app}: {why}")]
    SignInNeeded {
        /// The App's name in messages.
        app: String,
        /// Why nothing else helps.
        why: SignInReason,
        /// The command that signs in.
        login: String,
    },
    /// The network or the server: the same command may work later. The sign-in is kept.
    #[error("{app}: {what}: {cause}")]
    Temporary {
        /// The App's name in messages.
        app: String,
        /// What was tried.
        what: &'static str,
        /// What came of it.
        cause: String,
        /// The server's `Retry-After`.
        retry_after: Option<Duration>,
        /// What it means for the stored tokens.
        tokens: StoredTokens,
    },
    /// GitHub answered with an error that a retry does not change.
    #[error("{app}: {host} refused the request ({code}): {meaning}")]
    Refused {
        /// The App's name in messages.
        app: String,
        /// Who refused.
        host: String,
        /// GitHub's error code.
        code: String,
        /// What the code means.
        meaning: &'static str,
        /// What to do about it.
        fix: String,
    },
    /// There is no scoped token.
    #[error(transparent)]
    ScopedToken(NoScopedToken),
    /// What fails in a sandbox only.
    #[error(transparent)]
    Sandbox(SandboxProblem),
    /// The person pressed "Cancel" on the device page.
    #[error("{app}: the sign-in was denied on the page")]
    Denied {
        /// The App's name in messages.
        app: String,
        /// The command that signs in.
        login: String,
    },
    /// Nobody typed the code in time.
    #[error("{app}: the code expired before it was approved")]
    CodeExpired {
        /// The App's name in messages.
        app: String,
        /// The command that signs in.
        login: String,
    },
    /// An account other than the configured one approved the code.
    #[error(
        "{app}: signed in as {actual}, but the configuration says {expected}; nothing was saved, and {tokens}"
    )]
    OtherAccount {
        /// The App's name in messages.
        app: String,
        /// The configured login.
        expected: String,
        /// Who approved.
        actual: String,
        /// The command that signs in.
        login: String,
        /// What became of the new tokens.
        tokens: Discarded,
    },
    /// An account other than the stored one approved the code.
    #[error(
        "{app}: approved by {actual}, but {stored} is signed in; nothing was changed, and {tokens}"
    )]
    AccountSwitch {
        /// The App's name in messages.
        app: String,
        /// Whose sign-in is stored.
        stored: String,
        /// Who approved.
        actual: String,
        /// The command that signs in.
        login: String,
        /// What became of the new tokens.
        tokens: Discarded,
    },
    /// GitHub did not say who approved the code, and somebody is signed in.
    #[error(
        "{app}: GitHub does not say who approved the sign-in, and {stored} is signed in; nothing was changed, and {tokens}"
    )]
    AccountUnknown {
        /// The App's name in messages.
        app: String,
        /// Whose sign-in is stored.
        stored: String,
        /// The command that signs in.
        login: String,
        /// What became of the new tokens.
        tokens: Discarded,
    },
    /// The person said no, or ended the input, where they were asked.
    #[error("cancelled; {left}")]
    Cancelled {
        /// What is left of it.
        left: String,
        /// What to do instead.
        next: String,
    },
    /// Ctrl-C, a closed terminal, or a request to end, while a person was asked.
    #[error("interrupted; {left}")]
    Interrupted {
        /// What is left of it.
        left: &'static str,
        /// The signal's number.
        signal: i32,
    },
    /// No certificate of a server can be checked.
    #[error("cannot check TLS certificates: this system has no CA certificates")]
    NoCaCertificates,
    /// The store is locked.
    #[error("{store} is locked")]
    StoreLocked {
        /// Which store.
        store: String,
        /// The command that unlocks it.
        login: String,
    },
    /// The store stayed locked at a sign-in: nobody unlocked it, or nobody could be asked.
    #[error("{store} is still locked")]
    StoreStayedLocked {
        /// Which store.
        store: String,
    },
    /// The store is unlocked, but asks a person each time a program reads.
    #[error("{store} asks you to confirm each time that ghtok reads the sign-in")]
    StoreConfirmsAccess {
        /// Which store.
        store: String,
        /// The command that signs in to another store.
        login: String,
    },
    /// The store cannot be reached.
    #[error("cannot reach {store}: {cause}")]
    StoreUnreachable {
        /// Which store.
        store: String,
        /// Why not.
        cause: String,
        /// The command that signs in to another store.
        login: String,
    },
    /// The store did not answer in time.
    #[error("{store} did not answer within {} s", limit.as_secs())]
    StoreTimedOut {
        /// Which store.
        store: String,
        /// How long it had.
        limit: Duration,
        /// The command that signs in to another store.
        login: String,
    },
    /// The store exists but could not be listed.
    #[error("cannot list the sign-ins in {store}: {cause}")]
    NotListed {
        /// Which store.
        store: String,
        /// Why not.
        cause: String,
    },
    /// An operation of the store failed.
    #[error("cannot save the tokens in {store}: {cause}")]
    StoreFailed {
        /// Which store.
        store: String,
        /// Why not.
        cause: String,
        /// What it means for the stored tokens.
        tokens: StoredTokens,
    },
    /// No store is chosen, and this build has none to choose by itself.
    #[error("the store \"{name}\" is not available in this version of ghtok")]
    StoreNotAvailable {
        /// Which store was asked for.
        name: &'static str,
    },
    /// A file or folder could not be used.
    #[error("cannot {doing} {}: {cause}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's or our own reason.
        cause: String,
    },
    /// Neither the state folder nor a record can be written by this process, as in a sandbox.
    #[error("cannot write {}: {cause}", path.display())]
    ReadOnly {
        /// Which file or folder.
        path: PathBuf,
        /// The system's reason.
        cause: String,
        /// What to run where it can be written; `None` for the same command.
        refresh: Option<String>,
        /// What it means for the stored tokens.
        tokens: StoredTokens,
    },
    /// This process has reached one of its limits.
    #[error("{app}: {what}: {limit}")]
    Limit {
        /// The App's name in messages.
        app: String,
        /// What was tried.
        what: &'static str,
        /// Which limit.
        limit: String,
        /// What to run where there is no such limit; `None` for the same command.
        refresh: Option<String>,
        /// What it means for the stored tokens.
        tokens: StoredTokens,
    },
    /// A file of ours that others could have written, or may read, although it must be private.
    #[error("cannot trust {}: other users may {rights} it (mode {mode:04o})", path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// What others may do.
        rights: &'static str,
        /// Its mode.
        mode: u32,
        /// The command that closes it.
        fix: String,
    },
    /// A record that cannot be read back.
    #[error("{app}: the stored sign-in in {place} is damaged: {problem}")]
    Damaged {
        /// The App's name in messages.
        app: String,
        /// Where it is.
        place: String,
        /// What is wrong with it; never its content.
        problem: String,
        /// The command that replaces it.
        login: String,
    },
    /// A record of a later ghtok.
    #[error("{app}: the stored sign-in in {place} was written by a newer ghtok (format {version})")]
    Newer {
        /// The App's name in messages.
        app: String,
        /// Where it is.
        place: String,
        /// Its format number.
        version: u64,
        /// The command that replaces it.
        login: String,
    },
    /// Another process holds the lock, or refreshes, for longer than a caller waits.
    #[error("{app}: gave up after waiting {} s for another ghtok, which is still running", waited.as_secs())]
    GaveUpWaiting {
        /// The App's name in messages.
        app: String,
        /// How long this process waited.
        waited: Duration,
    },
    /// A refresh process ended before it said what came of it.
    #[error("{app}: the refresh ended without a result: it was killed, or ran out of memory")]
    RefresherDied {
        /// The App's name in messages.
        app: String,
    },
    /// git's configuration could not be read or changed.
    #[error("setup git: cannot {doing} {}: {cause}", path.display())]
    GitConfig {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        cause: String,
    },
    /// A server could not be added to an MCP client, or removed from it.
    #[error("setup mcp: {failed}: {cause}")]
    ClientFailed {
        /// What failed to do what.
        failed: String,
        /// Why.
        cause: String,
        /// What a person can do.
        fix: String,
    },
    /// A timer could not be installed, removed or looked after.
    #[error("schedule: cannot {doing}: {cause}")]
    Timer {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        cause: String,
        /// What to do about it.
        fix: String,
    },
    /// There is no such command.
    #[error("command not found: \"{command}\"")]
    CommandNotFound {
        /// What was asked for.
        command: String,
    },
    /// The command is there and cannot be run.
    #[error("cannot run \"{command}\": {cause}")]
    CommandNotRun {
        /// What was asked for.
        command: String,
        /// The system's reason.
        cause: String,
    },
    /// Standard output could not be written.
    #[error("cannot write to standard output: {}", system_reason(.0))]
    Output(io::Error),
    /// Whoever read standard output has gone; not worth a word.
    #[error("standard output was closed")]
    OutputClosed,
}
