//! Holds what a check prints to the counts that are pinned for its instance, so that no test has to search it once more.

use std::fs;

use crate::run::root;

/// The counts that a check prints, one a line: its name, and the number.
const COUNTS: &[&str] = &["states", "transitions", "depth"];

/// Whether the check of `instance` has printed the counts that `tests/pinned.toml` has for it.
///
/// # Errors
/// A count differs, or the table has no row for the instance.
pub(crate) fn compare(instance: &str, printed: &str) -> Result<String, String> {
    let path = root().join("tests/pinned.toml");
    let table =
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    differences(instance, &table, printed)
}

fn differences(instance: &str, table: &str, printed: &str) -> Result<String, String> {
    let table: toml::Table =
        table.parse().map_err(|error| format!("tests/pinned.toml: {error}"))?;
    let mut rows = table.get("rows").and_then(toml::Value::as_array).into_iter().flatten();
    // The row about the whole protocol and all properties says nothing else of what it asks.
    let is_whole = |row: &&toml::Value| {
        let others = ["variant", "without", "property"];
        row.get("instance").and_then(toml::Value::as_str) == Some(instance)
            && others.iter().all(|other| row.get(other).is_none())
    };
    let row = rows.find(is_whole);
    let row = row.ok_or_else(|| format!("tests/pinned.toml has no row for {instance}\n"))?;
    for name in COUNTS {
        let pinned = row.get(name).and_then(toml::Value::as_integer);
        let pinned = pinned.ok_or_else(|| format!("tests/pinned.toml, {instance}: no {name}\n"))?;
        let counted = printed.lines().find_map(|line| line.trim().strip_prefix(name));
        let counted = counted.map(|count| count.trim().replace(',', "")).unwrap_or_default();
        if counted != pinned.to_string() {
            return Err(format!(
                "{instance}: {name} are pinned to {pinned}, and not {counted:?}\n{printed}"
            ));
        }
    }
    Ok(format!("{instance}: {} as pinned\n", COUNTS.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_count_is_compared() {
        let table = "rows = [\n\
                     { instance = \"ci\", variant = \"published\", verdict = \"violated\", states = 7 },\n\
                     { instance = \"ci\", verdict = \"holds\", states = 1_234, transitions = 5_678, depth = 9 },\n]";
        let printed = "HOLDS: ci\n  states       1,234\n  transitions  5,678\n  depth        9\n";
        assert_eq!(
            differences("ci", table, printed),
            Ok("ci: states, transitions, depth as pinned\n".into())
        );
        for (right, wrong) in [("1,234", "1,235"), ("5,678", "678"), ("        9", "        90")] {
            assert!(differences("ci", table, &printed.replace(right, wrong)).is_err(), "{wrong}");
        }
        assert!(differences("order", table, printed).is_err());
    }
}
