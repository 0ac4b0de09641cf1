//! A folder of one test, removed with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Config, Environment, Flags};
use crate::error::Result;

static NEXT: AtomicU32 = AtomicU32::new(0);

pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("ghtok-config-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // The tests may run with any umask.
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("a mode");
        }
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn file(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// Writes `config.toml`.
    pub(super) fn with(self, text: impl AsRef<[u8]>) -> Self {
        fs::write(self.file(), text).expect("a file");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(self.file(), fs::Permissions::from_mode(0o600)).expect("a mode");
        }
        self
    }

    /// Loads it, with this folder as the one of both configuration and state.
    pub(super) fn load(&self, flags: &Flags, pairs: &[(&str, &str)]) -> Result<Config> {
        let folder = self.0.to_str().expect("a name");
        let own = [("GHTOK_CONFIG_DIR", folder), ("GHTOK_STATE_DIR", folder)];
        Config::load(
            flags,
            &Environment::from_pairs(own.into_iter().chain(pairs.iter().copied())),
        )
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
