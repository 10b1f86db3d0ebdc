//! What one check is asked, whether it can be, and the way from there to an engine's outcome. Who asks, and how the
//! outcome is printed, is not decided here.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use strum::{EnumMessage, IntoStaticStr, VariantArray};
use syncsplit_engine::{
    Ending, EngineError, Keep, KeptOutcome, Limits, Options, Progress, SearchOutcome, StopAt,
    Store, liveness, stateright,
};
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{
    Action, Bounds, PROMISES, PromiseInfo, State, Variant, Verdict, World, WorldProperty,
};
use syncsplit_search::{Goal, SearchSpace};

use crate::coverage;
use crate::instance::Instance;
use crate::reduce::{self, Reduction};

/// Which engine searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumMessage, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Engine {
    /// Breadth first, exact, states kept in a few bytes; the same outcome on any number of threads
    Native,
    /// stateright's breadth-first search by fingerprints, to cross-check the counts; knows no depth
    Stateright,
}

impl Engine {
    /// The engine's name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// How a run is watched from outside.
#[derive(Clone, Copy, Default)]
pub struct Watch<'a> {
    /// Told now and then how far the run is.
    pub progress: Option<&'a dyn Fn(&Progress)>,
    /// Ends the run when it is raised.
    pub interrupt: Option<&'a AtomicBool>,
}

/// What one check is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The world.
    pub instance: Instance,
    /// The reading of the protocol.
    pub variant: Variant,
    /// The rules left out.
    pub without: Vec<Rule>,
    /// The properties to check by name; all when empty.
    pub properties: Vec<&'static str>,
    /// What keeps states or steps out of the search.
    pub reduce: Vec<Reduction>,
    /// What is kept of each state.
    pub store: Store,
    /// The engine.
    pub engine: Engine,
    /// Worker threads, at least 1.
    pub threads: usize,
    /// What ends the run early.
    pub limits: Limits,
    /// Whether the first level with a violation ends the run.
    pub stop: StopAt,
    /// The state that is looked for, in place of properties and promises.
    pub goal: Option<Arc<dyn Goal>>,
}

/// An engine's failure in words; none of them is a verdict.
pub type CheckError = Box<EngineError<Action, State>>;

impl Question {
    /// What an instance itself asks: everything that it names, of the native engine, without a limit.
    #[must_use]
    pub fn about(instance: Instance, threads: usize) -> Self {
        Self {
            variant: instance.variant,
            without: instance.without.clone(),
            properties: instance.properties.clone(),
            reduce: Vec::new(),
            store: Store::Exact,
            engine: Engine::Native,
            threads,
            limits: Limits::default(),
            stop: StopAt::FirstViolation,
            goal: None,
            instance,
        }
    }

    /// Refuses a question that the world, the engine or its store cannot answer.
    ///
    /// # Errors
    /// Two parts of the question do not go together: the sentence names both, and what would be valid.
    pub fn check(&self) -> Result<(), String> {
        for promise in PROMISES.iter().filter(|promise| self.properties.contains(&promise.name)) {
            refuse_promise(promise, &self.instance.bounds, self.engine)?;
        }
        if let Some(refusal) = self.reduce.iter().find_map(|reduce| refuse_reduction(self, *reduce))
        {
            return Err(refusal);
        }
        refuse_fingerprints(self)
    }

    /// Whether nothing but the instance decides what is asked, so that what it expects can be compared.
    #[must_use]
    pub fn is_as_the_instance_asks(&self) -> bool {
        let Instance { variant, without, properties, .. } = &self.instance;
        let is_same =
            self.variant == *variant && self.without == *without && self.properties == *properties;
        is_same && self.stop == StopAt::FirstViolation && self.goal.is_none()
    }

    /// The space that is searched.
    #[must_use]
    pub fn space(&self) -> SearchSpace {
        let space = SearchSpace::new(self.world());
        let space = match &self.goal {
            Some(goal) => space.seeking(Arc::clone(goal)),
            None => space.asking(self.asked_properties(), self.asked_promises()),
        };
        reduce::reduced(space, &self.reduce)
    }

