//! One server's entry, in each client's own form, and the command by which a client adds it itself.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Client;

/// The name that the server gets.
pub(crate) const NAME: &str = "github";

/// How a client reaches a server, as its file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum McpServer {
    /// The client starts this command, which is ghtok with the server under it.
    Command {
        program: String,
        arguments: Vec<String>,
    },
    /// The client sends requests there, with the headers that a command prints.
    Remote { url: String, headers: String },
}

/// An entry for a command, in the order in which people read it.
#[derive(Serialize)]
struct Local<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    command: &'a str,
    args: &'a [String],
}

/// The same where program and arguments are one list.
#[derive(Serialize)]
struct OneList<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    command: Vec<&'a str>,
    enabled: bool,
}

/// The client's own command that adds a server; `None` if it has none.
pub(crate) fn own_command(
    client: Client,
    program: &str,
    arguments: &[String],
) -> Option<Vec<String>> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let mut command: Vec<String> = match client {
        Client::ClaudeCode => words(&[
            "claude", "mcp", "add", "--scope", "user", NAME, "--", program,
        ]),
        Client::Codex => words(&["codex", "mcp", "add", NAME, "--", program]),
        Client::OpenCode => words(&["opencode", "mcp", "add", NAME, "--", program]),
        // It drops the first "--", wherever that stands.
        Client::Gemini => words(&[
            "gemini", "mcp", "add", "--scope", "user", NAME, program, "--",
        ]),
        Client::VsCode => {
            let server = Local {
                kind: None,
                name: Some(NAME),
                command: program,
                args: arguments,
            };
            return Some(words(&["code", "--add-mcp", &one_line(&server)]));
        }
        _ => return None,
    };
    command.extend(arguments.iter().cloned());
    Some(command)
}

/// The client's own command that removes a server of the account; `None` if it has none.
pub(crate) fn own_removal(client: Client, name: &str) -> Option<Vec<String>> {
    let words: &[&str] = match client {
        Client::ClaudeCode => &["claude", "mcp", "remove", "--scope", "user", name],
        Client::Codex => &["codex", "mcp", "remove", name],
        Client::Gemini => &["gemini", "mcp", "remove", "--scope", "user", name],
        _ => return None,
    };
    Some(words.iter().map(|word| (*word).to_owned()).collect())
}

/// What stands in the client's file for a server that this command starts.
pub(crate) fn entry(client: Client, program: &str, arguments: &[String]) -> String {
    let server = |kind| Local {
        kind,
        name: None,
        command: program,
        args: arguments,
    };
    match client {
        Client::ClaudeDesktop
        | Client::Cursor
        | Client::Gemini
        | Client::Windsurf
        | Client::Cline
        | Client::JetBrains
        | Client::Zed => listed(client, &server(None)),
        Client::ClaudeCode | Client::VsCode => listed(client, &server(Some("stdio"))),
        Client::OpenCode => {
            let arguments = arguments.iter().map(String::as_str);
            let server = OneList {
                kind: "local",
                command: std::iter::once(program).chain(arguments).collect(),
                enabled: true,
            };
            listed(client, &server)
        }
        Client::Codex => format!(
            "[{}.{NAME}]\ncommand = {}\nargs = [{}]\n",
            client.list(),
            one_line(program),
            joined(arguments)
        ),
        Client::Goose => format!(
            "{}:\n  {NAME}:\n    enabled: true\n    type: stdio\n    name: {NAME}\n    cmd: {}\n    args: [{}]\n    timeout: 300\n",
            client.list(),
            one_line(program),
            joined(arguments)
        ),
    }
}

fn listed(client: Client, server: &impl Serialize) -> String {
    let servers = BTreeMap::from([(client.list(), BTreeMap::from([(NAME, server)]))]);
    let mut text = serde_json::to_string_pretty(&servers).expect("plain structs become JSON");
    text.push('\n');
    text
}

/// As JSON. A text is YAML's too then (YAML 1.2, section 1.3), and TOML's but for a raw DEL, which no path has.
fn one_line(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).expect("plain structs become JSON")
}

fn joined(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(one_line).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const PROGRAM: &str = "C:\\Program Files\\gh\"tok.exe";

    fn odd() -> Vec<String> {
        ["mcp", "--", "docker", "it's", "a: b #c", "${X}"]
            .map(str::to_owned)
            .into()
    }

    fn command_of(client: Client, text: &str) -> Vec<String> {
        let (program, arguments) = match client {
            Client::Codex => {
                let table = toml::de::DeTable::parse(text).expect("TOML").into_inner();
                let server = table["mcp_servers"].get_ref()["github"].get_ref().clone();
                let program = server["command"].get_ref().as_str().map(Value::from);
                let words = server["args"].get_ref().as_array().expect("words").iter();
                let words: Vec<_> = words.map(|word| word.get_ref().as_str()).collect();
                (program.expect("a text"), Value::from(words))
            }
            Client::Goose => {
                let line = |name: &str| {
                    let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
                    serde_json::from_str::<Value>(line.expect(name)).expect("JSON in YAML")
                };
                (line("cmd: "), line("args: "))
            }
            _ => {
                let value: Value = serde_json::from_str(text).expect("JSON");
                let list = value.as_object().expect("an object").values().next();
                let server = &list.expect("a list")["github"];
                if client == Client::OpenCode {
                    let words = server["command"].as_array().expect("words").clone();
                    (words[0].clone(), Value::from(&words[1..]))
                } else {
                    (server["command"].clone(), server["args"].clone())
                }
            }
        };
        let mut words = vec![program.as_str().expect("a program").to_owned()];
        let arguments = arguments.as_array().expect("arguments").iter();
        words.extend(arguments.map(|word| word.as_str().expect("a word").to_owned()));
        words
    }

    #[test]
    fn every_entry_reads_back_as_the_command_that_it_was_made_of() {
        let expected: Vec<String> = std::iter::once(PROGRAM.to_owned()).chain(odd()).collect();
        for client in Client::ALL {
            let text = entry(client, PROGRAM, &odd());
            assert_eq!(command_of(client, &text), expected, "{text}");
        }
    }
}
