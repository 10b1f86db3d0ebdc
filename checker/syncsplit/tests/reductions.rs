//! What a reduction or a store of fingerprints does not go with is refused by name, and a report says what its counts and
//! its verdict are worth.

use assert_cmd::Command;
use predicates::prelude::*;
use serde_json::Value;

use crate::command;

fn check(arguments: &[&str]) -> Command {
    command::syncsplit(&[&["check"], arguments].concat())
}

fn json(arguments: &[&str], exit: i32) -> Value {
    command::json(&[&["check"], arguments].concat(), exit)
}

fn refused(arguments: &[&str], says: &[&str]) {
    command::refused(&[&["check"], arguments].concat(), says);
}

const SYMMETRY: &[&str] = &["--transactions", "any", "--reduce", "symmetry"];

fn symmetry<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, SYMMETRY].concat()
}

#[test]
fn what_a_reduction_does_not_go_with_is_refused_by_name() {
    refused(&symmetry(&["waits"]), &["symmetry", "frozen-leads-to-thawed", "--property"]);
    let promise = ["smoke", "--property", "copy-leads-to-pair"];
    refused(&symmetry(&promise), &["symmetry", "copy-leads-to-pair"]);
    let stateright = ["smoke", "--engine", "stateright"];
    refused(&symmetry(&stateright), &["symmetry", "stateright", "native"]);
    refused(&["waits", "--reduce", "order"], &["order", "frozen-leads-to-thawed"]);
    refused(&["smoke", "--reduce", "order", "--engine", "stateright"], &["order", "native"]);
    refused(&["smoke", "--reduce", "symmetry"], &["no two blocks", "--transactions any"]);
    refused(&["smoke", "--reduce", "abstraction"], &["'abstraction'", "symmetry"]);
    refused(&["waits", "--reduce", "sleep"], &["sleep", "frozen-leads-to-thawed"]);
    refused(&["smoke", "--reduce", "sleep", "--engine", "stateright"], &["sleep", "native"]);
    refused(&["smoke", "--reduce", "sleep,order"], &["sleep", "order", "name one of them"]);
    refused(&symmetry(&["create", "--reduce", "sleep"]), &["sleep", "symmetry"]);
    let ablated = ["smoke", "--reduce", "sleep", "--without", "SYNC-5"];
    refused(&ablated, &["sleep", "all rules of hardened", "hardened without SYNC-5"]);
    refused(&["smoke", "--reduce", "sleep", "--variant", "published"], &["sleep", "published"]);
    refused(&["smoke", "--transactions", "three"], &["'three'", "first-last", "any"]);
}

#[test]
fn what_fingerprints_do_not_go_with_is_refused_by_name() {
    let store = ["--store", "fingerprint"];
    let refuse = |before: &[&str], says: &[&str]| refused(&[before, &store[..]].concat(), says);
    refuse(&["waits"], &["fingerprint", "frozen-leads-to-thawed", "--property"]);
    refuse(&["smoke", "--engine", "stateright"], &["fingerprint", "stateright", "native"]);
    refused(&["smoke", "--seed", "7"], &["seed 7", "--store fingerprint"]);
    refused(&["smoke", "--store", "bits"], &["'bits'", "exact", "fingerprint"]);
}

#[test]
fn a_verdict_by_fingerprint_is_no_exhaustive_one() {
    let arguments = ["create", "--store", "fingerprint", "--seed", "7"];
    let says = predicate::str::is_match(
        r"^HOLDS but for states missed with a probability of at most 1\.0e-10: create",
    );
    let store = predicate::str::contains("store        fingerprints of 64 bits, seed 7\n");
    let claim = predicate::str::contains("that these are all is likely, and not certain");
    let never = predicate::str::contains("every reachable state was seen").not();
    let text = says.unwrap().and(store).and(claim).and(never);
    check(&arguments).assert().code(0).stdout(text);
    let (by_print, exact) = (json(&arguments, 0), json(&["create"], 0));
    assert_eq!((&by_print["store"], &by_print["seed"]), (&"fingerprint".into(), &7.into()));
    assert_eq!((&exact["store"], &exact["missed_at_most"]), (&"exact".into(), &Value::Null));
    let states = exact["states"].as_f64().unwrap();
    let likely = by_print["missed_at_most"].as_f64().unwrap();
    assert!((likely / (states * states / 2_f64.powi(65)) - 1.0).abs() < 1e-3, "{likely}");
    for field in ["states", "transitions", "depth", "properties", "actions", "faults"] {
        assert_eq!(by_print[field], exact[field], "{field}");
    }
    let junit = predicate::str::contains("name=\"store\" value=\"fingerprint\"")
        .and(predicate::str::contains("name=\"missed_at_most\" value=\""));
    check(&[&arguments[..], &["--format", "junit"]].concat()).assert().code(0).stdout(junit);
    // What rests on a trace is certain.
    let shown = predicate::str::starts_with("VIOLATED: smoke, hardened without XFER-2\n");
    let violated = ["smoke", "--without", "XFER-2", "--store", "fingerprint"];
    check(&violated).assert().code(1).stdout(shown);
}

