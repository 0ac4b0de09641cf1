//! The servers that stand in a client's file, whoever wrote them there.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstObject, CstRootNode};
use serde_json::Value;

use super::{Client, McpServer};

/// A server of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrittenServer {
    /// What the client calls it.
    pub(crate) name: String,
    /// How it is reached; `None` for what is neither a command nor an address with headers from one.
    pub(crate) server: Option<McpServer>,
}

impl WrittenServer {
    /// True if the client starts ghtok for it, or has ghtok print its headers.
    pub(crate) fn is_ghtok(&self) -> bool {
        match &self.server {
            Some(McpServer::Command { program, arguments }) => {
                is_program(program) && arguments.first().is_some_and(|word| word == "mcp")
            }
            Some(McpServer::Remote { headers, .. }) => {
                let (program, rest) = headers.split_once(" headers").unwrap_or_default();
                is_program(program) && (rest.is_empty() || rest.starts_with(' '))
            }
            None => false,
        }
    }
}

fn is_program(word: &str) -> bool {
    let word = word.trim_matches(['\'', '"']);
    let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
    name == "ghtok" || name == "ghtok.exe"
}

/// All servers in a client's file, in its order; none where it cannot be read.
pub(crate) fn servers(client: Client, text: &str) -> Vec<WrittenServer> {
    match client {
        Client::Codex => of_toml(client, text).unwrap_or_default(),
        Client::Goose => of_goose(text),
        _ => of_json(client, text).unwrap_or_default(),
    }
}

/// JSON, with the comments that editors allow.
pub(super) fn list_in(client: Client, text: &str) -> Option<(CstRootNode, CstObject)> {
    let root = CstRootNode::parse(text, &ParseOptions::default()).ok()?;
    let list = root.object_value()?.object_value(client.list())?;
    Some((root, list))
}

fn of_json(client: Client, text: &str) -> Option<Vec<WrittenServer>> {
    let (_, list) = list_in(client, text)?;
    let properties = list.properties().into_iter();
    let servers = properties.filter_map(|property| {
        Some(WrittenServer {
            name: property.decoded_name()?,
            server: json_server(&property.value()?.to_serde_value()?),
        })
    });
    Some(servers.collect())
}

fn json_server(value: &Value) -> Option<McpServer> {
    let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
    if let (Some(url), Some(headers)) = (text("url"), text("headersHelper")) {
        return Some(McpServer::Remote { url, headers });
    }
    let words = |name: &str| -> Vec<String> {
        let list = value.get(name).and_then(Value::as_array);
        let words = list.into_iter().flatten().filter_map(Value::as_str);
        words.map(str::to_owned).collect()
    };
    if let Some(program) = text("command") {
        let arguments = words("args");
        return Some(McpServer::Command { program, arguments });
    }
    command(words("command"))
}

fn command(words: Vec<String>) -> Option<McpServer> {
    let mut words = words.into_iter();
    Some(McpServer::Command {
        program: words.next()?,
        arguments: words.collect(),
    })
}

fn of_toml(client: Client, text: &str) -> Option<Vec<WrittenServer>> {
    let table = toml::de::DeTable::parse(text).ok()?.into_inner();
    let list = table.get(client.list())?.get_ref().as_table()?;
    let server = |server: &toml::de::DeValue<'_>| {
        let server = server.as_table()?;
        let text = |value: &toml::de::DeValue<'_>| value.as_str().map(str::to_owned);
        let arguments = server
            .get("args")
            .and_then(|list| list.get_ref().as_array());
        Some(McpServer::Command {
            program: text(server.get("command")?.get_ref())?,
            arguments: arguments
                .into_iter()
                .flatten()
                .filter_map(|word| text(word.get_ref()))
                .collect(),
        })
    };
    let servers = list.iter().map(|(name, value)| WrittenServer {
        name: name.get_ref().to_string(),
        server: server(value.get_ref()),
    });
    Some(servers.collect())
}

