//! In which order messages are sent, each in a request of its own: nothing overtakes the opening of a
//! conversation, and notifications do not overtake each other. Pure.

use std::collections::VecDeque;

use crate::formats::json_rpc::{self, Kind};

/// What a message waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SendTurn {
    /// `initialize` and `notifications/initialized`: everything after it waits for its end.
    Opening,
    /// Waits for the notifications before it.
    Notification,
    /// Waits for an opening only.
    Free,
}

/// The messages that wait.
#[derive(Debug)]
pub(super) struct SendOrder<T> {
    waiting: VecDeque<(SendTurn, T)>,
    is_opening: bool,
    is_notifying: bool,
}

impl<T> Default for SendOrder<T> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            is_opening: false,
            is_notifying: false,
        }
    }
}

impl SendTurn {
    /// What this line waits for.
    pub(super) fn of(line: &[u8]) -> Self {
        let json_rpc::Line::One(message) = json_rpc::read(line) else {
            return Self::Free;
        };
        match (message.kind(), message.method.as_deref()) {
            (_, Some("initialize" | "notifications/initialized")) => Self::Opening,
            (Some(Kind::Notification), _) => Self::Notification,
            _ => Self::Free,
        }
    }
}

impl<T> SendOrder<T> {
    /// One more message; returns what is to be sent now.
    pub(super) fn push(&mut self, turn: SendTurn, message: T) -> Vec<T> {
        self.waiting.push_back((turn, message));
        self.next()
    }

    /// A message was answered, or has failed; returns what is to be sent now.
    pub(super) fn finished(&mut self, turn: SendTurn) -> Vec<T> {
        match turn {
            SendTurn::Opening => self.is_opening = false,
            SendTurn::Notification => self.is_notifying = false,
            SendTurn::Free => {}
        }
        self.next()
    }

    fn next(&mut self) -> Vec<T> {
        let mut ready = Vec::new();
        let mut later = VecDeque::new();
        let mut holds_notification = false;
        while let Some((turn, message)) = self.waiting.pop_front() {
            let may_go = !self.is_opening
                && (turn != SendTurn::Notification || !self.is_notifying && !holds_notification);
            if !may_go {
                holds_notification |= turn == SendTurn::Notification;
                later.push_back((turn, message));
                continue;
            }
            match turn {
                SendTurn::Opening => self.is_opening = true,
                SendTurn::Notification => self.is_notifying = true,
                SendTurn::Free => {}
            }
            ready.push(message);
        }
        self.waiting = later;
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_turn() {
        for (line, turn) in [
            (r#"{"id":1,"method":"initialize"}"#, SendTurn::Opening),
            (
                r#"{"method":"notifications/initialized"}"#,
                SendTurn::Opening,
            ),
            (
                r#"{"method":"notifications/progress"}"#,
                SendTurn::Notification,
            ),
            (r#"{"id":1,"method":"tools/list"}"#, SendTurn::Free),
            (r#"{"id":1,"result":{}}"#, SendTurn::Free),
            (r#"[{"id":1,"method":"tools/list"}]"#, SendTurn::Free),
        ] {
            assert_eq!(SendTurn::of(line.as_bytes()), turn, "{line}");
        }
    }

    #[test]
    fn nothing_overtakes_the_opening() {
        let mut order = SendOrder::default();
        assert_eq!(order.push(SendTurn::Opening, "initialize"), ["initialize"]);
        assert!(order.push(SendTurn::Free, "ping").is_empty());
        assert!(order.push(SendTurn::Opening, "initialized").is_empty());
        assert!(order.push(SendTurn::Free, "list").is_empty());
        assert_eq!(order.finished(SendTurn::Opening), ["ping", "initialized"]);
        assert!(order.push(SendTurn::Free, "call").is_empty());
        assert_eq!(order.finished(SendTurn::Opening), ["list", "call"]);
    }

    #[test]
    fn notifications_keep_their_order_and_hold_nobody_up() {
        let mut order = SendOrder::default();
        assert_eq!(order.push(SendTurn::Notification, "a"), ["a"]);
        assert!(order.push(SendTurn::Notification, "b").is_empty());
        assert!(order.push(SendTurn::Notification, "c").is_empty());
        assert_eq!(order.push(SendTurn::Free, "call"), ["call"]);
        assert!(order.finished(SendTurn::Free).is_empty());
        assert_eq!(order.finished(SendTurn::Notification), ["b"]);
        assert_eq!(order.finished(SendTurn::Notification), ["c"]);
    }
}
