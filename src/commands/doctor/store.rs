//! Where sign-ins are stored, and whether that can be used now. Nothing is unlocked.

use super::finding::{Findings, Level};
use crate::app::App;
use crate::auth::record::Record;
use crate::error::{Error, Result};
use crate::session::{Call, Reading, Session};

const SUBJECT: &str = "store";

/// Looks at what a read of the App's record brought.
pub(super) fn check(call: &Call<'_>, read: Result<&Record, &Error>, found: &mut Findings) {
    match read {
        Ok(_) => found.ok(SUBJECT, "store_readable", call.store.place()),
        // The store could say that there is none.
        Err(Error::SignInNeeded { .. }) => {
            found.ok(
                SUBJECT,
                "store_empty",
                format!("{} has no sign-in of this App", call.store.place()),
            );
        }
        Err(error) => found.error(SUBJECT, Level::Problem, error),
    }
}

/// Looks for sign-ins that no command uses, and for stores that cannot be listed.
pub(super) fn check_others(session: &Session<'_>, found: &mut Findings) {
    let others = session.other_sign_ins(Reading::OneByOne);
    for (app, store) in &others.records {
        found.keep_host_private(app.host.name());
        if let Some(account) = &app.account {
            found.keep_login_private(account.as_str());
        }
        found
            .add(
                SUBJECT,
                "sign_in_unused",
                Level::Warning,
                format!(
                    "a sign-in of {} in the {store} store is used by no configured App",
                    app.client_id
                ),
            )
            .run("remove it:", session.logout_command(app, *store));
    }
    // A store that is known to be closed is one problem, not two.
    if found.worst() < Level::Problem {
        for error in &others.unseen {
            found.error(SUBJECT, Level::Warning, error);
        }
    }
}

/// Writes an item beside the App's record and deletes it again.
pub(super) fn write_test(session: &Session<'_>, app: &App, found: &mut Findings) {
    match session.with_call(app, |call| session.try_to_write(call)) {
        Ok(()) => found.ok(
            SUBJECT,
            "store_writable",
            "an item was written, read back and deleted".into(),
        ),
        Err(error) => found.error(SUBJECT, Level::Problem, &error),
    }
}
