//! `explain`: every name of SPEC.md has its text, a run and its code; a name that nothing has is refused with those near it.

use std::fs;
use std::path::Path;

use syncsplit_model::world::ActionKind;
use syncsplit_study::ablate;
use syncsplit_study::explain::{Demonstration, Topic, explain, places};
use syncsplit_study::matrix;

use crate::command::{json, refused, stdout};

/// Rules whose harm takes more states to find than an explanation searches.
const LONG: &[&str] = &["XFER-1", "SYNC-4", "SPLIT-2", "NUMBER-2"];

#[test]
fn every_topic_has_its_text_a_run_and_its_code() {
    for topic in Topic::all() {
        let name = topic.name();
        let explanation = explain(topic).unwrap();
        let of = name.strip_suffix("/reached").unwrap_or(name);
        let spec = &explanation.spec;
        assert!(!spec.is_empty(), "SPEC.md says nothing of {name}");
        for passage in spec {
            let is_list = passage.text.starts_with("- ");
            let about = [&passage.section, &passage.text];
            assert!(is_list || about.iter().any(|text| text.contains(of)), "{name}: {passage:?}");
        }
        assert!(!explanation.says.is_empty(), "{name}");
        assert!(!explanation.places.is_empty(), "the code has no {name}");
        match explanation.demonstrations.as_slice() {
            [shown] if matches!(topic, Topic::Rule(_)) => is_as_the_table_has_it(name, shown),
            shown => assert!(shown.iter().any(|shown| !shown.steps.is_empty()), "no run: {name}"),
        }
    }
}

/// Holds the harm of a rule against its row; the run of a long search is left to the command.
fn is_as_the_table_has_it(rule: &str, shown: &Demonstration) {
    let row = ablate::table().unwrap().into_iter().find(|row| row.rule == rule).unwrap();
    assert!(shown.command.as_deref().unwrap().starts_with("syncsplit "), "{rule}");
    let Some(property) = row.shown.property() else {
        return assert!(shown.steps.is_empty(), "{rule}");
    };
    assert!(shown.says.contains(property), "{}", shown.says);
    let steps = row.shown.steps().unwrap() + row.shown.cycle().unwrap_or(0);
    let is_left_out = LONG.contains(&rule);
    assert_eq!(shown.steps.len(), if is_left_out { 0 } else { steps }, "{rule}");
    assert_eq!(shown.says.contains("the search is longer"), is_left_out, "{rule}");
}

#[test]
fn the_command_beside_a_fault_shows_what_the_matrix_has_found() {
    let rows = matrix::table().unwrap();
    let rows: Vec<_> = rows.iter().filter(|row| row.shown.property().is_some()).collect();
    assert!(!rows.is_empty());
    for row in rows {
        let command = row.command().unwrap();
        let arguments: Vec<_> = command.split(' ').skip(1).collect();
        let report = json(&arguments, 1);
        let [property] = report["properties"].as_array().unwrap().as_slice() else { panic!() };
        assert_eq!(property["name"], row.shown.property().unwrap(), "{command}");
        assert_eq!(property["steps"].as_u64().map(|n| n as usize), row.shown.steps(), "{command}");
    }
    let of_link = explain(Topic::named("link-down").unwrap()).unwrap();
    assert!(of_link.demonstrations[0].command.as_deref().unwrap().contains("--fault link-down"));
}

#[test]
fn the_run_of_an_action_ends_with_it() {
    for kind in ActionKind::ALL {
        let explanation = explain(Topic::Action(*kind)).unwrap();
        let [shown] = explanation.demonstrations.as_slice() else { panic!("{kind}") };
        let begins = format!("{kind} happens");
        assert!(shown.says.starts_with(&begins) && !shown.steps.is_empty(), "{}", shown.says);
        assert!(shown.says.contains(&format!("after {} step(s)", shown.steps.len())));
    }
}

#[test]
fn a_place_is_an_item_of_a_file_that_there_is() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for topic in Topic::all() {
        for place in places(topic) {
            let text = fs::read_to_string(top.join(place.file)).unwrap();
            let item = place.item.split(" -> ").next().unwrap();
            let name = item.rsplit([':', ' ']).next().unwrap();
            let forms = [format!("fn {name}"), format!("const {name}"), format!("enum {name}")];
            assert!(forms.iter().any(|form| text.contains(form)), "{place:?} of {}", topic.name());
        }
    }
    let roles = |rule: &str| {
        let places = places(Topic::named(rule).unwrap()).into_iter();
        places.map(|place| place.item).collect::<Vec<_>>()
    };
    let failback = explain(Topic::named("Failback").unwrap()).unwrap();
    assert!(failback.spec.iter().any(|passage| passage.text.contains("The new primary: PSUS")));
    assert!(roles("SYNC-5").contains(&"Sync::step"), "{:?}", roles("SYNC-5"));
}

#[test]
fn an_explanation_is_text_or_one_json_object() {
    let text = stdout(&["explain", "xfer-3"], 0);
    let parts = [
        "XFER-3 (rule): ",
        "\nSPEC.md, XFER-3\n",
        "- **Guard** *arrival*: linked",
        "\nWithout XFER-3, on order: image-is-prefix in 4 steps.\n",
        "\n  syncsplit check order --without XFER-3\n",
        "  step  who",
        "\nIn the code\n",
        "model/src/protocol/secondary.rs",
    ];
    for part in parts {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    let object = json(&["explain", "crash-primary"], 0);
    assert_eq!(object["kind"], "fault, of the class crashes");
    let shown = object["demonstrations"].as_array().unwrap();
    assert!(shown.iter().any(|shown| !shown["steps"].as_array().unwrap().is_empty()));
    // A fault and an action differ in case alone.
    assert_eq!(json(&["explain", "takeover"], 0)["kind"], "fault, of the class takeover");
    assert_eq!(json(&["explain", "Takeover"], 0)["kind"], "action");
}

#[test]
fn a_name_that_nothing_has_is_refused_with_those_near_it() {
    for (name, near) in [
        (format!("SYNC-{}", 99), "SYNC-1"),
        ("frozen-leads-to-thaw".into(), "frozen-leads-to-thawed"),
        ("image-is-prefix/reach".into(), "image-is-prefix/reached"),
        ("links-down".into(), "link-down"),
        ("CopyReplicas".into(), "CopyReplica"),
    ] {
        refused(&["explain", &name], &[&name, near, "syncsplit list rules"]);
    }
    refused(&["explain", "sausage"], &["nothing is called \"sausage\"; valid is"]);
    refused(&["explain"], &["PROPERTY"]);
}
