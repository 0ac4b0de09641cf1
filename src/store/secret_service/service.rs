//! The calls of the Secret Service API 0.2 that ghtok makes, typed. Every answer is parsed by its
//! signature, because the services differ in what the specification leaves open.

use std::cell::RefCell;
use std::collections::HashMap;

use dbus::Message;
use dbus::arg::{IterAppend, Variant};
use dbus::strings::Path;
use zeroize::Zeroizing;

use crate::app::{App, RecordKey};
use crate::auth::ports::StoreError;
use crate::bus::{Bus, Deadline, Failure, Session as UserSession, call_at, first, unexpected};

const SERVICE: &str = "org.freedesktop.secrets\0";
const ROOT: &str = "/org/freedesktop/secrets\0";
const INTERFACE: &str = "org.freedesktop.Secret.Service\0";
const COLLECTION: &str = "org.freedesktop.Secret.Collection\0";
const ITEM: &str = "org.freedesktop.Secret.Item\0";
const PROMPT: &str = "org.freedesktop.Secret.Prompt\0";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties\0";

/// The value of attribute `service` on every item of ours; the keyring crates find it as theirs.
const OURS: &str = "ghtok";

/// So many calls are under way at once: a bus has a limit of its own for the answers that it owes.
const AT_ONCE: usize = 100;

/// What an item keeps.
pub(super) type Secret = Zeroizing<Vec<u8>>;

/// An object of the service.
pub(super) type Object = Path<'static>;

/// Whether the service may be started by asking for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activation {
    /// Only who already runs is asked.
    Never,
    /// The bus may start it.
    Allowed,
}

/// The items with a record's attributes.
#[derive(Debug, Default)]
pub(super) struct Hits {
    pub(super) unlocked: Vec<Object>,
    pub(super) locked: Vec<Object>,
}

impl Hits {
    /// The one item, if there is no other and it can be read.
    pub(super) fn only(&self) -> Option<&Object> {
        match (self.unlocked.as_slice(), self.locked.as_slice()) {
            ([item], []) => Some(item),
            _ => None,
        }
    }
}

/// What came of making an item.
#[derive(Debug)]
pub(super) enum Created {
    /// This item.
    Done(Object),
    /// This prompt, which has to be shown first.
    Asks(Object),
}

/// What can be said of the collection that new items go to.
#[derive(Debug)]
pub(super) enum DefaultCollection {
    Unlocked(Object),
    Locked(Object),
    /// There is none.
    Missing,
}

/// A connection to the service.
pub(super) struct Service {
    pub(super) bus: Bus,
    known: RefCell<Known>,
}

/// What is known of the process that answers, until another one does.
#[derive(Default)]
struct Known {
    /// Its name on the bus.
    name: Option<String>,
    session: Option<Object>,
    is_gnome_keyring: Option<bool>,
}

