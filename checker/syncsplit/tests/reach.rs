//! `check --reach`: which conditions there are, the shortest way to a state of which one is true, and that there is none.

use std::path::Path;

use serde_json::Value as Json;
use syncsplit_model::world::{NumberRange, State, World};
use syncsplit_search::Goal;
use syncsplit_study::condition::Condition;
use syncsplit_study::instance::Instance;
use syncsplit_study::trace::value::Value;
use syncsplit_study::trace::variables::variables;

use crate::command::{json, refused, stdout};

fn world(name: &str) -> World {
    let instance = Instance::load(name).unwrap();
    World::new(instance.bounds, instance.variant, &instance.without)
}

fn is_true(text: &str, world: &World, state: &State) -> bool {
    Condition::parse(text, world).unwrap().is_reached(world, state)
}

#[test]
fn every_field_that_a_trace_prints_can_be_asked_about() {
    let mut world = world("smoke");
    world.bounds.numbers = NumberRange::Ending;
    let state = world.raw_initial();
    let fields = variables(&world, &state);
    for (name, value) in &fields {
        let texts = match value {
            Value::Bool(true) => vec![name.clone(), format!("{name} == true")],
            Value::Bool(false) => vec![format!("not {name}"), format!("{name} == false")],
            Value::Number(number) => vec![format!("{name} >= {number}")],
            Value::Text(text) => {
                vec![format!("{name} == {text:?}"), format!("{name} has {text:?}")]
            }
            Value::List(items) | Value::Set(items) | Value::Tuple(items) => {
                vec![format!("{name}.size = {}", items.len())]
            }
            Value::Record(parts) => {
                parts.iter().map(|(part, value)| format!("{name}.{part} == {value}")).collect()
            }
        };
        for text in texts {
            assert!(is_true(&text, &world, &state), "{text}");
            assert!(!is_true(&format!("not ({text})"), &world, &state), "{text}");
        }
    }
    let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
    let refusal = Condition::parse("primery == PAIR", &world).unwrap_err();
    assert_eq!(refusal, format!("there is no field \"primery\"; valid are {}", names.join(", ")));
}

#[test]
fn not_binds_before_and_and_and_before_or() {
    let world = world("smoke");
    let state = world.raw_initial();
    let (yes, no) = ("link == up", "link == down");
    for (text, truth) in [
        (format!("{yes} or {no} and {no}"), true),
        (format!("({yes} or {no}) and {no}"), false),
        (format!("not {no} and {yes}"), true),
        (format!("not ({no} and {yes})"), true),
        (format!("! {yes} || {yes} && {yes}"), true),
        (format!("not not {yes}"), true),
        ("written < newest.seq or written == known_written".into(), true),
        ("journal[0].seq == known_written".into(), false),
        ("written < known_written".into(), false),
        ("written <= known_written".into(), true),
        ("written > known_written".into(), false),
        ("written >= known_written".into(), true),
        ("written != known_written".into(), false),
        ("p_vol.size > journal.size".into(), true),
        ("p_vol[0] == sp_vol[0]".into(), true),
        ("p_vol has sp_vol[1]".into(), true),
    ] {
        assert_eq!(is_true(&text, &world, &state), truth, "{text}");
    }
}

#[test]
fn the_way_to_a_twin_is_as_short_as_the_check_has_it() {
    for (instance, twin, text) in [
        ("small-smpl", "states-defined/reached", "primary == COPY and secondary == PAIR"),
        ("small", "backup-keeps-pair/reached", "requester has reads and primary == PAIR"),
        ("small-journal-2", "invariants/reached", "journal.size == 2"),
    ] {
        let report = json(&["check", instance, "--property", twin], 0);
        let property = &report["properties"][0];
        let way = json(&["check", instance, "--reach", text], 0);
        assert_eq!((&property["name"], &way["verdict"]), (&twin.into(), &"reached".into()));
        assert_eq!(way["steps"], property["steps"], "{text}");
        assert_eq!(way["is_true_at_the_end"], true, "{text}");
        assert_eq!(way["trace"].as_array().unwrap().len() as u64, way["steps"].as_u64().unwrap());
        let threads = json(&["check", instance, "--reach", text, "--threads", "3"], 0);
        assert_eq!(threads["trace"], way["trace"]);
    }
}

