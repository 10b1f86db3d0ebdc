//! Two other ways to decide a promise, neither of which knows components.
//!
//! Never here: anything of the engine but its words for a model.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;
use syncsplit_engine::liveness::{Faults, Live, Promise};

/// A model read into lists: all states, and all steps to others.
pub(crate) struct Plain {
    /// For each state the steps out of it to others.
    steps: Vec<Vec<Step>>,
    initial: Vec<usize>,
    /// The fair actions there are.
    numbers: Vec<u8>,
    /// For each promise where it is open, where it is kept, and where a run may stay.
    promises: Vec<PlainPromise>,
}

struct Step {
    /// `None`: over the boundary.
    target: Option<usize>,
    fair: Option<u8>,
    is_fault: bool,
}

struct PlainPromise {
    open: Vec<bool>,
    to: Vec<bool>,
    /// Not `to` and, if that matters, repaired.
    lasting: Vec<bool>,
    with_faults: bool,
}

impl Plain {
    pub(crate) fn of<M: Live>(model: &M) -> Self
    where
        M::State: Clone + Eq + Hash,
        M::Action: Clone,
    {
        let mut states = Vec::new();
        let mut number_of = HashMap::new();
        let mut known = |state: M::State, states: &mut Vec<M::State>| {
            *number_of.entry(state.clone()).or_insert_with(|| {
                states.push(state);
                states.len() - 1
            })
        };
        let within = model.init_states().into_iter().filter(|state| model.within_boundary(state));
        let initial: Vec<_> = within.map(|state| known(state, &mut states)).collect();
        let mut steps = Vec::new();
        while let Some(state) = states.get(steps.len()).cloned() {
            let mut out = Vec::new();
            let mut actions = Vec::new();
            model.actions(&state, &mut actions);
            for action in actions {
                let (fair, is_fault) =
                    (model.fairness(&state, &action), model.is_fault(&state, &action));
                match model.next_state(&state, action).filter(|next| *next != state) {
                    Some(next) if !model.within_boundary(&next) => {
                        out.push(Step { target: None, fair, is_fault })
                    }
                    Some(next) => {
                        let target = Some(known(next, &mut states));
                        out.push(Step { target, fair, is_fault });
                    }
                    None => {}
                }
            }
            steps.push(out);
        }
        let numbers: HashSet<u8> = steps.iter().flatten().filter_map(|step| step.fair).collect();
        let promises = model.promises();
        let plain = |promise: &Promise<M>| PlainPromise::of(model, promise, &states);
        let promises = promises.iter().map(plain).collect();
        Self { steps, initial, numbers: numbers.into_iter().collect(), promises }
    }

    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// A fair action that is a fault is owed only on runs with faults.
    fn is_enabled(&self, promise: &PlainPromise, state: usize, number: u8) -> bool {
        let counts = |step: &&Step| promise.with_faults || !step.is_fault;
        self.steps[state].iter().filter(counts).any(|step| step.fair == Some(number))
    }

    /// The steps on which a run may stay once the promise is broken.
    fn lasting(
        &self,
        promise: &PlainPromise,
        state: usize,
    ) -> impl Iterator<Item = (usize, Option<u8>)> {
        let steps = self.steps[state].iter().filter(|step| promise.with_faults || !step.is_fault);
        let steps = steps.filter_map(|step| Some((step.target?, step.fair)));
        steps.filter(|(target, _)| promise.lasting[*target])
    }

    /// By the letter: for each state, is there a closed walk from it that is fair? A walk is
    /// looked for in the product of states and of what the walk has been fair to so far. Gives the
    /// fewest steps of a stem to such a state, if the promise is broken.
    pub(crate) fn by_closed_walks(&self, which: usize) -> Option<usize> {
        let promise = &self.promises[which];
        let walks: Vec<bool> = (0..self.len())
            .map(|knot| promise.lasting[knot] && self.has_fair_walk(promise, knot))
            .collect();
        self.fewest_steps(promise, &walks)
    }

