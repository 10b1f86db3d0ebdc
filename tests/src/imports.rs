//! Who may import whom. Paths are read from the syntax tree, from macro calls and from attributes; a path inside a
//! comment or a string is none.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, File, Item, ItemExternCrate, ItemUse, Macro, UseTree};

use crate::source::{Finding, Source, is_for_tests};

/// A path as it stands in the source, a group of a `use` taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its segments, `*` for a glob.
    pub segments: Vec<String>,
    /// The line it stands on.
    pub line: usize,
}

/// The room a file lives in, and what it must not name.
#[derive(Clone, Copy, Debug)]
struct Room {
    /// Files below this folder.
    folder: &'static str,
    /// Whether items and files compiled for tests only are bound too.
    tests_too: bool,
    /// Crates it must not name.
    forbidden: &'static [&'static str],
    /// Crates besides `core` it may name, where all others are forbidden.
    allowed: Option<&'static [&'static str]>,
    /// Of its own crate or another, prefixes it must not name; written from the crate's root.
    prefixes: &'static [&'static [&'static str]],
}

const ROOMS: &[Room] = &[
    Room {
        folder: "model/src/protocol",
        tests_too: false,
        forbidden: &[],
        allowed: Some(&["arrayvec", "enumset", "serde", "strum"]),
        prefixes: &[&["crate", "world"]],
    },
    Room {
        folder: "model/src/protocol",
        tests_too: true,
        forbidden: &["stateright"],
        allowed: None,
        prefixes: &[&["crate", "world"]],
    },
    Room {
        folder: "model",
        tests_too: true,
        forbidden: &[
            "syncsplit_engine",
            "syncsplit_search",
            "syncsplit_checker",
            "syncsplit_impl",
            "syncsplit_tests",
        ],
        allowed: None,
        prefixes: &[],
    },
    Room {
        folder: "checker/engine",
        tests_too: true,
        forbidden: &["syncsplit_model", "syncsplit_search", "syncsplit_checker"],
        allowed: None,
        prefixes: &[],
    },
    Room {
        folder: "checker/search",
        tests_too: true,
        forbidden: &["syncsplit_checker"],
        allowed: None,
        prefixes: &[],
    },
    Room {
        folder: "checker",
        tests_too: true,
        forbidden: &["syncsplit_impl", "syncsplit_tests"],
        allowed: None,
        prefixes: &[],
    },
    Room {
        folder: "impl",
        tests_too: true,
        forbidden: &["syncsplit_checker", "syncsplit_tests", "stateright"],
        allowed: None,
        prefixes: &[&["syncsplit_model", "world"]],
    },
];

/// Every import of `source` that DESIGN's order of packages forbids. `crates` are the names of all crates that some
/// package of the workspace depends on.
#[must_use]
pub fn broken(source: &Source, crates: &[String]) -> Vec<Finding> {
    let rooms = ROOMS.iter().filter(|room| source.is_in(room.folder));
    let file = match source.parse() {
        Ok(file) => file,
        Err(finding) => return vec![finding],
    };
    let mut findings = Vec::new();
    for room in rooms.filter(|room| room.tests_too || !source.is_test()) {
        for named in paths(&file, room.tests_too) {
            if let Some(why) = why_broken(room, source, &named, crates) {
                let path = named.segments.join("::");
                findings.push(format!("{}:{}: `{path}`: {why}", source.path, named.line));
            }
        }
    }
    findings
}

fn why_broken(room: &Room, source: &Source, named: &Named, crates: &[String]) -> Option<String> {
    let first = named.segments.first()?.as_str();
    if room.forbidden.contains(&first) {
        return Some(format!("{} must not see {first}", room.folder));
    }
    if let Some(allowed) = room.allowed {
        let is_crate = ["std", "alloc", "proc_macro"].contains(&first)
            || crates.iter().any(|name| name == first);
        if is_crate && !allowed.contains(&first) {
            return Some(format!(
                "{} sees core, {} and nothing else",
                room.folder,
                allowed.join(", ")
            ));
        }
    }
    let full = from_root(source, &named.segments);
    for prefix in room.prefixes {
        let (head, tail) = (&prefix[..1], &prefix[1..]);
        if full.first().map(String::as_str) != head.first().copied() {
            continue;
        }
        let next = full.get(1).map(String::as_str);
        let whole = full.len() == 1 && named.segments.len() == 1 && head != ["crate"];
        if next == tail.first().copied() || next == Some("*") || whole {
            return Some(format!("{} must not see {}", room.folder, prefix.join("::")));
        }
    }
    None
}

