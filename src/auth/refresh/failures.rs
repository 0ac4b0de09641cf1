//! The failure of a refresh as reported to other processes, with its scope.

use crate::auth::outcome::{Attempt, FailedConnections, FailureCause, Scope, SharedFailure};
use crate::auth::ports::StoreError;
use crate::github::{HttpError, RequestFailure};

use super::compared_record::ComparedRecord;
use super::{Refresh, Stop};

impl Refresh<'_> {
    pub(super) fn shared(&self, attempt: Attempt, failure: &RequestFailure) -> SharedFailure {
        let here = self.network;
        let temporary = |cause: &HttpError| FailureCause::Temporary(cause.to_string());
        let (cause, scope) = match failure {
            RequestFailure::NotSent(limit @ HttpError::Limit { .. }) => {
                (FailureCause::Limit(limit.to_string()), Scope::Process)
            }
            RequestFailure::NotSent(cause @ HttpError::NotLoopback { .. }) => {
                (FailureCause::NotLoopback(cause.to_string()), Scope::Process)
            }
            RequestFailure::NotSent(HttpError::NoCaCertificates) => {
                (FailureCause::NoCaCertificates, Scope::Process)
            }
            RequestFailure::NotSent(cause @ HttpError::BadRequest) => {
                (temporary(cause), Scope::Everyone)
            }
            RequestFailure::NotSent(cause) => (
                temporary(cause),
                Scope::Connection(FailedConnections::first(here())),
            ),
            // An HTML page usually comes from a proxy, not from GitHub.
            RequestFailure::Unknown(cause)
            | RequestFailure::Answered {
                cause: cause @ HttpError::Html { .. },
                ..
            } => (temporary(cause), Scope::Network(here())),
            RequestFailure::Answered { cause, .. } => (temporary(cause), Scope::Everyone),
            RequestFailure::Refused { code } => (
                FailureCause::Refused(code.as_str().to_owned()),
                Scope::Everyone,
            ),
        };
        let retry_after = failure.retry_after();
        SharedFailure {
            attempt,
            cause,
            retry_at: retry_after.map(|wait| self.clock.now().after(wait)),
            scope,
        }
    }
}

/// Counts a failed connection with those before it.
pub(super) fn counted(mut failure: SharedFailure, held: &mut ComparedRecord<'_>) -> SharedFailure {
    let before = held.locked().outcome();
    let generation = held.record().generation;
    if let (Scope::Connection(failed), Some(before)) = (
        &mut failure.scope,
        before
            .as_ref()
            .and_then(|before| before.failed_connections(generation)),
    ) {
        *failed = failed.clone().after(before);
    }
    failure
}

pub(super) fn not_stored(error: StoreError) -> Stop {
    Stop::failed(store_failure(error))
}

pub(super) fn store_failure(error: StoreError) -> SharedFailure {
    let (cause, scope) = match error {
        StoreError::Limit(limit) => (FailureCause::Limit(limit), Scope::Process),
        error @ StoreError::ReadOnly { .. } => (FailureCause::Store(error), Scope::Process),
        error => (FailureCause::Store(error), Scope::Waiting),
    };
    SharedFailure {
        attempt: Attempt::Refresh,
        cause,
        retry_at: None,
        scope,
    }
}
