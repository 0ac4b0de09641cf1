//! What is added and taken out, and that the rest keeps its bytes.

use super::*;

const PATH: &[u8] = b"~/.config/git/ghtok.gitconfig";

fn is_own(path: &[u8]) -> bool {
    path == PATH
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Files that end in each way that a file can.
const FILES: [&[u8]; 14] = [
    b"",
    b"\n\n",
    b"\xef\xbb\xbf",
    b"\xef\xbb\xbf[a]\r\n\tb = c\r\n",
    b"[a]\n\tb = c\n",
    b"[a]\n\tb = c",
    b"[a]\r\n\tb = c",
    b"# no end",
    b"[a]\nb = c\\\n",
    b"[a]\nb = c\\",
    b"[a]\r\nb = c\\\r\n",
    b"[include]\n\tpath = other",
    b"[include] path = other\n[a] b = \"x\\\"y;#\" ; c\n\tlast",
    b"[user]\n\tname = \xff\xfe\n  ",
];

#[test]
fn what_is_added_is_read_by_itself_and_comes_out_again() {
    for file in FILES {
        let (with, line_ends) = added(file, PATH).expect("a file");
        let parts = syntax::read(&with).expect("still a file").parts;
        let last = &parts[parts.len() - 1].kind;
        let expected = PartKind::Entry {
            key: b"path".to_vec(),
            value: Some(PATH.to_vec()),
        };
        assert_eq!(last, &expected, "{}", text(&with));
        let without = removed(&with, is_own, line_ends).expect("a file");
        assert_eq!(text(&without.text), text(file));
        assert!(without.at.is_some());
        assert_eq!(removed(file, is_own, 0).expect("a file").at, None);
    }
    assert!(added(b"[a\n", PATH).is_err());
}

#[test]
fn other_lines_of_the_section_stay_with_its_header() {
    for (with, without) in [
        (
            "[include]\n\tpath = X\n\tpath = mine\n[b]\n",
            "[include]\n\tpath = mine\n[b]\n",
        ),
        (
            "[include]\n\tpath = mine\n\tpath = X # note\n",
            "[include]\n\tpath = mine\n",
        ),
        ("[include] # mine\n\tpath = X\n", "[include] # mine\n"),
        ("[include]\n\tpath = X\n# mine\n[b]\n", "# mine\n[b]\n"),
        ("a [include] path = X\n", "error"),
        ("[include] path = X\n[b]\n", " \n[b]\n"),
        ("[a] x = 1\n[include] path = X", "[a] x = 1\n "),
        (
            "[includeIf \"x\"]\n\tpath = X\n",
            "[includeIf \"x\"]\n\tpath = X\n",
        ),
        ("[INCLUDE]\r\n  PATH=\"X\"\r\n", ""),
        ("[include]\n\tpath = X\n[include]\n\tpath = X\n", ""),
    ] {
        let own = text(PATH);
        let with = with.replace('X', &own);
        let result = removed(with.as_bytes(), is_own, 0);
        let left = result.map_or("error".into(), |left| text(&left.text));
        assert_eq!(left, without.replace('X', &own), "{with}");
    }
}

#[test]
fn line_ends_go_only_from_the_end_of_the_file() {
    let (with, line_ends) = added(b"[a]\nb = c", PATH).expect("a file");
    let later = [&with[..], b"[later]\n\tx = y\n"].concat();
    let left = removed(&later, is_own, line_ends).expect("a file").text;
    assert_eq!(text(&left), "[a]\nb = c\n[later]\n\tx = y\n");
}

const BLOCK: &str = "# >>> ghtok setup git >>> take these lines out with: ghtok setup git --undo\n\
    [credential \"https://github.com\"]\n\thelper =\n\thelper = /usr/bin/ghtok git-credential\n\
    [credential \"https://ghes.example\"]\n\thelper =\n\thelper = !'/my x/ghtok' git-credential\n\tuseHttpPath = true\n\
    # <<< ghtok setup git <<<NOTE\n";

#[track_caller]
fn migrated(file: &str, expected: &str, foreign: usize) {
    for (file, expected) in [
        (file.to_owned(), expected.to_owned()),
        (file.replace('\n', "\r\n"), expected.replace('\n', "\r\n")),
    ] {
        let without = without_block(file.as_bytes()).expect("a file");
        let without = without.expect("a block");
        assert_eq!(text(&without.text()), expected);
        assert_eq!(without.foreign, foreign);
    }
}

#[test]
fn an_old_block_goes_and_the_lines_of_others_in_it_stay() {
    assert_eq!(without_block(b"[a]\n"), Ok(None));
    let plain = BLOCK.replace("NOTE", "");
    migrated(&format!("[a]\n{plain}[b]\n"), "[a]\n[b]\n", 0);
    let unended = BLOCK.replace("NOTE", " (the file had no last line end)");
    migrated(&format!("[a]\n{unended}"), "[a]", 0);
    migrated(&format!("[a]\n{unended}[b]\n"), "[a]\n[b]\n", 0);
    let taken_in = BLOCK.replace("NOTE", "");
    migrated(
        &format!("[a]\n\tb = c \\\n{taken_in}"),
        "[a]\n\tb = c \\\n",
        0,
    );
    // The line end that was added was LF, whatever the file's are.
    for line_end in ["\n", "\r\n"] {
        let old = format!("[a]\r\n# c{line_end}{unended}");
        let found = without_block(old.as_bytes())
            .expect("a file")
            .expect("a block");
        assert_eq!(text(&found.text()), "[a]\r\n# c");
    }
    let new = BLOCK.replace("NOTE", " (the file was new)");
    let left = without_block(new.as_bytes())
        .expect("a file")
        .expect("a block");
    assert!(left.was_new && left.text().is_empty());
    // A user name that `git config` put there.
    let named = plain.replace("\tuseHttpPath", "\tusername = me\n\tuseHttpPath");
    migrated(
        &format!("[a]\n{named}"),
        "[a]\n[credential \"https://ghes.example\"]\n\tusername = me\n",
        1,
    );
    // Another tool replaced the helpers, or added one.
    let replaced = plain.replace(
        "\thelper =\n\thelper = /usr/bin/ghtok git-credential\n",
        "\thelper = \n\thelper = !/usr/bin/gh auth git-credential\n",
    );
    migrated(
        &replaced,
        "[credential \"https://github.com\"]\n\thelper = \n\thelper = !/usr/bin/gh auth git-credential\n",
        2,
    );
    let added = plain.replace(
        "/usr/bin/ghtok git-credential\n",
        "/usr/bin/ghtok git-credential\n\thelper = store\n",
    );
    migrated(
        &added,
        "[credential \"https://github.com\"]\n\thelper = store\n",
        1,
    );
    // A section of somebody else, and a key after the block that belongs to its last section.
    let section = plain.replace("# <<<", "[alias]\n\tx = y\n# <<<");
    migrated(&section, "[alias]\n\tx = y\n", 1);
    migrated(
        &format!("{plain}\tusername = me\n"),
        "[credential \"https://ghes.example\"]\n\tusername = me\n",
        0,
    );
    // Without its last line.
    let cut = plain.split("# <<<").next().unwrap_or_default();
    migrated(&format!("[a]\n{cut}"), "[a]\n", 0);
}

#[test]
fn files_included_on_a_condition_are_found() {
    let text = b"[include]\n\tpath = a\n[includeIf \"gitdir:~/w/\"]\n\tpath = b\n\tPATH = c\n[IncludeIf \"x\"] path\n[a]\n\tpath = d\n";
    assert_eq!(conditional(text), Ok(vec![b"b".to_vec(), b"c".to_vec()]));
}
