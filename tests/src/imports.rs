//! Who imports whom, held against the table in [`crate::floors`]. Paths are read from the syntax tree, from macro calls and
//! from attributes, never from a comment or a string.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, File, Item, ItemExternCrate, ItemMod, ItemUse, Macro, UseTree};

use crate::floors::{CRATES, FLOORS, Floors, LOUD, PURE, SILENT};
use crate::source::{Finding, Source, is_for_tests};

/// A path as it stands in the source, a group of a `use` taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPath {
    /// Its segments, `*` for a glob.
    pub segments: Vec<String>,
    /// The line it stands on.
    pub line: usize,
    /// How many modules inside the file it stands in.
    pub inline: usize,
}

/// Every import of `source` that the table of crates and rooms forbids. `crates` are the names of all crates that some
/// package of the workspace depends on.
#[must_use]
pub fn broken(source: &Source, crates: &[String]) -> Vec<Finding> {
    let file = match source.parse() {
        Ok(file) => file,
        Err(finding) => return vec![finding],
    };
    let rooms = FLOORS.iter().filter(|floors| source.is_in(floors.folder));
    let mut findings: Vec<_> =
        rooms.clone().filter_map(|floors| homeless(floors, source)).collect();
    let mut look = |named: &NamedPath, why: Option<String>| {
        let path = named.segments.join("::");
        let finding = |why| format!("{}:{}: `{path}`: {why}", source.path, named.line);
        findings.extend(why.map(finding));
    };
    for named in paths(&file, true) {
        look(&named, stranger(source, &named));
        rooms.clone().for_each(|floors| look(&named, above(floors, source, &named)));
    }
    for named in paths(&file, false).iter().filter(|_| !source.is_test()) {
        look(named, impure(source, named, crates));
        look(named, loud(source, named));
    }
    findings
}

/// A crate that the file's crate must not name, or a part of one.
fn stranger(source: &Source, named: &NamedPath) -> Option<String> {
    let home = CRATES.iter().find(|home| source.is_in(home.folder))?;
    let first = named.segments.first()?.as_str();
    let own = home.folder.rsplit('/').next().unwrap_or_default();
    let is_ours = first.starts_with("syncsplit_") && first.strip_prefix("syncsplit_") != Some(own);
    if home.never.contains(&first) || is_ours && !home.sees.contains(&first) {
        return Some(format!("{} must not see {first}", home.folder));
    }
    let (of, hidden) = home.hidden?;
    let next = named.segments.get(1).map(String::as_str);
    let is_hidden = next.is_none_or(|next| next == "*" || next == hidden);
    (first == of && is_hidden).then(|| format!("{} must not see {of}::{hidden}", home.folder))
}

/// The room of `floors` that a module is in, counted from the ground.
fn floor(floors: &Floors, module: &str) -> Option<usize> {
    floors.rooms.iter().position(|room| room.contains(&module))
}

/// The module of `floors` that the file is or belongs to; none for the file that declares them.
fn module<'a>(floors: &Floors, source: &'a Source) -> Option<&'a str> {
    let inside = source.path.strip_prefix(floors.folder)?.strip_prefix('/')?;
    let module = inside.split('/').next()?.trim_end_matches(".rs");
    (!["mod", "lib", "main", "bin"].contains(&module)).then_some(module)
}

/// A file whose module stands in no room.
fn homeless(floors: &Floors, source: &Source) -> Option<Finding> {
    let module = module(floors, source).filter(|module| floor(floors, module).is_none())?;
    Some(format!("{}: {module} stands in no room of {}", source.path, floors.folder))
}

/// A module of a room above the file's own.
fn above(floors: &Floors, source: &Source, named: &NamedPath) -> Option<String> {
    let own = module(floors, source)?;
    let root = floors.folder.split_once("/src").map_or("", |(_, root)| root);
    let root = std::iter::once("crate").chain(root.split('/').filter(|part| !part.is_empty()));
    let full = from_root(source, named);
    let mut rest = full.iter().map(String::as_str);
    if !root.into_iter().all(|part| rest.next() == Some(part)) {
        return None;
    }
    let other = rest.next()?;
    let is_above = floor(floors, other)? > floor(floors, own)?;
    is_above.then(|| format!("{own} must not see {other}, a room above it"))
}

/// Anything but `core` and a few crates, in the rooms that are pure.
fn impure(source: &Source, named: &NamedPath, crates: &[String]) -> Option<String> {
    let (folder, allowed) = PURE.iter().find(|(folder, _)| source.is_in(folder))?;
    let first = named.segments.first()?.as_str();
    let is_crate =
        ["std", "alloc", "proc_macro"].contains(&first) || crates.iter().any(|name| name == first);
    (is_crate && !allowed.contains(&first))
        .then(|| format!("{folder} sees core, {} and nothing else", allowed.join(", ")))
}

/// What the command alone knows: arguments, progress, printing and exit codes.
fn loud(source: &Source, named: &NamedPath) -> Option<String> {
    let folder = SILENT.iter().find(|folder| source.is_in(folder))?;
    let is_loud =
        |path: &&[&str]| named.segments.windows(path.len()).any(|part| part.iter().eq(path.iter()));
    let path = LOUD.iter().find(|path| is_loud(path))?;
    Some(format!("{folder} must not see {}, which is the command's", path.join("::")))
}

/// `self::` and `super::` resolved by the file's place and by the inline modules around the path.
fn from_root(source: &Source, named: &NamedPath) -> Vec<String> {
    let segments = &named.segments;
    let ups = segments.iter().take_while(|segment| *segment == "super").count();
    let is_own = segments.first().is_some_and(|first| first == "self");
    if ups == 0 && !is_own {
        return segments.clone();
    }
    let inside = source.path.split_once("/src/").map_or("", |(_, inside)| inside);
    let mut module: Vec<&str> = inside.trim_end_matches(".rs").split('/').collect();
    if matches!(module.last(), Some(&"mod" | &"lib" | &"main")) {
        module.pop();
    }
    module.truncate(module.len().saturating_sub(ups.saturating_sub(named.inline)));
    let own = std::iter::once("crate").chain(module).map(str::to_owned);
    own.chain(segments[ups.max(usize::from(is_own))..].iter().cloned()).collect()
}

/// Every path that `file` names, those compiled for tests only if `tests_too`.
#[must_use]
pub fn paths(file: &File, tests_too: bool) -> Vec<NamedPath> {
    let mut reader = Reader { tests_too, inline: 0, found: Vec::new() };
    reader.visit_file(file);
    reader.found
}

struct Reader {
    tests_too: bool,
    inline: usize,
    found: Vec<NamedPath>,
}

impl Reader {
    fn push(&mut self, segments: Vec<String>, span: Span) {
        let Self { inline, found, .. } = self;
        found.push(NamedPath { segments, line: span.start().line, inline: *inline });
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

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.inline += 1;
        visit::visit_item_mod(self, item);
        self.inline -= 1;
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        if let Some(name) = call.path.get_ident() {
            self.push(vec![format!("{name}!")], call.span());
        }
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
