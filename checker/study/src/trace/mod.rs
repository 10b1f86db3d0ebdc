//! A run of a world with what a reader needs to follow it: which world, which property, and each step with who took it,
//! whom it reached and what it changed. Every report and every file format is written from this one structure; how each
//! looks is in the files beside.

pub mod diagram;
pub mod explanation;
pub mod file;
pub mod itf;
pub mod mermaid;
pub mod meta;
pub mod svg;
pub mod text;
pub mod value;
pub mod variables;

use serde::Serialize;
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::describe;
use syncsplit_model::world::parties::Course;
use syncsplit_model::world::{Action, Bounds, State, Variant, World};

use crate::trace::explanation::{Explanation, departure};

/// The most backups of a run whose ids the world can tell apart when they are not renamed.
const TRUE_IDS_MAX: u32 = 63;

/// The world that a run is of.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The instance's name.
    pub instance: String,
    /// How large it is, in full: the name alone may mean something else tomorrow.
    pub bounds: Bounds,
    /// The reading of the protocol.
    pub variant: Variant,
    /// The rules left out by name.
    pub without: Vec<Rule>,
}

impl Subject {
    /// The world itself, its writes named for a reader.
    #[must_use]
    pub fn world(&self) -> World {
        World::new(self.bounds, self.variant, &self.without).rising()
    }

    /// The world in one line: `ci, hardened without SYNC-5`.
    #[must_use]
    pub fn title(&self) -> String {
        let without: String = self.without.iter().map(|rule| format!(" without {rule}")).collect();
        format!("{}, {}{without}", self.instance, self.variant.name())
    }
}

/// Which numbers stand in a run's states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Numbers {
    /// Sequence numbers, values and ids as they were given.
    #[default]
    True,
    /// Those of the normal form, in which a run of any length, and a loop, has finitely many.
    Renamed,
}

/// The initial state, then each action with the state it led to.
pub type Path = Vec<(Option<Action>, State)>;

/// A run of the world.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The world it is a run of.
    pub subject: Subject,
    /// The property that its end violates, or that its loop violates; none for a run that shows something else.
    pub property: Option<&'static str>,
    /// Which numbers stand in `path`.
    pub numbers: Numbers,
    /// Its states, and the actions between them.
    pub path: Path,
    /// For a run without end: the index of the state that the last one is again, up to names. Stem and loop follow each
    /// other in `path`, and the step that closes the loop is the last one.
    pub loop_from: Option<usize>,
}

impl Trace {
    /// The run along `path`, whose states are normal forms, with true numbers where they can be found: along a loop too,
    /// which comes back to the same state only up to names.
    #[must_use]
    pub fn new(
        subject: Subject,
        property: Option<&'static str>,
        path: &[(Option<Action>, State)],
        loop_from: Option<usize>,
    ) -> Self {
        let renamed = || (Numbers::Renamed, path.to_vec());
        let (numbers, path) = with_true_numbers(&subject.world(), path).unwrap_or_else(renamed);
        Self { subject, property, numbers, path, loop_from }
    }

    /// How many steps it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.path.len().saturating_sub(1)
    }

    /// Whether it has no step.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The run in one line: the world, and what it violates.
    #[must_use]
    pub fn title(&self) -> String {
        match self.property {
            Some(property) => format!("{}: {property} is violated", self.subject.title()),
            None => self.subject.title(),
        }
    }

    /// How a run without end goes on after its last step, in a sentence; none for a run that ends.
    #[must_use]
    pub fn closing(&self) -> Option<String> {
        let from = self.loop_from?;
        let last = self.len();
        Some(match (last.saturating_sub(from), self.numbers) {
            (0, _) => format!("After step {last} nothing has to happen any more."),
            (_, Numbers::True) => format!(
                "After step {last} the run goes on with step {} for ever: it is in state {from} again, up to names.",
                from + 1
            ),
            (_, Numbers::Renamed) => format!(
                "After step {last} the run goes on with step {} for ever: it is in state {from} again.",
                from + 1
            ),
        })
    }

    /// Why it is a counterexample; none if it violates nothing.
    #[must_use]
    pub fn explanation(&self) -> Option<Explanation> {
        Explanation::of(self)
    }

    /// Each step.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        steps(&self.subject.world(), &self.path)
    }
}

