//! The default engine: exact breadth-first search, level by level, in parallel.
//!
//! Never here: an order of arrival. Work is cut into slices and chunks whose sizes depend only on
//! what was found before, and results are gathered by position, so that any number of threads
//! gives the same outcome to the last trace:
//!
//! 1. A slice of the level is expanded, chunk by chunk, against an unchanging visited set.
//! 2. Each shard of the set takes its candidates in the order of the chunks they came from, so a
//!    new state's parent is the first one in that order and its number follows from it.
//! 3. The next slice sees what the one before has added.

use super::counts::Counts;
use super::crew::share_out;
use super::expand::{Candidate, Expander, Row};
use super::insert::{Column, Inserter};
use super::limits::{Glance, Limit, Pulse, Watch, peak_bytes};
use super::store::{Frontier, Link, Placer, SHARDS, StateId, Store};
use super::trace::{explain, guard, rebuild};
use super::{
    Deadlocks, Discovery, Doing, Ending, Failure, Options, Outcome, RunResult, StopAt, judge,
    properties_of,
};
use ::stateright::{Expectation, Model, Property};
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

/// States expanded by one task.
const CHUNK: usize = 256;
/// The bounds of a slice, in states: enough of them to keep threads busy, few enough that their
/// candidates fit beside the visited set.
const SLICE_MIN: usize = 2 * CHUNK;
const SLICE_MAX: usize = 256 * CHUNK;
/// Candidates aimed at per slice. The next slice is sized by how many the last one gave.
const CANDIDATES_AIM: usize = 1 << 18;
/// Fewer candidates than this are not worth waking another thread for.
const CANDIDATES_ALONE: usize = 512;

const _: () = assert!(CHUNK <= SLICE_MIN && SLICE_MIN <= SLICE_MAX && SLICE_MAX <= CANDIDATES_AIM);

