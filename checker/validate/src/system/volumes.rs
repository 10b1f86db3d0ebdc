//! The three volumes as the effects leave them, and what they are measured against: the image that the writes make in
//! the order in which the primary numbered them. Which blocks differ is kept up to date, never searched for.

use std::collections::BTreeSet;

use syncsplit_model::protocol::{BlockIndex, Entry, Incarnation, Item, Seq};
use syncsplit_model::record::{Blocks, Start};
use syncsplit_model::system::{Deed, Volume};

use crate::content::Content;
use crate::table::{Table, print_of};

/// A volume's contents, block by block; nothing where a failed write left the contents undefined.
#[derive(Clone, Debug, Default)]
pub struct Image {
    /// The blocks that hold something else than what the volume began with.
    changed: Table<BlockIndex, Option<Content>>,
    beginning: Option<Content>,
    size: u32,
}

impl std::hash::Hash for Image {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.print().hash(state);
    }
}

impl Image {
    fn of(start: &Start) -> Self {
        // Both sides begin with the same zeros, even if nobody says what a block of them is.
        let unknown = Content::left_out(u32::MAX);
        let beginning = Some(start.block_size.map_or(unknown, Content::zeros));
        Self { changed: Table::default(), beginning, size: start.blocks }
    }

    pub(super) fn undefined(size: u32) -> Self {
        Self { size, ..Self::default() }
    }

    pub(super) fn print(&self) -> u128 {
        self.changed.print().wrapping_add(print_of(&(self.beginning, self.size)))
    }

    /// How many blocks it has.
    #[must_use]
    pub const fn size(&self) -> u32 {
        self.size
    }

    /// What `block` holds.
    #[must_use]
    pub fn get(&self, block: BlockIndex) -> Option<Content> {
        self.changed.get(&block).copied().unwrap_or(self.beginning)
    }

    /// Changes `block`; the transition functions refuse blocks that the group does not have.
    fn put(&mut self, block: BlockIndex, content: Option<Content>) {
        if block.0 < self.size {
            self.changed.insert(block, content);
        }
    }

    /// What every block holds: the digest, if it is known.
    #[must_use]
    pub fn digests(&self) -> Vec<Option<u32>> {
        let held = (0..self.size).map(|block| self.get(BlockIndex(block)));
        held.map(|content| content.and_then(Content::digest)).collect()
    }
}

/// Whether two blocks' contents differ. Undefined contents differ from nothing: the dirty map has to cover them, and
/// what is copied from them later is what they were.
fn differs(one: Option<Content>, other: Option<Content>) -> bool {
    one.is_some() && other.is_some() && one != other
}

/// The blocks in which two images differ.
pub(super) fn differences<'a>(
    one: &'a Image,
    other: &'a Image,
) -> impl Iterator<Item = BlockIndex> + 'a {
    let changed: BTreeSet<_> = one.changed.keys().chain(other.changed.keys()).copied().collect();
    let rest = differs(one.beginning, other.beginning);
    let all = if rest { 0..one.size } else { 0..0 };
    let blocks = if rest { BTreeSet::new() } else { changed };
    let blocks = all.map(BlockIndex).chain(blocks);
    blocks.filter(|block| differs(one.get(*block), other.get(*block)))
}

/// The volumes, and the order of the writes.
#[derive(Clone, Debug, Default)]
pub struct Volumes {
    /// The P-VOL.
    pub pvol: Image,
    /// The S/P-VOL.
    pub spvol: Image,
    /// The S-VOL.
    pub svol: Image,
    /// What the S/P-VOL holds if the entries up to `written` are applied in the order of their numbers.
    pub(super) oracle: Image,
    /// What the oracle was when the S-VOL was last split: what a restore has to bring back.
    at_split: Image,
    /// What the primary numbered, with the pairing in which it did.
    order: Table<(Incarnation, Seq), Item<Content>>,
    /// The P-VOL when a pair mark took its number.
    marked: Table<(Incarnation, Seq), Image>,
    /// Invariant: the blocks in which P-VOL and S/P-VOL differ.
    unequal: Table<BlockIndex, ()>,
    /// Invariant: the blocks in which S/P-VOL and oracle differ.
    astray: Table<BlockIndex, ()>,
}

fn note(table: &mut Table<BlockIndex, ()>, block: BlockIndex, differs: bool) {
    if !differs {
        table.remove(&block);
    } else if !table.contains(&block) {
        table.insert(block, ());
    }
}

impl Volumes {
    pub(super) fn print(&self) -> u128 {
        let images = [&self.pvol, &self.spvol, &self.svol, &self.oracle, &self.at_split];
        let tables = [self.order.print(), self.marked.print()];
        print_of(&(images.map(Image::print), tables))
    }

    /// The P-VOL as its side starts: zeros.
    pub(super) fn start_primary(&mut self, start: &Start) {
        self.pvol = Image::of(start);
        self.compare();
    }

    /// The S/P-VOL and the S-VOL as their side starts: zeros.
    pub(super) fn start_secondary(&mut self, start: &Start) {
        self.spvol = Image::of(start);
        self.svol = self.spvol.clone();
        self.oracle = self.spvol.clone();
        self.compare();
    }

    fn compare(&mut self) {
        let blocks = |one, other| differences(one, other).map(|block| (block, ())).collect();
        self.unequal = blocks(&self.pvol, &self.spvol);
        self.astray = blocks(&self.spvol, &self.oracle);
    }

    fn compare_block(&mut self, block: BlockIndex) {
        let held = self.spvol.get(block);
        note(&mut self.unequal, block, differs(self.pvol.get(block), held));
        note(&mut self.astray, block, differs(held, self.oracle.get(block)));
    }

