//! The second opinion: stateright's own breadth-first search, told and asked like `packed`.
//!
//! Never here: a search of our own. The model is wrapped so that stateright keeps going when it
//! should, stops when it must and hands back the first state that settles a property; which
//! states there are is for stateright alone to find out.
//!
//! What differs from `packed`: states are told apart by 64-bit fingerprints; with more than one
//! thread traces are not the shortest and no depth is given; after a violation other properties
//! violated at the same depth may be missing; no deadlocks, levels or kinds are counted.

use super::guard::{guard, message_of};
use super::limits::{Glance, Limit, Pulse, Watch, peak_bytes};
use super::positions::{NAMES, POSITIONS_MAX, Positions, conditions};
use super::{
    Discovery, Doing, Ending, EngineError, Failure, Options, RunResult, SearchOutcome, StopAt,
    Trace, judge, properties_of,
};
use ::stateright::{Checker, Expectation, HasDiscoveries, Model, Path, Property};
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The bounds of the sleep between two looks at the search.
const LOOK_FIRST: Duration = Duration::from_micros(100);
const LOOK_LAST: Duration = Duration::from_millis(10);

/// Searches the whole of `model`, or up to what `options` say. `Options::kind` is not used.
///
/// # Errors
///
/// The model panics, or has an `eventually` or more properties than there is room for. Of a panic only the state and the
/// action are told, not the way there.
pub fn run<M>(model: Arc<M>, options: &Options<'_, M::Action>) -> RunResult<M>
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Eq + Hash + Send + Sync,
    M::Action: Clone + PartialEq + Send + Sync,
{
    let watch = Watch::new(options.limits, options.interrupt);
    let pulse = Pulse::new(&watch, options.progress);
    let properties = properties_of(model.as_ref())?;
    if properties.len() > POSITIONS_MAX {
        return Err(EngineError::TooManyProperties { most: POSITIONS_MAX });
    }
    let threads = options.threads.max(1);
    let until = match options.stop {
        StopAt::FirstViolation => HasDiscoveries::AnyFailures,
        // The sentinel property is never discovered, so this waits for the last state.
        StopAt::Exhaust => HasDiscoveries::All,
    };
    let watched = Watched::new(model, properties.clone());
    let builder = watched.checker().threads(threads).finish_when(until);
    let checker = guard(Doing::Setup, || builder.spawn_bfs())?;
    let (checker, limit) = oversee(checker, &watch, &pulse)?;
    let watched = checker.model();
    if let Some(error) = watched.broke() {
        return Err(error);
    }
    let initial = watched.initial.load(Ordering::Relaxed);
    let cut_by_boundary = watched.cut.load(Ordering::Relaxed);
    let found = discoveries_of(&checker)?;
    let is_found = |p: usize| found.contains_key(NAMES[p]);
    let violated = |p: usize| properties[p].expectation == Expectation::Always && is_found(p);
    let ending = match limit {
        Some(limit) => Ending::Limit(limit),
        None if options.stop == StopAt::FirstViolation && (0..properties.len()).any(violated) => {
            Ending::Violation
        }
        None => Ending::Complete,
    };
    let knows_depth = threads == 1 && ending == Ending::Complete;
    Ok(SearchOutcome {
        ending,
        properties: judge(&properties, is_found, ending),
        distinct: checker.unique_state_count() as u64,
        transitions: (checker.state_count() as u64).saturating_sub(initial),
        // Stateright counts states on a path where we count edges.
        depth: knows_depth.then(|| checker.max_depth().checked_sub(1)).flatten().map(|d| d as u32),
        seconds: watch.seconds(),
        peak_bytes: peak_bytes(),
        cut_by_boundary,
        deadlocks: None,
        discoveries: in_order(&properties, found),
        levels: Vec::new(),
        kinds: Vec::new(),
        promises: Vec::new(),
    })
}

/// Waits for the search to end, or makes it end at a limit.
fn oversee<M, C>(
    mut checker: C,
    watch: &Watch<'_>,
    pulse: &Pulse<'_>,
) -> Result<(C, Option<Limit>), Failure<M>>
where
    M: Model,
    M::State: Clone + Eq + Hash + Send,
    M::Action: Clone + Send,
    C: Checker<Watched<M>>,
{
    let handles = checker.handles();
    let mut sleep = LOOK_FIRST;
    let mut limit = None;
    while handles.iter().any(|handle| !handle.is_finished()) {
        pulse.beat(|| Glance {
            depth: None,
            distinct: checker.unique_state_count() as u64,
            transitions: checker.state_count() as u64,
            queue: None,
        });
        watch.note_states(checker.unique_state_count() as u64);
        if limit.is_none() && watch.reached().is_some() {
            limit = watch.reached();
            checker.model().stop.store(true, Ordering::Relaxed);
        }
        thread::sleep(sleep);
        sleep = (sleep * 2).min(LOOK_LAST);
    }
    for handle in handles {
        // Only a panic in hashing or comparing gets here; the wrapper catches all others.
        handle.join().map_err(|payload| EngineError::ModelPanicked {
            message: message_of(payload.as_ref()),
            doing: Doing::NextState,
            trace: Vec::new(),
            action: None,
        })?;
    }
    // Traces are built by taking their steps again, which a stopped model would refuse.
    checker.model().stop.store(false, Ordering::Relaxed);
    Ok((checker, limit))
}

/// Paths as stateright has them, by the name of the probe.
type Paths<M> = HashMap<&'static str, Path<<M as Model>::State, <M as Model>::Action>>;

fn discoveries_of<M>(checker: &impl Checker<Watched<M>>) -> Result<Paths<M>, Failure<M>>
where
    M: Model,
    M::State: Clone + Eq + Hash + Send,
    M::Action: Clone + PartialEq + Send,
{
    // Stateright panics when a path cannot be repeated.
    catch_unwind(AssertUnwindSafe(|| checker.discoveries())).map_err(|_| {
        let broke = checker.model().broke();
        broke.unwrap_or(EngineError::NotRepeatable { trace: Vec::new() })
    })
}

fn in_order<M: Model>(
    properties: &[Property<M>],
    mut found: Paths<M>,
) -> Vec<Discovery<M::Action, M::State>> {
    let named = properties.iter().zip(NAMES);
    let settled = named.filter_map(|(property, name)| Some((property, found.remove(name)?)));
    settled
        .map(|(property, path)| Discovery {
            property: property.name,
            expectation: property.expectation.clone(),
            trace: trace_of(path),
        })
        .collect()
}

/// Stateright pairs a state with the action that leaves it, we with the one that led there.
fn trace_of<A, S>(path: Path<S, A>) -> Trace<A, S> {
    let mut led_here = None;
    let steps = path.into_vec().into_iter();
    steps.map(|(state, leaves)| (std::mem::replace(&mut led_here, leaves), state)).collect()
}

/// The model as stateright gets to see it.
struct Watched<M: Model> {
    model: Arc<M>,
    properties: Vec<Property<M>>,
    /// Stateright overwrites a discovery with every later one. A probe therefore reports only
    /// the first state that settles its property.
    found: Vec<AtomicBool>,
    /// Once set no state has actions any more, which runs the queue dry. Stateright's own
    /// timeout is not used: with one thread it is looked at only when the queue is empty.
    stop: AtomicBool,
    initial: AtomicU64,
    cut: AtomicU64,
    broke: Mutex<Option<Failure<M>>>,
}

impl<M> Watched<M>
where
    M: Model,
    M::State: Clone,
    M::Action: Clone,
{
    fn new(model: Arc<M>, properties: Vec<Property<M>>) -> Self {
        Self {
            model,
            found: properties.iter().map(|_| AtomicBool::new(false)).collect(),
            properties,
            stop: AtomicBool::new(false),
            initial: AtomicU64::new(0),
            cut: AtomicU64::new(0),
            broke: Mutex::new(None),
        }
    }

    fn broke(&self) -> Option<Failure<M>> {
        self.broke.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Runs a piece of the model. Its panic is noted, the search stopped, and nothing returned.
    fn shield<T>(
        &self,
        doing: Doing,
        state: Option<&M::State>,
        action: Option<&M::Action>,
        piece: impl FnOnce() -> T,
    ) -> Option<T> {
        let payload = match catch_unwind(AssertUnwindSafe(piece)) {
            Ok(value) => return Some(value),
            Err(payload) => payload,
        };
        self.stop.store(true, Ordering::Relaxed);
        let mut broke = self.broke.lock().unwrap_or_else(PoisonError::into_inner);
        broke.get_or_insert_with(|| EngineError::ModelPanicked {
            message: message_of(payload.as_ref()),
            doing,
            trace: state.map(|state| (None, state.clone())).into_iter().collect(),
            action: action.cloned(),
        });
        None
    }
}

impl<M> Model for Watched<M>
where
    M: Model,
    M::State: Clone + Eq + Hash,
    M::Action: Clone,
{
    type State = M::State;
    type Action = M::Action;

    /// Without duplicates, which stateright would expand twice, and within the boundary, so that
    /// their number can be taken off stateright's count of generated states.
    fn init_states(&self) -> Vec<Self::State> {
        let states = self.shield(Doing::Setup, None, None, || self.model.init_states());
        let mut seen = HashSet::new();
        let mut states = states.unwrap_or_default();
        states.retain(|state| self.within_boundary(state) && seen.insert(state.clone()));
        self.initial.store(states.len() as u64, Ordering::Relaxed);
        states
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Self::Action>) {
        if !self.stop.load(Ordering::Relaxed) {
            let listed = self
                .shield(Doing::Actions, Some(state), None, || self.model.actions(state, actions));
            if listed.is_none() {
                actions.clear();
            }
        }
    }

    fn next_state(&self, state: &Self::State, action: Self::Action) -> Option<Self::State> {
        let named = action.clone();
        let step = || self.model.next_state(state, action);
        self.shield(Doing::NextState, Some(state), Some(&named), step).flatten()
    }

    fn within_boundary(&self, state: &Self::State) -> bool {
        let within = || self.model.within_boundary(state);
        let within = self.shield(Doing::Boundary, Some(state), None, within).unwrap_or(false);
        self.cut.fetch_add(u64::from(!within), Ordering::Relaxed);
        within
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let probes = NAMES.iter().zip(conditions::<Self>());
        let named = self.properties.iter().zip(probes);
        let mut properties: Vec<_> = named
            .map(|(property, (name, condition))| Property {
                expectation: property.expectation.clone(),
                name,
                condition,
            })
            .collect();
        // Stateright ends a search once every property has a discovery; this one never has.
        properties.push(Property::always("sentinel", |_, _| true));
        properties
    }
}

/// Probes are also named by position, because stateright would take two properties of one name for one.
impl<M> Positions for Watched<M>
where
    M: Model,
    M::State: Clone + Eq + Hash,
    M::Action: Clone,
{
    /// The value of the property at `position`, except that it is settled only once.
    fn is_true(&self, position: usize, state: &M::State) -> bool {
        let (Some(property), Some(found)) =
            (self.properties.get(position), self.found.get(position))
        else {
            return true;
        };
        let unsettled = property.expectation == Expectation::Always;
        if found.load(Ordering::Relaxed) || self.stop.load(Ordering::Relaxed) {
            return unsettled;
        }
        let doing = Doing::Property(property.name);
        let value =
            self.shield(doing, Some(state), None, || (property.condition)(&self.model, state));
        let settled = |value: &bool| *value != unsettled && !found.swap(true, Ordering::Relaxed);
        value.filter(settled).unwrap_or(unsettled)
    }
}
