//! The conformance kit finds the seeded defects that it is said to find, and enough of them. With `BLESS` set in the
//! environment, the whole matrix is done again, and table and page are rewritten.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

use syncsplit_tests::kills;

#[test]
fn probe() {
    let subjects = subjects();
    let rows = kills::matrix(&subjects).unwrap();
    for row in rows {
        println!("{}", row.line());
    }
}

fn subjects() -> Vec<kills::Subject> {
    use syncsplit_checker::conform::wire::Level;
    use syncsplit_impl::defect::Defect;
    let levels = std::env::var("LEVELS").unwrap_or("steered".into());
    let levels: Vec<Level> = levels
        .split(',')
        .map(|l| match l {
            "steered" => Level::Steered,
            "marked" => Level::Marked,
            _ => Level::BlackBox,
        })
        .collect();
    vec![kills::Subject {
        name: "syncsplit-impl",
        command: format!("{} --defect", env!("CARGO_BIN_EXE_syncsplit-adapter")),
        levels,
        defects: Defect::ALL.iter().map(|d| (d.name().to_owned(), d.says().to_owned())).collect(),
    }]
}
