//! The calls of the Secret Service that ghtok makes, on one connection.

use std::cell::RefCell;

use dbus::Message;
use dbus::arg::Variant;

use super::messages::{
    Hits, ObjectPath, Secret, app_in, create_default_collection, create_item, get_secret, hits,
    is_nothing, prompt, property, root, search, second_as_prompt, secret_of, set_secret, to_item,
    to_prompt, to_service,
};
use crate::app::{App, ItemKind, RecordKey};
use crate::auth::ports::StoreError;
use crate::bus::{Bus, CallError, Deadline, SessionBus, first, unexpected};

/// So many calls are under way at once: a bus has a limit of its own for the answers that it owes.
const AT_ONCE: usize = 100;

/// Whether the service may be started by asking for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activation {
    /// Only who already runs is asked.
    Never,
    /// The bus may start it.
    Allowed,
}

/// What came of making an item.
#[derive(Debug)]
pub(super) enum Created {
    /// This item.
    Done(ObjectPath),
    /// This prompt, which has to be shown first.
    Asks(ObjectPath),
}

/// What can be said of the collection that new items go to.
#[derive(Debug)]
pub(super) enum DefaultCollection {
    Unlocked(ObjectPath),
    Locked(ObjectPath),
    /// There is none.
    Missing,
}

pub(super) struct ServiceConnection {
    pub(super) bus: Bus,
    known: RefCell<Known>,
}

/// What is known of the process that answers, until another one does.
#[derive(Default)]
struct Known {
    /// Its name on the bus.
    name: Option<String>,
    session: Option<ObjectPath>,
    is_gnome_keyring: Option<bool>,
}

impl ServiceConnection {
    /// Connects. The bus alone is asked; the first call of the service must be a search.
    pub(super) fn connect(session: &SessionBus, deadline: Deadline) -> Result<Self, StoreError> {
        Ok(Self {
            bus: Bus::connect(session, deadline)?,
            known: RefCell::default(),
        })
    }

    /// Begins a read or write. The search is its first call on purpose: gnome-keyring aborts if
    /// `OpenSession` is the first call of a client that it is still registering; for any other
    /// method it answers `UnknownMethod` in that moment, and knows the client at the next call.
    pub(super) fn search(
        &self,
        key: &RecordKey,
        activation: Activation,
    ) -> Result<Hits, StoreError> {
        Ok(match self.find(key, activation) {
            Err(failure) if failure.is("UnknownMethod") => self.find(key, activation),
            found_or_failed => found_or_failed,
        }?)
    }

    /// As [`Self::search`], for all items of a kind.
    pub(super) fn search_all(
        &self,
        kind: ItemKind,
        activation: Activation,
    ) -> Result<Hits, StoreError> {
        let find = || self.find_of(kind.service(), None, activation);
        Ok(match find() {
            Err(failure) if failure.is("UnknownMethod") => find(),
            found_or_failed => found_or_failed,
        }?)
    }

    /// As [`Self::search`], and asks at the same time for what an item holds that was read before.
    /// That is given only if the item is still the one that is found.
    pub(super) fn search_and_read(
        &self,
        key: &RecordKey,
        item: &ObjectPath,
        activation: Activation,
    ) -> Result<(Hits, Option<Secret>), StoreError> {
        let session = self.known.borrow().session.clone();
        let Some(session) = session else {
            return Ok((self.search(key, activation)?, None));
        };
        let mut find = search(key.service(), Some(key.as_str()));
        find.set_auto_start(activation == Activation::Allowed);
        let mut get = get_secret(item, &session);
        get.set_auto_start(false);
        let mut answers = self.bus.call_all([find, get])?.into_iter();
        let (Some(Ok(found)), Some(answer)) = (answers.next(), answers.next()) else {
            return Ok((self.search(key, activation)?, None));
        };
        self.answered_by(&found);
        let hits = hits(&found)?;
        let secret = answer.and_then(|answer| secret_of(&answer)).ok();
        let is_found = hits.only() == Some(item);
        Ok((hits, secret.filter(|_| is_found)))
    }