    /// The properties that are checked: those named and their twins, or the world's default ones when nothing is named.
    fn asked_properties(&self) -> Vec<WorldProperty> {
        if self.properties.is_empty() {
            return self.world().default_properties().collect();
        }
        let is_asked = |property: &WorldProperty| {
            self.properties.contains(&property.name()) || self.is_silent(property.name())
        };
        WorldProperty::ALL.iter().copied().filter(is_asked).collect()
    }

    /// Whether `name` is a twin that nobody named, asked beside the property of its name to tell whether that one's question
    /// ever arose. What a named instance asks by itself is pinned without.
    #[must_use]
    pub fn is_silent(&self, name: &str) -> bool {
        let is_pinned = self.instance.is_named() && self.is_as_the_instance_asks();
        let of = name.strip_suffix("/reached").filter(|_| !is_pinned);
        of.is_some_and(|of| self.properties.contains(&of)) && !self.properties.contains(&name)
    }

    /// Whether the question says that `name` must be reached: a named instance says so of all that it asks, and whoever
    /// names a `sometimes`.
    fn must_be_reached(&self, name: &str) -> bool {
        if self.properties.is_empty() {
            self.instance.is_named()
        } else {
            name.contains('/') && self.properties.contains(&name)
        }
    }

    /// The properties and promises whose question never arose in the whole space: no state was one that their twin, or
    /// their first condition, is true of.
    #[must_use]
    pub fn unexercised<A, S>(&self, outcome: &SearchOutcome<A, S>) -> Vec<&'static str> {
        let properties = outcome.properties.iter().map(|one| (one.name, one.verdict));
        let promises = outcome.promises.iter().map(|one| (one.name, one.verdict));
        let silent = properties.chain(promises).filter(|(name, verdict)| {
            *verdict == syncsplit_engine::Verdict::Unreachable && !self.must_be_reached(name)
        });
        silent.map(|(name, _)| name.strip_suffix("/reached").unwrap_or(name)).collect()
    }

    /// The promises that are checked: those named, or the instance's when nothing is named, which apply to its bounds.
    #[must_use]
    pub fn asked_promises(&self) -> Vec<&'static PromiseInfo> {
        if self.goal.is_some() {
            return Vec::new();
        }
        let all =
            self.instance.promises && self.engine == Engine::Native && self.properties.is_empty();
        let is_asked = |info: &&PromiseInfo| {
            (all || self.properties.contains(&info.name)) && info.applies(&self.instance.bounds)
        };
        PROMISES.iter().filter(is_asked).collect()
    }

    /// The world that the question is about.
    #[must_use]
    pub fn world(&self) -> World {
        World::new(self.instance.bounds, self.variant, &self.without)
    }

    /// Asks the engine.
    ///
    /// # Errors
    /// The engine failed before it came to an outcome; a limit is no failure.
    pub fn ask(&self, watch: Watch<'_>) -> Result<SearchOutcome<Action, State>, CheckError> {
        Ok(self.ask_kept(watch, &Keep::default())?.outcome)
    }

    /// Asks the engine, and keeps on disk what `keep` says. Only the native engine can do that; for another one nothing
    /// is kept.
    ///
    /// # Errors
    /// As [`Self::ask`]; or the file to go on with is not one of this check.
    pub fn ask_kept(
        &self,
        watch: Watch<'_>,
        keep: &Keep<'_>,
    ) -> Result<KeptOutcome<Action, State>, CheckError> {
        let space = self.space();
        let options = Options {
            threads: self.threads,
            stop: self.stop,
            store: self.store,
            limits: self.limits,
            kind: Some(coverage::group),
            interrupt: watch.interrupt,
            progress: watch.progress,
        };
        let kept = match self.engine {
            Engine::Native => liveness::run_kept(&space, &options, keep),
            Engine::Stateright => stateright::run(Arc::new(space.clone()), &options)
                .map(|outcome| KeptOutcome { outcome, resumed: None, written: None }),
        };
        let mut kept = kept.map_err(Box::new)?;
        reduce::unfold(&self.world(), &space, &mut kept.outcome)?;
        Ok(kept)
    }
}

