//! Small models whose state spaces are known beforehand.
//!
//! Never here: assertions; see the tests beside this file.

use stateright::{Model, Property};

/// `N` counters, each counting from 0 to `top`. Every order of counting leads to the same state,
/// so nearly every state has several shortest ways to it.
#[derive(Clone, Default)]
pub(crate) struct Grid<const N: usize> {
    pub(crate) top: u8,
    /// The largest sum within the boundary.
    pub(crate) sum_max: Option<u32>,
    pub(crate) properties: Vec<Property<Self>>,
}

pub(crate) fn sum<const N: usize>(s: &[u8; N]) -> u32 {
    s.iter().map(|c| u32::from(*c)).sum()
}

impl<const N: usize> Model for Grid<N> {
    type State = [u8; N];
    type Action = usize;

    fn init_states(&self) -> Vec<[u8; N]> {
        vec![[0; N]]
    }

    /// In an order that differs from state to state, so that no parent is favoured.
    fn actions(&self, s: &[u8; N], actions: &mut Vec<usize>) {
        let turn = s.iter().fold(7, |h: usize, c| h.wrapping_mul(31).wrapping_add((*c).into()));
        let counters = (0..N).map(|i| (i + turn) % N);
        actions.extend(counters.filter(|i| s[*i] < self.top));
    }

    fn next_state(&self, s: &[u8; N], counter: usize) -> Option<[u8; N]> {
        let mut s = *s;
        s[counter] += 1;
        // Uneven work, so that threads finish out of order.
        if sum(&s).is_multiple_of(7) && s[0] == 3 {
            std::thread::yield_now();
        }
        Some(s)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        self.properties.clone()
    }

    fn within_boundary(&self, s: &[u8; N]) -> bool {
        self.sum_max.is_none_or(|max| sum(s) <= max)
    }
}

/// A random graph with self loops, joins, cycles, dead ends and actions that lead nowhere.
#[derive(Clone)]
pub(crate) struct Graph {
    pub(crate) nodes: u64,
    pub(crate) seed: u64,
}

impl Graph {
    fn random(&self, node: u64, salt: u64) -> u64 {
        let mut x = self.seed ^ node.rotate_left(24) ^ salt.rotate_left(48);
        for _ in 0..3 {
            x = (x ^ x >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9).wrapping_add(salt + 1);
        }
        x ^ x >> 29
    }
}

impl Model for Graph {
    type State = u64;
    type Action = u64;

    /// With a duplicate.
    fn init_states(&self) -> Vec<u64> {
        vec![1, 0, 1]
    }

    fn actions(&self, node: &u64, actions: &mut Vec<u64>) {
        actions.extend(0..self.random(*node, 0) % 4);
    }

    fn next_state(&self, node: &u64, edge: u64) -> Option<u64> {
        let random = self.random(*node, edge + 1);
        match random % 8 {
            0 => None,
            1 => Some(*node),
            2 => Some(self.random(random, 1) % (node + 1)),
            _ => Some(self.random(random, 2) % self.nodes),
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::always("not a multiple of 97", |_, n| {
                *n == 0 || !n.is_multiple_of(97)
            }),
            Property::<Self>::always("any", |_, _| true),
            Property::<Self>::sometimes("never", |_, _| false),
            Property::<Self>::sometimes("odd over 100", |_, n| *n > 100 && n % 2 == 1),
        ]
    }
}

/// Where [`Odd`] misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Every step takes a while.
    Slow,
    InitPanics,
    ActionsPanic,
    NextPanics,
    BoundaryPanics,
    PropertyPanics,
}

/// Counts up without end, in steps of one and two, until its fault shows at [`Odd::BAD`].
pub(crate) struct Odd {
    pub(crate) fault: Fault,
}

impl Odd {
    pub(crate) const BAD: u64 = 1_000;

    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault }
    }

    fn blow(&self, fault: Fault, at: u64) {
        assert!(self.fault != fault || at < Self::BAD, "blown at {at}");
    }
}

impl Model for Odd {
    type State = u64;
    type Action = u64;

    fn init_states(&self) -> Vec<u64> {
        self.blow(Fault::InitPanics, Self::BAD);
        vec![0]
    }

    fn actions(&self, s: &u64, actions: &mut Vec<u64>) {
        self.blow(Fault::ActionsPanic, *s);
        actions.extend([1, 2]);
    }

    fn next_state(&self, s: &u64, step: u64) -> Option<u64> {
        self.blow(Fault::NextPanics, *s);
        if self.fault == Fault::Slow {
            std::thread::sleep(std::time::Duration::from_millis(3));
        }
        Some(s + step)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::<Self>::always("below the bad", |m, s| {
            m.blow(Fault::PropertyPanics, *s);
            true
        })]
    }

    fn within_boundary(&self, s: &u64) -> bool {
        self.blow(Fault::BoundaryPanics, *s);
        true
    }
}
