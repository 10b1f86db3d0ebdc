//! Counts in pages: whatever stands between `<!-- bless:NAME -->` and `<!-- /bless -->` is written from the tables of pinned
//! counts. What NAME may be stands in [`Counts::text`]; nothing is searched here.

use serde::Deserialize;
use syncsplit_model::world::Fault;
use syncsplit_study::words::thousands;

use crate::bless;
use crate::pinned::{PinnedAnswer, PinnedCheck, PinnedChecks};
use crate::source::Finding;

const BEGIN: &str = "<!-- bless:";
const BEGUN: &str = " -->";
const END: &str = "<!-- /bless -->";

/// The table of small instances, and everything in a row that stands before its counts.
pub const SMALL: &str = "checker/instances/small.toml";
/// The first key of a row that is rewritten.
const ANSWER: &str = "verdict = ";

/// A row of the table of small instances.
#[derive(Clone, Debug, Deserialize)]
pub struct SmallRow {
    /// Name of the instance.
    pub name: String,
    /// How it differs from `small`.
    pub says: String,
    /// Name of the variant.
    pub variant: Option<String>,
    /// The properties checked, if not every `always`.
    #[serde(default)]
    pub properties: Vec<String>,
    /// What it comes to.
    #[serde(flatten)]
    pub answer: PinnedAnswer,
}

/// The rows in the text of the table of small instances.
///
/// # Errors
/// The table is malformed.
pub fn small_rows(text: &str) -> Result<Vec<SmallRow>, Finding> {
    #[derive(Deserialize)]
    struct Rows {
        rows: Vec<SmallRow>,
    }
    let rows: Result<Rows, _> = toml::from_str(text);
    rows.map(|table| table.rows).map_err(|error| format!("{SMALL}: {error}"))
}

/// The table of small instances with the counts of `rows`, whose order is the table's.
#[must_use]
pub fn small_table(text: &str, rows: &[SmallRow]) -> String {
    let mut rows = rows.iter();
    let lines = text.lines().map(|line| match line.split_once(ANSWER) {
        Some((question, _)) if line.starts_with("    {") => {
            let answer = rows.next().map(|row| row.answer.fields().join(", "));
            format!("{question}{} }},\n", answer.unwrap_or_default())
        }
        _ => format!("{line}\n"),
    });
    lines.collect()
}

/// All that is counted.
#[derive(Clone, Debug)]
pub struct Counts {
    small: Vec<SmallRow>,
    pinned: Vec<PinnedCheck>,
}

impl Counts {
    /// Reads the tables.
    ///
    /// # Errors
    /// A table is malformed.
    pub fn read() -> Result<Self, Finding> {
        Ok(Self { small: small_rows(&bless::read(SMALL)?)?, pinned: PinnedChecks::read()?.rows })
    }

    /// What belongs between the markers of `name`, where `old` stands now.
    ///
    /// # Errors
    /// That there is nothing of this name.
    pub fn text(&self, name: &str, old: &str) -> Result<String, Finding> {
        match name {
            "small" => Ok(self.small_table()),
            "small-variants" => Ok(self.small_variants()),
            "named" => Ok(self.named_table()),
            "reduced" => Ok(self.reduced_table()),
            _ => match name.split_once('.') {
                Some((instance, "report")) => Ok(report(old, &self.pinned(instance)?.answer)),
                Some((instance, key)) => key_of(&self.pinned(instance)?.answer, key),
                None => Err(format!("nothing is called {name:?} that could be blessed")),
            },
        }
    }

    fn pinned(&self, instance: &str) -> Result<&PinnedCheck, Finding> {
        let row = self.pinned.iter().find(|row| row.is_whole() && row.instance == instance);
        row.ok_or_else(|| format!("tests/pinned.toml has no row for {instance:?}"))
    }

    fn small_table(&self) -> String {
        let plain = self.small.iter().filter(|row| !is_special(row));
        let rows = plain.map(|row| format!("{}{} |\n", head(row), differs(&row.says)));
        let head = "\n| instance | distinct states | transitions | depth | differs from `small` in |\n\
                    |---|---|---|---|---|\n";
        std::iter::once(head.to_owned()).chain(rows).collect()
    }

    fn small_variants(&self) -> String {
        let special = self.small.iter().filter(|row| is_special(row));
        let rows = special.map(|row| {
            let names: Vec<_> = row.properties.iter().map(|name| format!("`{name}`")).collect();
            let checked = if names.is_empty() { "all".into() } else { names.join(", ") };
            format!("{}{} | {checked} |\n", head(row), differs(&row.says))
        });
        let head = "\n| instance | distinct states | transitions | depth | differs from `small` in | properties checked |\n\
                    |---|---|---|---|---|---|\n";
        std::iter::once(head.to_owned()).chain(rows).collect()
    }

    fn named_table(&self) -> String {
        let rows = self.pinned.iter().filter(|row| row.is_whole());
        let rows = rows.map(|row| format!("| `{}` | {} |\n", row.instance, cells(&row.answer)));
        let head = "\n| instance | distinct states | transitions | depth |\n|---|---|---|---|\n";
        std::iter::once(head.to_owned()).chain(rows).collect()
    }

