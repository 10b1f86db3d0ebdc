//! A fair cycle, as a walk within one fair component: for each fair action it takes it or passes a
//! state where it is not enabled.
//!
//! Never here: a cycle that is the shortest. Each leg goes to whatever is nearest, and the last one
//! home; to find the shortest tour would be to solve a travelling salesman's problem.

use super::edges::{Edge, Edges};
use super::graph::NONE;
use super::label::bit;
use super::region::LOOK_AFTER;
use super::scc::Components;
use crate::limits::Watch;

/// A walk in one component.
struct Walk<'a> {
    components: &'a Components<'a>,
    watch: &'a Watch<'a>,
    at: u32,
    steps: Vec<Edge>,
    /// The fair actions that the walk has not been fair to yet.
    owed: u64,
    /// Where the present leg has reached a state from. Kept for its room.
    from: Vec<u32>,
    reached: Vec<u32>,
}

/// The steps of a fair cycle from `knot` to `knot`, none if to stutter there is fair. `None` if
/// the run was left, or the component of `knot` is not fair.
pub(super) fn fair_cycle(
    edges: &Edges,
    components: &Components<'_>,
    knot: u32,
    watch: &Watch<'_>,
) -> Option<Vec<Edge>> {
    let owed = components.owed(knot);
    if owed == 0 {
        return Some(Vec::new());
    }
    if !watch.has_room((edges.len() * size_of::<u32>()) as u64) {
        return None;
    }
    let from = vec![NONE; edges.len()];
    let (at, steps, reached) = (knot, Vec::new(), Vec::new());
    let mut walk = Walk { components, watch, at, steps, owed, from, reached };
    while walk.owed != 0 {
        walk.leg(|walk, edge| {
            walk.owed & bit(edge.label) != 0 || walk.owed & !walk.components.owed(edge.target) != 0
        })?;
    }
    if walk.at != knot {
        walk.leg(|_, edge| edge.target == knot)?;
    }
    Some(walk.steps)
}

impl Walk<'_> {
    /// Walks to the nearest edge that is wanted and over it. `None` if there is none.
    fn leg(&mut self, is_wanted: impl Fn(&Self, Edge) -> bool) -> Option<()> {
        let components = self.components;
        for number in self.reached.drain(..) {
            self.from[number as usize] = NONE;
        }
        self.from[self.at as usize] = self.at;
        self.reached.push(self.at);
        let mut next = 0;
        loop {
            let number = *self.reached.get(next)?;
            next += 1;
            if next.is_multiple_of(LOOK_AFTER) && self.watch.is_over() {
                return None;
            }
            for edge in components.within(number) {
                if is_wanted(self, edge) {
                    self.go(number, edge);
                    return Some(());
                }
                if self.from[edge.target as usize] == NONE {
                    if !self.watch.may_push::<u32>(self.reached.len(), self.reached.capacity()) {
                        return None;
                    }
                    self.from[edge.target as usize] = number;
                    self.reached.push(edge.target);
                }
            }
        }
    }

    /// Takes the way to `number`, then `last`.
    fn go(&mut self, number: u32, last: Edge) {
        let before = |at: &u32| Some(self.from[*at as usize]).filter(|from| from != at);
        let mut way: Vec<u32> = std::iter::successors(Some(number), before).collect();
        way.reverse();
        let components = self.components;
        let begin = self.steps.len();
        for pair in way.windows(2) {
            let edge = components.within(pair[0]).find(|edge| edge.target == pair[1]);
            self.steps.extend(edge);
        }
        self.steps.push(last);
        for edge in &self.steps[begin..] {
            self.owed &= !bit(edge.label) & self.components.owed(edge.target);
        }
        self.at = last.target;
    }
}
