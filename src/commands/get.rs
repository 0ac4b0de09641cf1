//! `ghtok get`: prints a valid token. Never prompts.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::commands::{ScopeFlags, Subcommand, Target};
use crate::config::{Environment, Flags};
use crate::error::Result;
use crate::formats::durations::parse_duration;
use crate::formats::shell::Shell;
use crate::host::token_env::{
    self, EnvChange, EnvPlan, OtherTokens, Reason, Recipient, TokenVariable,
};
use crate::host::{Host, Inherited, TOKEN_VARIABLES};
use crate::sandbox::client::SandboxClient;
use crate::session::{IssuedToken, Session, TokenSource};
use crate::system::terminal::Terminal;
use crate::token::SecretBuffer;

/// Print a valid token; never prompts
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok get
  ghtok get --format header | curl -H @- https://api.github.com/user
  eval \"$(ghtok get --format env)\"
  ghtok get work --min-ttl 1h --format json
  ghtok get --repo octocat/hello --permission contents=read")]
pub(crate) struct Get {
    #[command(flatten)]
    target: Target,
    /// Minimum remaining lifetime, for example 90s, 30m or 1h30m
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    min_ttl: Option<Duration>,
    #[command(flatten)]
    scope: ScopeFlags,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Token)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Only the token
    Token,
    /// A JSON object; errors are JSON too
    Json,
    /// Authorization: Bearer …
    Header,
    /// For eval in sh, bash and zsh
    Env,
    /// For source in fish
    Fish,
    /// For Invoke-Expression in PowerShell
    Powershell,
    /// For a netrc file; the token in it expires within 8 hours
    Netrc,
}

impl Subcommand for Get {
    fn flags(&self) -> Flags {
        self.target.flags()
    }

    fn wants_json(&self) -> bool {
        self.format == Format::Json
    }

    fn run(&self, session: &Session<'_>) -> Result<u8> {
        session.for_app(|call| {
            let scope = self.scope.scope(&call.app.host)?;
            self.print(&call.tokens(scope.as_ref(), None))
        })?;
        Ok(0)
    }

    fn run_in_sandbox(&self, sandbox: &SandboxClient<'_>) -> Result<u8> {
        self.scope.check_in_sandbox()?;
        self.print(&sandbox.tokens(&self.flags())?)?;
        Ok(0)
    }
}

impl Get {
    /// `get` or `get APP`, and nothing else.
    pub(crate) fn plain(arguments: &[OsString]) -> Option<Self> {
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
        (verb == "get").then_some(Self {
            target,
            min_ttl: None,
            scope: ScopeFlags::default(),
            format: Format::Token,
        })
    }

    fn print(&self, source: &dyn TokenSource) -> Result<()> {
        let issued = source.access_token(self.min_ttl)?;
        let token = issued.token.expose();
        let text = match self.format {
            Format::Token => line("", token),
            Format::Header => line("Authorization: Bearer ", token),
            Format::Json => issued.to_json(),
            Format::Netrc => netrc(&issued.host, token),
            Format::Env => for_shell(Shell::Posix, &issued)?,
            Format::Fish => for_shell(Shell::Fish, &issued)?,
            Format::Powershell => for_shell(Shell::PowerShell, &issued)?,
        };
        Terminal.data(text.as_bytes())
    }
}

impl Format {
    fn shell(self) -> Option<Shell> {
        match self {
            Self::Env => Some(Shell::Posix),
            Self::Fish => Some(Shell::Fish),
            Self::Powershell => Some(Shell::PowerShell),
            Self::Token | Self::Json | Self::Header | Self::Netrc => None,
        }
    }
}

/// The shell that evaluates the output of this `get`. The other arguments may be invalid.
pub(crate) fn shell_of(arguments: &[OsString]) -> Option<Shell> {
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
        if let Some(format) = value.and_then(|value| Format::from_str(value, false).ok()) {
            shell = format.shell();
        }
    }
    shell
}

/// Prints shell code for a `get` that failed, for the shell that evaluates its output: it unsets the
/// variables, so that no old token stays in use, and sets the exit status.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn tell_shell_of_failure(shell: Shell, exit_code: u8, terminal: Terminal) -> Result<()> {
    let mut text: String = TOKEN_VARIABLES
        .iter()
        .map(|name| shell.unset(name))
        .collect();
    text.push_str(&shell.fail("ghtok: there is no token", exit_code));
    terminal.data(text.as_bytes())
}

fn line(before: &str, token: &str) -> SecretBuffer {
    let mut text = SecretBuffer::with_capacity(before.len() + token.len() + 1);
    text.push_str(before);
    text.push_str(token);
    text.push(b"\n");
    text
}

fn for_shell(shell: Shell, issued: &IssuedToken<'_>) -> Result<SecretBuffer> {
    let plan = plan(&issued.host, &Environment::inherited_by_tools())?;
    if let Some(note) = plan.note(Recipient::Shell, &[Reason::OtherHost]) {
        Terminal.note(&note);
    }
    Ok(variables(shell, &plan, issued.token.expose()))
}

