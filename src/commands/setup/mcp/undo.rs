//! `setup mcp CLIENT --undo`: takes ghtok's servers out of the account's files of a client, by the
//! client's own command where it has one.

use std::path::{Path, PathBuf};

use super::own_command;
use crate::error::{Error, Result, system_reason};
use crate::formats::mcp_client::{Client, ClientFolders, WrittenServer, own_removal, without};
use crate::formats::plain_text::one_line;
use crate::plain_file;
use crate::private_file::{self, Mode};
use crate::session::{ghtok_servers, written_in};
use crate::system::terminal::Terminal;

/// Removes every server of one client that ghtok runs.
pub(super) fn undo(client: Client, folders: &ClientFolders, path: &[PathBuf]) -> Result<()> {
    if client.own_files(folders).is_empty() {
        Terminal.note(&format!(
            "{} keeps its servers where ghtok cannot see them: remove ghtok's in {}",
            client.name(),
            client.place(folders)
        ));
        return Ok(());
    }
    if !undo_all(client, folders, path)? {
        Terminal.note(&format!("{} has no server that ghtok runs", client.name()));
    }
    Ok(())
}

/// As [`undo`]; true if there was one. What stands in a project's file is only named: it may be others'.
///
/// # Errors
/// If one stays.
pub(in crate::commands::setup) fn undo_all(
    client: Client,
    folders: &ClientFolders,
    path: &[PathBuf],
) -> Result<bool> {
    let mut was_there = false;
    for server in ghtok_servers(client, folders) {
        let place = one_line(&server.file.to_string_lossy(), 300);
        if server.is_own {
            let written = written_in(client, &server.file);
            let written = written.iter().find(|written| written.name == server.name);
            if let Some(written) = written {
                remove(client, &server.file, written, path)?;
                was_there = true;
            }
        } else {
            Terminal.note(&format!(
                "{place}, a file of this project, still has the server \"{}\"",
                one_line(&server.name, 80)
            ));
        }
    }
    Ok(was_there)
}

/// Removes one server from one file of the account.
///
/// # Errors
/// If it stays.
pub(super) fn remove(
    client: Client,
    file: &Path,
    server: &WrittenServer,
    path: &[PathBuf],
) -> Result<()> {
    let place = one_line(&file.to_string_lossy(), 300);
    let name = one_line(&server.name, 80);
    let failed = |cause: String| Error::ClientFailed {
        failed: format!("cannot remove the server \"{name}\" from {place}"),
        cause,
        fix: "remove that entry yourself".into(),
    };
    let command = own_removal(client, &server.name);
    let ran = command.as_deref().and_then(|command| {
        let program = command.first()?;
        Some((program, own_command::run(command, path)?))
    });
    match ran {
        Some((program, Err(cause))) => return Err(failed(format!("\"{program}\": {cause}"))),
        Some((program, Ok(()))) => {
            if written_in(client, file).contains(server) {
                return Err(failed(format!("\"{program}\" left it there")));
            }
        }
        None => {
            let text = plain_file::read(file).map_err(|error| failed(system_reason(&error)))?;
            let text = String::from_utf8(text.unwrap_or_default());
            let text = text.map_err(|_| failed("the file is not UTF-8 text".into()))?;
            let left = without(client, &text, &server.name).ok_or_else(|| {
                failed("it is written in a way that ghtok does not change".into())
            })?;
            private_file::replace(file, left.as_bytes(), Mode::keep_or_usual())
                .map_err(|error| failed(system_reason(&error)))?;
        }
    }
    Terminal.note(&format!("removed the server \"{name}\" from {place}"));
    Ok(())
}
