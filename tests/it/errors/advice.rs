//! Every command of ghtok in any text of the sources: each is one that the parser accepts.

use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use ghtok::testing::cli::Cli;
use syn::visit::Visit;

/// What stands for a value that is known only when the text is shown.
const VALUE: &str = "work";

/// Texts that hold a command's name and are no advice: what begins them.
const NO_ADVICE: [&str; 5] = [
    // The heads of files and lines that ghtok writes.
    "# ",
    ">>> ",
    "ghtok schedule",
    // The help's own examples are tried with the help.
    "Examples:",
    "BEGIN ",
];

#[derive(Default)]
struct Texts(Vec<String>);

impl Visit<'_> for Texts {
    fn visit_lit_str(&mut self, text: &syn::LitStr) {
        self.0.push(text.value());
    }

    /// The arguments of `format!` and its like are not parsed as expressions.
    fn visit_macro(&mut self, call: &syn::Macro) {
        let tokens = call.tokens.to_string();
        let mut rest = tokens.as_str();
        while let Some(start) = rest.find('"') {
            let mut escaped = false;
            let end = rest[start + 1..].find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            let Some(end) = end.map(|end| start + 1 + end + 1) else {
                return;
            };
            if let Ok(text) = syn::parse_str::<syn::LitStr>(&rest[start..end]) {
                self.0.push(text.value());
            }
            rest = &rest[end..];
        }
    }

    fn visit_attribute(&mut self, _: &syn::Attribute) {}

    fn visit_item_mod(&mut self, module: &syn::ItemMod) {
        if module.ident != "tests" {
            syn::visit::visit_item_mod(self, module);
        }
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|found| found == "rs")
            && path.file_name() != Some("tests.rs".as_ref())
        {
            found.push(path);
        }
    }
}

/// The commands in a text, placeholders filled in.
fn commands(text: &str, names: &[String]) -> Vec<String> {
    let lines = text
        .lines()
        .filter(|line| !NO_ADVICE.iter().any(|start| line.starts_with(start)));
    lines.flat_map(|line| in_line(line, names)).collect()
}

fn in_line(line: &str, names: &[String]) -> Vec<String> {
    let starts = line.match_indices("ghtok ").map(|(at, _)| at);
    starts
        .filter_map(|at| {
            let rest = &line[at..];
            let end = rest
                .find([',', ';', ')', '`', '"', '|', '('])
                .unwrap_or(rest.len());
            let words: Vec<String> = rest[..end].split_whitespace().map(filled).collect();
            let second = rest.split([' ', ',', ';', ')', '`', '"']).nth(1);
            let is_one = second.is_some_and(|word| names.iter().any(|name| name == word));
            is_one.then(|| with_known_values(&words.join(" ")))
        })
        .collect()
}

/// Where only some values are accepted, one of them.
fn with_known_values(command: &str) -> String {
    let named = command.replace("CLIENT", VALUE);
    let with_store = named.replace("--store work", "--store file");
    with_store.replace("setup mcp work", "setup mcp zed")
}

fn filled(word: &str) -> String {
    let mut filled = String::new();
    let mut depth = 0;
    for c in word.trim_end_matches(['.', ':']).chars() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                filled.push_str(VALUE);
            }
            c if depth == 0 => filled.push(c),
            _ => {}
        }
    }
    filled
}

#[test]
fn every_command_in_the_sources_is_one() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let names: Vec<String> = Cli::command()
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    let mut paths = Vec::new();
    files(&source, &mut paths);
    let mut tried = 0;
    let mut wrong = Vec::new();
    for path in paths {
        let file = syn::parse_file(&fs::read_to_string(&path).expect("a source")).expect("Rust");
        let mut texts = Texts::default();
        texts.visit_file(&file);
        for command in texts.0.iter().flat_map(|text| commands(text, &names)) {
            tried += 1;
            if let Err(error) = Cli::read(command.split(' ').map(Into::into)) {
                wrong.push(format!("{}: {command}: {}", path.display(), error.kind()));
            }
        }
    }
    assert!(tried > 30, "only {tried} commands were found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn commands_are_found_and_their_placeholders_filled() {
    let names = ["login".to_owned(), "setup".to_owned()];
    let text =
        "sign in with:\n  ghtok login {app} --store {}\nor see: ghtok setup git --print, once";
    assert_eq!(
        commands(text, &names),
        ["ghtok login work --store file", "ghtok setup git --print"]
    );
    assert!(commands("update ghtok if you can", &names).is_empty());
}
