use zeroize::Zeroizing;

use super::Session;
use crate::app::App;
use crate::host::Host;

impl Session<'_> {
    /// Whether one of these secrets is or recently was a token of an App of the host; `None` if unknown.
    /// `apps` is called only if the state folder does not know.
    pub(crate) fn has_issued<'a>(
        &self,
        secrets: &[Zeroizing<String>],
        is_host: &dyn Fn(&Host) -> bool,
        apps: &dyn Fn() -> Option<Vec<&'a App>>,
    ) -> Option<bool> {
        let folder = &self.stores.folder;
        let is_remembered = |secret: &Zeroizing<String>| folder.has_issued(secret, is_host);
        if secrets.iter().any(is_remembered) {
            return Some(true);
        }
        self.config.check_store().ok()?;
        let mut answers = Vec::new();
        for app in apps()? {
            let opened = self
                .store_of(app)
                .and_then(|choice| self.open_store(app, choice));
            for secret in secrets {
                let store = opened.as_ref().ok();
                answers.push(store.and_then(|store| store.has_issued(secret).ok().flatten()));
            }
        }
        if answers.contains(&Some(true)) {
            return Some(true);
        }
        (!answers.is_empty() && !answers.contains(&None)).then_some(false)
    }
}
