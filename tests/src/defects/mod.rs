//! Seeded defects: wrong programs, so that tests can show what the conformance kit finds. Each is the reference
//! implementation around a role that takes a wrong step, or a volume that holds something wrong; those of
//! [`Defect::is_left_out`] are the protocol's functions without the rule. No defect is in the implementation itself.

mod hosts;
mod primary;
mod program;
mod secondary;
mod volumes;

use std::sync::Arc;

use strum::{EnumCount, EnumIter, EnumMessage, EnumString, IntoStaticStr};
use syncsplit_impl::volume::Volume;
use syncsplit_model::protocol::{Rule, Rules};

use program::Parts;
pub use program::Program;

/// One seeded defect; in the order of the rules that they break.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, EnumCount, EnumIter, EnumMessage, EnumString, IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Defect {
    /// a frame carries what the P-VOL holds when it is sent, not what was written under its number
    FrameReadsVolume,
    /// a write in COPY to a block that is clean changes the P-VOL only
    WriteInCopyNotQueued,
    /// a write to a suspended pair is not marked
    SuspendedWriteNotMarked,
    /// a write for which the journal has no room is answered and never numbered
    FullJournalDrops,
    /// the write that finds the journal full suspends the pair, and is not marked itself
    OverflowWriteNotMarked,
    /// an entry is sent once, whatever became of it
    SentOnce,
    /// the journal does not survive a crash of the primary
    RestartLosesJournal,
    /// an entry leaves the journal as soon as it is sent
    JournalDroppedAtSend,
    /// any acknowledgement is taken for one of the newest write
    AckTakenForNewest,
    /// an acknowledgement that was overtaken takes back what is known to be written
    WrittenGoesBack,
    /// the newest entry received is reported, not the newest written
    AckOfReceived,
    /// the newest write to the S/P-VOL stays in a cache that reports and splits pass by
    WriteBehind,
    /// the newest entry that has arrived is written at once, and again when its turn comes
    NewestFirst,
    /// a number that does not come is skipped
    GapSkipped,
    /// an entry that comes again is applied again
    DuplicateApplied,
    /// a frame of an older incarnation is taken
    StaleFrame,
    /// entries of the older incarnation stay in the queue at a resync
    QueueOutlivesIncarnation,
    /// create marks every block but the last
    CreateMissesLastBlock,
    /// what the journal holds is not marked when the pair is suspended
    JournalForgotten,
    /// a suspension does not take back a resync that was not answered
    SuspendKeepsRequest,
    /// the primary does not heed that the secondary has left the pairing
    SuspensionNotHeeded,
    /// numbering begins anew at a resync
    SequenceReset,
    /// a resync copies what the primary has marked only
    SecondaryMapIgnored,
    /// the answer to an older request for a resync is taken for that to the newest
    StaleReady,
    /// a copied block travels without a number
    CopyOutsideSequence,
    /// the copier takes the next dirty block for copied as well
    BitClearedTooEarly,
    /// the pair is in PAIR at once, without a mark at the end of the copy
    NoPairMark,
    /// the S/P-VOL says that it is consistent while it is copied to
    ConsistentInCopy,
    /// no image is kept before COPY overwrites the S/P-VOL
    NoGoldCopy,
    /// a release lets the S-VOL follow in COPY too
    ReleaseDropsGold,
    /// a takeover in COPY does not bring the gold copy back
    GoldNotRestored,
    /// Sync is begun in any state of the pair
    SyncOutOfPair,
    /// Sync holds what is known to be written, not the newest write
    SyncHoldsWritten,
    /// Sync is done one write too early
    SyncOffByOne,
    /// Sync never looks at the pair again
    SyncForgetsPair,
    /// a freeze does not wait for the transaction that is open
    FreezeInTransaction,
    /// a transaction begins while the database is frozen
    WriteWhileFrozen,
    /// a freeze and a hold do not end by themselves
    LeaseIgnored,
    /// a thaw says that the freeze held, whether it did or not
    ThawAlwaysHeld,
    /// a freeze is thought to have outlived a crash of the database
    RestartKeepsFreeze,
    /// a split reflects one block now, and the others when the next is written
    SplitNotAtomic,
    /// what is written to the S/P-VOL goes on to the S-VOL, split or not
    SvolWrittenWhileSplit,
    /// what is written while the S-VOL is split is not reflected later
    WritesWhileSplitForgotten,
    /// a split of any backup is taken for one of the armed one
    SplitOfOldId,
    /// the backup that was armed outlives a crash of the secondary
    RestartKeepsArmed,
    /// a takeover gives up what has arrived in order
    TakeoverWithoutApplying,
    /// a write after a takeover is not marked
    RemoteWriteNotMarked,
    /// at a failback the old primary forgets which of its writes the other side lacks
    FailbackForgetsOldWrites,
    /// at a failback the new primary forgets what it wrote since the takeover
    FailbackForgetsNewWrites,
    /// a write passes while writes are held
    HoldIgnored,
}

