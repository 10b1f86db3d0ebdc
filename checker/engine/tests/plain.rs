//! A search that one can check by reading it: a queue and a map.
//!
//! Never here: anything clever.

use stateright::{Expectation, Model};
use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use syncsplit_engine::packed::{Pack, StateId, States, way};
use syncsplit_engine::{KindCount, LevelCount, SearchOutcome, Verdict};

/// Everything there is to know about a model.
pub(crate) struct Plain<S> {
    /// The states in the order of the queue.
    pub(crate) queue: Vec<S>,
    /// For each of them the position of the one it was reached from.
    pub(crate) parents: Vec<Option<usize>>,
    /// For each of them how many successors it has within the boundary.
    pub(crate) generated: Vec<u64>,
    pub(crate) cut: u64,
    pub(crate) deadlocks: Vec<usize>,
    pub(crate) levels: Vec<LevelCount>,
    pub(crate) kinds: Vec<KindCount>,
    /// For each property the first state that settles it.
    pub(crate) found: Vec<Option<usize>>,
}

pub(crate) fn search<M: Model>(model: &M, kind: fn(&M::Action) -> usize) -> Plain<M::State>
where
    M::State: Clone + Eq + Hash,
{
    let mut plain = Plain {
        queue: Vec::new(),
        parents: Vec::new(),
        generated: Vec::new(),
        cut: 0,
        deadlocks: Vec::new(),
        levels: Vec::new(),
        kinds: Vec::new(),
        found: vec![None; model.properties().len()],
    };
    let mut positions = HashMap::new();
    for state in model.init_states() {
        if !model.within_boundary(&state) {
            plain.cut += 1;
        } else if positions.insert(state.clone(), plain.queue.len()).is_none() {
            plain.queue.push(state);
            plain.parents.push(None);
        }
    }
    let mut depths = vec![0; plain.queue.len()];
    let mut at = 0;
    while at < plain.queue.len() {
        let state = plain.queue[at].clone();
        let depth: u32 = depths[at];
        if plain.levels.len() <= depth as usize {
            plain.levels.push(LevelCount { depth, new: 0, generated: 0 });
        }
        plain.levels[depth as usize].new += 1;
        let mut generated = 0;
        let mut leads_nowhere = true;
        let mut actions = Vec::new();
        model.actions(&state, &mut actions);
        for action in actions {
            let kind = kind(&action);
            let Some(next) = model.next_state(&state, action) else { continue };
            leads_nowhere = false;
            if !model.within_boundary(&next) {
                plain.cut += 1;
                continue;
            }
            generated += 1;
            if plain.kinds.len() <= kind {
                plain.kinds.resize(kind + 1, KindCount::default());
            }
            plain.kinds[kind].fired += 1;
            if !positions.contains_key(&next) {
                positions.insert(next.clone(), plain.queue.len());
                plain.queue.push(next);
                plain.parents.push(Some(at));
                depths.push(depth + 1);
                plain.kinds[kind].new += 1;
            }
        }
        plain.levels[depth as usize].generated += generated;
        plain.generated.push(generated);
        if leads_nowhere {
            plain.deadlocks.push(at);
        }
        for (property, found) in model.properties().iter().zip(&mut plain.found) {
            let settles = property.expectation == Expectation::Sometimes;
            if found.is_none() && (property.condition)(model, &state) == settles {
                *found = Some(at);
            }
        }
        at += 1;
    }
    plain
}

/// The states that were seen are the first ones of the queue, each reached from the right one.
pub(crate) fn assert_begins_with<M: Pack>(
    model: &M,
    plain: &Plain<M::State>,
    states: &States<M::Packed>,
) where
    M::State: Clone + Debug + PartialEq,
    M::Action: Clone,
{
    assert!(states.len() as usize <= plain.queue.len());
    for (id, (state, parent)) in states.ids().zip(plain.queue.iter().zip(&plain.parents)) {
        let packed = states.state(id).unwrap();
        assert_eq!(model.unpack(&packed), *state, "state {id:?}");
        assert_eq!(states.find(&packed), Some(id));
        assert_eq!(states.parent(id).map(StateId::index), *parent, "parent of {id:?}");
    }
    assert_eq!(states.state(StateId::new(states.len())), None);
    for state in plain.queue.iter().skip(states.len() as usize).take(1_000) {
        assert_eq!(states.find(&model.pack(state)), None);
    }
    if let Some(last) = states.ids().last() {
        let trace = way(model, states, last).unwrap_or_default();
        assert_eq!(trace.last().map(|(_, state)| state), plain.queue.get(last.index()));
    }
}

/// All that a complete run tells is what the plain search tells, to the last number.
pub(crate) fn assert_is_plain<A, S>(outcome: &SearchOutcome<A, S>, plain: &Plain<S>)
where
    S: Clone + Debug + PartialEq,
{
    assert_eq!(outcome.distinct, plain.queue.len() as u64);
    assert_eq!(outcome.transitions, plain.generated.iter().sum::<u64>());
    assert_eq!(outcome.cut_by_boundary, plain.cut);
    assert_eq!(outcome.levels, plain.levels);
    assert_eq!(outcome.depth, plain.levels.last().map(|level| level.depth));
    assert_eq!(outcome.kinds, plain.kinds);
    for (property, found) in outcome.properties.iter().zip(&plain.found) {
        let is_always = property.expectation == Expectation::Always;
        let verdict = match (found.is_some(), is_always) {
            (true, true) => Verdict::Violated,
            (true, false) => Verdict::Reached,
            (false, true) => Verdict::Holds,
            (false, false) => Verdict::Unreachable,
        };
        assert_eq!(property.verdict, verdict, "{}", property.name);
    }
    let states_to = |position: usize| {
        let parents = std::iter::successors(Some(position), |at| plain.parents[*at]);
        let mut states: Vec<S> = parents.map(|at| plain.queue[at].clone()).collect();
        states.reverse();
        states
    };
    let states_of = |trace: &[(Option<A>, S)]| -> Vec<S> {
        trace.iter().map(|(_, state)| state.clone()).collect()
    };
    let deadlocks = outcome.deadlocks.as_ref().unwrap();
    assert_eq!(deadlocks.count, plain.deadlocks.len() as u64);
    let first = deadlocks.first.as_ref().map(|trace| states_of(trace));
    assert_eq!(first, plain.deadlocks.first().map(|at| states_to(*at)));
    let found: Vec<_> = plain.found.iter().flatten().map(|at| states_to(*at)).collect();
    let traces: Vec<_> = outcome.discoveries.iter().map(|d| states_of(&d.trace)).collect();
    assert_eq!(traces, found);
}
