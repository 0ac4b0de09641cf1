//! A few words on the desktop, by the platform's own way. Nothing can be clicked: a notice starts
//! nothing, and asks for nothing.

/// What is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// In a few words.
    pub title: String,
    /// The rest, without markup.
    pub body: String,
}

#[cfg(target_os = "linux")]
mod platform {
    use std::collections::HashMap;
    use std::time::Duration;

    use dbus::arg::Variant;

    use super::Notice;
    use crate::auth::ports::StoreError;
    use crate::bus::{Bus, CallError, Deadline, SessionBus, call};
    use crate::formats::plain_text::one_line;

    const NOTIFICATIONS: &str = "org.freedesktop.Notifications\0";
    const PATH: &str = "/org/freedesktop/Notifications\0";

    /// Desktop Notifications Specification, "Urgency Levels": normal.
    const NORMAL: u8 = 1;

    /// Has the desktop's notification service show it; the bus may start that.
    ///
    /// # Errors
    /// Why nothing was shown, in words.
    pub(crate) fn show(
        notice: &Notice,
        session: &SessionBus,
        limit: Duration,
    ) -> Result<(), String> {
        notify(notice, session, limit).map_err(|failure| match failure {
            CallError::Refused { name, .. } if name.ends_with(".ServiceUnknown") => {
                "no notification service is running".into()
            }
            CallError::Refused { name, .. } if name.contains(".Error.Spawn.") => {
                "the notification service does not start".into()
            }
            CallError::Refused { name, text } => format!("{} ({name})", one_line(&text, 300)),
            CallError::NoAnswer(StoreError::Absent(cause)) => cause,
            CallError::NoAnswer(error) => error.to_string(),
        })
    }

    fn notify(notice: &Notice, session: &SessionBus, limit: Duration) -> Result<(), CallError> {
        const FIRST: u32 = 0;
        const NO_ICON: &str = "";
        const AS_LONG_AS_USUAL: i32 = -1;
        let bus = Bus::connect(session, Deadline::after(limit))?;
        let hints = HashMap::from([("urgency", Variant(NORMAL))]);
        let message = call(NOTIFICATIONS, PATH, NOTIFICATIONS, "Notify\0")
            .append3("ghtok", FIRST, NO_ICON)
            .append3(&notice.title, escaped(&notice.body), Vec::<&str>::new())
            .append2(hints, AS_LONG_AS_USUAL);
        bus.call(message).map(drop)
    }

    /// Services may read the body as markup (Desktop Notifications Specification, "Markup").
    fn escaped(text: &str) -> String {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    }
}

#[cfg(target_os = "macos")]
mod platform {
    use std::path::Path;
    use std::time::Duration;

    use super::Notice;
    use crate::system::process::run_with_timeout;

    /// The words are arguments of the script, and no part of it.
    const SCRIPT: [&str; 6] = [
        "-e",
        "on run words",
        "-e",
        "display notification (item 2 of words) with title (item 1 of words)",
        "-e",
        "end run",
    ];

    /// Has the system's script runner show it.
    ///
    /// # Errors
    /// Why nothing was shown, in words.
    pub(crate) fn show(notice: &Notice, limit: Duration) -> Result<(), String> {
        let words = [notice.title.as_str(), notice.body.as_str()];
        let arguments = [&SCRIPT[..], &words].concat();
        let output =
            run_with_timeout(Path::new("/usr/bin/osascript"), &arguments, &[], b"", limit)?;
        if output.succeeded() {
            Ok(())
        } else {
            Err(format!("osascript: {}", output.failure()))
        }
    }
}

#[cfg(windows)]
mod platform {
    use std::path::Path;
    use std::time::Duration;

    use super::Notice;
    use crate::system::process::run_with_timeout;

    /// A toast in PowerShell's name (an application of its own would have to be registered). The
    /// words are variables of its environment, and no part of the script.
    const SCRIPT: &str = "\
$ErrorActionPreference = 'Stop'
[Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType = WindowsRuntime] | Out-Null
$toast = [Windows.UI.Notifications.ToastNotificationManager]::GetTemplateContent([Windows.UI.Notifications.ToastTemplateType]::ToastText02)
$texts = $toast.GetElementsByTagName('text')
$texts.Item(0).AppendChild($toast.CreateTextNode($env:GHTOK_NOTICE_TITLE)) | Out-Null
$texts.Item(1).AppendChild($toast.CreateTextNode($env:GHTOK_NOTICE_BODY)) | Out-Null
$name = '{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\\WindowsPowerShell\\v1.0\\powershell.exe'
[Windows.UI.Notifications.ToastNotificationManager]::CreateToastNotifier($name).Show([Windows.UI.Notifications.ToastNotification]::new($toast))
";

    /// Has Windows PowerShell show it.
    ///
    /// # Errors
    /// Why nothing was shown, in words.
    pub(crate) fn show(notice: &Notice, powershell: &Path, limit: Duration) -> Result<(), String> {
        let words = [
            ("GHTOK_NOTICE_TITLE", notice.title.as_str()),
            ("GHTOK_NOTICE_BODY", notice.body.as_str()),
        ];
        let arguments = ["-NoProfile", "-NonInteractive", "-Command", "-"];
        let output = run_with_timeout(powershell, &arguments, &words, SCRIPT.as_bytes(), limit)?;
        if output.succeeded() {
            Ok(())
        } else {
            Err(format!("powershell: {}", output.failure()))
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "macos", windows))]
pub(crate) use platform::show;