/// YAML, as far as Goose's file and the lines of `setup mcp` need it: one server is a key below
/// `extensions`, and its command is in `cmd` and `args`.
fn of_goose(text: &str) -> Vec<WrittenServer> {
    let lines = text
        .lines()
        .skip_while(|line| !line.starts_with("extensions:"));
    let mut servers: Vec<WrittenServer> = Vec::new();
    let mut depth = None;
    for line in lines.skip(1) {
        let trimmed = line.trim();
        let indent = line.len() - line.trim_start().len();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        if indent == 0 {
            break;
        }
        let (key, value) = trimmed.split_once(':').unwrap_or((trimmed, ""));
        if *depth.get_or_insert(indent) == indent {
            servers.push(WrittenServer {
                name: yaml_text(key),
                server: None,
            });
            continue;
        }
        let Some(last) = servers.last_mut() else {
            continue;
        };
        match (key, &mut last.server) {
            ("cmd", server) => *server = command(vec![yaml_text(value)]),
            ("args", Some(McpServer::Command { arguments, .. })) => {
                *arguments = serde_json::from_str(value.trim()).unwrap_or_default();
            }
            _ => {}
        }
    }
    servers
}

fn yaml_text(value: &str) -> String {
    let value = value.trim();
    serde_json::from_str(value).unwrap_or_else(|_| value.trim_matches('\'').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::mcp_client::entry;

    fn own() -> McpServer {
        McpServer::Command {
            program: "/my apps/ghtok".into(),
            arguments: ["mcp", "--", "docker", "it's", "a: b #c"]
                .map(str::to_owned)
                .into(),
        }
    }

    #[test]
    fn each_clients_entry_is_found_again() {
        let McpServer::Command { program, arguments } = own() else {
            panic!("a command");
        };
        for client in Client::ALL {
            let text = entry(client, &program, &arguments);
            let found = servers(client, &text);
            let expected = WrittenServer {
                name: "github".into(),
                server: Some(own()),
            };
            assert!(expected.is_ghtok());
            assert_eq!(found, [expected], "{text}");
        }
        let text = r#"{"mcpServers": {"github": {"type": "http", "url": "https://x/mcp/",
            "headersHelper": "'/my apps/ghtok' headers --app=x"}}}"#;
        assert!(servers(Client::ClaudeCode, text)[0].is_ghtok());
    }

    #[test]
    fn other_servers_are_not_ghtoks() {
        let text = r#"// mine
        {"mcpServers": {
            "a": {"command": "docker", "args": ["run", "ghtok", "mcp"]},
            "b": {"url": "https://x", "headers": {"Authorization": "Bearer x"}},
            "c": {"url": "https://x", "headersHelper": "notghtok headers"},
            "d": {"command": "C:\\x\\ghtok.exe", "args": ["mcp"]}, /* and */
            "e": {"command": "/x/ghtok", "args": ["get"]},
        }}"#;
        let found = servers(Client::Cursor, text);
        let own: Vec<&str> = found
            .iter()
            .filter(|server| server.is_ghtok())
            .map(|server| server.name.as_str())
            .collect();
        assert_eq!((found.len(), own), (5, vec!["d"]));
        for broken in ["", "{", "[]", "{\"mcpServers\": 1}"] {
            assert_eq!(servers(Client::Cursor, broken), [], "{broken}");
            assert_eq!(servers(Client::Codex, broken), [], "{broken}");
        }
    }

    #[test]
    fn goose_keeps_other_extensions() {
        let text = "GOOSE_MODEL: x\nextensions:\n  # mine\n  developer:\n    type: builtin\n  github:\n    \
                    cmd: ghtok\n    args: [\"mcp\", \"--\", \"x\"]\n    envs:\n      X: y\nother:\n  cmd: ghtok\n";
        let found = servers(Client::Goose, text);
        let names: Vec<&str> = found.iter().map(|server| server.name.as_str()).collect();
        assert_eq!(names, ["developer", "github"]);
        assert!(!found[0].is_ghtok() && found[1].is_ghtok());
    }
}
