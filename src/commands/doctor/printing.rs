//! The report, for people and for programs.

use anstyle::AnsiColor;
use serde::Serialize;

use super::finding::{Finding, Level};
use crate::formats::drawing::wrap::wrapped;

/// Where the text of a finding begins, behind its level.
const INDENT: &str = "         ";

/// The report for people: the level, what was found, and the fix below it; a command alone on its line,
/// which is never broken.
pub(super) fn text(findings: &[Finding], columns: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for finding in findings {
        let about = match &finding.app {
            Some(app) => format!("{} ({app})", finding.subject),
            None => finding.subject.to_owned(),
        };
        let message = wrapped(&format!("{INDENT}{about}: {}", finding.message), columns);
        let level = level(finding.level);
        lines.push(match message.strip_prefix(INDENT) {
            Some(message) => format!("{level}{message}"),
            // The first word is too long for the indent.
            None => format!("{level}\n{message}"),
        });
        if let Some(fix) = &finding.fix {
            lines.push(wrapped(&format!("{INDENT}{fix}"), columns));
        }
        if let Some(command) = &finding.command {
            lines.push(format!("{INDENT}  {command}"));
        }
    }
    lines.push(String::new());
    lines.push(summary(findings));
    lines.join("\n")
}

fn summary(findings: &[Finding]) -> String {
    let count = |level| {
        let same = findings.iter().filter(|finding| finding.level == level);
        same.count()
    };
    let counted = |count: usize, word: &str| match count {
        0 => format!("no {word}s"),
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    };
    let problems = counted(count(Level::Problem), "problem");
    let warnings = counted(count(Level::Warning), "warning");
    format!("{problems}, {warnings}")
}

/// The level in its colour, as wide as the indent.
fn level(level: Level) -> String {
    let (name, colour) = match level {
        Level::Ok => ("ok", AnsiColor::Green),
        Level::Warning => ("warning", AnsiColor::Yellow),
        Level::Problem => ("problem", AnsiColor::Red),
    };
    let style = colour.on_default();
    let rest = INDENT.len() - name.len();
    format!("{style}{name}{style:#}{:rest$}", "")
}

/// The report as one JSON object.
pub(super) fn json(findings: &[Finding]) -> String {
    #[derive(Serialize)]
    struct ReportJson<'a> {
        schema_version: u32,
        version: &'static str,
        system: String,
        findings: &'a [Finding],
    }
    let report = ReportJson {
        schema_version: 1,
        version: env!("CARGO_PKG_VERSION"),
        system: super::program::system(),
        findings,
    };
    serde_json::to_string(&report).expect("plain structs become JSON")
}
