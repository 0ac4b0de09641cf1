//! Messages through a Unix socket, each step with what is left of a deadline. libdbus makes and
//! reads the messages; its own connections are not used, because they connect and authenticate
//! without any limit, and leave copies of what they read in memory.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use dbus::Message;
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use zeroize::Zeroizing;

use crate::auth::ports::StoreError;
use crate::bus::address::Address;
use crate::bus::deadline::Deadline;
use crate::bus::peer;
use crate::error::system_reason;

/// Enough for every message of a usual read.
const ROOM: usize = 8192;

/// The length of what tells a message's length (D-Bus specification, "Message Format").
const FIXED_HEADER: usize = 16;

/// No record is nearly as large.
const LARGEST: usize = 16 * 1024 * 1024;

/// A connection to a bus. What is sent leaves with the next wait for an answer, so that the
/// greeting and the first calls are one packet.
pub(crate) struct BusConnection {
    socket: UnixStream,
    address: Address,
    authenticated: bool,
    last_serial: u32,
    output: Zeroizing<Vec<u8>>,
    input: Zeroizing<Vec<u8>>,
}

impl BusConnection {
    /// Connects to the first address that is not gone. Another user's process may have taken the
    /// place of a bus that is (an abstract socket, or one under /tmp): it is sent nothing, and no
    /// other address is tried.
    ///
    /// # Errors
    /// `Absent` if they are all gone, `Unreachable`, with the reason and the address; `TimedOut` if
    /// the queue of a bus that does not accept stays full.
    pub(crate) fn open(
        addresses: impl IntoIterator<Item = Address>,
        deadline: &Deadline,
    ) -> Result<Self, StoreError> {
        let mut gone = Vec::new();
        for address in addresses {
            match reach(&address.socket, deadline)? {
                Ok(socket) => return Self::begin(socket, address),
                Err(error) => {
                    let reason = system_reason(&error.into());
                    if !is_gone(error) {
                        let text =
                            format!("cannot connect to the session bus at {address}: {reason}");
                        return Err(unreachable(&text));
                    }
                    gone.push(format!("{address}: {reason}"));
                }
            }
        }
        Err(StoreError::Absent(format!(
            "no session bus at {}",
            gone.join("; ")
        )))
    }

    fn begin(socket: UnixStream, address: Address) -> Result<Self, StoreError> {
        match peer::user(&socket) {
            Ok(user) if peer::is_trusted(user) => {}
            Ok(user) => {
                return Err(unreachable(&format!(
                    "the session bus at {address} belongs to another user (user ID {user})"
                )));
            }
            Err(error) => {
                let reason = system_reason(&error);
                let text = format!("cannot tell whose session bus is at {address}: {reason}");
                return Err(unreachable(&text));
            }
        }
        Ok(Self {
            socket,
            address,
            authenticated: false,
            last_serial: 0,
            output: greeting(),
            input: Zeroizing::new(Vec::with_capacity(ROOM)),
        })
    }

    /// Where the bus is, and what said so.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Puts a message among what leaves next, and gives the serial that its answer will name.
    pub(crate) fn send(&mut self, mut message: Message) -> u32 {
        self.last_serial += 1;
        message.set_serial(self.last_serial);
        let output = &mut self.output;
        let appended: Result<(), ()> = message.marshal(|bytes| {
            make_room(output, bytes.len());
            output.extend_from_slice(bytes);
            Ok(())
        });
        debug_assert!(appended.is_ok());
        self.last_serial
    }

    /// Sends what is to be sent and waits for a message.
    ///
    /// # Errors
    /// `TimedOut`; `Unreachable` if the other side hung up, refused us or does not speak D-Bus.
    pub(crate) fn receive(&mut self, deadline: &Deadline) -> Result<Message, StoreError> {
        self.flush(deadline)?;
        loop {
            if let Some(message) = self.take_message()? {
                return Ok(message);
            }
            self.fill(deadline)?;
        }
    }

    fn flush(&mut self, deadline: &Deadline) -> Result<(), StoreError> {
        let mut sent = 0;
        while sent < self.output.len() {
            let left = deadline.left()?;
            let result = self
                .socket
                .set_write_timeout(Some(left))
                .and_then(|()| self.socket.write(&self.output[sent..]));
            sent += progress(result)?;
        }
        self.output.clear();
        Ok(())
    }

