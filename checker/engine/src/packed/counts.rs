//! What a search by levels has counted so far.
//!
//! Never here: when something counts. A search adds what it has settled.

use super::store::StateId;
use crate::{KindCount, LevelCount};
use serde::{Deserialize, Serialize};

/// What expanding some states yields besides new states.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) generated: u64,
    pub(super) cut: u64,
    pub(super) deadlocks: u64,
    pub(super) first_deadlock: Option<StateId>,
    pub(super) fired: Vec<u64>,
}

/// The sums over a run.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counts {
    pub(super) distinct: u64,
    pub(super) transitions: u64,
    pub(super) cut: u64,
    pub(super) deadlocks: u64,
    pub(super) first_deadlock: Option<StateId>,
    pub(super) levels: Vec<LevelCount>,
    pub(super) kinds: Vec<KindCount>,
}

impl Counts {
    pub(super) fn begin_level(&mut self) {
        let depth = self.levels.len() as u32;
        self.levels.push(LevelCount { depth, new: 0, generated: 0 });
    }

    /// The depth of the deepest level that has a state.
    pub(super) fn depth(&self) -> Option<u32> {
        self.levels.iter().rev().find(|level| level.new > 0).map(|level| level.depth)
    }

    pub(super) fn add_tally(&mut self, tally: &Tally) {
        self.transitions += tally.generated;
        self.cut += tally.cut;
        self.deadlocks += tally.deadlocks;
        self.first_deadlock = self.first_deadlock.or(tally.first_deadlock);
        // The level on top is the one being found; those that find it are one below.
        if let Some(expanded) = self.levels.iter_mut().nth_back(1) {
            expanded.generated += tally.generated;
        }
        for (kind, fired) in tally.fired.iter().enumerate().filter(|(_, fired)| **fired > 0) {
            self.kind(kind).fired += fired;
        }
    }

    pub(super) fn add_new(&mut self, new: u64, by_kind: &[u64]) {
        self.distinct += new;
        if let Some(level) = self.levels.last_mut() {
            level.new += new;
        }
        for (kind, new) in by_kind.iter().enumerate().filter(|(_, new)| **new > 0) {
            self.kind(kind).new += new;
        }
    }

    fn kind(&mut self, kind: usize) -> &mut KindCount {
        if self.kinds.len() <= kind {
            self.kinds.resize(kind + 1, KindCount::default());
        }
        &mut self.kinds[kind]
    }
}
