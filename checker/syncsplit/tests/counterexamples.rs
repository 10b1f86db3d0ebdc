//! Each counterexample says why it is one, in every format: the property in words, the witness, the rules that each step
//! leans on, and the first step that all rules would have taken otherwise.
use std::fs;

use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{Variant, World, WorldProperty, describe};
use syncsplit_study::ablate::{self, AblationRow};
use syncsplit_study::case::CaseFinding;
use syncsplit_study::instance::Instance;
use syncsplit_study::question::{Question, Watch};
use syncsplit_study::report::{Report, junit, trace};
use syncsplit_study::trace::Trace;
use syncsplit_study::trace::file::{TraceFile, TraceFormat};

use crate::command::stdout;
use crate::traces::place;

/// Counterexamples of more steps take long to find; that they say why as well is tested where the tables are.
const STEPS_MAX: usize = 6;

/// The text as a reader takes it in: no tags, entities or line ends.
fn read(text: &str) -> String {
    let mut plain = String::new();
    let mut is_tag = false;
    for letter in text.chars() {
        match letter {
            '<' => is_tag = true,
            '>' if is_tag => {
                is_tag = false;
                plain.push(' ');
            }
            _ if is_tag => {}
            letter => plain.push(letter),
        }
    }
    let entities = [
        ("&gt;", ">"),
        ("&lt;", "<"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&amp;", "&"),
        ("#gt;", ">"),
        ("#lt;", "<"),
        ("#59;", ";"),
        ("\\\"", "\""),
    ];
    let plain = entities.iter().fold(plain, |text, (entity, plain)| text.replace(entity, plain));
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text says all that is to be said of `trace`.
pub(crate) fn assert_explains(trace: &Trace, text: &str, what: &str) {
    let explanation = trace.explanation().unwrap();
    let text = read(text);
    let witness = explanation.witness.clone().unwrap();
    let says = [explanation.says, &witness.holds, &witness.should_hold];
    for sentence in says.into_iter().chain(explanation.departs.iter().map(String::as_str)) {
        let sentence = read(sentence);
        assert!(text.contains(&sentence), "{what} does not say {sentence:?}:\n{text}");
    }
    for rule in trace.steps().iter().flat_map(|step| step.rules.clone()) {
        assert!(text.contains(rule), "{what} does not say {rule}:\n{text}");
    }
}

/// Every file that the run can be written to says all that is to be said.
pub(crate) fn assert_every_file_explains(trace: &Trace, name: &str) {
    for format in TraceFormat::ALL {
        let path = place(&format!("{name}{}", format.ending()));
        TraceFile { path: path.clone(), format: *format }.write(trace).unwrap();
        assert_explains(trace, &fs::read_to_string(&path).unwrap(), &path.display().to_string());
    }
}

/// The property is false at the end and nowhere before, and the witness is what the state there holds.
fn assert_is_witnessed(trace: &Trace, property: WorldProperty) {
    let world = trace.subject.world();
    let (last, before) = trace.path.split_last().unwrap();
    assert!(before.iter().all(|(_, state)| property.is_true(&world, state)), "{property:?}");
    assert!(!property.is_true(&world, &last.1), "{property:?}");
    let witness = trace.explanation().unwrap().witness.unwrap();
    if let Some(block) = witness.block {
        let fields = describe::fields(&world, &last.1);
        let (_, image) = fields.iter().find(|(name, _)| *name == witness.place).unwrap();
        let held = format!("{block}={}", witness.holds);
        assert!(image.split(' ').any(|held_there| held_there == held), "{witness}: {image}");
    }
}

/// What each step leans on it does lean on, and the first step that departs is marked.
fn assert_is_marked(trace: &Trace) {
    let world = trace.subject.world();
    let taken = |world: &World, step: usize| {
        let ((_, before), (action, _)) = (&trace.path[step - 1], &trace.path[step]);
        let after = world.attempt_raw(before, action.unwrap()).ok()?;
        Some(describe::fields(&trace.subject.world(), &after))
    };
    let under_all = World { rules: Variant::Hardened.rules(), ..world.clone() };
    let steps = trace.steps();
    let marked: Vec<_> = steps.iter().filter(|step| step.departs.is_some()).collect();
    assert_eq!(marked.len(), 1, "{}", trace.title());
    for step in &steps {
        let is_same = taken(&under_all, step.step) == taken(&world, step.step);
        assert!(step.step >= marked[0].step || is_same, "step {} departs", step.step);
    }
}

/// The counterexample that `row` tells of, and the report with it.
fn found(row: &AblationRow) -> (Report, Trace) {
    let mut instance = Instance::load(&row.instance).unwrap();
    instance.without = vec![row.rule.parse().unwrap()];
    let question = Question::about(instance, 2);
    let outcome = question.ask(Watch::default()).unwrap();
    let found = outcome.discovery(row.shown.property().unwrap()).unwrap();
    (Report::new(&question, &outcome), trace(&question, found))
}

#[test]
fn every_format_of_a_counterexample_says_why_it_is_one() {
    for row in ablate::table().unwrap() {
        let CaseFinding::Always { property, steps: 0..=STEPS_MAX } = &row.shown else { continue };
        let (report, trace) = found(&row);
        assert_is_witnessed(&trace, WorldProperty::named(property).unwrap());
        assert_is_marked(&trace);
        assert_every_file_explains(&trace, &format!("without_{}", row.rule));
        let json = serde_json::to_string(&report).unwrap();
        let xml = junit::check(&report).to_string().unwrap();
        for (format, text) in [("text", report.to_string()), ("json", json), ("junit", xml)] {
            assert_explains(&trace, &text, &format!("{format} without {}", row.rule));
        }
    }
}

#[test]
fn a_variant_marks_the_step_that_the_full_rules_take_otherwise() {
    let report = stdout(&["check", "smoke", "--variant", "published"], 1);
    let marked = report.lines().filter(|line| line.starts_with('*')).count();
    assert!(marked > 0 && report.contains("departs from the full rules: with "), "{report}");
    let report = stdout(&["check", "smoke", "--without", Rule::Xfer2.id()], 1);
    assert!(report.contains("departs from the full rules: with XFER-2 it would"), "{report}");
    assert!(report.contains("Witness: block "), "{report}");
}