#[test]
fn a_way_is_a_run_that_replay_takes_again() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("way.itf.json");
    let path = file.to_str().unwrap();
    let arguments =
        ["check", "smoke", "--reach", "link == down and frames.size > 0", "--trace-out", path];
    let text = stdout(&arguments, 0);
    assert!(text.starts_with("REACHED: smoke, hardened\n"), "{text}");
    assert!(text.contains("\nA shortest way to such a state has 3 step(s):\n"), "{text}");
    stdout(&["replay", path], 0);
    let last: Json = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let last = last["states"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["link"], "down");
    assert!(!last["frames"]["#set"].as_array().unwrap().is_empty());
}

#[test]
fn a_state_that_is_not_there_is_told_from_one_that_was_not_found() {
    let says = stdout(&["check", "small", "--reach", "link == down"], 1);
    assert!(says.starts_with("UNREACHABLE: small, hardened\n"), "{says}");
    assert!(says.contains("Every state of this world was seen"), "{says}");
    let whole = json(&["check", "small", "--reach", "link == down"], 1);
    assert_eq!((&whole["states"], &whole["verdict"]), (&173.into(), &"unreachable".into()));
    let cut = json(&["check", "ci", "--reach", "secondary == SMPL", "--states", "10"], 3);
    assert_eq!(cut["verdict"], "undecided");
}

#[test]
fn what_is_no_condition_is_refused_by_place_or_by_field() {
    for (text, says) in [
        ("", "column 1: found the end; valid is the name of a field"),
        ("primary ==", "column 11: found the end"),
        ("primary == PSUE)", "column 16: found \")\"; valid is `and`, `or` or the end"),
        ("(primary == PSUE", "valid is `)`"),
        ("primary # PSUE", "column 9: found '#'"),
        ("primary == 'PSUE", "column 12: the text that begins here has no end"),
        ("PSUE == primary", "column 1: found \"PSUE\"; valid is the name of a field"),
        ("colour == red", "there is no field \"colour\"; valid are p_vol, sp_vol"),
        ("primary", "primary is a text, and no condition"),
        ("primary == 3", "primary is a text, and 3 is a number"),
        ("primary < PSUE", "only numbers are less or more"),
        ("consistent has 1", "consistent is true or false; valid is a list"),
        ("newest.number == 1", "newest has no \"number\"; valid are incarnation, seq"),
        ("link.size == 2", "link is a text: nothing of it has a place or a size"),
        ("written == 3", "written has numbers that the search renames"),
        ("coordinator == 'awaits split 1'", "coordinator has numbers that the search renames"),
        ("journal[x].seq == written", "valid is a place, from 0"),
    ] {
        refused(&["check", "smoke", "--reach", text], &["--reach: ", says]);
    }
    let deep = "(".repeat(10_000);
    refused(&["check", "smoke", "--reach", &deep], &["within each other"]);
    let reach = ["check", "smoke", "--reach", "link == down"];
    refused(&[&reach[..], &["--property", "image-is-prefix"]].concat(), &["--property"]);
    refused(&[&reach[..], &["--format", "junit"]].concat(), &["--reach takes text or json"]);
    refused(&[&reach[..], &["--reduce", "order"]].concat(), &["--reach is sleep"]);
}

#[test]
fn a_number_that_is_not_renamed_can_be_asked_for() {
    let ending = ["check", "small", "--numbers", "ending", "--reach"];
    let way = json(&[&ending[..], &["written == 18446744073709551613"]].concat(), 0);
    assert_eq!((&way["verdict"], &way["is_true_at_the_end"]), (&"reached".into(), &true.into()));
    let blocks = json(&["check", "smoke", "--reach", "dirty has 1 and dirty.size == 1"], 0);
    assert_eq!(blocks["is_true_at_the_end"], true);
}