    /// Replaces what an item holds where only the item itself changes by that; false elsewhere.
    pub(super) fn overwrite(&self, item: &ObjectPath, bytes: &[u8]) -> Result<bool, CallError> {
        let session = self.known.borrow().session.clone();
        match session {
            Some(session) if self.is_gnome_keyring() => {
                self.set_secret(item, &session, bytes).map(|()| true)
            }
            Some(_) | None => Ok(false),
        }
    }

    /// The items with a record's attributes, once more.
    pub(super) fn find(&self, key: &RecordKey, activation: Activation) -> Result<Hits, CallError> {
        self.find_of(key.service(), Some(key.as_str()), activation)
    }

    fn find_of(
        &self,
        service: &str,
        username: Option<&str>,
        activation: Activation,
    ) -> Result<Hits, CallError> {
        let mut search = search(service, username);
        search.set_auto_start(activation == Activation::Allowed);
        let found = self.bus.call(search)?;
        self.answered_by(&found);
        hits(&found)
    }

    /// The items of a collection, whichever program's.
    pub(super) fn items(&self, collection: &ObjectPath) -> Result<Vec<ObjectPath>, CallError> {
        let get = property(collection, "org.freedesktop.Secret.Collection", "Items");
        let Variant(items) = first(&self.ask(get)?)?;
        Ok(items)
    }

    pub(super) fn is_item_locked(&self, item: &ObjectPath) -> Result<bool, CallError> {
        let get = property(item, "org.freedesktop.Secret.Item", "Locked");
        let Variant(locked) = first(&self.ask(get)?)?;
        Ok(locked)
    }

    /// Forgets what was known of another process that answered before.
    fn answered_by(&self, answer: &Message) {
        let mut known = self.known.borrow_mut();
        let sender = answer.sender();
        if known.name.as_deref() != sender.as_deref() {
            *known = Known {
                name: sender.map(|name| name.to_string()),
                ..Known::default()
            };
        }
    }

    /// The Apps that items' attributes name, in the order of the items; `None` where the service
    /// does not show them.
    pub(super) fn apps_of(
        &self,
        items: &[ObjectPath],
    ) -> Result<Vec<Result<Option<App>, CallError>>, CallError> {
        let mut apps = Vec::with_capacity(items.len());
        for items in items.chunks(AT_ONCE) {
            let questions = items.iter().map(|item| {
                let mut get = property(item, "org.freedesktop.Secret.Item", "Attributes");
                get.set_auto_start(false);
                get
            });
            let answers = self.bus.call_all(questions)?;
            apps.extend(answers.into_iter().map(|answer| app_in(&answer?)));
        }
        Ok(apps)
    }

    /// A session without encryption of its own, opened if there is none: the bus is a socket between
    /// processes of one user, who may ask for the secret as well; encryption would cost more than
    /// everything else.
    pub(super) fn open_session(&self) -> Result<ObjectPath, CallError> {
        if let Some(session) = &self.known.borrow().session {
            return Ok(session.clone());
        }
        let session = self.new_session()?;
        self.known.borrow_mut().session = Some(session.clone());
        Ok(session)
    }

    fn new_session(&self) -> Result<ObjectPath, CallError> {
        let open = to_service("OpenSession\0").append2("plain", Variant(""));
        let opened = self.ask(open)?;
        // Before the path is a variant: an empty string, or in oo7 an empty array of bytes.
        let mut values = opened.iter_init();
        values.next();
        values.get().ok_or_else(unexpected)
    }

    /// An item's secret.
    pub(super) fn secret(
        &self,
        item: &ObjectPath,
        session: &ObjectPath,
    ) -> Result<Secret, CallError> {
        secret_of(&self.ask(get_secret(item, session))?)
    }

    /// The secrets of several items, in their order.
    pub(super) fn secrets(
        &self,
        items: &[&ObjectPath],
        session: &ObjectPath,
    ) -> Result<Vec<Result<Secret, CallError>>, CallError> {
        let mut secrets = Vec::with_capacity(items.len());
        for items in items.chunks(AT_ONCE) {
            let questions = items.iter().map(|item| {
                let mut get = get_secret(item, session);
                get.set_auto_start(false);
                get
            });
            let answers = self.bus.call_all(questions)?;
            secrets.extend(answers.into_iter().map(|answer| secret_of(&answer?)));
        }
        Ok(secrets)
    }

