//! What a server keeps in its memory between two calls, and would lose with its process: dialogs of its
//! own that are not through, and tasks.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use serde::Deserialize;

/// How long the last news of it counts: nobody may hear of its end.
const LONGEST: Duration = Duration::from_secs(300);

/// It, and until when it counts.
#[derive(Debug, Default)]
pub(super) struct Begun {
    rounds: VecDeque<Duration>,
    tasks: HashMap<String, Duration>,
}

/// The parts of a result or of a task's news that tell of it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Shape {
    result_type: Option<String>,
    task: Option<Task>,
    task_id: Option<String>,
    status: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Task {
    task_id: Option<String>,
    status: Option<String>,
}

impl Begun {
    pub(super) fn is_there(&self, now: Duration) -> bool {
        let until = self.rounds.iter().chain(self.tasks.values()).max();
        until.is_some_and(|until| now < *until)
    }

    /// The server has said this.
    pub(super) fn hear(&mut self, shape: Shape, now: Duration) {
        // What no longer counts is not kept for the life of a conversation.
        self.rounds.retain(|until| now < *until);
        self.tasks.retain(|_, until| now < *until);
        if shape.result_type.as_deref() == Some("input_required") {
            self.rounds.push_back(now + LONGEST);
        }
        let task = shape.task.unwrap_or(Task {
            task_id: shape.task_id,
            status: shape.status,
        });
        if let (Some(id), Some(status)) = (task.task_id, task.status) {
            if matches!(status.as_str(), "completed" | "failed" | "cancelled") {
                self.tasks.remove(&id);
            } else {
                self.tasks.insert(id, now + LONGEST);
            }
        }
    }

    /// The client has brought a round's answers back, in a new call.
    pub(super) fn continued(&mut self) {
        self.rounds.pop_front();
    }

    /// A task's outcome was handed over, or the server does not know it.
    pub(super) fn closed(&mut self, task: &str) {
        self.tasks.remove(task);
    }

    /// The process is another now.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(begun: &mut Begun, text: &str) {
        let shape = serde_json::from_str(text).expect("a result");
        begun.hear(shape, Duration::ZERO);
    }

    #[test]
    fn a_task_counts_until_its_end_is_heard_of() {
        for (begin, end) in [
            (
                r#"{"task":{"taskId":"a","status":"working","ttl":1}}"#,
                r#"{"taskId":"a","status":"completed"}"#,
            ),
            (
                r#"{"resultType":"task","taskId":"a","status":"input_required"}"#,
                r#"{"task":{"taskId":"a","status":"failed"}}"#,
            ),
        ] {
            let mut begun = Begun::default();
            hear(&mut begun, begin);
            assert!(begun.is_there(Duration::ZERO));
            assert!(!begun.is_there(LONGEST), "not for ever");
            hear(&mut begun, end);
            assert!(!begun.is_there(Duration::ZERO));
        }
        let mut begun = Begun::default();
        hear(&mut begun, r#"{"taskId":"a","status":"working"}"#);
        begun.closed("a");
        assert!(!begun.is_there(Duration::ZERO));
    }

    #[test]
    fn what_nobody_hears_the_end_of_is_not_kept() {
        let mut begun = Begun::default();
        for second in 0..1000 {
            let text = format!(r#"{{"taskId":"{second}","status":"working"}}"#);
            let shape = serde_json::from_str(&text).expect("a result");
            begun.hear(shape, Duration::from_secs(second));
        }
        assert_eq!(begun.tasks.len(), 300);
    }

    #[test]
    fn a_round_counts_until_the_client_comes_back() {
        let mut begun = Begun::default();
        hear(&mut begun, r#"{"content":[],"resultType":"complete"}"#);
        assert!(!begun.is_there(Duration::ZERO));
        hear(&mut begun, r#"{"resultType":"input_required"}"#);
        hear(&mut begun, r#"{"resultType":"input_required"}"#);
        begun.continued();
        assert!(begun.is_there(Duration::ZERO));
        begun.continued();
        assert!(!begun.is_there(Duration::ZERO));
    }
}
