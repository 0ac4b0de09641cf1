//! git's configuration, as far as ghtok reads and changes it. Pure.
//! <https://git-scm.com/docs/git-config>, <https://git-scm.com/docs/gitcredentials>

mod asked;
pub(crate) mod include;
mod listing;
mod own_file;
mod paths;
mod pattern;
mod syntax;
mod variables;

pub(crate) use self::asked::{AskedHelpers, hides_path_from_ghtok};
pub(crate) use self::listing::{ConfigLine, CredentialSetting, Setting, config_lines, listing};
pub(crate) use self::own_file::{
    Before, GhtokCommand, HostSection, before, is_ghtok, others, own_file, passed_on_to,
    replaces_ssh, sections,
};
pub(crate) use self::paths::{bytes_of, path_of};
pub(crate) use self::pattern::PatternMatch;
pub(crate) use self::syntax::BadLine;
#[cfg(unix)]
pub(crate) use self::variables::only_helper;
pub(crate) use self::variables::{HostHelpers, variables};
