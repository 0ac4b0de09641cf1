//! What a `config.toml` says. Pure: text in, settings out, every error with its line and key.
//!
//! Read from the spanned document, not through `serde`'s derive: its errors for a wrong type name
//! neither the line nor the key, and quote the value.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use toml::de::DeValue;

use super::toml_document::{TomlDocument, TomlTable};
use crate::app::{AccountName, App, ClientId};
use crate::error::Result;
use crate::formats::durations::parse_duration;
use crate::github::ProxySetting;
use crate::host::Host;
use crate::spelling::did_you_mean;
use crate::store_choice::StoreChoice;

/// The content of a configuration file; of a missing one by `Default`.
#[derive(Debug, Default)]
pub(super) struct FileSettings {
    pub(super) apps: Vec<App>,
    pub(super) default_app: Option<String>,
    pub(super) store: Option<StoreChoice>,
    pub(super) min_ttl: Option<Duration>,
    /// An empty one means none, whatever the environment says.
    pub(super) proxy: Option<ProxySetting>,
    pub(super) no_proxy: Option<String>,
    pub(super) ca_file: Option<String>,
    pub(super) git_quit: Option<bool>,
    pub(super) schedule_warn: Option<bool>,
    pub(super) schedule_keep_alive: Option<bool>,
}

/// Reads the whole text; `path` is only for errors.
pub(super) fn parse(path: &Path, text: &str) -> Result<FileSettings> {
    let document = TomlDocument::new(path, text);
    let root = document.parse()?;
    let root = document.root(&root);
    root.allow(&[
        "default_app",
        "store",
        "min_ttl",
        "proxy",
        "no_proxy",
        "ca_file",
        "app",
        "git",
        "schedule",
    ])?;
    let apps = apps(&root)?;
    let mut settings = FileSettings {
        default_app: default_app(&root, &apps)?,
        apps,
        store: root.parsed("store", str::parse)?,
        min_ttl: min_ttl(&root)?,
        proxy: proxy(&root)?,
        no_proxy: root.parsed("no_proxy", |text| Ok::<_, &str>(text.trim().to_owned()))?,
        ca_file: root.parsed("ca_file", |path| Ok::<_, &str>(path.to_owned()))?,
        ..FileSettings::default()
    };
    if let Some(git) = root.table("git")? {
        git.allow(&["quit"])?;
        settings.git_quit = git.switch("quit")?;
    }
    if let Some(schedule) = root.table("schedule")? {
        schedule.allow(&["warn", "keep_alive"])?;
        settings.schedule_warn = schedule.switch("warn")?;
        settings.schedule_keep_alive = schedule.switch("keep_alive")?;
    }
    Ok(settings)
}

fn apps(root: &TomlTable<'_>) -> Result<Vec<App>> {
    let tables = root.tables("app")?;
    let apps = tables.iter().map(app).collect::<Result<Vec<App>>>()?;
    // Maps, because a file may hold thousands of Apps.
    let mut names = HashMap::with_capacity(apps.len());
    let mut keys = HashMap::with_capacity(apps.len());
    for (app, table) in apps.iter().zip(&tables) {
        if let Some(earlier) = names.insert(app.name.as_deref(), table) {
            return Err(table.error(format!(
                "a second App is named \"{}\" (the first is on line {})",
                app.label(),
                earlier.line()
            )));
        }
        if let Some(other) = keys.insert(app.key(), app) {
            return Err(table.error(format!(
                "the Apps \"{}\" and \"{}\" have the same client_id, host and account",
                other.label(),
                app.label()
            )));
        }
    }
    Ok(apps)
}

fn app(table: &TomlTable<'_>) -> Result<App> {
    table.allow(&["name", "client_id", "host", "owners", "account"])?;
    let name = table.required("name", |text| {
        check_app_name(text).map(|()| text.to_owned())
    })?;
    Ok(App {
        name: Some(name),
        client_id: table.required("client_id", ClientId::parse)?,
        host: match table.parsed("host", Host::parse)? {
            Some(host) => host,
            None => Host::parse(Host::DEFAULT).map_err(|reason| table.error(reason.into()))?,
        },
        account: table.parsed("account", AccountName::parse)?,
        owners: owners(table)?,
    })
}

