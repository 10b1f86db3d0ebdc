//! Why a node did not do what it was asked. What it would have done never lives here.

use syncsplit_model::protocol::coordinator::CoordinatorRefusal;
use syncsplit_model::protocol::database::DatabaseRefusal;
use syncsplit_model::protocol::primary::PrimaryRefusal;
use syncsplit_model::protocol::requester::RequesterRefusal;
use syncsplit_model::protocol::secondary::SecondaryRefusal;
use syncsplit_model::protocol::{BlockIndex, Broken};

use crate::volume::VolumeError;

/// Why an operation of a node failed. Nothing was changed unless the variant says so.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The primary's transition function refused.
    #[error("the primary refused: {0}")]
    Primary(PrimaryRefusal),
    /// The secondary's transition function refused.
    #[error("the secondary refused: {0}")]
    Secondary(SecondaryRefusal),
    /// The database's transition function refused.
    #[error("the database's gate refused: {0}")]
    Database(DatabaseRefusal),
    /// The coordinator's transition function refused.
    #[error("the coordinator refused: {0}")]
    Coordinator(CoordinatorRefusal),
    /// The requester's transition function refused.
    #[error("the requester refused: {0}")]
    Requester(RequesterRefusal),
    /// A volume failed. At the primary the pair is suspended if it was linked, and the block stays marked; at the
    /// secondary the effect is kept and tried again before anything else happens there.
    #[error("the {volume} failed: {source}")]
    Volume {
        /// Which one: `P-VOL`, `S/P-VOL` or `S-VOL`.
        volume: &'static str,
        /// What it answered.
        source: VolumeError,
    },
    /// The payload is not one block long.
    #[error("block {}: a payload of {got} bytes was given; blocks are {want} bytes", block.0)]
    PayloadLength {
        /// The block it was meant for.
        block: BlockIndex,
        /// Its length in bytes.
        got: usize,
        /// The group's block size in bytes.
        want: usize,
    },
    /// A dirty map that arrived covers another number of blocks than the group has.
    #[error("a dirty map of {got} blocks arrived; the group has {want} blocks")]
    MapSize {
        /// Blocks in the map that arrived.
        got: u32,
        /// Blocks in the group.
        want: u32,
    },
    /// Two volumes of one site differ in shape.
    #[error(
        "the S-VOL has {got_blocks} blocks of {got_size} bytes; the S/P-VOL has {want_blocks} of {want_size}"
    )]
    VolumeShape {
        /// Blocks of the S-VOL.
        got_blocks: u32,
        /// Its block size in bytes.
        got_size: usize,
        /// Blocks of the S/P-VOL.
        want_blocks: u32,
        /// Its block size in bytes.
        want_size: usize,
    },
    /// An invariant of a role does not hold: the implementation is wrong. The step that broke it has been taken.
    #[error("{0}")]
    Invariant(Broken),
    /// A thread panicked inside this role's step, so the role's state is lost.
    #[error(
        "a thread panicked inside the {role}'s step; its state is lost and the site has to be restarted"
    )]
    Lost {
        /// Whose state is lost.
        role: &'static str,
    },
    /// The role's state was handed over at a failback; the volume belongs to a node of the other role.
    #[error("the {role}'s state was handed over; a node of the other role goes on with its volume")]
    HandedOver {
        /// Whose state was handed over.
        role: &'static str,
    },
    /// The node is being stopped.
    #[error("the site is stopping")]
    Stopped,
}

impl NodeError {
    /// Whether a transition function refused: chance or order made the event pointless, and nothing is wrong.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Primary(_)
                | Self::Secondary(_)
                | Self::Database(_)
                | Self::Coordinator(_)
                | Self::Requester(_)
        )
    }

    /// Whether a message does not fit the group, so that its sender works on another one.
    #[must_use]
    pub const fn is_misfit(&self) -> bool {
        matches!(self, Self::PayloadLength { .. } | Self::MapSize { .. })
    }
}

/// `Ok` for what a transition function merely refused; any other error stays one.
///
/// For events that the link or the clock brings, where a late or repeated one is expected (XFER-3, XFER-4).
///
/// # Errors
/// Every error that is not a refusal.
pub fn ignore_refusal(outcome: Result<(), NodeError>) -> Result<(), NodeError> {
    match outcome {
        Err(error) if error.is_refusal() => Ok(()),
        other => other,
    }
}
