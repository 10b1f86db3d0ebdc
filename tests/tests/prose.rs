//! The pages are written in sentences that are read once: none is too long, and few are long.

use syncsplit_tests::prose::{BANNED, WORDS_MANY, WORDS_MAX, banned, heavy, sentences};
use syncsplit_tests::source::{Source, files};

fn is_page(source: &Source) -> bool {
    ["README.md", "SPEC.md"].contains(&source.path.as_str()) || source.is_in("docs")
}

#[test]
fn no_page_stops_a_reader() {
    let pages = files(&[".md"]).unwrap();
    let held = pages.iter().filter(|page| is_page(page));
    let findings: Vec<_> = held.flat_map(heavy).collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn no_banned_sentence_comes_back() {
    let sources = files(&[".md", ".rs", ".toml"]).unwrap();
    let quoted = |source: &&Source| source.path != "tests/src/prose.rs";
    let findings: Vec<_> = sources.iter().filter(quoted).flat_map(banned).collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn readme_and_spec_show_the_same_figure() {
    let pages = files(&["README.md", "SPEC.md"]).unwrap();
    let figures: Vec<_> = pages
        .iter()
        .filter(|page| is_page(page))
        .map(|page| {
            let (_, figure) = page.text.split_once("```text\n").unwrap();
            figure.split_once("```").unwrap().0
        })
        .collect();
    assert_eq!(figures.len(), 2);
    assert!(figures[0].contains("S/P-VOL"), "the first piece of text is no figure");
    assert_eq!(figures[0], figures[1]);
}

fn texts(page: &str) -> Vec<String> {
    sentences(page).into_iter().map(|sentence| sentence.text).collect()
}

#[test]
fn a_sentence_ends_where_a_reader_would_say() {
    assert_eq!(texts("One. Two two?\nThree!"), ["One.", "Two two?", "Three!"]);
    assert_eq!(texts("It (is. Not) one."), ["It (is.", "Not) one."]);
    assert_eq!(texts("One (at 8.4.1). `Two` is."), ["One (at 8.4.1).", "`Two` is."]);
    assert_eq!(texts("As 7, 6, ... in order; still: one."), ["As 7, 6, ... in order; still: one."]);
    assert_eq!(texts("2 steps. (1) Down. (2)\nUp."), ["2 steps.", "(1) Down.", "(2) Up."]);
    assert_eq!(texts("*So* **it**. [Is](a)."), ["So it.", "Is."]);
    assert_eq!(texts("`a b. C d` one"), ["`a_b._C_d` one"]);
}

#[test]
fn blocks_end_sentences_and_code_tables_and_headings_have_none() {
    let page = "# Head line\n\nBefore:\n- item\n  goes on\n- next. And\n  1. inner\n\n```text\nCode. Is\n```\n\n| a |\n|---|\n| b. C |\n\nafter";
    assert_eq!(texts(page), ["Before:", "item goes on", "next.", "And", "inner", "after"]);
    let lines: Vec<_> = sentences(page).into_iter().map(|sentence| sentence.line).collect();
    assert_eq!(lines, [3, 4, 6, 6, 7, 17]);
}

#[test]
fn what_is_heavy_is_found() {
    let found = |text: &str| heavy(&Source::new("README.md", text)).len();
    let of = |words: usize| format!("{}.", vec!["word"; words].join(" "));
    assert_eq!(found(&format!("{} - 1", of(WORDS_MAX))), 1 + 1, "the tenth, too");
    let short = "Short. ".repeat(9);
    assert_eq!(found(&format!("{short} {}", of(WORDS_MAX).replace('w', "W"))), 0);
    assert_eq!(found(&format!("{short} {}", of(WORDS_MAX + 1).replace('w', "W"))), 1);
    let many = of(WORDS_MANY + 1).replace('w', "W");
    assert_eq!(found(&format!("{short} {many} {many}")), 1 + 2);
    for phrase in BANNED {
        let page = format!("*So* `{}", phrase.replacen(' ', "`\n", 1));
        assert_eq!(banned(&Source::new("README.md", &page)).len(), 1, "{phrase}");
        let comment = format!("/// {}", phrase.replacen(' ', "\n    /// ", 1));
        assert_eq!(banned(&Source::new("a.rs", &comment)).len(), 1, "{phrase}");
    }
}
