//! What travels: journal entries and frames on the array link, backup messages on the host link.
//!
//! Both links may lose, repeat and delay what they carry; only a role's guards decide what a message may still do.

use super::types::{BackupId, BlockIndex, Incarnation, Seq};

/// What a journal entry does when its turn comes at the secondary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Item"))]
pub enum Item<P> {
    /// A host write (rule WRITE-1).
    Write {
        /// The block written.
        block: BlockIndex,
        /// Its new contents; the protocol never looks inside.
        payload: P,
    },
    /// A dirty block copied by resync (rule RESYNC-2).
    Copy {
        /// The block copied.
        block: BlockIndex,
        /// Its contents when the copy took its seq.
        payload: P,
    },
    /// Every block copied so far makes the S/P-VOL a consistent image again (rule RESYNC-3).
    PairMark,
}

impl<P> Item<P> {
    /// The block the item changes, if it changes one.
    #[must_use]
    pub const fn block(&self) -> Option<BlockIndex> {
        match self {
            Self::Write { block, .. } | Self::Copy { block, .. } => Some(*block),
            Self::PairMark => None,
        }
    }

    /// What the item leaves in its block, if it changes one.
    #[must_use]
    pub const fn payload(&self) -> Option<&P> {
        match self {
            Self::Write { payload, .. } | Self::Copy { payload, .. } => Some(payload),
            Self::PairMark => None,
        }
    }

    /// The block the item changes, with what it leaves there to be renamed.
    pub const fn contents_mut(&mut self) -> Option<(BlockIndex, &mut P)> {
        match self {
            Self::Write { block, payload } | Self::Copy { block, payload } => {
                Some((*block, payload))
            }
            Self::PairMark => None,
        }
    }

    /// The same item with what `payload` makes of its contents.
    pub fn map<Q>(&self, payload: impl FnOnce(&P) -> Q) -> Item<Q> {
        match self {
            Self::Write { block, payload: of } => {
                Item::Write { block: *block, payload: payload(of) }
            }
            Self::Copy { block, payload: of } => Item::Copy { block: *block, payload: payload(of) },
            Self::PairMark => Item::PairMark,
        }
    }
}

/// A numbered item: one place in the group's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Entry"))]
pub struct Entry<P> {
    /// Its number; counts within the incarnation it was numbered in.
    pub seq: Seq,
    /// What it does.
    pub item: Item<P>,
}

/// An entry on its way to the secondary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Frame"))]
pub struct Frame<P> {
    /// The pairing the entry was numbered in (rule XFER-4).
    pub incarnation: Incarnation,
    /// The entry.
    pub entry: Entry<P>,
}

impl<P> Frame<P> {
    /// The same frame with what `payload` makes of its contents.
    pub fn map<Q>(&self, payload: impl FnOnce(&P) -> Q) -> Frame<Q> {
        let entry = Entry { seq: self.entry.seq, item: self.entry.item.map(payload) };
        Frame { incarnation: self.incarnation, entry }
    }
}

/// The secondary's report of how far it has written (\[0011\] \[0012\], rule XFER-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ack {
    /// The pairing `written` counts in (rule XFER-4).
    pub incarnation: Incarnation,
    /// The highest seq applied to the S/P-VOL's cache with all before it.
    pub written: Seq,
}

/// Array link, primary to secondary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ToSecondary"))]
pub enum ToSecondary<P> {
    /// A journal entry (rule XFER-1).
    Frame(Frame<P>),
    /// A dirty block outside the sequence; exists only while rule RESYNC-2 is left out.
    Unsequenced {
        /// The pairing it belongs to.
        incarnation: Incarnation,
        /// The block copied.
        block: BlockIndex,
        /// Its contents when it was sent.
        payload: P,
    },
    /// Start `incarnation`, and answer with what the primary needs to know (rule RESYNC-1).
    Resync {
        /// The new pairing.
        incarnation: Incarnation,
    },
    /// The pair was suspended by command (rule PAIR-2).
    Suspend {
        /// The pairing that was suspended.
        incarnation: Incarnation,
    },
    /// The pair was deleted (rule PAIR-4).
    Delete {
        /// The newest pairing the primary knows of; every later one is newer.
        incarnation: Incarnation,
    },
}

