//! The servers of MCP clients that ghtok runs now, by the clients' files.

use std::path::{Path, PathBuf};

use crate::formats::mcp_client::{Client, ClientFolders, WrittenServer, servers};
use crate::plain_file;

/// A server of a client that ghtok runs.
pub(crate) struct FoundServer {
    pub(crate) client: Client,
    pub(crate) file: PathBuf,
    pub(crate) name: String,
    /// Whether the file is the account's own, and no project's.
    pub(crate) is_own: bool,
}

/// Every one of a client, in the account's files and those of the current project.
pub(crate) fn ghtok_servers(client: Client, folders: &ClientFolders) -> Vec<FoundServer> {
    let own = client.own_files(folders);
    let files = client.files(folders).into_iter();
    files
        .flat_map(|file| {
            let is_own = own.contains(&file);
            let ghtoks = written_in(client, &file).into_iter();
            ghtoks
                .filter(WrittenServer::is_ghtok)
                .map(move |server| FoundServer {
                    client,
                    file: file.clone(),
                    name: server.name,
                    is_own,
                })
        })
        .collect()
}

/// All servers in one file of a client.
pub(crate) fn written_in(client: Client, file: &Path) -> Vec<WrittenServer> {
    let bytes = plain_file::read_small(file).unwrap_or_default();
    servers(client, &String::from_utf8_lossy(&bytes))
}
