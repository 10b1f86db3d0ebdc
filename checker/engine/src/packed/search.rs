//! The search itself: which states are expanded next, and when the run is over.
//!
//! Never here: what is done to a state.

use super::adopt::Adopter;
use super::counts::Counts;
use super::expand::Expander;
use super::flaw::try_round_trip;
use super::insert::Shard;
use super::layout::Layout;
use super::pack::Pack;
use super::recent::Recent;
use super::row::{Origin, PARENTS_MAX, Row};
use super::sleep::Sleep;
use super::snapshot::Front;
use super::store::{SHARDS, StateId, States};
use super::trace::explain;
use super::{Searched, rehash};
use crate::crew::share_out;
use crate::guard::guard;
use crate::limits::{Glance, Limit, Pulse, Watch};
use crate::{Doing, Ending, EngineError, Failure, Options, StopAt, properties_of};
use ::stateright::{Expectation, Property};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Successors aimed at per slice: enough to make the sharing out cheap, few enough that what is
/// kept of them is small beside the visited set.
const GENERATED_AIM: u64 = 1 << 19;
/// A large visited set allows more, one for this many states: the more lookups there are in a
/// slice, the more of them meet in a page of the table.
const STATES_PER_GENERATED: u64 = 16;
/// The bounds of a slice, in states.
pub(super) const SLICE_MIN: u32 = 512;
pub(super) const SLICE_MAX: u32 = 1 << 18;
/// The least states worth a task of their own.
const ROW_MIN: u32 = 128;
/// Tasks per thread, so that a thread that is done early finds something left to do.
const ROWS_PER_THREAD: u32 = 4;
/// Fewer candidates than this are not worth waking another thread for.
const CANDIDATES_ALONE: usize = 2048;
/// More threads than this never get a task.
const THREADS_MAX: usize = 256;

const _: () = assert!(SLICE_MAX as usize / ROWS_PER_THREAD as usize <= PARENTS_MAX);
const _: () = assert!(ROW_MIN <= SLICE_MIN && SLICE_MIN <= SLICE_MAX);

/// A step of the search: done, left for a limit, or ended by an error of the model.
type Step<M> = Result<Result<(), Limit>, Failure<M>>;

/// A search under way.
pub(super) struct Search<'a, 'o, M: Pack> {
    pub(super) model: &'a M,
    pub(super) options: &'a Options<'o, M::Action>,
    pub(super) threads: NonZeroUsize,
    pub(super) watch: &'a Watch<'a>,
    pub(super) pulse: Pulse<'a>,
    pub(super) properties: Vec<Property<M>>,
    /// For each property the first state that settled it.
    pub(super) found: Vec<Option<StateId>>,
    pub(super) states: States<M::Packed>,
    pub(super) shards: Vec<Shard>,
    pub(super) rows: Vec<Row<M::Packed>>,
    /// What was met lately, one for each thread.
    recents: Mutex<Vec<Recent<M::Packed>>>,
    /// None where the model does not know what commutes.
    pub(super) sleep: Option<Sleep>,
    pub(super) counts: Counts,
    /// What was counted when the last level was finished: the figures of a run that a limit ends.
    pub(super) settled: Counts,
    /// How far the level that is being expanded has come; none before the initial states are in.
    pub(super) front: Option<Front>,
    /// How many states the next slice takes.
    pub(super) slice: u32,
    /// No state gets a larger number than this one.
    id_last: StateId,
}

