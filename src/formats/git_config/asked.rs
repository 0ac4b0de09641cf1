//! Which helpers git asks about a host, by everything that its configuration says.

use super::listing::{CredentialSetting, Setting};
use super::own_file::{is_ghtok, passed_on_to};
use super::pattern::PatternMatch;

/// The helpers for one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AskedHelpers<'a> {
    /// In the order in which git asks them.
    pub(crate) helpers: Vec<(&'a CredentialSetting, &'a [u8])>,
    /// The reset that took ghtok out of the list, if one did.
    pub(crate) reset: Option<&'a CredentialSetting>,
}

impl<'a> AskedHelpers<'a> {
    /// The list for all requests to an address. An empty helper takes out what stands before it
    /// (gitcredentials(7), "helper").
    pub(crate) fn of(url: &str, settings: &'a [CredentialSetting]) -> Self {
        let mut asked = Self {
            helpers: Vec::new(),
            reset: None,
        };
        for setting in settings {
            let Setting::Helper(helper) = &setting.setting else {
                continue;
            };
            if setting.matches(url) != PatternMatch::Whole {
                continue;
            }
            if helper.is_empty() {
                asked.reset = asked.has_ghtok().then_some(setting).or(asked.reset);
                asked.helpers.clear();
            } else {
                asked.helpers.push((setting, helper));
            }
        }
        if asked.has_ghtok() {
            asked.reset = None;
        }
        asked
    }

    pub(crate) fn has_ghtok(&self) -> bool {
        self.helpers.iter().any(|(_, helper)| is_ghtok(helper))
    }

    /// The other helpers that git asks before ghtok.
    pub(crate) fn before_ghtok(&self) -> &[(&'a CredentialSetting, &'a [u8])] {
        let first = self.helpers.iter().position(|(_, helper)| is_ghtok(helper));
        &self.helpers[..first.unwrap_or(0)]
    }

    /// The other helpers that git tells of a token of ghtok's, once it worked.
    pub(crate) fn after_ghtok(&self) -> Vec<(&'a CredentialSetting, &'a [u8])> {
        let first = self.helpers.iter().position(|(_, helper)| is_ghtok(helper));
        let after = first.map_or(&[][..], |first| &self.helpers[first..]);
        let others = after.iter().filter(|(_, helper)| !is_ghtok(helper));
        others.copied().collect()
    }
}

/// True if git was told to send the repository's path to the helpers of this address, something later took
/// that back, and others are asked after ghtok. The last setting counts, however special its pattern is.
pub(crate) fn hides_path_from_ghtok(url: &str, settings: &[CredentialSetting]) -> bool {
    let here = settings
        .iter()
        .filter(|setting| setting.matches(url) == PatternMatch::Whole);
    let sends: Vec<bool> = here
        .filter_map(|setting| match setting.setting {
            Setting::UseHttpPath(sends) => Some(sends),
            Setting::Helper(_) => None,
        })
        .collect();
    let asked = AskedHelpers::of(url, settings).helpers;
    let is_other = |helper: &[u8]| !is_ghtok(helper) || passed_on_to(helper).is_some();
    sends.contains(&true)
        && sends.last() == Some(&false)
        && asked.iter().any(|(_, helper)| is_other(helper))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GHTOK: &[u8] = b"/usr/bin/ghtok git-credential";
    const HOST: Option<&str> = Some("https://github.com");

    fn helper(pattern: Option<&str>, helper: &[u8]) -> CredentialSetting {
        CredentialSetting {
            scope: "global".into(),
            origin: b"file:x".to_vec(),
            pattern: pattern.map(|pattern| pattern.as_bytes().to_vec()),
            setting: Setting::Helper(helper.to_vec()),
        }
    }

    #[test]
    fn helpers_before_and_after_ghtok_are_told_apart_and_resets_count() {
        let github = Some("https://github.com");
        let settings = [
            helper(None, b"cache"),
            helper(github, GHTOK),
            helper(Some("https://github.com/org"), b""),
            helper(None, b"store"),
        ];
        let asked = AskedHelpers::of("https://github.com", &settings);
        let names = |helpers: &[(&CredentialSetting, &[u8])]| {
            let names = helpers
                .iter()
                .map(|(_, name)| String::from_utf8_lossy(name).into_owned());
            names.collect::<Vec<_>>()
        };
        assert_eq!(names(asked.before_ghtok()), ["cache"]);
        assert_eq!(names(&asked.after_ghtok()), ["store"]);
        assert!(
            AskedHelpers::of("https://ghes.example", &settings)
                .before_ghtok()
                .is_empty()
        );
        let reset = [settings[1].clone(), helper(None, b"")];
        let asked = AskedHelpers::of("https://github.com", &reset);
        assert!(!asked.has_ghtok());
        assert_eq!(asked.reset, Some(&reset[1]));
        let again = [reset[0].clone(), reset[1].clone(), reset[0].clone()];
        assert_eq!(AskedHelpers::of("https://github.com", &again).reset, None);
    }

    #[test]
    fn a_path_is_hidden_where_a_later_setting_takes_it_back_from_others() {
        let path = |pattern, sends| CredentialSetting {
            setting: Setting::UseHttpPath(sends),
            ..helper(pattern, b"")
        };
        let (own, via) = (
            helper(HOST, GHTOK),
            helper(HOST, b"/usr/bin/ghtok git-credential --via 'store'"),
        );
        let hides = |settings: &[&CredentialSetting]| {
            let settings: Vec<CredentialSetting> =
                settings.iter().map(|&one| one.clone()).collect();
            hides_path_from_ghtok("https://github.com", &settings)
        };
        let (sends, hidden) = (path(HOST, true), path(None, false));
        assert!(hides(&[&sends, &own, &via, &hidden]));
        assert!(hides(&[&sends, &own, &helper(None, b"cache"), &hidden]));
        assert!(!hides(&[&sends, &own, &hidden]), "nobody else is there");
        assert!(!hides(&[&hidden, &sends, &own, &via]));
        assert!(!hides(&[&own, &via, &hidden]), "setup git never ran");
        assert!(!hides(&[
            &sends,
            &own,
            &via,
            &path(Some("https://ghes.example"), false)
        ]));
    }
}
