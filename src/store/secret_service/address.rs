//! Where the session bus is, in the words of the D-Bus specification ("Server Addresses").

use std::path::PathBuf;

use crate::auth::ports::StoreError;

/// What the environment says about the user's session; config.rs reads it.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// `DBUS_SESSION_BUS_ADDRESS`.
    pub bus_address: Option<String>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<PathBuf>,
}

impl Session {
    /// The addresses of the bus that can be used, in their order. A stripped environment (cron, MCP
    /// hosts) names none; then it is the one that systemd keeps.
    ///
    /// # Errors
    /// `Unreachable` if none is a Unix socket: the other transports start programs or look names up,
    /// which nothing limits.
    pub(super) fn bus(&self) -> Result<String, StoreError> {
        let Some(given) = self
            .bus_address
            .as_deref()
            .filter(|given| !given.is_empty())
        else {
            return Ok(format!("unix:path=/run/user/{}/bus", user()));
        };
        let usable =
            |entry: &&str| entry.starts_with("unix:path=") || entry.starts_with("unix:abstract=");
        let usable: Vec<_> = given.split(';').filter(usable).collect();
        if usable.is_empty() || given.contains('\0') {
            return Err(StoreError::Unreachable(format!(
                "DBUS_SESSION_BUS_ADDRESS names no Unix socket: {given:?}"
            )));
        }
        Ok(usable.join(";"))
    }

    /// True if a gnome-keyring waits to be put on the bus. PAM starts it at the log-in with the
    /// password that unlocks it; it is seen on the bus only once it is activated there.
    pub(super) fn has_waiting_daemon(&self) -> bool {
        let runtime_dir = self
            .runtime_dir
            .clone()
            .unwrap_or_else(|| PathBuf::from(format!("/run/user/{}", user())));
        runtime_dir.join("keyring/control").exists()
    }
}

fn user() -> u32 {
    rustix::process::getuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bus(address: &str) -> Result<String, StoreError> {
        let bus_address = Some(address.to_owned());
        Session {
            bus_address,
            runtime_dir: None,
        }
        .bus()
    }

    #[test]
    fn only_unix_sockets_are_asked() {
        let guid = "unix:path=/run/user/1000/bus,guid=0123456789abcdef0123456789abcdef";
        assert_eq!(bus(guid).as_deref(), Ok(guid));
        assert_eq!(
            bus("tcp:host=a,port=1;unix:abstract=/tmp/a;unixexec:path=sh;unix:path=/b").as_deref(),
            Ok("unix:abstract=/tmp/a;unix:path=/b")
        );
        for useless in [
            "autolaunch:",
            "unixexec:path=/bin/sh",
            "disabled:",
            "x",
            "unix:path=/a\0b",
        ] {
            assert!(
                matches!(bus(useless), Err(StoreError::Unreachable(_))),
                "{useless}"
            );
        }
    }

    #[test]
    fn a_stripped_environment_has_the_bus_of_systemd() {
        let expected = format!("unix:path=/run/user/{}/bus", user());
        assert_eq!(bus("").as_deref(), Ok(expected.as_str()));
        assert_eq!(Session::default().bus().as_deref(), Ok(expected.as_str()));
    }
}
