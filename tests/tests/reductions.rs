//! Reductions change no answer: every pinned check, every rule left out, every variant, each with a reduction and without
//! it. The larger pinned checks are left to `cargo xtask nightly`, and `nightly` itself to nobody.
use std::ops::RangeInclusive;

use stateright::Expectation;
use syncsplit_engine::{Ending, SearchOutcome, Trace, Verdict};
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{Action, Bounds, State, Transactions, Variant, WorldProperty};
use syncsplit_study::ablate;
use syncsplit_study::case::Searcher;
use syncsplit_study::instance::Instance;
use syncsplit_study::question::{Engine, Question, Watch};
use syncsplit_study::reduce::Reduction;
use syncsplit_tests::pinned::{PinnedChecks, THREADS, alone};

/// Pinned checks of more states than this are left to longer runs.
const STATES_MAX: u64 = 300_000;
/// Pinned checks of more states than this take an hour and more, with and without.
const STATES_MOST: u64 = 50_000_000;

type SearchRun = SearchOutcome<Action, State>;

fn ask(question: &Question) -> SearchRun {
    question.ask(Watch::default()).unwrap()
}

/// The question about any two blocks and about properties alone.
fn plain(question: Question) -> Question {
    let mut question = Question { threads: THREADS, ..question };
    question.instance.bounds.transactions = Transactions::Any;
    question.instance.promises = false;
    question.properties.retain(|name| WorldProperty::named(name).is_some());
    question
}

/// The pinned checks of so many states.
fn pinned(states: RangeInclusive<u64>) -> Vec<Question> {
    let rows = PinnedChecks::read().unwrap().rows.into_iter();
    // A reduced space is compared with the whole here, not pinned by itself.
    let rows = rows.filter(|row| row.reduce.is_empty() && row.transactions.is_empty());
    let rows = rows.filter(|row| states.contains(&row.answer.states));
    rows.map(|row| row.question(Engine::Native, THREADS).unwrap()).collect()
}

/// Every check that is compared each time.
fn questions() -> Vec<Question> {
    let searcher = Searcher::silent(THREADS);
    let named = |name: &str| searcher.question(Instance::named(name).unwrap());
    let mut questions = pinned(0..=STATES_MAX);
    for row in ablate::table().unwrap() {
        let mut question = named(&row.instance);
        question.without.push(row.rule.parse::<Rule>().unwrap());
        questions.push(question);
    }
    for (variant, name) in Variant::ALL.iter().flat_map(|v| [(v, "create"), (v, "takeover")]) {
        questions.push(Question { variant: *variant, ..named(name) });
    }
    let mut wide = named("late");
    wide.instance.bounds.blocks = 3;
    questions.push(wide);
    questions.into_iter().map(plain).collect()
}

fn what_of(question: &Question) -> (Bounds, Variant, Vec<Rule>, Vec<&'static str>) {
    let Question { instance, variant, without, properties, .. } = question;
    (instance.bounds, *variant, without.clone(), properties.clone())
}

fn what(question: &Question) -> String {
    let Question { instance, variant, without, properties, .. } = question;
    format!("{}, {}, without {without:?}, {properties:?}", instance.name, variant.name())
}

/// Each property with its verdict and the length of its shortest trace.
fn settled(outcome: &SearchRun) -> Vec<(&'static str, Verdict, Option<usize>)> {
    let length = |name| outcome.discovery(name).map(|found| found.trace.len());
    outcome.properties.iter().map(|p| (p.name, p.verdict, length(p.name))).collect()
}

/// A trace of a reduced search is a run of the world itself, and its last state settles the property.
fn assert_real(question: &Question, outcome: &SearchRun) {
    let world = question.world();
    for found in &outcome.discoveries {
        let trace: &Trace<Action, State> = &found.trace;
        assert_eq!(trace[0], (None, world.normal(world.raw_initial())));
        for step in trace.windows(2) {
            let (action, after) = (step[1].0.unwrap(), step[1].1);
            assert_eq!(world.attempt(&step[0].1, action), Ok(after), "{}", what(question));
        }
        let property = WorldProperty::named(found.property).unwrap();
        let is_true = property.is_true(&world, &trace.last().unwrap().1);
        assert_eq!(is_true, property.kind() == Expectation::Sometimes, "{}", found.property);
    }
}

fn with(question: &Question, reduce: &[Reduction]) -> Question {
    let reduced = Question { reduce: reduce.to_vec(), ..question.clone() };
    reduced.check().unwrap();
    reduced
}

