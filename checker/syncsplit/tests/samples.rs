//! What README and the pages of docs show of the command is what it prints. In a sample `...` stands for anything: for lines
//! where it stands alone, for a part of a line elsewhere.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How a sample may name the command.
const COMMANDS: &[&str] = &["cargo run --release -- ", "target/release/syncsplit ", "syncsplit "];

/// Other programs that samples show, each with the reason why it is not run here.
const OTHERS: &[(&str, &str)] = &[
    ("cargo run --release -p syncsplit-impl --example sqlite_backup", "its times differ"),
    ("cargo run -p syncsplit-impl --example trial_certificates", "it makes keys"),
    ("cargo build ", "it prints how far it is"),
    ("cargo xtask", "its output is this test's, among others"),
];

/// Between these markers counts are written from tables; the search itself would take a minute.
const COUNTED: &str = "<!-- bless:ci.report -->";

/// A command that a page shows, with what it is said to print.
#[derive(Debug)]
struct Sample {
    page: String,
    line: usize,
    command: String,
    printed: Vec<String>,
    is_counted: bool,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// README and the pages of docs.
fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> =
        docs.filter(|path| path.extension().is_some_and(|e| e == "md")).collect();
    pages.push(root().join("README.md"));
    pages.sort();
    pages
}

/// Every command that stands in a block of code of `text`.
fn samples(page: &str, text: &str) -> Vec<Sample> {
    let mut samples: Vec<Sample> = Vec::new();
    let (mut fence, mut is_counted) = (None, false);
    for (index, line) in text.lines().enumerate() {
        is_counted |= line.contains(COUNTED);
        is_counted &= !line.contains("<!-- /bless -->");
        let indent = line.len() - line.trim_start().len();
        if line.trim_start().starts_with("```") {
            fence = if fence.is_some() { None } else { Some((indent, samples.len())) };
        } else if let Some((indent, first)) = fence {
            let line = line.get(indent..).unwrap_or_default();
            if let Some(command) = line.strip_prefix("$ ") {
                let (page, command, printed) = (page.to_owned(), command.to_owned(), Vec::new());
                samples.push(Sample { page, line: index + 1, command, printed, is_counted });
            } else if samples.len() > first
                && let Some(last) = samples.last_mut()
            {
                last.printed.push(line.to_owned());
            }
        }
    }
    samples
}

/// Whether `line` is what `pattern` says, in which `...` stands for anything.
fn is_line(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split("...");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// The first line of the sample that is not printed where it stands.
fn missing<'a>(sample: &'a [String], printed: &[&str]) -> Option<&'a str> {
    let mut at = 0;
    let parts: Vec<&[String]> = sample.split(|line| line.trim_start().starts_with("...")).collect();
    for (index, part) in parts.iter().enumerate() {
        if part.is_empty() {
            continue;
        }
        let is_first = index == 0;
        let fits = |from: &usize| {
            let there = printed.get(*from..from + part.len()).unwrap_or_default();
            there.len() == part.len() && part.iter().zip(there).all(|(p, line)| is_line(p, line))
        };
        let mut places = if is_first { 0..1 } else { at..printed.len() };
        let Some(found) = places.find(fits) else {
            let is_there = |line: &&String| printed[at..].iter().any(|p| is_line(line, p));
            return Some(part.iter().find(|line| !is_there(line)).unwrap_or(&part[0]));
        };
        at = found + part.len();
    }
    let is_whole = parts.last().is_some_and(|part| part.is_empty()) || at == printed.len();
    (!is_whole).then(|| sample.last().map_or("nothing", String::as_str))
}

/// What the command prints, without the empty lines at its end.
fn output(arguments: &str) -> String {
    let program = assert_cmd::cargo::cargo_bin("syncsplit");
    let run = format!("'{}' {arguments}", program.display());
    let output = Command::new("sh").args(["-c", &run]).current_dir(root()).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// Of a report whose counts are written from tables, the lines that are not: the world, and how the lines begin.
fn uncounted(lines: &[String]) -> Vec<String> {
    let told = |line: &String| match line.trim_start().split_once(' ') {
        Some((label @ ("states" | "transitions" | "depth" | "search" | "cost"), rest)) => {
            let blank = rest.len() - rest.trim_start().len() + 1;
            format!("  {label}{:blank$}...", "")
        }
        _ => line.clone(),
    };
    lines.iter().skip(1).map(told).collect()
}

#[test]
fn every_sample_in_readme_and_docs_is_what_the_command_prints() {
    let mut compared = 0;
    for path in pages() {
        let page = path.strip_prefix(root()).unwrap().display().to_string();
        for sample in samples(&page, &fs::read_to_string(&path).unwrap()) {
            let Sample { page, line, command, mut printed, is_counted } = sample;
            let arguments = COMMANDS
                .iter()
                .find_map(|begin| format!("{command} ").strip_prefix(begin).map(str::to_owned));
            let Some(mut arguments) = arguments else {
                let is_known = OTHERS.iter().any(|(other, _)| command.starts_with(other));
                assert!(is_known, "{page}:{line}: no program of this repository: {command}");
                continue;
            };
            while printed.last().is_some_and(String::is_empty) {
                printed.pop();
            }
            if printed.is_empty() {
                continue;
            }
            if is_counted {
                arguments.push_str(" --states 1000");
                printed = uncounted(&printed);
                printed.insert(0, "UNDECIDED: ...".into());
            }
            let output = output(&arguments);
            let lines: Vec<_> = output.lines().collect();
            let missing = missing(&printed, &lines);
            assert_eq!(missing, None, "{page}:{line}: {command} does not print this:\n{output}");
            compared += 1;
        }
    }
    assert!(compared >= 4, "only {compared} samples are compared");
}

#[test]
fn a_sample_that_is_not_printed_is_found() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let printed = ["one", "two 2 s", "three", "four"];
    for right in [
        "one\ntwo 2 s\nthree\nfour",
        "one\n...",
        "...\nfour",
        "one\n...\nthree\n...",
        "one\ntwo ... s\n...",
    ] {
        assert_eq!(missing(&lines(right), &printed), None, "{right}");
    }
    for (wrong, line) in [
        ("one\ntwo\n...", "two"),
        ("one", "one"),
        ("two 2 s\n...", "two 2 s"),
        ("...\nthree\ntwo 2 s\n...", "three"),
        ("one\n...\nfive", "five"),
        ("one\ntwo ... m\n...", "two ... m"),
    ] {
        assert_eq!(missing(&lines(wrong), &printed), Some(line), "{wrong}");
    }
    let page = "```text\n$ syncsplit list\na\n\n$ other\n```\n- b\n  ```text\n  $ syncsplit check\n  c\n  ```\n";
    let found = samples("page", page);
    let told: Vec<_> =
        found.iter().map(|s| (s.line, s.command.as_str(), s.printed.len())).collect();
    assert_eq!(told, [(2, "syncsplit list", 2), (5, "other", 0), (9, "syncsplit check", 1)]);
}