/// What an outcome comes to. A limit that was reached never lets anything hold, and neither does a search in which no
/// question arose.
#[must_use]
pub fn verdict<A, S>(question: &Question, outcome: &SearchOutcome<A, S>) -> Verdict {
    let properties = outcome.properties.iter().map(|one| (one.name, one.verdict));
    let promises = outcome.promises.iter().map(|one| (one.name, one.verdict));
    let mut all = properties.chain(promises);
    let unexercised = question.unexercised(outcome);
    let is_broken = |(name, verdict): (&'static str, syncsplit_engine::Verdict)| match verdict {
        syncsplit_engine::Verdict::Violated => true,
        syncsplit_engine::Verdict::Unreachable => question.must_be_reached(name),
        syncsplit_engine::Verdict::Holds
        | syncsplit_engine::Verdict::Reached
        | syncsplit_engine::Verdict::Unknown => false,
    };
    if all.clone().any(is_broken) {
        return Verdict::Violated;
    }
    let arose = all.any(|(name, _)| {
        let of = name.strip_suffix("/reached").unwrap_or(name);
        !unexercised.contains(&of)
    });
    let is_whole = outcome.ending == Ending::Complete && outcome.cut_by_boundary == 0;
    if is_whole && arose { Verdict::Holds } else { Verdict::Undecided }
}

/// Refuses to ask for a promise that the world or the engine cannot answer for.
fn refuse_promise(promise: &PromiseInfo, bounds: &Bounds, engine: Engine) -> Result<(), String> {
    let name = promise.name;
    if engine != Engine::Native {
        return Err(format!("the engine {} judges no promise; {name} needs native", engine.name()));
    }
    if !promise.applies(bounds) {
        let needs = promise.needs;
        return Err(format!("{name} is not asked of this world: it needs {needs}"));
    }
    Ok(())
}

/// Refuses fingerprints where they do not tell what is asked.
fn refuse_fingerprints(question: &Question) -> Result<(), String> {
    if question.store == Store::Exact {
        return Ok(());
    }
    if question.engine != Engine::Native {
        let engine = question.engine.name();
        return Err(format!(
            "the engine {engine} has a store of its own; fingerprint needs native"
        ));
    }
    question.asked_promises().first().map_or(Ok(()), |promise| {
        Err(format!(
            "the store fingerprint answers for no promise, and {} is asked: fingerprints do not tell how states \
             are connected; name properties alone with --property, or keep the store exact",
            promise.name
        ))
    })
}

/// What a reduction needs that `question` does not have.
fn refuse_reduction(question: &Question, reduction: Reduction) -> Option<String> {
    let name = reduction.name();
    if question.engine != Engine::Native {
        let engine = question.engine.name();
        return Some(format!("the engine {engine} knows no reduction; {name} needs native"));
    }
    if let Some(promise) = question.asked_promises().first() {
        return Some(format!(
            "the reduction {name} answers for no promise, and {} is asked: the runs that are fair are not the \
             same ones; name properties alone with --property, or leave --reduce out",
            promise.name
        ));
    }
    if reduction == Reduction::Sleep {
        return refuse_sleep(question);
    }
    if question.goal.is_some() {
        return Some(format!(
            "the reduction {name} leaves states out, and any could be the one that is looked for; valid beside --reach is {}",
            Reduction::Sleep.name()
        ));
    }
    (reduction == Reduction::Symmetry && question.world().automorphisms().is_empty()).then(|| {
        format!(
            "the reduction symmetry finds no two blocks of {} that can be exchanged: a transaction of two \
             writes takes the first and the last; --transactions any gives no block a part of its own",
            question.instance.name
        )
    })
}

fn refuse_sleep(question: &Question) -> Option<String> {
    if let Some(other) = question.reduce.iter().find(|other| **other != Reduction::Sleep) {
        let other = other.name();
        return Some(format!(
            "the reduction sleep knows steps of the world itself, and {other} changes what a step is; name one of them"
        ));
    }
    (!question.world().knows_what_commutes()).then(|| {
        let without = match question.without.as_slice() {
            [] => String::new(),
            rules => format!(" without {}", rules.iter().map(|r| r.id()).collect::<Vec<_>>().join(", ")),
        };
        format!(
            "the reduction sleep rests on all rules of {}, and {}{without} is asked; leave --reduce sleep out",
            Variant::Hardened.name(),
            question.variant.name()
        )
    })
}
