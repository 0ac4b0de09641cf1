//! The messages of the Secret Service API 0.2: the calls as they are sent, and the answers, parsed by
//! their signature, because the services differ in what the specification leaves open.

use std::collections::HashMap;

use dbus::Message;
use dbus::arg::{IterAppend, Variant};
use dbus::strings::Path;
use zeroize::Zeroizing;

use crate::app::{App, RecordKey};
use crate::bus::{CallError, call_at, first, unexpected};

const SERVICE: &str = "org.freedesktop.secrets\0";
const ROOT: &str = "/org/freedesktop/secrets\0";
const INTERFACE: &str = "org.freedesktop.Secret.Service\0";
const COLLECTION: &str = "org.freedesktop.Secret.Collection\0";
const ITEM: &str = "org.freedesktop.Secret.Item\0";
const PROMPT: &str = "org.freedesktop.Secret.Prompt\0";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties\0";

/// What an item keeps.
pub(super) type Secret = Zeroizing<Vec<u8>>;

/// An object of the service.
pub(super) type ObjectPath = Path<'static>;

/// The items with a record's attributes.
#[derive(Debug, Default)]
pub(super) struct Hits {
    pub(super) unlocked: Vec<ObjectPath>,
    pub(super) locked: Vec<ObjectPath>,
}

impl Hits {
    /// The one item, if there is no other and it can be read.
    pub(super) fn only(&self) -> Option<&ObjectPath> {
        match (self.unlocked.as_slice(), self.locked.as_slice()) {
            ([item], []) => Some(item),
            _ => None,
        }
    }
}

/// Without a user name, for all items of the service.
pub(super) fn search(service: &str, username: Option<&str>) -> Message {
    let mut search = to_service("SearchItems\0");
    append_attributes(&mut IterAppend::new(&mut search), service, username);
    search
}

pub(super) fn hits(found: &Message) -> Result<Hits, CallError> {
    match found.get2() {
        (Some(unlocked), Some(locked)) => Ok(Hits { unlocked, locked }),
        _ => Err(unexpected()),
    }
}

pub(super) fn app_in(answer: &Message) -> Result<Option<App>, CallError> {
    let Variant(attributes) = first::<Variant<HashMap<String, String>>>(answer)?;
    Ok(attributes.get("username").and_then(|key| App::of_key(key)))
}

pub(super) fn get_secret(item: &ObjectPath, session: &ObjectPath) -> Message {
    to_item(item, "GetSecret\0").append1(session.clone())
}

pub(super) fn secret_of(answer: &Message) -> Result<Secret, CallError> {
    let (_, _, bytes, _) = first::<(Path<'_>, &[u8], &[u8], &str)>(answer)?;
    Ok(Zeroizing::new(bytes.to_vec()))
}

pub(super) fn to_service(method: &str) -> Message {
    call_at(SERVICE, &Path::from(ROOT), INTERFACE, method)
}

pub(super) fn to_item(item: &ObjectPath, method: &str) -> Message {
    call_at(SERVICE, item, ITEM, method)
}

pub(super) fn to_prompt(prompt: &ObjectPath, method: &str) -> Message {
    call_at(SERVICE, prompt, PROMPT, method)
}

/// The object of the service itself.
pub(super) fn root() -> ObjectPath {
    Path::from(ROOT)
}

/// Asks for a property of an object.
pub(super) fn property(object: &ObjectPath, interface: &str, name: &str) -> Message {
    call_at(SERVICE, object, PROPERTIES, "Get\0").append2(interface, name)
}

pub(super) fn set_secret(item: &ObjectPath, session: &ObjectPath, bytes: &[u8]) -> Message {
    let mut set = to_item(item, "SetSecret\0");
    append_secret(&mut IterAppend::new(&mut set), session, bytes);
    set
}

pub(super) fn create_item(
    collection: &ObjectPath,
    session: &ObjectPath,
    key: &RecordKey,
    bytes: &[u8],
) -> Message {
    let mut create = call_at(SERVICE, collection, COLLECTION, "CreateItem\0");
    let mut values = IterAppend::new(&mut create);
    values.append_dict(&"s\0".into(), &"v\0".into(), |properties| {
        properties.append_dict_entry(|entry| {
            entry.append("org.freedesktop.Secret.Item.Label");
            entry.append(Variant(format!("{}: {}", key.service(), key.as_str())));
        });
        properties.append_dict_entry(|entry| {
            entry.append("org.freedesktop.Secret.Item.Attributes");
            entry.append_variant(&"a{ss}\0".into(), |value| {
                append_attributes(value, key.service(), Some(key.as_str()));
            });
        });
    });
    append_secret(&mut values, session, bytes);
    values.append(true);
    create
}

pub(super) fn create_default_collection() -> Message {
    let mut create = to_service("CreateCollection\0");
    let mut values = IterAppend::new(&mut create);
    values.append_dict(&"s\0".into(), &"v\0".into(), |properties| {
        properties.append_dict_entry(|entry| {
            entry.append("org.freedesktop.Secret.Collection.Label");
            entry.append(Variant("Default"));
        });
    });
    values.append("default");
    create
}

fn append_attributes(values: &mut IterAppend<'_>, service: &str, username: Option<&str>) {
    let username = username.map(|username| ("username", username));
    values.append_dict(&"s\0".into(), &"s\0".into(), |attributes| {
        for (name, value) in [("service", service)].into_iter().chain(username) {
            attributes.append_dict_entry(|entry| {
                entry.append(name);
                entry.append(value);
            });
        }
    });
}

fn append_secret(values: &mut IterAppend<'_>, session: &ObjectPath, bytes: &[u8]) {
    values.append_struct(|secret| {
        secret.append(session.clone());
        secret.append::<&[u8]>(&[]);
        secret.append(bytes);
        secret.append("application/octet-stream");
    });
}

pub(super) fn second_as_prompt(answer: &Message) -> Result<Option<ObjectPath>, CallError> {
    let mut values = answer.iter_init();
    values.next();
    values.get().map(prompt).ok_or_else(unexpected)
}

pub(super) fn prompt(path: ObjectPath) -> Option<ObjectPath> {
    (!is_nothing(&path)).then_some(path)
}

/// `/` stands for no object.
pub(super) fn is_nothing(path: &ObjectPath) -> bool {
    **path == *"/"
}
