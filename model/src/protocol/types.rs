//! The protocol's numbers and names: sequence numbers, incarnations, backup ids, blocks, pair states.

use core::fmt;

/// A write's number in its group, one per write and contiguous (rule WRITE-1, \[0011\]); 0 stands before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Seq(pub u64);

impl Seq {
    /// The last number there is, 2^64 - 1. Nothing is numbered after it (NUMBER-1).
    pub const LAST: Self = Self(u64::MAX);

    /// The number that follows this one; [`Seq::LAST`] has no other and is its own.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Which pairing of the group a number belongs to; a new one at create and at every resync (rule RESYNC-1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Incarnation(pub u32);

impl Incarnation {
    /// The last incarnation there is, 2^32 - 1. No pairing begins after it (NUMBER-2).
    pub const LAST: Self = Self(u32::MAX);

    /// The incarnation that the next create or resync starts; [`Incarnation::LAST`] has no other and is its own.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// One backup attempt; never used a second time (rule BACKUP-4). Later attempts have greater ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BackupId(pub u32);

impl BackupId {
    /// The last id there is, 2^32 - 1. No attempt begins after it (BACKUP-4).
    pub const LAST: Self = Self(u32::MAX);

    /// The id of the next attempt; [`BackupId::LAST`] has no other and is its own.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A block of the group's volumes, from 0; the unit of a write and of the dirty map (\[0015\]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlockIndex(pub u32);

/// A point in the group's write order: sequence numbers count only within their incarnation.
///
/// Printed as CCI's ten hex digits `iissssssss` where the incarnation fits into 8 bits and the number into 32, otherwise as
/// twenty-four, 8 for the incarnation and 16 for the number: the text names one marker, however old the volume (SYNC-2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QMarker {
    /// The pairing in which `seq` counts.
    pub incarnation: Incarnation,
    /// The number of the newest write the marker covers.
    pub seq: Seq,
}

impl fmt::Display for QMarker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { incarnation: Incarnation(incarnation), seq: Seq(seq) } = self;
        if *incarnation <= u8::MAX.into() && *seq <= u32::MAX.into() {
            write!(f, "{incarnation:02x}{seq:08x}")
        } else {
            write!(f, "{incarnation:08x}{seq:016x}")
        }
    }
}

/// State of the remote copy pair as one side sees it (\[0005\] \[0015\] \[0017\]; names as CCI prints them).
///
/// ```text
///           create                mark written
///   SMPL ----------> COPY --------------------> PAIR
///                     ^ |                        |
///              resync | | suspend, failure       | suspend, failure
///                     | v                        v
///                   PSUS / PSUE <----------------+        (secondary: SSUS / PSUE)
///                                                  takeover at the secondary -> SSWS
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "record", serde(rename_all = "UPPERCASE"))]
pub enum PairState {
    /// No pair.
    #[default]
    Smpl,
    /// Blocks are being copied; the S/P-VOL is not a consistent image (rule RESYNC-3).
    Copy,
    /// Duplicating: every write is journalled and applied in order.
    Pair,
    /// Suspended by command (primary).
    Psus,
    /// Suspended by failure (either side).
    Psue,
    /// Suspended by command (secondary).
    Ssus,
    /// Taken over: the remote host may write (secondary).
    Ssws,
}

impl PairState {
    /// Whether writes are numbered and sent in this state.
    #[must_use]
    pub const fn is_linked(self) -> bool {
        matches!(self, Self::Copy | Self::Pair)
    }

    /// Whether a secondary in this state has left its pairing without being told to, so that the primary may not know
    /// (PAIR-3).
    #[must_use]
    pub const fn has_left(self) -> bool {
        matches!(self, Self::Psue | Self::Ssws)
    }

    /// Whether the pair is suspended on this side, so that a resync can bring it back.
    #[must_use]
    pub const fn is_suspended(self) -> bool {
        matches!(self, Self::Psus | Self::Psue | Self::Ssus)
    }
}

impl fmt::Display for PairState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Smpl => "SMPL",
            Self::Copy => "COPY",
            Self::Pair => "PAIR",
            Self::Psus => "PSUS",
            Self::Psue => "PSUE",
            Self::Ssus => "SSUS",
            Self::Ssws => "SSWS",
        })
    }
}