/// `self::` and `super::` resolved by the file's place; a path inside an inline module may come out too long, never
/// too short for the prefixes that are asked about.
fn from_root(source: &Source, segments: &[String]) -> Vec<String> {
    let ups = segments.iter().take_while(|segment| *segment == "super").count();
    if ups == 0 {
        return segments.to_vec();
    }
    let inside = source.path.split_once("/src/").map_or("", |(_, inside)| inside);
    let mut module: Vec<&str> = inside.trim_end_matches(".rs").split('/').collect();
    if matches!(module.last(), Some(&"mod" | &"lib")) {
        module.pop();
    }
    module.truncate(module.len().saturating_sub(ups));
    let own = std::iter::once("crate").chain(module).map(str::to_owned);
    own.chain(segments[ups..].iter().cloned()).collect()
}

/// Every path that `file` names, those compiled for tests only if `tests_too`.
#[must_use]
pub fn paths(file: &File, tests_too: bool) -> Vec<Named> {
    let mut reader = Reader { tests_too, found: Vec::new() };
    reader.visit_file(file);
    reader.found
}

struct Reader {
    tests_too: bool,
    found: Vec<Named>,
}

impl Reader {
    fn push(&mut self, segments: Vec<String>, span: Span) {
        self.found.push(Named { segments, line: span.start().line });
    }

    fn read_use(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        let leaf = |before: &[String], last: String| {
            before.iter().cloned().chain(std::iter::once(last)).collect::<Vec<_>>()
        };
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.read_use(&path.tree, before);
                before.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.read_use(tree, before);
                }
            }
            UseTree::Name(name) if name.ident == "self" => self.push(before.clone(), tree.span()),
            UseTree::Rename(name) if name.ident == "self" => self.push(before.clone(), tree.span()),
            UseTree::Name(name) => self.push(leaf(before, name.ident.to_string()), tree.span()),
            UseTree::Rename(name) => self.push(leaf(before, name.ident.to_string()), tree.span()),
            UseTree::Glob(_) => self.push(leaf(before, "*".into()), tree.span()),
        }
    }

    /// A path inside tokens is an identifier, then `::` and an identifier any number of times.
    fn read_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        let mut at = Span::call_site();
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) => {
                    if colons != 2 || path.is_empty() {
                        self.end(&mut path, at);
                        at = ident.span();
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Group(group) => {
                    if colons == 2 && group.delimiter() == Delimiter::Brace {
                        // A `use` group inside a macro: name each first segment behind what stands before it.
                        let names = group.stream().into_iter();
                        for name in names.filter(|token| matches!(token, TokenTree::Ident(_))) {
                            let mut whole = path.clone();
                            whole.push(name.to_string());
                            self.push(whole, at);
                        }
                    }
                    self.end(&mut path, at);
                    colons = 0;
                    self.read_tokens(group.stream());
                }
                _ => {
                    self.end(&mut path, at);
                    colons = 0;
                }
            }
        }
        self.end(&mut path, at);
    }

    fn end(&mut self, path: &mut Vec<String>, at: Span) {
        if path.len() > 1 {
            self.push(std::mem::take(path), at);
        }
        path.clear();
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Const(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Macro(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if self.tests_too || !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.read_use(&item.tree, &mut Vec::new());
        visit::visit_item_use(self, item);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast ItemExternCrate) {
        self.push(vec![item.ident.to_string()], item.span());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        // A single word is a local name; no crate is used by its name alone outside a `use`.
        if segments.len() > 1 {
            self.push(segments, path.span());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.read_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.read_tokens(list.tokens.clone());
        }
        visit::visit_attribute(self, attribute);
    }
}
