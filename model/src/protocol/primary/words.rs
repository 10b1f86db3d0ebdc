//! The words of the primary: what happens to it, what it has done for it, why it did nothing. No decision lives here.

use core::fmt;

use crate::protocol::message::{ToPrimary, ToSecondary};
use crate::protocol::types::{BackupId, BlockIndex, Incarnation, PairState, Seq};

/// What happens to the primary.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "record",
    derive(serde::Serialize, serde::Deserialize),
    serde(remote = "Self")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PrimaryEvent"))]
pub enum PrimaryEvent<P, D> {
    /// A host wrote `payload` to `block`.
    HostWrite {
        /// The block written.
        block: BlockIndex,
        /// Its new contents.
        payload: P,
    },
    /// The sender chose the entry `seq` to send, for the first time or again.
    Send {
        /// The entry's number.
        seq: Seq,
    },
    /// The copier chose a dirty block.
    CopyBlock {
        /// The block to copy.
        block: BlockIndex,
        /// What the P-VOL holds there at this very step; the executor lets no write in between.
        payload: P,
    },
    /// Nothing is left to copy.
    PairMark,
    /// Command: make the pair.
    Create,
    /// Command: suspend the pair.
    Suspend,
    /// The link failed, or was thought to have.
    Fail,
    /// Command: bring a suspended pair back. Given again, it asks the secondary again.
    Resync,
    /// Command: end the pair. The volumes keep their contents.
    Delete,
    /// The coordinator asks to hold host writes for this backup (claim 4).
    Quiesce(BackupId),
    /// The coordinator ends the hold.
    Unquiesce(BackupId),
    /// The hold's time is over.
    LeaseExpired,
    /// The array came back after a crash: what is volatile is lost, everything else is as it was.
    Restart,
    /// A message of the secondary arrived. It is written down as the message alone.
    #[cfg_attr(feature = "record", serde(skip))]
    #[cfg_attr(feature = "schema", schemars(!skip, untagged))]
    Arrived(ToPrimary<D>),
}

impl<P, D> PrimaryEvent<P, D> {
    /// The same event with what `payload` makes of contents, and `dirty` of maps.
    pub fn map<Q, E>(
        &self,
        payload: impl FnOnce(&P) -> Q,
        dirty: impl FnOnce(&D) -> E,
    ) -> PrimaryEvent<Q, E> {
        match self {
            Self::HostWrite { block, payload: of } => {
                PrimaryEvent::HostWrite { block: *block, payload: payload(of) }
            }
            Self::Send { seq } => PrimaryEvent::Send { seq: *seq },
            Self::CopyBlock { block, payload: of } => {
                PrimaryEvent::CopyBlock { block: *block, payload: payload(of) }
            }
            Self::PairMark => PrimaryEvent::PairMark,
            Self::Create => PrimaryEvent::Create,
            Self::Suspend => PrimaryEvent::Suspend,
            Self::Fail => PrimaryEvent::Fail,
            Self::Resync => PrimaryEvent::Resync,
            Self::Delete => PrimaryEvent::Delete,
            Self::Quiesce(id) => PrimaryEvent::Quiesce(*id),
            Self::Unquiesce(id) => PrimaryEvent::Unquiesce(*id),
            Self::LeaseExpired => PrimaryEvent::LeaseExpired,
            Self::Restart => PrimaryEvent::Restart,
            Self::Arrived(message) => PrimaryEvent::Arrived(message.map(dirty)),
        }
    }
}

/// What the executor does after a step of the primary.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PrimaryEffect"))]
pub enum PrimaryEffect<P> {
    /// Put `payload` on the P-VOL: in the array's non-volatile cache before [`PrimaryEffect::AnswerHost`].
    WritePvol {
        /// The block to write.
        block: BlockIndex,
        /// Its new contents.
        payload: P,
    },
    /// Tell the host that its write is done. The journal and the dirty map of this step are durable before it.
    AnswerHost,
    /// Give the message to the array link, which may lose it.
    Send(ToSecondary<P>),
    /// Tell the coordinator that host writes are held for this backup, and start the lease's clock.
    AnswerQuiesced(BackupId),
    /// Tell the coordinator whether the hold for this backup lasted until now.
    AnswerReleased {
        /// The backup asked about.
        id: BackupId,
        /// Whether no host write can have been taken since [`PrimaryEffect::AnswerQuiesced`].
        held: bool,
    },
}

