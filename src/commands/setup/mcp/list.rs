//! The known clients, and which of them run ghtok.

use crate::error::Result;
use crate::formats::mcp_client::{Client, ClientFolders, own_command};
use crate::formats::plain_text::one_line;
use crate::session::ghtok_servers;
use crate::system::terminal::Terminal;

/// Prints a line for each client: its name, whether `--write` can add the server, where its entry goes.
pub(super) fn print(folders: &ClientFolders) -> Result<()> {
    let mut text = String::new();
    for client in Client::ALL {
        let writes = own_command(client, "ghtok", &[]).is_some();
        let write = if writes { "--write" } else { "" };
        let servers = ghtok_servers(client, folders);
        let state = if servers.is_empty() {
            ""
        } else {
            "  (runs ghtok)"
        };
        let place = match client.own_files(folders).first() {
            Some(file) => one_line(&folders.tilde(file), 200),
            None => client.place(folders),
        };
        text += &format!("{:<15}{write:<9}{place}{state}\n", client.name());
    }
    Terminal.report(text.trim_end())?;
    Terminal.note("print what a client needs with:\n  ghtok setup mcp CLIENT");
    Ok(())
}
