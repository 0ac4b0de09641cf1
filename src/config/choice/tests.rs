use super::super::scratch::Scratch;
use super::*;

const THREE: &str = "[[app]]\nname = \"work\"\nclient_id = \"Iv1.w\"\n\
    [[app]]\nname = \"ghes\"\nclient_id = \"Iv1.g\"\nhost = \"ghes.example\"\naccount = \"Octo\"\nowners = [\"o\"]\n\
    [[app]]\nname = \"play\"\nclient_id = \"Iv1.p\"\n";

/// The label and key of the App that is meant, or the message. Flags are `--NAME=VALUE`, a bare word
/// is the APP argument, the rest are variables.
fn meant(file: &str, call: &str) -> String {
    let mut flags = Flags::default();
    let mut named = None;
    let mut pairs = Vec::new();
    for word in call.split_whitespace() {
        match word.split_once('=') {
            Some(("--app", value)) => flags.app = Some(value.into()),
            Some(("--client-id", value)) => flags.client_id = Some(value.into()),
            Some(("--host", value)) => flags.host = Some(value.into()),
            Some(("--account", value)) => flags.account = Some(value.into()),
            Some(pair) => pairs.push(pair),
            None => named = Some(word),
        }
    }
    let folder = Scratch::new().with(file);
    let said = folder.load(&flags, &pairs).and_then(|config| {
        config
            .app(named)
            .map(|app| format!("{} {}", app.label(), app.key().as_str()))
    });
    said.unwrap_or_else(|error| error.to_string())
}

#[test]
fn an_app_is_chosen_by_the_highest_level_that_says_something() {
    let with_default = format!("default_app = \"play\"\n{THREE}");
    let (work, ghes) = ("work github.com/Iv1.w", "ghes ghes.example/Iv1.g/octo");
    for (call, app) in [
        ("", "play github.com/Iv1.p"),
        ("GHTOK_APP=ghes", ghes),
        ("GHTOK_APP=", "play github.com/Iv1.p"),
        ("GHTOK_CLIENT_ID=Iv1.w", work),
        ("GHTOK_HOST=ghes.example", ghes),
        ("--host=GHES.example GHTOK_APP=work", ghes),
        ("--client-id=Iv1.w GHTOK_APP=play", work),
        ("--client-id=Iv1.g GHTOK_CLIENT_ID=Iv1.w", ghes),
        ("--account=octo", ghes),
        (
            "--app=work GHTOK_APP=play GHTOK_CLIENT_ID=Iv1.x GHTOK_HOST=ghes.example",
            work,
        ),
        ("work --app=play GHTOK_APP=play", work),
        (
            "--app=ghes --client-id=Iv1.g --host=ghes.example --account=OCTO",
            ghes,
        ),
        ("GHTOK_APP=ghes GHTOK_CLIENT_ID=Iv1.g", ghes),
        ("--client-id=Iv1.new", "Iv1.new github.com/Iv1.new"),
        (
            "--client-id=Iv1.new GHTOK_HOST=ghes.example",
            "Iv1.new ghes.example/Iv1.new",
        ),
        (
            "--host=x.ghe.com GHTOK_CLIENT_ID=Iv1.new",
            "Iv1.new x.ghe.com/Iv1.new",
        ),
        (
            "--client-id=Iv1.w --host=ghes.example",
            "Iv1.w ghes.example/Iv1.w",
        ),
        (
            "--client-id=Iv1.w --account=other",
            "Iv1.w github.com/Iv1.w/other",
        ),
    ] {
        assert_eq!(meant(&with_default, call), app, "{call}");
    }
    assert_eq!(
        meant("[[app]]\nname=\"a\"\nclient_id=\"b\"", ""),
        "a github.com/b"
    );
}

