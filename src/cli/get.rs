//! The arguments of `get`, and the plain call that is read without the parser.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Target;
use crate::commands::get;
use crate::config::Flags;
use crate::formats::durations::parse_duration;
use crate::formats::shell::Shell;

/// Arguments of `get`.
#[derive(Debug, Args)]
pub struct Get {
    #[command(flatten)]
    target: Target,
    /// How long the token must be good for, as in 90s, 30m, 1h30m
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    min_ttl: Option<Duration>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = GetFormat::Token)]
    format: GetFormat,
}

/// The names of the formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum GetFormat {
    /// The token and a newline
    Token,
    /// An object; errors are JSON too
    Json,
    /// Authorization: Bearer …
    Header,
    /// For eval in sh, bash and zsh
    Env,
    /// For source in fish
    Fish,
    /// For Invoke-Expression in PowerShell
    Powershell,
    /// For a netrc file; the token in it is dead in 8 hours
    Netrc,
}

impl Get {
    /// The command's input.
    pub fn input(&self) -> get::Input {
        let format = match self.format {
            GetFormat::Token => get::Format::Token,
            GetFormat::Json => get::Format::Json,
            GetFormat::Header => get::Format::Header,
            GetFormat::Env | GetFormat::Fish | GetFormat::Powershell => {
                get::Format::Variables(self.format.shell().unwrap_or(Shell::Posix))
            }
            GetFormat::Netrc => get::Format::Netrc,
        };
        get::Input {
            min_ttl: self.min_ttl,
            format,
        }
    }

    pub(super) fn wants_json(&self) -> bool {
        self.format == GetFormat::Json
    }

    pub(super) fn flags(&self) -> Flags {
        self.target.flags()
    }
}

impl GetFormat {
    fn shell(self) -> Option<Shell> {
        match self {
            Self::Env => Some(Shell::Posix),
            Self::Fish => Some(Shell::Fish),
            Self::Powershell => Some(Shell::PowerShell),
            Self::Token | Self::Json | Self::Header | Self::Netrc => None,
        }
    }
}

/// The shell that evaluates the output of a `get` whose other arguments may not parse.
pub fn shell_of(arguments: &[OsString]) -> Option<Shell> {
    let (verb, rest) = arguments.get(1..)?.split_first()?;
    if verb != "get" {
        return None;
    }
    let mut words = rest.iter().filter_map(|word| word.to_str());
    let mut shell = None;
    while let Some(word) = words.next() {
        let value = match word.strip_prefix("--format") {
            Some("") => words.next(),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        };
        if let Some(format) = value.and_then(|value| GetFormat::from_str(value, false).ok()) {
            shell = format.shell();
        }
    }
    shell
}

/// `get` or `get APP`, and nothing else.
pub(super) fn plain(arguments: &[OsString]) -> Option<Get> {
    let (verb, rest) = arguments.get(1..)?.split_first()?;
    let named = match rest {
        [] => None,
        [app] => Some(app.to_str().filter(|app| !app.starts_with('-'))?.to_owned()),
        [_, _, ..] => return None,
    };
    let target = Target {
        named,
        ..Target::default()
    };
    (verb == "get").then_some(Get {
        target,
        min_ttl: None,
        format: GetFormat::Token,
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn a_plain_get_is_read_as_clap_reads_it() {
        for line in ["ghtok get", "ghtok get work", "ghtok get a.b"] {
            let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let plain = plain(&arguments).map(|get| Cli {
                verbose: 0,
                command: Command::Get(get),
            });
            let parsed = Cli::try_parse_from(&arguments).expect(line);
            assert_eq!(format!("{:?}", plain.expect(line)), format!("{parsed:?}"));
        }
    }

    #[test]
    fn everything_else_is_left_to_clap() {
        for line in [
            "ghtok",
            "ghtok get -h",
            "ghtok get --format json",
            "ghtok get a b",
            "ghtok status",
        ] {
            let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert!(plain(&arguments).is_none(), "{line}");
        }
    }
}
