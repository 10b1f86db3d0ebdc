//! SPEC.md as blocks - a row of a table, an item of a list, a paragraph - under their headings, and those that speak of a
//! name. What a block means is not decided here.

use serde::Serialize;

const SPEC: &str = include_str!("../../../../SPEC.md");

/// What SPEC.md says in one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Passage {
    /// The heading that it stands under, as `7.1 Properties`.
    pub section: String,
    /// The text: lines of Markdown as they stand there, or the row of a table with a line for each column.
    pub text: String,
}

/// A piece of the page that is read as one.
#[derive(Clone, Debug)]
struct SpecBlock {
    section: &'static str,
    form: BlockForm,
}

#[derive(Clone, Debug)]
enum BlockForm {
    Row { columns: Vec<&'static str>, cells: Vec<&'static str> },
    Lines(Vec<&'static str>),
}

impl SpecBlock {
    /// The number of its section, as `8.4.3`; empty under a heading without one.
    fn number(&self) -> &'static str {
        let word = self.section.split(' ').next().unwrap_or_default();
        let number = word.trim_end_matches('.');
        if number.starts_with(|letter: char| letter.is_ascii_digit()) { number } else { "" }
    }

    fn text(&self) -> String {
        match &self.form {
            BlockForm::Row { columns, cells } => {
                let pairs = columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty());
                let lines: Vec<_> =
                    pairs.map(|(column, cell)| format!("{column}: {cell}")).collect();
                lines.join("\n")
            }
            BlockForm::Lines(lines) => lines.join("\n"),
        }
    }

    /// The names that a row is about: those of its first cell, without their arguments and marks.
    fn heads(&self) -> impl Iterator<Item = &'static str> {
        let first = match &self.form {
            BlockForm::Row { cells, .. } => cells.first().copied().unwrap_or_default(),
            BlockForm::Lines(_) => "",
        };
        let names = first.split([' ', ',', '(']);
        names.map(|name| name.trim_matches('`')).filter(|name| !name.is_empty())
    }

    fn is_row(&self) -> bool {
        matches!(self.form, BlockForm::Row { .. })
    }

    fn passage(&self) -> Passage {
        Passage { section: self.section.into(), text: self.text() }
    }
}

/// Whether `name` stands in `text` as a word of its own.
fn mentions(text: &str, name: &str) -> bool {
    let is_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '/');
    text.match_indices(name).any(|(at, _)| {
        !text[..at].ends_with(is_word) && !text[at + name.len()..].starts_with(is_word)
    })
}

fn blocks() -> Vec<SpecBlock> {
    let mut blocks = Vec::new();
    let mut section = "";
    let mut columns: Vec<&'static str> = Vec::new();
    let mut open: Vec<&'static str> = Vec::new();
    let mut in_code = false;
    for line in SPEC.lines() {
        let is_fence = line.trim_start().starts_with("```");
        let is_row = !in_code && line.starts_with('|');
        let is_item = !in_code && starts_item(line);
        let is_heading = !in_code && line.starts_with('#');
        let ends = !in_code && (line.is_empty() || is_row || is_item || is_heading);
        if ends && !open.is_empty() {
            let form = BlockForm::Lines(std::mem::take(&mut open));
            blocks.push(SpecBlock { section, form });
        }
        in_code ^= is_fence;
        if is_heading {
            section = line.trim_start_matches('#').trim();
        } else if is_row {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            if columns.is_empty() {
                columns = cells;
            } else if !cells.iter().all(|cell| cell.trim_matches(['-', ':']).is_empty()) {
                let form = BlockForm::Row { columns: columns.clone(), cells };
                blocks.push(SpecBlock { section, form });
            }
        } else if in_code || !line.is_empty() {
            open.push(line);
        }
        if !is_row {
            columns.clear();
        }
    }
    if !open.is_empty() {
        blocks.push(SpecBlock { section, form: BlockForm::Lines(open) });
    }
    blocks
}

/// Whether `line` begins an item of a list that stands at the margin.
fn starts_item(line: &str) -> bool {
    let number = line.trim_start_matches(|letter: char| letter.is_ascii_digit());
    line.starts_with("- ") || (number.len() < line.len() && number.starts_with(". "))
}

/// All under the heading that opens with the id of a rule.
pub(super) fn of_rule(id: &str) -> Vec<Passage> {
    let blocks = blocks();
    let inside = |block: &&SpecBlock| block.section.split(' ').next() == Some(id);
    let texts: Vec<_> = blocks.iter().filter(inside).map(SpecBlock::text).collect();
    let section = blocks.iter().find(inside).map(|block| block.section);
    let passage = |section: &str| Passage { section: section.into(), text: texts.join("\n") };
    section.map(passage).into_iter().collect()
}

/// The rows that are about `name` in every section, and what the sections `of` say of it besides.
pub(super) fn of_name(name: &str, of: &[&str]) -> Vec<Passage> {
    let is_in = |block: &SpecBlock| of.contains(&block.number());
    let blocks = blocks();
    // A list belongs to the paragraph before it that opens with the name.
    let opening = format!("*{name}.*");
    let mut is_opened = false;
    let about = blocks.iter().filter(|block| {
        let text = block.text();
        is_opened = text.starts_with(&opening) || (is_opened && starts_item(&text));
        is_opened
            || block.heads().any(|head| head == name)
            || (is_in(block) && !block.is_row() && mentions(&text, name))
    });
    about.map(SpecBlock::passage).collect()
}

/// The rows of the section `of` that name `name` in a condition.
pub(super) fn rows_naming(name: &str, of: &str) -> Vec<Passage> {
    let blocks = blocks();
    let rows = blocks.iter().filter(|block| {
        block.is_row() && block.number() == of && mentions(&block.text(), &format!("`{name}`"))
    });
    rows.map(SpecBlock::passage).collect()
}
