//! Several messages in one line, which revision 2025-03-26 alone allows: passed on as one line, each
//! message minded as if it had come by itself. A call in it is never held for a person.

use super::Conversation;
use super::client::{Cancelled, Way};
use crate::formats::json_rpc::{Kind, Message, with_ids};

impl Conversation {
    pub(super) fn way_of_batch(&mut self, all: &[Message<'_>], line: &[u8]) -> Way {
        let calls = all.iter().any(|one| one.kind() == Some(Kind::Request));
        if self.hold.is_some() || !self.held.is_empty() {
            return Way::Hold;
        }
        if calls && self.needs_renewal() {
            return Way::Renew;
        }
        self.used |= calls;
        let mut ids = Vec::new();
        for message in all {
            match message.kind() {
                Some(Kind::Request) => self.send_in_batch(message, line),
                Some(Kind::Notification) => {
                    let cancelled: Option<Cancelled<'_>> = message.params_as();
                    if message.method.as_deref() == Some("notifications/cancelled")
                        && let Some(id) = cancelled.and_then(|cancelled| cancelled.id())
                    {
                        self.forget_call(&id);
                    }
                }
                Some(Kind::Response) => {
                    let asked = message.id.as_ref().and_then(|id| self.asked.remove(id));
                    ids.extend(asked.map(|asked| (message, asked.raw_id)));
                }
                None => {}
            }
        }
        match self.active {
            Some(server) if !ids.is_empty() => Way::To(server, with_ids(line, &ids)),
            _ => Way::On,
        }
    }

    fn send_in_batch(&mut self, message: &Message<'_>, line: &[u8]) {
        let method = message.method.as_deref().unwrap_or_default();
        self.remember(method, message);
        if let Some((id, mut call)) = self.tracked(message, line) {
            // The line is more than the one call.
            call.line.clear();
            self.calls.insert(id, call);
        }
    }

    /// The line with ids of ours; `None` if it may stay as it is.
    pub(super) fn server_said_several(
        &mut self,
        server: u32,
        all: &[Message<'_>],
        line: &[u8],
    ) -> Option<Vec<u8>> {
        let mut ids = Vec::new();
        for message in all {
            match message.kind() {
                Some(Kind::Request) => ids.push((message, self.renamed(server, message, line))),
                Some(Kind::Response) => {
                    if let Some(id) = &message.id {
                        self.calls.remove(id);
                    }
                }
                Some(Kind::Notification) | None => {}
            }
        }
        (!ids.is_empty()).then(|| with_ids(line, &ids))
    }
}
