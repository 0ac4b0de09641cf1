//! The report, for people and for programs.

use serde::Serialize;

use super::finding::{Finding, Level};

/// Where the text of a finding begins.
const INDENT: &str = "         ";

/// The report for people: a line each, the cure below it, a command alone on its line.
pub(super) fn text(findings: &[Finding]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for finding in findings {
        let level = level_name(finding.level);
        let about = match &finding.app {
            Some(app) => format!("{} ({app})", finding.subject),
            None => finding.subject.to_owned(),
        };
        lines.push(format!("{level:<9}{about}: {}", finding.message));
        if let Some(cure) = &finding.cure {
            lines.push(format!("{INDENT}{cure}"));
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

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Ok => "ok",
        Level::Warning => "warning",
        Level::Problem => "problem",
    }
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
