//! The replica pair S/P-VOL -> S-VOL inside the secondary: a local copy that can be split off at a point in time.
//! Who may ask for a split, and when, is decided by [`super::secondary`].

use core::fmt;

use super::containers::DirtyMap;
use super::rules::{Rule, Rules};
use super::step::{Effects, Step, effects};
use super::types::{BackupId, BlockIndex};

/// Why the S-VOL was split from the S/P-VOL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Purpose {
    /// To be read by this backup (rule SPLIT-1).
    Backup(BackupId),
    /// To keep the last consistent image while COPY overwrites the S/P-VOL (rule RESYNC-4).
    Gold,
}

/// Whether the S-VOL follows the S/P-VOL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ReplicaState {
    /// It follows: blocks are copied on in the background.
    Pair,
    /// It stands still.
    Split(Purpose),
}

/// State of the replica pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Replica<D> {
    /// Whether the S-VOL follows.
    pub state: ReplicaState,
    /// Blocks in which the S-VOL may differ from the S/P-VOL: those not yet copied on in Pair, those changed since the
    /// split when split.
    pub dirty: D,
}

/// What happens to the replica pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ReplicaEvent {
    /// The S/P-VOL's block changed.
    SourceWritten(BlockIndex),
    /// The replica copier chose a block to copy on.
    CopyBlock(BlockIndex),
    /// Separate the S-VOL.
    Split(Purpose),
    /// Let the S-VOL follow again.
    Resync,
    /// Bring the split S-VOL's image back to the S/P-VOL. A gold copy has served its purpose then.
    Restore,
}

/// What the executor does after a step of the replica pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ReplicaEffect"))]
pub enum ReplicaEffect<D> {
    /// Copy the S/P-VOL's block, as it is at this step, to the S-VOL.
    CopyToSvol(BlockIndex),
    /// Copy all these blocks, as they are at this step, to the S-VOL; nothing writes the S/P-VOL meanwhile.
    Reflect(D),
    /// Copy all these blocks from the S-VOL to the S/P-VOL; nothing writes or reads the S/P-VOL meanwhile.
    Restore(D),
}

impl<D> ReplicaEffect<D> {
    /// The same effect with what `dirty` makes of its map.
    pub fn map<E>(&self, dirty: impl FnOnce(&D) -> E) -> ReplicaEffect<E> {
        match self {
            Self::CopyToSvol(block) => ReplicaEffect::CopyToSvol(*block),
            Self::Reflect(map) => ReplicaEffect::Reflect(dirty(map)),
            Self::Restore(map) => ReplicaEffect::Restore(dirty(map)),
        }
    }
}

/// Why the replica pair did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ReplicaRefusal {
    /// The pair is split already, or is not split.
    WrongState(ReplicaState),
    /// The block has nothing to copy.
    NotDirty(BlockIndex),
}

impl fmt::Display for ReplicaRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongState(ReplicaState::Pair) => f.write_str("the replica pair is not split"),
            Self::WrongState(ReplicaState::Split(Purpose::Gold)) => {
                f.write_str("the replica pair is split as the gold copy (RESYNC-4)")
            }
            Self::WrongState(ReplicaState::Split(Purpose::Backup(id))) => {
                write!(f, "the replica pair is split for backup {}", id.0)
            }
            Self::NotDirty(block) => write!(f, "block {} is not dirty", block.0),
        }
    }
}

type Outcome<D> = Result<Effects<ReplicaEffect<D>>, ReplicaRefusal>;

impl<D: DirtyMap + Clone> Replica<D> {
    /// A replica pair whose S-VOL has nothing of the S/P-VOL yet. `dirty` covers the group's blocks.
    #[must_use]
    pub fn new(mut dirty: D) -> Self {
        dirty.mark_all();
        Self { state: ReplicaState::Pair, dirty }
    }

    /// Whether the S-VOL stands still.
    #[must_use]
    pub const fn is_split(&self) -> bool {
        matches!(self.state, ReplicaState::Split(_))
    }

    /// Takes one step under `rules`.
    pub fn step(
        mut self,
        rules: Rules,
        event: ReplicaEvent,
    ) -> Step<Self, ReplicaEffect<D>, ReplicaRefusal> {
        let outcome = self.on_event(rules, event);
        Step::of(self, outcome)
    }

    /// The step in place, for the secondary that holds this pair.
    pub(crate) fn on_event(&mut self, rules: Rules, event: ReplicaEvent) -> Outcome<D> {
        match event {
            ReplicaEvent::SourceWritten(block) => {
                self.dirty.mark(block);
                Ok(Effects::new())
            }
            ReplicaEvent::CopyBlock(block) => self.on_copy_block(block),
            ReplicaEvent::Split(purpose) => self.on_split(rules, purpose),
            ReplicaEvent::Resync => self.on_resync(),
            ReplicaEvent::Restore => self.on_restore(),
        }
    }

    fn on_copy_block(&mut self, block: BlockIndex) -> Outcome<D> {
        if self.is_split() {
            return Err(ReplicaRefusal::WrongState(self.state));
        }
        if !self.dirty.is_dirty(block) {
            return Err(ReplicaRefusal::NotDirty(block));
        }
        self.dirty.clean(block);
        Ok(effects([ReplicaEffect::CopyToSvol(block)]))
    }

    fn on_split(&mut self, rules: Rules, purpose: Purpose) -> Outcome<D> {
        if self.is_split() {
            return Err(ReplicaRefusal::WrongState(self.state));
        }
        self.state = ReplicaState::Split(purpose);
        if !rules.has(Rule::Split1) {
            return Ok(Effects::new());
        }
        // SPLIT-1: reflecting and separating are one step, so no volume of the group is split earlier than another.
        let behind = self.dirty.clone();
        self.dirty.clean_all();
        Ok(effects([ReplicaEffect::Reflect(behind)]))
    }

    fn on_restore(&mut self) -> Outcome<D> {
        if !self.is_split() {
            return Err(ReplicaRefusal::WrongState(self.state));
        }
        let changed = self.dirty.clone();
        self.dirty.clean_all();
        if self.state == ReplicaState::Split(Purpose::Gold) {
            self.state = ReplicaState::Pair;
        }
        Ok(effects([ReplicaEffect::Restore(changed)]))
    }

    fn on_resync(&mut self) -> Outcome<D> {
        if !self.is_split() {
            return Err(ReplicaRefusal::WrongState(self.state));
        }
        self.state = ReplicaState::Pair;
        Ok(Effects::new())
    }
}
