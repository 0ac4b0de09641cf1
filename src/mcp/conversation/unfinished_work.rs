//! What a server keeps in its memory between two requests, and would lose with its process: questions
//! that the client has to bring the answers to, and tasks.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use serde::Deserialize;

/// How long something counts after the last message about it: its end may never be reported.
const LONGEST: Duration = Duration::from_secs(300);

/// The unfinished work of one server.
#[derive(Debug, Default)]
pub(super) struct UnfinishedWork {
    /// Results of type `input_required`, and until when each counts.
    rounds: VecDeque<Duration>,
    /// Tasks, and until when each counts.
    tasks: HashMap<String, Duration>,
}

/// The parts of a result or of a task's status that tell of unfinished work.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WorkReport {
    result_type: Option<String>,
    task: Option<TaskStatus>,
    task_id: Option<String>,
    status: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TaskStatus {
    task_id: Option<String>,
    status: Option<String>,
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
        });
        if let (Some(id), Some(status)) = (task.task_id, task.status) {
            if matches!(status.as_str(), "completed" | "failed" | "cancelled") {
                self.tasks.remove(&id);
            } else {
                self.tasks.insert(id, now + LONGEST);
            }
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
                r#"{"taskId":"a","status":"completed"}"#,
            ),
            (
                r#"{"resultType":"task","taskId":"a","status":"input_required"}"#,
                r#"{"task":{"taskId":"a","status":"failed"}}"#,
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
