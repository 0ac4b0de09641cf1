//! One connection to the user's Secret Service for everything that one command does there.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::app::{ItemKind, RecordKey};
use crate::auth::ports::StoreError;
use crate::bus::{CallError, Deadline, SessionBus};
use crate::store::secret_service::SecretServiceSlot;
use crate::store::secret_service::messages::{Hits, ObjectPath, Secret};
use crate::store::secret_service::service::{Activation, ServiceConnection};

/// What a read of a record brought.
pub(super) type ReadResult = Result<Option<Zeroizing<Vec<u8>>>, StoreError>;

/// The user's Secret Service. Nothing is connected before the first read or write; the connection
/// is then kept for the next one.
pub struct SecretService {
    session: SessionBus,
    limit: Duration,
    idle: Mutex<Option<ServiceConnection>>,
    read_ahead: Mutex<BTreeMap<RecordKey, ReadResult>>,
}

impl SecretService {
    /// Each read or write, all its calls together, will have `limit`.
    pub fn new(session: SessionBus, limit: Duration) -> Arc<Self> {
        Arc::new(Self {
            session,
            limit,
            idle: Mutex::default(),
            read_ahead: Mutex::default(),
        })
    }

    /// The place of one record in it.
    pub fn slot(self: &Arc<Self>, key: &RecordKey) -> SecretServiceSlot {
        SecretServiceSlot {
            key: key.clone(),
            service: Arc::clone(self),
            item: RefCell::default(),
        }
    }

    /// The same service, through a connection of its own.
    pub(super) fn apart(&self) -> Arc<Self> {
        Self::new(self.session.clone(), self.limit)
    }

    /// The end of a read or write that begins now.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(self.limit)
    }

    /// Finds a record's items. The service is started for it only where it will come up as the
    /// person left it: a gnome-keyring that the bus starts from nothing is locked, and stands in
    /// the way of one that a script unlocks later.
    pub(super) fn search(&self, key: &RecordKey) -> Result<(Lease<'_>, Hits), StoreError> {
        self.search_with(key, self.activation())
    }

    /// As [`Self::search`], for all items of a kind.
    pub(super) fn search_all(&self, kind: ItemKind) -> Result<(Lease<'_>, Hits), StoreError> {
        self.begin(|service| service.search_all(kind, self.activation()))
    }

    /// As [`Self::search`], and gives what the item holds that was read last, where that one is still
    /// the only one.
    pub(super) fn search_and_read(
        &self,
        key: &RecordKey,
        item: Option<&ObjectPath>,
    ) -> Result<(Lease<'_>, Hits, Option<Secret>), StoreError> {
        let (service, (hits, secret)) = self.begin(|service| match item {
            Some(item) => service.search_and_read(key, item, self.activation()),
            None => Ok((service.search(key, self.activation())?, None)),
        })?;
        Ok((service, hits, secret))
    }

    /// Replaces what an item holds that was read on this connection; false where that is not known to
    /// be possible, and nothing was changed.
    pub(super) fn overwrite(&self, item: &ObjectPath, bytes: &[u8]) -> Result<bool, StoreError> {
        let Some(mut service) = held(&self.idle).take() else {
            return Ok(false);
        };
        service.begin(self.deadline());
        let written = service.overwrite(item, bytes);
        let service = self.lease(service);
        match written {
            Ok(written) => Ok(written),
            Err(CallError::Refused { .. }) => Ok(false),
            Err(CallError::NoAnswer(StoreError::Unreachable(_))) if service.bus.is_broken() => {
                Ok(false)
            }
            Err(CallError::NoAnswer(error)) => Err(error),
        }
    }

    fn activation(&self) -> Activation {
        if self.has_waiting_daemon() {
            Activation::Allowed
        } else {
            Activation::Never
        }
    }

    /// Finds a record's items: always the first call, on a connection that was used before too.
    pub(super) fn search_with(
        &self,
        key: &RecordKey,
        activation: Activation,
    ) -> Result<(Lease<'_>, Hits), StoreError> {
        self.begin(|service| service.search(key, activation))
    }

    fn begin<T>(
        &self,
        search: impl Fn(&ServiceConnection) -> Result<T, StoreError>,
    ) -> Result<(Lease<'_>, T), StoreError> {
        if let Some(mut service) = held(&self.idle).take() {
            service.begin(self.deadline());
            match search(&service) {
                // The bus has ended since, and may have been started again.
                Err(StoreError::Unreachable(_)) if service.bus.is_broken() => {}
                Ok(hits) => return Ok((self.lease(service), hits)),
                Err(error) => return Err(error),
            }
        }
        let service = ServiceConnection::connect(&self.session, self.deadline())?;
        let hits = search(&service)?;
        Ok((self.lease(service), hits))
    }

    /// What was read ahead of a record, for its next read alone: one that follows wants to know
    /// what has changed.
    pub(super) fn take_read_ahead(&self, key: &RecordKey) -> Option<ReadResult> {
        let mut read = held(&self.read_ahead);
        if read.is_empty() {
            return None;
        }
        read.remove(key)
    }

    pub(super) fn keep_read_ahead(&self, key: &RecordKey, found: ReadResult) {
        held(&self.read_ahead).insert(key.clone(), found);
    }

    fn lease(&self, service: ServiceConnection) -> Lease<'_> {
        Lease {
            home: self,
            service: Some(service),
        }
    }

    /// True if a gnome-keyring waits to be put on the bus. PAM starts it at the log-in with the
    /// password that unlocks it; it is seen on the bus only once it is activated there.
    fn has_waiting_daemon(&self) -> bool {
        self.session.runtime_dir().join("keyring/control").exists()
    }
}

/// A connection in use. It is kept for the next use, unless it broke.
pub(super) struct Lease<'a> {
    home: &'a SecretService,
    service: Option<ServiceConnection>,
}

impl Deref for Lease<'_> {
    type Target = ServiceConnection;

    fn deref(&self) -> &ServiceConnection {
        self.service.as_ref().expect("it is there until the drop")
    }
}

impl DerefMut for Lease<'_> {
    fn deref_mut(&mut self) -> &mut ServiceConnection {
        self.service.as_mut().expect("it is there until the drop")
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(service) = self
            .service
            .take()
            .filter(|service| !service.bus.is_broken())
        {
            *held(&self.home.idle) = Some(service);
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
