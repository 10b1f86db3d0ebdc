//! What a database holds, row by row, and where two differ.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value;

use crate::Outcome;

/// Every row of every table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Dump(BTreeMap<String, Table>);

/// A table's rows, ordered by all columns from the first to the last.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Value>>,
}

impl Dump {
    /// Reads everything in one transaction.
    pub(crate) fn read(conn: &Connection) -> Outcome<Dump> {
        let tx = conn.unchecked_transaction()?;
        let names =
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
        let names: Vec<String> =
            tx.prepare(names)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut dump = Dump::default();
        for name in names {
            let table = Table::read(&tx, &name)?;
            dump.insert(&name, table);
        }
        Ok(dump)
    }

    pub(crate) fn insert(&mut self, name: &str, table: Table) {
        self.0.insert(name.to_owned(), table);
    }

    pub(crate) fn table(&self, name: &str) -> Option<&Table> {
        self.0.get(name)
    }

    /// How many rows there are in all tables.
    pub(crate) fn rows(&self) -> usize {
        self.0.values().map(|table| table.rows.len()).sum()
    }

    /// The first row in which `self` and `other` differ, in words.
    pub(crate) fn difference(&self, other: &Dump) -> Option<String> {
        let names: Vec<_> = [self, other].map(|dump| dump.0.keys().collect()).into();
        let [ours, theirs]: [Vec<&String>; 2] = names.try_into().ok()?;
        if ours != theirs {
            return Some(format!("the tables are {ours:?}, not {theirs:?}"));
        }
        self.0.iter().zip(other.0.values()).find_map(|((name, ours), theirs)| {
            ours.difference(theirs).map(|words| format!("table {name}: {words}"))
        })
    }
}

impl Table {
    fn read(conn: &Connection, name: &str) -> rusqlite::Result<Table> {
        let columns: Vec<String> = conn
            .prepare(&format!("SELECT * FROM \"{name}\""))?
            .column_names()
            .map(str::to_owned)
            .collect();
        let order: Vec<String> = (1..=columns.len()).map(|column| column.to_string()).collect();
        let query = format!("SELECT * FROM \"{name}\" ORDER BY {}", order.join(", "));
        let width = columns.len();
        let rows = conn
            .prepare(&query)?
            .query_map([], |row| (0..width).map(|column| row.get(column)).collect())?
            .collect::<Result<_, _>>()?;
        Ok(Table { columns, rows })
    }

    fn difference(&self, other: &Table) -> Option<String> {
        if self.columns != other.columns {
            return Some(format!("the columns are {:?}, not {:?}", self.columns, other.columns));
        }
        let differing = self.rows.iter().zip(&other.rows).position(|(ours, theirs)| ours != theirs);
        if let Some(at) = differing {
            let (ours, theirs) = (in_words(&self.rows[at]), in_words(&other.rows[at]));
            return Some(format!("row {at} is ({ours}), not ({theirs})"));
        }
        let (ours, theirs) = (self.rows.len(), other.rows.len());
        (ours != theirs).then(|| format!("it has {ours} rows, not {theirs}"))
    }
}

/// A row; a blob is long, so it is told by its length and checksum.
fn in_words(row: &[Value]) -> String {
    let words: Vec<String> = row
        .iter()
        .map(|value| match value {
            Value::Null => "NULL".to_owned(),
            Value::Integer(number) => number.to_string(),
            Value::Real(number) => number.to_string(),
            Value::Text(text) => format!("{text:?}"),
            Value::Blob(bytes) => format!("{} bytes {:08x}", bytes.len(), crc32c::crc32c(bytes)),
        })
        .collect();
    words.join(", ")
}

/// Opens a database file as anyone would, lets SQLite recover it, checks it, and reads everything.
pub(crate) fn open_ordinarily(path: &Path) -> Outcome<Dump> {
    let conn = Connection::open(path)?;
    let verdict: Vec<String> = conn
        .prepare("PRAGMA integrity_check")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if verdict != ["ok"] {
        return Err(format!("integrity_check found: {}", verdict.join("; ")).into());
    }
    Dump::read(&conn)
}