    const fn image(&mut self, volume: Volume) -> &mut Image {
        match volume {
            Volume::Pvol => &mut self.pvol,
            Volume::Spvol => &mut self.spvol,
            Volume::Svol => &mut self.svol,
        }
    }

    pub(super) fn write(&mut self, volume: Volume, block: BlockIndex, content: Option<Content>) {
        self.image(volume).put(block, content);
        self.compare_block(block);
    }

    /// Does what an effect says of the volumes.
    pub(super) fn perform(&mut self, deed: &Deed<Content, Blocks>) {
        match deed {
            Deed::Write(volume, block, payload) => self.write(*volume, *block, Some(*payload)),
            Deed::CopyBlock(from, to, block) => self.copy(*from, *to, &[*block]),
            Deed::CopyBlocks(from, to, blocks) => self.copy(*from, *to, blocks),
            Deed::ToSecondary(_)
            | Deed::ToPrimary(_)
            | Deed::ToHost(_)
            | Deed::Tell(_)
            | Deed::Unseen => {}
        }
    }

    fn copy(&mut self, from: Volume, to: Volume, blocks: &[BlockIndex]) {
        for block in blocks {
            let held = self.image(from).get(*block);
            self.image(to).put(*block, held);
        }
        if to == Volume::Spvol {
            // By a restore the S/P-VOL has to become the image of the split (RESYNC-4).
            self.oracle = self.at_split.clone();
            self.compare();
        }
    }

    /// The blocks in which P-VOL and S/P-VOL differ.
    pub(super) fn unequal(&self) -> impl Iterator<Item = BlockIndex> {
        self.unequal.keys().copied()
    }

    pub(super) fn is_unequal(&self, block: BlockIndex) -> bool {
        self.unequal.contains(&block)
    }

    /// A block in which the S/P-VOL is not what the writes make.
    pub(super) fn astray(&self) -> Option<BlockIndex> {
        self.astray.first().copied()
    }

    /// The primary numbered `entry`, with the P-VOL as it stands now.
    pub(super) fn on_numbered(&mut self, incarnation: Incarnation, entry: &Entry<Content>) {
        let at = (incarnation, entry.seq);
        self.order.insert(at, entry.item);
        if entry.item.block().is_none() {
            self.marked.insert(at, self.pvol.clone());
        }
    }

    /// The secondary has written `seq`: the oracle follows by what the primary numbered, whatever the entry that was
    /// applied carried. False if nothing was numbered so.
    pub(super) fn on_written(&mut self, incarnation: Incarnation, seq: Seq) -> bool {
        let Some(item) = self.order.get(&(incarnation, seq)).copied() else { return false };
        if let (Some(block), Some(payload)) = (item.block(), item.payload()) {
            self.oracle.put(block, Some(*payload));
            self.compare_block(block);
        } else if let Some(marked) = self.marked.remove(&(incarnation, seq)) {
            // COPY is over: what was copied in pieces is the P-VOL of the moment when the mark was numbered.
            self.oracle = marked;
            self.compare();
        }
        true
    }

    /// The remote host wrote after a takeover: from there on this side is the truth.
    pub(super) fn on_remote_write(&mut self, block: BlockIndex, content: Content) {
        self.oracle.put(block, Some(content));
        self.compare_block(block);
    }

    /// The blocks that entries above `after`, up to `through`, change.
    pub(super) fn written_between(
        &self,
        incarnation: Incarnation,
        (after, through): (Seq, Seq),
    ) -> BTreeSet<BlockIndex> {
        let entries = self.order.from(&(incarnation, after.next()));
        let between = entries.take_while(|(at, _)| at.0 == incarnation && at.1 <= through);
        between.filter_map(|(_, item)| item.block()).collect()
    }

    /// The secondary has begun `incarnation`; what older ones numbered is never applied any more.
    pub(super) fn forget_before(&mut self, incarnation: Incarnation) {
        let newer = |at: &(Incarnation, Seq)| at.0 >= incarnation;
        let first = (incarnation, Seq(0));
        if self.order.first().is_some_and(|at| !newer(at)) {
            self.order = self.order.from(&first).map(|(at, item)| (*at, *item)).collect();
        }
        if self.marked.first().is_some_and(|at| !newer(at)) {
            self.marked =
                self.marked.from(&first).map(|(at, image)| (*at, image.clone())).collect();
        }
    }

    /// Whether the S-VOL is what the writes make.
    pub(super) fn is_svol_the_image(&self) -> bool {
        differences(&self.svol, &self.oracle).next().is_none()
    }

    /// The S-VOL was split.
    pub(super) fn note_split(&mut self) {
        self.at_split = self.oracle.clone();
    }

    /// Failback: each side goes on with its volume in the other role. The new secondary's image is whatever it holds, and
    /// nothing is known of its S-VOL.
    pub(super) fn change_sides(&mut self) {
        std::mem::swap(&mut self.pvol, &mut self.spvol);
        self.svol = Image::undefined(self.spvol.size());
        self.oracle = self.spvol.clone();
        self.at_split = Image::undefined(self.spvol.size());
        self.order.clear();
        self.marked.clear();
        self.compare();
    }

    /// Puts contents where no step put them, as an error in the model or here would.
    #[cfg(test)]
    pub(super) fn tamper(&mut self, change: impl FnOnce(&mut Self)) {
        change(self);
        self.compare();
    }

    #[cfg(test)]
    pub(super) fn set(image: &mut Image, block: u32, digest: u32) {
        image.put(BlockIndex(block), Some(Content::of(digest)));
    }
}
