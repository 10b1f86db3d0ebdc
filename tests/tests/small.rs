//! The small instances of SPEC.md, section 9.1: each comes to what its row expects. They are what a second builder of the
//! state graph compares with, one fault at a time.

use syncsplit_study::case::Searcher;
use syncsplit_study::instance::Instance;
use syncsplit_tests::bless;
use syncsplit_tests::counts::{SMALL, small_rows, small_table};
use syncsplit_tests::pinned::{PinnedAnswer, alone, ask};

#[test]
fn every_small_instance_comes_to_what_is_pinned() {
    let _alone = alone();
    let table = bless::read(SMALL).unwrap();
    let mut rows = small_rows(&table).unwrap();
    assert!(rows.len() > 50, "{} rows", rows.len());
    let searcher = Searcher::silent(2);
    for row in &mut rows {
        let instance = Instance::load(&row.name).unwrap();
        row.answer = PinnedAnswer::of(&ask(&searcher.question(instance)).unwrap());
    }
    bless::settle(SMALL, &small_table(&table, &rows)).unwrap();
}
