//! The directed cases of the conformance kit are the counterexamples of `syncsplit ablate`: as short, and with the same harm.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

use stateright::Model;
use syncsplit_checker::ablate;
use syncsplit_checker::conform::directed::{by_hand, cases, derive, table};
use syncsplit_checker::conform::verb::Verb;
use syncsplit_checker::study::Shown;
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::PROPERTIES;

/// With `BLESS` set the table is written anew; the searches take some minutes.
#[test]
fn the_table_can_be_derived_anew() {
    if std::env::var_os("BLESS").is_none() {
        // A rule whose search is short stands for the others; the next test looks at each.
        let (_, script) = cases().unwrap().into_iter().find(|(r, _)| *r == Rule::Xfer2).unwrap();
        assert_eq!(derive(Rule::Xfer2), Ok(script));
        return;
    }
    let derived: Vec<_> = Rule::ALL
        .iter()
        .map(|rule| (*rule, derive(*rule).unwrap_or_else(|e| panic!("{e}"))))
        .collect();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/directed.toml");
    std::fs::write(file, table(&derived)).unwrap();
}

#[test]
fn each_case_is_a_shortest_way_to_the_harm() {
    let (rows, cases) = (ablate::table().unwrap(), cases().unwrap());
    for rule in Rule::ALL {
        let (_, script) =
            cases.iter().find(|(of, _)| of == rule).unwrap_or_else(|| panic!("{rule}"));
        if let Some(text) = by_hand(*rule) {
            assert_eq!(script.to_string(), text);
            continue;
        }
        let row = rows.iter().find(|row| row.rule == rule.id()).unwrap();
        // What is delivered in a step of its own here arrives in the step before it there.
        let acks = if row.instance == "order" || row.instance == "ci" { 0 } else { 1 };
        let replies = script.verbs.iter().filter(|verb| verb.kind == "DeliverReply").count();
        let steps = script.verbs.len() - if acks == 0 { replies } else { 0 };
        assert_eq!(Some(steps), row.shown.steps(), "{rule}: {script}");
        let world = script.setting.world(&[*rule]);
        let mut state = world.raw_initial();
        for verb in &script.verbs {
            let mut actions = Vec::new();
            world.actions(&state, &mut actions);
            let action = actions.into_iter().find(|action| Verb::of(action) == *verb);
            let action = action.unwrap_or_else(|| panic!("{rule}: {verb} is not offered"));
            state = world
                .attempt_raw(&state, action)
                .unwrap_or_else(|why| panic!("{rule}: {verb}: {why}"));
        }
        if let Shown::Always { property, .. } = &row.shown {
            let property = PROPERTIES.iter().find(|known| known.name == property).unwrap();
            assert!(!property.is_true(&world, &state), "{rule}: {script} does no harm");
        }
    }
}
