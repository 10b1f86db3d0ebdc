//! What has to hold after every step, whatever the step was: the roles' invariants, and the model's properties as far
//! as records can show them. What a property says stands in [`syncsplit_model::system::view`]; here is how a record's
//! place shows it, and which block breaks it.

use syncsplit_model::protocol::database::FreezeState;
use syncsplit_model::protocol::replica::{Purpose, ReplicaState};
use syncsplit_model::protocol::requester::RequesterState;
use syncsplit_model::protocol::{BackupId, BlockIndex, Broken, DirtyMap, PairState, Rule};
use syncsplit_model::system::view::{self, View};
use syncsplit_model::system::{Judgement, Volume, Witness};
use syncsplit_model::world::WorldProperty;

use super::volumes::differences;
use super::{Hosts, System, Writes};
use crate::content::Content;
use crate::why::Why;

/// The blocks whose contents, or what covers their difference, a step may have changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Touched {
    None,
    Block(BlockIndex),
    All,
}

impl System {
    /// A property of the whole does not hold.
    pub(super) fn broken(
        &self,
        property: impl Into<&'static str>,
        rules: &[Rule],
        found: impl FnOnce() -> String,
    ) -> Why {
        let name = property.into();
        self.explain.why(rules, || format!("{name} does not hold: {}", found()))
    }

    fn invariant(&self, broken: Broken) -> Why {
        self.explain.why(&[], || broken.to_string())
    }

    /// Checks everything that has to hold after a step of an array.
    pub(super) fn check(&mut self, touched: Touched) -> Result<(), Why> {
        if let Some(primary) = &self.primary {
            primary.check().map_err(|broken| self.invariant(broken))?;
        }
        let Some(secondary) = &self.secondary else { return Ok(()) };
        secondary.check().map_err(|broken| self.invariant(broken))?;
        self.paired |= secondary.state == PairState::Pair;
        self.judge_image()?;
        self.judge_one_image()?;
        self.judge_still()?;
        if self.primary.is_some() { self.judge_covered(touched) } else { Ok(()) }
    }

    pub(super) fn judge_database(&self) -> Result<(), Why> {
        self.database.check().map_err(|broken| self.invariant(broken))
    }

    /// FREEZE-1: what goes through the gate goes through it open.
    pub(super) fn judge_write(&self) -> Result<(), Why> {
        const PROPERTY: &str = WRITE_MEANS_OPEN_GATE;
        const RULES: &[Rule] = &[Rule::Freeze1];
        match (self.options.writes, self.database.freeze) {
            (Writes::Gated, FreezeState::Frozen(id)) => Err(self.broken(PROPERTY, RULES, || {
                format!("backup {}: the P-VOL is written while the database is frozen", id.0)
            })),
            (Writes::Gated, _) if self.database.open == 0 => {
                Err(self.broken(PROPERTY, RULES, || {
                    "the P-VOL is written while no transaction is open".to_owned()
                }))
            }
            (Writes::Free | Writes::Gated | Writes::Held, _) => Ok(()),
        }
    }

    /// Refuses what a property of the model has a witness against.
    fn hold(
        &self,
        property: impl Into<&'static str>,
        rules: &[Rule],
        judged: Judgement<Option<Content>>,
    ) -> Result<(), Why> {
        judged.map_err(|witness| self.broken(property, rules, || self.found(&witness)))
    }

    fn found(&self, witness: &Witness<Option<Content>>) -> String {
        match *witness {
            Witness::Contents { volume: Volume::Svol, block, .. } => {
                let id = self.reading().unwrap_or_default().0;
                format!("backup {id}: the S-VOL differs from the frozen P-VOL in block {}", block.0)
            }
            Witness::Contents { block, holds, should, .. } => {
                let (got, want) = (shown(holds), shown(should));
                let block = block.0;
                format!("block {block}: the S/P-VOL holds {got}, the writes up to here make {want}")
            }
            Witness::Uncovered { block, .. } => format!(
                "block {}: P-VOL and S/P-VOL differ; it is not dirty, and what is queued is not what \
                 the P-VOL holds",
                block.0
            ),
            Witness::NoImage { is_split: true } => {
                "the S/P-VOL is no consistent image, and the S-VOL was none when it was split"
                    .into()
            }
            Witness::NoImage { is_split: false } => {
                "the S/P-VOL is no consistent image, and the S-VOL follows it".into()
            }
            Witness::NoFreeze(id) => {
                format!("backup {}: no freeze for it is in the records", id.0)
            }
            Witness::Moves(id) => {
                format!("backup {}: it is read, and the replica pair is not split for it", id.0)
            }
            // No record shows these, and no property that is judged here says them.
            Witness::Torn(_)
            | Witness::Field { .. }
            | Witness::Invariant(_)
            | Witness::Unreached => String::new(),
        }
    }

    fn judge_image(&self) -> Result<(), Why> {
        const RULES: &[Rule] = &[Rule::Xfer3, Rule::Resync3];
        self.hold(WorldProperty::ImageIsPrefix, RULES, view::image_is_prefix(self))
    }

    fn judge_one_image(&self) -> Result<(), Why> {
        let judged = view::one_image_always(self);
        self.hold(WorldProperty::OneImageAlways, &[Rule::Resync4], judged)
    }

    pub(super) fn judge_still(&self) -> Result<(), Why> {
        let judged = view::svol_still_while_read(self);
        self.hold(WorldProperty::SvolStillWhileRead, &[Rule::Backup1], judged)
    }

