//! What a run says about a promise.
//!
//! Never here: how it came to say so.

use crate::{Trace, Verdict};

/// Whether a promise binds while faults go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Faults {
    /// It binds on every run, though faults happen again and again.
    GoOn,
    /// It binds on runs on which faults happen finitely often and nothing stays broken.
    HaveEnded,
}

/// One promise of the model and what the run says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromiseResult<A, S> {
    /// The name the model gave it.
    pub name: &'static str,
    /// What the model says it says.
    pub says: &'static str,
    /// Whether it binds while faults go on.
    pub faults: Faults,
    /// `Holds`, `Violated` or `Unknown`; `Unreachable` if no reachable state has its `from`, so
    /// that it is kept and says nothing.
    pub verdict: Verdict,
    /// How many reachable states have its `from`, where that was found out.
    pub from_states: Option<u64>,
    /// How many of those do not have its `to`; with none, nothing ever has to follow.
    pub open_states: Option<u64>,
    /// The run that breaks it, if it is violated.
    pub lasso: Option<Lasso<A, S>>,
}

/// A run without end: a stem, then a cycle for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lasso<A, S> {
    /// From an initial state to the state where the cycle begins. No stem to a cycle that breaks
    /// the promise is shorter.
    pub stem: Trace<A, S>,
    /// The position in the stem of a state with `from` after which there is no `to`.
    pub from_at: usize,
    /// Begins, without an action, with the last state of the stem, and ends with it. One state
    /// alone means that the run stutters there for ever.
    pub cycle: Trace<A, S>,
}

impl<A, S> Lasso<A, S> {
    /// Whether the run stands still in the end.
    pub fn is_stutter(&self) -> bool {
        self.cycle.len() == 1
    }
}
