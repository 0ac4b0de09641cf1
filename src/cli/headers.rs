//! The arguments of `headers`.

use std::time::Duration;

use clap::Args;

use super::Target;
use crate::config::Flags;
use crate::formats::durations::parse_duration;

/// Arguments of `headers`.
#[derive(Debug, Args)]
pub struct Headers {
    #[command(flatten)]
    target: Target,
    /// How long the token must be good for, as in 90s, 30m, 1h30m
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    min_ttl: Option<Duration>,
}

impl Headers {
    /// How much life the token must have left, where the caller says it.
    pub fn min_ttl(&self) -> Option<Duration> {
        self.min_ttl
    }

    pub(super) fn flags(&self) -> Flags {
        self.target.flags()
    }
}
