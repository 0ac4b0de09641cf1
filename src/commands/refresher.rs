//! The hidden command that runs one refresh in a process of its own. Its caller watches the
//! outcome; it says nothing itself.

use std::ffi::OsString;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use log::LevelFilter;

use crate::app::App;
use crate::auth::ports::{LockedStore, Refresher};
use crate::auth::record::Want;
use crate::commands::Call;
use crate::config::StoreChoice;
use crate::error::Result;
use crate::token::MinTtl;

/// What the refresher is asked: a `Want` as one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order(pub Want);

impl Order {
    /// The argument that reads back as this order.
    pub fn to_argument(self) -> String {
        match self.0 {
            Want::Valid(MinTtl::Usual(ttl)) => format!("usual:{}", ttl.as_secs()),
            Want::Valid(MinTtl::Explicit(ttl)) => format!("explicit:{}", ttl.as_secs()),
            Want::NewerThan(generation) => format!("newer:{generation}"),
        }
    }
}

impl FromStr for Order {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, number) = text.split_once(':').ok_or("is no order")?;
        let number: u64 = number.parse().map_err(|_| "has no number")?;
        match kind {
            "usual" => Ok(Self(Want::Valid(MinTtl::Usual(Duration::from_secs(
                number,
            ))))),
            "explicit" => Ok(Self(Want::Valid(MinTtl::Explicit(Duration::from_secs(
                number,
            ))))),
            "newer" => Ok(Self(Want::NewerThan(number))),
            _ => Err("is no order"),
        }
    }
}

/// The arguments of the process that refreshes an App's record. No secret is among them.
pub fn arguments(
    app: &App,
    store: StoreChoice,
    config_dir: Option<&Path>,
    want: Want,
) -> Vec<OsString> {
    let mut arguments = arguments_of("refresher", app, store, config_dir);
    arguments.extend(match log::max_level() {
        LevelFilter::Off => None,
        LevelFilter::Debug => Some("-vv".into()),
        _ => Some("-v".into()),
    });
    arguments.push(format!("--order={}", Order(want).to_argument()).into());
    arguments
}

/// The arguments of the process that asks where an App is installed.
pub fn reach_arguments(app: &App, store: StoreChoice, config_dir: Option<&Path>) -> Vec<OsString> {
    arguments_of("ask-reach", app, store, config_dir)
}

fn arguments_of(
    command: &str,
    app: &App,
    store: StoreChoice,
    config_dir: Option<&Path>,
) -> Vec<OsString> {
    let mut arguments = vec![command.to_owned(), format!("--store={store}")];
    match &app.name {
        Some(name) => arguments.push(format!("--app={name}")),
        None => {
            arguments.push(format!("--client-id={}", app.client_id));
            arguments.push(format!("--host={}", app.host.web_url()));
            if let Some(account) = &app.account {
                arguments.push(format!("--account={account}"));
            }
        }
    }
    let mut arguments: Vec<OsString> = arguments.into_iter().map(OsString::from).collect();
    if let Some(folder) = config_dir {
        arguments.extend(["--config-dir".into(), folder.into()]);
    }
    arguments
}

/// Runs the refresh with the lock that was handed over, else with one of its own.
///
/// # Errors
/// If no lock can be had; its caller then looks for itself.
pub fn run<'a>(
    order: Order,
    handed_over: Option<Box<dyn LockedStore + 'a>>,
    refresh: &dyn Refresher,
    call: &'a Call<'_>,
) -> Result<()> {
    let locked = match handed_over {
        Some(locked) => locked,
        None => call.lock()?,
    };
    refresh.start(locked, order.0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_read_back() {
        for want in [
            Want::Valid(MinTtl::DEFAULT),
            Want::Valid(MinTtl::Explicit(Duration::from_secs(3600))),
            Want::NewerThan(7),
        ] {
            assert_eq!(Order(want).to_argument().parse(), Ok(Order(want)));
        }
        for bad in ["", "usual", "usual:", "usual:-1", "later:5"] {
            assert!(bad.parse::<Order>().is_err(), "{bad:?}");
        }
    }
}