impl<P> PrimaryEffect<P> {
    /// The same effect with what `payload` makes of contents.
    pub fn map<Q>(&self, payload: impl FnOnce(&P) -> Q) -> PrimaryEffect<Q> {
        match self {
            Self::WritePvol { block, payload: of } => {
                PrimaryEffect::WritePvol { block: *block, payload: payload(of) }
            }
            Self::AnswerHost => PrimaryEffect::AnswerHost,
            Self::Send(message) => PrimaryEffect::Send(message.map(payload)),
            Self::AnswerQuiesced(id) => PrimaryEffect::AnswerQuiesced(*id),
            Self::AnswerReleased { id, held } => {
                PrimaryEffect::AnswerReleased { id: *id, held: *held }
            }
        }
    }
}

/// Why the primary did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum PrimaryRefusal {
    /// The block is not one of the group's.
    NoSuchBlock(BlockIndex),
    /// Host writes are held for a backup (QUIESCE-1): the host waits.
    Quiesced(BackupId),
    /// No host write is held.
    NotQuiesced,
    /// The journal is full (WRITE-4): the host, copier or mark waits.
    JournalFull,
    /// The journal's last place is the copier's (RESYNC-2): the host waits.
    KeptForCopy,
    /// The event has no place in this pair state.
    WrongState(PairState),
    /// The journal holds no such entry.
    NoSuchEntry(Seq),
    /// The entry was sent before; only while rule XFER-1 is left out.
    SentBefore(Seq),
    /// The message belongs to another incarnation (XFER-4).
    StaleIncarnation(Incarnation),
    /// The secondary reported more than was ever numbered.
    AckBeyondNewest(Seq),
    /// The block is not dirty: there is nothing to copy.
    NotDirty(BlockIndex),
    /// Blocks are still dirty: the mark has to wait.
    StillDirty,
    /// The mark is in the journal already.
    MarkedBefore,
    /// The last seq has been given (NUMBER-1): the pair stays suspended for good.
    SeqsEnded,
    /// The last incarnation has been in force or asked for (NUMBER-2): the pair stays suspended for good.
    IncarnationsEnded,
}

impl fmt::Display for PrimaryRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchBlock(block) => write!(f, "block {} is not in the group", block.0),
            Self::Quiesced(id) => {
                write!(f, "host writes are held for backup {} (QUIESCE-1)", id.0)
            }
            Self::NotQuiesced => f.write_str("no host write is held"),
            Self::JournalFull => f.write_str("the journal is full (WRITE-4)"),
            Self::KeptForCopy => {
                f.write_str("the journal's last place is kept for the copy (RESYNC-2)")
            }
            Self::WrongState(state) => write!(f, "not possible in {state}"),
            Self::NoSuchEntry(seq) => write!(f, "the journal holds no entry {}", seq.0),
            Self::SentBefore(seq) => write!(f, "entry {} was sent before", seq.0),
            Self::StaleIncarnation(got) => {
                write!(f, "incarnation {} is not in force (XFER-4)", got.0)
            }
            Self::AckBeyondNewest(seq) => write!(f, "seq {} was never given", seq.0),
            Self::NotDirty(block) => write!(f, "block {} is not dirty", block.0),
            Self::StillDirty => f.write_str("blocks are still dirty (RESYNC-3)"),
            Self::MarkedBefore => f.write_str("the pair mark is in the journal already"),
            Self::SeqsEnded => f.write_str("the last seq has been given (NUMBER-1)"),
            Self::IncarnationsEnded => {
                f.write_str("the last incarnation has been asked for (NUMBER-2)")
            }
        }
    }
}
