//! One promise over the relation: is there a fair run that breaks it?
//!
//! Never here: a state. What is true in it was noted when the edges were made.
//!
//! # Why maximal components are enough
//!
//! Take a run that breaks the promise. From some point on it sees no `to`, and under
//! [`Faults::HaveEnded`] no fault and nothing broken. Let D be what it comes through infinitely
//! often: these states, and the edges among them that it takes infinitely often. D is strongly
//! connected, so it lies within one maximal component C of the graph of such states and edges. The
//! run is fair, so for each fair action D has an edge that takes it or a state where it is not
//! enabled; what D has, C has. So C is fair in the sense of `is_fair`.
//!
//! The other way round, let C be a maximal component that is fair. Since it is strongly connected
//! there is a closed walk in it, through for each fair action one edge that takes it or one state
//! where it is not enabled. The run that follows the walk for ever is fair. So it would be wrong
//! to look for one simple cycle that is fair, and needless to look at parts of C. (A condition that
//! forbids something for ever would need parts of C; weak fairness forbids nothing.)
//!
//! A component of a single state is no exception, since to stutter there is a run: it has no edges
//! and is fair if no fair action is enabled in it.

use super::Faults;
use super::bits::Bits;
use super::cycle::fair_cycle;
use super::edges::{Edge, Edges};
use super::label::bit;
use super::region::region;
use super::scc::Components;
use super::stem::shortest;
use crate::limits::Watch;

/// What a promise comes to.
pub(super) enum Ruling {
    /// No fair run breaks it.
    Kept,
    Broken(Route),
    /// The run was left before it was settled.
    Unsettled,
}

/// A run that breaks a promise, by numbers.
pub(super) struct Route {
    /// The first state and the edges of the stem.
    pub(super) begin: u32,
    pub(super) stem: Vec<Edge>,
    /// The position in the stem from which on the promise stands open.
    pub(super) open_at: usize,
    /// The edges of the cycle, from the last state of the stem back to it.
    pub(super) cycle: Vec<Edge>,
}

/// What a ruling rests on.
pub(super) struct Judge<'a> {
    pub(super) edges: &'a Edges,
    pub(super) initial: &'a [u32],
    pub(super) watch: &'a Watch<'a>,
}

impl Judge<'_> {
    /// The memory that judging one promise takes at the least: a word and some bits a state.
    pub(super) fn bytes(edges: &Edges) -> u64 {
        (edges.len() * size_of::<u32>() + 4 * edges.len() / 8) as u64
    }

    pub(super) fn rule(&self, which: usize, faults: Faults) -> Ruling {
        self.settle(which, faults).unwrap_or(Ruling::Unsettled)
    }

    /// `None` if the run was left.
    fn settle(&self, which: usize, faults: Faults) -> Option<Ruling> {
        if !self.watch.has_room(Self::bytes(self.edges)) {
            return None;
        }
        let marks = &self.edges.marks;
        let (open, to) = (marks.open(which), &marks.to[which]);
        if open.is_empty() {
            return Some(Ruling::Kept);
        }
        let region = region(self.edges, &open, to, self.watch)?;
        let lasting = match faults {
            Faults::GoOn => region,
            Faults::HaveEnded => region.with(&marks.repaired, |region, repaired| region & repaired),
        };
        let with_faults = faults == Faults::GoOn;
        let mut goal = Bits::new(self.edges.len());
        let note = |components: &Components<'_>, members: &[u32]| {
            if is_fair(components, members) {
                members.iter().for_each(|member| {
                    goal.set(*member);
                });
            }
        };
        let states = lasting.iter();
        let components = Components::new(self.edges, states, with_faults, self.watch, note)?;
        drop(lasting);
        if goal.is_empty() {
            return Some(Ruling::Kept);
        }
        let stem = shortest(self.edges, self.initial, &open, to, &goal, self.watch)?;
        let knot = *stem.path.last()?;
        Some(Ruling::Broken(Route {
            begin: *stem.path.first()?,
            cycle: fair_cycle(self.edges, &components, knot, self.watch)?,
            stem: self.edges_along(&stem.path),
            open_at: stem.open_at,
        }))
    }

    fn edges_along(&self, path: &[u32]) -> Vec<Edge> {
        let edge = |pair: &[u32]| self.edges.out(pair[0]).find(|edge| edge.target == pair[1]);
        path.windows(2).filter_map(edge).collect()
    }
}

/// Whether a run that stays in the component for ever can be fair.
fn is_fair(components: &Components<'_>, members: &[u32]) -> bool {
    let mut owed = u64::MAX;
    for member in members {
        owed &= components.owed(*member);
        if owed == 0 {
            return true;
        }
    }
    for member in members {
        for edge in components.within(*member) {
            owed &= !bit(edge.label);
        }
        if owed == 0 {
            return true;
        }
    }
    false
}