fn plan(host: &Host, inherited: &Inherited) -> Result<EnvPlan> {
    let names = host.variables().token_names;
    let grants: Vec<TokenVariable<'_>> = names
        .iter()
        .map(|variable| TokenVariable { variable, host })
        .collect();
    token_env::plan(Recipient::Shell, &grants, OtherTokens::Remove, inherited)
}

/// The tokens, the host, and then what goes.
fn variables(shell: Shell, plan: &EnvPlan, token: &str) -> SecretBuffer {
    let mut text = SecretBuffer::with_capacity(512);
    let mut hosts = SecretBuffer::default();
    let mut removals = String::new();
    for change in &plan.changes {
        match change {
            EnvChange::Token { variable, .. } => shell.set(variable, token, &mut text),
            EnvChange::Text(name, value) => shell.set(name, value, &mut hosts),
            EnvChange::Remove(name) => removals.push_str(&shell.unset(name)),
        }
    }
    text.push(hosts.as_bytes());
    text.push_str(&removals);
    text
}

/// GitHub takes any user name beside a token; its documentation uses `x-access-token`.
fn netrc(host: &Host, token: &str) -> SecretBuffer {
    let mut machines = vec![host.name().to_owned()];
    if host.api_name() != host.name() {
        machines.push(host.api_name());
    }
    let mut text = SecretBuffer::with_capacity(512);
    for machine in machines {
        for part in [
            "machine ",
            &machine,
            " login x-access-token password ",
            token,
            "\n",
        ] {
            text.push_str(part);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::host::Host;

    fn host(name: &str) -> Host {
        Host::parse(name).expect("a host")
    }

    fn in_shell(shell: Shell, name: &str, inherited: &Inherited) -> String {
        let plan = plan(&host(name), inherited).expect("a plan");
        text(&variables(shell, &plan, "ghu_x"))
    }

    fn text(buffer: &SecretBuffer) -> String {
        String::from_utf8(buffer.as_bytes().to_vec()).expect("text")
    }

    #[test]
    fn each_format_on_github_com() {
        let com = "github.com";
        assert_eq!(
            in_shell(Shell::Posix, com, &Inherited::default()),
            "export GH_TOKEN='ghu_x'\nexport GITHUB_TOKEN='ghu_x'\nexport GITHUB_PERSONAL_ACCESS_TOKEN='ghu_x'\n"
        );
        assert_eq!(
            text(&netrc(&host(com), "ghu_x")),
            "machine github.com login x-access-token password ghu_x\nmachine api.github.com login x-access-token password ghu_x\n"
        );
    }

    #[test]
    fn p6_a_servers_token_goes_into_its_own_variables_only() {
        assert_eq!(
            in_shell(Shell::Fish, "ghes.example", &Inherited::default()),
            "set -gx GH_ENTERPRISE_TOKEN 'ghu_x'\nset -gx GITHUB_ENTERPRISE_TOKEN 'ghu_x'\nset -gx GH_HOST 'ghes.example'\n"
        );
        assert_eq!(
            text(&netrc(&host("ghes.example"), "ghu_x")),
            "machine ghes.example login x-access-token password ghu_x\n"
        );
    }

    #[test]
    fn p6_an_inherited_variable_of_another_host_is_taken_away() {
        let inherited = Inherited {
            tokens: vec!["GH_TOKEN", "GH_ENTERPRISE_TOKEN"],
            hosts: vec![
                ("GH_HOST", "ghes.example".into()),
                ("GITHUB_HOST", "https://github.com".into()),
                ("GH_REPO", "ghes.example/octo/cat".into()),
                ("GITHUB_API_URL", "https://api.github.com".into()),
            ],
        };
        let text = in_shell(Shell::Posix, "github.com", &inherited);
        assert!(
            text.ends_with("'\nunset GH_HOST\nunset GH_REPO\n"),
            "{text}"
        );
        assert!(!text.contains("GITHUB_API_URL"), "{text}");
        let own = in_shell(Shell::Posix, "ghes.example", &inherited);
        assert!(
            own.ends_with("GH_HOST='ghes.example'\nunset GITHUB_HOST\nunset GITHUB_API_URL\n"),
            "{own}"
        );
        // The token of another host is left alone.
        assert!(!own.contains(" GH_TOKEN"), "{own}");
    }

    #[derive(Parser)]
    enum Parsed {
        Get(Get),
    }

    #[test]
    fn a_plain_get_is_read_as_clap_reads_it() {
        for line in ["ghtok get", "ghtok get work", "ghtok get a.b"] {
            let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let plain = Get::plain(&arguments);
            let parsed = Parsed::try_parse_from(&arguments).map(|Parsed::Get(get)| get);
            assert_eq!(
                format!("{:?}", plain.expect(line)),
                format!("{:?}", parsed.expect(line))
            );
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
            assert!(Get::plain(&arguments).is_none(), "{line}");
        }
    }
}
