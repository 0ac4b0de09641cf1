//! Where an MCP conversation gets its tokens from.

use std::sync::atomic::AtomicBool;

use crate::mcp::conversation::{News, Told, Trouble};
use crate::mcp::messages::Code;
use crate::token::AccessToken;

/// A token, and what the conversation knows of it.
pub type Fetched = Result<(News, AccessToken), Trouble>;

/// The tokens of one App.
pub trait Tokens: Sync {
    /// A valid token; refreshed if it is due. May take as long as any caller waits.
    fn fetch(&self) -> Fetched;
    /// The same, once the token of this generation has been checked: a server's answer says that it is
    /// rejected.
    fn check(&self, generation: u64) -> Fetched;
    /// Signs a person in, who is shown the code; ends soon after `cancelled` is set.
    fn sign_in(&self, show: &(dyn Fn(Code) + Sync), cancelled: &AtomicBool) -> Fetched;
    /// What the outcome file says now.
    fn last_outcome(&self) -> Option<Told>;
}
