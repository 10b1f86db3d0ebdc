//! Strongly connected components, without recursion: Pearce's form of Tarjan's algorithm, which
//! needs one word for each state ("A space-efficient algorithm for finding strongly connected
//! components", 2016).
//!
//! Never here: what makes a component fair.

use super::edges::{Edge, Edges, OUTSIDE};
use super::label::is_fault;
use super::region::LOOK_AFTER;
use crate::limits::Watch;

/// The component of a state that is not in the graph.
const APART: u32 = u32::MAX;
/// The component of a state that the search has not come to.
const UNSEEN: u32 = 0;

/// A part of the relation: some states, and the edges among them.
pub(super) struct Components<'a> {
    edges: &'a Edges,
    /// Whether edges that are faults are among them.
    faults: bool,
    /// For each state its component's number, or while the search has it under way, the least
    /// index it is known to reach. Components are numbered downward from the number of states and
    /// indices upward from 1. They never meet, since each component has a state that no longer
    /// needs an index; so a component's number is larger than any index in use, and looking for
    /// the least one passes over components that are done.
    of: Vec<u32>,
}

/// A state whose edges are being followed.
struct Frame {
    number: u32,
    index: u32,
    /// The edge to follow next.
    edge: u32,
}

impl<'a> Components<'a> {
    /// The components of the graph with these states, or `None` if the run was left. Each
    /// component is shown to `each` once it is known.
    pub(super) fn new(
        edges: &'a Edges,
        states: impl Iterator<Item = u32>,
        faults: bool,
        watch: &Watch<'_>,
        mut each: impl FnMut(&Components<'_>, &[u32]),
    ) -> Option<Self> {
        let mut of = vec![APART; edges.len()];
        for number in states {
            of[number as usize] = UNSEEN;
        }
        let mut components = Self { edges, faults, of };
        let mut search = Search {
            frames: Vec::new(),
            waiting: Vec::new(),
            index: 1,
            component: edges.len() as u32,
            until_look: LOOK_AFTER,
        };
        for root in 0..edges.len() as u32 {
            if components.of[root as usize] == UNSEEN {
                search.run(&mut components, root, watch, &mut each)?;
            }
        }
        Some(components)
    }

    /// The component of a state; equal for two states if and only if they are in the same one.
    /// `None` for a state that is not in the graph.
    pub(super) fn of(&self, number: u32) -> Option<u32> {
        let component = self.of.get(number as usize).copied();
        component.filter(|component| *component != APART)
    }

    /// The fair actions that are owed in a state, one bit each.
    pub(super) fn owed(&self, number: u32) -> u64 {
        self.edges.enabled(number, self.faults)
    }

    /// The edges out of a state to others in its component.
    pub(super) fn within(&self, number: u32) -> impl Iterator<Item = Edge> + '_ {
        let here = self.of(number);
        let allowed = |label: u8| self.faults || !is_fault(label);
        self.edges.out(number).filter(move |edge| {
            allowed(edge.label) && here.is_some() && self.of(edge.target) == here
        })
    }
}

struct Search {
    frames: Vec<Frame>,
    /// States all whose edges were followed and whose component is not complete yet.
    waiting: Vec<u32>,
    /// The index of the next state.
    index: u32,
    /// The number of the next component.
    component: u32,
    until_look: usize,
}

impl Search {
    /// Everything reachable from `root`.
    fn run(
        &mut self,
        components: &mut Components<'_>,
        root: u32,
        watch: &Watch<'_>,
        each: &mut impl FnMut(&Components<'_>, &[u32]),
    ) -> Option<()> {
        self.begin(components, root, watch)?;
        while let Some(frame) = self.frames.last_mut() {
            self.until_look -= 1;
            if self.until_look == 0 {
                self.until_look = LOOK_AFTER;
                if watch.is_over() {
                    return None;
                }
            }
            match follow(components, frame) {
                Some(fresh) => self.begin(components, fresh, watch)?,
                None => self.end(components, watch, each)?,
            }
        }
        Some(())
    }

    fn begin(
        &mut self,
        components: &mut Components<'_>,
        number: u32,
        watch: &Watch<'_>,
    ) -> Option<()> {
        components.of[number as usize] = self.index;
        if !watch.may_push::<Frame>(self.frames.len(), self.frames.capacity()) {
            return None;
        }
        self.frames.push(Frame { number, index: self.index, edge: 0 });
        self.index += 1;
        Some(())
    }

    /// The state on top is done: a component ends with it, or it waits for the one that does.
    fn end(
        &mut self,
        components: &mut Components<'_>,
        watch: &Watch<'_>,
        each: &mut impl FnMut(&Components<'_>, &[u32]),
    ) -> Option<()> {
        let Frame { number, index, .. } = self.frames.pop()?;
        let of = &mut components.of;
        let least = of[number as usize];
        if !watch.may_push::<u32>(self.waiting.len(), self.waiting.capacity()) {
            return None;
        }
        self.waiting.push(number);
        if least == index {
            let mine = |waits: &u32| of[*waits as usize] >= index;
            let begin =
                self.waiting.len() - self.waiting.iter().rev().take_while(|w| mine(w)).count();
            for member in &self.waiting[begin..] {
                of[*member as usize] = self.component;
            }
            self.index -= (self.waiting.len() - begin) as u32;
            self.component -= 1;
            each(components, &self.waiting[begin..]);
            self.waiting.truncate(begin);
        } else if let Some(parent) = self.frames.last() {
            let reached = &mut of[parent.number as usize];
            *reached = least.min(*reached);
        }
        Some(())
    }
}

/// Follows edges up to the first that leads to an unseen state.
fn follow(components: &mut Components<'_>, frame: &mut Frame) -> Option<u32> {
    let (targets, labels) = components.edges.parts(frame.number);
    let mut least = components.of[frame.number as usize];
    let mut fresh = None;
    while let Some(target) = targets.get(frame.edge as usize) {
        let is_followed = components.faults || !is_fault(labels[frame.edge as usize]);
        let of =
            if is_followed && *target != OUTSIDE { components.of[*target as usize] } else { APART };
        frame.edge += 1;
        if of == UNSEEN {
            fresh = Some(*target);
            break;
        }
        least = least.min(of);
    }
    components.of[frame.number as usize] = least;
    fresh
}
