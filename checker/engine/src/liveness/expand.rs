//! Making the edges: every state is expanded once more, now that every successor has a number.
//!
//! Never here: anything that depends on the order in which chunks are done. Each fills its own
//! place, and of several errors the one of the first chunk counts.

use super::bits::Bits;
use super::edges::{CHUNK, Chunk, Edge, Edges, Marks, OUTSIDE};
use super::graph::{NONE, StateGraph};
use super::label::label;
use super::way::{self, CallSite};
use super::{FAIRNESS_MAX, Live, Promise};
use crate::crew::share_out;
use crate::guard::message_of;
use crate::limits::Watch;
use crate::packed::Pack;
use crate::{Doing, EngineError, Failure};
use ::stateright::Model;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The words of one chunk's bits.
const WORDS: usize = CHUNK / 64;
/// What is noted of a state before its promises are: whether all is repaired.
const REPAIRED: usize = 0;

/// What the edges of a chunk are taken to need, until one was made.
const GUESS: u64 = 1 << 18;
/// A list that grows doubles, and for a moment holds both the old and the new one.
const WHILE_GROWING: u64 = 3;

/// What makes the edges.
pub(super) struct Expander<'a, M: Pack> {
    pub(super) model: &'a M,
    pub(super) graph: &'a StateGraph<'a, M>,
    pub(super) promises: &'a [Promise<M>],
    pub(super) watch: &'a Watch<'a>,
}

/// Why a chunk was not done.
enum ChunkFailure {
    Panic { message: String, spot: CallSite },
    TooLarge { number: u8, spot: CallSite },
    NotRepeatable { spot: CallSite },
}

/// What one chunk comes to.
#[derive(Default)]
struct FilledChunk {
    chunk: Chunk,
    /// The words of `REPAIRED`, then of each promise's `from` and `to`.
    marks: Vec<u64>,
    failure: Option<ChunkFailure>,
}

/// Room that is reused from state to state.
struct Scratch<M: Model> {
    actions: Vec<M::Action>,
    next: Vec<M::State>,
    labels: Vec<u8>,
    numbers: Vec<u32>,
    edges: Vec<Edge>,
}

impl<M: Model> Scratch<M> {
    fn new() -> Self {
        Self {
            actions: Vec::new(),
            next: Vec::new(),
            labels: Vec::new(),
            numbers: Vec::new(),
            edges: Vec::new(),
        }
    }
}

/// The edges of a chunk while it grows.
#[derive(Default)]
struct Growing {
    starts: Vec<u32>,
    targets: Vec<u32>,
    labels: Vec<u8>,
}

