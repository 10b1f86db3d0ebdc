//! What every transition function returns, in one shape for all roles.

use arrayvec::ArrayVec;
use core::fmt;

/// The most effects any one step returns.
pub const EFFECTS_MAX: usize = 3;

/// Effects of one step, to be performed in this order and before the role's next step.
pub type Effects<E> = ArrayVec<E, EFFECTS_MAX>;

/// Outcome of one transition: the role's next state, what is to be done, and the refusal if it was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Step<S, E, R> {
    /// The state after the step. Invariant: equal to the state before it when `refused` is set.
    pub state: S,
    /// What the executor performs now, in order. Invariant: empty when `refused` is set.
    pub effects: Effects<E>,
    /// Why nothing happened, when nothing happened.
    pub refused: Option<R>,
}

impl<S, E, R> Step<S, E, R> {
    /// Completes a step whose handler has already changed `state`, or refused before changing it.
    pub(crate) fn of(state: S, outcome: Result<Effects<E>, R>) -> Self {
        match outcome {
            Ok(effects) => Self { state, effects, refused: None },
            Err(refusal) => Self { state, effects: Effects::new(), refused: Some(refusal) },
        }
    }
}

/// Collects up to [`EFFECTS_MAX`] effects.
pub(crate) fn effects<E, const N: usize>(list: [E; N]) -> Effects<E> {
    const { assert!(N <= EFFECTS_MAX) };
    list.into_iter().collect()
}

/// An invariant that a `check()` found broken: which one, in the words that stand on its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken(pub &'static str);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invariant broken: {}", self.0)
    }
}

impl core::error::Error for Broken {}

/// `Err(Broken(what))` unless `holds`.
pub(crate) fn require(holds: bool, what: &'static str) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken(what)) }
}
