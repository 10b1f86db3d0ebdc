//! Habits that a reader relies on: a file says what it is, stays readable in one sitting, is finished, and gives a reason
//! for every exception.

use proc_macro2::{Spacing, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Macro, Meta};

use crate::source::{Finding, Source};

/// The most lines of a file.
pub const LINES_MAX: usize = 600;

/// Folders in which no `unsafe` may stand.
const SAFE: &[&str] = &["model", "checker"];

/// Everything untidy in `source`.
#[must_use]
pub fn broken(source: &Source) -> Vec<Finding> {
    let path = &source.path;
    let mut findings = Vec::new();
    if !source.text.starts_with("//!") {
        findings
            .push(format!("{path}:1: a file opens with `//!`: what lives here, what never does"));
    }
    let lines = source.text.lines().count();
    if lines > LINES_MAX {
        findings.push(format!("{path}: {lines} lines, at most {LINES_MAX}: cut it differently"));
    }
    let file = match source.parse() {
        Ok(file) => file,
        Err(finding) => return vec![finding],
    };
    let mut reader = Reader { path, findings };
    reader.visit_file(&file);
    let mut findings = reader.findings;
    if SAFE.iter().any(|folder| source.is_in(folder)) {
        let tokens: TokenStream = source.text.parse().unwrap_or_default();
        for line in lines_of(tokens, "unsafe") {
            findings.push(format!("{path}:{line}: `unsafe` stands nowhere in model or checker"));
        }
    }
    findings
}

/// Every file that no target and no module takes in, so that nothing in it is compiled; `targets` are the paths of the
/// targets' own files.
#[must_use]
pub fn orphans(sources: &[Source], targets: &[String]) -> Vec<Finding> {
    let is_target = |source: &&Source| targets.contains(&source.path);
    let rust = sources.iter().filter(|source| source.path.ends_with(".rs"));
    rust.filter(|source| !is_target(source) && !is_declared(source, sources, targets))
        .map(|source| format!("{}: no target and no module takes it in", source.path))
        .collect()
}

fn is_declared(source: &Source, sources: &[Source], targets: &[String]) -> bool {
    let path = source.path.strip_suffix("/mod.rs").or_else(|| source.path.strip_suffix(".rs"));
    let Some((folder, name)) = path.and_then(|path| path.rsplit_once('/')) else { return false };
    let declaration = format!("mod {name};");
    let is_parent = |path: &str| {
        let inside = path.rsplit_once('/').is_some_and(|(its, _)| its == folder);
        let is_root = path.ends_with("/mod.rs") || targets.iter().any(|target| target == path);
        path == format!("{folder}.rs") || inside && is_root
    };
    let mut parents = sources.iter().filter(|parent| is_parent(&parent.path));
    parents.any(|parent| parent.text.lines().any(|line| line.trim().ends_with(&declaration)))
}

struct Reader<'a> {
    path: &'a str,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn unfinished(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(ident) if ident == "todo" || ident == "unimplemented" => {
                    let called = matches!(tokens.peek(), Some(TokenTree::Punct(punct))
                        if punct.as_char() == '!' && punct.spacing() == Spacing::Alone);
                    if called {
                        let line = ident.span().start().line;
                        self.findings
                            .push(format!("{}:{line}: `{ident}!` is unfinished", self.path));
                    }
                }
                TokenTree::Group(group) => self.unfinished(group.stream()),
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_macro(&mut self, call: &'ast Macro) {
        let name = call.path.segments.last().map(|segment| &segment.ident);
        if let Some(name) = name.filter(|name| *name == "todo" || *name == "unimplemented") {
            let line = name.span().start().line;
            self.findings.push(format!("{}:{line}: `{name}!` is unfinished", self.path));
        }
        self.unfinished(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let path = attribute.path();
        let excuse = ["allow", "expect", "ignore"].iter().find(|name| path.is_ident(name));
        let reasoned = match &attribute.meta {
            Meta::Path(_) => false,
            Meta::List(list) => list.tokens.to_string().contains("reason ="),
            Meta::NameValue(_) => true,
        };
        if let Some(name) = excuse.filter(|_| !reasoned) {
            let line = path.segments[0].ident.span().start().line;
            self.findings.push(format!("{}:{line}: `#[{name}]` without a reason", self.path));
        }
        visit::visit_attribute(self, attribute);
    }
}

fn lines_of(tokens: TokenStream, word: &str) -> Vec<usize> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Ident(ident) if ident == word => vec![ident.span().start().line],
            TokenTree::Group(group) => lines_of(group.stream(), word),
            _ => Vec::new(),
        })
        .collect()
}
