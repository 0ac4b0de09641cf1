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
pub(super) enum DialogAnswer {
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
    ) -> DialogAnswer {
        if after.is_some_and(|after| after < fastest) {
            return DialogAnswer::Unseen;
        }
        match self.action.as_deref() {
            Some("accept") if is_form && !self.has_content() => DialogAnswer::Unseen,
            Some("accept") => DialogAnswer::Accepted,
            Some("decline") => DialogAnswer::Declined,
            Some("cancel") => DialogAnswer::Closed,
            _ => DialogAnswer::Unseen,
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
                DialogAnswer::Accepted,
            ),
            (
                json!({"action": "accept", "content": no}),
                true,
                400,
                DialogAnswer::Accepted,
            ),
            (
                json!({"action": "accept", "content": filled}),
                true,
                399,
                DialogAnswer::Unseen,
            ),
            (
                json!({"action": "accept", "content": {}}),
                true,
                60_000,
                DialogAnswer::Unseen,
            ),
            (
                json!({"action": "accept", "content": {"entered": null}}),
                true,
                60_000,
                DialogAnswer::Unseen,
            ),
            (
                json!({"action": "accept"}),
                true,
                60_000,
                DialogAnswer::Unseen,
            ),
            (
                json!({"action": "accept"}),
                false,
                400,
                DialogAnswer::Accepted,
            ),
            (
                json!({"action": "accept"}),
                false,
                399,
                DialogAnswer::Unseen,
            ),
            (
                json!({"action": "decline"}),
                true,
                400,
                DialogAnswer::Declined,
            ),
            (
                json!({"action": "decline"}),
                true,
                399,
                DialogAnswer::Unseen,
            ),
            (
                json!({"action": "cancel"}),
                false,
                400,
                DialogAnswer::Closed,
            ),
            (
                json!({"action": "cancel"}),
                false,
                399,
                DialogAnswer::Unseen,
            ),
            (json!({"action": "other"}), true, 400, DialogAnswer::Unseen),
            (json!({}), true, 400, DialogAnswer::Unseen),
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
