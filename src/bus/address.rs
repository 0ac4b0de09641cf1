//! Where the session bus is, in the words of the D-Bus specification ("Server Addresses").

use std::path::PathBuf;

use rustix::net::SocketAddrUnix;

use crate::auth::ports::StoreError;
use crate::steps::Steps;

/// What the environment says about the user's session; config.rs reads it.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// `DBUS_SESSION_BUS_ADDRESS`.
    pub bus_address: Option<String>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<PathBuf>,
    /// Where the calls on the bus are told.
    pub steps: Steps,
}

impl Session {
    /// The addresses of the bus that can be used, in their order. A stripped environment (cron, MCP
    /// hosts) names none; then it is the one that systemd keeps.
    ///
    /// # Errors
    /// `Unreachable` if none is a Unix socket: the other transports start programs or look names up,
    /// which nothing limits.
    pub(crate) fn bus(&self) -> Result<Vec<SocketAddrUnix>, StoreError> {
        let default = || format!("unix:path=/run/user/{}/bus", user());
        let given = self
            .bus_address
            .clone()
            .filter(|given| !given.is_empty())
            .unwrap_or_else(default);
        let usable: Vec<_> = given.split(';').filter_map(unix_socket).collect();
        if usable.is_empty() {
            return Err(StoreError::Unreachable(format!(
                "DBUS_SESSION_BUS_ADDRESS names no Unix socket: {given:?}"
            )));
        }
        Ok(usable)
    }

    /// The session's folder of sockets.
    pub(crate) fn runtime_dir(&self) -> PathBuf {
        let named = self.runtime_dir.clone();
        named.unwrap_or_else(|| PathBuf::from(format!("/run/user/{}", user())))
    }
}

/// The socket of an entry such as `unix:path=/run/user/1000/bus,guid=…`.
fn unix_socket(entry: &str) -> Option<SocketAddrUnix> {
    let pairs = entry.strip_prefix("unix:")?.split(',');
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(key, value)| match (key, unescaped(value)?) {
            ("path", path) => SocketAddrUnix::new(path).ok(),
            ("abstract", name) => SocketAddrUnix::new_abstract_name(&name).ok(),
            _ => None,
        })
}

/// A value with its `%41` escapes resolved; `None` if one of them is broken.
fn unescaped(value: &str) -> Option<Vec<u8>> {
    let mut parts = value.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(part.get(2..)?.as_bytes());
    }
    Some(bytes)
}

fn user() -> u32 {
    rustix::process::getuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bus(address: &str) -> Result<Vec<SocketAddrUnix>, StoreError> {
        Session {
            bus_address: Some(address.to_owned()),
            runtime_dir: None,
            steps: Steps::SILENT,
        }
        .bus()
    }

    fn path(path: &str) -> SocketAddrUnix {
        SocketAddrUnix::new(path).expect("a path")
    }

    #[test]
    fn the_sockets_are_taken_in_their_order() {
        let guid = "unix:path=/run/user/1000/bus,guid=0123456789abcdef0123456789abcdef";
        assert_eq!(bus(guid), Ok(vec![path("/run/user/1000/bus")]));
        let name = SocketAddrUnix::new_abstract_name(b"/tmp/a").expect("a name");
        assert_eq!(
            bus(
                "tcp:host=a,port=1;unix:guid=0,abstract=/tmp/a;unixexec:path=sh;unix:path=/b%20%2fc"
            ),
            Ok(vec![name, path("/b /c")])
        );
    }

    #[test]
    fn other_transports_are_not_asked() {
        for useless in [
            "autolaunch:",
            "unixexec:path=/bin/sh",
            "disabled:",
            "x",
            "unix:path=/a\0b",
            "unix:path=/a%0",
            "unix:path=/%€0",
            "unix:runtime=yes",
            &format!("unix:path=/{}", "a".repeat(200)),
        ] {
            let result = bus(useless);
            assert!(
                matches!(result, Err(StoreError::Unreachable(_))),
                "{useless}"
            );
        }
    }

    #[test]
    fn a_stripped_environment_has_the_bus_of_systemd() {
        let expected = vec![path(&format!("/run/user/{}/bus", user()))];
        assert_eq!(bus(""), Ok(expected.clone()));
        assert_eq!(Session::default().bus(), Ok(expected));
    }
}
