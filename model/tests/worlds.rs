//! Small worlds with some faults, and the way through their states, for tests that look at each state.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use stateright::Model;
use syncsplit_model::world::{
    Bounds, Cache, Fault, Instance, State, Stillness, World, WorldProperty,
};

/// States by their hash, which is the same in every run. Two states of one hash count as one, and one is not looked at.
#[derive(Default)]
pub(crate) struct SeenStates(HashSet<u64>);

impl SeenStates {
    /// Whether `state` was not there before.
    pub(crate) fn insert(&mut self, state: &State) -> bool {
        self.0.insert(BuildHasherDefault::<DefaultHasher>::default().hash_one(state))
    }
}

/// Shows the first `most` states of `world` to `look`, breadth first.
pub(crate) fn each_state(world: &World, most: usize, mut look: impl FnMut(State)) {
    let mut queue = world.init_states();
    let mut seen = SeenStates::default();
    queue.retain(|first| seen.insert(first));
    let mut at = 0;
    while let Some(state) = queue.get(at).copied().filter(|_| at < most) {
        at += 1;
        look(state);
        queue.extend(world.next_states(&state).into_iter().filter(|after| seen.insert(after)));
    }
}

/// Which properties are true in `state`.
pub(crate) fn truths(world: &World, state: &State) -> Vec<bool> {
    WorldProperty::ALL.iter().map(|property| property.is_true(world, state)).collect()
}

pub(crate) fn with(bounds: Bounds, faults: &[&[Fault]]) -> Bounds {
    Bounds { faults: faults.concat().into_iter().collect(), ..bounds }
}

/// The smallest bounds.
pub(crate) fn one() -> Bounds {
    let ci = Instance::named("ci").unwrap().bounds;
    Bounds { journal: 1, frames: 1, acks: 1, host_messages: 1, ..ci }
}

/// Faults that end what waits.
pub(crate) const TIMERS: &[Fault] = &[Fault::LinkDown, Fault::Timeouts, Fault::HostLoss];

/// Small worlds with timers, together with most faults and bounds.
pub(crate) fn small() -> Vec<Bounds> {
    let two_messages =
        Bounds { cache: Cache::Volatile, acks: 2, frames: 2, host_messages: 2, ..one() };
    let quiesce = Bounds { stillness: Stillness::Quiesce, ..one() };
    vec![
        with(one(), &[TIMERS, &[Fault::HostRepeat, Fault::CrashRemoteHost]]),
        with(one(), &[TIMERS, &[Fault::OperatorDelete, Fault::OperatorSuspend]]),
        with(one(), &[TIMERS, &[Fault::Takeover, Fault::FalseSuspicion]]),
        with(two_messages, &[TIMERS, &[Fault::CrashSecondary, Fault::CrashLocalHost]]),
        with(
            quiesce,
            &[TIMERS, &[Fault::LeaseExpiry, Fault::CrashCoordinator, Fault::CrashPrimary]],
        ),
        Instance::named("ci").unwrap().bounds,
    ]
}
