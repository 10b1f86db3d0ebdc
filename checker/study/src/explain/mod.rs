//! What a name of SPEC.md stands for: its text there, a run that shows what it is about, and where the code has it. Each of
//! the three is found by a file beside; this one says which belongs to what.

mod example;
mod places;
mod spec;
mod text;
mod topic;

use serde::Serialize;
use syncsplit_engine::Limits;
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{
    ActionKind, Fault, INSTANCES, PromiseInfo, State, World, WorldProperty,
};

pub use self::places::{Place, places};
pub use self::spec::Passage;
pub use self::topic::{Topic, UnknownTopic};
use crate::ablate::{self, AblationRow};
use crate::case::CaseFinding;
use crate::instance::{Instance, Refused};
use crate::matrix;
use crate::question::{Question, Watch};
use crate::report;
use crate::trace::{Step, Trace};

/// States of a search that is made for an explanation; a count and not a time, so that the same is said on any machine.
const STATES_MAX: u64 = 150_000;

/// All that is said of one topic. Serialized, it is what `--format json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// Its name.
    pub name: &'static str,
    /// What kind of thing it is.
    pub kind: String,
    /// It in one line.
    pub says: &'static str,
    /// What SPEC.md says of it.
    pub spec: Vec<Passage>,
    /// What shows its harm, or what it is like.
    pub demonstrations: Vec<Demonstration>,
    /// Where the model's code has it.
    pub places: Vec<Place>,
}

/// Something that shows what a topic is about.
#[derive(Clone, Debug, Serialize)]
pub struct Demonstration {
    /// What is shown, and where.
    pub says: String,
    /// The command that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// A shortest run, unless its search is left to the command.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// The same run.
    #[serde(skip)]
    trace: Option<Trace>,
}

impl Demonstration {
    fn new(says: String, command: Option<String>, trace: Option<Trace>) -> Self {
        let steps = trace.as_ref().map(Trace::steps).unwrap_or_default();
        Self { says, command, steps, trace }
    }
}

/// Explains `topic`.
///
/// # Errors
/// A table of this repository is malformed: the sentence names it.
pub fn explain(topic: Topic) -> Result<Explanation, String> {
    let demonstrations = match topic {
        Topic::Rule(rule) => vec![of_rule(rule)?],
        Topic::Property(property) => of_property(property)?,
        Topic::Promise(promise) => of_promise(promise)?,
        Topic::Fault(fault) => of_fault(fault)?,
        Topic::Action(kind) => vec![of_action(kind)?],
    };
    Ok(Explanation {
        name: topic.name(),
        kind: topic.kind(),
        says: topic.says(),
        spec: passages(topic),
        demonstrations,
        places: places(topic),
    })
}

fn passages(topic: Topic) -> Vec<Passage> {
    match topic {
        Topic::Rule(rule) => spec::of_rule(rule.id()),
        Topic::Property(property) => {
            let name = property.name();
            spec::of_name(name.strip_suffix("/reached").unwrap_or(name), &["7.1"])
        }
        Topic::Promise(promise) => spec::of_name(promise.name, &["7.2"]),
        Topic::Fault(fault) => {
            let mut all = spec::of_name(fault.name(), &["8.5"]);
            all.extend(spec::rows_naming(fault.name(), "8.4.3"));
            all
        }
        Topic::Action(kind) => spec::of_name(kind.name(), &["7.2", "8.4.3"]),
    }
}

/// What breaks without a rule, by the table of `ablate`.
fn of_rule(rule: Rule) -> Result<Demonstration, String> {
    let row = ablate::table()?.into_iter().find(|row| row.rule == rule.id());
    match row.filter(|row| row.shown != CaseFinding::Nothing {}) {
        Some(row) => harm_of(&row, rule),
        None => {
            let says = ablate::harm_shows(rule)?;
            let says = says.unwrap_or_else(|| format!("the table of ablate has no row for {rule}"));
            Ok(Demonstration::new(says, Some(format!("syncsplit ablate --only {rule}")), None))
        }
    }
}

/// The harm that a row of the table tells of, with its run where a short search finds it.
fn harm_of(row: &AblationRow, rule: Rule) -> Result<Demonstration, String> {
    let mut instance = load(&row.instance)?;
    instance.without.push(rule);
    instance.expected = None;
    let trace = counterexample(instance);
    let command = format!("syncsplit check {} --without {rule}", row.instance);
    let says = match &trace {
        Some(_) => format!("without {rule}, on {}: {}", row.instance, row.shown),
        None => format!(
            "without {rule}, on {}: {}; the search is longer than those made here",
            row.instance, row.shown
        ),
    };
    Ok(Demonstration::new(says, Some(command), trace))
}

/// The shortest counterexample of an instance, if a short search finds one.
fn counterexample(instance: Instance) -> Option<Trace> {
    let limits = Limits { states: Some(STATES_MAX), ..Limits::default() };
    let question = Question { limits, ..Question::about(instance, 1) };
    let outcome = question.ask(Watch::default()).ok()?;
    report::shortest(&question, &outcome)
}

