//! The three volumes as the trace's effects leave them, and what they are measured against: the image that the writes
//! make in the order in which the primary numbered them.

use std::collections::BTreeMap;

use syncsplit_impl::payload::Payload;
use syncsplit_impl::trace::Digest;
use syncsplit_model::protocol::{BlockIndex, Entry, Incarnation, Item, Seq};

use super::error::Why;

/// A volume's contents, block by block; nothing where a failed write left the contents undefined.
pub type Image = Vec<Option<Digest>>;

/// The blocks in which two images differ. Undefined contents differ from nothing: the dirty map has to cover them, and
/// what is copied from them later is what they were.
pub(super) fn differences<'a>(
    one: &'a Image,
    other: &'a Image,
) -> impl Iterator<Item = usize> + 'a {
    let pairs = one.iter().zip(other).enumerate();
    pairs
        .filter(|(_, (one, other))| one.is_some() && other.is_some() && one != other)
        .map(|(at, _)| at)
}

/// What stands in an error for a block's contents.
pub(super) fn shown(digest: Option<Digest>) -> String {
    digest.map_or_else(|| "undefined contents".to_owned(), |digest| digest.to_string())
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
    pub(super) at_split: Image,
    /// What the primary numbered, with the pairing in which it did.
    order: BTreeMap<(Incarnation, Seq), Item<Digest>>,
    /// The P-VOL when a pair mark took its number.
    marked: BTreeMap<(Incarnation, Seq), Image>,
}

impl Volumes {
    /// The P-VOL as its side starts: zeros.
    pub(super) fn start_primary(&mut self, blocks: u32, block_size: usize) {
        self.pvol = zeroed(blocks, block_size);
    }

    /// The S/P-VOL and the S-VOL as their side starts: zeros.
    pub(super) fn start_secondary(&mut self, blocks: u32, block_size: usize) {
        self.spvol = zeroed(blocks, block_size);
        self.svol = self.spvol.clone();
        self.oracle = self.spvol.clone();
    }

    /// The primary numbered `entry`, with the P-VOL as it stands now.
    pub(super) fn on_numbered(&mut self, incarnation: Incarnation, entry: &Entry<Digest>) {
        let at = (incarnation, entry.seq);
        self.order.insert(at, entry.item);
        if entry.item.block().is_none() {
            self.marked.insert(at, self.pvol.clone());
        }
    }

    /// The secondary has written `seq`: the oracle follows by what the primary numbered, whatever the entry that was
    /// applied carried.
    pub(super) fn on_written(&mut self, incarnation: Incarnation, seq: Seq) -> Result<(), Why> {
        match self.order.get(&(incarnation, seq)) {
            Some(Item::Write { block, payload } | Item::Copy { block, payload }) => {
                put(&mut self.oracle, *block, Some(*payload));
            }
            // COPY is over: what was copied in pieces is the P-VOL of the moment when the mark was numbered.
            Some(Item::PairMark) => {
                if let Some(marked) = self.marked.remove(&(incarnation, seq)) {
                    self.oracle = marked;
                }
            }
            None => return Err(Why::NeverNumbered(seq)),
        }
        Ok(())
    }

    /// The remote host wrote after a takeover: from there on this side is the truth.
    pub(super) fn on_remote_write(&mut self, block: BlockIndex, payload: Digest) {
        put(&mut self.oracle, block, Some(payload));
    }

    /// Whether an entry above `after`, up to `through`, changes `block`.
    pub(super) fn is_written_between(
        &self,
        incarnation: Incarnation,
        (after, through): (Seq, Seq),
        block: usize,
    ) -> bool {
        let between = self.order.range((incarnation, after)..=(incarnation, through.max(after)));
        between
            .filter(|((_, seq), _)| *seq > after)
            .any(|(_, item)| item.block().is_some_and(|changed| changed.0 as usize == block))
    }

    /// The secondary has begun `incarnation`; what older ones numbered is never applied any more.
    pub(super) fn forget_before(&mut self, incarnation: Incarnation) {
        self.order = self.order.split_off(&(incarnation, Seq(0)));
        self.marked = self.marked.split_off(&(incarnation, Seq(0)));
    }

    /// Copies blocks on from the S/P-VOL to the S-VOL.
    pub(super) fn copy_on(&mut self, blocks: &[BlockIndex]) {
        for block in blocks {
            put(&mut self.svol, *block, get(&self.spvol, *block));
        }
    }

    /// Copies blocks back from the S-VOL, by which the S/P-VOL has to become the image of the split (RESYNC-4).
    pub(super) fn copy_back(&mut self, blocks: &[BlockIndex]) {
        for block in blocks {
            put(&mut self.spvol, *block, get(&self.svol, *block));
        }
        self.oracle = self.at_split.clone();
    }

    /// Failback: each side goes on with its volume in the other role. The new secondary's image is whatever it holds, and
    /// nothing is known of its S-VOL.
    pub(super) fn change_sides(&mut self) {
        std::mem::swap(&mut self.pvol, &mut self.spvol);
        self.svol = vec![None; self.spvol.len()];
        self.oracle = self.spvol.clone();
        self.at_split.clear();
        self.order.clear();
        self.marked.clear();
    }
}

/// What `image` holds in `block`.
pub(super) fn get(image: &Image, block: BlockIndex) -> Option<Digest> {
    image.get(block.0 as usize).copied().flatten()
}

/// Changes `block` of `image`; the transition functions refuse blocks that the group does not have.
pub(super) fn put(image: &mut Image, block: BlockIndex, digest: Option<Digest>) {
    if let Some(slot) = image.get_mut(block.0 as usize) {
        *slot = digest;
    }
}

fn zeroed(blocks: u32, block_size: usize) -> Image {
    vec![Some(Digest(Payload::zeroed(block_size).digest())); blocks as usize]
}
