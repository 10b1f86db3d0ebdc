//! How the small models pack their states, and models whose packing is at fault.
//!
//! Never here: assertions; see the scenarios in `packed.rs`.

use super::models::{Graph, Grid, Odd};
use stateright::{Model, Property};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use syncsplit_engine::packed::{Pack, Sink};

/// Five bits for each counter, so that most records end within a byte that is not theirs alone.
impl<const N: usize> Pack for Grid<N> {
    type Packed = [u64; 2];

    fn bits(&self) -> usize {
        5 * N
    }

    fn pack(&self, state: &[u8; N]) -> [u64; 2] {
        let bits = state.iter().rev().fold(0, |bits: u128, c| bits << 5 | u128::from(*c));
        [bits as u64, (bits >> 64) as u64]
    }

    fn unpack(&self, packed: &[u64; 2]) -> [u8; N] {
        let bits = u128::from(packed[0]) | u128::from(packed[1]) << 64;
        std::array::from_fn(|i| (bits >> (5 * i) & 31) as u8)
    }
}

/// Three words with something in every one of them.
impl Pack for Graph {
    type Packed = [u64; 3];

    fn pack(&self, node: &u64) -> [u64; 3] {
        [*node % 7, node ^ 0x0123_4567_89ab_cdef, node.rotate_left(17)]
    }

    fn unpack(&self, packed: &[u64; 3]) -> u64 {
        packed[2].rotate_right(17)
    }
}

packs_numbers!(Odd);

/// A [`Grid`] that tells which of its steps commute: all do but each with itself.
pub(crate) struct Drowsy<const N: usize> {
    pub(crate) grid: Grid<N>,
    /// Whether it says of two of them that they do not.
    pub(crate) clashes: bool,
    /// How many steps were taken.
    pub(crate) taken: AtomicU64,
}

impl<const N: usize> Model for Drowsy<N> {
    type State = [u8; N];
    type Action = usize;

    fn init_states(&self) -> Vec<[u8; N]> {
        self.grid.init_states()
    }

    fn actions(&self, state: &[u8; N], actions: &mut Vec<usize>) {
        self.grid.actions(state, actions);
    }

    fn next_state(&self, state: &[u8; N], counter: usize) -> Option<[u8; N]> {
        self.grid.next_state(state, counter)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::sometimes("uneven", |_, s| s[0] == 3 && s[N - 1] == 1),
            Property::<Self>::always("below five", |_, s| s.iter().all(|counter| *counter < 5)),
        ]
    }
}

impl<const N: usize> Pack for Drowsy<N> {
    type Packed = [u64; 2];

    fn pack(&self, state: &[u8; N]) -> [u64; 2] {
        self.grid.pack(state)
    }

    fn unpack(&self, packed: &[u64; 2]) -> [u8; N] {
        self.grid.unpack(packed)
    }

    fn successors<S: Sink<Self>>(&self, packed: &[u64; 2], room: &mut Vec<usize>, sink: &mut S) {
        let state = self.unpack(packed);
        self.actions(&state, room);
        let asleep = sink.asleep();
        let mut before = asleep;
        for counter in room.drain(..) {
            let (kind, step) = (sink.kind(&counter), 1 << counter);
            if asleep & step != 0 {
                sink.sleeps(kind);
            } else if let Some(next) = self.next_state(&state, counter) {
                self.taken.fetch_add(1, Ordering::Relaxed);
                sink.step_and_sleep(kind, &self.pack(&next), before & !step);
                before |= step;
            }
        }
    }

    fn knows_what_commutes(&self) -> bool {
        true
    }

    fn clashes(&self, _: &[u8; N]) -> bool {
        self.clashes
    }
}

/// What is wrong with a [`Crooked`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crook {
    /// Two states pack into the same word.
    Lossy,
    /// A bit beyond those that were declared.
    Beyond,
    /// The model's own way to successors leaves one out.
    Forgets,
    /// It tells one as cut that lies within the boundary.
    Cuts,
    /// It tells two in the wrong order.
    Swaps,
    /// It says of a property what is not so.
    Lies,
    /// Another successor every time one asks.
    Moody,
}

/// Counts to 5,000 in steps of one and two; what is wrong shows from `from` on.
pub(crate) struct Crooked {
    pub(crate) crook: Crook,
    pub(crate) from: u64,
    pub(crate) asked: AtomicU64,
}

