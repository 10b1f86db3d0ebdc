//! The small instances of SPEC.md, section 9.1: the rows of checker/instances/small.toml, each a change of the table's base.
//! What a key means is [`super::parse`]'s to say.

use std::sync::LazyLock;

use serde::Deserialize;
use toml::{Table, Value};

use super::{Instance, Refused};

const TABLE: &str = include_str!("../../../instances/small.toml");

/// Where the table is, from the repository's root.
const PATH: &str = "checker/instances/small.toml";

/// The keys of a row that stand in the table `expected` of an instance's own file.
const EXPECTED: &[&str] = &["verdict", "states", "transitions", "depth"];

/// The rows of the table as instances, in its order.
///
/// # Errors
/// A row is wrong: the first of them, and why.
pub(super) fn all() -> Result<&'static [Instance], Refused> {
    static ALL: LazyLock<Result<Vec<Instance>, Refused>> = LazyLock::new(|| read(TABLE));
    ALL.as_deref().map_err(Clone::clone)
}

fn read(text: &str) -> Result<Vec<Instance>, Refused> {
    #[derive(Deserialize)]
    struct Rows {
        base: Table,
        rows: Vec<Table>,
    }
    let table: Result<Rows, _> = toml::from_str(text);
    let table = table.map_err(|error| Refused::at(PATH, None, error.to_string()))?;
    table.rows.iter().map(|row| instance(&table.base, row)).collect()
}

fn instance(base: &Table, row: &Table) -> Result<Instance, Refused> {
    let mut keys = base.clone();
    keys.extend(row.clone());
    let Some(Value::String(name)) = keys.remove("name") else {
        return Err(Refused::at(PATH, None, format!("a row without a name: {row}")));
    };
    let expected = EXPECTED.iter().filter_map(|key| keys.remove_entry(*key)).collect();
    keys.insert("expected".into(), Value::Table(expected));
    let mut instance = Instance::parse(&name, &keys.to_string())?;
    instance.says.insert_str(0, "small with ");
    Ok(instance)
}
