//! The stories of the conformance kit, and its commands in every pair state: each defect that they are for fails.
use syncsplit_conform::generated::generate;
use syncsplit_conform::track::{Guide, Pacing};
use syncsplit_conform::wire::{FEATURES, Hello, Level, OPERATIONS};

use crate::conform::{code, json, peculiar};

const KINDS: [&str; 6] = ["--only", "story", "--only", "command", "--format", "json"];

#[test]
fn each_mistake_that_a_story_is_for_fails() {
    for defect in [
        "SecondaryGivesUp",
        "SyncMixed",
        "CreatesAgain",
        "TakesOverWithoutImage",
        "TakesOverTwice",
        "WrongWay",
        "GoldOfSome",
        "CopyForgets",
        "NeverHeld",
    ] {
        let output =
            peculiar(defect, &[&KINDS[..], &["--level", "marked", "--fail-fast"]].concat());
        assert_eq!(code(&output), 1, "{defect} passes: {:#}", json(&output));
    }
}

#[test]
fn some_mistakes_fail_at_black_box_as_well() {
    for defect in ["TakesOverTwice", "WrongWay", "GoldOfSome", "NeverHeld"] {
        let more = ["--level", "black-box", "--fail-fast"];
        let output = peculiar(defect, &[&KINDS[..], &more].concat());
        assert_eq!(code(&output), 1, "{defect} passes: {:#}", json(&output));
    }
}

#[test]
fn stories_and_commands_find_nothing_where_there_is_nothing() {
    for level in ["marked", "black-box"] {
        let output = peculiar("Complete", &[&KINDS[..], &["--level", level]].concat());
        let report = json(&output);
        let cases = report["cases"].as_array().unwrap();
        let failed: Vec<_> = cases.iter().filter(|case| case["verdict"] == "fail").collect();
        assert!(failed.is_empty(), "{level}: {failed:#?}");
        assert!(cases.len() > 90, "{}", cases.len());
    }
}

/// The class over which it is asked: every command of both sites, in every pair state that its side can be in, refusals
/// included. Each script leads to the pair state that its name says.
#[test]
fn every_command_is_asked_in_every_pair_state() {
    let all = OPERATIONS.iter().chain(FEATURES).map(ToString::to_string).collect();
    let hello =
        Hello { name: String::new(), version: String::new(), capabilities: all, lacks: vec![] };
    let commands = generate(&hello, Level::Steered).commands;
    for (words, script) in &commands {
        let guide =
            Guide::new(script.setting.world(&[]), Pacing { is_marked: true, ..Pacing::default() });
        let (last, way) = script.verbs.split_last().unwrap();
        let mut track = guide.begin();
        for verb in way {
            track =
                guide.take(&track, verb, 0).unwrap_or_else(|why| panic!("{script}: {verb}: {why}"));
        }
        let state = &track.state;
        let pair = format!("{}-{}", state.primary.state, state.secondary.state);
        assert_eq!(*words, format!("{last} {pair}").replace(' ', "-"), "{script}");
    }
    let is_asked = |kind: &str, place: usize, state: &str| {
        commands.iter().any(|(words, _)| {
            let mut states = words.rsplit('-');
            let (secondary, primary) = (states.next(), states.next());
            words.starts_with(kind) && [primary, secondary][place] == Some(state)
        })
    };
    for (kinds, place, states) in [
        (
            &["create", "suspend", "resync", "delete"][..],
            0,
            &["SMPL", "COPY", "PAIR", "PSUS", "PSUE"][..],
        ),
        (
            &["takeover", "takeover-force", "failback", "remote-write"][..],
            1,
            &["SMPL", "COPY", "PAIR", "SSUS", "PSUE", "SSWS"][..],
        ),
    ] {
        for kind in kinds {
            for state in states {
                assert!(is_asked(kind, place, state), "{kind} is never asked in {state}");
            }
        }
    }
}
