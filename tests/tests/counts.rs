//! Every count in a page is one of the tables, and stands between the markers that let it be rewritten.

use syncsplit_tests::bless;
use syncsplit_tests::counts::Counts;
use syncsplit_tests::source::{Source, files};

/// A history tells what was, so its figures stay.
const HISTORY: &str = "CHANGELOG.md";

fn pages() -> Vec<Source> {
    let mut pages = files(&[".md"]).unwrap();
    pages.retain(|page| page.path != HISTORY);
    assert!(pages.iter().any(|page| page.path == "SPEC.md"));
    pages
}

#[test]
fn counts_in_pages_are_those_of_the_tables() {
    let counts = Counts::read().unwrap();
    let mut marked = 0;
    for page in pages() {
        let written = counts.written(&page.text).unwrap_or_else(|e| panic!("{}: {e}", page.path));
        marked += usize::from(page.text.contains("<!-- bless:"));
        if written != page.text {
            bless::settle(&page.path, &written).unwrap();
        }
    }
    assert!(marked > 1, "{marked} pages have markers");
}

#[test]
fn no_count_in_a_page_is_without_markers() {
    let counts = Counts::read().unwrap();
    let unmarked = pages().into_iter().flat_map(|page| {
        let found = counts.unmarked(&page.text).unwrap().into_iter();
        found.map(move |number| format!("{}: {number}", page.path)).collect::<Vec<_>>()
    });
    let unmarked: Vec<_> = unmarked.collect();
    assert!(unmarked.is_empty(), "not between markers:\n{}", unmarked.join("\n"));
}

#[test]
fn markers_are_rewritten_and_nothing_else() {
    let counts = Counts::read().unwrap();
    let mark =
        |name: &str, text: &str| format!("a <!-- bless:{name} -->{text}<!-- /bless --> b 12");
    let states = counts.text("ci.states", "").unwrap();
    assert_eq!(counts.written(&mark("ci.states", "0")), Ok(mark("ci.states", &states)));
    let report = |states: &str| {
        mark("ci.report", &format!("\n  states       {states}\n  cost         1 s\n"))
    };
    assert_eq!(counts.written(&report("12")), Ok(report(&states)));
    for wrong in [mark("ci.height", "0"), mark("nowhere.states", "0"), mark("tables", "0")] {
        assert!(counts.written(&wrong).is_err(), "{wrong}");
    }
    assert!(counts.written("<!-- bless:ci.states -->0").is_err());
}

#[test]
fn a_count_without_markers_is_found() {
    let counts = Counts::read().unwrap();
    let states = counts.text("smoke.states", "").unwrap();
    for text in [states.as_str(), "in 12,345 states", "(1,234,567 distinct states)"] {
        assert_eq!(counts.unmarked(text).unwrap().len(), 1, "{text}");
    }
    let marked = format!("<!-- bless:smoke.states -->{states}<!-- /bless -->");
    for text in [marked.as_str(), "the first 30,000 states", "one of 16,384 states", "1,357 words"]
    {
        assert_eq!(counts.unmarked(text).unwrap(), Vec::<String>::new(), "{text}");
    }
}
