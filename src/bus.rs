//! A conversation with the session bus: one call after another, each with its answer, all within
//! one deadline. Knows none of the services that are called.

mod address;
mod connection;
mod deadline;
pub(crate) mod peer;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::auth::ports::StoreError;
use dbus::arg::Get;
use dbus::strings::{BusName, Interface, Member, Path};
use dbus::{Message, MessageType};

pub use self::address::SessionBus;
use self::connection::BusConnection;
pub(crate) use self::deadline::Deadline;

const BUS: &str = "org.freedesktop.DBus\0";

/// One connection, used for one read or write after another.
pub(crate) struct Bus {
    connection: RefCell<BusConnection>,
    is_broken: Cell<bool>,
    hello: u32,
    signals: RefCell<VecDeque<Message>>,
    deadline: Deadline,
}

/// Why a call had no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// The other side answered with an error.
    Refused {
        /// Its D-Bus name, such as `org.freedesktop.DBus.Error.UnknownMethod`.
        name: String,
        /// Its words.
        text: String,
    },
    /// There was no answer.
    NoAnswer(StoreError),
}

impl CallError {
    /// True if the other side answered with this error, of D-Bus itself or of a service that is
    /// specified at freedesktop.org.
    pub(crate) fn is(&self, error: &str) -> bool {
        match self {
            Self::Refused { name, .. } => {
                let local = name.strip_prefix("org.freedesktop.");
                local
                    .and_then(|local| local.split_once(".Error."))
                    .is_some_and(|(_, last)| last == error)
            }
            Self::NoAnswer(_) => false,
        }
    }
}

impl From<StoreError> for CallError {
    fn from(error: StoreError) -> Self {
        Self::NoAnswer(error)
    }
}

impl Bus {
    /// Connects and says Hello; the answer is not waited for.
    ///
    /// # Errors
    /// `Unreachable` if nobody listens at any address, or another user does; `TimedOut`.
    pub(crate) fn connect(session: &SessionBus, deadline: Deadline) -> Result<Self, StoreError> {
        let mut connection = BusConnection::open(session.bus()?, &deadline)?;
        let hello = connection.send(call(BUS, "/org/freedesktop/DBus\0", BUS, "Hello\0"));
        Ok(Self {
            connection: RefCell::new(connection),
            is_broken: Cell::new(false),
            hello,
            signals: RefCell::default(),
            deadline,
        })
    }

    /// Where it is, and what said so.
    pub(crate) fn address(&self) -> String {
        self.connection.borrow().address()
    }

    /// When the conversation must have ended.
    pub(crate) fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Gives the rest of the conversation another end.
    pub(crate) fn extend(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// Begins another read or write on the same connection.
    pub(crate) fn begin(&mut self, deadline: Deadline) {
        self.signals.borrow_mut().clear();
        self.deadline = deadline;
    }

    /// True if a call had no answer: what comes later would be taken for another call's.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken.get()
    }

    /// Calls a method and waits for the answer. Signals that come before it are kept.
    ///
    /// # Errors
    /// `Refused` for an error as the answer; else `Unreachable` or `TimedOut`.
    pub(crate) fn call(&self, message: Message) -> Result<Message, CallError> {
        if !log::log_enabled!(log::Level::Debug) {
            return self.exchange(message);
        }
        let method = message.member().map(|name| name.to_string());
        let answer = self.exchange(message);
        let came = match &answer {
            Ok(_) => "answered",
            Err(CallError::Refused { name, .. }) => name,
            Err(CallError::NoAnswer(_)) => "no answer",
        };
        log::debug!("bus: {}: {came}", method.unwrap_or_default());
        answer
    }

    fn exchange(&self, message: Message) -> Result<Message, CallError> {
        let serial = self.connection.borrow_mut().send(message);
        loop {
            let message = self.next_answer()?;
            if message.get_reply_serial() == Some(serial) {
                return answer(message);
            }
            self.signals.borrow_mut().push_back(message);
        }
    }

