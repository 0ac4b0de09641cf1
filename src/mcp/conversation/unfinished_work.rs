//! What a server keeps in its memory between two requests, and would lose with its process: questions
//! that the client has to bring the answers to, and tasks.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// How long something counts after the last message about it: its end may never be reported.
const LONGEST: Duration = Duration::from_secs(300);

/// How long the outcome of a task without a time to live is kept: no token lives longer.
const WITHOUT_TTL: Duration = Duration::from_secs(24 * 3600);

/// The most tasks that are remembered.
const MOST_TASKS: usize = 1000;

/// The unfinished work of one server.
#[derive(Debug, Default)]
pub(super) struct UnfinishedWork {
    /// Results of type `input_required`, and until when each counts.
    rounds: VecDeque<Duration>,
    /// Tasks whose outcome the client does not have, and until when each counts.
    tasks: HashMap<String, Duration>,
}

/// The parts of a result or of a task's status that tell of unfinished work.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WorkReport {
    result_type: Option<String>,
    request_state: Option<String>,
    task: Option<TaskStatus>,
    // The same as those of `TaskStatus`; flattened, they would cost a copy of each result.
    task_id: Option<String>,
    status: Option<String>,
    ttl: Option<Value>,
    result: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TaskStatus {
    task_id: Option<String>,
    status: Option<String>,
    /// In milliseconds.
    ttl: Option<Value>,
    /// The outcome, which some revisions send with the status.
    result: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
}

impl WorkReport {
    /// What the client is to come back with.
    pub(super) fn request_state(&self) -> Option<&str> {
        self.request_state.as_deref()
    }
}

impl UnfinishedWork {
    pub(super) fn is_empty(&self, now: Duration) -> bool {
        let until = self.rounds.iter().chain(self.tasks.values()).max();
        until.is_none_or(|until| now >= *until)
    }

    /// The server has reported this.
    pub(super) fn reported(&mut self, report: WorkReport, now: Duration) {
        // What no longer counts is not kept for the life of a conversation.
        self.rounds.retain(|until| now < *until);
        self.tasks.retain(|_, until| now < *until);
        if report.result_type.as_deref() == Some("input_required") {
            self.rounds.push_back(now + LONGEST);
        }
        let task = report.task.unwrap_or(TaskStatus {
            task_id: report.task_id,
            status: report.status,
            ttl: report.ttl,
            result: report.result,
            error: report.error,
        });
        let (Some(id), Some(status)) = (task.task_id, task.status) else {
            return;
        };
        let has_outcome = task.result.is_some() || task.error.is_some();
        let kept = match status.as_str() {
            "cancelled" => None,
            "completed" | "failed" if has_outcome => None,
            "completed" | "failed" => Some(milliseconds(task.ttl.as_ref())),
            _ => Some(LONGEST),
        };
        match kept {
            None => drop(self.tasks.remove(&id)),
            Some(kept) if self.tasks.len() < MOST_TASKS || self.tasks.contains_key(&id) => {
                self.tasks.insert(id, now + kept);
            }
            Some(_) => {}
        }
    }

    /// The client has brought the answers of a round, in a new call.
    pub(super) fn round_continued(&mut self) {
        self.rounds.pop_front();
    }

    /// The client has the task's outcome, or the server does not know the task.
    pub(super) fn task_closed(&mut self, task: &str) {
        self.tasks.remove(task);
    }
}

fn milliseconds(ttl: Option<&Value>) -> Duration {
    let ttl = ttl.and_then(Value::as_u64).map(Duration::from_millis);
    ttl.map_or(WITHOUT_TTL, |ttl| ttl.min(WITHOUT_TTL))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(work: &mut UnfinishedWork, text: &str) {
        let report = serde_json::from_str(text).expect("a result");
        work.reported(report, Duration::ZERO);
    }

    #[test]
    fn a_task_counts_until_its_end_is_reported() {
        for (begin, end) in [
            (
                r#"{"task":{"taskId":"a","status":"working","ttl":1}}"#,
                r#"{"taskId":"a","status":"completed","result":{}}"#,
            ),
            (
                r#"{"resultType":"task","taskId":"a","status":"input_required"}"#,
                r#"{"task":{"taskId":"a","status":"cancelled"}}"#,
            ),
        ] {
            let mut work = UnfinishedWork::default();
            report(&mut work, begin);
            assert!(!work.is_empty(Duration::ZERO));
            assert!(work.is_empty(LONGEST), "not for ever");
            report(&mut work, end);
            assert!(work.is_empty(Duration::ZERO));
        }
        let mut work = UnfinishedWork::default();
        report(&mut work, r#"{"taskId":"a","status":"working"}"#);
        work.task_closed("a");
        assert!(work.is_empty(Duration::ZERO));
    }

    #[test]
    fn an_outcome_counts_until_it_is_fetched_or_over() {
        for (status, seconds) in [
            (r#"{"taskId":"a","status":"completed","ttl":60000}"#, 60),
            (r#"{"taskId":"a","status":"failed","ttl":1000}"#, 1),
            (
                r#"{"taskId":"a","status":"completed","ttl":null}"#,
                24 * 3600,
            ),
            (r#"{"taskId":"a","status":"completed"}"#, 24 * 3600),
            (r#"{"taskId":"a","status":"completed","ttl":-1}"#, 24 * 3600),
            (r#"{"taskId":"a","status":"failed","error":{}}"#, 0),
        ] {
            let mut work = UnfinishedWork::default();
            report(&mut work, r#"{"task":{"taskId":"a","status":"working"}}"#);
            report(&mut work, status);
            for (now, is_empty) in [(seconds - 1, seconds == 0), (seconds, true)] {
                let now = Duration::from_secs(u64::try_from(now).unwrap_or_default());
                assert_eq!(work.is_empty(now), is_empty, "{status} {now:?}");
            }
            report(&mut work, status);
            work.task_closed("a");
            assert!(work.is_empty(Duration::ZERO), "it is fetched");
        }
    }

    #[test]
    fn tasks_whose_end_is_never_reported_are_not_kept() {
        let mut work = UnfinishedWork::default();
        for second in 0..1000 {
            let text = format!(r#"{{"taskId":"{second}","status":"working"}}"#);
            let report = serde_json::from_str(&text).expect("a result");
            work.reported(report, Duration::from_secs(second));
        }
        assert_eq!(work.tasks.len(), 300);
    }

    #[test]
    fn a_round_counts_until_the_client_comes_back() {
        let mut work = UnfinishedWork::default();
        report(&mut work, r#"{"content":[],"resultType":"complete"}"#);
        assert!(work.is_empty(Duration::ZERO));
        report(&mut work, r#"{"resultType":"input_required"}"#);
        report(&mut work, r#"{"resultType":"input_required"}"#);
        work.round_continued();
        assert!(!work.is_empty(Duration::ZERO));
        work.round_continued();
        assert!(work.is_empty(Duration::ZERO));
    }
}
