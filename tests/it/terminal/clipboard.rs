//! `--copy`: the code reaches the clipboard of this machine and of the terminal, or the person is told.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::Desk;

/// A desk with an X display and a clipboard program of this script.
fn desk(script: &str) -> Desk {
    let desk = Desk::new().asking("--copy").with("DISPLAY", ":9");
    let folder = desk.sandbox.home().join("bin");
    fs::create_dir(&folder).expect("a folder");
    // Written by another process: a file that this one holds open could not be run.
    let program = folder.join("xclip");
    let wrapper = std::process::Command::new("/bin/sh")
        .args(["-c", "printf '%s' \"$1\" > \"$2\"; chmod 755 \"$2\"", "sh"])
        .arg(format!("#!/bin/sh\n{script}\n"))
        .arg(&program)
        .status()
        .expect("a shell");
    assert!(wrapper.success());
    let path = format!("{}:/usr/bin:/bin", folder.display());
    desk.with("PATH", path)
}

fn osc_52(code: &str) -> Vec<u8> {
    use base64::Engine;
    let text = base64::prelude::BASE64_STANDARD.encode(code);
    format!("\u{1b}]52;c;{text}\u{7}").into_bytes()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn the_clipboards_program_and_the_terminal_get_the_code_and_nothing_else() {
    let desk = desk("printf '%s|' \"$@\" > \"$HOME/copied\"; cat >> \"$HOME/copied\"");
    let (mut terminal, code) = desk.see_the_code();
    terminal.wait_for("The code is in the clipboard.");
    let copied = fs::read_to_string(desk.sandbox.home().join("copied")).expect("a copy");
    assert_eq!(copied, format!("-selection|clipboard|{code}"));
    assert!(contains(&terminal.bytes(), &osc_52(&code)));
    desk.approve(&mut terminal, &code);
    assert_eq!(terminal.end().code, Some(0));
}

#[test]
fn a_clipboard_that_fails_never_fails_the_sign_in() {
    let desk = desk("cat > /dev/null; exit 4");
    let left = desk.sign_in();
    let told = "not copied: xclip failed (exit status: 4)";
    assert!(left.screen.contains(told), "{left:?}");
}

#[test]
fn a_clipboard_that_reads_nothing_or_never_ends_never_holds_the_sign_in_up() {
    for (script, said) in [
        ("exec < /dev/null; exit 1", "not copied: xclip failed"),
        ("exec sleep 5", "The code is in the clipboard."),
    ] {
        let left = desk(script).sign_in();
        assert!(left.screen.contains(said), "{left:?}");
    }
}

#[test]
fn a_program_that_cannot_be_started_is_told() {
    let desk = desk("");
    let program = desk.sandbox.home().join("bin").join("xclip");
    fs::write(&program, "#!/nonexistent/interpreter\n").expect("a script");
    let left = desk.sign_in();
    assert!(left.screen.contains("not copied: xclip failed"), "{left:?}");
}

#[test]
fn a_file_that_is_no_program_is_passed_over() {
    let desk = desk("");
    let program = desk.sandbox.home().join("bin").join("xclip");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o644)).expect("mode");
    let left = desk.sign_in();
    assert!(left.screen.contains("The terminal was asked"), "{left:?}");
}

#[test]
fn without_a_program_the_terminal_alone_is_asked() {
    let desk = Desk::new().asking("--copy");
    let (mut terminal, code) = desk.see_the_code();
    terminal.wait_for("The terminal was asked to copy the code to the clipboard.");
    assert!(contains(&terminal.bytes(), &osc_52(&code)));
    desk.approve(&mut terminal, &code);
    assert_eq!(terminal.end().code, Some(0));
}

#[test]
fn unasked_nothing_is_copied() {
    let desk = desk("cat > \"$HOME/copied\"");
    let desk = Desk {
        arguments: vec!["login"],
        ..desk
    };
    let left = desk.sign_in();
    assert!(!contains(&left.bytes, b"\x1b]52"), "{left:?}");
    assert!(!desk.sandbox.home().join("copied").exists());
}
