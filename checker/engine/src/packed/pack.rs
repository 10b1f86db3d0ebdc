//! What a model must offer to be searched in packed form.
//!
//! Never here: how packed states are stored, or a packing of a particular model.

use crate::KINDS_MAX;
use ::stateright::Model;
use std::fmt::Debug;

/// A fixed number of machine words; implemented for every `[u64; N]` with `N > 0`.
pub trait Words: Copy + Debug + Eq + Send + Sync + 'static {
    /// All bits 0.
    const ZERO: Self;

    /// The words, the first 64 bits first.
    fn words(&self) -> &[u64];

    /// The words, to be written.
    fn words_mut(&mut self) -> &mut [u64];
}

impl<const N: usize> Words for [u64; N] {
    const ZERO: Self = {
        assert!(N > 0, "a state needs at least one word");
        [0; N]
    };

    #[inline]
    fn words(&self) -> &[u64] {
        self
    }

    #[inline]
    fn words_mut(&mut self) -> &mut [u64] {
        self
    }
}

/// A model whose states pack into a fixed number of words.
///
/// The search keeps packed states only, and takes two states for one when their words are equal.
/// `unpack(pack(s)) == s` must therefore hold for every state within the boundary. The search
/// tries this out on a sample of the states of every run, and on all of them where debug
/// assertions are on; see [`crate::EngineError::PackingBroken`].
pub trait Pack: Model {
    /// Room for the largest state of the largest instance.
    type Packed: Words;

    /// How many bits, from the first one on, this instance makes use of: all others are 0 in
    /// every packed state and take no memory. What is stored per state is this, in whole bytes.
    fn bits(&self) -> usize {
        size_of::<Self::Packed>() * 8
    }

    /// The words of a state.
    fn pack(&self, state: &Self::State) -> Self::Packed;

    /// The state of these words, which `pack` once gave.
    fn unpack(&self, packed: &Self::Packed) -> Self::State;

    /// Hands `sink` what the actions of a state lead to, in the order of [`Model::actions`]. A model
    /// that knows what commutes does not take those that are [`Sink::asleep`], and tells of them.
    ///
    /// A model may override this to get there faster, without unpacking the state, say, or
    /// without listing actions. What it tells must be what this default tells; that is tried out
    /// on the same sample as the packing. `room` is empty and may be used for anything; it keeps
    /// its memory from state to state.
    fn successors<S: Sink<Self>>(
        &self,
        packed: &Self::Packed,
        room: &mut Vec<Self::Action>,
        sink: &mut S,
    ) {
        plain_successors(self, &self.unpack(packed), room, sink);
    }

    /// Whether the model says which steps commute, so that [`Sink::asleep`] is heeded.
    fn knows_what_commutes(&self) -> bool {
        false
    }

    /// Whether there are two steps out of a state that the model says commute, and that do not.
    /// It is asked of some of the states that are searched.
    fn clashes(&self, _state: &Self::State) -> bool {
        false
    }

    /// Whether the property at this position of [`Model::properties`] holds in a state, if that
    /// can be told without unpacking it. It is tried out on the same sample as the packing.
    fn holds(&self, _property: usize, _packed: &Self::Packed) -> Option<bool> {
        None
    }
}

/// A set of steps, by bits that a model gives them.
pub type Steps = u128;

/// Takes what the actions of a state lead to.
pub trait Sink<M: Pack> {
    /// The group of an action, to be asked before the action is used up.
    fn kind(&self, action: &M::Action) -> Kind;

    /// The steps out of this state that need not be taken, by [`Sink::step_and_sleep`]: another way
    /// of as many steps, or of fewer, leads to where they lead.
    fn asleep(&self) -> Steps {
        0
    }

    /// There is a step of this group, and it is asleep.
    fn sleeps(&mut self, _kind: Kind) {}

    /// An action of this group leads to `next`, which lies within the boundary.
    fn step(&mut self, kind: Kind, next: &M::Packed);

    /// As [`Sink::step`]; and if this way to `next` is the first, these steps are asleep there:
    /// each commutes with the one that is taken now, and was asleep or was told before it.
    fn step_and_sleep(&mut self, kind: Kind, next: &M::Packed, _asleep: Steps) {
        self.step(kind, next);
    }

    /// An action leads out of the boundary.
    fn cut(&mut self);
}

/// The group of an action, below [`KINDS_MAX`].
pub type Kind = u16;

const _: () = assert!(KINDS_MAX <= 1 + Kind::MAX as usize);

/// The group of an action by the function of the options, if there is one.
#[inline]
pub(super) fn kind_of<A>(kind: Option<fn(&A) -> usize>, action: &A) -> Kind {
    kind.map_or(0, |kind| kind(action).min(KINDS_MAX - 1) as Kind)
}

/// The successors of a state by the model's plain functions.
pub(super) fn plain_successors<M: Pack>(
    model: &M,
    state: &M::State,
    room: &mut Vec<M::Action>,
    sink: &mut impl Sink<M>,
) {
    model.actions(state, room);
    for action in room.drain(..) {
        let kind = sink.kind(&action);
        let Some(next) = model.next_state(state, action) else {
            continue;
        };
        if model.within_boundary(&next) {
            sink.step(kind, &model.pack(&next));
        } else {
            sink.cut();
        }
    }
}
