//! Every event of every role in every state that makes a difference, refusals included, as tables to be reviewed: one
//! text file a role, beside this one. The protocol under all rules must give these tables; `cargo xtask bless` rewrites them.

use std::path::Path;

mod hosts;
mod primary;
mod secondary;
mod show;
mod table;

use table::Table;

/// Compares a table with the file of its role, or rewrites the file with `BLESS` set in the environment.
fn reviewed(role: &str, table: &Table) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/matrix").join(role);
    let text = table.text();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let at = kept.lines().zip(text.lines()).position(|(kept, now)| kept != now);
    let at = at.unwrap_or_else(|| kept.lines().count().min(text.lines().count()));
    assert!(
        kept == text,
        "{role}, line {}: the file has\n  {}\nthe protocol gives\n  {}\nReview, then `cargo xtask bless`.",
        at + 1,
        kept.lines().nth(at).unwrap_or("(no such line)"),
        text.lines().nth(at).unwrap_or("(no such line)"),
    );
}

#[test]
fn each_role_gives_its_table() {
    let tables: [(&str, Table); 7] = [
        ("primary.txt", primary::table()),
        ("secondary.txt", secondary::table()),
        ("replica.txt", secondary::replica_table()),
        ("sync.txt", hosts::sync_table()),
        ("database.txt", hosts::database_table()),
        ("coordinator.txt", hosts::coordinator_table()),
        ("requester.txt", hosts::requester_table()),
    ];
    tables.iter().for_each(|(role, table)| reviewed(role, table));
}
