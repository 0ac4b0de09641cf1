//! What was found: a line each, with a stable code, the reason and the fix.

use serde::Serialize;

use crate::error::Error;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// It works, but not as somebody may expect, or not for long.
    Warning,
    /// It does not work.
    Problem,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// What was looked at.
    pub(super) subject: &'static str,
    /// The App that it is about, if there are several.
    pub(super) app: Option<String>,
    /// Stable, for programs.
    pub(super) code: String,
    pub(super) level: Level,
    /// What is the case, and why.
    pub(super) message: String,
    /// What to do, in words; a colon at its end announces the command.
    pub(super) fix: Option<String>,
    /// The command to run.
    pub(super) command: Option<String>,
}

impl Finding {
    /// Adds what to do.
    pub(super) fn fix(&mut self, words: &str) -> &mut Self {
        self.fix = Some(words.to_owned());
        self
    }

    /// Adds what an error's hint says.
    pub(super) fn hint(&mut self, hint: &str) {
        match split_command(hint) {
            Some((words, command)) => self.run(words, command),
            None => drop(self.fix(hint)),
        }
    }

    /// Adds what to do, and the command for it.
    pub(super) fn run(&mut self, words: &str, command: impl Into<String>) {
        self.fix(words).command = Some(command.into());
    }
}

/// Everything that was found, in the order of the report.
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<Finding>,
    app: Option<String>,
    logins: Vec<String>,
    hosts: Vec<String>,
}

impl Findings {
    /// What follows is about this App.
    pub(super) fn begin(&mut self, app: Option<&str>) {
        self.app = app.map(str::to_owned);
    }

    pub(super) fn ok(&mut self, subject: &'static str, code: &str, message: String) {
        self.add(subject, code, Level::Ok, message);
    }

    /// Adds a finding, to which a fix can be added.
    pub(super) fn add(
        &mut self,
        subject: &'static str,
        code: &str,
        level: Level,
        message: String,
    ) -> &mut Finding {
        self.list.push(Finding {
            subject,
            app: self.app.clone(),
            code: code.to_owned(),
            level,
            message,
            fix: None,
            command: None,
        });
        self.list.last_mut().expect("it was just added")
    }

    /// Adds what another command would fail with.
    pub(super) fn error(&mut self, subject: &'static str, level: Level, error: &Error) {
        let finding = self.add(subject, error.code(), level, error.to_string());
        if let Some(hint) = error.hint() {
            finding.hint(&hint);
        }
    }

    /// Notes a login that a public report must not show.
    pub(super) fn keep_login_private(&mut self, login: &str) {
        self.logins.push(login.to_owned());
    }

    /// Notes a host that a public report must not show.
    pub(super) fn keep_host_private(&mut self, host: &str) {
        self.hosts.push(host.to_owned());
    }

    pub(super) fn logins(&self) -> &[String] {
        &self.logins
    }

    pub(super) fn hosts(&self) -> &[String] {
        &self.hosts
    }

    pub(super) fn count(&self) -> usize {
        self.list.len()
    }

    pub(super) fn worst(&self) -> Level {
        let levels = self.list.iter().map(|finding| finding.level);
        levels.max().unwrap_or(Level::Ok)
    }

    pub(super) fn into_list(self) -> Vec<Finding> {
        self.list
    }
}

/// The first command of a hint, which is alone on its line, and the words before it.
fn split_command(hint: &str) -> Option<(&str, &str)> {
    let (words, rest) = hint.split_once("\n  ")?;
    Some((words, rest.lines().next()?))
}

#[cfg(test)]
mod tests {
    use super::split_command;

    #[test]
    fn a_command_is_alone_on_its_line() {
        let hint = "try it:\n  ghtok refresh\nor not";
        assert_eq!(split_command(hint), Some(("try it:", "ghtok refresh")));
        assert_eq!(split_command("correct it: now"), None);
    }
}
