//! Programs that speak MCP: where each keeps its list of servers, what an entry looks like there, and
//! which command of its own adds one. Pure.

mod entry;
mod old_tokens;
mod removal;
mod written;

use std::path::{Path, PathBuf};

pub(crate) use self::entry::{McpServer, NAME, entry, own_command, own_removal};
pub(crate) use self::old_tokens::old_tokens;
pub(crate) use self::removal::without;
pub(crate) use self::written::{WrittenServer, servers};

/// A program that starts MCP servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Anthropic's command line.
    ClaudeCode,
    /// Anthropic's desktop program.
    ClaudeDesktop,
    /// Microsoft's editor.
    VsCode,
    /// Anysphere's editor.
    Cursor,
    /// `OpenAI`'s command line.
    Codex,
    /// Google's command line.
    Gemini,
    /// Zed's editor.
    Zed,
    /// The agent of the AAIF, once of Block.
    Goose,
    /// Windsurf's editor.
    Windsurf,
    /// The extension of VS Code.
    Cline,
    /// The terminal's agent.
    OpenCode,
    /// The AI Assistant of `JetBrains`' editors.
    JetBrains,
}

/// Where a program's own file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Under the account's home.
    Home(&'static str),
    /// Under the folder of the system's programs: `~/.config`, `~/Library/Application Support`, `%APPDATA%`.
    Programs(&'static str),
    /// Under `~/.config`, on macOS too; on Windows under `%APPDATA%`.
    Config(&'static str),
    /// Under the project that a person is in.
    Project(&'static str),
}

/// The folders that [`Client::files`] counts from.
#[derive(Clone, Debug)]
pub struct ClientFolders {
    /// The account's home.
    pub home: PathBuf,
    /// Where the system's programs keep their things.
    pub programs: PathBuf,
    /// Where programs keep their things that follow XDG.
    pub config: PathBuf,
    /// The folder that a person is in.
    pub project: PathBuf,
}

const GOOSE: &str = if cfg!(windows) {
    "Block/goose/config/config.yaml"
} else {
    "goose/config.yaml"
};

impl Client {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::ClaudeCode,
        Self::ClaudeDesktop,
        Self::VsCode,
        Self::Cursor,
        Self::Codex,
        Self::Gemini,
        Self::Zed,
        Self::Goose,
        Self::Windsurf,
        Self::Cline,
        Self::OpenCode,
        Self::JetBrains,
    ];

    /// Its name on our command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::ClaudeDesktop => "claude-desktop",
            Self::VsCode => "vscode",
            Self::Cursor => "cursor",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::Zed => "zed",
            Self::Goose => "goose",
            Self::Windsurf => "windsurf",
            Self::Cline => "cline",
            Self::OpenCode => "opencode",
            Self::JetBrains => "jetbrains",
        }
    }

    /// The files in which it keeps its servers; the first is the account's own.
    pub fn files(self, folders: &ClientFolders) -> Vec<PathBuf> {
        let places = self.places().iter();
        let mut files: Vec<PathBuf> = places.map(|place| place.under(folders)).collect();
        // In the home folder an account's file and a project's can be one.
        let mut seen = Vec::new();
        files.retain(|file| {
            let is_new = !seen.contains(file);
            seen.push(file.clone());
            is_new
        });
        files
    }

    /// The files of the account: those of a project may be others' too.
    pub(crate) fn own_files(self, folders: &ClientFolders) -> Vec<PathBuf> {
        let places = self.places().iter();
        let own = places.filter(|place| !matches!(place, Place::Project(_)));
        own.map(|place| place.under(folders)).collect()
    }

    /// What the list of servers is called there.
    fn list(self) -> &'static str {
        match self {
            Self::VsCode => "servers",
            Self::Zed => "context_servers",
            Self::OpenCode => "mcp",
            Self::Codex => "mcp_servers",
            Self::Goose => "extensions",
            _ => "mcpServers",
        }
    }

    fn places(self) -> &'static [Place] {
        match self {
            Self::ClaudeCode => &[Place::Home(".claude.json"), Place::Project(".mcp.json")],
            Self::ClaudeDesktop => &[Place::Programs("Claude/claude_desktop_config.json")],
            Self::VsCode => &[
                Place::Programs("Code/User/mcp.json"),
                Place::Project(".vscode/mcp.json"),
            ],
            Self::Cursor => &[
                Place::Home(".cursor/mcp.json"),
                Place::Project(".cursor/mcp.json"),
            ],
            Self::Codex => &[
                Place::Home(".codex/config.toml"),
                Place::Project(".codex/config.toml"),
            ],
            Self::Gemini => &[
                Place::Home(".gemini/settings.json"),
                Place::Project(".gemini/settings.json"),
            ],
            Self::Zed => &[
                Place::Config("zed/settings.json"),
                Place::Project(".zed/settings.json"),
            ],
            Self::Goose => &[Place::Config(GOOSE)],
            Self::Windsurf => &[Place::Home(".codeium/windsurf/mcp_config.json")],
            Self::Cline => &[Place::Programs(
                "Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
            )],
            Self::OpenCode => &[
                Place::Home(".config/opencode/opencode.jsonc"),
                Place::Home(".config/opencode/opencode.json"),
                Place::Project("opencode.json"),
            ],
            Self::JetBrains => &[],
        }
    }

    /// Where a person puts an entry.
    pub(crate) fn place(self, folders: &ClientFolders) -> String {
        match self.files(folders).first() {
            Some(file) => file.display().to_string(),
            None => "Settings | Tools | AI Assistant | Model Context Protocol".into(),
        }
    }

    /// What a person should know about this program.
    pub(crate) fn advice(self) -> Option<&'static str> {
        match self {
            Self::Codex => Some(
                "Codex passes only a few variables to a server; if ghtok needs others, such as GHTOK_STATE_DIR, list them in env_vars",
            ),
            Self::ClaudeDesktop | Self::Zed | Self::Gemini => Some(
                "this client shows no dialogs: if a sign-in is needed, the tool's result contains the code",
            ),
            _ => None,
        }
    }
}

impl ClientFolders {
    /// A path as people write it: below the home folder by `~`.
    pub(crate) fn tilde(&self, path: &Path) -> String {
        match path.strip_prefix(&self.home) {
            Ok(below) => Path::new("~").join(below).display().to_string(),
            Err(_) => path.display().to_string(),
        }
    }
}

impl Place {
    fn under(self, folders: &ClientFolders) -> PathBuf {
        match self {
            Self::Home(path) => folders.home.join(path),
            Self::Programs(path) => folders.programs.join(path),
            Self::Config(path) => folders.config.join(path),
            Self::Project(path) => folders.project.join(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_has_a_name_of_its_own_and_a_place() {
        let folders = ClientFolders {
            home: "/home/me".into(),
            programs: "/home/me/.config".into(),
            config: "/home/me/.config".into(),
            project: "/src/it".into(),
        };
        for (at, client) in Client::ALL.into_iter().enumerate() {
            let same = Client::ALL
                .into_iter()
                .position(|other| other.name() == client.name());
            assert_eq!(same, Some(at));
            assert!(!client.place(&folders).is_empty());
        }
        assert_eq!(
            Client::Cursor.files(&folders),
            [
                PathBuf::from("/home/me/.cursor/mcp.json"),
                PathBuf::from("/src/it/.cursor/mcp.json")
            ]
        );
    }
}
