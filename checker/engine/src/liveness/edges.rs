//! The relation between the states: for each one where its actions lead, and what is true in it.
//!
//! Never here: a state. All that is asked about one is asked once, when its edges are made.

use super::bits::Bits;
use super::graph::NONE;
use super::label::{bit, is_fault};

/// The states whose edges lie together. A multiple of the bits of a word, so that chunks can be
/// filled side by side.
pub(super) const CHUNK: usize = 4096;

/// The target of an edge that leads over the boundary.
pub(super) const OUTSIDE: u32 = NONE;

const _: () = assert!(CHUNK.is_multiple_of(64));

/// An edge, seen from the state it leads out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) target: u32,
    pub(super) label: u8,
}

/// The edges out of the states of one chunk. Targets and labels are kept apart: five bytes each.
#[derive(Default)]
pub(super) struct Chunk {
    /// Where each state's edges begin, and where the last one's end.
    pub(super) starts: Box<[u32]>,
    pub(super) targets: Box<[u32]>,
    pub(super) labels: Box<[u8]>,
}

impl Chunk {
    pub(super) fn bytes(&self) -> u64 {
        let words = self.starts.len() + self.targets.len();
        (words * size_of::<u32>() + self.labels.len()) as u64
    }
}

/// What is true in which state.
pub(super) struct Marks {
    pub(super) repaired: Bits,
    /// For each promise.
    pub(super) from: Vec<Bits>,
    /// For each promise.
    pub(super) to: Vec<Bits>,
}

impl Marks {
    /// The states in which the promise binds and is not yet kept.
    pub(super) fn open(&self, which: usize) -> Bits {
        self.from[which].with(&self.to[which], |from, to| from & !to)
    }
}

/// All edges that lead from one state to another. There are no self loops: to take one is to
/// stutter. Edges over the boundary are there because they make an action enabled.
pub(super) struct Edges {
    chunks: Vec<Chunk>,
    len: usize,
    pub(super) marks: Marks,
}

impl Edges {
    pub(super) fn new(chunks: Vec<Chunk>, len: usize, marks: Marks) -> Self {
        Self { chunks, len, marks }
    }

    /// How many states there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Targets and labels of the edges out of a state.
    pub(super) fn parts(&self, number: u32) -> (&[u32], &[u8]) {
        let chunk = &self.chunks[number as usize / CHUNK];
        let at = number as usize % CHUNK;
        let range = chunk.starts[at] as usize..chunk.starts[at + 1] as usize;
        (&chunk.targets[range.clone()], &chunk.labels[range])
    }

    /// The edges out of a state, in the order of its actions.
    pub(super) fn out(&self, number: u32) -> impl Iterator<Item = Edge> + '_ {
        let (targets, labels) = self.parts(number);
        targets.iter().zip(labels).map(|(target, label)| Edge { target: *target, label: *label })
    }

    /// The fair actions that are enabled in a state, one bit each; with faults or without.
    pub(super) fn enabled(&self, number: u32, faults: bool) -> u64 {
        let labels = self.parts(number).1.iter().filter(|label| faults || !is_fault(**label));
        labels.fold(0, |enabled, label| enabled | bit(*label))
    }

    pub(super) fn bytes(&self) -> u64 {
        self.chunks.iter().map(Chunk::bytes).sum()
    }
}
