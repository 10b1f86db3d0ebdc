//! Broken promises as a reader meets them: every run is one of the protocol, with the numbers that it really has.
use std::collections::BTreeSet;
use std::fs;

use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{Action, ActionKind, PROMISES, State, Value, Verdict};
use syncsplit_study::ablate::{self, AblationRow};
use syncsplit_study::case::CaseFinding;
use syncsplit_study::instance::Instance;
use syncsplit_study::question::{Question, Watch};
use syncsplit_study::report::{Report, junit, run};
use syncsplit_study::trace::file::{TraceFile, TraceFormat};
use syncsplit_study::trace::{Numbers, Trace};

use crate::counterexamples::{assert_every_file_explains, assert_explains};
use crate::traces::place;

/// A small world in which every promise is asked, and kept under all rules.
const WORLD: &str = "\
blocks = 2
journal = 1
frames = 1
acks = 0
host_messages = 1
start = \"smpl\"
faults = [\"array-loss\", \"host-loss\", \"timeouts\", \"lease-expiry\", \"crash-coordinator\"]
";

/// Without XFER-2 the world has no end; no other rule needs so many states.
const STATES_MAX: u64 = 40_000;

/// What is broken without some rules: the report, and each run on which a promise is not kept.
struct Broken {
    report: Report,
    runs: Vec<Trace>,
}

impl Broken {
    fn without(rules: &[Rule]) -> Self {
        let mut instance = Instance::parse("./lassos.toml", WORLD).unwrap();
        instance.without = rules.to_vec();
        instance.properties = PROMISES.iter().map(|promise| promise.name).collect();
        let mut question = Question::about(instance, 2);
        question.limits.states = Some(STATES_MAX);
        question.check().unwrap();
        let outcome = question.ask(Watch::default()).unwrap();
        let runs = outcome.promises.iter().filter_map(|promise| {
            promise.lasso.as_ref().map(|lasso| run(&question, promise.name, lasso))
        });
        Self { report: Report::new(&question, &outcome), runs: runs.collect() }
    }
}

/// Every promise broken by each rule that breaks it when it is left out, by that rule.
fn all() -> Vec<(Rule, Broken)> {
    let kept = Broken::without(&[]);
    assert_eq!((kept.runs.len(), kept.report.verdict), (0, Verdict::Holds));
    let all: Vec<_> = Rule::ALL.iter().map(|rule| (*rule, Broken::without(&[*rule]))).collect();
    let is_broken = |name: &str, rule: Option<&str>| {
        let mut of_rule = all.iter().filter(|(id, _)| rule.is_none_or(|rule| id.id() == rule));
        of_rule.any(|(_, broken)| broken.runs.iter().any(|run| run.property == Some(name)))
    };
    for promise in PROMISES {
        assert!(is_broken(promise.name, None), "no rule breaks {}", promise.name);
    }
    for AblationRow { rule, shown, .. } in ablate::table().unwrap() {
        if let CaseFinding::Promise { property, .. } = shown {
            assert!(is_broken(&property, Some(&rule)), "{rule} does not break {property}");
        }
    }
    all
}

/// The block that a write of the application changes.
fn written(before: &State, action: &Action, after: &State) -> Option<(usize, Value)> {
    if !ActionKind::LOCAL_WRITES.contains(action.kind()) {
        return None;
    }
    let block = (0..before.pvol.len()).find(|block| before.pvol[*block] != after.pvol[*block])?;
    Some((block, after.pvol[block]))
}

/// Each step is one of the protocol's from the state before.
fn assert_is_run(trace: &Trace, what: &str) {
    assert_eq!(trace.numbers, Numbers::True, "{what}");
    let world = trace.subject.world();
    assert_eq!(trace.path[0], (None, world.raw_initial()), "{what}");
    for (index, pair) in trace.path.windows(2).enumerate() {
        let [(_, before), (Some(action), after)] = pair else { panic!("{what}: no action") };
        let step = index + 1;
        assert_eq!(world.attempt_raw(before, *action).as_ref(), Ok(after), "{what}: step {step}");
    }
    let from = trace.loop_from.unwrap();
    let [then, now] = [from, trace.len()].map(|at| world.normal(trace.path[at].1));
    assert_eq!(then, now, "{what}: the loop does not close");
}

/// Numbers rise, and a write brings what never stood in its block.
fn assert_rises(trace: &Trace, rule: Rule, what: &str) {
    let mut stood: Vec<BTreeSet<Value>> = vec![BTreeSet::new(); trace.path[0].1.pvol.len()];
    for (step, pair) in trace.path.windows(2).enumerate() {
        let [(_, before), (Some(action), after)] = pair else { panic!("{what}: no action") };
        for (block, seen) in stood.iter_mut().enumerate() {
            seen.extend([before.pvol, before.spvol, before.svol].map(|image| image[block]));
        }
        if let Some((block, value)) = written(before, action, after) {
            let is_new = !stood[block].contains(&value);
            assert!(is_new, "{what}: step {} brings old contents", step + 1);
        }
        for ((name, old), (_, new)) in numbers(before, rule).into_iter().zip(numbers(after, rule)) {
            assert!(old <= new, "{what}: step {}: {name} falls: {old:?} -> {new:?}", step + 1);
        }
    }
}

/// What never falls: a seq within its pairing, a pairing's number, and a backup's id (RESYNC-1, BACKUP-4).
fn numbers(state: &State, without: Rule) -> Vec<(&'static str, (u32, u64))> {
    let State { primary, secondary, requester, .. } = state;
    let mut numbers = Vec::new();
    if without != Rule::Resync1 {
        numbers.extend([
            ("newest", (primary.incarnation.0, primary.newest.0)),
            ("known written", (primary.incarnation.0, primary.written.0)),
            ("written", (secondary.incarnation.0, secondary.written.0)),
        ]);
    }
    if without != Rule::Backup4 {
        numbers.push(("requester", (requester.newest.0, 0)));
    }
    numbers
}

#[test]
fn the_run_of_a_broken_promise_is_one_of_the_protocol_with_its_true_numbers() {
    for (rule, Broken { report, runs }) in all() {
        for (index, trace) in runs.iter().enumerate() {
            let what = format!("{} without {rule}", trace.property.unwrap_or_default());
            assert_is_run(trace, &what);
            assert_rises(trace, rule, &what);
            let stands_still = trace.loop_from == Some(trace.len());
            let times = usize::from(!stands_still);
            for format in TraceFormat::ALL {
                let path = place(&format!("lasso_{rule}_{index}{}", format.ending()));
                TraceFile { path: path.clone(), format: *format }.write(trace).unwrap();
                assert_speaks_of_names(&fs::read_to_string(path).unwrap(), times, &what);
            }
        }
        for (index, trace) in runs.iter().enumerate() {
            assert_every_file_explains(trace, &format!("promise_without_{rule}_{index}"));
            for text in [report.to_string(), serde_json::to_string(&report).unwrap()] {
                assert_explains(trace, &text, &format!("the report without {rule}"));
            }
            let departs = trace.explanation().unwrap().departs;
            assert!(!departs.is_empty(), "{} without {rule} departs nowhere", trace.title());
        }
        let loops = runs.iter().filter(|trace| trace.loop_from != Some(trace.len())).count();
        let json = serde_json::to_string(&report).unwrap();
        let xml = junit::check(&report).to_string().unwrap();
        for text in [report.to_string(), json, xml] {
            assert_speaks_of_names(&text, loops, &format!("the report without {rule}"));
        }
    }
}

fn assert_speaks_of_names(text: &str, times: usize, what: &str) {
    let spoken = text.replace('\n', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(spoken.matches("up to names").count(), times, "{what}:\n{text}");
    assert!(!spoken.contains("renamed"), "{what}:\n{text}");
}
