//! What must hold of volumes and roles together, said once: of each state of the closed world, and of a recorded run after
//! each record. How a property sees what it asks about is for the world and for the validator to say.

use crate::protocol::{BackupId, BlockIndex};
use crate::system::Volume;

/// Why a property is false: which part holds what, and what it should hold. `C` is what a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Witness<C> {
    /// A block of a volume holds other contents than it should.
    Contents {
        /// The volume.
        volume: Volume,
        /// The block.
        block: BlockIndex,
        /// What it holds.
        holds: C,
        /// What it should hold.
        should: C,
    },
    /// A block of the S/P-VOL differs from the P-VOL, and nothing will make it equal.
    Uncovered {
        /// The block.
        block: BlockIndex,
        /// What the S/P-VOL holds.
        holds: C,
        /// What the P-VOL holds.
        should: C,
    },
    /// Neither S/P-VOL nor S-VOL is the image of a prefix of the writes.
    NoImage {
        /// Whether the S-VOL is split, or follows the S/P-VOL.
        is_split: bool,
    },
    /// No freeze stands behind a backup that is read, or behind what is held still for it.
    NoFreeze(BackupId),
    /// Half a transaction is in what was frozen for a backup.
    Torn(BackupId),
    /// What a backup reads may change meanwhile.
    Moves(BackupId),
    /// A field of the state, by the name that a reader knows it by, is not what it should be.
    Field {
        /// The field.
        field: &'static str,
        /// What it should be, in words.
        should: &'static str,
    },
    /// An invariant of a role, in the words that stand on its field.
    Invariant(&'static str),
    /// Nothing is wrong: the state is not the one that was to be reached.
    Unreached,
}

/// Whether a property holds, and if not, why.
pub type Judgement<C> = Result<(), Witness<C>>;

/// What a property asks about. Blocks' contents are compared, and shown by a [`Witness`] alone.
pub trait View {
    /// What a block holds.
    type Contents: Copy + Eq;

    /// What a block of a volume holds.
    fn held(&self, volume: Volume, block: BlockIndex) -> Self::Contents;
    /// Whether the group is in SMPL at the primary: nothing is kept equal then.
    fn is_unpaired(&self) -> bool;
    /// Whether the secondary says that the S/P-VOL is consistent.
    fn is_consistent(&self) -> bool;
    /// Whether the pair has been in PAIR: from then on the remote site is promised an image.
    fn is_promised(&self) -> bool;
    /// The first block in which the S/P-VOL is not the image of a prefix of the writes, with what it should hold.
    fn astray(&self) -> Option<(BlockIndex, Self::Contents)>;
    /// Whether the S-VOL is split.
    fn is_svol_split(&self) -> bool;
    /// Whether the S-VOL was the image of a prefix of the writes when it was split.
    fn is_svol_good(&self) -> bool;
    /// Whether the block is dirty at the primary or at the secondary.
    fn is_dirty(&self, block: BlockIndex) -> bool;
    /// Whether P-VOL and S/P-VOL hold the same in the block.
    fn is_equal(&self, block: BlockIndex) -> bool;
    /// Whether the newest contents that are queued for the block of the S/P-VOL are what the P-VOL holds.
    fn is_queued(&self, block: BlockIndex) -> bool;
    /// The backup that is being read.
    fn reading(&self) -> Option<BackupId>;
    /// Whether nothing changes what this backup reads.
    fn is_still_for(&self, id: BackupId) -> bool;
    /// Whether what this backup reads is what the P-VOL held at its freeze.
    ///
    /// # Errors
    /// No freeze is known for it, or a block differs.
    fn is_frozen_image(&self, id: BackupId) -> Judgement<Self::Contents>;
}

/// RESYNC-3, XFER-3: a S/P-VOL that says it is consistent is the image of a prefix of the writes.
///
/// # Errors
/// The first block that is not.
pub fn image_is_prefix<V: View>(view: &V) -> Judgement<V::Contents> {
    if !view.is_consistent() {
        return Ok(());
    }
    view.astray().map_or(Ok(()), |(block, should)| {
        let (volume, holds) = (Volume::Spvol, view.held(Volume::Spvol, block));
        Err(Witness::Contents { volume, block, holds, should })
    })
}

/// RESYNC-4: at every moment the S/P-VOL or the S-VOL is the image of a prefix of the writes.
///
/// # Errors
/// Neither is.
pub fn one_image_always<V: View>(view: &V) -> Judgement<V::Contents> {
    let is_split = view.is_svol_split();
    let is_kept = !view.is_promised() || view.is_consistent() || is_split && view.is_svol_good();
    if is_kept { Ok(()) } else { Err(Witness::NoImage { is_split }) }
}

/// What a block of the S/P-VOL will hold once everything queued for it has been applied, is what the P-VOL holds; or the
/// block is dirty. Without a pair nothing is promised.
///
/// # Errors
/// The block is not covered.
pub fn is_covered<V: View>(view: &V, block: BlockIndex) -> Judgement<V::Contents> {
    let is_covered =
        view.is_unpaired() || view.is_dirty(block) || view.is_equal(block) || view.is_queued(block);
    if is_covered {
        return Ok(());
    }
    let [holds, should] = [Volume::Spvol, Volume::Pvol].map(|volume| view.held(volume, block));
    Err(Witness::Uncovered { block, holds, should })
}

/// BACKUP-1: while a backup is read, what it reads stands still.
///
/// # Errors
/// It may change.
pub fn svol_still_while_read<V: View>(view: &V) -> Judgement<V::Contents> {
    match view.reading() {
        Some(id) if !view.is_still_for(id) => Err(Witness::Moves(id)),
        Some(_) | None => Ok(()),
    }
}

/// FREEZE-3, SPLIT-2: what a backup reads is what was frozen for it.
///
/// # Errors
/// No freeze is known for it, or a block differs.
pub fn backup_is_frozen_image<V: View>(view: &V) -> Judgement<V::Contents> {
    view.reading().map_or(Ok(()), |id| view.is_frozen_image(id))
}
