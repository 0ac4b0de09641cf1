/// What the timer does (`[schedule]` in config.toml).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduleRules {
    /// A person is told when a sign-in has ended or is about to.
    pub warn: bool,
    /// The sign-in of an App that nobody uses is refreshed before it ends.
    pub keep_alive: bool,
}

impl ScheduleRules {
    /// What a configuration that says nothing means.
    pub const DEFAULT: Self = Self {
        warn: true,
        keep_alive: true,
    };
}