impl<M> Expander<'_, M>
where
    M: Live + Pack + Sync,
    M::State: Clone + Eq + Send + Sync,
    M::Action: Clone + Send + Sync,
{
    /// All edges; `None` if the run was left. `beat` is told how many states are left to expand,
    /// and the memory the edges take so far.
    pub(super) fn edges(
        &self,
        threads: NonZeroUsize,
        beat: &dyn Fn(u64, u64),
    ) -> Result<Option<Edges>, Failure<M>> {
        let len = self.graph.len();
        let mut chunks: Vec<FilledChunk> = Vec::new();
        chunks.resize_with(len.div_ceil(CHUNK), FilledChunk::default);
        let (done, bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
        let largest = AtomicU64::new(GUESS);
        // What the other threads are about to take is not resident yet.
        let at_once = WHILE_GROWING * threads.get() as u64;
        // Chunks are begun in their order, so all before the first failure get done.
        let troubled = AtomicUsize::new(usize::MAX);
        let work = |(at, filled): (usize, &mut FilledChunk)| {
            if troubled.load(Ordering::Relaxed) < at || self.watch.is_over() {
                return;
            }
            if !self.watch.has_room(at_once * largest.load(Ordering::Relaxed)) {
                return;
            }
            let end = len.min((at + 1) * CHUNK);
            *filled = self.fill(at * CHUNK, end);
            if filled.failure.is_some() {
                troubled.fetch_min(at, Ordering::Relaxed);
            }
            done.fetch_add(end - at * CHUNK, Ordering::Relaxed);
            let marks = filled.marks.len() * size_of::<u64>();
            let taken = filled.chunk.bytes() + marks as u64;
            largest.fetch_max(taken, Ordering::Relaxed);
            bytes.fetch_add(taken, Ordering::Relaxed);
        };
        let look = || {
            let left = len - done.load(Ordering::Relaxed);
            beat(left as u64, bytes.load(Ordering::Relaxed));
        };
        share_out(threads, chunks.iter_mut().enumerate(), work, look);
        look();
        let marks: usize = chunks.iter().map(|filled| filled.marks.len() * size_of::<u64>()).sum();
        self.watch.has_room(WHILE_GROWING * marks as u64);
        let first = chunks.iter_mut().find_map(|filled| filled.failure.take());
        match first {
            Some(failure) => Err(self.explain(failure)),
            None if self.watch.reached().is_some() => Ok(None),
            None => Ok(Some(self.put_together(chunks, len))),
        }
    }

    fn put_together(&self, chunks: Vec<FilledChunk>, len: usize) -> Edges {
        let mut marks = vec![Vec::new(); 1 + 2 * self.promises.len()];
        for filled in &chunks {
            for (all, words) in marks.iter_mut().zip(filled.marks.chunks(WORDS)) {
                all.extend_from_slice(words);
            }
        }
        let mut marks = marks.into_iter().map(Bits::from_words);
        let repaired = marks.next().unwrap_or_else(|| Bits::new(0));
        let (mut from, mut to) = (Vec::new(), Vec::new());
        while let (Some(begins), Some(keeps)) = (marks.next(), marks.next()) {
            from.push(begins);
            to.push(keeps);
        }
        let chunks = chunks.into_iter().map(|filled| filled.chunk).collect();
        Edges::new(chunks, len, Marks { repaired, from, to })
    }

    /// Expands the states from `from` up to `to`.
    fn fill(&self, from: usize, to: usize) -> FilledChunk {
        let mut filled = FilledChunk {
            marks: vec![0; WORDS * (1 + 2 * self.promises.len())],
            ..FilledChunk::default()
        };
        let mut growing = Growing::default();
        let mut spot = CallSite::default();
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let mut scratch = Scratch::new();
            for number in from as u32..to as u32 {
                if self.watch.is_over() {
                    return Ok(());
                }
                growing.starts.push(growing.targets.len() as u32);
                self.expand_one(number, &mut scratch, &mut spot)?;
                growing.targets.extend(scratch.edges.iter().map(|edge| edge.target));
                growing.labels.extend(scratch.edges.iter().map(|edge| edge.label));
                self.mark(number, &mut filled.marks, &mut spot);
            }
            growing.starts.push(growing.targets.len() as u32);
            Ok(())
        }));
        filled.failure = match caught {
            Ok(ended) => ended.err(),
            Err(payload) => {
                Some(ChunkFailure::Panic { message: message_of(payload.as_ref()), spot })
            }
        };
        let Growing { starts, targets, labels } = growing;
        // Boxed, since what a vector keeps in reserve would be kept for every chunk.
        filled.chunk =
            Chunk { starts: starts.into(), targets: targets.into(), labels: labels.into() };
        filled
    }

    /// Leaves the edges out of a state in `scratch`, in the order of its actions.
    fn expand_one(
        &self,
        number: u32,
        scratch: &mut Scratch<M>,
        spot: &mut CallSite,
    ) -> Result<(), ChunkFailure> {
        let Scratch { actions, next, labels, numbers, edges } = scratch;
        *spot = CallSite { number, action: None, doing: Doing::Actions };
        actions.clear();
        next.clear();
        labels.clear();
        numbers.clear();
        edges.clear();
        let Some(state) = self.graph.state(number) else {
            return Ok(());
        };
        self.model.actions(&state, actions);
        for (position, action) in (0u32..).zip(actions.drain(..)) {
            *spot = CallSite { number, action: Some(position), doing: Doing::Fairness };
            let label = label(self.model, &state, &action)
                .map_err(|number| ChunkFailure::TooLarge { number, spot: *spot })?;
            spot.doing = Doing::NextState;
            let Some(after) = self.model.next_state(&state, action) else {
                continue;
            };
            if after == state {
                continue;
            }
            spot.doing = Doing::Boundary;
            if self.model.within_boundary(&after) {
                next.push(after);
                labels.push(label);
            } else {
                push_new(edges, Edge { target: OUTSIDE, label });
            }
        }
        spot.doing = Doing::NextState;
        self.graph.find(next, numbers);
        for (target, label) in numbers.iter().zip(&*labels) {
            if *target == NONE {
                return Err(ChunkFailure::NotRepeatable { spot: *spot });
            }
            push_new(edges, Edge { target: *target, label: *label });
        }
        Ok(())
    }

    fn mark(&self, number: u32, marks: &mut [u64], spot: &mut CallSite) {
        let Some(state) = self.graph.state(number) else {
            return;
        };
        let at = number as usize % CHUNK;
        let mut set = |which: usize, holds: bool| {
            marks[which * WORDS + at / 64] |= u64::from(holds) << (at % 64);
        };
        *spot = CallSite { number, action: None, doing: Doing::Fairness };
        set(REPAIRED, self.model.is_repaired(&state));
        for (which, promise) in self.promises.iter().enumerate() {
            spot.doing = Doing::Promise(promise.name);
            set(1 + 2 * which, (promise.from)(self.model, &state));
            set(2 + 2 * which, (promise.to)(self.model, &state));
        }
    }

    fn explain(&self, failure: ChunkFailure) -> Failure<M> {
        let told = |spot: &CallSite| way::told(self.model, self.graph, spot);
        match failure {
            ChunkFailure::Panic { message, spot } => {
                let (trace, action) = told(&spot);
                EngineError::ModelPanicked { message, doing: spot.doing, trace, action }
            }
            ChunkFailure::NotRepeatable { spot } => {
                EngineError::NotRepeatable { trace: told(&spot).0 }
            }
            ChunkFailure::TooLarge { number, spot } => match told(&spot) {
                (trace, Some(action)) => {
                    EngineError::FairnessTooLarge { number, most: FAIRNESS_MAX, action, trace }
                }
                (trace, None) => EngineError::NotRepeatable { trace },
            },
        }
    }
}

/// Lists are short, so a look through all of it is the quickest way to leave out an edge that is
/// there already.
fn push_new(edges: &mut Vec<Edge>, edge: Edge) {
    if !edges.contains(&edge) {
        edges.push(edge);
    }
}
