//! Random graphs: the engine against oracles that go about it differently.
//!
//! Never here: a graph whose verdict is known beforehand; see `traps.rs`.

use super::net::{Fair, FairFault, Fault, Free, Kind, NOWHERE, Net};
use super::oracle::Plain;
use super::{timeless, verdicts, verified};
use stateright::Model;
use syncsplit_engine::Verdict;
use syncsplit_engine::liveness::{Faults, Live, Promise};

/// Splitmix64.
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn kind(&mut self, fair_actions: u64) -> Kind {
        match self.below(10) {
            0 => Fault,
            1 | 2 => Free,
            3 => FairFault(self.below(fair_actions) as u8),
            _ => Fair(self.below(fair_actions) as u8),
        }
    }
}

/// A graph of a few states, with self loops, double edges, dead ends and all kinds of actions.
fn small(seed: u64) -> Net {
    let mut random = Random(seed);
    let states = 2 + random.below(6);
    let fair_actions = 1 + random.below(4);
    let edges = states + random.below(2 * states);
    let state = |random: &mut Random| random.below(states) as u16;
    let edges = (0..edges)
        .map(|_| {
            let target = if random.one_in(20) { NOWHERE } else { state(&mut random) };
            (state(&mut random), target, random.kind(fair_actions))
        })
        .collect();
    let some = |random: &mut Random, n| -> Vec<u16> {
        (0..states as u16).filter(|_| random.one_in(n)).collect()
    };
    Net {
        initial: (0..1 + random.below(2)).map(|_| state(&mut random)).collect(),
        edges,
        from: some(&mut random, 3),
        to: some(&mut random, 6),
        broken: some(&mut random, 5),
        outside: if random.one_in(4) { some(&mut random, 6) } else { Vec::new() },
    }
}

const SMALL: u64 = 6_000;

#[test]
fn small_graphs_get_the_verdict_of_a_search_for_closed_walks() {
    let mut met = std::collections::BTreeMap::new();
    let mut longest = [0; 2];
    for seed in 0..SMALL {
        let net = small(seed);
        let outcome = verified(&net, 1 + seed as usize % 3);
        let plain = Plain::of(&net);
        for (which, result) in outcome.promises.iter().enumerate() {
            let steps = result.lasso.as_ref().map(|lasso| lasso.stem.len() - 1);
            let expected = plain.by_closed_walks(which);
            assert_eq!(steps, expected, "seed {seed}, {:?}, {net:?}", result.faults);
            assert_eq!(plain.by_fixpoint(which), expected.is_some(), "seed {seed}, the oracles");
            *met.entry((which, format!("{:?}", result.verdict))).or_insert(0) += 1;
            if let Some(lasso) = &result.lasso {
                longest = [longest[0].max(lasso.stem.len()), longest[1].max(lasso.cycle.len())];
            }
        }
    }
    // Worth something only if there is something to find and something not to find.
    let often = |which, verdict: &str| met.get(&(which, verdict.into())).is_some_and(|n| *n > 500);
    assert!((0..2).all(|w| often(w, "Holds") && often(w, "Violated")), "{met:?}");
    assert!(longest[0] > 4 && longest[1] > 5, "{longest:?}");
}

/// A graph larger than a chunk of edges. Each state leads on to the next one by a fair action,
/// whose number changes now and then; other steps lead nearby and now and then back, so that there
/// are many components of many sizes, and only some of them are fair.
struct Large {
    seed: u64,
    states: u64,
    fair_actions: u64,
    /// One in so many other steps leads back.
    back: u64,
}

impl Large {
    fn random(&self, state: u64, salt: u64) -> Random {
        let mut random = Random(self.seed ^ state << 20 ^ salt << 50);
        random.next();
        random
    }
}

impl Model for Large {
    type State = u64;
    type Action = u64;

    fn init_states(&self) -> Vec<u64> {
        vec![0, self.states / 2]
    }

    fn actions(&self, state: &u64, actions: &mut Vec<u64>) {
        actions.extend(0..1 + self.random(*state, 0).below(4));
    }

    /// The last state leads on to itself.
    fn next_state(&self, state: &u64, action: u64) -> Option<u64> {
        let mut random = self.random(*state, action + 1);
        let next = match action {
            0 => state + 1,
            _ if random.one_in(self.back) => state.saturating_sub(random.below(30)),
            _ => state + random.below(6),
        };
        Some(next.min(self.states - 1))
    }
}

packs_numbers!(Large);

impl Live for Large {
    fn fairness(&self, state: &u64, action: &u64) -> Option<u8> {
        match self.random(*state, action + 10).kind(self.fair_actions) {
            _ if *action == 0 => Some((state / 40 % self.fair_actions) as u8),
            Fair(number) if !self.is_fault(state, action) => Some(number),
            _ => None,
        }
    }

    fn is_fault(&self, _: &u64, action: &u64) -> bool {
        *action == 3
    }

    fn is_repaired(&self, state: &u64) -> bool {
        !self.random(*state, 20).one_in(7)
    }

    fn promises(&self) -> Vec<Promise<Self>> {
        fn seldom(large: &Large, state: u64, salt: u64, n: u64) -> bool {
            large.random(state, salt).one_in(n)
        }
        let promise = |name, faults, to| Promise {
            name,
            says: "a state leads to another",
            from: |large: &Self, state| {
                *state < large.states / 10 && seldom(large, *state, 30, 100)
            },
            to,
            faults,
        };
        vec![
            promise("to many", Faults::GoOn, |large, state| seldom(large, *state, 31, 4)),
            promise("to a mark", Faults::GoOn, |_, state| state % 60 < 6),
            promise("to some", Faults::HaveEnded, |large, state| seldom(large, *state, 33, 9)),
            promise("to the end in the end", Faults::HaveEnded, |large, state| {
                *state == large.states - 1
            }),
        ]
    }
}

#[test]
fn large_graphs_get_the_verdict_of_a_fixpoint_on_any_number_of_threads() {
    let mut met = [[0; 2]; 4];
    for seed in 0..28 {
        let states = [3_000, 5_000, 9_000][seed as usize % 3];
        let large = Large { seed, states, fair_actions: 2 + seed % 5, back: 4 << (2 * (seed % 7)) };
        let one = timeless(verified(&large, 1));
        let plain = Plain::of(&large);
        assert_eq!((plain.len() as u64, one.distinct), (states, states));
        for (which, verdict) in verdicts(&one).into_iter().enumerate() {
            let broken = plain.by_fixpoint(which);
            assert_eq!(verdict == Verdict::Violated, broken, "seed {seed}, promise {which}");
            met[which][usize::from(broken)] += 1;
        }
        for threads in [2, 3] {
            let more = timeless(verified(&large, threads));
            assert!(more == one, "seed {seed}, {threads} threads");
        }
    }
    assert!(met.iter().flatten().all(|n| *n > 3), "{met:?}");
}
