//! The session bus, on which Linux's keychains are: which address was taken, and why.

use super::finding::{Findings, Level};
use crate::auth::ports::StoreError;
use crate::bus::{Bus, Deadline};
use crate::session::Session;
use crate::store_choice::StoreChoice;

const SUBJECT: &str = "session bus";

/// Connects to the bus, and asks nothing of any service on it.
pub(super) fn check(session: &Session<'_>, found: &mut Findings) {
    let bus = session.session_bus();
    let needed = session.config.all_apps().any(|app| {
        let store = session.store_of(app);
        matches!(store, Ok(StoreChoice::Auto | StoreChoice::Keychain))
    });
    let addresses: Vec<String> = match bus.bus() {
        Ok(addresses) => addresses.map(|address| address.to_string()).collect(),
        Err(_) => Vec::new(),
    };
    match Bus::connect(&bus, Deadline::after(session.machine.limits.store)) {
        Ok(connected) => {
            let address = connected.address();
            match addresses.first() {
                Some(first) if *first != address => {
                    found
                        .add(
                            SUBJECT,
                            "bus_fallback",
                            Level::Warning,
                            format!("{first} is gone; connected to {address} instead"),
                        )
                        .fix("log in again, or set DBUS_SESSION_BUS_ADDRESS as in a new session");
                }
                _ => found.ok(SUBJECT, "bus_connected", format!("connected to {address}")),
            }
        }
        Err(error) if needed => {
            found
                .add(SUBJECT, "bus_unreachable", Level::Warning, format!("the keychain needs it: {}", cause(error)))
                .fix("in a container, over ssh or in WSL there may be none: sign in with --store kernel or --store file");
        }
        Err(error) => found.ok(
            SUBJECT,
            "bus_not_needed",
            format!("no App's store needs it: {}", cause(error)),
        ),
    }
}

/// Without the words that follow the name of a store.
fn cause(error: StoreError) -> String {
    match error {
        StoreError::Absent(cause) | StoreError::Unreachable(cause) => cause,
        error => error.to_string(),
    }
}
