//! The shortest way into failure: through a state where the promise binds, then on without `to`.
//!
//! Never here: whether there is failure.

use super::bits::Bits;
use super::edges::{Edges, OUTSIDE};
use super::graph::NONE;
use super::region::LOOK_AFTER;
use crate::limits::Watch;
use std::collections::VecDeque;

/// A path from an initial state into the goal.
pub(super) struct Stem {
    pub(super) path: Vec<u32>,
    /// The position in the path from which on the promise stands open.
    pub(super) open_at: usize,
}

/// A breadth-first search over states twice: as they are before the promise counts as open, and
/// after. From the first to the second it is no step, so that the whole path is a shortest one.
struct Search<'a> {
    edges: &'a Edges,
    open: &'a Bits,
    goal: &'a Bits,
    /// Where a state was reached from; from itself, if it is an initial one.
    before: Vec<u32>,
    /// The same after the promise became open; from itself, if it became so here.
    after: Vec<u32>,
    queue: VecDeque<(u32, bool)>,
}

/// The shortest path from one of `initial` through a state in `open`, and from there along states
/// that are not in `to` into `goal`. Of several, the first one in the order of initial states and
/// actions. `None` if the run was left, or there is none.
pub(super) fn shortest(
    edges: &Edges,
    initial: &[u32],
    open: &Bits,
    to: &Bits,
    goal: &Bits,
    watch: &Watch<'_>,
) -> Option<Stem> {
    if !watch.has_room(2 * (edges.len() * size_of::<u32>()) as u64) {
        return None;
    }
    let unseen = || vec![NONE; edges.len()];
    let (before, after) = (unseen(), unseen());
    let mut search = Search { edges, open, goal, before, after, queue: VecDeque::new() };
    let mut found = initial.iter().find_map(|number| search.reach(*number, *number));
    let mut until_look = LOOK_AFTER;
    while found.is_none() {
        until_look -= 1;
        if until_look == 0 {
            until_look = LOOK_AFTER;
            if watch.is_over() {
                return None;
            }
        }
        let (number, is_open) = search.queue.pop_front()?;
        // One state may lead to many, and each to two places in the queue.
        let places = search.queue.len() + 2 * search.edges.parts(number).0.len();
        if !watch.may_push::<(u32, bool)>(places, search.queue.capacity()) {
            return None;
        }
        let targets = search.edges.parts(number).0.iter().filter(|target| **target != OUTSIDE);
        found = match is_open {
            false => targets.copied().find_map(|target| search.reach(number, target)),
            true => targets
                .filter(|target| !to.get(**target))
                .find_map(|target| search.reach_open(number, *target)),
        };
    }
    found.map(|end| search.path(end))
}

impl Search<'_> {
    /// Both answer the state if it is in the goal.
    fn reach(&mut self, from: u32, number: u32) -> Option<u32> {
        if self.before[number as usize] != NONE {
            return None;
        }
        self.before[number as usize] = from;
        self.queue.push_back((number, false));
        if self.open.get(number) { self.reach_open(number, number) } else { None }
    }

    fn reach_open(&mut self, from: u32, number: u32) -> Option<u32> {
        if self.after[number as usize] != NONE {
            return None;
        }
        self.after[number as usize] = from;
        self.queue.push_back((number, true));
        self.goal.get(number).then_some(number)
    }

    fn path(&self, end: u32) -> Stem {
        let chain = |from: &[u32], end: u32| {
            let step = |at: &u32| Some(from[*at as usize]).filter(|before| before != at);
            let mut chain: Vec<u32> = std::iter::successors(Some(end), step).collect();
            chain.reverse();
            chain
        };
        let after = chain(&self.after, end);
        let mut path = chain(&self.before, after[0]);
        let open_at = path.len() - 1;
        path.extend_from_slice(&after[1..]);
        Stem { path, open_at }
    }
}