/// Verdicts, lengths and depths are the same, and levels are smaller by as much as there are images at the most.
fn assert_symmetric(question: &Question, whole: &SearchRun) -> u64 {
    let reduced = with(question, &[Reduction::Symmetry]);
    let (part, what) = (ask(&reduced), what(question));
    assert_eq!(settled(&part), settled(whole), "{what}");
    assert_eq!((part.ending, part.depth), (whole.ending, whole.depth), "{what}");
    assert_real(&reduced, &part);
    let images = question.world().automorphisms().len() as u64 + 1;
    assert_eq!(part.levels.len(), whole.levels.len(), "{what}");
    for (part, whole) in part.levels.iter().zip(&whole.levels) {
        assert!(part.new <= whole.new && part.new * images >= whole.new, "{what}: {part:?}");
    }
    part.distinct
}

/// The verdict is the same; where all states were seen, each property's is. Every property that is violated is so still
/// when it is asked alone.
fn assert_ordered(question: &Question, whole: &SearchRun, reduce: &[Reduction]) -> u64 {
    let verdicts = |outcome: &SearchRun| -> Vec<_> {
        outcome.properties.iter().map(|property| (property.name, property.verdict)).collect()
    };
    let reduced = with(question, reduce);
    let (part, what) = (ask(&reduced), what(question));
    assert_eq!(part.ending, whole.ending, "{what}");
    assert_real(&reduced, &part);
    if whole.ending == Ending::Complete {
        assert_eq!(verdicts(&part), verdicts(whole), "{what}");
    }
    for violated in whole.properties.iter().filter(|p| p.verdict == Verdict::Violated) {
        let alone = Question { properties: vec![violated.name], ..reduced.clone() };
        assert_eq!(ask(&alone).ending, Ending::Violation, "{what}, {} alone", violated.name);
    }
    part.distinct
}

/// Everything that is counted is the same: states and steps by level, how often each kind of step fires, deadlocks,
/// verdicts, and how long ways are. Which of several ways is shown may be another.
fn assert_asleep(question: &Question, whole: &SearchRun) {
    let reduced = with(question, &[Reduction::Sleep]);
    let (found, what) = (ask(&reduced), what(question));
    assert_eq!(settled(&found), settled(whole), "{what}");
    assert_eq!((found.ending, found.depth), (whole.ending, whole.depth), "{what}");
    assert_eq!((found.distinct, found.transitions), (whole.distinct, whole.transitions), "{what}");
    assert_eq!(found.levels, whole.levels, "{what}");
    let fired =
        |found: &SearchRun| -> Vec<u64> { found.kinds.iter().map(|kind| kind.fired).collect() };
    assert_eq!(fired(&found), fired(whole), "{what}");
    assert_real(&reduced, &found);
}

/// Compares the answers to each question, and returns how many states there are without a reduction, with either, with
/// both.
fn compare(questions: Vec<Question>) -> [u64; 4] {
    let mut counts = [0; 4];
    for question in questions {
        let whole = ask(&question);
        let by_symmetry = assert_symmetric(&question, &whole);
        let by_order = assert_ordered(&question, &whole, &[Reduction::Order]);
        if question.world().knows_what_commutes() {
            assert_asleep(&question, &whole);
        }
        let by_both = [Reduction::Symmetry, Reduction::Order];
        let by_both = assert_ordered(&question, &whole, &by_both);
        if whole.ending == Ending::Complete {
            let found = [whole.distinct, by_symmetry, by_order, by_both];
            counts.iter_mut().zip(found).for_each(|(count, found)| *count += found);
        }
    }
    counts
}

#[test]
fn a_reduction_changes_no_verdict() {
    let _alone = alone();
    let counts = compare(questions());
    let [whole, by_symmetry, by_order, by_both] = counts;
    let all = format!("{counts:?} states");
    assert!(by_symmetry * 100 < whole * 60 && by_order * 100 < whole * 60, "{all}");
    assert!(by_both * 100 < whole * 35, "{all}");
}

#[test]
#[ignore = "minutes: cargo xtask nightly"]
fn a_reduction_changes_no_verdict_of_a_large_check() {
    let _alone = alone();
    let mut questions: Vec<Question> = Vec::new();
    for question in pinned(STATES_MAX + 1..=STATES_MOST).into_iter().map(plain) {
        // Checks that differ only in promises are one here.
        if !questions.iter().any(|other| what_of(other) == what_of(&question)) {
            questions.push(question);
        }
    }
    let compared = questions.len();
    let counts = compare(questions);
    println!("{compared} checks: {counts:?} states as they are, by symmetry, by order, by both");
    assert!(compared > 2 && counts[0] > 10_000_000, "{compared} checks, {counts:?} states");
}