impl<'a, 'o, M> Search<'a, 'o, M>
where
    M: Pack + Sync,
    M::State: Clone + PartialEq,
    M::Action: Clone,
{
    pub(super) fn new(
        model: &'a M,
        options: &'a Options<'o, M::Action>,
        watch: &'a Watch<'a>,
    ) -> Result<Self, Failure<M>> {
        let properties = properties_of(model)?;
        let layout = Layout::new(guard(Doing::Setup, || model.bits())?);
        let threads = options.threads.clamp(1, THREADS_MAX);
        Ok(Self {
            model,
            options,
            threads: NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN),
            watch,
            pulse: Pulse::new(watch, options.progress),
            found: vec![None; properties.len()],
            properties,
            states: States::new(layout, options.store),
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            rows: Vec::new(),
            recents: Mutex::new(Vec::new()),
            sleep: model.knows_what_commutes().then(Sleep::default),
            counts: Counts::default(),
            settled: Counts::default(),
            front: None,
            slice: SLICE_MIN,
            id_last: StateId::MAX,
        })
    }

    pub(super) fn run(mut self) -> Result<Searched<M>, Failure<M>> {
        let ending = self.search()?;
        self.finish(ending)
    }

    fn search(&mut self) -> Result<Ending, Failure<M>> {
        if self.front.is_none()
            && let Err(limit) = self.seed()?
        {
            return Ok(Ending::Limit(limit));
        }
        loop {
            if let Err(limit) = self.expand_level()? {
                return Ok(Ending::Limit(limit));
            }
            if let Some(ending) = self.finish_level() {
                return Ok(ending);
            }
        }
    }

    /// A level is finished, the one before it expanded. Begins to expand it, unless the search
    /// ends here: then all is left so that a search that is resumed here ends here as well.
    fn finish_level(&mut self) -> Option<Ending> {
        let (next, end) = (self.front.map_or(0, |front| front.end), self.states.len());
        self.settled = self.counts.clone();
        self.states.known.leave_behind(next);
        if next == end {
            // The level that was expanded last had no new successor: it was the deepest one.
            self.settled.levels.pop();
            return Some(Ending::Complete);
        }
        if self.options.stop == StopAt::FirstViolation && self.is_violated() {
            return Some(Ending::Violation);
        }
        self.front = Some(Front { next, end });
        if let Some(sleep) = &mut self.sleep {
            sleep.begin_level(next);
        }
        self.counts.begin_level();
        None
    }

    /// Level 0.
    fn seed(&mut self) -> Step<M> {
        let (model, layout) = (self.model, self.states.known.layout);
        let mut row = Row::new();
        for state in guard(Doing::Setup, || model.init_states())? {
            if !guard(Doing::Boundary, || model.within_boundary(&state))? {
                self.counts.cut += 1;
                continue;
            }
            let packed = guard(Doing::Packing, || try_round_trip(model, &layout, &state))?;
            let packed = packed
                .map_err(|flaw| EngineError::PackingBroken { flaw, trace: vec![(None, state)] })?;
            row.push(self.states.known.hash(&packed), &packed, Origin { parent: 0, kind: 0 });
        }
        self.rows.push(row);
        self.counts.begin_level();
        let done = self.take_in(1, true)?;
        self.states.known.mark_roots();
        Ok(done)
    }

    /// Expands what is left of a level.
    fn expand_level(&mut self) -> Step<M> {
        while let Some(Front { next, end }) = self.front.filter(|front| front.next < front.end) {
            let to = end.min(next.saturating_add(self.slice));
            if let Err(limit) = self.look(u64::from(end - next)) {
                return Ok(Err(limit));
            }
            let rows = match self.expand_slice(next, to, end)? {
                Ok(rows) => rows,
                Err(limit) => return Ok(Err(limit)),
            };
            if !self.fits(rows) {
                self.forget_slice();
                if self.slice == SLICE_MIN {
                    self.watch.leave(Limit::Memory);
                }
                self.slice = (self.slice / 4).max(SLICE_MIN);
                continue;
            }
            let generated = self.rows[..rows].iter().map(|row| row.tally.generated).sum();
            if u64::from(self.states.len()) + generated > u64::from(self.id_last.get()) {
                self.watch.leave(Limit::Ids);
                continue;
            }
            if let Err(limit) = self.take_in(rows, false)? {
                return Ok(Err(limit));
            }
            self.slice = slice_after(to - next, generated, self.states.len());
            self.front = Some(Front { next: to, end });
        }
        Ok(Ok(()))
    }

    /// Looks whether the run is over; `left` states of the level are not expanded.
    fn look(&self, left: u64) -> Result<(), Limit> {
        self.pulse.beat(|| self.glance(left, 0));
        self.watch.note_states(self.counts.distinct);
        self.watch.note_memory(self.bytes());
        self.watch.reached().map_or(Ok(()), Err)
    }

    /// Fills rows with what the states of a slice lead to, and returns how many rows. A slice
    /// that is left half expanded counts for nothing.
    fn expand_slice(
        &mut self,
        from: u32,
        to: u32,
        level_end: u32,
    ) -> Result<Result<usize, Limit>, Failure<M>> {
        let tasks = self.threads.get() as u32 * ROWS_PER_THREAD;
        let per_row = (to - from).div_ceil(tasks).clamp(ROW_MIN, PARENTS_MAX as u32);
        let count = (to - from).div_ceil(per_row) as usize;
        let room = self.room_per_row(count);
        let mut rows = std::mem::take(&mut self.rows);
        rows.resize_with(count.max(rows.len()), Row::new);
        rows.iter_mut().for_each(|row| row.room = room.max(row.states.capacity()));
        let expander = Expander {
            model: self.model,
            properties: &self.properties,
            known: &self.states.known,
            watch: self.watch,
            kind: self.options.kind,
            sleep: self.sleep.as_ref(),
        };
        let known = &self.states.known;
        let recents = || self.recents.lock().unwrap_or_else(PoisonError::into_inner);
        let generated = AtomicU64::new(0);
        // A row's task gets its memory of states in the same breath as the task is taken. Were it
        // taken later: thread A takes task 1 and is suspended, B does task 2 and lays its memory
        // down, A takes that up and drops a state of task 1 because it was met in task 2. The
        // state would be numbered as one of task 2, and otherwise on another day.
        let tasks = (from..to).step_by(per_row as usize).zip(&mut rows).map(|(begin, row)| {
            let recent = recents().pop();
            (begin, row, recent)
        });
        let expand = |(begin, row, recent): (u32, &mut Row<_>, Option<Recent<_>>)| {
            let mut recent = recent.unwrap_or_else(|| Recent::new(|state| known.hash(state)));
            expander.expand(begin, to.min(begin + per_row), row, &mut recent);
            generated.fetch_add(row.tally.generated, Ordering::Relaxed);
            recents().push(recent);
        };
        let left = u64::from(level_end - from);
        let look = || self.pulse.beat(|| self.glance(left, generated.load(Ordering::Relaxed)));
        if count == 1 {
            tasks.for_each(expand);
        } else {
            share_out(self.threads, tasks, expand, look);
        }
        self.rows = rows;
        let rows = &mut self.rows[..count];
        if let Some(broke) = rows.iter_mut().find_map(|row| row.broke.take()) {
            return Err(explain(self.model, &self.states.known, broke));
        }
        if rows.iter().any(|row| row.unfinished) {
            return Ok(Err(self.watch.reached().unwrap_or(Limit::Interrupted)));
        }
        Ok(Ok(count))
    }

    /// Drops what the slice led to. What was met in it was never stored, so it must not be taken
    /// for known when the slice is expanded again.
    fn forget_slice(&mut self) {
        self.recents.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        self.rows.clear();
    }

    /// Takes the new ones among the candidates of the first `count` rows into the visited set.
    fn take_in(&mut self, count: usize, are_roots: bool) -> Step<M> {
        if let Some(size) = self.states.table.size_for(&self.demand(count)) {
            rehash::rehash(&mut self.states, size, self.threads);
        }
        let rows = &self.rows[..count];
        let candidates: usize = rows.iter().map(|row| row.states.len()).sum();
        let States { known, table } = &mut self.states;
        let tasks = self.shards.iter_mut().zip(table.parts_mut()).enumerate();
        share(self.threads, candidates, tasks, |(number, (shard, slots))| {
            shard.insert(number, slots, rows, known);
        });
        let new = self.adopt(count, candidates, are_roots);
        let rows = &self.rows[..count];
        let tasks = self.shards.iter_mut().zip(self.states.table.parts_mut());
        share(self.threads, candidates, tasks, |(shard, slots)| shard.settle(slots, rows));
        self.gather(count, new)
    }

    /// Stores and checks what is new in each of the first `count` rows. Returns how much that is.
    fn adopt(&mut self, count: usize, candidates: usize, are_roots: bool) -> u32 {
        let (known, shards) = (&mut self.states.known, &self.shards);
        let new_of = |row| shards.iter().map(|shard| shard.fresh_of(row).len()).sum();
        let news: Vec<usize> = (0..count).map(new_of).collect();
        let (layout, keys) = (known.layout, known.keys.clone());
        let dests = known.room_for(&news);
        let is_open = |p: &usize| self.found[*p].is_none();
        let open: Vec<usize> = (0..self.found.len()).filter(is_open).collect();
        let adopter = Adopter {
            model: self.model,
            properties: &self.properties,
            open: &open,
            shards,
            layout,
            keys,
            count_kinds: self.options.kind.is_some(),
            are_roots,
            watch: self.watch,
        };
        let tasks = self.rows.iter_mut().enumerate().zip(dests);
        share(self.threads, candidates, tasks, |((number, row), dest)| {
            adopter.adopt(number, row, dest);
        });
        news.iter().sum::<usize>() as u32
    }

    /// Counts the slice, whose states are known from now on; of several failures, or of several
    /// states that settle a property, the first one in the order of the queue counts. A slice
    /// that is left half checked counts for nothing.
    fn gather(&mut self, count: usize, new: u32) -> Step<M> {
        let rows = &mut self.rows[..count];
        for row in &mut *rows {
            for (block, first) in row.adopted.first_children.drain(..) {
                self.states.known.mark_block(block, first);
            }
            if let Some(broke) = row.adopted.broke.take() {
                return Err(explain(self.model, &self.states.known, broke));
            }
        }
        if rows.iter().any(|row| row.adopted.unfinished) {
            return Ok(Err(self.watch.reached().unwrap_or(Limit::Interrupted)));
        }
        self.states.known.len += new;
        if let Some(sleep) = &mut self.sleep {
            let asleep = rows.iter().flat_map(|row| row.adopted.asleep.iter().copied());
            sleep.found(asleep);
        }
        for row in rows {
            self.counts.add_tally(&row.tally);
            self.counts.add_new(0, &row.adopted.new_by_kind);
            for (position, id) in row.adopted.found.drain(..) {
                self.found[position].get_or_insert(id);
            }
        }
        self.counts.add_new(u64::from(new), &[]);
        Ok(Ok(()))
    }

    fn is_violated(&self) -> bool {
        let mut settled = self.properties.iter().zip(&self.found);
        settled.any(|(p, found)| p.expectation == Expectation::Always && found.is_some())
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
}

