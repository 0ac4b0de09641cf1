//! A Secret Service that opens items for one connection at a time, after a person has confirmed it,
//! as `KeePassXC` does unless its settings say otherwise.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use dbus::arg::{RefArg, Variant};
use dbus::channel::{MatchingReceiver, Sender};
use dbus::message::MatchRule;
use dbus::{Message, Path};
use ghtok::testing::auth::ports::StoreError;
use ghtok::testing::permits::UnlockPermit;
use ghtok::testing::store::Slot;

use super::bus::PrivateBus;
use super::{read, slot, taking};

const A_MINUTE: Duration = Duration::from_secs(60);
const COLLECTION: &str = "/org/freedesktop/secrets/collection/db";
const ITEM: &str = "/org/freedesktop/secrets/collection/db/1";
const PROMPT: &str = "/org/freedesktop/secrets/prompt/1";

/// What is in the open database.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Items {
    Ours,
    Others,
    None,
}

/// The service; it ends with the test.
pub struct Service {
    prompts: Arc<Mutex<usize>>,
    ended: Arc<AtomicBool>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
    }
}

impl Service {
    pub fn start(bus: &PrivateBus, items: Items) -> Self {
        let connection = bus.connect();
        connection
            .request_name("org.freedesktop.secrets", false, false, true)
            .expect("its name");
        let service = Self {
            prompts: Arc::default(),
            ended: Arc::default(),
        };
        let (prompts, ended) = (Arc::clone(&service.prompts), Arc::clone(&service.ended));
        thread::spawn(move || {
            let mut confirmed = BTreeSet::new();
            let calls = MatchRule::new_method_call();
            connection.start_receive(
                calls,
                Box::new(move |call, connection| {
                    let sender = call.sender().expect("a sender").to_string();
                    if call.member().as_deref() == Some("Prompt") {
                        *prompts.lock().expect("a count") += 1;
                        confirmed.insert(sender.clone());
                    }
                    let is_confirmed = confirmed.contains(&sender);
                    let _ = connection.send(answer(&call, items, is_confirmed));
                    if call.member().as_deref() == Some("Prompt") {
                        let _ = connection.send(completed(&sender));
                    }
                    true
                }),
            );
            while !ended.load(Ordering::SeqCst) {
                let _ = connection.process(Duration::from_millis(50));
            }
        });
        service
    }

    pub fn prompts(&self) -> usize {
        *self.prompts.lock().expect("a count")
    }
}

fn answer(call: &Message, items: Items, is_confirmed: bool) -> Message {
    let answer = call.method_return();
    let path = |path: &str| Path::from(path.to_owned());
    match call.member().as_deref().unwrap_or_default() {
        "SearchItems" => {
            let found = match items {
                Items::Ours => vec![path(ITEM)],
                Items::Others | Items::None => vec![],
            };
            if is_confirmed {
                answer.append2(found, Vec::<Path<'_>>::new())
            } else {
                answer.append2(Vec::<Path<'_>>::new(), found)
            }
        }
        "ReadAlias" => answer.append1(path(COLLECTION)),
        "Unlock" => answer.append2(Vec::<Path<'_>>::new(), path(PROMPT)),
        "Get" => match call.read2() {
            Ok(("org.freedesktop.Secret.Collection", "Items")) => {
                let all = if items == Items::None {
                    vec![]
                } else {
                    vec![path(ITEM)]
                };
                answer.append1(Variant(all))
            }
            Ok(("org.freedesktop.Secret.Item", "Locked")) => answer.append1(Variant(!is_confirmed)),
            _ => answer.append1(Variant(false)),
        },
        "OpenSession" => answer.append2(Variant(""), path("/session")),
        "GetSecret" => answer.append1((path("/session"), vec![0_u8; 0], b"kept".to_vec(), "")),
        _ => answer,
    }
}

fn completed(to: &str) -> Message {
    let prompt = Path::from(PROMPT);
    let (interface, member) = ("org.freedesktop.Secret.Prompt".into(), "Completed".into());
    let result: Variant<Box<dyn RefArg>> = Variant(Box::new(vec![Path::from(ITEM)]));
    let mut signal = Message::signal(&prompt, &interface, &member).append2(false, result);
    signal.set_destination(Some(to.to_owned().into()));
    signal
}

#[test]
fn an_item_that_each_connection_must_have_confirmed_is_not_a_locked_keychain() {
    let Some(bus) = PrivateBus::without_keyring() else {
        return;
    };
    let service = Service::start(&bus, Items::Ours);
    let slot = slot(&bus);
    let confirms = StoreError::ConfirmsAccess;
    assert_eq!(read(&slot), Err(confirms.clone()));
    assert_eq!(slot.write(b"new"), Err(confirms.clone()));
    assert_eq!(slot.prove_writable(), Err(confirms.clone()));
    assert_eq!(slot.delete(), Err(confirms.clone()));
    assert_eq!(service.prompts(), 0, "only a sign-in may ask");

    let unlocked = taking(Duration::ZERO, || {
        slot.unlock(&UnlockPermit::asked_for(), A_MINUTE)
    });
    assert_eq!(
        unlocked,
        Err(confirms),
        "the next ghtok would be asked again"
    );
    assert_eq!(service.prompts(), 1);
    // This one was allowed to, on the connection that was confirmed.
    assert_eq!(read(&slot), Ok(Some(b"kept".to_vec())));
}

#[test]
fn a_sign_in_learns_from_other_programs_items_that_each_read_must_be_confirmed() {
    let Some(bus) = PrivateBus::without_keyring() else {
        return;
    };
    let service = Service::start(&bus, Items::Others);
    let unlocked = slot(&bus).unlock(&UnlockPermit::asked_for(), A_MINUTE);
    assert_eq!(unlocked, Err(StoreError::ConfirmsAccess));
    assert_eq!(service.prompts(), 0, "nothing of ours is to be opened");
}

#[test]
fn an_empty_open_keychain_is_used() {
    let Some(bus) = PrivateBus::without_keyring() else {
        return;
    };
    let _service = Service::start(&bus, Items::None);
    assert_eq!(
        slot(&bus).unlock(&UnlockPermit::asked_for(), A_MINUTE),
        Ok(())
    );
    assert_eq!(read(&slot(&bus)), Ok(None));
}
