//! Runs the device flow and stores the approved sign-in. Only for subcommands that may prompt: each
//! passes its permit and its `Prompt`.

mod another_process;
mod new_sign_in;

use another_process::{First, unless_another_is_first};
use new_sign_in::NewSignIn;
pub(crate) use new_sign_in::Switch;
pub(crate) use new_sign_in::{Agreed, Kept};

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
    let (present, switch) = (Present::Keep, Switch::Never);
    let (kept, _) = first_sign_in(permit, present, prompt, switch.agreed(), elsewhere, call)?;
    kept.settle(present, switch, elsewhere, call)
}

/// This process's sign-in, or that of another process if it is approved first.
pub(crate) fn first_sign_in(
    permit: DeviceFlowPermit,
    present: Present,
    prompt: &mut dyn Prompt,
    agreed: Agreed,
    elsewhere: Option<&Account>,
    call: &Call<'_>,
) -> Result<(Kept, By)> {
    let first = unless_another_is_first(present, prompt, call, |prompt| {
        NewSignIn::obtain(permit, present, prompt, call)
    })?;
    Ok(match first {
        First::Own(new) => (new.keep(present, agreed, elsewhere, call)?, By::This),
        First::Another(record) => (Kept::Saved(*record), By::Another),
    })
}