    /// States of each instance that is searched with reductions.
    fn reduced_table(&self) -> String {
        let any = |reduce: &[&str]| ("any", reduce.iter().map(|name| (*name).to_owned()).collect());
        let columns: [(&str, Vec<String>); 5] = [
            ("", Vec::new()),
            ("", vec!["order".into()]),
            any(&[]),
            any(&["symmetry"]),
            any(&["symmetry", "order"]),
        ];
        let mut text =
            "\n| check | `first-last` | `first-last`, order | `any` | `any`, symmetry | \
                        `any`, symmetry and order |\n|---|---|---|---|---|---|\n"
                .to_owned();
        for whole in self.pinned.iter().filter(|row| row.is_whole()) {
            let states = |(transactions, reduce): &(&str, Vec<String>)| {
                let row = self.pinned.iter().find(|row| {
                    let asked = (row.transactions.as_str(), &row.reduce);
                    row.is_plain()
                        && row.instance == whole.instance
                        && asked == (transactions, reduce)
                });
                row.map(|row| thousands(row.answer.states)).unwrap_or_default()
            };
            let states: Vec<_> = columns.iter().map(states).collect();
            if states[1..].iter().any(|states| !states.is_empty()) {
                text += &format!("| `{}` | {} |\n", whole.instance, states.join(" | "));
            }
        }
        text
    }

    /// Every count of states or transitions in the tables that is long enough to be known again.
    fn known(&self) -> Vec<String> {
        let answers = self.small.iter().map(|row| &row.answer);
        let answers = answers.chain(self.pinned.iter().map(|row| &row.answer));
        let counts = answers.flat_map(|answer| [answer.states, answer.transitions]);
        counts.filter(|count| *count >= 1_000).map(thousands).collect()
    }

    /// The page with everything between its markers as it must be.
    ///
    /// # Errors
    /// The marker that has no end, or a name of nothing.
    pub fn written(&self, page: &str) -> Result<String, Finding> {
        parts(page)?
            .into_iter()
            .map(|part| match part {
                Part::Plain(text) => Ok(text.to_owned()),
                Part::Marked { name, old } => {
                    let text = self.text(name, old)?;
                    Ok(format!("{BEGIN}{name}{BEGUN}{text}{END}"))
                }
            })
            .collect()
    }

    /// Every number outside of markers that is a count of the tables, or is called one.
    ///
    /// # Errors
    /// The marker that has no end.
    pub fn unmarked(&self, page: &str) -> Result<Vec<String>, Finding> {
        let known = self.known();
        let plain = parts(page)?.into_iter().filter_map(|part| match part {
            Part::Plain(text) => Some(text),
            Part::Marked { .. } => None,
        });
        Ok(plain
            .flat_map(numbers)
            .filter(|(number, after)| {
                known.contains(number) || is_called_a_count(after) && !is_a_size(number)
            })
            .map(|(number, after)| format!("{number}{after}"))
            .collect())
    }
}

fn is_special(row: &SmallRow) -> bool {
    row.variant.is_some() || !row.properties.is_empty()
}

fn head(row: &SmallRow) -> String {
    format!("| `{}` | {} | ", row.name, cells(&row.answer))
}

fn cells(answer: &PinnedAnswer) -> String {
    let PinnedAnswer { states, transitions, depth, .. } = answer;
    format!("{} | {} | {depth}", thousands(*states), thousands(*transitions))
}

/// Faults by their names as SPEC.md has them.
fn differs(says: &str) -> String {
    if says == "no fault" {
        return "-".into();
    }
    let is_fault = |word: &str| Fault::ALL.iter().any(|fault| fault.name() == word);
    let words =
        says.split(", ").map(|word| if is_fault(word) { format!("`{word}`") } else { word.into() });
    words.collect::<Vec<_>>().join(", ")
}

fn key_of(answer: &PinnedAnswer, key: &str) -> Result<String, Finding> {
    match key {
        "states" => Ok(thousands(answer.states)),
        "transitions" => Ok(thousands(answer.transitions)),
        "depth" => Ok(answer.depth.to_string()),
        _ => Err(format!("no count is called {key:?}; there are states, transitions and depth")),
    }
}

/// A printed report with these counts, and all else as it was.
fn report(old: &str, answer: &PinnedAnswer) -> String {
    let line = |line: &str| {
        let key = line.split_whitespace().next().unwrap_or_default();
        key_of(answer, key)
            .map_or_else(|_| line.to_owned(), |count| format!("  {key:<11}  {count}"))
    };
    old.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// A part of a page.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part<'a> {
    Plain(&'a str),
    Marked { name: &'a str, old: &'a str },
}

fn parts(page: &str) -> Result<Vec<Part<'_>>, Finding> {
    let mut parts = Vec::new();
    let mut rest = page;
    while let Some((plain, marked)) = rest.split_once(BEGIN) {
        let (name, marked) = marked.split_once(BEGUN).unwrap_or((marked, ""));
        let (old, after) =
            marked.split_once(END).ok_or_else(|| format!("{BEGIN}{name}{BEGUN} has no end"))?;
        parts.extend([Part::Plain(plain), Part::Marked { name, old }]);
        rest = after;
    }
    parts.push(Part::Plain(rest));
    Ok(parts)
}

/// Each number that is written with separators, and the word behind it.
fn numbers(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let words: Vec<&str> = text.split_whitespace().collect();
    for (at, word) in words.iter().enumerate() {
        let number = word.trim_matches(|c: char| !c.is_ascii_digit());
        let is_number =
            number.contains(',') && number.chars().all(|c| c.is_ascii_digit() || c == ',');
        if is_number {
            let after = words.get(at + 1).map(|next| format!(" {next}"));
            found.push((number.to_owned(), after.unwrap_or_default()));
        }
    }
    found
}

fn is_called_a_count(after: &str) -> bool {
    let word = after.trim().trim_matches(|c: char| !c.is_ascii_alphabetic());
    ["states", "transitions", "steps", "distinct"].contains(&word)
}

/// Sizes of samples and limits are chosen, not counted.
fn is_a_size(number: &str) -> bool {
    let number: u64 = number.replace(',', "").parse().unwrap_or_default();
    number.is_multiple_of(1_000) || number.is_power_of_two()
}
