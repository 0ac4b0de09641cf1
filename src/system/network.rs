//! Which network this process is in, as far as the system and its settings tell.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::auth::outcome::NetworkId;

/// A number for the namespaces of this process and its network settings. The namespace of mounts counts
/// too: it may have other name servers and certificates.
pub(crate) fn network_id(settings: impl Hash) -> NetworkId {
    let mut hasher = DefaultHasher::new();
    settings.hash(&mut hasher);
    #[cfg(target_os = "linux")]
    for namespace in ["net", "mnt"] {
        let link = std::fs::read_link(format!("/proc/self/ns/{namespace}"));
        link.ok().hash(&mut hasher);
    }
    NetworkId(hasher.finish())
}
