//! Tokens in the files of MCP clients.

use super::finding::{Findings, Level};
use crate::config::Environment;
use crate::formats::mcp_client::{Client, old_tokens};
use crate::plain_file;

const SUBJECT: &str = "mcp";

/// Looks at the files of all clients, the account's and those of the current folder.
pub(super) fn check(environment: &Environment, found: &mut Findings) {
    let project = std::env::current_dir().unwrap_or_default();
    let Ok(folders) = environment.client_folders(project) else {
        return;
    };
    let (mut files, before) = (0, found.count());
    for client in Client::ALL {
        for file in client.files(&folders) {
            let Some(bytes) = plain_file::read_small(&file) else {
                continue;
            };
            files += 1;
            for token in old_tokens(&String::from_utf8_lossy(&bytes)) {
                found
                    .add(
                        SUBJECT,
                        "mcp_token",
                        Level::Warning,
                        format!(
                            "{}:{} has {} in plain text",
                            file.display(),
                            token.line,
                            token.kind
                        ),
                    )
                    .run(
                        "delete the token at GitHub, and replace the entry with the lines that this prints:",
                        format!("ghtok setup mcp {}", client.name()),
                    );
            }
        }
    }
    if found.count() == before {
        let files = match files {
            0 => "no file of an MCP client".to_owned(),
            1 => "1 file of an MCP client, without a token".to_owned(),
            _ => format!("{files} files of MCP clients, without a token"),
        };
        found.ok(SUBJECT, "mcp_clean", files);
    }
}