fn of_property(property: WorldProperty) -> Result<Vec<Demonstration>, String> {
    let name = property.name();
    let Some(twin) = property.twin() else {
        return Ok(vec![arises(name, |world, state| property.is_true(world, state))?]);
    };
    let arises = arises(twin.name(), |world, state| twin.is_true(world, state))?;
    Ok(vec![broken(name)?, arises])
}

fn of_promise(promise: &PromiseInfo) -> Result<Vec<Demonstration>, String> {
    let arises = arises(promise.name, |_, state| (promise.from)(state))?;
    Ok(vec![broken(promise.name)?, arises])
}

/// What breaks the property or promise `name`: the rule without which it breaks soonest, or a variant.
fn broken(name: &str) -> Result<Demonstration, String> {
    let mut rows = ablate::table()?;
    rows.retain(|row| row.shown.property() == Some(name));
    rows.sort_by_key(|row| row.shown.steps());
    if let Some(row) = rows.first() {
        let rule = row.rule.parse::<Rule>().map_err(|error| error.to_string())?;
        let mut shown = harm_of(row, rule)?;
        let others: Vec<_> = rows.iter().skip(1).map(|row| row.rule.as_str()).collect();
        if !others.is_empty() {
            shown.says += &format!("; it breaks without {} as well", others.join(", "));
        }
        return Ok(shown);
    }
    let row = matrix::table()?.into_iter().find(|row| row.shown.property() == Some(name));
    Ok(match row {
        Some(row) => Demonstration::new(
            format!("under {}, faults {}: {}", row.variant, row.faults, row.shown),
            row.command(),
            row.instance().and_then(counterexample),
        ),
        None => Demonstration::new(
            format!(
                "the tables of ablate and matrix know no rule and no variant without which {name} is the first to break"
            ),
            None,
            None,
        ),
    })
}

/// The shortest run in a small instance to a state that `is_so`, by which the question of `name` arises.
fn arises(name: &str, is_so: impl Fn(&World, &State) -> bool) -> Result<Demonstration, String> {
    let trace = example::shortest(small_first()?, |world, (_, _, after)| is_so(world, after));
    Ok(shown(&format!("the question of {name} arises"), trace))
}

/// What the variants lose under the faults of this one's class, and the shortest run in which it happens.
fn of_fault(fault: Fault) -> Result<Vec<Demonstration>, String> {
    let class = fault.class().name();
    let table = matrix::table()?;
    let idle = |row: &&matrix::MatrixRow| row.faults == matrix::NONE;
    let always: Vec<_> =
        table.iter().filter(idle).filter(|row| row.shown.property().is_some()).collect();
    let lost = table.iter().filter(|row| {
        let breaks_anyway = always.iter().any(|other| other.variant == row.variant);
        row.faults == class && row.shown.property().is_some() && !breaks_anyway
    });
    let lost: Vec<_> = lost.collect();
    let says = match lost.as_slice() {
        [] => {
            format!("faults of the class {class} alone break no variant that holds without faults")
        }
        rows => {
            let each = rows.iter().map(|row| format!("under {}: {}", row.variant, row.shown));
            format!("faults of the class {class}, {}", each.collect::<Vec<_>>().join("; "))
        }
    };
    let trace = lost.first().and_then(|row| row.instance()).and_then(counterexample);
    let harm = Demonstration::new(says, lost.first().and_then(|row| row.command()), trace);
    let instances = small_first()?.into_iter().filter(|one| one.bounds.faults.contains(fault));
    let trace = example::shortest(instances, |_, (before, action, _)| {
        action.fault(before.link_up) == Some(fault)
    });
    Ok(vec![harm, shown(&format!("{} happens", fault.name()), trace)])
}

fn of_action(kind: ActionKind) -> Result<Demonstration, String> {
    let instances = small_first()?.into_iter().filter(|instance| {
        World::new(instance.bounds, instance.variant, &instance.without).can_offer(kind)
    });
    let trace = example::shortest(instances, |_, (_, action, _)| action.kind() == kind);
    let fault = trace.as_ref().and_then(|trace| {
        let [.., (_, before), (Some(action), _)] = trace.path.as_slice() else { return None };
        action.fault(before.link_up)
    });
    let is_fault = fault.map_or(String::new(), |fault| format!(", the fault {}", fault.name()));
    Ok(shown(&format!("{} happens{is_fault}", kind.name()), trace))
}

fn shown(what: &str, trace: Option<Trace>) -> Demonstration {
    let (says, command) = match &trace {
        Some(trace) => {
            let Trace { subject, .. } = trace;
            let title = subject.title();
            let says = format!("{what} on {title} after {} step(s) at the earliest", trace.len());
            (says, Some(format!("syncsplit explore {}", subject.instance)))
        }
        None => (format!("no short run shows that {what}"), None),
    };
    Demonstration::new(says, command, trace)
}

fn load(name: &str) -> Result<Instance, String> {
    Instance::load(name).map_err(|refused| refused.to_string())
}

/// Every instance that has a name, the small ones first.
fn small_first() -> Result<Vec<Instance>, String> {
    let mut all = Instance::all().map_err(|refused: Refused| refused.to_string())?;
    all.rotate_left(INSTANCES.len());
    Ok(all)
}
