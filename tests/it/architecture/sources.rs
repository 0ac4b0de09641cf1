//! The files of `src` and the paths that each of them names, read by a Rust parser.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};

/// One file of `src`.
pub struct Source {
    /// Below `src`, as in `auth/record.rs`.
    pub file: String,
    /// The path of its module, as in `["auth", "record"]`; empty for `lib.rs` and `main.rs`.
    pub module: Vec<String>,
    /// Every path into this crate that its code names, from the crate's root, tests left out.
    pub named: BTreeSet<Vec<String>>,
    /// Every identifier of its code, tests left out.
    pub identifiers: BTreeSet<String>,
    /// Whether a `mod` line of it names its file by `#[path]`.
    pub redirects: bool,
}

impl Source {
    /// The top-level module that it belongs to; `lib` or `main` for the two roots.
    pub fn layer(&self) -> &str {
        self.module
            .first()
            .map_or(self.file.trim_end_matches(".rs"), String::as_str)
    }

    /// The subcommand that it belongs to, for a file below `commands`.
    pub fn command(&self) -> Option<&str> {
        match self.module.as_slice() {
            [folder, command, ..] if folder == "commands" => Some(command),
            _ => None,
        }
    }

    /// Whether it names something in a module, given as in `system/process`.
    pub fn names(&self, module: &str) -> bool {
        let module: Vec<&str> = module.split('/').collect();
        let within = |path: &Vec<String>| {
            path.len() >= module.len() && path.iter().zip(&module).all(|(a, b)| a == b)
        };
        self.named.iter().any(within)
    }
}

/// Every file of `src` that is not a test module.
pub fn sources() -> &'static [Source] {
    static SOURCES: OnceLock<Vec<Source>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let is_test = |file: &str| file.split(['/', '.']).any(|part| part == "tests");
        let files = files().into_iter().filter(|(file, _)| !is_test(file));
        files.map(|(file, text)| parse(&file, &text)).collect()
    })
}

/// Every file of `src`, by its name below it, with its text.
pub fn files() -> Vec<(String, String)> {
    let root = source_root();
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(files.len() > 20, "the sources were not found");
    files.sort();
    files
        .iter()
        .map(|path| {
            let below = path.strip_prefix(&root).expect("below src");
            let text = fs::read_to_string(path).expect("a source");
            (below.to_string_lossy().into_owned(), text)
        })
        .collect()
}

/// The folder `src`.
pub fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// One file from its text. Panics if it is not Rust.
pub fn parse(file: &str, text: &str) -> Source {
    let module = module_of(file);
    let syntax = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut paths = Paths {
        module: module.clone(),
        named: BTreeSet::new(),
        identifiers: BTreeSet::new(),
        redirects: false,
    };
    paths.visit_file(&syntax);
    Source {
        file: file.to_owned(),
        module,
        named: paths.named,
        identifiers: paths.identifiers,
        redirects: paths.redirects,
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

fn module_of(file: &str) -> Vec<String> {
    match file.trim_end_matches(".rs") {
        "lib" | "main" => Vec::new(),
        path => path.split('/').map(str::to_owned).collect(),
    }
}

struct Paths {
    /// The module that is being read, inline modules included.
    module: Vec<String>,
    named: BTreeSet<Vec<String>>,
    identifiers: BTreeSet<String>,
    redirects: bool,
}

impl Paths {
    /// Notes a path that starts with `crate`, `self` or `super`; others lead to other crates or to
    /// names that an import brought in.
    fn note(&mut self, segments: &[String]) {
        let mut rest = segments;
        let mut base = match rest.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("self" | "super") => self.module.clone(),
            _ => return,
        };
        while let Some(first) = rest.first() {
            match first.as_str() {
                "crate" | "self" => {}
                "super" => {
                    base.pop();
                }
                _ => break,
            }
            rest = &rest[1..];
        }
        base.extend(rest.iter().cloned());
        self.named.insert(base);
    }

    fn note_tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.note_tree(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.note(&with(&name.ident)),
            syn::UseTree::Rename(rename) => self.note(&with(&rename.ident)),
            syn::UseTree::Glob(_) => self.note(before),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.note_tree(before, tree);
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_for_tests(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, method: &'ast syn::ImplItemFn) {
        if !method.attrs.iter().any(is_test_attribute) {
            visit::visit_impl_item_fn(self, method);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let redirected = |attribute: &syn::Attribute| attribute.path().is_ident("path");
        self.redirects |= module.attrs.iter().any(redirected);
        self.module.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.note_tree(&[], &item.tree);
        visit::visit_item_use(self, item);
    }

    fn visit_ident(&mut self, identifier: &'ast syn::Ident) {
        self.identifiers.insert(identifier.to_string());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.note(&segments);
        visit::visit_path(self, path);
    }

    /// What stands in a macro is tokens only; paths are read off their text.
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let tokens = call.tokens.to_string();
        let words: Vec<&str> = tokens
            .split(|c: char| c.is_whitespace() || "(){}[],;&*!<>\"".contains(c))
            .filter(|word| !word.is_empty())
            .collect();
        let joined = words.join(" ").replace(" :: ", "::").replace(":: ", "::");
        for path in joined.split_whitespace() {
            let segments: Vec<String> = path.split("::").map(str::to_owned).collect();
            self.identifiers.extend(segments.iter().cloned());
            if segments.len() > 1 {
                self.note(&segments);
            }
        }
        visit::visit_macro(self, call);
    }
}

/// Whether an item has `#[cfg(test)]` or `#[test]`.
fn is_for_tests(item: &syn::Item) -> bool {
    let attributes = match item {
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Const(item) => &item.attrs,
        _ => return false,
    };
    attributes.iter().any(is_test_attribute)
}

/// `#[test]`, `#[cfg(test)]`, or `#[cfg(all(test, …))]`.
fn is_test_attribute(attribute: &syn::Attribute) -> bool {
    let is_test = |condition: &syn::Meta| condition.path().is_ident("test");
    if attribute.path().is_ident("test") {
        return true;
    }
    if !attribute.path().is_ident("cfg") {
        return false;
    }
    let conditions = match attribute.parse_args::<syn::Meta>() {
        Ok(syn::Meta::List(list)) if list.path.is_ident("all") => {
            list.parse_args_with(Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated)
        }
        Ok(condition) => return is_test(&condition),
        Err(error) => Err(error),
    };
    conditions.is_ok_and(|conditions| conditions.iter().any(is_test))
}
