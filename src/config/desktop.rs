//! What the environment says of the person's screen: its looks, and the programs that open a page or
//! take a text. Only a sign-in asks.

use std::path::PathBuf;

use super::Environment;
use crate::formats::drawing::{Charset, Looks};

const OWN_BROWSER: &str = "GHTOK_BROWSER";
const BROWSER: &str = "BROWSER";

/// The person's screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desktop {
    /// How the terminal looks.
    pub looks: Looks,
    /// What may open a page.
    pub browsers: Browsers,
    /// What puts its input into the clipboard; the first that is there will do.
    pub clipboards: Vec<String>,
    /// Where programs are looked for.
    pub folders: Vec<PathBuf>,
}

/// What may open a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Browsers {
    /// The first of these commands that is there, which this variable names.
    Named(&'static str, Vec<String>),
    /// The first of these commands that is there.
    Usual(Vec<String>),
    /// A browser would open where the person is not.
    OutOfSight(&'static str),
}

/// What kind of machine this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Platform {
    /// Linux, and other systems with the same desktops.
    Linux,
    /// Linux inside Windows, whose browser is the person's.
    Wsl,
    MacOs,
    Windows,
}

impl Desktop {
    /// The screen that this environment describes.
    pub fn of(environment: &Environment) -> Self {
        Self::on(Platform::of(environment), environment)
    }

    fn on(platform: Platform, environment: &Environment) -> Self {
        Self {
            looks: looks(platform, environment),
            browsers: browsers(platform, environment),
            clipboards: clipboards(platform, environment),
            folders: environment.path(),
        }
    }
}

impl Platform {
    fn of(environment: &Environment) -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::MacOs
        } else if environment.has_any(&["WSL_DISTRO_NAME", "WSL_INTEROP"]) {
            Self::Wsl
        } else {
            Self::Linux
        }
    }

    fn separator(self) -> char {
        match self {
            Self::Windows => ';',
            Self::Linux | Self::Wsl | Self::MacOs => ':',
        }
    }
}

fn looks(platform: Platform, environment: &Environment) -> Looks {
    let dumb = match environment.lossy_text("TERM") {
        Some(kind) => kind == "dumb",
        // A console of Windows needs no name.
        None => platform != Platform::Windows,
    };
    Looks {
        charset: charset(platform, environment),
        coloured: !dumb && !environment.has_any(&["NO_COLOR"]),
        dumb,
    }
}

/// The first of these that is set counts (POSIX, "Environment Variables", section 8.2). To a console
/// of Windows text goes as Unicode, whatever its code page.
fn charset(platform: Platform, environment: &Environment) -> Charset {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| environment.lossy_text(name));
    let is_utf8 = match locale {
        Some(locale) => {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        }
        None => platform == Platform::Windows,
    };
    if is_utf8 {
        Charset::Utf8
    } else {
        Charset::Ascii
    }
}

/// `GHTOK_BROWSER` is for ghtok alone and always counts; `BROWSER` is everybody's, and may have been
/// set for another machine than the one that somebody reached over SSH.
fn browsers(platform: Platform, environment: &Environment) -> Browsers {
    let named = |name| {
        let list = environment.lossy_text(name)?;
        let commands = list.split(platform.separator()).map(str::trim);
        let commands = commands.filter(|command| !command.is_empty());
        Some(Browsers::Named(name, commands.map(str::to_owned).collect()))
    };
    if let Some(own) = named(OWN_BROWSER) {
        return own;
    }
    if let Some(reason) = out_of_sight(platform, environment) {
        return Browsers::OutOfSight(reason);
    }
    named(BROWSER).unwrap_or_else(|| usual_browsers(platform, environment))
}

fn out_of_sight(platform: Platform, environment: &Environment) -> Option<&'static str> {
    let in_ci = environment.lossy_text("CI").is_some_and(|ci| ci != "false");
    let over_ssh = environment.has_any(&["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"]);
    let forwarded =
        platform != Platform::MacOs && platform != Platform::Windows && has_display(environment);
    if in_ci {
        Some("in CI")
    } else if over_ssh && !forwarded {
        Some("over SSH")
    } else {
        None
    }
}

fn has_display(environment: &Environment) -> bool {
    environment.has_any(&["DISPLAY", "WAYLAND_DISPLAY"])
}

fn usual_browsers(platform: Platform, environment: &Environment) -> Browsers {
    // It opens an address with no shell in between, unlike `start` and PowerShell.
    const WINDOWS: &str = "rundll32 url.dll,FileProtocolHandler %s";
    let mut commands: Vec<&str> = match platform {
        Platform::Windows => vec![WINDOWS],
        Platform::MacOs => vec!["/usr/bin/open %s"],
        Platform::Wsl => vec![
            "rundll32.exe url.dll,FileProtocolHandler %s",
            "/mnt/c/Windows/System32/rundll32.exe url.dll,FileProtocolHandler %s",
            "wslview %s",
        ],
        Platform::Linux => vec![],
    };
    if matches!(platform, Platform::Linux | Platform::Wsl) && has_display(environment) {
        commands.extend(["xdg-open %s", "x-www-browser %s"]);
    }
    if commands.is_empty() {
        return Browsers::OutOfSight("without a display");
    }
    Browsers::Usual(commands.into_iter().map(str::to_owned).collect())
}

fn clipboards(platform: Platform, environment: &Environment) -> Vec<String> {
    let mut commands = Vec::new();
    match platform {
        Platform::Windows => commands.push("clip"),
        Platform::MacOs => commands.push("/usr/bin/pbcopy"),
        Platform::Wsl => commands.extend(["clip.exe", "/mnt/c/Windows/System32/clip.exe"]),
        Platform::Linux => {}
    }
    if matches!(platform, Platform::Linux | Platform::Wsl) {
        if environment.has_any(&["WAYLAND_DISPLAY"]) {
            commands.push("wl-copy");
        }
        if environment.has_any(&["DISPLAY"]) {
            commands.extend(["xclip -selection clipboard", "xsel --clipboard --input"]);
        }
    }
    commands.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
