//! The names of contents in a normal form: which contents are compared with which, and new names for those that are.
//! Nothing else about a state is renamed here.

use crate::protocol::containers::DirtyMap;
use crate::protocol::coordinator::CoordinatorState;
use crate::protocol::replica::{Purpose, ReplicaState};
use crate::protocol::{BlockIndex, Item, PairState, Rule};
use crate::world::bounded::BlockSet;
use crate::world::instance::{Cache, World};
use crate::world::state::{BLOCKS_MAX, Image, State, VALUES_MAX, Value};

/// Contents that are compared with each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// The P-VOL, the freeze, and what is on its way from there.
    Local,
    /// The S/P-VOL, and what it has to be.
    Remote,
    /// The S-VOL, and what was permitted to be read of it.
    Replica,
}

/// In which blocks which groups are compared.
pub(super) struct Compared {
    /// Where local contents are not compared with remote ones.
    sites_apart: BlockSet,
    /// Where the S-VOL is not compared with the S/P-VOL.
    svol_apart: BlockSet,
    /// Whether the S-VOL is compared with local contents all the same: it is split for the freeze of this moment.
    svol_with_local: bool,
}

impl Compared {
    /// Everything is compared with everything in its block; `none` is the empty set of blocks.
    pub(super) const fn everything(none: BlockSet) -> Self {
        Self { sites_apart: none, svol_apart: none, svol_with_local: false }
    }

    /// [`Compared::table`] of every block and group.
    fn tables(&self) -> [[usize; 3]; BLOCKS_MAX] {
        let groups = [Group::Local, Group::Remote, Group::Replica];
        core::array::from_fn(|block| groups.map(|group| self.table(block, group)))
    }

    /// The table of names that the group uses in a block; groups that are compared share one.
    fn table(&self, block: usize, group: Group) -> usize {
        let block = BlockIndex(block as u32);
        let remote = usize::from(self.sites_apart.is_dirty(block));
        match group {
            Group::Local => 0,
            Group::Remote => remote,
            Group::Replica if !self.svol_apart.is_dirty(block) => remote,
            Group::Replica if self.svol_with_local => 0,
            Group::Replica => 2,
        }
    }
}

/// Values are only compared for equality, and only with others of their block and group: there they become 0, 1, ... in
/// the order of a fixed walk. Groups that are not compared have no name in common.
pub(super) fn rename_values(state: &mut State, compared: &Compared) {
    let tables = compared.tables();
    let mut names = [[[u8::MAX; VALUES_MAX as usize]; 3]; BLOCKS_MAX];
    let mut next = [0; BLOCKS_MAX];
    state.for_each_of_group(|block, group, value| {
        if *value == Value::FORGOTTEN {
            return;
        }
        let table = tables[block][group as usize];
        let name = &mut names[block][table][value.0 as usize % VALUES_MAX as usize];
        if *name == u8::MAX {
            *name = next[block];
            next[block] += 1;
        }
        *value = Value(*name);
    });
}

impl World {
    /// Which groups of contents are compared in each block, now or later.
    pub(super) fn compared(&self, state: &State) -> Compared {
        let State { primary, secondary, coordinator, .. } = state;
        let none = BlockSet::new(self.bounds.blocks);
        let lean_on = |rules: &[Rule]| rules.iter().all(|rule| self.rules.has(*rule));
        let taken_over = secondary.state == PairState::Ssws;
        let (is_after_sync, is_split_for) = match coordinator.state {
            CoordinatorState::Splitting(id) | CoordinatorState::Thawing(id) => {
                let split = secondary.replica.state == ReplicaState::Split(Purpose::Backup(id));
                (split || !taken_over, split)
            }
            CoordinatorState::Idle
            | CoordinatorState::Freezing(_)
            | CoordinatorState::Syncing(_) => (false, false),
        };
        // Between the sites nobody asks before the primary's contents are copied: where a block is dirty at the primary,
        // or at the secondary and will be at the primary when it is linked again, or its copy is on the way. Only after a
        // Sync, which completes with nothing of that kind, does a freeze speak of the remote site.
        let mut sites_apart = none;
        if !is_after_sync && lean_on(SITES_APART) {
            sites_apart = primary.dirty;
            if primary.state == PairState::Smpl {
                // A create marks every block, and so does a failback without a pair.
                sites_apart.mark_all();
            }
            // A pair mark that is still on its way cleans the secondary's map.
            let stays = !state.ghost.order.entries().any(|entry| entry.item.block().is_none());
            if taken_over || !primary.state.is_linked() && stays {
                sites_apart.union(&secondary.dirty);
            }
            let coming = primary.journal.entries().filter(|entry| entry.seq > secondary.written);
            for entry in coming {
                if let Item::Copy { block, .. } = entry.item {
                    sites_apart.mark(block);
                }
            }
        }
        // A split S-VOL is compared with what was permitted. In a marked block the S/P-VOL has gone its own way: it is
        // reflected before it is read again, and dirty once a takeover has brought it back.
        let keeps = self.bounds.cache == Cache::NonVolatile;
        let svol_apart = if keeps && secondary.replica.is_split() && lean_on(SVOL_APART) {
            secondary.replica.dirty
        } else {
            none
        };
        Compared { sites_apart, svol_apart, svol_with_local: is_split_for }
    }
}