    fn has_fair_walk(&self, promise: &PlainPromise, knot: usize) -> bool {
        let all: u64 = self.numbers.iter().map(|number| 1 << number).sum();
        let rests = |state| {
            let rests =
                self.numbers.iter().filter(|number| !self.is_enabled(promise, state, **number));
            rests.map(|number| 1_u64 << number).sum::<u64>()
        };
        let mut seen = HashSet::from([(knot, rests(knot))]);
        let mut open: Vec<_> = seen.iter().copied().collect();
        while let Some((state, fair_to)) = open.pop() {
            if state == knot && fair_to == all {
                return true;
            }
            for (target, fair) in self.lasting(promise, state) {
                let taken = fair.map_or(0, |number| 1 << number);
                let next = (target, fair_to | taken | rests(target));
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        false
    }

    /// The distance of each open state from an initial one, plus from there, without `to`, that of
    /// the nearest state in `goal`.
    fn fewest_steps(&self, promise: &PlainPromise, goal: &[bool]) -> Option<usize> {
        let to_open = self.distances(self.initial.iter().copied(), |_| true);
        let open = (0..self.len()).filter(|state| promise.open[*state]);
        open.filter_map(|state| {
            let first = to_open[state]?;
            let onward = self.distances([state].into_iter(), |target| !promise.to[target]);
            let reached = (0..self.len()).filter(|end| goal[*end]);
            Some(first + reached.filter_map(|end| onward[end]).min()?)
        })
        .min()
    }

    fn distances(
        &self,
        from: impl Iterator<Item = usize>,
        enters: impl Fn(usize) -> bool,
    ) -> Vec<Option<usize>> {
        let mut distances = vec![None; self.len()];
        let mut queue: VecDeque<_> = from.map(|state| (state, 0)).collect();
        while let Some((state, distance)) = queue.pop_front() {
            if distances[state].is_some() {
                continue;
            }
            distances[state] = Some(distance);
            let targets = self.steps[state].iter().filter_map(|step| step.target);
            queue.extend(targets.filter(|t| enters(*t)).map(|target| (target, distance + 1)));
        }
        distances
    }

    /// After Emerson and Lei: the largest set of states from each of which, for each fair action,
    /// the run can come, without leaving the set, to a state in it where the action is not enabled
    /// or over a step that takes it. Says whether the promise is broken.
    pub(crate) fn by_fixpoint(&self, which: usize) -> bool {
        let promise = &self.promises[which];
        let mut sources = vec![Vec::new(); self.len()];
        for state in 0..self.len() {
            for (target, _) in self.lasting(promise, state) {
                sources[target].push(state);
            }
        }
        let mut stays = promise.lasting.clone();
        loop {
            let size = stays.iter().filter(|stays| **stays).count();
            for number in &self.numbers {
                let serves = |state: &usize| {
                    let mut steps = self.lasting(promise, *state);
                    stays[*state]
                        && (!self.is_enabled(promise, *state, *number)
                            || steps.any(|(t, fair)| fair == Some(*number) && stays[t]))
                };
                let mut reached = vec![false; self.len()];
                let mut open: Vec<_> = (0..self.len()).filter(serves).collect();
                while let Some(state) = open.pop() {
                    if !reached[state] {
                        reached[state] = true;
                        open.extend(sources[state].iter().copied().filter(|s| stays[*s]));
                    }
                }
                stays = reached;
            }
            if stays.iter().filter(|stays| **stays).count() == size {
                break;
            }
        }
        let open = (0..self.len()).filter(|state| promise.open[*state]);
        let onward = self.distances(open, |target| !promise.to[target]);
        (0..self.len()).any(|state| stays[state] && onward[state].is_some())
    }
}

impl PlainPromise {
    fn of<M: Live>(model: &M, promise: &Promise<M>, states: &[M::State]) -> Self {
        let is = |predicate: fn(&M, &M::State) -> bool| -> Vec<bool> {
            states.iter().map(|state| predicate(model, state)).collect()
        };
        let (from, to) = (is(promise.from), is(promise.to));
        let with_faults = promise.faults == Faults::GoOn;
        let lasts =
            |(state, to): (&M::State, &bool)| !to && (with_faults || model.is_repaired(state));
        Self {
            open: from.iter().zip(&to).map(|(from, to)| *from && !to).collect(),
            lasting: states.iter().zip(&to).map(lasts).collect(),
            to,
            with_faults,
        }
    }
}