    /// Replaces an item's secret.
    pub(super) fn set_secret(
        &self,
        item: &ObjectPath,
        session: &ObjectPath,
        bytes: &[u8],
    ) -> Result<(), CallError> {
        self.ask(set_secret(item, session, bytes)).map(drop)
    }

    /// Makes a record's item, in place of one with the same attributes.
    pub(super) fn create_item(
        &self,
        collection: &ObjectPath,
        session: &ObjectPath,
        key: &RecordKey,
        bytes: &[u8],
    ) -> Result<Created, CallError> {
        let created = self.ask(create_item(collection, session, key, bytes))?;
        Ok(match (first(&created)?, second_as_prompt(&created)?) {
            (_, Some(prompt)) => Created::Asks(prompt),
            (item, None) => Created::Done(item),
        })
    }

    /// Deletes an item. What it returns is the prompt that this takes, if it takes one.
    pub(super) fn delete(&self, item: &ObjectPath) -> Result<Option<ObjectPath>, CallError> {
        let deleted = self.ask(to_item(item, "Delete\0"))?;
        first(&deleted).map(prompt)
    }

    /// The collection that new items go to, and whether it is locked.
    pub(super) fn default_collection(&self) -> Result<DefaultCollection, CallError> {
        let read = self.ask(to_service("ReadAlias\0").append1("default"))?;
        let collection: ObjectPath = first(&read)?;
        if is_nothing(&collection) {
            return Ok(DefaultCollection::Missing);
        }
        Ok(if self.is_locked(&collection)? {
            DefaultCollection::Locked(collection)
        } else {
            DefaultCollection::Unlocked(collection)
        })
    }

    pub(super) fn is_locked(&self, collection: &ObjectPath) -> Result<bool, CallError> {
        let get = property(collection, "org.freedesktop.Secret.Collection", "Locked");
        let Variant(locked) = first(&self.ask(get)?)?;
        Ok(locked)
    }

    /// All collections, the service's own for the time of a session among them.
    pub(super) fn collections(&self) -> Result<Vec<ObjectPath>, CallError> {
        let get = property(&root(), "org.freedesktop.Secret.Service", "Collections");
        let Variant(collections) = first(&self.ask(get)?)?;
        Ok(collections)
    }

    /// Unlocks what needs no person for it. What it returns is the prompt that the rest takes.
    pub(super) fn unlock(&self, objects: &[ObjectPath]) -> Result<Option<ObjectPath>, CallError> {
        let unlocked = self.ask(to_service("Unlock\0").append1(objects.to_vec()))?;
        second_as_prompt(&unlocked)
    }

    /// Makes the default collection. What it returns is the prompt that this takes.
    pub(super) fn create_default_collection(&self) -> Result<Option<ObjectPath>, CallError> {
        let created = self.ask(create_default_collection())?;
        second_as_prompt(&created)
    }

    /// Shows a prompt. Its end comes as a signal.
    pub(super) fn show(&self, prompt: &ObjectPath) -> Result<(), CallError> {
        let show = to_prompt(prompt, "Prompt\0").append1("");
        self.ask(show).map(drop)
    }

    /// Takes a prompt back, shown or not.
    pub(super) fn dismiss(&self, prompt: &ObjectPath) -> Result<(), CallError> {
        self.ask(to_prompt(prompt, "Dismiss\0")).map(drop)
    }

    pub(super) fn is_gnome_keyring(&self) -> bool {
        if let Some(known) = self.known.borrow().is_gnome_keyring {
            return known;
        }
        let is_gnome_keyring = self
            .bus
            .have_one_owner("org.gnome.keyring", "org.freedesktop.secrets");
        self.known.borrow_mut().is_gnome_keyring = Some(is_gnome_keyring);
        is_gnome_keyring
    }

    /// Begins another read or write on this connection.
    pub(super) fn begin(&mut self, deadline: Deadline) {
        self.bus.begin(deadline);
    }

    /// Asks who answered the search. A service that ended since must not be started again: it would
    /// be locked, and `OpenSession` its first call.
    fn ask(&self, mut message: Message) -> Result<Message, CallError> {
        message.set_auto_start(false);
        self.bus.call(message)
    }
}
