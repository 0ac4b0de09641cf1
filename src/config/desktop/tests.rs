use super::*;

const SSH: (&str, &str) = ("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22");
const X11: (&str, &str) = ("DISPLAY", ":0");
const FIREFOX: (&str, &str) = ("BROWSER", "firefox");

fn desktop(platform: Platform, pairs: &[(&str, &str)]) -> Desktop {
    Desktop::on(platform, &Environment::from_pairs(pairs.iter().copied()))
}

fn named(name: &'static str, commands: &[&str]) -> Browsers {
    let commands = commands.iter().map(|command| (*command).to_owned());
    Browsers::Named(name, commands.collect())
}

#[test]
fn the_locale_says_which_characters_are_shown() {
    for (pairs, charset) in [
        (&[("LANG", "en_US.UTF-8")][..], Charset::Utf8),
        (&[("LANG", "C.utf8")], Charset::Utf8),
        (&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")], Charset::Ascii),
        (
            &[("LC_ALL", ""), ("LC_CTYPE", "UTF-8"), ("LANG", "C")],
            Charset::Utf8,
        ),
        (&[("LANG", "de_DE.ISO-8859-1")], Charset::Ascii),
        (&[("LANG", "en_US")], Charset::Ascii),
        (&[], Charset::Ascii),
    ] {
        assert_eq!(
            desktop(Platform::Linux, pairs).looks.charset,
            charset,
            "{pairs:?}"
        );
    }
    assert_eq!(desktop(Platform::Windows, &[]).looks.charset, Charset::Utf8);
}

#[test]
fn colours_and_dumb_terminals() {
    fn looks(platform: Platform, pairs: &[(&str, &str)]) -> (bool, bool) {
        let looks = desktop(platform, pairs).looks;
        (looks.coloured, looks.dumb)
    }
    let xterm = ("TERM", "xterm-256color");
    assert_eq!(looks(Platform::Linux, &[xterm]), (true, false));
    assert_eq!(
        looks(Platform::Linux, &[xterm, ("NO_COLOR", "1")]),
        (false, false)
    );
    assert_eq!(
        looks(Platform::Linux, &[xterm, ("NO_COLOR", "")]),
        (true, false)
    );
    assert_eq!(looks(Platform::Linux, &[("TERM", "dumb")]), (false, true));
    assert_eq!(looks(Platform::Linux, &[]), (false, true));
    assert_eq!(looks(Platform::Windows, &[]), (true, false));
}

#[test]
fn our_own_variable_goes_before_everybodys_and_before_the_usual() {
    fn browsers(pairs: &[(&str, &str)]) -> Browsers {
        desktop(Platform::Linux, pairs).browsers
    }
    let own = ("GHTOK_BROWSER", "lynx %s : w3m");
    let lynx = || named("GHTOK_BROWSER", &["lynx %s", "w3m"]);
    assert_eq!(browsers(&[own, FIREFOX, X11]), lynx());
    assert_eq!(browsers(&[own, SSH, ("CI", "true")]), lynx());
    assert_eq!(browsers(&[FIREFOX]), named("BROWSER", &["firefox"]));
    assert_eq!(
        browsers(&[X11]),
        Browsers::Usual(vec!["xdg-open %s".into(), "x-www-browser %s".into()])
    );
}

#[test]
fn no_browser_is_opened_where_the_person_is_not() {
    fn reason(platform: Platform, pairs: &[(&str, &str)]) -> Option<&'static str> {
        match desktop(platform, pairs).browsers {
            Browsers::OutOfSight(reason) => Some(reason),
            Browsers::Named(..) | Browsers::Usual(_) => None,
        }
    }
    assert_eq!(reason(Platform::Linux, &[]), Some("without a display"));
    for ssh in ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"] {
        assert_eq!(
            reason(Platform::Linux, &[(ssh, "x"), FIREFOX]),
            Some("over SSH")
        );
    }
    assert_eq!(reason(Platform::Linux, &[SSH, X11]), None);
    assert_eq!(
        reason(Platform::Linux, &[SSH, ("WAYLAND_DISPLAY", "w")]),
        None
    );
    assert_eq!(reason(Platform::MacOs, &[SSH, X11]), Some("over SSH"));
    assert_eq!(reason(Platform::Windows, &[SSH]), Some("over SSH"));
    assert_eq!(
        reason(Platform::Linux, &[("CI", "1"), X11, FIREFOX]),
        Some("in CI")
    );
    assert_eq!(reason(Platform::Linux, &[("CI", "false"), X11]), None);
    assert_eq!(reason(Platform::MacOs, &[]), None);
    assert_eq!(reason(Platform::Windows, &[]), None);
}

#[test]
fn wsl_has_the_browser_and_the_clipboard_of_windows() {
    let environment = Environment::from_pairs([("WSL_DISTRO_NAME", "Debian")]);
    if cfg!(target_os = "linux") {
        assert_eq!(Platform::of(&environment), Platform::Wsl);
    }
    let desktop = desktop(Platform::Wsl, &[]);
    let Browsers::Usual(commands) = desktop.browsers else {
        panic!("{desktop:?}")
    };
    assert!(commands[0].starts_with("rundll32.exe "), "{commands:?}");
    assert_eq!(desktop.clipboards[0], "clip.exe");
}

#[test]
fn the_clipboard_is_the_displays() {
    fn clipboards(pairs: &[(&str, &str)]) -> Vec<String> {
        desktop(Platform::Linux, pairs).clipboards
    }
    assert_eq!(clipboards(&[]), Vec::<String>::new());
    assert_eq!(clipboards(&[("WAYLAND_DISPLAY", "w")]), ["wl-copy"]);
    assert_eq!(
        clipboards(&[X11]),
        ["xclip -selection clipboard", "xsel --clipboard --input"]
    );
    assert_eq!(
        desktop(Platform::MacOs, &[]).clipboards,
        ["/usr/bin/pbcopy"]
    );
}
