//! Asking a person through the service's own prompt, for as long as the caller gives.

use std::time::Duration;

use dbus::Message;

use crate::auth::ports::StoreError;
use crate::bus::{CallError, Deadline};
use crate::store::secret_service::messages::ObjectPath;
use crate::store::secret_service::service::ServiceConnection;

/// How long the service has to take a prompt back.
const TAKING_BACK: Duration = Duration::from_secs(1);

/// How often it is looked whether somebody unlocked the collection elsewhere.
const LOOK: Duration = Duration::from_secs(1);

/// How the wait for a prompt ended.
enum End {
    Completed,
    Dismissed,
    /// What it was for was done without it.
    NotNeeded,
}

/// Shows a prompt until it is answered, or until `done` says that what it is for was done without
/// it.
///
/// # Errors
/// `Locked` if the person dismissed it, or if there is nowhere to show it; `TimedOut` at the
/// deadline, when the prompt is taken back; `Unreachable`.
pub(super) fn ask(
    service: &mut ServiceConnection,
    prompt: &ObjectPath,
    deadline: Deadline,
    done: impl Fn(&ServiceConnection) -> Result<bool, CallError>,
) -> Result<(), StoreError> {
    service.bus.extend(deadline);
    match wait(service, prompt, &deadline, done) {
        Ok(End::Completed) => Ok(()),
        Ok(End::Dismissed) => Err(StoreError::Locked),
        Ok(End::NotNeeded) => {
            take_back(service, prompt);
            Ok(())
        }
        Err(failure) => {
            take_back(service, prompt);
            Err(failure.into())
        }
    }
}

/// Has the service confirm what it wants confirmed. Where nothing is locked that is a formality of
/// `KeePassXC`'s, unless its settings demand a click, which the rest of the call's time is for.
///
/// # Errors
/// `Locked` if nobody confirmed it; `Unreachable`.
pub(super) fn confirm(
    service: &mut ServiceConnection,
    prompt: &ObjectPath,
) -> Result<(), StoreError> {
    let deadline = service.bus.deadline();
    match ask(service, prompt, deadline, |_| Ok(false)) {
        Err(StoreError::TimedOut(_)) => Err(StoreError::Locked),
        result => result,
    }
}

/// Takes a prompt back where that is safe. It is a courtesy: the caller's result is the same.
///
/// gnome-keyring aborts when an unlock prompt on the screen is dismissed by a call (`assertion
/// failed: (!self->current)`, seen with 42.1, reported of 50): the person's keychain would be gone.
/// Its window stays instead; who answers it later unlocks the collection, and harms nothing.
pub(super) fn take_back(service: &mut ServiceConnection, prompt: &ObjectPath) {
    let rest = service.bus.deadline();
    service.bus.extend(Deadline::after(TAKING_BACK));
    if !service.is_gnome_keyring() {
        let _ = service.dismiss(prompt);
    }
    service.bus.extend(rest);
}

/// Shows it and waits for its end.
fn wait(
    service: &ServiceConnection,
    prompt: &ObjectPath,
    deadline: &Deadline,
    done: impl Fn(&ServiceConnection) -> Result<bool, CallError>,
) -> Result<End, CallError> {
    service.bus.subscribe(&format!(
        "type='signal',interface='org.freedesktop.Secret.Prompt',member='Completed',path='{}'",
        &**prompt
    ))?;
    service.bus.subscribe(
        "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',\
         arg0='org.freedesktop.secrets'",
    )?;
    service.show(prompt)?;
    loop {
        let look = Deadline::after(LOOK.min(deadline.left()?));
        match service.bus.next_signal(&look) {
            Ok(signal) => {
                if let Some(end) = end(&signal, prompt)? {
                    return Ok(end);
                }
            }
            Err(StoreError::TimedOut(_)) if done(service)? => return Ok(End::NotNeeded),
            Err(StoreError::TimedOut(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// What a signal says about the prompt.
fn end(signal: &Message, prompt: &ObjectPath) -> Result<Option<End>, StoreError> {
    match signal.member().as_deref() {
        Some("Completed") if signal.path().as_ref() == Some(prompt) => {
            Ok(Some(match signal.get1() {
                Some(false) => End::Completed,
                Some(true) | None => End::Dismissed,
            }))
        }
        Some("NameOwnerChanged") => Err(StoreError::Unreachable(
            "the Secret Service stopped while it asked you".into(),
        )),
        _ => Ok(None),
    }
}
