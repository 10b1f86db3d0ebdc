//! Where the ids of SPEC.md's rules are defined and cited.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{ImplItemFn, ItemFn, ItemMod};
use syncsplit_model::protocol::Rule;

use crate::source::{Finding, Source, is_for_tests};

/// The words that ids begin with.
pub const KINDS: &[&str] = &[
    "WRITE", "XFER", "PAIR", "RESYNC", "SYNC", "FREEZE", "SPLIT", "BACKUP", "TAKEOVER", "QUIESCE",
    "NUMBER",
];

/// Every id in `text` - a kind, a dash, a number - in order, with its line counted from 1.
#[must_use]
pub fn ids(text: &str) -> Vec<(usize, String)> {
    let lines = text.lines().enumerate();
    lines.flat_map(|(at, line)| ids_of_line(line).into_iter().map(move |id| (at + 1, id))).collect()
}

fn ids_of_line(line: &str) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found: Vec<(usize, String)> = Vec::new();
    for kind in KINDS {
        for (at, _) in line.match_indices(kind) {
            let rest = &line[at + kind.len()..];
            let Some(number) = rest.strip_prefix('-') else { continue };
            let digits =
                number.len() - number.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let after = number[digits..].chars().next();
            if digits > 0 && !line[..at].ends_with(is_word) && !after.is_some_and(is_word) {
                found.push((at, format!("{kind}-{}", &number[..digits])));
            }
        }
    }
    found.sort();
    found.into_iter().map(|(_, id)| id).collect()
}

/// The ids that `spec` defines: each opens a heading of its own.
#[must_use]
pub fn defined(spec: &str) -> BTreeSet<String> {
    sections(spec).into_iter().map(|(id, _)| id).collect()
}

/// Each rule that `spec` defines, with the text under its heading.
#[must_use]
pub fn sections(spec: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in spec.lines() {
        if line.starts_with('#') {
            let title = line.trim_start_matches('#').trim_start();
            let id = ids_of_line(title).into_iter().next().filter(|id| title.starts_with(id));
            inside = id.is_some();
            found.extend(id.map(|id| (id, String::new())));
        } else if let Some((_, text)) = found.last_mut().filter(|_| inside) {
            text.push_str(line);
            text.push('\n');
        }
    }
    found
}

/// Each counterexample that `text` tells in the words "`property`, 5 steps".
#[must_use]
pub fn stories(text: &str) -> Vec<(String, usize)> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = text.match_indices("`, ").filter_map(|(at, mark)| {
        let name = text[..at].rsplit('`').next()?;
        let (count, rest) = text[at + mark.len()..].split_once(' ')?;
        let count = count.parse().ok().filter(|_| rest.starts_with("step"))?;
        Some((name.to_owned(), count))
    });
    told.collect()
}

/// Every id in `source` that is not in `defined`.
#[must_use]
pub fn unknown(source: &Source, defined: &BTreeSet<String>) -> Vec<Finding> {
    ids(&source.text)
        .into_iter()
        .filter(|(_, id)| !defined.contains(id))
        .map(|(line, id)| format!("{}:{line}: SPEC.md defines no {id}", source.path))
        .collect()
}

/// The rules that `source` cites, by id or as `Rule::` and the variant, on lines that are compiled for tests only
/// (`in_tests`) or on the others.
///
/// # Errors
/// Where and why a `.rs` file is no Rust.
pub fn cited(source: &Source, in_tests: bool) -> Result<BTreeSet<Rule>, Finding> {
    let tests = test_lines(source)?;
    let lines = source.text.lines().enumerate().filter(|(at, _)| {
        let is_test = source.is_test() || tests.iter().any(|range| range.contains(&(at + 1)));
        is_test == in_tests
    });
    let text: String = lines.flat_map(|(_, line)| [line, "\n"]).collect();
    let ids: BTreeSet<String> = ids(&text).into_iter().map(|(_, id)| id).collect();
    let is_cited = |rule: &Rule| {
        let variant = format!("Rule::{rule:?}");
        ids.contains(rule.id())
            || text.match_indices(&variant).any(|(at, _)| {
                !text[at + variant.len()..].starts_with(|c: char| c.is_ascii_alphanumeric())
            })
    };
    Ok(Rule::ALL.iter().copied().filter(is_cited).collect())
}

fn test_lines(source: &Source) -> Result<Vec<RangeInclusive<usize>>, Finding> {
    struct Reader(Vec<RangeInclusive<usize>>);

    impl Reader {
        fn add(&mut self, item: &impl Spanned) {
            let span = item.span();
            self.0.push(span.start().line..=span.end().line);
        }
    }

    impl<'ast> Visit<'ast> for Reader {
        fn visit_item_mod(&mut self, item: &'ast ItemMod) {
            if is_for_tests(&item.attrs) {
                self.add(item);
            }
            visit::visit_item_mod(self, item);
        }

        fn visit_item_fn(&mut self, item: &'ast ItemFn) {
            if is_for_tests(&item.attrs) {
                self.add(item);
            }
            visit::visit_item_fn(self, item);
        }

        fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
            if is_for_tests(&item.attrs) {
                self.add(item);
            }
            visit::visit_impl_item_fn(self, item);
        }
    }

    if !source.path.ends_with(".rs") {
        return Ok(Vec::new());
    }
    let mut reader = Reader(Vec::new());
    reader.visit_file(&source.parse()?);
    Ok(reader.0)
}
