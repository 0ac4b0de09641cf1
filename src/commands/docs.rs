//! `ghtok docs`: the documentation, as it belongs to this binary.

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::error::Result;
use crate::formats::markdown;
use crate::system::terminal::Terminal;

/// Each page with its name: the file's below `docs`, without `.md`.
const PAGES: [(&str, &str); 16] = [
    ("readme", include_str!("../../README.md")),
    ("tutorial", include_str!("../../docs/tutorial.md")),
    ("recipes", include_str!("../../docs/recipes.md")),
    (
        "recipes/schedule",
        include_str!("../../docs/recipes/schedule.md"),
    ),
    (
        "troubleshooting",
        include_str!("../../docs/troubleshooting.md"),
    ),
    ("mcp", include_str!("../../docs/mcp.md")),
    ("configuration", include_str!("../../docs/configuration.md")),
    ("exit-codes", include_str!("../../docs/exit-codes.md")),
    ("promises", include_str!("../../docs/promises.md")),
    ("comparison", include_str!("../../docs/comparison.md")),
    ("security", include_str!("../../docs/security.md")),
    ("changelog", include_str!("../../docs/changelog.md")),
    ("architecture", include_str!("../../docs/architecture.md")),
    ("protocol", include_str!("../../docs/protocol.md")),
    ("decisions", include_str!("../../docs/decisions.md")),
    ("testing", include_str!("../../docs/testing.md")),
];

/// Print a page of the documentation
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok docs                   list the pages
  ghtok docs recipes | less    read one")]
pub(crate) struct Docs {
    /// The page; without it, all pages are listed
    #[arg(value_name = "PAGE", value_parser = PossibleValuesParser::new(PAGES.map(|(name, _)| name)))]
    page: Option<String>,
}

impl Docs {
    /// Prints the page, or the list.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn run(&self) -> Result<u8> {
        match &self.page {
            None => Terminal.data(list().as_bytes())?,
            Some(wanted) => {
                let found = PAGES.into_iter().find(|(name, _)| name == wanted);
                let (_, text) = found.expect("the parser knows the names");
                match Terminal.output_columns() {
                    None => Terminal.data(text.as_bytes())?,
                    Some(columns) => Terminal.data(markdown::fitted(text, columns).as_bytes())?,
                }
            }
        }
        Ok(0)
    }
}

fn list() -> String {
    let line = |(name, text): (&str, &str)| {
        let title = text.lines().next().unwrap_or_default();
        format!("{name:<18}{}\n", title.trim_start_matches("# "))
    };
    PAGES.into_iter().map(line).collect()
}
