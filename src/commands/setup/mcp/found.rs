//! The clients that have ghtok now, by their files.

use std::path::{Path, PathBuf};

use crate::formats::mcp_client::{Client, ClientFolders, WrittenServer, servers};
use crate::plain_file;

/// A server of a client that ghtok runs.
pub(in crate::commands::setup) struct FoundServer {
    pub(in crate::commands::setup) client: Client,
    pub(in crate::commands::setup) file: PathBuf,
    pub(in crate::commands::setup) name: String,
    /// Whether the file is the account's own, and no project's.
    pub(in crate::commands::setup) is_own: bool,
}

/// Every one of a client, in the account's files and those of the current project.
pub(in crate::commands::setup) fn found(
    client: Client,
    folders: &ClientFolders,
) -> Vec<FoundServer> {
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
pub(super) fn written_in(client: Client, file: &Path) -> Vec<WrittenServer> {
    let bytes = plain_file::read_small(file).unwrap_or_default();
    servers(client, &String::from_utf8_lossy(&bytes))
}

/// A path as people write it: below the home folder by `~`.
pub(in crate::commands::setup) fn tilde(path: &Path, folders: &ClientFolders) -> String {
    match path.strip_prefix(&folders.home) {
        Ok(below) => Path::new("~").join(below).display().to_string(),
        Err(_) => path.display().to_string(),
    }
}