/// Says whether an App may be called so.
///
/// # Errors
/// What is wrong with the name, in words that follow its quotation.
pub(crate) fn check_app_name(name: &str) -> Result<(), &'static str> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    // A leading hyphen would make it a flag.
    if (1..=64).contains(&name.len()) && name.bytes().all(fits) && !name.starts_with('-') {
        Ok(())
    } else {
        Err(
            "is not a name (1 to 64 letters, digits, dots, underscores and hyphens, no hyphen first)",
        )
    }
}

fn owners(table: &TomlTable<'_>) -> Result<Vec<String>> {
    let Some(entry) = table.entry("owners") else {
        return Ok(Vec::new());
    };
    let owner = |text: &str| match AccountName::parse(text) {
        Ok(owner) => Ok(owner.as_str().to_owned()),
        Err(_) => Err(entry.bad(text, "is not the name of a user or organization")),
    };
    entry.texts()?.into_iter().map(owner).collect()
}

fn default_app(root: &TomlTable<'_>, apps: &[App]) -> Result<Option<String>> {
    let Some(entry) = root.entry("default_app") else {
        return Ok(None);
    };
    let name = entry.text()?;
    if apps.iter().any(|app| app.name.as_deref() == Some(name)) {
        return Ok(Some(name.to_owned()));
    }
    let labels: Vec<&str> = apps.iter().map(App::label).collect();
    Err(entry.bad(
        name,
        &match labels.as_slice() {
            [] => "is not configured (there is no [[app]])".to_owned(),
            labels => format!(
                "is not configured (configured: {}){}",
                labels.join(", "),
                did_you_mean(name, labels.iter().copied())
            ),
        },
    ))
}

fn min_ttl(root: &TomlTable<'_>) -> Result<Option<Duration>> {
    let Some(entry) = root.entry("min_ttl") else {
        return Ok(None);
    };
    match entry.value {
        DeValue::String(text) => parse_duration(text)
            .map(Some)
            .map_err(|reason| entry.bad(text, reason)),
        DeValue::Integer(number) => match u64::from_str_radix(number.as_str(), number.radix()) {
            Ok(seconds) => Ok(Some(Duration::from_secs(seconds))),
            Err(_) => Err(entry.bad(number.as_str(), "is not a number of seconds")),
        },
        _ => Err(entry.wrong_type("a string such as \"30m\" or a number of seconds")),
    }
}