impl Defect {
    /// The name by which an adapter is told.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn says(self) -> &'static str {
        self.get_documentation().unwrap_or_default()
    }

    /// The rule that is broken.
    #[must_use]
    pub fn rule(self) -> Rule {
        self.row().0
    }

    /// Whether it is the protocol's functions without the rule.
    #[must_use]
    pub fn is_left_out(self) -> bool {
        self.row().1.rules != Rules::HARDENED
    }

    /// The S/P-VOL as the wrong program uses it.
    #[must_use]
    pub fn spvol(self, spvol: Arc<dyn Volume>) -> Arc<dyn Volume> {
        (self.row().1.spvol)(spvol)
    }

    /// The rule that is broken, and the functions that break it.
    fn row(self) -> (Rule, Parts) {
        use self::{hosts::*, primary::*, secondary::*};
        use Rule::*;
        let left_out = |rule| (rule, Parts::without(rule));
        match self {
            Self::FrameReadsVolume => (Write1, Parts::primary(frame_reads_volume)),
            Self::WriteInCopyNotQueued => left_out(Write2),
            Self::SuspendedWriteNotMarked => (Write3, Parts::primary(suspended_write_not_marked)),
            Self::FullJournalDrops => (Write4, Parts::primary(full_journal_drops)),
            Self::OverflowWriteNotMarked => (Write4, Parts::primary(overflow_write_not_marked)),
            Self::SentOnce => left_out(Xfer1),
            Self::RestartLosesJournal => (Xfer2, Parts::primary(restart_loses_journal)),
            Self::JournalDroppedAtSend => (Xfer2, Parts::primary(journal_dropped_at_send)),
            Self::AckTakenForNewest => (Xfer2, Parts::primary(ack_taken_for_newest)),
            Self::WrittenGoesBack => (Xfer2, Parts::primary(written_goes_back)),
            Self::AckOfReceived => (Xfer2, Parts::secondary(ack_of_received)),
            Self::WriteBehind => (Xfer2, Parts::spvol(volumes::WriteBehind::around)),
            Self::NewestFirst => (Xfer3, Parts::secondary(newest_first)),
            Self::GapSkipped => (Xfer3, Parts::secondary(gap_skipped)),
            Self::DuplicateApplied => (Xfer3, Parts::secondary(duplicate_applied)),
            Self::StaleFrame => (Xfer4, Parts::secondary(stale_frame)),
            Self::QueueOutlivesIncarnation => (Xfer4, Parts::secondary(queue_outlives_incarnation)),
            Self::CreateMissesLastBlock => (Pair1, Parts::primary(create_misses_last_block)),
            Self::JournalForgotten => (Pair2, Parts::primary(journal_forgotten)),
            Self::SuspendKeepsRequest => (Pair2, Parts::primary(suspend_keeps_request)),
            Self::SuspensionNotHeeded => (Pair3, Parts::primary(suspension_not_heeded)),
            Self::SequenceReset => (Resync1, Parts::primary(sequence_reset)),
            Self::SecondaryMapIgnored => (Resync1, Parts::primary(secondary_map_ignored)),
            Self::StaleReady => (Resync1, Parts::primary(stale_ready)),
            Self::CopyOutsideSequence => left_out(Resync2),
            Self::BitClearedTooEarly => (Resync2, Parts::primary(bit_cleared_too_early)),
            Self::NoPairMark => left_out(Resync3),
            Self::ConsistentInCopy => (Resync3, Parts::secondary(consistent_in_copy)),
            Self::NoGoldCopy => left_out(Resync4),
            Self::ReleaseDropsGold => (Resync4, Parts::secondary(release_drops_gold)),
            Self::GoldNotRestored => (Resync4, Parts::secondary(gold_not_restored)),
            Self::SyncOutOfPair => left_out(Sync1),
            Self::SyncHoldsWritten => left_out(Sync2),
            Self::SyncOffByOne => (Sync3, Parts::sync(sync_off_by_one)),
            Self::SyncForgetsPair => left_out(Sync5),
            Self::FreezeInTransaction => left_out(Freeze1),
            Self::WriteWhileFrozen => (Freeze1, Parts::database(write_while_frozen)),
            Self::LeaseIgnored => (Freeze2, lease_ignored()),
            Self::ThawAlwaysHeld => (Freeze3, thaw_always_held()),
            Self::RestartKeepsFreeze => (Freeze3, Parts::database(restart_keeps_freeze)),
            Self::SplitNotAtomic => (Split1, Parts::secondary(split_not_atomic())),
            Self::SvolWrittenWhileSplit => (Split1, Parts::secondary(svol_written_while_split)),
            Self::WritesWhileSplitForgotten => {
                (Split1, Parts::secondary(writes_while_split_forgotten))
            }
            Self::SplitOfOldId => (Split2, Parts::secondary(split_of_old_id)),
            Self::RestartKeepsArmed => (Split2, Parts::secondary(restart_keeps_armed)),
            Self::TakeoverWithoutApplying => {
                (Takeover1, Parts::secondary(takeover_without_applying))
            }
            Self::RemoteWriteNotMarked => (Takeover2, Parts::secondary(remote_write_not_marked)),
            Self::FailbackForgetsOldWrites => {
                (Takeover2, Parts::old_primary(failback_forgets_old_writes))
            }
            Self::FailbackForgetsNewWrites => {
                (Takeover2, Parts::taken_over(failback_forgets_new_writes))
            }
            Self::HoldIgnored => left_out(Quiesce1),
        }
    }
}
