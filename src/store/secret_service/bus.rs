//! A conversation with the session bus that ends in time whatever the other side does. Of libdbus
//! only sending, one wait and taking a message are used: its `register` and its blocking calls go
//! on past their time-outs where a bus accepts and stays silent.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::mpsc;
use std::thread;

use dbus::arg::Get;
use dbus::channel::Channel;
use dbus::strings::{BusName, Interface, Member, Path};
use dbus::{Message, MessageType};

use crate::auth::ports::StoreError;
use crate::store::secret_service::deadline::Deadline;

const BUS: &str = "org.freedesktop.DBus\0";

/// One connection, used from its start to its end for one read or write.
pub(super) struct Bus {
    channel: Channel,
    hello: u32,
    signals: RefCell<VecDeque<Message>>,
    deadline: Deadline,
}

/// Why a call had no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The other side answered with an error.
    Refused {
        /// Its D-Bus name, such as `org.freedesktop.DBus.Error.UnknownMethod`.
        name: String,
        /// Its words.
        text: String,
    },
    /// There was no answer.
    Store(StoreError),
}

impl Failure {
    /// True if the other side answered with this error of D-Bus itself or of the Secret Service.
    pub(super) fn is(&self, error: &str) -> bool {
        match self {
            Self::Refused { name, .. } => [
                "org.freedesktop.DBus.Error.",
                "org.freedesktop.Secret.Error.",
            ]
            .iter()
            .any(|family| name.strip_prefix(family) == Some(error)),
            Self::Store(_) => false,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(error) => error,
            locked if locked.is("IsLocked") => Self::Locked,
            absent if absent.is("ServiceUnknown") || absent.is("NameHasNoOwner") => {
                Self::Unreachable("no Secret Service is running".into())
            }
            Failure::Refused { name, text } => Self::Unreachable(format!("{text} ({name})")),
        }
    }
}

impl Bus {
    /// Connects and says Hello; the answer is not waited for.
    ///
    /// # Errors
    /// `Unreachable` if nobody listens at the address, `TimedOut`.
    pub(super) fn connect(address: String, deadline: Deadline) -> Result<Self, StoreError> {
        let channel = open(address, &deadline)?;
        let hello = call(BUS, "/org/freedesktop/DBus\0", BUS, "Hello\0");
        let hello = send(&channel, hello)?;
        Ok(Self {
            channel,
            hello,
            signals: RefCell::default(),
            deadline,
        })
    }

    /// Gives the rest of the conversation another end.
    pub(super) fn extend(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// Calls a method and waits for the answer. Signals that come before it are kept.
    ///
    /// # Errors
    /// `Refused` for an error as the answer; else `Unreachable` or `TimedOut`.
    pub(super) fn call(&self, message: Message) -> Result<Message, Failure> {
        let serial = send(&self.channel, message)?;
        loop {
            let message = self.next(&self.deadline)?;
            if message.get_reply_serial() == Some(serial) {
                return match message.msg_type() {
                    MessageType::Error => Err(refused(message)),
                    _ => Ok(message),
                };
            }
            self.signals.borrow_mut().push_back(message);
        }
    }

    /// Has the bus send on the signals that fit this rule.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub(super) fn subscribe(&self, rule: &str) -> Result<(), Failure> {
        let subscription = call(BUS, "/org/freedesktop/DBus\0", BUS, "AddMatch\0").append1(rule);
        self.call(subscription).map(drop)
    }

    /// The connection that has a name on the bus.
    ///
    /// # Errors
    /// As [`Self::call`]: `Refused` if nobody has it.
    pub(super) fn owner(&self, name: &str) -> Result<String, Failure> {
        let get = call(BUS, "/org/freedesktop/DBus\0", BUS, "GetNameOwner\0").append1(name);
        first(&self.call(get)?)
    }

    /// The next signal.
    ///
    /// # Errors
    /// `TimedOut` at the given end, `Unreachable` if the connection is gone.
    pub(super) fn next_signal(&self, deadline: &Deadline) -> Result<Message, StoreError> {
        let kept = self.signals.borrow_mut().pop_front();
        kept.map_or_else(|| self.next(deadline), Ok)
    }

    /// The next message that is no answer to Hello.
    fn next(&self, deadline: &Deadline) -> Result<Message, StoreError> {
        loop {
            // The queue comes first: it may hold an answer that came just before the connection's end.
            if let Some(message) = self.channel.pop_message() {
                if message.get_reply_serial() != Some(self.hello) {
                    return Ok(message);
                }
                if message.msg_type() == MessageType::Error {
                    return Err(refused(message).into());
                }
            } else {
                let left = deadline.left()?;
                if !self.channel.is_connected() || self.channel.read_write(Some(left)).is_err() {
                    return Err(hung_up());
                }
            }
        }
    }
}

/// A call, with all its names as literals that end in NUL (so that they need no copy).
pub(super) fn call(to: &str, path: &str, interface: &str, method: &str) -> Message {
    call_at(to, &Path::from(path), interface, method)
}

/// A call to an object that somebody named.
pub(super) fn call_at(to: &str, path: &Path<'_>, interface: &str, method: &str) -> Message {
    Message::method_call(
        &BusName::from(to),
        path,
        &Interface::from(interface),
        &Member::from(method),
    )
}

/// The first value of a message, if it has the type that is asked for.
///
/// # Errors
/// `Unreachable`: whoever answers with another type does not speak this protocol.
pub(super) fn first<'a, T: Get<'a>>(message: &'a Message) -> Result<T, Failure> {
    message.get1().ok_or_else(unexpected)
}

/// What to say of an answer with other types in it than the protocol has.
pub(super) fn unexpected() -> Failure {
    Failure::Store(StoreError::Unreachable(
        "it gave an answer that no Secret Service gives".into(),
    ))
}

/// Connects on a thread of its own: `connect(2)` waits, without an end, while the queue of a bus
/// that does not accept is full, and libdbus gives no way to limit it.
fn open(address: String, deadline: &Deadline) -> Result<Channel, StoreError> {
    let (opened, result) = mpsc::sync_channel(1);
    let connecting = thread::Builder::new()
        .spawn(move || {
            // Past the deadline nobody takes it, and it is closed here.
            let _ = opened.send(Channel::open_private(&address));
        })
        .map_err(|error| StoreError::Unreachable(format!("no thread for the bus: {error}")))?;
    let result = result
        .recv_timeout(deadline.left()?)
        .map_err(|_| deadline.passed())?;
    // The process has one thread again from here on.
    let _ = connecting.join();
    result.map_err(|error| {
        let cause = error.message().unwrap_or("no reason given");
        StoreError::Unreachable(format!("no session bus: {cause}"))
    })
}

fn send(channel: &Channel, message: Message) -> Result<u32, StoreError> {
    // libdbus refuses a message only for lack of memory.
    channel.send(message).map_err(|()| hung_up())
}

fn hung_up() -> StoreError {
    StoreError::Unreachable("the session bus closed the connection".into())
}

fn refused(mut message: Message) -> Failure {
    let error = message.as_result().err();
    let part = |part: Option<&str>| part.unwrap_or("an error without a name").to_owned();
    Failure::Refused {
        name: part(error.as_ref().and_then(dbus::Error::name)),
        text: part(error.as_ref().and_then(dbus::Error::message)),
    }
}