    /// Calls methods that do not depend on each other, all at once, and gives their answers in the
    /// order of the calls.
    ///
    /// # Errors
    /// As [`Self::call`], but that each answer may be `Refused` by itself.
    pub(crate) fn call_all(
        &self,
        messages: impl IntoIterator<Item = Message>,
    ) -> Result<Vec<Result<Message, CallError>>, CallError> {
        let serials: Vec<u32> = messages
            .into_iter()
            .map(|message| self.connection.borrow_mut().send(message))
            .collect();
        log::debug!("bus: {} calls at once", serials.len());
        let mut answers: BTreeMap<u32, Message> = BTreeMap::new();
        while answers.len() < serials.len() {
            let message = self.next_answer()?;
            match message.get_reply_serial() {
                Some(serial) if serials.contains(&serial) => {
                    answers.insert(serial, message);
                }
                _ => self.signals.borrow_mut().push_back(message),
            }
        }
        // In the order of their serials, which is the order of the calls.
        Ok(answers.into_values().map(answer).collect())
    }

    fn next_answer(&self) -> Result<Message, StoreError> {
        self.next(&self.deadline)
            .inspect_err(|_| self.is_broken.set(true))
    }

    /// Has the bus send on the signals that fit this rule.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub(crate) fn subscribe(&self, rule: &str) -> Result<(), CallError> {
        let subscription = call(BUS, "/org/freedesktop/DBus\0", BUS, "AddMatch\0").append1(rule);
        self.call(subscription).map(drop)
    }

    /// Lets time pass, and whatever comes meanwhile.
    pub(crate) fn rest(&self, time: Duration) {
        let end = Deadline::after(time);
        while self.next(&end).is_ok() {}
    }

    /// Whether two names on the bus are one process's.
    pub(crate) fn have_one_owner(&self, one: &str, other: &str) -> bool {
        let owner =
            |name| call(BUS, "/org/freedesktop/DBus\0", BUS, "GetNameOwner\0").append1(name);
        let Ok(answers) = self.call_all([one, other].map(owner)) else {
            return false;
        };
        let names = answers.into_iter().map(|answer| first::<String>(&answer?));
        matches!(names.collect::<Result<Vec<_>, _>>().as_deref(), Ok([one, other]) if one == other)
    }

    /// The next signal.
    ///
    /// # Errors
    /// `TimedOut` at the given end, `Unreachable` if the connection is gone.
    pub(crate) fn next_signal(&self, deadline: &Deadline) -> Result<Message, StoreError> {
        let kept = self.signals.borrow_mut().pop_front();
        kept.map_or_else(|| self.next(deadline), Ok)
    }

    /// The next message that is no answer to Hello.
    fn next(&self, deadline: &Deadline) -> Result<Message, StoreError> {
        loop {
            let message = self.connection.borrow_mut().receive(deadline)?;
            if message.get_reply_serial() != Some(self.hello) {
                return Ok(message);
            }
            if message.msg_type() == MessageType::Error {
                return Err(StoreError::Unreachable(
                    "the session bus does not know this user".into(),
                ));
            }
        }
    }
}

/// A call, with all its names as literals that end in NUL (so that they need no copy).
pub(crate) fn call(to: &str, path: &str, interface: &str, method: &str) -> Message {
    call_at(to, &Path::from(path), interface, method)
}

/// A call to an object that somebody named.
pub(crate) fn call_at(to: &str, path: &Path<'_>, interface: &str, method: &str) -> Message {
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
/// `Unreachable`: whoever answers with another type does not speak the service's protocol.
pub(crate) fn first<'a, T: Get<'a>>(message: &'a Message) -> Result<T, CallError> {
    message.get1().ok_or_else(unexpected)
}

/// What to say of an answer with other types in it than the protocol has.
pub(crate) fn unexpected() -> CallError {
    CallError::NoAnswer(StoreError::Unreachable(
        "it sent an invalid response".into(),
    ))
}

fn answer(message: Message) -> Result<Message, CallError> {
    match message.msg_type() {
        MessageType::Error => Err(refused(message)),
        _ => Ok(message),
    }
}

fn refused(mut message: Message) -> CallError {
    let error = message.as_result().err();
    let part = |part: Option<&str>| part.unwrap_or("an error without a name").to_owned();
    CallError::Refused {
        name: part(error.as_ref().and_then(dbus::Error::name)),
        text: part(error.as_ref().and_then(dbus::Error::message)),
    }
}
