//! git's configuration, as far as `setup git` changes it. Pure.
//! <https://git-scm.com/docs/git-config>, <https://git-scm.com/docs/gitcredentials>

pub mod include;
mod listing;
mod own_file;
mod pattern;
mod syntax;

pub use self::listing::{CredentialSetting, Setting, listing};
pub use self::own_file::{
    Before, GhtokCommand, HostSection, Other, before, is_ghtok, others, own_file, sections,
};
pub use self::pattern::PatternMatch;
pub use self::syntax::BadLine;
