//! A slot whose reads and writes are told as steps.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::auth::ports::StoreError;
use crate::steps::Steps;
use crate::store::Slot;

/// Another slot, and where its steps are told.
pub struct Told {
    /// Does the work.
    pub slot: Box<dyn Slot>,
    /// Is told of it.
    pub steps: Steps,
}

impl Told {
    fn tell<T>(&self, doing: &str, done: Result<T, StoreError>) -> Result<T, StoreError> {
        self.told(doing, done, |_| "done".into())
    }

    fn told<T>(
        &self,
        doing: &str,
        done: Result<T, StoreError>,
        words: impl FnOnce(&T) -> String,
    ) -> Result<T, StoreError> {
        self.steps.info(|| {
            let came = match &done {
                Ok(value) => words(value),
                Err(error) => error.to_string(),
            };
            format!("{}: {doing}: {came}", self.slot.describe())
        });
        done
    }
}

impl Slot for Told {
    fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.told("read", self.slot.read(), |found| match found {
            Some(bytes) => format!("a record of {} bytes", bytes.len()),
            None => "no record".into(),
        })
    }

    fn write(&self, bytes: &[u8]) -> Result<(), StoreError> {
        self.tell("save", self.slot.write(bytes))
    }

    fn delete(&self) -> Result<(), StoreError> {
        self.tell("delete", self.slot.delete())
    }

    fn unlock(&self, limit: Duration) -> Result<(), StoreError> {
        self.tell("unlock", self.slot.unlock(limit))
    }

    fn prove_writable(&self) -> Result<(), StoreError> {
        self.tell("try to write", self.slot.prove_writable())
    }

    fn name(&self) -> &'static str {
        self.slot.name()
    }

    fn describe(&self) -> String {
        self.slot.describe()
    }
}
