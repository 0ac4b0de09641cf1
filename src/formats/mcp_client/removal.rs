//! A client's file without one of its servers, all else as it is. What is not JSON is cut out by lines, and
//! believed only if the file then means the same but for that server.

use jsonc_parser::cst::CstObjectProp;
use toml::de::{DeTable, DeValue};

use super::Client;
use super::written::{list_in, servers};

/// `None` where the file has no such server, or the entry is written in a way that cannot be cut out.
pub(crate) fn without(client: Client, text: &str, name: &str) -> Option<String> {
    match client {
        Client::Codex => without_toml(client.list(), text, name),
        Client::Goose => without_goose(text, name),
        _ => {
            let (root, list) = list_in(client, text)?;
            let is_it = |property: &CstObjectProp| {
                property.decoded_name().is_some_and(|known| known == name)
            };
            list.properties().into_iter().find(is_it)?.remove();
            Some(root.to_string())
        }
    }
}

/// Without the tables `[LIST.NAME]` and `[LIST.NAME.…]`, each up to the next table.
fn without_toml(list: &str, text: &str, name: &str) -> Option<String> {
    let is_its = |line: &str| {
        let table = line.trim_start().strip_prefix('[')?;
        let below = table.strip_prefix(list)?.strip_prefix('.')?;
        let rest = [name.to_owned(), format!("\"{name}\""), format!("'{name}'")]
            .iter()
            .find_map(|spelled| below.strip_prefix(spelled.as_str()))?;
        rest.starts_with([']', '.']).then_some(())
    };
    let mut inside = false;
    let mut left = String::new();
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with('[') {
            inside = is_its(line).is_some();
        }
        if !inside {
            left.push_str(line);
        }
    }
    let mut before = DeTable::parse(text).ok()?.into_inner();
    let DeValue::Table(servers) = before.get_mut(list)?.get_mut() else {
        return None;
    };
    servers.remove(name)?;
    if servers.is_empty() {
        before.remove(list);
    }
    let after = DeTable::parse(&left).ok()?.into_inner();
    means_the_same(&DeValue::Table(before), &DeValue::Table(after)).then_some(left)
}

fn means_the_same(one: &DeValue<'_>, other: &DeValue<'_>) -> bool {
    match (one, other) {
        (DeValue::Table(one), DeValue::Table(other)) => {
            let same = |name: &str, value: &DeValue<'_>| {
                let there = other.get(name);
                there.is_some_and(|there| means_the_same(value, there.get_ref()))
            };
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, value)| same(name.get_ref(), value.get_ref()))
        }
        (DeValue::Array(one), DeValue::Array(other)) => {
            let mut pairs = one.iter().zip(other.iter());
            one.len() == other.len()
                && pairs.all(|(one, other)| means_the_same(one.get_ref(), other.get_ref()))
        }
        (DeValue::String(one), DeValue::String(other)) => one == other,
        (DeValue::Integer(one), DeValue::Integer(other)) => one.as_str() == other.as_str(),
        (DeValue::Float(one), DeValue::Float(other)) => one.as_str() == other.as_str(),
        (DeValue::Boolean(one), DeValue::Boolean(other)) => one == other,
        (DeValue::Datetime(one), DeValue::Datetime(other)) => one == other,
        _ => false,
    }
}

/// Without the key NAME below `extensions`, and what is indented more.
fn without_goose(text: &str, name: &str) -> Option<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_content = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let list = lines
        .iter()
        .position(|line| line.starts_with("extensions:"))?;
    let end = |from: usize, depth: usize| {
        let mut after = (from..lines.len()).filter(|&at| is_content(lines[at]));
        after
            .find(|&at| indent(lines[at]) <= depth)
            .unwrap_or(lines.len())
    };
    let list_end = end(list + 1, 0);
    let depth = lines[list + 1..list_end]
        .iter()
        .find(|line| is_content(line))
        .map(|line| indent(line))?;
    let is_its = |line: &&str| {
        let key = line.trim().split(':').next().unwrap_or_default();
        indent(line) == depth && key.trim_matches(['"', '\'']) == name
    };
    let start = list + 1 + lines[list + 1..list_end].iter().position(is_its)?;
    let stop = end(start + 1, depth);
    lines.drain(start..stop);
    let is_empty = lines[list + 1..list_end - (stop - start)]
        .iter()
        .all(|line| !is_content(line));
    if is_empty {
        lines[list] = "extensions: {}\n";
    }
    let left = lines.concat();
    let mut expected = servers(Client::Goose, text);
    expected.retain(|server| server.name != name);
    (servers(Client::Goose, &left) == expected).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::without;
    use crate::formats::mcp_client::Client;

    #[test]
    fn a_server_goes_and_every_other_byte_stays() {
        let with = "// my servers\n{\n  \"servers\": {\n    \"a\": {\"command\": \"x\"}, // first\n    \
                    \"github\": {\n      \"command\": \"ghtok\"\n    },\n    \"z\": {\"command\": \"y\"}\n  },\n  \"inputs\": []\n}\n";
        let without_it = "// my servers\n{\n  \"servers\": {\n    \"a\": {\"command\": \"x\"}, // first\n    \
                          \"z\": {\"command\": \"y\"}\n  },\n  \"inputs\": []\n}\n";
        assert_eq!(
            without(Client::VsCode, with, "github").as_deref(),
            Some(without_it)
        );
        let last = "{\"mcpServers\": {\"a\": 1, \"github\": {}}}\n";
        let left = without(Client::Cursor, last, "github").expect("a file");
        assert_eq!(left, "{\"mcpServers\": {\"a\": 1}}\n");
        assert_eq!(without(Client::Cursor, last, "b"), None);
    }

    #[test]
    fn tables_of_codex_go_with_those_below_them() {
        let own = "[mcp_servers.github]\ncommand = \"ghtok\" # mine\n\n[mcp_servers.github.env]\nX = \"y\"\n";
        let other = "[mcp_servers.githubber]\ncommand = \"x\"\n";
        for (before, after) in [("model = \"o\"\n\n", other), ("", ""), (other, "[tools]\n")] {
            let left = without(Client::Codex, &format!("{before}{own}{after}"), "github");
            assert_eq!(left.as_deref(), Some(format!("{before}{after}").as_str()));
        }
        let inline = "mcp_servers = { github = { command = \"ghtok\" } }\n";
        assert_eq!(without(Client::Codex, inline, "github"), None);
        let in_a_text = format!("{own}[a]\nx = \"\"\"\n[mcp_servers.github]\n\"\"\"\n");
        assert_eq!(without(Client::Codex, &in_a_text, "github"), None);
        assert_eq!(without(Client::Codex, other, "github"), None);
    }

    #[test]
    fn an_extension_of_goose_goes_and_the_others_stay() {
        let own = "  github:\n    cmd: ghtok\n    args: [\"mcp\"]\n    envs:\n      X: y\n";
        let other = "  developer:\n    type: builtin\n";
        for (before, after) in [(other, ""), ("", other), (other, "GOOSE_MODE: x\n")] {
            let text = format!("GOOSE_MODEL: x\nextensions:\n{before}{own}{after}");
            let left = without(Client::Goose, &text, "github");
            let expected = format!("GOOSE_MODEL: x\nextensions:\n{before}{after}");
            assert_eq!(left.as_deref(), Some(expected.as_str()));
        }
        let only = without(
            Client::Goose,
            &format!("extensions:\n{own}X: y\n"),
            "github",
        );
        assert_eq!(only.as_deref(), Some("extensions: {}\nX: y\n"));
        assert_eq!(without(Client::Goose, "extensions:\n", "github"), None);
    }
}