/// Searches the whole of `model`, or up to what `options` say.
///
/// # Errors
///
/// See [`super::EngineError`]. A limit is not an error: it is an [`Ending`].
pub fn run<M>(model: &M, options: &Options<'_, M::Action>) -> RunResult<M>
where
    M: Model + Sync,
    M::State: Clone + Eq + Hash + Send + Sync,
    M::Action: Clone + Send + Sync,
{
    let watch = Watch::new(options.limits, options.interrupt);
    search(model, options, &watch).map(|(outcome, _)| outcome)
}

/// What a search hands to whoever looks further: the outcome, and the states it rests on.
pub(super) type Searched<M> =
    (Outcome<<M as Model>::Action, <M as Model>::State>, Store<<M as Model>::State>);

/// The search of [`run`], which `watch` ends early and which keeps what it has seen.
pub(super) fn search<M>(
    model: &M,
    options: &Options<'_, M::Action>,
    watch: &Watch<'_>,
) -> Result<Searched<M>, Failure<M>>
where
    M: Model + Sync,
    M::State: Clone + Eq + Hash + Send + Sync,
    M::Action: Clone + Send + Sync,
{
    let properties = properties_of(model)?;
    let mut search = Search {
        model,
        options,
        threads: NonZeroUsize::new(options.threads).unwrap_or(NonZeroUsize::MIN),
        watch,
        pulse: Pulse::new(watch, options.progress),
        found: vec![None; properties.len()],
        properties,
        store: Store::new(),
        placer: Placer::new(),
        rows: Vec::new(),
        columns: (0..SHARDS).map(|_| Column::new()).collect(),
        counts: Counts::default(),
        slice: SLICE_MIN,
    };
    let ending = search.run()?;
    search.finish(ending)
}

struct Search<'a, 'o, M: Model> {
    model: &'a M,
    options: &'a Options<'o, M::Action>,
    threads: NonZeroUsize,
    watch: &'a Watch<'a>,
    pulse: Pulse<'a>,
    properties: Vec<Property<M>>,
    /// For each property the first state that settled it.
    found: Vec<Option<StateId>>,
    store: Store<M::State>,
    placer: Placer,
    rows: Vec<Row<M::State>>,
    columns: Vec<Column<M::State>>,
    counts: Counts<StateId>,
    /// How many states the next slice takes.
    slice: usize,
}

/// A step of the search: done, left for a limit, or ended by an error of the model.
type Step<M> = Result<Result<(), Limit>, Failure<M>>;

impl<M> Search<'_, '_, M>
where
    M: Model + Sync,
    M::State: Clone + Eq + Hash + Send + Sync,
    M::Action: Clone + Send + Sync,
{
    fn run(&mut self) -> Result<Ending, Failure<M>> {
        let mut before = self.store.lengths();
        if let Err(limit) = self.seed()? {
            return Ok(Ending::Limit(limit));
        }
        loop {
            let frontier = self.store.since(&before);
            if frontier.len() == 0 {
                // The level that was expanded last had no new successor: it was the deepest one.
                self.counts.levels.pop();
                return Ok(Ending::Complete);
            }
            if self.options.stop == StopAt::FirstViolation && self.is_violated() {
                return Ok(Ending::Violation);
            }
            before = self.store.lengths();
            if let Err(limit) = self.expand_level(&frontier)? {
                return Ok(Ending::Limit(limit));
            }
        }
    }

    /// Level 0.
    fn seed(&mut self) -> Step<M> {
        let model = self.model;
        let mut row = self.rows.pop().unwrap_or_else(Row::new);
        for (action, state) in (0u32..).zip(guard(Doing::Setup, || model.init_states())?) {
            if !guard(Doing::Boundary, || model.within_boundary(&state))? {
                self.counts.cut += 1;
                continue;
            }
            let place = guard(Doing::Setup, || self.placer.place(&state))?;
            let link = Link { parent: StateId::NONE, action };
            let candidate = Candidate { tag: place.tag, kind: 0, link, state };
            if let Some(bucket) = row.buckets.get_mut(place.shard) {
                bucket.push(candidate);
            }
        }
        self.rows.push(row);
        self.counts.begin_level();
        self.insert_slice(1)
    }

    fn expand_level(&mut self, frontier: &Frontier) -> Step<M> {
        self.counts.begin_level();
        let mut from = 0;
        while from < frontier.len() {
            self.pulse.beat(|| self.glance((frontier.len() - from) as u64, 0));
            self.watch.note_states(self.counts.distinct);
            self.watch.note_memory(self.store.bytes());
            if let Some(limit) = self.watch.reached() {
                return Ok(Err(limit));
            }
            let to = frontier.len().min(from + self.slice);
            let chunks = (to - from).div_ceil(CHUNK);
            if let Err(limit) = self.expand_slice(frontier, from, to, chunks)? {
                return Ok(Err(limit));
            }
            let kept: usize = self.rows.iter().flat_map(|row| &row.buckets).map(Vec::len).sum();
            self.slice = (CANDIDATES_AIM * (to - from) / kept.max(1)).clamp(SLICE_MIN, SLICE_MAX);
            if let Err(limit) = self.insert_slice(chunks)? {
                return Ok(Err(limit));
            }
            from = to;
        }
        Ok(Ok(()))
    }

    /// Fills the first `chunks` rows. A slice that is left half expanded counts for nothing.
    fn expand_slice(
        &mut self,
        frontier: &Frontier,
        from: usize,
        to: usize,
        chunks: usize,
    ) -> Step<M> {
        while self.rows.len() < chunks {
            self.rows.push(Row::new());
        }
        let mut rows = std::mem::take(&mut self.rows);
        let expander = Expander {
            model: self.model,
            store: &self.store,
            placer: &self.placer,
            watch: self.watch,
            kind: self.options.kind,
        };
        let generated = AtomicU64::new(0);
        let expand = |(begin, row): (usize, &mut Row<M::State>)| {
            expander.expand(frontier, begin, to.min(begin + CHUNK), row);
            generated.fetch_add(row.tally.generated, Ordering::Relaxed);
        };
        let tasks = (from..to).step_by(CHUNK).zip(&mut rows);
        let queue = (frontier.len() - from) as u64;
        let look = || {
            self.pulse.beat(|| self.glance(queue, generated.load(Ordering::Relaxed)));
        };
        if chunks == 1 {
            tasks.for_each(expand);
        } else {
            share_out(self.threads, tasks, expand, look);
        }
        self.rows = rows;
        self.gather_rows(chunks)
    }

    /// Adds up the rows in their order; of several panics or deadlocks the first one counts.
    fn gather_rows(&mut self, chunks: usize) -> Step<M> {
        let rows = self.rows.get_mut(..chunks).unwrap_or_default();
        if let Some(broke) = rows.iter_mut().find_map(|row| row.broke.take()) {
            return Err(explain(self.model, &self.store, broke));
        }
        if rows.iter().any(|row| row.unfinished) {
            return Ok(Err(self.watch.reached().unwrap_or(Limit::Interrupted)));
        }
        for row in rows {
            let tally = std::mem::take(&mut row.tally);
            self.counts.add_tally(&tally);
        }
        Ok(Ok(()))
    }

    /// Hands the candidates of the first `chunks` rows to the shards.
    fn insert_slice(&mut self, chunks: usize) -> Step<M> {
        let candidates = self.transpose(chunks);
        let open: Vec<usize> = (0..self.found.len()).filter(|p| self.found[*p].is_none()).collect();
        let mut columns = std::mem::take(&mut self.columns);
        let mut shards = std::mem::take(&mut self.store.shards);
        let inserter = Inserter {
            model: self.model,
            properties: &self.properties,
            open: &open,
            count_kinds: self.options.kind.is_some(),
            watch: self.watch,
        };
        let tasks = shards.iter_mut().zip(&mut columns);
        if candidates < CANDIDATES_ALONE {
            tasks.for_each(|(shard, column)| inserter.insert(shard, column));
        } else {
            let look = || self.pulse.beat(|| self.glance(0, 0));
            share_out(self.threads, tasks, |(shard, column)| inserter.insert(shard, column), look);
        }
        self.store.shards = shards;
        self.columns = columns;
        self.gather_columns()
    }

    /// Turns rows of buckets into columns and back again, keeping the room buckets have made.
    /// Returns how many candidates there are.
    fn transpose(&mut self, chunks: usize) -> usize {
        let mut candidates = 0;
        for (shard, column) in self.columns.iter_mut().enumerate() {
            column.buckets.resize_with(chunks.max(column.buckets.len()), Vec::new);
            for (bucket, row) in column.buckets.iter_mut().zip(&mut self.rows) {
                std::mem::swap(bucket, &mut row.buckets[shard]);
                candidates += bucket.len();
            }
        }
        candidates
    }

    /// Adds up the columns in the order of the shards; of several states that settle a property
    /// the first one counts.
    fn gather_columns(&mut self) -> Step<M> {
        if let Some(broke) = self.columns.iter_mut().find_map(|c| c.report.broke.take()) {
            return Err(explain(self.model, &self.store, broke));
        }
        let mut unfinished = false;
        for column in &mut self.columns {
            let report = std::mem::take(&mut column.report);
            unfinished |= report.unfinished;
            self.counts.add_new(report.new, &report.new_by_kind);
            for (position, id) in report.found {
                self.found[position].get_or_insert(id);
            }
        }
        if unfinished {
            return Ok(Err(self.watch.reached().unwrap_or(Limit::Interrupted)));
        }
        Ok(Ok(()))
    }

    fn is_violated(&self) -> bool {
        let settled = self.properties.iter().zip(&self.found);
        settled
            .into_iter()
            .any(|(p, found)| p.expectation == Expectation::Always && found.is_some())
    }

    /// `left` states of the level are not expanded; the current slice has generated `fresh`.
    fn glance(&self, left: u64, fresh: u64) -> Glance {
        let next = self.counts.levels.last();
        Glance {
            depth: next.map(|level| level.depth.saturating_sub(1)),
            distinct: self.counts.distinct,
            transitions: self.counts.transitions + fresh,
            queue: Some(left + next.map_or(0, |level| level.new)),
        }
    }

    fn finish(mut self, ending: Ending) -> Result<Searched<M>, Failure<M>> {
        self.rows.clear();
        let mut discoveries = Vec::new();
        for (property, found) in self.properties.iter().zip(&self.found) {
            let Some(id) = found else { continue };
            discoveries.push(Discovery {
                property: property.name,
                expectation: property.expectation.clone(),
                trace: rebuild(self.model, &self.store, *id)?,
            });
        }
        let first = self.counts.first_deadlock;
        let first = first.map(|id| rebuild(self.model, &self.store, id)).transpose()?;
        let properties = judge(&self.properties, |p| self.found[p].is_some(), ending);
        let outcome = Outcome {
            ending,
            properties,
            distinct: self.counts.distinct,
            transitions: self.counts.transitions,
            depth: self.counts.depth(),
            seconds: self.watch.seconds(),
            peak_bytes: peak_bytes(),
            cut_by_boundary: self.counts.cut,
            deadlocks: Some(Deadlocks { count: self.counts.deadlocks, first }),
            discoveries,
            levels: self.counts.levels,
            kinds: self.counts.kinds,
            promises: Vec::new(),
        };
        Ok((outcome, self.store))
    }
}