#[test]
fn fingerprints_take_less_memory_than_states() {
    let peak = |store: &str| {
        json(&["order", "--threads", "2", "--store", store], 0)["peak_bytes"].as_f64().unwrap()
    };
    let (by_print, exact) = (peak("fingerprint"), peak("exact"));
    assert!(by_print < 0.85 * exact, "{by_print} against {exact} bytes");
}

#[test]
fn a_report_says_that_its_counts_are_reduced() {
    let says =
        predicate::str::is_match(r"states +[0-9,]+  of a space reduced by symmetry\n").unwrap();
    check(&symmetry(&["create"])).assert().code(0).stdout(says);
    let (reduced, whole) = (json(&symmetry(&["create"]), 0), json(&symmetry(&["create"])[..3], 0));
    assert_eq!(reduced["reductions"], serde_json::json!(["symmetry"]));
    assert_eq!(whole["reductions"], serde_json::json!([]));
    assert_eq!(reduced["depth"], whole["depth"]);
    assert!(reduced["states"].as_u64() < whole["states"].as_u64());
    let junit = predicate::str::contains("name=\"reductions\" value=\"symmetry\"");
    check(&symmetry(&["create", "--format", "junit"])).assert().code(0).stdout(junit);
}

#[test]
fn a_search_with_sleep_sets_counts_what_one_without_counts() {
    let says =
        predicate::str::contains("every reachable state was seen, native, with sleep sets\n")
            .and(predicate::str::contains("of a space reduced").not());
    check(&["create", "--reduce", "sleep"]).assert().code(0).stdout(says);
    for instance in ["create", "takeover", "late", "smoke"] {
        let plain = json(&[instance, "--threads", "1"], 0);
        let asleep = json(&[instance, "--threads", "2", "--reduce", "sleep"], 0);
        assert_eq!(asleep["reductions"], serde_json::json!(["sleep"]));
        for field in ["verdict", "states", "transitions", "depth", "properties", "ended"] {
            assert_eq!(plain[field], asleep[field], "{field} of {instance}");
        }
    }
}

#[test]
fn a_way_by_order_is_a_run_that_is_not_called_shortest() {
    let violated = ["late", "--without", "XFER-4", "--reduce", "order"];
    let says = predicate::str::contains("is violated; a way there:")
        .and(predicate::str::contains("a way may not be a shortest one"))
        .and(predicate::str::is_match(r"depth +[0-9]+  of a space reduced by order").unwrap());
    check(&violated).assert().code(1).stdout(says);
    let folder = std::env::temp_dir().join(format!("syncsplit-order-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("found.itf.json");
    let file = file.to_str().unwrap();
    check(&[&violated[..], &["--trace-out", file]].concat()).assert().code(1);
    command::syncsplit(&["replay", file]).assert().code(0);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn counts_of_a_reduced_space_are_not_held_against_the_file() {
    let folder = std::env::temp_dir().join(format!("syncsplit-reduced-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("reduced.toml");
    let toml = |steps: u32| {
        format!(
            "blocks = 2\njournal = 1\nframes = 1\nacks = 1\nhost_messages = 1\nfaults = [\"link-down\"]\n\
             transactions = \"any\"\nwithout = [\"RESYNC-4\"]\n\
             [expected]\nverdict = \"violated\"\nstates = 7\ndepth = {steps}\nsteps = {steps}\n"
        )
    };
    let path = file.to_str().unwrap();
    std::fs::write(&file, toml(5)).unwrap();
    let met = predicate::str::contains("As the instance expects")
        .and(predicate::str::contains("counts of a reduced space are not compared"));
    check(&[path, "--reduce", "symmetry"]).assert().code(0).stdout(met);
    check(&[path]).assert().code(1).stdout(predicate::str::contains("states: expected 7"));
    std::fs::write(&file, toml(6)).unwrap();
    let differs = predicate::str::contains("steps: expected 6, found 5");
    check(&[path, "--reduce", "symmetry"]).assert().code(1).stdout(differs);
    // Sleep sets leave no state out, so there is something to compare.
    let holds = toml(5)
        .replace("without = [\"RESYNC-4\"]\n", "")
        .replace("violated", "holds")
        .replace("steps = 5\n", "");
    std::fs::write(&file, holds).unwrap();
    let differs = predicate::str::contains("states: expected 7");
    check(&[path, "--reduce", "sleep"]).assert().code(1).stdout(differs);
    std::fs::remove_dir_all(&folder).unwrap();
}
