//! Where the session bus is, in the words of the D-Bus specification ("Server Addresses").

use std::fmt;
use std::iter;
use std::path::PathBuf;

use rustix::net::SocketAddrUnix;

use crate::auth::ports::StoreError;
use crate::formats::percent_encoding;
use crate::formats::plain_text::one_line;

/// An address is shown up to this length.
const LONGEST_SHOWN: usize = 300;

/// What the environment says about the user's session; config.rs reads it.
#[derive(Clone, Debug, Default)]
pub struct SessionBus {
    /// `DBUS_SESSION_BUS_ADDRESS`.
    pub bus_address: Option<String>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<PathBuf>,
}

/// A socket at which the bus may listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(super) socket: SocketAddrUnix,
    /// The bus that listens there must have this identity.
    pub(super) guid: Option<String>,
    origin: Origin,
    entry: String,
}

/// What an address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    BusAddress,
    RuntimeDir,
    Default,
}

impl SessionBus {
    /// The addresses of the bus in the order in which they are tried, each if the one before it is
    /// gone: those of `DBUS_SESSION_BUS_ADDRESS`, then `$XDG_RUNTIME_DIR/bus`, as libdbus has it. A
    /// stripped environment (cron, MCP hosts) names neither; there it is the socket of systemd.
    ///
    /// # Errors
    /// `Unreachable` if `DBUS_SESSION_BUS_ADDRESS` names something else than Unix sockets only: the
    /// other transports start programs or look names up, which nothing limits, and the bus behind
    /// them is another one than the default.
    pub(crate) fn bus(&self) -> Result<impl Iterator<Item = Address>, StoreError> {
        let given = self.bus_address.as_deref().unwrap_or_default();
        let entries = given.split(';').filter(|entry| !entry.is_empty());
        let mut named = Vec::new();
        let mut other_transports = false;
        for entry in entries {
            match unix_socket(entry) {
                Some(address) => named.push(address),
                None => other_transports = true,
            }
        }
        if named.is_empty() && !given.is_empty() {
            return Err(StoreError::Unreachable(format!(
                "DBUS_SESSION_BUS_ADDRESS is not a Unix socket: \"{}\"",
                one_line(given, LONGEST_SHOWN)
            )));
        }
        let default = (!other_transports)
            .then(|| iter::once_with(|| self.default_bus()))
            .into_iter()
            .flatten()
            .flatten();
        Ok(named.into_iter().chain(default))
    }

    fn default_bus(&self) -> Option<Address> {
        let (path, origin) = match self.named_runtime_dir() {
            Some(folder) => (folder.join("bus"), Origin::RuntimeDir),
            None => (self.runtime_dir().join("bus"), Origin::Default),
        };
        Some(Address {
            socket: SocketAddrUnix::new(&path).ok()?,
            guid: None,
            origin,
            entry: format!("unix:path={}", path.display()),
        })
    }

    /// The session's folder of sockets.
    pub(crate) fn runtime_dir(&self) -> PathBuf {
        self.named_runtime_dir()
            .unwrap_or_else(|| PathBuf::from(format!("/run/user/{}", user())))
    }

    /// A relative path counts as none (XDG Base Directory Specification).
    fn named_runtime_dir(&self) -> Option<PathBuf> {
        self.runtime_dir.clone().filter(|path| path.is_absolute())
    }
}

/// The variable with the address: what a person can look up and correct.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = match self.origin {
            Origin::BusAddress => "DBUS_SESSION_BUS_ADDRESS",
            Origin::RuntimeDir => "XDG_RUNTIME_DIR",
            Origin::Default => "the default address",
        };
        write!(f, "{origin} ({})", one_line(&self.entry, LONGEST_SHOWN))
    }
}

/// The socket of an entry such as `unix:path=/run/user/1000/bus,guid=…`.
fn unix_socket(entry: &str) -> Option<Address> {
    let pairs = entry.strip_prefix("unix:")?.split(',');
    let (mut socket, mut guid) = (None, None);
    for (key, value) in pairs.filter_map(|pair| pair.split_once('=')) {
        let value = percent_encoding::decode(value.as_bytes())?;
        match key {
            "path" => socket = Some(SocketAddrUnix::new(value.as_slice()).ok()?),
            "abstract" => socket = Some(SocketAddrUnix::new_abstract_name(&value).ok()?),
            "guid" => guid = Some(str::from_utf8(&value).ok()?.to_owned()),
            _ => {}
        }
    }
    Some(Address {
        socket: socket?,
        guid,
        origin: Origin::BusAddress,
        entry: entry.to_owned(),
    })
}

