//! What a search knows besides its states, and whether that can be true.
//!
//! Never here: a file, or a step of the search.

use super::counts::Counts;
use super::pack::Words;
use super::store::{Known, StateId};
use crate::{KINDS_MAX, Resumed};
use serde::{Deserialize, Serialize};

/// How far the level that is being expanded has come. All before `next` is expanded; from `end`
/// on lies what this level led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Front {
    pub(super) next: u32,
    pub(super) end: u32,
}

/// A search that was left between two slices.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Snapshot {
    /// States that were taken in.
    pub(super) states: u32,
    /// Those of them that are initial ones.
    pub(super) roots: u32,
    /// None if not even the initial states were taken in.
    pub(super) front: Option<Front>,
    /// How many states the next slice takes.
    pub(super) slice: u32,
    /// For each property the first state that settled it.
    pub(super) found: Vec<Option<StateId>>,
    /// All that was counted, the slices of an unfinished level included.
    pub(super) counts: Counts,
    /// What was counted when the last level was finished.
    pub(super) settled: Counts,
}

impl Snapshot {
    pub(super) fn resumed(&self) -> Resumed {
        // The level on top is the one being found; what finds it is one step nearer.
        let depth = self.front.and_then(|_| self.counts.levels.len().checked_sub(2));
        Resumed { states: u64::from(self.states), depth: depth.map(|depth| depth as u32) }
    }

    /// What this says that no search of a model with so many properties can have come to. What
    /// passes cannot make a search panic or loop; it may still be untrue.
    pub(super) fn contradiction(&self, properties: usize) -> Option<&'static str> {
        let Self { states, roots, front, slice, found, counts, settled } = self;
        let is_state = |id: &Option<StateId>| id.is_none_or(|id| id.get() < *states);
        let end = front.map_or(0, |front| front.end);
        let checks = [
            (front.is_some() || *states == 0, "states without a level"),
            (
                front.is_none_or(|f| f.next <= f.end && f.end <= *states),
                "a level beyond its states",
            ),
            (roots <= states, "more initial states than states"),
            (*slice > 0, "a slice of nothing"),
            (found.len() == properties, "a wrong number of properties"),
            (found.iter().all(is_state), "a property settled by no state"),
            (are_sums(counts, *states, *roots), "counts that do not add up"),
            (are_sums(settled, settled.distinct as u32, *roots), "counts that do not add up"),
            ((u64::from(end)..=u64::from(*states)).contains(&settled.distinct), "a level too few"),
            ([counts, settled].iter().all(|c| is_state(&c.first_deadlock)), "no such deadlock"),
        ];
        checks.into_iter().find(|(is_true, _)| !is_true).map(|(_, what)| what)
    }
}

/// Whether the parts of what was counted add up, and leave room to count on.
fn are_sums(counts: &Counts, states: u32, roots: u32) -> bool {
    const MOST: u128 = 1 << 62;
    let sum = |numbers: &mut dyn Iterator<Item = u64>| numbers.map(u128::from).sum::<u128>();
    let Counts { distinct, transitions, cut, deadlocks, levels, kinds, .. } = counts;
    let generated = sum(&mut levels.iter().map(|level| level.generated));
    let new = sum(&mut levels.iter().map(|level| level.new));
    let fired = sum(&mut kinds.iter().map(|kind| kind.fired));
    let new_by_kind = sum(&mut kinds.iter().map(|kind| kind.new));
    let [distinct, transitions, cut, deadlocks] =
        [distinct, transitions, cut, deadlocks].map(|n| u128::from(*n));
    distinct == u128::from(states)
        && new == distinct
        && generated == transitions
        && transitions.max(cut).max(deadlocks) <= MOST
        && kinds.len() <= KINDS_MAX
        && (kinds.is_empty() || fired == transitions)
        && (kinds.is_empty() || new_by_kind + u128::from(roots) == distinct)
        && levels.iter().zip(0..).all(|(level, depth)| level.depth == depth)
}

/// Whether the states that were read can be those of a search.
pub(super) fn known_contradiction<P: Words>(known: &Known<P>) -> Option<&'static str> {
    let Known { first_children, roots, len, .. } = known;
    let within = |first: &u32| (*roots..*len).contains(first);
    if !first_children.iter().all(within) || !known.leads_back() {
        return Some("a state that is reached from a later one");
    }
    None
}
