//! Reports in JUnit XML: every element is one that Jenkins takes, and the XML is red whenever the exit code is.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::command::syncsplit;

/// An element: its name, the attributes that it has to have, those that it may have besides, and what may stand in it.
struct Element(
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

/// What Jenkins' schema junit-10 allows, in a table of our own, less what no report of ours has. It asks for no time of a
/// test case; we do.
const ELEMENTS: &[Element] = &[
    Element("", &[], &[], &["testsuites"]),
    Element("testsuites", &["name", "tests", "failures", "errors"], &["time"], &["testsuite"]),
    Element(
        "testsuite",
        &["name", "tests", "failures", "errors"],
        &["time", "skipped"],
        &["properties", "testcase"],
    ),
    Element("properties", &[], &[], &["property"]),
    Element("property", &["name", "value"], &[], &[]),
    Element(
        "testcase",
        &["name", "classname", "time"],
        &[],
        &["skipped", "error", "failure", "system-out", "system-err"],
    ),
    Element("skipped", &["message"], &["type"], &[]),
    Element("error", &["message", "type"], &[], &[]),
    Element("failure", &["message", "type"], &[], &[]),
    Element("system-out", &[], &[], &[]),
    Element("system-err", &[], &[], &[]),
];

fn known(name: &str) -> &'static Element {
    let found = ELEMENTS.iter().find(|element| element.0 == name);
    found.unwrap_or_else(|| panic!("no element is called {name}"))
}

/// Checks one element below `parent`; its name, and how many failures and errors a suite says that it has.
fn check(parent: &str, element: &BytesStart<'_>) -> (String, u64) {
    let name = String::from_utf8(element.name().as_ref().to_vec()).unwrap();
    assert!(known(parent).3.contains(&name.as_str()), "{name} below {parent:?}");
    let Element(_, required, optional, _) = known(&name);
    let mut found = Vec::new();
    let mut red = 0;
    for attribute in element.attributes() {
        let attribute = attribute.unwrap();
        let key = String::from_utf8(attribute.key.as_ref().to_vec()).unwrap();
        let value = String::from_utf8(attribute.value.to_vec()).unwrap();
        let is_allowed = [*required, *optional].concat().contains(&key.as_str());
        assert!(is_allowed, "{name} has an attribute {key}");
        if ["tests", "failures", "errors", "skipped"].contains(&key.as_str()) {
            let count: u64 = value.parse().unwrap();
            red += if name == "testsuites" && key != "tests" { count } else { 0 };
        }
        if key == "time" {
            let seconds: f64 = value.parse().unwrap();
            assert!(seconds >= 0.0 && !value.contains('e'), "{name} took {value}");
        }
        found.push(key);
    }
    for key in *required {
        assert!(found.iter().any(|found| found == key), "{name} without {key}");
    }
    (name, red)
}

/// Holds `xml` to the table: how many failures and errors it counts.
fn hold(xml: &str) -> u64 {
    let mut reader = Reader::from_str(xml);
    let mut open = vec![String::new()];
    let mut red = 0;
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) => {
                let (name, more) = check(open.last().unwrap(), &element);
                open.push(name);
                red += more;
            }
            Event::Empty(element) => red += check(open.last().unwrap(), &element).1,
            Event::End(_) => {
                open.pop();
            }
            Event::Text(text) => {
                let is_text = !text.iter().all(u8::is_ascii_whitespace);
                let parent = open.last().unwrap();
                let takes = known(parent).3.is_empty() && parent != "property";
                assert!(!is_text || takes, "text in {parent}");
            }
            Event::Eof => break,
            Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => {}
        }
    }
    assert_eq!(open.len(), 1, "{open:?} end nowhere");
    red
}

#[test]
fn every_report_is_one_that_jenkins_takes_and_red_when_the_exit_code_is() {
    let smoke = ["check", "smoke"];
    for (exit, arguments) in [
        (0, &smoke[..]),
        (1, &["check", "smoke", "--without", "XFER-2"]),
        (3, &["check", "smoke", "--states", "10"]),
        (3, &["check", "smoke", "--states", "10", "--property", "image-is-prefix"]),
        (1, &["check", "smoke", "--variant", "published"]),
        (2, &["check", "./no/such/file.toml"]),
        (2, &["check", "nothing"]),
        (2, &["check", "smoke", "--resume", "/no/such/file"]),
        (2, &["check", "order", "--property", "request-leads-to-backup"]),
        (0, &["ablate", "--only", "XFER-2"]),
        (3, &["ablate", "smoke", "--only", "SYNC-4", "--states", "9"]),
        (2, &["ablate", "./no/such/file.toml"]),
        (2, &["ablate", "--variant", "published", "--only", "SYNC-5"]),
    ] {
        let mut command = syncsplit(&[arguments, &["--format", "junit"]].concat());
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        let output = command.assert().code(exit).get_output().stdout.clone();
        let xml = String::from_utf8(output).unwrap();
        let red = hold(&xml);
        assert_eq!(red > 0, exit != 0, "{arguments:?} ends with {exit}:\n{xml}");
    }
}