impl State {
    /// Walks over every value in the world, with the block it stands in or is for.
    pub fn for_each_value(&mut self, mut visit: impl FnMut(usize, &mut Value)) {
        self.for_each_of_group(|block, _, value| visit(block, value));
    }

    /// As [`State::for_each_value`], with the group that each belongs to, in a fixed order. Messages in flight come last,
    /// since renaming reorders them.
    fn for_each_of_group(&mut self, mut visit: impl FnMut(usize, Group, &mut Value)) {
        let blocks = self.primary.dirty.blocks() as usize;
        let mut image = |image: &mut Image, group: Group| {
            let values = image.iter_mut().take(blocks).enumerate();
            values.for_each(|(block, value)| visit(block, group, value));
        };
        image(&mut self.pvol, Group::Local);
        for volume in [&mut self.spvol, &mut self.disk, &mut self.ghost.oracle] {
            image(volume, Group::Remote);
        }
        image(&mut self.svol, Group::Replica);
        if let Some((seq, complete)) = &mut self.ghost.complete {
            // What is still to be applied before the image is complete came from the primary; the rest is there already.
            let mut coming = BlockSet::new(blocks as u32);
            let before = self.ghost.order.entries().filter(|entry| entry.seq <= *seq);
            before.filter_map(|entry| entry.item.block()).for_each(|block| coming.mark(block));
            for (block, value) in complete.iter_mut().take(blocks).enumerate() {
                let comes = coming.is_dirty(BlockIndex(block as u32));
                visit(block, if comes { Group::Local } else { Group::Remote }, value);
            }
        }
        let mut image = |image: &mut Image, group: Group| {
            let values = image.iter_mut().take(blocks).enumerate();
            values.for_each(|(block, value)| visit(block, group, value));
        };
        if let Some(frozen) = &mut self.ghost.frozen {
            image(&mut frozen.image, Group::Local);
        }
        if let Some(permitted) = &mut self.ghost.permitted {
            image(&mut permitted.image, Group::Replica);
        }
        let mut local = |(block, value): (BlockIndex, &mut Value)| {
            visit(block.0 as usize, Group::Local, value);
        };
        for queue in [&mut self.primary.journal, &mut self.secondary.queue, &mut self.ghost.order] {
            queue.entries_mut().filter_map(|entry| entry.item.contents_mut()).for_each(&mut local);
        }
        self.to_secondary.rename(|mut message| {
            message.contents_mut().into_iter().for_each(&mut local);
            message
        });
    }
}

/// What the sites may be told apart by in a dirty block: the rules by which its contents are copied before anybody asks.
const SITES_APART: &[Rule] = &[
    Rule::Xfer2,
    Rule::Pair1,
    Rule::Pair2,
    Rule::Pair3,
    Rule::Resync1,
    Rule::Resync2,
    Rule::Resync3,
    Rule::Xfer3,
    Rule::Xfer4,
    Rule::Sync1,
    Rule::Sync5,
    Rule::Takeover1,
    Rule::Takeover2,
    Rule::Number1,
    Rule::Number2,
];

/// What a split S-VOL may be told apart from the S/P-VOL by in a marked block.
const SVOL_APART: &[Rule] = &[Rule::Split1, Rule::Backup1, Rule::Takeover2];
