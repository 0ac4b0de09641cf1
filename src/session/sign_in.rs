//! Runs the device flow and stores the approved sign-in. Only for subcommands that may prompt: each
//! passes its permit and its `Prompt`.

mod another_process;
mod new_sign_in;

use another_process::{First, unless_another_is_first};
use new_sign_in::Kept;
pub(crate) use new_sign_in::{NewSignIn, Switch};

use super::Call;
use crate::auth::ports::Prompt;
use crate::auth::record::{Account, Record};
use crate::error::Result;
use crate::permits::DeviceFlowPermit;

/// What to do with a stored sign-in that is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Present {
    /// Keep it and report it.
    Keep,
    /// Replace it, even one that cannot be read.
    Replace,
}

/// What a new sign-in may replace, and who has to agree.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'a> {
    /// What to do with a stored sign-in that is valid.
    pub(crate) present: Present,
    /// Whether it may replace another account's.
    pub(crate) switch: Switch,
    /// The account of a sign-in in another store, which is replaced too.
    pub(crate) elsewhere: Option<&'a Account>,
    /// Asks the person whether it is theirs, before it is stored.
    pub(crate) confirm: Option<&'a dyn Fn(&NewSignIn) -> bool>,
}

/// Which process signed in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    This,
    /// Another one was approved first.
    Another,
}

/// Signs in without a question: another account never replaces the stored one.
///
/// # Errors
/// The error of the sign-in; the stored sign-in is unchanged then.
pub(crate) fn sign_in(
    permit: DeviceFlowPermit,
    prompt: &mut dyn Prompt,
    elsewhere: Option<&Account>,
    call: &Call<'_>,
) -> Result<Record> {
    let terms = Terms {
        present: Present::Keep,
        switch: Switch::Never,
        elsewhere,
        confirm: None,
    };
    let (kept, _) = first_sign_in(permit, &terms, prompt, call)?;
    kept.settle(&terms, call)
}

/// This process's sign-in, or that of another process if it is approved first.
pub(crate) fn first_sign_in(
    permit: DeviceFlowPermit,
    terms: &Terms<'_>,
    prompt: &mut dyn Prompt,
    call: &Call<'_>,
) -> Result<(Kept, By)> {
    let first = unless_another_is_first(terms.present, prompt, call, |prompt| {
        NewSignIn::obtain(permit, terms.present, prompt, call)
    })?;
    Ok(match first {
        First::Own(new) if terms.confirm.is_some() => (Kept::Unconfirmed(new), By::This),
        First::Own(new) => (new.keep(terms, terms.switch.agreed(), call)?, By::This),
        First::Another(record) => (Kept::Saved(*record), By::Another),
    })
}
