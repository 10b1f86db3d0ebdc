//! What must hold of volumes and roles together, said once: of each state of the closed world, and of a recorded run after
//! each record. How a property sees what it asks about is for the world and for the validator to say.

use crate::protocol::{BackupId, BlockIndex};

/// What a property asks about. Blocks' contents are compared, and never shown.
pub trait View {
    /// Whether the group is in SMPL at the primary: nothing is kept equal then.
    fn is_unpaired(&self) -> bool;
    /// Whether the secondary says that the S/P-VOL is consistent.
    fn is_consistent(&self) -> bool;
    /// Whether the pair has been in PAIR: from then on the remote site is promised an image.
    fn is_promised(&self) -> bool;
    /// Whether the S/P-VOL is the image of a prefix of the writes.
    fn is_spvol_a_prefix(&self) -> bool;
    /// Whether the S-VOL is split, and the image of a prefix of the writes.
    fn is_svol_a_prefix(&self) -> bool;
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
    fn is_frozen_image(&self, id: BackupId) -> bool;
}

/// RESYNC-3, XFER-3: a S/P-VOL that says it is consistent is the image of a prefix of the writes.
pub fn image_is_prefix(view: &impl View) -> bool {
    !view.is_consistent() || view.is_spvol_a_prefix()
}

/// RESYNC-4: at every moment the S/P-VOL or the S-VOL is the image of a prefix of the writes.
pub fn one_image_always(view: &impl View) -> bool {
    !view.is_promised() || view.is_consistent() || view.is_svol_a_prefix()
}

/// What a block of the S/P-VOL will hold once everything queued for it has been applied, is what the P-VOL holds; or the
/// block is dirty. Without a pair nothing is promised.
pub fn is_covered(view: &impl View, block: BlockIndex) -> bool {
    view.is_unpaired() || view.is_dirty(block) || view.is_equal(block) || view.is_queued(block)
}

/// BACKUP-1: while a backup is read, what it reads stands still.
pub fn svol_still_while_read(view: &impl View) -> bool {
    view.reading().is_none_or(|id| view.is_still_for(id))
}

/// FREEZE-3, SPLIT-2: what a backup reads is what was frozen for it.
pub fn backup_is_frozen_image(view: &impl View) -> bool {
    view.reading().is_none_or(|id| view.is_frozen_image(id))
}
