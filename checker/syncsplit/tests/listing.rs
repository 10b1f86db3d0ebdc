//! `list`: the same rows as a table and as one JSON object, whole in a pipe.

use std::collections::BTreeSet;

use serde_json::Value;
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{ActionKind, Fault, PROMISES, Variant, WorldProperty};
use syncsplit_study::instance::Instance;

use crate::command::{json, stdout};

/// Every listing with all the names that it must have.
fn listings() -> Vec<(&'static str, Vec<String>)> {
    let own = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    vec![
        ("instances", Instance::all().unwrap().into_iter().map(|one| one.name).collect()),
        ("rules", own(Rule::ALL.iter().map(|one| one.id()).collect())),
        ("properties", own(WorldProperty::ALL.iter().map(|one| one.name()).collect())),
        ("promises", own(PROMISES.iter().map(|one| one.name).collect())),
        ("faults", own(Fault::ALL.iter().map(|one| one.name()).collect())),
        ("variants", own(Variant::ALL.iter().map(|one| one.name()).collect())),
        ("actions", own(ActionKind::ALL.iter().map(|one| one.name()).collect())),
    ]
}

/// A cell as the table shows it.
fn shown(cell: &Value) -> String {
    let Some(names) = cell.as_array() else { return cell.as_str().unwrap().to_owned() };
    let names: Vec<_> = names.iter().map(|name| name.as_str().unwrap()).collect();
    if names.is_empty() { "-".into() } else { names.join(", ") }
}

#[test]
fn every_list_is_one_json_object_with_everything_there_is() {
    for (what, names) in listings() {
        let listing = json(&["list", what], 0);
        assert_eq!(listing.as_object().unwrap().len(), 1, "{what}");
        let rows = listing[what].as_array().unwrap();
        let found: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
        assert_eq!(found, names, "{what}");
        for row in rows {
            let says = row["says"].as_str().unwrap();
            assert!(!says.is_empty() && !says.contains("Auto-generated"), "{row}");
        }
    }
}

#[test]
fn a_table_in_a_pipe_has_a_line_for_each_row_with_every_cell() {
    for (what, names) in listings() {
        let text = stdout(&["list", what], 0);
        let listing = json(&["list", what], 0);
        let mut lines = text.lines();
        let head: BTreeSet<_> = lines.next().unwrap().split("  ").map(str::trim).collect();
        for (row, name) in listing[what].as_array().unwrap().iter().zip(names) {
            let line = lines.next().unwrap();
            assert!(line.starts_with(&format!("{name}  ")), "{line}");
            for (column, cell) in row.as_object().unwrap() {
                assert!(head.contains(column.as_str()), "{what} has no column {column}");
                assert!(line.contains(&shown(cell)), "{line}\nlacks {cell}");
            }
        }
    }
}