/// How many states the slice after one of `taken` states is to have, once `known` are visited.
/// Only by what is the same in every run: a limit of states is looked at between slices.
fn slice_after(taken: u32, generated: u64, known: u32) -> u32 {
    let aim = GENERATED_AIM.max(u64::from(known) / STATES_PER_GENERATED);
    let states = aim * u64::from(taken) / generated.max(1);
    states.clamp(u64::from(SLICE_MIN), u64::from(SLICE_MAX)) as u32
}

/// Does `work` for each task, on as many threads as `candidates` are worth.
fn share<T: Send>(
    threads: NonZeroUsize,
    candidates: usize,
    tasks: impl Iterator<Item = T> + Send,
    work: impl Fn(T) + Sync,
) {
    if candidates < CANDIDATES_ALONE {
        tasks.for_each(work);
    } else {
        share_out(threads, tasks, work, || {});
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panic")]
mod tests {
    use super::*;
    use crate::Limits;
    use ::stateright::Model;

    /// Counts up for a long time.
    struct Count;

    impl Model for Count {
        type State = u64;
        type Action = u64;

        fn init_states(&self) -> Vec<u64> {
            vec![0]
        }

        fn actions(&self, _: &u64, actions: &mut Vec<u64>) {
            actions.extend([1, 2, 3]);
        }

        fn next_state(&self, state: &u64, step: u64) -> Option<u64> {
            Some(state + step).filter(|next| *next < 100_000)
        }
    }

    impl Pack for Count {
        type Packed = [u64; 1];

        fn pack(&self, state: &u64) -> [u64; 1] {
            [*state]
        }

        fn unpack(&self, packed: &[u64; 1]) -> u64 {
            packed[0]
        }
    }

    #[test]
    fn a_run_that_has_no_number_left_says_so() {
        let options = Options::default();
        let watch = Watch::new(Limits::default(), None);
        let mut search = Search::new(&Count, &options, &watch).unwrap();
        search.id_last = StateId::new(1_000);
        let Searched { outcome, states, .. } = search.run().unwrap();
        assert_eq!(outcome.ending, Ending::Limit(Limit::Ids));
        assert!(states.len() > 900 && states.len() <= 1_001, "{} states", states.len());
        assert!((900..=u64::from(states.len())).contains(&outcome.distinct), "{outcome:?}");
    }

    #[test]
    fn a_slice_is_sized_by_what_the_last_one_led_to() {
        assert_eq!(slice_after(1_000, 10_000, 0), 52_428);
        assert_eq!(slice_after(1_000, 0, 0), SLICE_MAX);
        assert_eq!(slice_after(1_000, u64::MAX, 0), SLICE_MIN);
        assert_eq!(slice_after(1_000, 10_000, 1 << 24), 104_857);
    }
}
