//! Our own implementation behind its adapter, taken through every script of the conformance kit.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use syncsplit_conform::campaign::{CampaignPlan, campaign};
use syncsplit_conform::conclusion::Demands;
use syncsplit_conform::known::Known;
use syncsplit_conform::process::Adapter;
use syncsplit_conform::run;
use syncsplit_conform::session::AdapterOptions;
use syncsplit_conform::{directed, wire::Level};
use syncsplit_model::world::Verdict;
use syncsplit_tests::source::root;

fn plan(cases: u64) -> CampaignPlan {
    CampaignPlan {
        command: env!("CARGO_BIN_EXE_syncsplit-adapter").into(),
        level: None,
        only: Vec::new(),
        script: None,
        known: Known::default(),
        seed: 5,
        cases,
        demands: Demands::default(),
        fail_fast: false,
        limit: Duration::from_secs(10),
        sync: Duration::from_secs(1),
        lease: Duration::from_secs(10),
    }
}

#[test]
fn our_implementation_conforms_steered_and_shows_nearly_every_rule() {
    let interrupt = Arc::new(AtomicBool::new(false));
    let done = campaign(&plan(1000), &interrupt, &|_, _| {});
    let done = done.unwrap_or_else(|refused| panic!("{refused:?}"));
    assert_eq!(done.level, Level::Steered);
    let failed: Vec<_> =
        done.cases.iter().filter(|case| case.verdict != Verdict::NoViolationFound).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(done.finished, done.cases.len(), "some case did not end with a backup");
    assert_eq!(done.classes_missing, Vec::<String>::new());
    // BACKUP-1 to BACKUP-4 are the kit's own doing. SYNC-4 shows only where a Sync waits; NUMBER-1 and NUMBER-2 only where
    // numbers end, and no case begins there.
    let is_open =
        |rule: &str| ["BACKUP-", "NUMBER-", "SYNC-4"].iter().any(|of| rule.starts_with(of));
    for row in &done.rules {
        let expected = if is_open(row.rule) { "not reached" } else { "pass" };
        assert_eq!(row.verdict, expected, "{}", row.rule);
    }
}

/// The generated cases alone take nearly every class that a level can reach, and it is certain that they do.
#[test]
fn generated_cases_take_nearly_every_class() {
    let interrupt = Arc::new(AtomicBool::new(false));
    for (level, at_least) in [(Level::Steered, 99), (Level::Marked, 98)] {
        let only = vec!["generated".into()];
        let plan = CampaignPlan { level: Some(level), only, ..plan(0) };
        let done = campaign(&plan, &interrupt, &|_, _| {});
        let done = done.unwrap_or_else(|refused| panic!("{level:?}: {refused:?}"));
        let (taken, known) = (done.classes_taken, done.classes_known);
        assert!(known > 100, "{level:?}: {known}");
        assert!(taken * 100 >= known * at_least, "{level:?}: {taken} of {known}");
    }
}

/// By itself with all its threads, steered through a connection: both over TCP.
#[test]
fn our_implementation_conforms_over_tcp() {
    let interrupt = Arc::new(AtomicBool::new(false));
    for (level, cases) in [(Level::Steered, 20), (Level::Marked, 10)] {
        let command = format!("{} --transport tcp", env!("CARGO_BIN_EXE_syncsplit-adapter"));
        let plan = CampaignPlan { command, level: Some(level), ..plan(cases) };
        let done = campaign(&plan, &interrupt, &|_, _| {});
        let done = done.unwrap_or_else(|refused| panic!("{level:?}: {refused:?}"));
        let failed: Vec<_> =
            done.cases.iter().filter(|c| c.verdict != Verdict::NoViolationFound).collect();
        assert!(failed.is_empty(), "{level:?}: {failed:#?}");
        assert!(done.finished > 30, "{level:?}: {} came to a backup", done.finished);
    }
}

#[test]
fn all_that_is_said_is_in_the_schema() {
    let text = std::fs::read_to_string(root().join("docs/adapter.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap();
    let interrupt = Arc::new(AtomicBool::new(false));
    let plan = plan(0);
    let mut adapter = Adapter::start(&plan.command, plan.limit, &interrupt, true).unwrap();
    let how = AdapterOptions { level: Level::Steered, sync_ms: 0, seed: 1, lease_ms: 10_000 };
    for (_, script) in directed::cases().unwrap() {
        run::script(&mut adapter, how, &script, &[]).unwrap();
    }
    let said = adapter.take_record();
    assert!(said.len() > 500, "{}", said.len());
    for line in said.iter().flat_map(|(request, answer)| [request, answer]) {
        let value = serde_json::from_str(line).unwrap();
        assert!(schema.is_valid(&value), "{line}: {:?}", schema.validate(&value).err());
    }
}