#[test]
fn what_names_no_app_or_two_is_refused_in_one_line() {
    for (call, message) in [
        (
            "",
            "several Apps are configured (work, ghes, play) and none is the default",
        ),
        (
            "nobody",
            "no App named \"nobody\" is configured (configured: work, ghes, play)",
        ),
        (
            "GHTOK_APP=u:hunter2@x",
            "no App named \"…@x\" is configured (configured: work, ghes, play)",
        ),
        (
            "--host=github.com",
            "several configured Apps match --host github.com (work: github.com/Iv1.w, play: github.com/Iv1.p)",
        ),
        (
            "GHTOK_HOST=x.ghe.com",
            "no configured App matches GHTOK_HOST=x.ghe.com (configured: work: github.com/Iv1.w, ghes: ghes.example/Iv1.g/Octo, play: github.com/Iv1.p)",
        ),
        (
            "--app=work --client-id=Iv1.p",
            "--client-id Iv1.p contradicts the App \"work\" (github.com/Iv1.w)",
        ),
        (
            "work --account=octo",
            "--account octo contradicts the App \"work\" (github.com/Iv1.w)",
        ),
        (
            "GHTOK_APP=ghes GHTOK_HOST=github.com",
            "GHTOK_HOST=github.com contradicts the App \"ghes\" (ghes.example/Iv1.g/octo)",
        ),
        (
            "--client-id=a/b",
            "--client-id: \"a/b\" has characters that are not allowed in a client ID",
        ),
        ("--client-id=", "--client-id: \"\" is empty"),
        (
            "GHTOK_HOST=http://github.com",
            "GHTOK_HOST: \"http://github.com\" uses plain http, which is allowed for loopback only",
        ),
        ("--account=a/b", "--account: \"a/b\" is not a GitHub login"),
    ] {
        let expected = message.replace("/Octo", "/octo");
        assert_eq!(meant(THREE, call), expected, "{call}");
    }
    let none = "no GitHub App is configured or given by --client-id or GHTOK_CLIENT_ID";
    assert_eq!(meant("", ""), none);
    assert_eq!(meant("", "--host=github.com"), none);
    assert_eq!(
        meant("", "work"),
        "no App named \"work\" is configured (the configuration has no Apps)"
    );
}

#[test]
fn all_apps_are_the_configured_ones_and_the_described_one() {
    let folder = Scratch::new().with(THREE);
    let labels = |pairs: &[_]| {
        let config = folder.load(&Flags::default(), pairs).expect("it");
        config
            .all_apps()
            .map(|app| app.label().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(labels(&[]), ["work", "ghes", "play"]);
    assert_eq!(
        labels(&[("GHTOK_CLIENT_ID", "Iv1.g")]),
        ["work", "ghes", "play"]
    );
    assert_eq!(
        labels(&[("GHTOK_CLIENT_ID", "Iv1.x")]),
        ["work", "ghes", "play", "Iv1.x"]
    );
}

#[test]
fn a_sign_in_may_name_the_new_app_that_it_describes() {
    let folder = Scratch::new().with(THREE);
    let said = |name: &str, client_id: &str| {
        let flags = Flags {
            app: Some(name.into()),
            client_id: Some(client_id.into()),
            ..Flags::default()
        };
        let config = folder.load(&flags, &[]).expect("it");
        match config.app_to_sign_in() {
            Ok((app, name)) => format!("{} {name:?}", app.key().as_str()),
            Err(error) => error.to_string(),
        }
    };
    assert_eq!(said("new", "Iv1.new"), "github.com/Iv1.new Some(\"new\")");
    assert_eq!(said("work", "Iv1.w"), "github.com/Iv1.w None");
    assert_eq!(
        said("work", "Iv1.new"),
        "--client-id Iv1.new contradicts the App \"work\" (github.com/Iv1.w)"
    );
    assert_eq!(
        said("new", "Iv1.w"),
        "--client-id Iv1.w is already configured as \"work\""
    );
    assert!(said("a b", "Iv1.new").starts_with("APP: \"a b\" is not a name"));
    let flags = Flags {
        app: Some("new".into()),
        ..Flags::default()
    };
    let by_variable = [("GHTOK_CLIENT_ID", "Iv1.new")];
    let config = folder.load(&flags, &by_variable).expect("it");
    let error = config.app_to_sign_in().expect_err("a mistyped name");
    assert!(error.to_string().starts_with("no App named \"new\""));
}

#[test]
fn several_apps_can_be_named_in_one_call() {
    let folder = Scratch::new().with(THREE);
    let flags = Flags {
        client_id: Some("Iv1.x".into()),
        ..Flags::default()
    };
    let config = folder.load(&flags, &[]).expect("it");
    assert_eq!(config.app(None).expect("ad hoc").name, None);
    assert_eq!(config.app_named("ghes").expect("ghes").label(), "ghes");
    assert_eq!(config.app_named("ghes").expect("ghes").owners, ["o"]);
}