fn user() -> u32 {
    rustix::process::getuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(bus_address: Option<&str>, runtime_dir: Option<&str>) -> SessionBus {
        SessionBus {
            bus_address: bus_address.map(str::to_owned),
            runtime_dir: runtime_dir.map(PathBuf::from),
        }
    }

    /// The sockets that are tried, as [`Address`] shows them.
    fn shown(bus_address: Option<&str>, runtime_dir: Option<&str>) -> Vec<String> {
        let session = session(bus_address, runtime_dir);
        let addresses = session.bus().expect("addresses");
        addresses.map(|address| address.to_string()).collect()
    }

    fn sockets(bus_address: &str) -> Vec<SocketAddrUnix> {
        let session = session(Some(bus_address), Some("/run"));
        let addresses = session.bus().expect("addresses");
        addresses.map(|address| address.socket).collect()
    }

    fn path(path: &str) -> SocketAddrUnix {
        SocketAddrUnix::new(path).expect("a path")
    }

    #[test]
    fn the_sockets_are_taken_in_their_order() {
        let name = SocketAddrUnix::new_abstract_name(b"/tmp/a").expect("a name");
        assert_eq!(
            sockets("unix:guid=0,abstract=/tmp/a;unix:path=/b%20%2fc;"),
            vec![name.clone(), path("/b /c"), path("/run/bus")]
        );
        assert_eq!(
            sockets(
                "tcp:host=a,port=1;unix:guid=0,abstract=/tmp/a;unixexec:path=sh;unix:path=/b%20%2fc"
            ),
            vec![name, path("/b /c")],
            "behind another transport is another bus than the default"
        );
    }

    #[test]
    fn the_guid_is_kept_with_its_socket() {
        let given = "unix:path=/a,guid=0123456789abcdef0123456789abcdef;unix:path=/b";
        let session = session(Some(given), None);
        let guids: Vec<_> = session
            .bus()
            .expect("addresses")
            .map(|address| address.guid)
            .collect();
        let guid = Some("0123456789abcdef0123456789abcdef".to_owned());
        assert_eq!(guids, vec![guid, None, None]);
    }

    #[test]
    fn other_transports_are_not_asked() {
        for useless in [
            "autolaunch:",
            "unixexec:path=/bin/sh",
            "disabled:",
            "x",
            ";",
            "unix:path=/a\0b",
            "unix:path=/a%0",
            "unix:path=/%€0",
            "unix:path=/a,guid=%ff",
            "unix:runtime=yes",
            &format!("unix:path=/{}", "a".repeat(200)),
        ] {
            let session = session(Some(useless), Some("/run"));
            let result = session.bus().map(Iterator::count);
            assert!(
                matches!(result, Err(StoreError::Unreachable(_))),
                "{useless}"
            );
        }
    }

    #[test]
    fn the_bus_is_looked_for_where_libdbus_does_and_in_the_folder_of_systemd() {
        let systemd = format!("the default address (unix:path=/run/user/{}/bus)", user());
        let runtime_dir = "XDG_RUNTIME_DIR (unix:path=/r/bus)".to_owned();
        let named = "DBUS_SESSION_BUS_ADDRESS (unix:path=/a,guid=0)".to_owned();
        for unset in [None, Some("")] {
            assert_eq!(shown(unset, None), vec![systemd.clone()]);
            assert_eq!(shown(unset, Some("not/absolute")), vec![systemd.clone()]);
            assert_eq!(shown(unset, Some("/r")), vec![runtime_dir.clone()]);
        }
        let address = Some("unix:path=/a,guid=0");
        assert_eq!(shown(address, Some("/r")), vec![named.clone(), runtime_dir]);
        assert_eq!(shown(address, None), vec![named, systemd]);
    }

    #[test]
    fn a_shown_address_drives_no_terminal() {
        let hostile = "unix:path=/a\u{1b}[31m\u{202e}b";
        let expected = "DBUS_SESSION_BUS_ADDRESS (unix:path=/a [31m b)";
        assert_eq!(shown(Some(hostile), None)[0], expected);
    }
}
