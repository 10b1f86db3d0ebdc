//! The small instances of SPEC.md, section 9.1: each file comes to what it expects, and SPEC.md says the same. They are
//! what whoever builds the state graph anew compares with, one fault at a time.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

use syncsplit_study::case::Searcher;
use syncsplit_study::instance::Instance;
use syncsplit_study::words::thousands;
use syncsplit_tests::pinned::ask;
use syncsplit_tests::source::{files, root};

const FOLDER: &str = "checker/instances/small";

/// Rows that SPEC.md calls by an instance and a variant, or a fault, have both in their file's name.
fn heads(name: &str) -> Vec<String> {
    let split = name.match_indices('-').map(|(at, _)| (&name[..at], &name[at + 1..]));
    let both = split.flat_map(|(instance, rest)| {
        [format!("| `{instance}`, `{rest}` |"), format!("| `{instance}` with `{rest}` |")]
    });
    both.chain([format!("| `{name}` |")]).collect()
}

#[test]
fn every_small_instance_comes_to_what_the_spec_says() {
    let spec = std::fs::read_to_string(root().join("SPEC.md")).unwrap();
    let small = files(&[".toml"]).unwrap();
    let small: Vec<_> = small.iter().filter(|file| file.is_in(FOLDER)).collect();
    assert!(small.len() > 50, "{} files", small.len());
    let searcher = Searcher::silent(2);
    let mut wrong = Vec::new();
    for file in small {
        let path = root().join(&file.path);
        let instance = Instance::load(path.to_str().unwrap()).unwrap();
        let report = ask(&searcher.question(instance)).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let met = report.expected.as_ref().is_some_and(|expected| expected.met);
        let [states, transitions] = [report.states, report.transitions].map(thousands);
        let counts = format!(" {states} | {transitions} | {} |", report.depth.unwrap());
        let told = heads(name).iter().any(|head| spec.contains(&format!("{head}{counts}")));
        if !met || !told {
            wrong.push(format!("{name}: found{counts} as expected: {met}, in SPEC.md: {told}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
