//! Programs in the background, for the person who is here: a browser, a clipboard. They have a process
//! group of their own, and neither our terminal nor our output; nobody waits for their end.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use super::find_program;

/// What stands in a command for the page or the text.
const PLACE: &str = "%s";

/// A command that can be run: a program that is there, and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandLine {
    program: PathBuf,
    arguments: Vec<String>,
}

/// A program that was started.
#[derive(Debug)]
pub struct BackgroundProcess {
    child: Child,
}

impl CommandLine {
    /// The first of these commands whose program is there. A command that is the path of a file is
    /// taken whole; otherwise it is split at blanks. Quotes, `$` and `&` mean nothing: no shell reads it.
    /// A path must be absolute; a name is looked for in these folders.
    pub(crate) fn first_available(commands: &[String], folders: &[PathBuf]) -> Option<Self> {
        commands.iter().find_map(|command| {
            if let Some(program) = place_of(command, folders) {
                return Some(Self {
                    program,
                    arguments: Vec::new(),
                });
            }
            let mut words = command.split_whitespace();
            Some(Self {
                program: place_of(words.next()?, folders)?,
                arguments: words.map(str::to_owned).collect(),
            })
        })
    }

    /// The program's name.
    pub(crate) fn name(&self) -> String {
        let name = self.program.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// The arguments with the text in each `%s`, or at the end where there is none.
    fn arguments_with(&self, text: &str) -> Vec<String> {
        let mut arguments: Vec<String> = self
            .arguments
            .iter()
            .map(|argument| argument.replace(PLACE, text))
            .collect();
        if !self
            .arguments
            .iter()
            .any(|argument| argument.contains(PLACE))
        {
            arguments.push(text.to_owned());
        }
        arguments
    }

    /// Starts it on a text that everybody may see in the list of processes.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn spawn_with_argument(&self, text: &str) -> io::Result<BackgroundProcess> {
        let mut command = self.command(&self.arguments_with(text));
        let child = command.stdin(Stdio::null()).spawn()?;
        Ok(BackgroundProcess { child })
    }

    /// Starts it and has it read a short text.
    ///
    /// # Errors
    /// If it cannot be started, or does not read.
    pub(crate) fn spawn_with_input(&self, text: &str) -> io::Result<BackgroundProcess> {
        let mut command = self.command(&self.arguments);
        let mut child = command.stdin(Stdio::piped()).spawn()?;
        // Shorter than any pipe's room, and closed at the end of this statement.
        let input = child.stdin.take();
        let written = input.map_or(Ok(()), |mut input| input.write_all(text.as_bytes()));
        written.map(|()| BackgroundProcess { child })
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "processes are started in system/process alone"
    )]
    fn command(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        set_apart(&mut command);
        command
    }
}

impl BackgroundProcess {
    /// How it ended, if it has.
    pub fn try_wait(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }
}

fn place_of(program: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = Path::new(program);
    if path.is_absolute() {
        return path.is_file().then(|| path.to_owned());
    }
    let is_name = path
        .file_name()
        .is_some_and(|name| name == path.as_os_str());
    find_program(program, folders).filter(|_| is_name)
}

#[cfg(unix)]
fn set_apart(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(windows)]
fn set_apart(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    command.creation_flags(CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP);
}