    /// BACKUP-1: what is being read is what the split made. Only a copy to the S-VOL can change that.
    pub(super) fn judge_svol(&self) -> Result<(), Why> {
        let Some(id) = self.reading().filter(|_| self.options.hosts == Hosts::Traced) else {
            return Ok(());
        };
        let split = self.splits.get(&id);
        let moved = split.and_then(|split| differences(split, &self.volumes.svol).next());
        moved.map_or(Ok(()), |block| {
            Err(self.broken(READ_IS_SPLIT_IMAGE, &[Rule::Backup1], || {
                format!("block {}: the S-VOL changed since the split", block.0)
            }))
        })
    }

    /// The image that may be read is the one that was frozen.
    pub(super) fn judge_permit(&self) -> Result<(), Why> {
        const RULES: &[Rule] = &[Rule::Freeze3, Rule::Split2];
        let judged = view::backup_is_frozen_image(self);
        self.hold(WorldProperty::BackupIsFrozenImage, RULES, judged)
    }

    /// Records show no link: what is in flight covers nothing here. By XFER-2 the journal has it too.
    fn judge_covered(&self, touched: Touched) -> Result<(), Why> {
        const RULES: &[Rule] = &[Rule::Write1, Rule::Xfer2];
        let judged = match touched {
            Touched::None => Ok(()),
            Touched::Block(block) => view::is_covered(self, block),
            Touched::All => {
                self.volumes.unequal().try_for_each(|block| view::is_covered(self, block))
            }
        };
        self.hold(DIFFERENCE_IS_JOURNALED, RULES, judged)
    }
}

/// Every difference between P-VOL and S/P-VOL is covered by journal, reorder queue or dirty map: the world's
/// difference-is-covered without the link, which no record shows.
pub(super) const DIFFERENCE_IS_JOURNALED: &str = "difference-is-journaled";

/// When a Sync returns DONE, every write that it held is in the S/P-VOL, or a later write of a record is. The world's
/// sync-means-written goes by the freeze for which the Sync was begun: no record shows that a block differs from it by
/// a later write, but each record of a Sync shows what the Sync held.
pub(super) const DONE_MEANS_WRITTEN: &str = "done-means-written";

/// While a backup is read, the S-VOL holds what it held at its split. The world's svol-still-while-read asks for the split
/// alone: a state has no image of it.
pub(super) const READ_IS_SPLIT_IMAGE: &str = "read-is-split-image";

/// The P-VOL is written only while the database is not frozen and a transaction is open. The world's frozen-means-still
/// compares the P-VOL with the freeze: a record shows the write itself, though it changes no contents.
pub(super) const WRITE_MEANS_OPEN_GATE: &str = "write-means-open-gate";

/// A side that has not started is unpaired, and says nothing of an image.
impl View for System {
    type Contents = Option<Content>;

    fn held(&self, volume: Volume, block: BlockIndex) -> Option<Content> {
        match volume {
            Volume::Pvol => &self.volumes.pvol,
            Volume::Spvol => &self.volumes.spvol,
            Volume::Svol => &self.volumes.svol,
        }
        .get(block)
    }

    fn is_unpaired(&self) -> bool {
        self.primary.as_ref().is_none_or(|primary| primary.state == PairState::Smpl)
    }

    fn is_consistent(&self) -> bool {
        self.secondary.as_ref().is_some_and(|secondary| secondary.consistent)
    }

    fn is_promised(&self) -> bool {
        self.paired
    }

    fn astray(&self) -> Option<(BlockIndex, Option<Content>)> {
        let block = self.volumes.astray()?;
        Some((block, self.volumes.oracle.get(block)))
    }

    fn is_svol_split(&self) -> bool {
        self.secondary.as_ref().is_some_and(|secondary| secondary.replica.is_split())
    }

    fn is_svol_good(&self) -> bool {
        self.svol_good
    }

    fn is_dirty(&self, block: BlockIndex) -> bool {
        self.primary.as_ref().is_some_and(|primary| primary.dirty.is_dirty(block))
            || self.secondary.as_ref().is_some_and(|secondary| secondary.dirty.is_dirty(block))
    }

    fn is_equal(&self, block: BlockIndex) -> bool {
        !self.volumes.is_unequal(block)
    }

    fn is_queued(&self, block: BlockIndex) -> bool {
        let (Some(primary), Some(secondary)) = (&self.primary, &self.secondary) else {
            return false;
        };
        let queues = [&primary.journal, &secondary.queue];
        let queued = queues.map(|queue| queue.newest_for(block, secondary.written));
        let newest = queued.into_iter().flatten().max_by_key(|entry| entry.seq);
        newest.and_then(|entry| entry.item.payload().copied()) == self.volumes.pvol.get(block)
    }

    fn reading(&self) -> Option<BackupId> {
        match self.requester.state {
            RequesterState::Reading(id) => Some(id),
            RequesterState::Idle | RequesterState::Waiting(_) => None,
        }
    }

    /// What is being read is split for whoever reads it.
    fn is_still_for(&self, id: BackupId) -> bool {
        let secondary = self.secondary.as_ref();
        let state = secondary.map(|secondary| secondary.replica.state);
        self.options.hosts == Hosts::Scripted
            || state == Some(ReplicaState::Split(Purpose::Backup(id)))
    }

    fn is_frozen_image(&self, id: BackupId) -> Judgement<Option<Content>> {
        if self.options.writes == Writes::Free {
            return Ok(());
        }
        let frozen = self.frozen.get(&id).ok_or(Witness::NoFreeze(id))?;
        let Some(block) = differences(&self.volumes.svol, frozen).next() else { return Ok(()) };
        let (volume, holds) = (Volume::Svol, self.volumes.svol.get(block));
        Err(Witness::Contents { volume, block, holds, should: frozen.get(block) })
    }
}

/// What stands in a reason for a block's contents.
fn shown(content: Option<Content>) -> String {
    content.map_or_else(|| "undefined contents".to_owned(), |content| content.to_string())
}
