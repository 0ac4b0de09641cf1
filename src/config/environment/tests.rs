use std::os::unix::ffi::OsStringExt;

use super::*;

fn config_dir(pairs: &[(&str, &str)]) -> Result<PathBuf> {
    Environment::from_pairs(pairs.iter().copied()).config_dir()
}

fn state_dir(pairs: &[(&str, &str)]) -> Result<PathBuf> {
    Environment::from_pairs(pairs.iter().copied()).state_dir()
}

const HOME: (&str, &str) = ("HOME", "/home/me");

#[test]
fn the_configuration_folder_is_ours_then_xdgs_then_the_homes() {
    let xdg = ("XDG_CONFIG_HOME", "/xdg");
    for (pairs, folder) in [
        (&[HOME, xdg, ("GHTOK_CONFIG_DIR", "/own")][..], "/own"),
        (&[xdg], "/xdg/ghtok"),
        (
            &[HOME, ("XDG_CONFIG_HOME", "xdg")],
            "/home/me/.config/ghtok",
        ),
        (
            &[HOME, ("XDG_CONFIG_HOME", ""), ("GHTOK_CONFIG_DIR", "")],
            "/home/me/.config/ghtok",
        ),
    ] {
        assert_eq!(
            config_dir(pairs).expect("a folder"),
            PathBuf::from(folder),
            "{pairs:?}"
        );
    }
}

#[test]
fn no_xdg_variable_moves_the_state_folder() {
    let xdg = [
        ("XDG_STATE_HOME", "/x"),
        ("XDG_CONFIG_HOME", "/x"),
        ("XDG_RUNTIME_DIR", "/x"),
        HOME,
    ];
    assert_eq!(
        state_dir(&xdg).expect("a folder"),
        PathBuf::from("/home/me/.local/state/ghtok")
    );
    assert_eq!(
        state_dir(&[("GHTOK_STATE_DIR", "/own")]).expect("a folder"),
        PathBuf::from("/own")
    );
}

#[test]
fn relative_folders_and_no_home_are_refused_in_one_line() {
    for (pair, message) in [
        (
            ("GHTOK_STATE_DIR", "state"),
            "GHTOK_STATE_DIR: \"state\" is not an absolute path",
        ),
        (
            ("GHTOK_STATE_DIR", "~/s\n\u{1b}[2J"),
            "GHTOK_STATE_DIR: \"~/s\\n\\u{1b}[2J\" is not an absolute path",
        ),
        (("HOME", "."), "HOME: \".\" is not an absolute path"),
        (("HOME", ""), NO_HOME),
        (("SHELL", "sh"), NO_HOME),
    ] {
        assert_eq!(
            state_dir(&[pair]).expect_err("refused").to_string(),
            message
        );
    }
    let error = config_dir(&[HOME, ("GHTOK_CONFIG_DIR", "c")]).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "GHTOK_CONFIG_DIR: \"c\" is not an absolute path"
    );
    assert_eq!(config_dir(&[]).expect_err("refused").to_string(), NO_HOME);
}

const NO_HOME: &str =
    "HOME: this account has no home folder: set it, or both GHTOK_CONFIG_DIR and GHTOK_STATE_DIR";

#[test]
fn what_is_not_utf8_is_refused_by_name_but_for_folders() {
    let bytes = || OsString::from_vec(b"/\xffx".to_vec());
    let environment = Environment::from_pairs(READ.map(|name| (name, bytes())));
    for name in ["GHTOK_APP", "GHTOK_STORE", "HTTPS_PROXY", "no_proxy"] {
        let error = environment.text(name).expect_err("refused");
        assert_eq!(
            error.to_string(),
            format!("{name}: the value is not UTF-8 text")
        );
    }
    assert_eq!(
        environment.state_dir().expect("a folder").into_os_string(),
        bytes()
    );
    assert_eq!(
        environment.lossy_text("no_proxy").as_deref(),
        Some("/\u{fffd}x")
    );
    let others = Environment::from_pairs([("LS_COLORS", bytes())]);
    assert_eq!(format!("{others:?}"), "{}");
}
