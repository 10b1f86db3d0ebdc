//! The table and the page of the kill matrix as text. What stands in them is found in [`super`].
use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;
use syncsplit_conform::wire::Level;

use super::{KillRow, SEED, Subject, random};
use crate::source::Finding;

/// Where the table stands.
pub const TABLE: &str = "tests/kills.toml";
/// Where the page stands.
pub const PAGE: &str = "docs/kill-matrix.md";

const HEAD: &str = "\
# For each seeded defect and level the first case of `syncsplit conform` that finds it, and how many cases that took; a row
# without a case says that the defect survives them all. `cargo xtask bless --only kills` rewrites this and docs/kill-matrix.md.
";

/// The table's text.
#[must_use]
pub fn table(rows: &[KillRow]) -> String {
    let lines: String = rows.iter().map(|row| format!("    {},\n", row.line())).collect();
    format!("{HEAD}\nrows = [\n{lines}]\n")
}

/// The table's rows.
///
/// # Errors
/// The text is malformed.
pub fn rows(text: &str) -> Result<Vec<KillRow>, Finding> {
    #[derive(Deserialize)]
    struct Kills {
        rows: Vec<KillRow>,
    }
    let table: Kills = toml::from_str(text).map_err(|error| format!("{TABLE}: {error}"))?;
    Ok(table.rows)
}

/// Defects of a subject that are found at a level, and all of them.
#[must_use]
pub fn killed(subject: &Subject, level: Level, rows: &[KillRow]) -> (usize, usize) {
    let here = rows.iter().filter(|row| row.of == subject.name && row.level == level.name());
    let found = here.filter(|row| row.case.is_some()).count();
    (found, subject.defects.len())
}

const INTRO: &str = "\
# What the conformance kit finds

Written by `cargo xtask bless --only kills`, never by hand. A kit that passes wrong implementations is worth nothing. This page shows
implementations that have been given a defect on purpose, one defect at a time, and the result of `syncsplit conform` on each.
A cell names the first case that fails and the number of cases done until then, in the order of `syncsplit conform`.
";

const OURS: &str = "\
The defects of `syncsplit-impl` stand in [tests/src/defects](../tests/src/defects/mod.rs): roles that take a wrong step, and
volumes with wrong contents. The implementation around them is unchanged. The defects marked * are the protocol's functions
without the rule. To see the kit find a defect:

    cargo build --release -p syncsplit-tests --bin syncsplit-adapter
    target/release/syncsplit conform --adapter 'target/release/syncsplit-adapter --defect sync-off-by-one'
";

const MINIMAL: &str = "\
The defects of `minimal.py` stand in [checker/adapters/defective.py](../checker/adapters/defective.py). Its adapter
is not steered.

    target/release/syncsplit conform --adapter 'python3 checker/adapters/defective.py sync-off-by-one'
";

const HELD: &str = "\
Where a cell names a case, `cargo xtask test` does this case again, with the defect and without it. Only `cargo xtask bless --only kills`
does the cases before it, and the cases of the cells that name no case. A case that finds fault with the implementation
without a defect is not counted. The rule that the kit names for a defect is not compared: a broken rule may show under the
words of another rule. `--cases` of `syncsplit conform` asks for as many random runs.
";

/// The page.
#[must_use]
pub fn page(subjects: &[Subject], rows: &[KillRow]) -> String {
    let mut text = format!("{INTRO}\n");
    let numbers = [Level::Steered, Level::Marked, Level::BlackBox]
        .map(|level| format!("{} at level {}", random(level), level.name()));
    let _ = writeln!(text, "Seed {SEED}; random runs: {}.\n", numbers.join(", "));
    let _ = writeln!(text, "| implementation | level | defects | found |\n|---|---|---|---|");
    for subject in subjects {
        for level in &subject.levels {
            let (found, all) = killed(subject, *level, rows);
            let percent = 100 * found / all.max(1);
            let (name, level) = (subject.name, level.name());
            let _ = writeln!(text, "| `{name}` | {level} | {all} | {found} ({percent} %) |");
        }
    }
    let _ = write!(text, "\n{HELD}");
    for subject in subjects {
        let intro = if subject.name == "syncsplit-impl" { OURS } else { MINIMAL };
        let _ = write!(text, "\n## {}\n\n{intro}\n", subject.name);
        let _ = write!(text, "{}", matrix(subject, rows));
    }
    text
}

fn matrix(subject: &Subject, rows: &[KillRow]) -> String {
    let of: BTreeMap<_, _> = rows
        .iter()
        .filter(|row| row.of == subject.name)
        .map(|row| ((row.defect.as_str(), row.level.as_str()), row))
        .collect();
    let names: Vec<_> = subject.levels.iter().map(|level| level.name()).collect();
    let mut text = format!("| defect | what is wrong | rule | {} |\n", names.join(" | "));
    let _ = writeln!(text, "|---|---|---|{}", "---|".repeat(names.len()));
    for defect in &subject.defects {
        let cell = |level: &&str| match of.get(&(defect.name.as_str(), *level)) {
            Some(KillRow { case: Some(case), cases, .. }) => format!("`{case}`, {cases}"),
            Some(KillRow { cases, .. }) => format!("not in {cases}"),
            None => "-".into(),
        };
        let cells: Vec<_> = names.iter().map(cell).collect();
        let mark = if defect.is_left_out { " *" } else { "" };
        let (name, says, rule) = (&defect.name, &defect.says, &defect.rule);
        let _ = writeln!(text, "| `{name}`{mark} | {says} | {rule} | {} |", cells.join(" | "));
    }
    text
}
