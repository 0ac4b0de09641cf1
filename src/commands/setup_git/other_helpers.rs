//! What is said of helpers that git asks beside ghtok.

use crate::formats::git_config::{CredentialSetting, HostSection, Setting, is_ghtok};
use crate::formats::plain_text::one_line;

/// The helper that a line names.
pub(super) fn helper_of(entry: &CredentialSetting) -> Option<&[u8]> {
    match &entry.setting {
        Setting::Helper(helper) => Some(helper),
        Setting::UseHttpPath(_) => None,
    }
}

/// What is said of a helper, or of a reset, that git reads after ghtok's lines.
pub(super) fn seen_by(entry: &CredentialSetting, url: &str) -> String {
    let place = one_line(&String::from_utf8_lossy(&entry.origin), 200);
    let helper = String::from_utf8_lossy(helper_of(entry).unwrap_or_default());
    if helper.is_empty() {
        return format!(
            "{place} resets the list of helpers: where it counts, git does not ask ghtok about {url}"
        );
    }
    let helper = one_line(&helper, 80);
    format!(
        "the helper \"{helper}\" ({place}) comes after ghtok: git before 2.46 hands it the token for {url}"
    )
}

/// The name of a helper that keeps what it is given.
pub(super) fn keeper(helper: &[u8]) -> Option<&'static str> {
    const KEEPERS: [&str; 5] = ["osxkeychain", "wincred", "manager", "libsecret", "cache"];
    if is_ghtok(helper) {
        return None;
    }
    let helper = String::from_utf8_lossy(helper);
    let mut words = helper.split([' ', '/', '\\', '-', '.']);
    words.find_map(|word| KEEPERS.into_iter().find(|known| word == *known))
}

/// How a helper is told to drop what it keeps.
pub(super) fn forget(name: &str, sections: &[HostSection]) -> String {
    let url = sections.first().map_or("", |section| section.url.as_str());
    format!(
        "the helper \"{name}\" may still keep an old token; have it forget with: echo url={url} | git credential-{name} erase"
    )
}