fn proxy(root: &TomlTable<'_>) -> Result<Option<ProxySetting>> {
    let Some(entry) = root.entry("proxy") else {
        return Ok(None);
    };
    let text = entry.text()?;
    Ok(Some(ProxySetting::of_file(entry.origin(), text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let error = parse(Path::new("/c\n/config.toml"), text)
            .expect_err(text)
            .to_string();
        assert!(!error.contains(['\n', '\r', '\u{1b}']), "{error:?}");
        error
            .strip_prefix("/c/config.toml, line ")
            .expect("the origin")
            .to_owned()
    }

    const APP: &str = "[[app]]\nname = \"work\"\nclient_id = \"Iv1.a\"\n";

    #[test]
    fn apps_are_read_in_order() {
        let text = "default_app = \"b.2\"\n[[app]]\nname = \"work\"\nclient_id = \"Iv1.a\"\nhost = \"GHES.example\"\n\
                    owners = [\"octo-org\", \"Octo\"]\naccount = \"Octo-Cat\"\n[[app]]\nname = \"b.2\"\nclient_id = \"Iv1.a\"\n";
        let settings = parse(Path::new("c"), text).expect("settings");
        let [work, other] = settings.apps.as_slice() else {
            unreachable!("{settings:?}")
        };
        assert_eq!(work.key().as_str(), "ghes.example/Iv1.a/octo-cat");
        assert_eq!(work.owners, ["octo-org", "Octo"]);
        assert_eq!(
            (other.label(), other.key().as_str()),
            ("b.2", "github.com/Iv1.a")
        );
        assert_eq!(settings.default_app.as_deref(), Some("b.2"));
    }

    #[test]
    fn min_ttl_is_a_text_or_seconds() {
        for (value, seconds) in [
            ("\"30m\"", 1800),
            ("90", 90),
            ("0x10", 16),
            ("\"15\"", 15),
            ("1_000", 1000),
        ] {
            let settings = parse(Path::new("c"), &format!("min_ttl = {value}")).expect(value);
            assert_eq!(settings.min_ttl, Some(Duration::from_secs(seconds)));
        }
    }

    #[test]
    fn what_is_no_toml_is_refused_with_its_line() {
        for (text, message) in [
            (
                "\n\nmin_ttl = 5m\n",
                "3: min_ttl: string values must be quoted",
            ),
            ("# x\nstore =\n", "2: store: string values must be quoted"),
            (
                "proxy = http://u:hunter2@p\n",
                "1: proxy: string values must be quoted",
            ),
            (
                "a = \"x\nb = 2",
                "1: a: invalid basic string, expected `\"`",
            ),
            ("ghtok\n", "1: key with no value, expected `=`"),
            ("[app\n", "1: unclosed table, expected `]`"),
            (
                "[git]\r\nquit = true\r\nquit = false",
                "3: duplicate key \"quit\"",
            ),
            ("[git]\n\n[git]\n", "3: duplicate key \"git\""),
            (
                "store = \"file\"\n\"st\\u006Fre\" = 1",
                "2: duplicate key \"st\\u006Fre\"",
            ),
            (
                "store = \"\u{1b}[31m\"",
                "1: store: invalid basic string, expected non-double-quote visible characters, `\\`",
            ),
        ] {
            assert_eq!(refusal(text), message);
        }
        let deep = refusal(&format!("proxy = {}", "[".repeat(100_000)));
        assert_eq!(
            deep,
            "1: proxy: cannot recurse further; max recursion depth met"
        );
    }

    #[test]
    fn unknown_keys_are_refused_with_their_line() {
        let known = "default_app, store, min_ttl, proxy, no_proxy, ca_file, app, git, schedule";
        assert_eq!(
            refusal("store = \"file\"\n\nclient_id = \"x\"\nafter = 1"),
            format!("3: unknown key \"client_id\" in the file (known keys: {known})")
        );
        assert_eq!(
            refusal(&format!("{APP}clientid = 1")),
            "4: unknown key \"clientid\" in [[app]] (known keys: name, client_id, host, owners, account); did you mean \"client_id\"?"
        );
        assert_eq!(
            refusal("[git]\n\"q\\u001b[1muit\" = true"),
            r#"2: unknown key "q\u{1b}[1muit" in [git] (known keys: quit)"#
        );
        assert_eq!(
            refusal("schedule.warm = true"),
            "1: unknown key \"warm\" in [schedule] (known keys: warn, keep_alive); did you mean \"warn\"?"
        );
    }

    #[test]
    fn wrong_types_are_refused_without_their_value() {
        for (text, message) in [
            (
                "default_app = 1",
                "1: default_app must be a string in quotation marks, not a number",
            ),
            (
                "store = true",
                "1: store must be a string in quotation marks, not true or false",
            ),
            (
                "proxy = [\"hunter2\"]",
                "1: proxy must be a string in quotation marks, not a list",
            ),
            (
                "[proxy]\nurl = 1",
                "1: proxy must be a string in quotation marks, not a table",
            ),
            (
                "no_proxy = 2026-01-01",
                "1: no_proxy must be a string in quotation marks, not a date or time",
            ),
            (
                "\nmin_ttl = 1.5",
                "2: min_ttl must be a string such as \"30m\" or a number of seconds, not a number",
            ),
            (
                "[git]\nquit = \"hunter2\"",
                "2: quit must be true or false, not a string",
            ),
            ("git = 1", "1: git must be a table, [git], not a number"),
            ("[[git]]", "1: git must be a table, [git], not a list"),
            (
                "[app]\nname = 1",
                "1: app must be a list of tables, each [[app]], not a table",
            ),
            (
                "app = [1]",
                "1: app must be a list of tables, each [[app]], not a list",
            ),
        ] {
            assert_eq!(refusal(text), message);
        }
        let owners = |value| refusal(&format!("{APP}owners = {value}"));
        assert_eq!(
            owners("\"a\""),
            "4: owners must be a list of strings, for example [\"one\", \"two\"], not a string"
        );
        assert_eq!(
            owners("[1]"),
            "4: owners must be a list of strings, for example [\"one\", \"two\"], not a list"
        );
    }

    /// Comparing each App with each other one would take minutes.
    #[test]
    fn twenty_thousand_apps_are_read_in_linear_time() {
        let mut text = String::new();
        for number in 0..20_000 {
            use std::fmt::Write;
            let _ = write!(
                text,
                "[[app]]\nname = \"a{number}\"\nclient_id = \"Iv1.{number}\"\n"
            );
        }
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let settings = parse(Path::new("c"), &text).expect("Apps");
            let double = format!("{text}[[app]]\nname = \"a7\"\nclient_id = \"Iv1.x\"\n");
            let error = parse(Path::new("c"), &double).expect_err("a second a7");
            sender.send((settings.apps.len(), error.to_string()))
        });
        let (apps, error) = receiver
            .recv_timeout(Duration::from_secs(60))
            .expect("the checks are quadratic");
        assert_eq!(apps, 20_000);
        assert_eq!(
            error,
            "c, line 60001: a second App is named \"a7\" (the first is on line 22)"
        );
    }

    #[test]
    fn values_that_cannot_be_are_refused() {
        for (text, message) in [
            (
                "store = \"vault\"",
                "1: store \"vault\" is not one of auto, keychain, kernel, file",
            ),
            (
                "min_ttl = \"5 m\"",
                "1: min_ttl \"5 m\" is not a duration such as 30m, 90s, 1h or 1h30m",
            ),
            (
                "min_ttl = -5",
                "1: min_ttl \"-5\" is not a number of seconds",
            ),
            (
                "default_app = \"x\"",
                "1: default_app \"x\" is not configured (there is no [[app]])",
            ),
        ] {
            assert_eq!(refusal(text), message);
        }
        let app = |line: &str| refusal(&format!("{APP}{line}"));
        assert_eq!(
            app("host = \"http://github.com\""),
            "4: host \"http://github.com\" uses plain http, which is allowed for loopback only"
        );
        assert_eq!(
            app("host = \"https://u:hunter2@ghes\""),
            "4: host \"…@ghes\" has a port that is not a number from 1 to 65535"
        );
        assert_eq!(
            app("account = \"a b\\u001b\""),
            r#"4: account "a b\u{1b}" is not a GitHub login"#
        );
        assert_eq!(
            app("owners = [\"a\", \"a/b\"]"),
            "4: owners \"a/b\" is not the name of a user or organization"
        );
        let name = "is not a name (1 to 64 letters, digits, dots, underscores and hyphens, no hyphen first)";
        for bad in ["", "-x", "a b", "é"] {
            assert_eq!(
                refusal(&format!("[[app]]\nname = \"{bad}\"")),
                format!("2: name \"{bad}\" {name}")
            );
        }
        assert_eq!(
            refusal("\n[[app]]\nclient_id = \"x\""),
            "2: this [[app]] has no name"
        );
        assert_eq!(
            refusal("\n[[app]]\nname = \"x\""),
            "2: this [[app]] has no client_id"
        );
        assert_eq!(
            refusal("[[app]]\nname = \"x\"\nclient_id = \"a b\""),
            "3: client_id \"a b\" has characters that are not allowed in a client ID"
        );
    }

    #[test]
    fn two_of_a_kind_are_refused_by_name() {
        assert_eq!(
            refusal(&format!("{APP}\n{APP}")),
            "5: a second App is named \"work\" (the first is on line 1)"
        );
        let same = APP.replace("work", "play") + "host = \"https://GITHUB.com:443\"";
        assert_eq!(
            refusal(&format!("{APP}{same}")),
            "4: the Apps \"work\" and \"play\" have the same client_id, host and account"
        );
        let other_account = APP.replace("work", "play") + "account = \"octo\"";
        assert!(parse(Path::new("c"), &format!("{APP}{other_account}")).is_ok());
        assert_eq!(
            refusal(&format!("default_app = \"x\"\n{APP}{other_account}")),
            "1: default_app \"x\" is not configured (configured: work, play)"
        );
    }
}