impl Service {
    /// Connects. The bus alone is asked; the first call of the service must be a search.
    pub(super) fn connect(session: &UserSession, deadline: Deadline) -> Result<Self, StoreError> {
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

    /// As [`Self::search`], for the items of all records.
    pub(super) fn search_all(&self, activation: Activation) -> Result<Hits, StoreError> {
        Ok(match self.find_of(None, activation) {
            Err(failure) if failure.is("UnknownMethod") => self.find_of(None, activation),
            found_or_failed => found_or_failed,
        }?)
    }

    /// As [`Self::search`], and asks at the same time for what an item holds that was read before.
    /// That is given only if the item is still the one that is found.
    pub(super) fn search_and_read(
        &self,
        key: &RecordKey,
        item: &Object,
        activation: Activation,
    ) -> Result<(Hits, Option<Secret>), StoreError> {
        let session = self.known.borrow().session.clone();
        let Some(session) = session else {
            return Ok((self.search(key, activation)?, None));
        };
        let mut search = search_message(Some(key));
        search.set_auto_start(activation == Activation::Allowed);
        let mut get = get_secret(item, &session);
        get.set_auto_start(false);
        let mut answers = self.bus.call_all([search, get])?.into_iter();
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
    pub(super) fn overwrite(&self, item: &Object, bytes: &[u8]) -> Result<bool, Failure> {
        let session = self.known.borrow().session.clone();
        match session {
            Some(session) if self.is_gnome_keyring() => {
                self.set_secret(item, &session, bytes).map(|()| true)
            }
            Some(_) | None => Ok(false),
        }
    }

    /// The items with a record's attributes, once more.
    pub(super) fn find(&self, key: &RecordKey, activation: Activation) -> Result<Hits, Failure> {
        self.find_of(Some(key), activation)
    }

    fn find_of(&self, key: Option<&RecordKey>, activation: Activation) -> Result<Hits, Failure> {
        let mut search = search_message(key);
        search.set_auto_start(activation == Activation::Allowed);
        let found = self.bus.call(search)?;
        self.answered_by(&found);
        hits(&found)
    }

    /// The items of a collection, whichever program's.
    pub(super) fn items(&self, collection: &Object) -> Result<Vec<Object>, Failure> {
        let get = call_at(SERVICE, collection, PROPERTIES, "Get\0")
            .append2("org.freedesktop.Secret.Collection", "Items");
        let Variant(items) = first(&self.ask(get)?)?;
        Ok(items)
    }

    /// Whether an item is locked.
    pub(super) fn is_item_locked(&self, item: &Object) -> Result<bool, Failure> {
        let get = call_at(SERVICE, item, PROPERTIES, "Get\0")
            .append2("org.freedesktop.Secret.Item", "Locked");
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
        items: &[Object],
    ) -> Result<Vec<Result<Option<App>, Failure>>, Failure> {
        let mut apps = Vec::with_capacity(items.len());
        for items in items.chunks(AT_ONCE) {
            let questions = items.iter().map(|item| {
                let mut get = call_at(SERVICE, item, PROPERTIES, "Get\0")
                    .append2("org.freedesktop.Secret.Item", "Attributes");
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
    pub(super) fn open_session(&self) -> Result<Object, Failure> {
        if let Some(session) = &self.known.borrow().session {
            return Ok(session.clone());
        }
        let session = self.new_session()?;
        self.known.borrow_mut().session = Some(session.clone());
        Ok(session)
    }

    fn new_session(&self) -> Result<Object, Failure> {
        let open = to_service("OpenSession\0").append2("plain", Variant(""));
        let opened = self.ask(open)?;
        // Before the path is a variant: an empty string, or in oo7 an empty array of bytes.
        let mut values = opened.iter_init();
        values.next();
        values.get().ok_or_else(unexpected)
    }

    /// An item's secret.
    pub(super) fn secret(&self, item: &Object, session: &Object) -> Result<Secret, Failure> {
        secret_of(&self.ask(get_secret(item, session))?)
    }

    /// The secrets of several items, in their order.
    pub(super) fn secrets(
        &self,
        items: &[&Object],
        session: &Object,
    ) -> Result<Vec<Result<Secret, Failure>>, Failure> {
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
        item: &Object,
        session: &Object,
        bytes: &[u8],
    ) -> Result<(), Failure> {
        let mut set = call_at(SERVICE, item, ITEM, "SetSecret\0");
        append_secret(&mut IterAppend::new(&mut set), session, bytes);
        self.ask(set).map(drop)
    }

    /// Makes a record's item, in place of one with the same attributes.
    pub(super) fn create_item(
        &self,
        collection: &Object,
        session: &Object,
        key: &RecordKey,
        bytes: &[u8],
    ) -> Result<Created, Failure> {
        let mut create = call_at(SERVICE, collection, COLLECTION, "CreateItem\0");
        let mut values = IterAppend::new(&mut create);
        values.append_dict(&"s\0".into(), &"v\0".into(), |properties| {
            properties.append_dict_entry(|entry| {
                entry.append("org.freedesktop.Secret.Item.Label");
                entry.append(Variant(format!("{OURS}: {}", key.as_str())));
            });
            properties.append_dict_entry(|entry| {
                entry.append("org.freedesktop.Secret.Item.Attributes");
                entry.append_variant(&"a{ss}\0".into(), |value| {
                    append_attributes(value, Some(key));
                });
            });
        });
        append_secret(&mut values, session, bytes);
        values.append(true);
        let created = self.ask(create)?;
        Ok(match (first(&created)?, second_as_prompt(&created)?) {
            (_, Some(prompt)) => Created::Asks(prompt),
            (item, None) => Created::Done(item),
        })
    }

    /// Deletes an item. What it returns is the prompt that this takes, if it takes one.
    pub(super) fn delete(&self, item: &Object) -> Result<Option<Object>, Failure> {
        let deleted = self.ask(call_at(SERVICE, item, ITEM, "Delete\0"))?;
        first(&deleted).map(prompt)
    }

    /// The collection that new items go to, and whether it is locked.
    pub(super) fn default_collection(&self) -> Result<DefaultCollection, Failure> {
        let read = self.ask(to_service("ReadAlias\0").append1("default"))?;
        let collection: Object = first(&read)?;
        if is_nothing(&collection) {
            return Ok(DefaultCollection::Missing);
        }
        Ok(if self.is_locked(&collection)? {
            DefaultCollection::Locked(collection)
        } else {
            DefaultCollection::Unlocked(collection)
        })
    }

    /// Whether a collection is locked.
    pub(super) fn is_locked(&self, collection: &Object) -> Result<bool, Failure> {
        let get = call_at(SERVICE, collection, PROPERTIES, "Get\0")
            .append2("org.freedesktop.Secret.Collection", "Locked");
        let Variant(locked) = first(&self.ask(get)?)?;
        Ok(locked)
    }

    /// All collections, the service's own for the time of a session among them.
    pub(super) fn collections(&self) -> Result<Vec<Object>, Failure> {
        let get = call_at(SERVICE, &Path::from(ROOT), PROPERTIES, "Get\0")
            .append2("org.freedesktop.Secret.Service", "Collections");
        let Variant(collections) = first(&self.ask(get)?)?;
        Ok(collections)
    }

    /// Unlocks what needs no person for it. What it returns is the prompt that the rest takes.
    pub(super) fn unlock(&self, objects: &[Object]) -> Result<Option<Object>, Failure> {
        let unlocked = self.ask(to_service("Unlock\0").append1(objects.to_vec()))?;
        second_as_prompt(&unlocked)
    }

    /// Makes the default collection. What it returns is the prompt that this takes.
    pub(super) fn create_default_collection(&self) -> Result<Option<Object>, Failure> {
        let mut create = to_service("CreateCollection\0");
        let mut values = IterAppend::new(&mut create);
        values.append_dict(&"s\0".into(), &"v\0".into(), |properties| {
            properties.append_dict_entry(|entry| {
                entry.append("org.freedesktop.Secret.Collection.Label");
                entry.append(Variant("Default"));
            });
        });
        values.append("default");
        let created = self.ask(create)?;
        second_as_prompt(&created)
    }

    /// Shows a prompt. Its end comes as a signal.
    pub(super) fn show(&self, prompt: &Object) -> Result<(), Failure> {
        let show = call_at(SERVICE, prompt, PROMPT, "Prompt\0").append1("");
        self.ask(show).map(drop)
    }

    /// Takes a prompt back, shown or not.
    pub(super) fn dismiss(&self, prompt: &Object) -> Result<(), Failure> {
        self.ask(call_at(SERVICE, prompt, PROMPT, "Dismiss\0"))
            .map(drop)
    }

    /// Whether this is gnome-keyring.
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

    /// Asks who answered the search. A service that ended since must not be started anew: it would
    /// be locked, and `OpenSession` its first call.
    fn ask(&self, mut message: Message) -> Result<Message, Failure> {
        message.set_auto_start(false);
        self.bus.call(message)
    }
}

/// Without a key, for all records.
fn search_message(key: Option<&RecordKey>) -> Message {
    let mut search = to_service("SearchItems\0");
    append_attributes(&mut IterAppend::new(&mut search), key);
    search
}

fn hits(found: &Message) -> Result<Hits, Failure> {
    match found.get2() {
        (Some(unlocked), Some(locked)) => Ok(Hits { unlocked, locked }),
        _ => Err(unexpected()),
    }
}

fn app_in(answer: &Message) -> Result<Option<App>, Failure> {
    let Variant(attributes) = first::<Variant<HashMap<String, String>>>(answer)?;
    Ok(attributes.get("username").and_then(|key| App::of_key(key)))
}

fn get_secret(item: &Object, session: &Object) -> Message {
    call_at(SERVICE, item, ITEM, "GetSecret\0").append1(session.clone())
}

fn secret_of(answer: &Message) -> Result<Secret, Failure> {
    let (_, _, bytes, _) = first::<(Path<'_>, &[u8], &[u8], &str)>(answer)?;
    Ok(Zeroizing::new(bytes.to_vec()))
}

fn to_service(method: &str) -> Message {
    call_at(SERVICE, &Path::from(ROOT), INTERFACE, method)
}

fn append_attributes(values: &mut IterAppend<'_>, key: Option<&RecordKey>) {
    let username = key.map(|key| ("username", key.as_str()));
    values.append_dict(&"s\0".into(), &"s\0".into(), |attributes| {
        for (name, value) in [("service", OURS)].into_iter().chain(username) {
            attributes.append_dict_entry(|entry| {
                entry.append(name);
                entry.append(value);
            });
        }
    });
}

fn append_secret(values: &mut IterAppend<'_>, session: &Object, bytes: &[u8]) {
    values.append_struct(|secret| {
        secret.append(session.clone());
        secret.append::<&[u8]>(&[]);
        secret.append(bytes);
        secret.append("application/octet-stream");
    });
}

fn second_as_prompt(answer: &Message) -> Result<Option<Object>, Failure> {
    let mut values = answer.iter_init();
    values.next();
    values.get().map(prompt).ok_or_else(unexpected)
}

fn prompt(path: Object) -> Option<Object> {
    (!is_nothing(&path)).then_some(path)
}

/// `/` stands for no object.
fn is_nothing(path: &Object) -> bool {
    **path == *"/"
}