impl<P> ToSecondary<P> {
    /// Whether the message is refused under another incarnation than its own (XFER-4).
    #[must_use]
    pub const fn is_of_one_pairing(&self) -> bool {
        match self {
            Self::Frame(_) | Self::Suspend { .. } => true,
            Self::Unsequenced { .. } | Self::Resync { .. } | Self::Delete { .. } => false,
        }
    }

    /// The frame, if it is one.
    #[must_use]
    pub const fn frame(&self) -> Option<&Frame<P>> {
        match self {
            Self::Frame(frame) => Some(frame),
            Self::Unsequenced { .. }
            | Self::Resync { .. }
            | Self::Suspend { .. }
            | Self::Delete { .. } => None,
        }
    }

    /// The block whose contents the message carries, with the contents to be renamed.
    pub const fn contents_mut(&mut self) -> Option<(BlockIndex, &mut P)> {
        match self {
            Self::Frame(frame) => frame.entry.item.contents_mut(),
            Self::Unsequenced { block, payload, .. } => Some((*block, payload)),
            Self::Resync { .. } | Self::Suspend { .. } | Self::Delete { .. } => None,
        }
    }

    /// The same message with what `payload` makes of its contents.
    pub fn map<Q>(&self, payload: impl FnOnce(&P) -> Q) -> ToSecondary<Q> {
        match self {
            Self::Frame(frame) => ToSecondary::Frame(frame.map(payload)),
            Self::Unsequenced { incarnation, block, payload: of } => ToSecondary::Unsequenced {
                incarnation: *incarnation,
                block: *block,
                payload: payload(of),
            },
            Self::Resync { incarnation } => ToSecondary::Resync { incarnation: *incarnation },
            Self::Suspend { incarnation } => ToSecondary::Suspend { incarnation: *incarnation },
            Self::Delete { incarnation } => ToSecondary::Delete { incarnation: *incarnation },
        }
    }
}

/// Array link, secondary to primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ToPrimary"))]
pub enum ToPrimary<D> {
    /// How far the secondary has written.
    Ack(Ack),
    /// The secondary is in COPY under `incarnation` (rule RESYNC-1).
    Ready {
        /// The pairing the answer is for.
        incarnation: Incarnation,
        /// What the secondary has written; the primary numbers on from here.
        written: Seq,
        /// The secondary's dirty map.
        dirty: D,
    },
    /// The secondary has left this pairing by its own judgement, or was taken over (rule PAIR-3).
    Suspended {
        /// The pairing it has left.
        incarnation: Incarnation,
    },
}

impl<D> ToPrimary<D> {
    /// The same message with what `dirty` makes of its map.
    pub fn map<E>(&self, dirty: impl FnOnce(&D) -> E) -> ToPrimary<E> {
        match self {
            Self::Ack(ack) => ToPrimary::Ack(*ack),
            Self::Ready { incarnation, written, dirty: of } => {
                ToPrimary::Ready { incarnation: *incarnation, written: *written, dirty: dirty(of) }
            }
            Self::Suspended { incarnation } => ToPrimary::Suspended { incarnation: *incarnation },
        }
    }
}

/// Host link, between the middlewares of the two hosts (\[0019\] \[0022\], figure 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum HostMessage {
    /// Requester to coordinator: begin this backup (51).
    Request(BackupId),
    /// Coordinator to secondary, through the remote host: split the replica pair (58).
    Split(BackupId),
    /// Secondary to coordinator: whether the split was executed.
    SplitAnswer {
        /// The backup the split was for.
        id: BackupId,
        /// Whether the S-VOL now holds the S/P-VOL's contents at the split point.
        done: bool,
    },
    /// Coordinator to requester: read the S-VOL now (59).
    Permit(BackupId),
    /// Coordinator to requester: this backup failed.
    Reject(BackupId),
}

impl HostMessage {
    /// The backup the message is about.
    #[must_use]
    pub const fn id(&self) -> BackupId {
        match self {
            Self::Request(id) | Self::Split(id) | Self::Permit(id) | Self::Reject(id) => *id,
            Self::SplitAnswer { id, .. } => *id,
        }
    }
}
