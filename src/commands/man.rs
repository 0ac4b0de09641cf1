//! `ghtok man`: manual pages from the definition of the flags.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use clap_mangen::Man;

use crate::error::{Error, Result, system_reason};
use crate::system::terminal::Terminal;

/// Write the manual pages
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok man | man -l -                    read ghtok(1)
  ghtok man ~/.local/share/man/man1       write a page for each command")]
pub(crate) struct ManPages {
    /// Folder to write all pages to; without it, ghtok(1) is printed
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl ManPages {
    /// Prints or writes the pages of this command and those below it.
    ///
    /// # Errors
    /// If they cannot be written.
    pub(crate) fn run(&self, command: clap::Command) -> Result<u8> {
        let mut command = command.disable_help_subcommand(true);
        command.build();
        match &self.folder {
            None => Terminal.data(&page(&command).map_err(Error::of_output)?)?,
            Some(folder) => {
                fs::create_dir_all(folder).map_err(|error| failed("create", folder, &error))?;
                write_all(&command, folder)?;
            }
        }
        Ok(0)
    }
}

fn write_all(command: &clap::Command, folder: &Path) -> Result<()> {
    for below in command.get_subcommands() {
        write_all(below, folder)?;
    }
    let name = command.get_display_name().unwrap_or(command.get_name());
    let file = folder.join(format!("{name}.1"));
    page(command)
        .and_then(|page| fs::write(&file, page))
        .map_err(|error| failed("write", &file, &error))
}

fn failed(doing: &'static str, path: &Path, error: &io::Error) -> Error {
    Error::File {
        doing,
        path: path.to_owned(),
        cause: system_reason(error),
    }
}

fn page(command: &clap::Command) -> io::Result<Vec<u8>> {
    let version = env!("CARGO_PKG_VERSION");
    let man = Man::new(command.clone())
        .source(format!("ghtok {version}"))
        .manual("ghtok");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(text) = command.get_after_help() {
        page.extend(after_help(&text.to_string()).bytes());
    }
    Ok(page)
}

/// The text below the options. Its first paragraph are the examples; their lines, and other indented ones,
/// stay as they are.
fn after_help(text: &str) -> String {
    let mut roff = String::new();
    let mut is_kept = false;
    for line in text.lines() {
        if line == "Examples:" {
            roff.push_str(".SH EXAMPLES\n");
        } else if line.is_empty() {
            keep(&mut is_kept, false, &mut roff);
            roff.push_str(".PP\n");
        } else {
            keep(&mut is_kept, line.starts_with(' '), &mut roff);
            roff.push_str(&format!("{}\n", escaped(line)));
        }
    }
    keep(&mut is_kept, false, &mut roff);
    roff
}

/// Begins or ends lines that are not filled.
fn keep(is_kept: &mut bool, wanted: bool, roff: &mut String) {
    if *is_kept != wanted {
        roff.push_str(if wanted { ".nf\n" } else { ".fi\n" });
        *is_kept = wanted;
    }
}

/// `\&` keeps a first dot or quote from being a request (groff(7), "Escape sequences").
fn escaped(line: &str) -> String {
    let line = line
        .replace('\\', "\\e")
        .replace('-', "\\-")
        .replace('…', "...");
    format!("\\&{line}")
}

#[cfg(test)]
mod tests {
    use super::after_help;

    #[test]
    fn examples_keep_their_lines_and_other_text_is_filled() {
        assert_eq!(
            after_help("Examples:\n  ghtok get --x\n  .y\\\n\nMore\ntext."),
            ".SH EXAMPLES\n.nf\n\\&  ghtok get \\-\\-x\n\\&  .y\\e\n.fi\n.PP\n\\&More\n\\&text.\n"
        );
    }
}
