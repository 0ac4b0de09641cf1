//! Command lines of the background processes for one record. The arguments contain no secret.

use std::ffi::OsString;
use std::str::FromStr;
use std::time::Duration;

use log::LevelFilter;

use super::Session;
use crate::app::App;
use crate::auth::ports::Refresher;
use crate::auth::record::Want;
use crate::error::Result;
use crate::store_choice::StoreChoice;
use crate::system::process;
use crate::system::signals::BlockedSignals;
use crate::token::MinTtl;

/// A `Want` as one argument of the refresher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RefreshOrder(pub Want);

impl RefreshOrder {
    fn to_argument(self) -> String {
        match self.0 {
            Want::Valid(MinTtl::Usual(ttl)) => format!("usual:{}", ttl.as_secs()),
            Want::Valid(MinTtl::Explicit(ttl)) => format!("explicit:{}", ttl.as_secs()),
            Want::NewerThan(generation) => format!("newer:{generation}"),
        }
    }
}

impl FromStr for RefreshOrder {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let (kind, number) = text.split_once(':').ok_or("is no order")?;
        let number: u64 = number.parse().map_err(|_| "has no number")?;
        let ttl = Duration::from_secs(number);
        match kind {
            "usual" => Ok(Self(Want::Valid(MinTtl::Usual(ttl)))),
            "explicit" => Ok(Self(Want::Valid(MinTtl::Explicit(ttl)))),
            "newer" => Ok(Self(Want::NewerThan(number))),
            _ => Err("is no order"),
        }
    }
}

impl Session<'_> {
    /// The body of the refresher. Signals are blocked until the new pair is stored.
    pub(crate) fn refresh_here(&self, order: RefreshOrder) -> Result<()> {
        self.config.check_store()?;
        let began = self.machine.clock.now();
        let app = self.config.app(None)?;
        self.refresh_whole(order, app)?;
        // Online now. What cannot be revoked is tried again by the next refresh.
        let _ = self.with_call(app, |call| {
            call.revoke_abandoned()?;
            Ok(())
        });
        self.start_asking_reach(began, order, app)
    }

    fn refresh_whole(&self, RefreshOrder(want): RefreshOrder, app: &App) -> Result<()> {
        let _blocked = BlockedSignals::block();
        let store = self.open_store(app, self.store_of(app)?)?;
        let handed_over = process::handed_over().and_then(|file| store.adopt_lock(file).ok());
        let github = self.github(app);
        let network = || self.network_id();
        let refresh = self.refresh(app, &github, &network);
        self.with_call(app, |call| {
            let locked = match handed_over {
                Some(locked) => locked,
                None => call.lock()?,
            };
            refresh.start(locked, want);
            Ok(())
        })
    }

    pub(crate) fn refresher_arguments(
        &self,
        app: &App,
        store: StoreChoice,
        want: Want,
    ) -> Vec<OsString> {
        let mut arguments = self.background_arguments("refresher", app, store);
        arguments.extend(match log::max_level() {
            LevelFilter::Off => None,
            LevelFilter::Debug => Some("-vv".into()),
            _ => Some("-v".into()),
        });
        let order = RefreshOrder(want).to_argument();
        arguments.push(format!("--order={order}").into());
        arguments
    }

    /// The subcommand, and the flags with which it finds the record.
    pub(crate) fn background_arguments(
        &self,
        subcommand: &str,
        app: &App,
        store: StoreChoice,
    ) -> Vec<OsString> {
        let mut arguments = vec![subcommand.to_owned(), format!("--store={store}")];
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
        if let Some(folder) = &self.config.config_dir_flag {
            arguments.extend(["--config-dir".into(), folder.into()]);
        }
        arguments
    }
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
            let order = RefreshOrder(want);
            assert_eq!(order.to_argument().parse(), Ok(order));
        }
        for bad in ["", "usual", "usual:", "usual:-1", "later:5"] {
            assert!(bad.parse::<RefreshOrder>().is_err(), "{bad:?}");
        }
    }
}