impl Crooked {
    fn is_bad(&self, crook: Crook, state: u64) -> bool {
        self.crook == crook && state >= self.from
    }
}

impl Model for Crooked {
    type State = u64;
    type Action = u64;

    fn init_states(&self) -> Vec<u64> {
        vec![0]
    }

    fn actions(&self, _: &u64, actions: &mut Vec<u64>) {
        actions.extend([1, 2]);
    }

    fn next_state(&self, state: &u64, step: u64) -> Option<u64> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let mood = if self.is_bad(Crook::Moody, *state) { asked % 5 } else { 0 };
        Some(state + step + mood).filter(|next| *next <= 5_000)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::<Self>::sometimes("the end", |_, state| *state == 5_000)]
    }
}

impl Pack for Crooked {
    type Packed = [u64; 2];

    fn bits(&self) -> usize {
        70
    }

    fn pack(&self, state: &u64) -> [u64; 2] {
        let lost = u64::from(self.is_bad(Crook::Lossy, *state));
        let beyond = u64::from(self.is_bad(Crook::Beyond, *state));
        [state & !lost, beyond << 8]
    }

    fn unpack(&self, packed: &[u64; 2]) -> u64 {
        packed[0]
    }

    fn holds(&self, _: usize, packed: &[u64; 2]) -> Option<bool> {
        Some((packed[0] == 5_000) != self.is_bad(Crook::Lies, packed[0]))
    }

    fn successors<S: Sink<Self>>(&self, packed: &[u64; 2], _: &mut Vec<u64>, sink: &mut S) {
        let state = packed[0];
        let mut steps = [1, 2];
        if self.is_bad(Crook::Swaps, state) {
            steps.reverse();
        }
        for step in steps {
            let kind = sink.kind(&step);
            if step == 2 && self.is_bad(Crook::Forgets, state) {
                continue;
            }
            let Some(next) = self.next_state(&state, step) else { continue };
            if step == 2 && self.is_bad(Crook::Cuts, state) {
                sink.cut();
            } else {
                sink.step(kind, &self.pack(&next));
            }
        }
    }
}

/// One state that leads to very many, which lead to each other.
pub(crate) struct Wide {
    pub(crate) fan: u64,
}

impl Model for Wide {
    type State = u64;
    type Action = u64;

    fn init_states(&self) -> Vec<u64> {
        vec![0]
    }

    fn actions(&self, state: &u64, actions: &mut Vec<u64>) {
        match state {
            0 => actions.extend(1..=self.fan),
            _ => actions.extend([state * 7 % self.fan + 1, state * 11 % self.fan + 1]),
        }
    }

    fn next_state(&self, _: &u64, to: u64) -> Option<u64> {
        Some(to)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        Vec::new()
    }
}

impl Pack for Wide {
    type Packed = [u64; 1];

    fn bits(&self) -> usize {
        20
    }

    fn pack(&self, state: &u64) -> [u64; 1] {
        [*state]
    }

    fn unpack(&self, packed: &[u64; 1]) -> u64 {
        packed[0]
    }
}

/// A tree: every number leads to the eight after eight times itself, up to `most`. Its levels are
/// wider than a slice.
pub(crate) struct Tree {
    pub(crate) most: u64,
    /// How long a property takes.
    pub(crate) property: Duration,
    /// How many states were looked at.
    pub(crate) checked: AtomicU64,
}

impl Model for Tree {
    type State = u64;
    type Action = u64;

    fn init_states(&self) -> Vec<u64> {
        vec![0]
    }

    fn actions(&self, state: &u64, actions: &mut Vec<u64>) {
        actions.extend((8 * state + 1..=8 * state + 8).filter(|next| *next <= self.most));
    }

    fn next_state(&self, _: &u64, to: u64) -> Option<u64> {
        Some(to)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::<Self>::always("small", |model, state| {
            model.checked.fetch_add(1, Ordering::Relaxed);
            if !model.property.is_zero() {
                std::thread::sleep(model.property);
            }
            *state <= model.most
        })]
    }
}

impl Pack for Tree {
    type Packed = [u64; 2];

    fn bits(&self) -> usize {
        90
    }

    fn pack(&self, state: &u64) -> [u64; 2] {
        [state << 1, *state]
    }

    fn unpack(&self, packed: &[u64; 2]) -> u64 {
        packed[1]
    }
}
