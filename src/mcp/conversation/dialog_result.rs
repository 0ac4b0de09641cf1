//! What a client did with our dialog, and whether a person did it.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::mcp::messages::FIELD;

/// The result of `elicitation/create`; empty if there was an error instead.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DialogResult {
    action: Option<String>,
    content: Option<Value>,
}

/// What a person did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Accepted,
    Declined,
    Closed,
    /// Nobody saw the dialog.
    Unseen,
}

impl DialogResult {
    /// The answer of a person: none answers sooner than `fastest`, and none leaves the form's only field
    /// empty.
    pub(super) fn answer(
        &self,
        is_form: bool,
        after: Option<Duration>,
        fastest: Duration,
    ) -> Answer {
        if after.is_some_and(|after| after < fastest) {
            return Answer::Unseen;
        }
        match self.action.as_deref() {
            Some("accept") if is_form && !self.has_content() => Answer::Unseen,
            Some("accept") => Answer::Accepted,
            Some("decline") => Answer::Declined,
            Some("cancel") => Answer::Closed,
            _ => Answer::Unseen,
        }
    }

    fn has_content(&self) -> bool {
        let content = self.content.as_ref();
        content.is_some_and(|content| content.get(FIELD).is_some_and(|field| !field.is_null()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_a_person_can_have_done_counts() {
        let fastest = Duration::from_millis(400);
        let filled = json!({"entered": true});
        let no = json!({"entered": false});
        for (result, is_form, milliseconds, answer) in [
            (
                json!({"action": "accept", "content": filled}),
                true,
                400,
                Answer::Accepted,
            ),
            (
                json!({"action": "accept", "content": no}),
                true,
                400,
                Answer::Accepted,
            ),
            (
                json!({"action": "accept", "content": filled}),
                true,
                399,
                Answer::Unseen,
            ),
            (
                json!({"action": "accept", "content": {}}),
                true,
                60_000,
                Answer::Unseen,
            ),
            (
                json!({"action": "accept", "content": {"entered": null}}),
                true,
                60_000,
                Answer::Unseen,
            ),
            (json!({"action": "accept"}), true, 60_000, Answer::Unseen),
            (json!({"action": "accept"}), false, 400, Answer::Accepted),
            (json!({"action": "accept"}), false, 399, Answer::Unseen),
            (json!({"action": "decline"}), true, 400, Answer::Declined),
            (json!({"action": "decline"}), true, 399, Answer::Unseen),
            (json!({"action": "cancel"}), false, 400, Answer::Closed),
            (json!({"action": "cancel"}), false, 399, Answer::Unseen),
            (json!({"action": "other"}), true, 400, Answer::Unseen),
            (json!({}), true, 400, Answer::Unseen),
        ] {
            let read: DialogResult = serde_json::from_value(result.clone()).expect("a result");
            let after = Some(Duration::from_millis(milliseconds));
            assert_eq!(
                read.answer(is_form, after, fastest),
                answer,
                "{result} {milliseconds}"
            );
        }
    }
}
