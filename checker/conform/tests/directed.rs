//! The directed cases of the conformance kit are the counterexamples of `syncsplit ablate`: as short, and with the same harm.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]
use stateright::Model;
use syncsplit_conform::directed::{by_hand, cases, derive, showable, table, unsteered};
use syncsplit_conform::script::Script;
use syncsplit_conform::verb::Verb;
use syncsplit_model::protocol::Rule;
use syncsplit_model::protocol::coordinator::CoordinatorState;
use syncsplit_model::world::{ActionKind, State, WhyNot, WorldProperty};
use syncsplit_study::ablate;
use syncsplit_study::case::CaseFinding;

/// With `BLESS` set the table is written anew; the searches take some minutes.
#[test]
fn the_table_can_be_derived_anew() {
    if std::env::var_os("BLESS").is_none() {
        // A rule whose search is short stands for the others; the next test looks at each.
        let (_, script) = cases().unwrap().into_iter().find(|(r, _)| *r == Rule::Xfer2).unwrap();
        assert_eq!(derive(Rule::Xfer2), Ok(script));
        return;
    }
    let derived: Vec<_> =
        showable().map(|rule| (rule, derive(rule).unwrap_or_else(|e| panic!("{e}")))).collect();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../directed.toml");
    std::fs::write(file, table(&derived, &unsteered().unwrap())).unwrap();
}

#[test]
fn each_case_is_a_shortest_way_to_the_harm() {
    let (rows, cases) = (ablate::table().unwrap(), cases().unwrap());
    for rule in showable() {
        let (_, script) =
            cases.iter().find(|(of, _)| *of == rule).unwrap_or_else(|| panic!("{rule}"));
        if let Some(text) = by_hand(rule) {
            assert_eq!(script.to_string(), text);
            continue;
        }
        let row = rows.iter().find(|row| row.rule == rule.id()).unwrap();
        // What is delivered in a step of its own here arrives in the step before it there.
        let acks = if row.instance == "order" || row.instance == "ci" { 0 } else { 1 };
        let replies = script.verbs.iter().filter(|verb| verb.is(ActionKind::DeliverReply)).count();
        let steps = script.verbs.len() - if acks == 0 { replies } else { 0 };
        assert_eq!(Some(steps), row.shown.steps(), "{rule}: {script}");
        let world = script.setting.world(&[rule]);
        let state =
            end(script, &[rule]).unwrap_or_else(|(verb, why)| panic!("{rule}: {verb}: {why}"));
        if let CaseFinding::Always { property, .. } = &row.shown {
            let property = WorldProperty::named(property).unwrap();
            assert!(!property.is_true(&world, &state), "{rule}: {script} does no harm");
        }
    }
}

/// The state that a script leads to in the world without some rules, or the verb that is not possible and why.
fn end(script: &Script, without: &[Rule]) -> Result<State, (Verb, WhyNot)> {
    let world = script.setting.world(without);
    script.verbs.iter().try_fold(world.raw_initial(), |state, verb| {
        let mut actions = Vec::new();
        world.actions(&state, &mut actions);
        let action = actions.into_iter().find(|action| Verb::of(action) == *verb);
        let action = action.ok_or((*verb, WhyNot::NotOffered))?;
        world.attempt_raw(&state, action).map_err(|why| (*verb, why))
    })
}

#[test]
fn the_table_is_written_as_it_is_read() {
    let text = include_str!("../../directed.toml");
    assert_eq!(table(&cases().unwrap(), &unsteered().unwrap()), text);
}

/// By the rule its last look ends the Sync, and without it the Sync waits on.
#[test]
fn each_unsteered_case_is_a_behaviour_of_the_model_that_the_rule_changes() {
    let cases = unsteered().unwrap();
    assert!(cases.len() >= 6);
    for (rule, script) in cases {
        assert!(script.verbs.iter().all(|verb| !verb.is_in(ActionKind::OWN_STEPS)), "{script}");
        let state =
            end(&script, &[]).unwrap_or_else(|(verb, why)| panic!("{script}: {verb}: {why}"));
        assert_eq!(state.coordinator.state, CoordinatorState::Idle, "{script}");
        let (verb, why) = end(&script, &[rule]).unwrap_err();
        assert_eq!((verb.kind, why), (Some(ActionKind::SyncLook), WhyNot::SyncWaits), "{script}");
    }
}