fn with_true_numbers(world: &World, path: &[(Option<Action>, State)]) -> Option<(Numbers, Path)> {
    let concrete = world.concrete(path);
    let newest = |(_, state): &(Option<Action>, State)| state.requester.newest.0;
    let ends = concrete.first().zip(concrete.last());
    let distinct = ends.is_some_and(|(first, last)| newest(last) - newest(first) < TRUE_IDS_MAX);
    (concrete.len() == path.len() && distinct).then_some((Numbers::True, concrete))
}

/// One field that a step changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The field.
    pub field: &'static str,
    /// What it was.
    pub before: String,
    /// What it is.
    pub after: String,
}

/// One step of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Its number, from 1.
    pub step: usize,
    /// Who took it.
    pub who: &'static str,
    /// Who gives, in a diagram.
    pub from: &'static str,
    /// Who takes, in a diagram; the giver itself if nothing passes.
    pub to: &'static str,
    /// What was done, with arguments.
    pub what: String,
    /// Each field that changed, as `field: before -> after`.
    pub changed: Vec<String>,
    /// Ids of the rules that it leans on: without one of them it would not be taken, or would end in another state.
    pub rules: Vec<&'static str>,
    /// The fault that it is, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<&'static str>,
    /// How it departs from what all rules allow; of the steps of a run the first alone has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub departs: Option<String>,
    /// From whom to whom it goes.
    #[serde(skip)]
    pub course: Course,
    /// Each field that changed.
    #[serde(skip)]
    pub changes: Vec<Change>,
}

impl Step {
    /// The step numbered `step`, that takes `action` from `before` to `after`.
    #[must_use]
    pub fn new(world: &World, step: usize, before: &State, action: &Action, after: &State) -> Self {
        let course = world.course(action);
        let changes = changes(world, before, after);
        let text = |change: &Change| {
            let Change { field, before, after } = change;
            format!("{field}: {before} -> {after}")
        };
        Self {
            step,
            who: world.actor(action).name(),
            from: course.from().name(),
            to: course.to().name(),
            what: describe::action_text(action),
            changed: changes.iter().map(text).collect(),
            rules: world.leans_on(before, *action).into_iter().map(Rule::id).collect(),
            fault: action.fault(before.link_up).map(|fault| fault.name()),
            departs: departure(world, before, *action),
            course,
            changes,
        }
    }
}

/// Each step of `path`: the initial state, then each action with the state it led to.
#[must_use]
pub fn steps(world: &World, path: &[(Option<Action>, State)]) -> Vec<Step> {
    let step = |(index, pair): (usize, &[(Option<Action>, State)])| match pair {
        [(_, before), (Some(action), after)] => {
            Some(Step::new(world, index + 1, before, action, after))
        }
        _ => None,
    };
    let mut steps: Vec<_> = path.windows(2).enumerate().filter_map(step).collect();
    mark_first(&mut steps);
    steps
}

/// Leaves of the departures of a run's steps the first: those after it begin where all rules never lead.
pub fn mark_first(steps: &mut [Step]) {
    let departing = steps.iter_mut().filter(|step| step.departs.is_some());
    departing.skip(1).for_each(|step| step.departs = None);
}

/// Each field that differs between two states, in the order of [`describe::fields`].
#[must_use]
pub fn changes(world: &World, before: &State, after: &State) -> Vec<Change> {
    let before = describe::fields(world, before);
    let after = describe::fields(world, after);
    before
        .into_iter()
        .zip(after)
        .filter(|(old, new)| old.1 != new.1)
        .map(|((field, before), (_, after))| Change { field, before, after })
        .collect()
}
