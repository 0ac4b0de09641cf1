//! Chooses where the steps of a call are told.

use crate::Root;
use crate::app::{App, RecordKey};
use crate::cli::{Cli, Command};
use crate::config::Environment;
use crate::config::FileState;
use crate::error::Result;
use crate::steps::{Detail, Steps};
use crate::store::private_file;
use crate::store::state_folder::StateFolder;
use crate::store::told::Told;
use crate::store::{RecordStore, Slot};
use crate::system::steps::{in_file, on_standard_error};

/// What the flag or the variable asks for, whichever asks for more. The refresher has no standard
/// error; its steps wait for their file.
pub(crate) fn of_call(cli: &Cli, environment: &Environment) -> Result<(Detail, Steps)> {
    let detail = cli.detail().max(environment.detail()?);
    let steps = match cli.command {
        Command::Refresher(_) => Steps::SILENT,
        _ => on_standard_error(detail),
    };
    Ok((detail, steps))
}

impl Root<'_> {
    pub(crate) fn tell_configuration(&self) {
        self.steps.info(|| {
            let state = match self.config.file_state {
                FileState::Missing => "not there",
                FileState::Read => "read",
            };
            format!("configuration: {} {state}", self.config.file.display())
        });
    }

    /// The refresher's own steps, in a file of the record that each refresh begins anew.
    pub(crate) fn tell_in_file(&mut self) -> Result<()> {
        if self.detail > Detail::Off {
            let key = self.config.app(None)?.key();
            let path = StateFolder::at(self.config.state_dir.clone()).log(&key);
            if let Ok(file) = private_file::create(&path) {
                self.steps = in_file(self.detail, file);
                self.steps
                    .info(|| format!("refresher {}", std::process::id()));
                self.tell_configuration();
            }
        }
        Ok(())
    }

    /// A record's store, its steps told if anybody listens.
    pub(crate) fn record_store(
        &self,
        app: &App,
        key: RecordKey,
        slot: Box<dyn Slot>,
    ) -> RecordStore {
        let folder = StateFolder::at(self.config.state_dir.clone());
        if self.steps.detail() == Detail::Off {
            return RecordStore::new(slot, folder, key);
        }
        let steps = self.steps;
        steps.info(|| {
            let record = key.as_str();
            format!("App {}: record {record}: {}", app.label(), slot.describe())
        });
        RecordStore::new(Box::new(Told { slot, steps }), folder, key)
    }
}