    fn fill(&mut self, deadline: &Deadline) -> Result<(), StoreError> {
        let start = self.input.len();
        let room = self.input.capacity();
        self.input.resize(room, 0);
        let result = deadline.left().and_then(|left| {
            let result = self
                .socket
                .set_read_timeout(Some(left))
                .and_then(|()| self.socket.read(&mut self.input[start..]));
            progress(result)
        });
        self.input
            .truncate(start + result.as_ref().copied().unwrap_or(0));
        result.map(drop)
    }

    fn take_message(&mut self) -> Result<Option<Message>, StoreError> {
        if !self.authenticated && !self.take_welcome()? {
            return Ok(None);
        }
        if self.input.len() < FIXED_HEADER {
            return Ok(None);
        }
        let length = Message::demarshal_bytes_needed(&self.input)
            .ok()
            .filter(|length| *length <= LARGEST)
            .ok_or_else(no_dbus)?;
        let missing = length.saturating_sub(self.input.len());
        if missing > 0 {
            make_room(&mut self.input, missing);
            return Ok(None);
        }
        let message = Message::demarshal(&self.input[..length]).map_err(|_| no_dbus())?;
        self.input.drain(..length);
        Ok(Some(message))
    }

    /// Takes the answer to our greeting, if it has come whole.
    fn take_welcome(&mut self) -> Result<bool, StoreError> {
        let Some(end) = self.input.windows(2).position(|two| two == b"\r\n") else {
            let full = self.input.len() == self.input.capacity();
            return if full { Err(no_dbus()) } else { Ok(false) };
        };
        let guid = self.input[..end].strip_prefix(b"OK");
        let guid = guid.ok_or_else(|| unreachable("the session bus refused this user"))?;
        let expected = self.address.guid.as_ref();
        if expected.is_some_and(|guid_of_address| guid.trim_ascii() != guid_of_address.as_bytes()) {
            return Err(unreachable(&format!(
                "a different bus answers at {} (its guid differs)",
                self.address
            )));
        }
        self.input.drain(..end + 2);
        self.authenticated = true;
        Ok(true)
    }
}

/// Connects a socket whose connect ends in time: `connect(2)` waits for room in the queue of a bus
/// for as long as the socket may wait to send.
fn reach(
    address: &SocketAddrUnix,
    deadline: &Deadline,
) -> Result<Result<UnixStream, Errno>, StoreError> {
    loop {
        let left = deadline.left()?;
        let connected = new_socket().and_then(|socket| {
            set_socket_timeout(&socket, Timeout::Send, Some(left))?;
            connect(&socket, address)?;
            Ok(socket)
        });
        match connected {
            Ok(socket) => return Ok(Ok(UnixStream::from(socket))),
            // A signal came, or the time has passed: the deadline knows.
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// Nobody listens there any more.
fn is_gone(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::NOTDIR | Errno::CONNREFUSED)
}

fn new_socket() -> Result<OwnedFd, Errno> {
    let (family, stream) = (AddressFamily::UNIX, SocketType::STREAM);
    socket_with(family, stream, SocketFlags::CLOEXEC, None)
}

/// We are who the socket says we are (D-Bus specification, "EXTERNAL"). Nothing in it depends on
/// the answer, so all of it is said at once.
fn greeting() -> Zeroizing<Vec<u8>> {
    let mut output = Zeroizing::new(Vec::with_capacity(ROOM));
    output.extend_from_slice(b"\0AUTH EXTERNAL ");
    for digit in rustix::process::geteuid().as_raw().to_string().bytes() {
        output.extend_from_slice(format!("{digit:02x}").as_bytes());
    }
    output.extend_from_slice(b"\r\nBEGIN\r\n");
    output
}

/// How many bytes a read or write moved; an interruption or a time-out moved none, and the
/// deadline tells the difference.
fn progress(result: std::io::Result<usize>) -> Result<usize, StoreError> {
    match result {
        Ok(0) => Err(unreachable("the session bus closed the connection")),
        Ok(moved) => Ok(moved),
        Err(error) => match error.kind() {
            ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut => Ok(0),
            _ => Err(unreachable(&format!(
                "the connection to the session bus broke: {}",
                system_reason(&error)
            ))),
        },
    }
}

/// Grows a buffer without leaving a copy of what was in it.
fn make_room(buffer: &mut Zeroizing<Vec<u8>>, more: usize) {
    if buffer.capacity() - buffer.len() < more {
        let mut larger = Zeroizing::new(Vec::with_capacity(buffer.len() + more));
        larger.extend_from_slice(buffer);
        *buffer = larger;
    }
}

fn unreachable(cause: &str) -> StoreError {
    StoreError::Unreachable(cause.into())
}

fn no_dbus() -> StoreError {
    unreachable("the program at the session bus address does not speak D-Bus")
}
