//! A model written down edge by edge.
//!
//! Never here: a particular one; see `traps.rs` and `random.rs`.

use stateright::Model;
use syncsplit_engine::liveness::{Faults, Live, Promise};

/// What an edge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Fair(u8),
    Free,
    Fault,
    /// Owed while faults go on, and gone once they have ended.
    FairFault(u8),
}

pub(crate) use Kind::{Fair, FairFault, Fault, Free};

/// The target of an action that leads nowhere.
pub(crate) const NOWHERE: u16 = u16::MAX;

/// States are numbers, actions positions in the list of edges.
#[derive(Clone, Debug, Default)]
pub(crate) struct Net {
    pub(crate) initial: Vec<u16>,
    pub(crate) edges: Vec<(u16, u16, Kind)>,
    pub(crate) from: Vec<u16>,
    pub(crate) to: Vec<u16>,
    pub(crate) broken: Vec<u16>,
    pub(crate) outside: Vec<u16>,
}

impl Net {
    /// Begins in 0; `from` is true there only, `to` nowhere.
    pub(crate) fn new(edges: &[(u16, u16, Kind)]) -> Self {
        Self { initial: vec![0], edges: edges.to_vec(), from: vec![0], ..Self::default() }
    }

    pub(crate) fn from(self, from: &[u16]) -> Self {
        Self { from: from.to_vec(), ..self }
    }

    pub(crate) fn to(self, to: &[u16]) -> Self {
        Self { to: to.to_vec(), ..self }
    }

    pub(crate) fn broken(self, broken: &[u16]) -> Self {
        Self { broken: broken.to_vec(), ..self }
    }

    pub(crate) fn initial(self, initial: &[u16]) -> Self {
        Self { initial: initial.to_vec(), ..self }
    }

    pub(crate) fn outside(self, outside: &[u16]) -> Self {
        Self { outside: outside.to_vec(), ..self }
    }
}

impl Model for Net {
    type State = u16;
    type Action = usize;

    fn init_states(&self) -> Vec<u16> {
        self.initial.clone()
    }

    fn actions(&self, state: &u16, actions: &mut Vec<usize>) {
        actions.extend((0..self.edges.len()).filter(|edge| self.edges[*edge].0 == *state));
    }

    fn next_state(&self, _: &u16, edge: usize) -> Option<u16> {
        Some(self.edges[edge].1).filter(|target| *target != NOWHERE)
    }

    fn within_boundary(&self, state: &u16) -> bool {
        !self.outside.contains(state)
    }
}

packs_numbers!(Net);

impl Live for Net {
    fn fairness(&self, _: &u16, edge: &usize) -> Option<u8> {
        match self.edges[*edge].2 {
            Fair(number) | FairFault(number) => Some(number),
            Free | Fault => None,
        }
    }

    fn is_fault(&self, _: &u16, edge: &usize) -> bool {
        matches!(self.edges[*edge].2, Fault | FairFault(_))
    }

    fn is_repaired(&self, state: &u16) -> bool {
        !self.broken.contains(state)
    }

    fn promises(&self) -> Vec<Promise<Self>> {
        [("whatever happens", Faults::GoOn), ("in the end", Faults::HaveEnded)]
            .map(|(name, faults)| Promise {
                name,
                says: "one of `from` leads to one of `to`",
                from: |net: &Self, state| net.from.contains(state),
                to: |net: &Self, state| net.to.contains(state),
                faults,
            })
            .into()
    }
}
