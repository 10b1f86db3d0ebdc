//! A state in normal form as a few words, and back. One walk over the state serves both directions, so that what is
//! written is what is read; the widths follow from the instance, so that a small world takes few bits.

use syncsplit_model::protocol::coordinator::CoordinatorState;
use syncsplit_model::protocol::database::FreezeState;
use syncsplit_model::protocol::replica::{Purpose, ReplicaState};
use syncsplit_model::protocol::requester::RequesterState;
use syncsplit_model::protocol::sync::Sync;
use syncsplit_model::protocol::{
    Ack, BackupId, BlockIndex, Entry, Frame, HostMessage, Incarnation, Item, Journal, PairState,
    QMarker, Rule, Rules, Seq, ToPrimary, ToSecondary,
};
use syncsplit_model::world::bounded::BlockSet;
use syncsplit_model::world::normal::{IN_FORCE, SEQ_BASE};
use syncsplit_model::world::state::{
    BLOCKS_MAX, Flight, FrozenImage, Image, JOURNAL_MAX, Queue, Reply, Unanswered,
};
use syncsplit_model::world::{
    Cache, NumberRange, State, Stillness, Transactions, Value, Variant, World,
};

use crate::bits::{Bits, Counter, PACKED_WORDS, Packed, Reader, Writer};

/// How many bits a packed state of `world` takes.
pub(crate) fn packed_bits(world: &World) -> usize {
    let mut walk = Walk::new(world, Counter { at: 0 });
    walk.state(&mut world.raw_initial());
    walk.bits.at as usize
}

/// The words of `state`, which is in normal form.
pub(crate) fn pack(world: &World, state: &State) -> Packed {
    let mut words = [0; PACKED_WORDS];
    let mut state = *state;
    pack_into(world, &mut words, &mut state);
    words
}

/// Writes the words of `state` over words that are all 0. The walk puts back into `state` what it finds there.
pub(crate) fn pack_into(world: &World, words: &mut Packed, state: &mut State) {
    let mut walk = Walk::new(world, Writer { words, filling: 0, at: 0 });
    walk.state(state);
    walk.bits.finish();
}

/// The state of these words, which [`pack`] once gave for the same world.
pub(crate) fn unpack(world: &World, packed: &Packed) -> State {
    let mut state = world.raw_initial();
    Walk::new(world, Reader { words: packed, at: 0 }).state(&mut state);
    state
}

/// The fixed order of a state's fields, and how wide each is in this world.
struct Walk<'a, B> {
    world: &'a World,
    bits: B,
    rules: Rules,
    /// Bits of a sequence number. Where rules are left out, numbers may run away from each other.
    seq: u32,
    /// Bits of a value within its block: a few images and what is queued. The last one stands for what is forgotten.
    value: u32,
    /// Entries of the ghost's order: those of the journal, unless a rule that ties it to them is left out.
    ordered: usize,
    /// What every seq, incarnation and id has above its bits: nothing, or in a world whose numbers end, ones.
    above: u64,
}

/// An entry in the place of none.
const NO_ENTRY: Entry<Value> = Entry { seq: Seq(0), item: Item::PairMark };

/// The lowest `bits` of `number`.
const fn low(number: u64, bits: u32) -> u64 {
    number & ((1 << bits) - 1)
}

/// Bits of an incarnation: those about lie within sixteen of each other.
const INCARNATION: u32 = 4;
/// Bits of a backup id: no more than fifteen are about.
const ID: u32 = 4;
/// Bits of a block, and of one or none.
const BLOCK: u32 = 2;
/// Bits of a queue's length.
const LENGTH: u32 = 2;

const _: () = assert!(BLOCKS_MAX < 1 << BLOCK);

impl<'a, B: Bits> Walk<'a, B> {
    fn new(world: &'a World, bits: B) -> Self {
        let rules = world.rules;
        let whole = rules == Rules::HARDENED;
        let value = if world.bounds.journal == 1 { 4 } else { 5 };
        let ordered = if whole { world.bounds.journal } else { JOURNAL_MAX };
        let above = if world.bounds.numbers == NumberRange::Ending { u64::MAX } else { 0 };
        Self { world, bits, rules, seq: if whole { 5 } else { 8 }, value, ordered, above }
    }

    #[inline(always)]
    fn state(&mut self, state: &mut State) {
        self.primary(state);
        self.secondary(state);
        for volume in [&mut state.pvol, &mut state.spvol, &mut state.svol] {
            self.image(volume);
        }
        if self.world.bounds.cache == Cache::Volatile {
            self.image(&mut state.disk);
        } else {
            state.disk = state.spvol;
        }
        state.link_up = self.flag(state.link_up);
        self.flight(&mut state.to_secondary, self.world.bounds.frames, Self::for_secondary);
        self.flight(&mut state.to_primary, self.world.bounds.acks, Self::for_primary);
        self.flight(&mut state.host, self.world.bounds.host_messages, Self::host);
        self.hosts(state);
        self.ghost(state);
    }

    #[inline(always)]
    fn number(&mut self, value: u64, width: u32) -> u64 {
        self.bits.number(value, width)
    }

    #[inline(always)]
    fn flag(&mut self, flag: bool) -> bool {
        self.number(u64::from(flag), 1) == 1
    }

    #[inline(always)]
    fn seq_of(&mut self, seq: Seq) -> Seq {
        let code = self.number(low(seq.0, self.seq), self.seq);
        Seq(code | self.above << self.seq)
    }

    #[inline(always)]
    fn incarnation(&mut self, incarnation: Incarnation) -> Incarnation {
        let code = self.number(low(incarnation.0.into(), INCARNATION), INCARNATION);
        Incarnation((code | self.above << INCARNATION) as u32)
    }

    #[inline(always)]
    fn id(&mut self, id: BackupId) -> BackupId {
        let code = self.number(low(id.0.into(), ID), ID);
        BackupId((code | self.above << ID) as u32)
    }

    /// One bit for whether something is held, and `width` more for what it is.
    #[inline(always)]
    fn option<T: Copy>(
        &mut self,
        held: Option<T>,
        none: T,
        width: u32,
        code: impl FnOnce(&mut Self, T) -> T,
    ) -> Option<T> {
        if self.flag(held.is_some()) {
            return Some(code(self, held.unwrap_or(none)));
        }
        self.bits.pass(width);
        None
    }

    fn image_width(&self) -> u32 {
        self.world.bounds.blocks * self.value
    }

    fn entry_width(&self) -> u32 {
        self.seq + 2 + BLOCK + self.value
    }

    #[inline(always)]
    fn pair_state(&mut self, state: PairState) -> PairState {
        use PairState::{Copy, Pair, Psue, Psus, Smpl, Ssus, Ssws};
        // In the order in which they are declared.
        const STATES: [PairState; 8] = [Smpl, Copy, Pair, Psus, Psue, Ssus, Ssws, Smpl];
        STATES[self.number(state as u64, 3) as usize]
    }

    #[inline(always)]
    fn blocks(&mut self, set: BlockSet) -> BlockSet {
        let blocks = self.world.bounds.blocks;
        BlockSet::of_bits(blocks, self.number(u64::from(set.bits()), blocks) as u32)
    }

    /// The largest code of a value stands for what is forgotten.
    #[inline(always)]
    fn value_code(&self, value: Value) -> u64 {
        let forgotten = (1 << self.value) - 1;
        debug_assert!(value == Value::FORGOTTEN || u64::from(value.0) < forgotten, "{value:?}");
        u64::from(value.0) & forgotten
    }

    #[inline(always)]
    fn value_of(&self, code: u64) -> Value {
        let forgotten = (1 << self.value) - 1;
        let code = code & forgotten;
        if code == forgotten { Value::FORGOTTEN } else { Value(code as u8) }
    }

    /// All blocks as one number, since there are many images.
    #[inline(always)]
    fn image(&mut self, image: &mut Image) {
        let blocks = self.world.bounds.blocks as usize;
        let places = (0_u32..).step_by(self.value as usize);
        let values = image.iter().take(blocks).zip(places.clone());
        let code = values.fold(0, |code, (value, at)| code | self.value_code(*value) << at);
        let code = self.number(code, self.image_width());
        if B::READS {
            for (value, at) in image.iter_mut().take(blocks).zip(places) {
                *value = self.value_of(code >> at);
            }
        }
    }

    /// A number that says which, and the backup it is about.
    #[inline(always)]
    fn kind_and_id(&mut self, kind: u64, width: u32, id: BackupId) -> (u64, BackupId) {
        let code = self.number(kind | low(id.0.into(), ID) << width, width + ID);
        (low(code, width), BackupId((code >> width | self.above << ID) as u32))
    }

    #[inline(always)]
    fn entry(&mut self, entry: Entry<Value>) -> Entry<Value> {
        let (kind, block, payload) = match entry.item {
            Item::PairMark => (0, BlockIndex(0), Value(0)),
            Item::Write { block, payload } => (1, block, payload),
            Item::Copy { block, payload } => (2, block, payload),
        };
        debug_assert!(entry.seq == NO_ENTRY.seq || self.holds(entry.seq), "{entry:?} does not fit");
        let item = kind | u64::from(block.0) << 2 | self.value_code(payload) << (2 + BLOCK);
        let code = self.number(low(entry.seq.0, self.seq) | item << self.seq, self.entry_width());
        let (seq, item) = (low(code, self.seq) | self.above << self.seq, code >> self.seq);
        let block = BlockIndex((item >> 2) as u32 & ((1 << BLOCK) - 1));
        let payload = self.value_of(item >> (2 + BLOCK));
        let item = match item & 0b11 {
            0 => Item::PairMark,
            1 => Item::Write { block, payload },
            _ => Item::Copy { block, payload },
        };
        Entry { seq: Seq(seq), item }
    }

    /// Whether `seq` is read back as it was written.
    fn holds(&self, seq: Seq) -> bool {
        low(seq.0, self.seq) | self.above << self.seq == seq.0
    }

    #[inline(always)]
    fn queue(&mut self, queue: &mut Queue, places: usize) {
        let len = self.number(queue.len() as u64, LENGTH) as usize;
        let was = *queue;
        let mut entries = was.entries().copied();
        if B::READS {
            Journal::clear(queue);
        }
        for _ in 0..len.min(places) {
            let entry = self.entry(entries.next().unwrap_or(NO_ENTRY));
            if B::READS {
                Journal::push(queue, entry);
            }
        }
        self.bits.pass(places.saturating_sub(len) as u32 * self.entry_width());
    }

    #[inline(always)]
    fn primary(&mut self, state: &mut State) {
        let places = self.world.bounds.journal;
        let primary = &mut state.primary;
        primary.state = self.pair_state(primary.state);
        // Where numbers have no end a normal form has it always the same.
        primary.incarnation = match self.world.bounds.numbers {
            NumberRange::Endless => IN_FORCE,
            NumberRange::Ending => self.incarnation(primary.incarnation),
        };
        primary.newest = self.seq_of(primary.newest);
        primary.written = self.seq_of(primary.written);
        self.queue(&mut primary.journal, places);
        primary.dirty = self.blocks(primary.dirty);
        primary.mark = self.option(primary.mark, Seq(0), self.seq, Self::seq_of);
        primary.pending =
            self.option(primary.pending, Incarnation(0), INCARNATION, Self::incarnation);
        if self.world.bounds.stillness == Stillness::Quiesce {
            primary.quiesced = self.option(primary.quiesced, BackupId(0), ID, Self::id);
        }
        if !self.rules.has(Rule::Xfer1) {
            primary.sent = self.seq_of(primary.sent);
        }
    }

    #[inline(always)]
    fn secondary(&mut self, state: &mut State) {
        // A queue that is full still takes the entry whose turn it is.
        let places = (self.world.bounds.journal + 1).min(JOURNAL_MAX);
        let secondary = &mut state.secondary;
        secondary.state = self.pair_state(secondary.state);
        secondary.incarnation = self.incarnation(secondary.incarnation);
        secondary.written = match self.world.bounds.numbers {
            NumberRange::Endless => SEQ_BASE,
            NumberRange::Ending => self.seq_of(secondary.written),
        };
        self.queue(&mut secondary.queue, places);
        secondary.dirty = self.blocks(secondary.dirty);
        secondary.consistent = self.flag(secondary.consistent);
        let (kind, id) = match secondary.replica.state {
            ReplicaState::Pair => (0, BackupId(0)),
            ReplicaState::Split(Purpose::Gold) => (1, BackupId(0)),
            ReplicaState::Split(Purpose::Backup(id)) => (2, id),
        };
        let (kind, id) = self.kind_and_id(kind, 2, id);
        secondary.replica.state = match kind {
            0 => ReplicaState::Pair,
            1 => ReplicaState::Split(Purpose::Gold),
            _ => ReplicaState::Split(Purpose::Backup(id)),
        };
        secondary.replica.dirty = self.blocks(secondary.replica.dirty);
        secondary.armed = self.option(secondary.armed, BackupId(0), ID, Self::id);
    }

    #[inline(always)]
    fn flight<M: Copy + Ord>(
        &mut self,
        flight: &mut Flight<M>,
        places: usize,
        code: impl Fn(&mut Self, Option<M>) -> Option<M>,
    ) {
        let was = *flight;
        let mut messages = was.iter();
        if B::READS {
            *flight = Flight::default();
        }
        for _ in 0..places {
            let message = code(self, messages.next());
            if let Some(message) = message.filter(|_| B::READS) {
                // There is room: it came from as many places.
                let _ = flight.add(message, places);
            }
        }
    }

    #[inline(always)]
    fn for_secondary(&mut self, message: Option<ToSecondary<Value>>) -> Option<ToSecondary<Value>> {
        let (tag, incarnation, entry) = match message {
            None => (0, Incarnation(0), NO_ENTRY),
            Some(ToSecondary::Frame(Frame { incarnation, entry })) => (1, incarnation, entry),
            Some(ToSecondary::Unsequenced { incarnation, block, payload }) => {
                (2, incarnation, Entry { seq: Seq(0), item: Item::Copy { block, payload } })
            }
            Some(ToSecondary::Resync { incarnation }) => (3, incarnation, NO_ENTRY),
            Some(ToSecondary::Suspend { incarnation }) => (4, incarnation, NO_ENTRY),
            Some(ToSecondary::Delete { incarnation }) => (5, incarnation, NO_ENTRY),
        };
        let tag = self.number(tag, 3);
        if tag == 0 {
            self.bits.pass(INCARNATION + self.entry_width());
            return None;
        }
        let incarnation = self.incarnation(incarnation);
        let entry = self.entry(entry);
        Some(match (tag, entry.item) {
            (1, _) => ToSecondary::Frame(Frame { incarnation, entry }),
            (2, Item::Copy { block, payload }) => {
                ToSecondary::Unsequenced { incarnation, block, payload }
            }
            (3, _) => ToSecondary::Resync { incarnation },
            (4, _) => ToSecondary::Suspend { incarnation },
            (5, _) => ToSecondary::Delete { incarnation },
            _ => return None,
        })
    }

    #[inline(always)]
    fn for_primary(&mut self, message: Option<Reply>) -> Option<Reply> {
        let clean = BlockSet::new(self.world.bounds.blocks);
        let (tag, incarnation, written, dirty) = match message {
            None => (0, Incarnation(0), Seq(0), clean),
            Some(ToPrimary::Ack(ack)) => (1, ack.incarnation, ack.written, clean),
            Some(ToPrimary::Ready { incarnation, written, dirty }) => {
                (2, incarnation, written, dirty)
            }
            Some(ToPrimary::Suspended { incarnation }) => (3, incarnation, Seq(0), clean),
        };
        let tag = self.number(tag, 2);
        if tag == 0 {
            self.bits.pass(INCARNATION + self.seq + self.world.bounds.blocks);
            return None;
        }
        let incarnation = self.incarnation(incarnation);
        let written = self.seq_of(written);
        let dirty = self.blocks(dirty);
        Some(match tag {
            1 => ToPrimary::Ack(Ack { incarnation, written }),
            2 => ToPrimary::Ready { incarnation, written, dirty },
            _ => ToPrimary::Suspended { incarnation },
        })
    }

    #[inline(always)]
    fn host(&mut self, message: Option<HostMessage>) -> Option<HostMessage> {
        let tag = match message {
            None => 0,
            Some(HostMessage::Request(_)) => 1,
            Some(HostMessage::Split(_)) => 2,
            Some(HostMessage::SplitAnswer { done: true, .. }) => 3,
            Some(HostMessage::SplitAnswer { done: false, .. }) => 4,
            Some(HostMessage::Permit(_)) => 5,
            Some(HostMessage::Reject(_)) => 6,
        };
        let id = message.map_or(BackupId(0), |message| message.id());
        let (tag, id) = self.kind_and_id(tag, 3, id);
        Some(match tag {
            1 => HostMessage::Request(id),
            2 => HostMessage::Split(id),
            3 => HostMessage::SplitAnswer { id, done: true },
            4 => HostMessage::SplitAnswer { id, done: false },
            5 => HostMessage::Permit(id),
            6 => HostMessage::Reject(id),
            _ => return None,
        })
    }

    #[inline(always)]
    fn hosts(&mut self, state: &mut State) {
        let (kind, id) = match state.database.freeze {
            FreezeState::Running => (0, BackupId(0)),
            FreezeState::Freezing(id) => (1, id),
            FreezeState::Frozen(id) => (2, id),
        };
        let (kind, id) = self.kind_and_id(kind, 2, id);
        state.database.freeze = match kind {
            0 => FreezeState::Running,
            1 => FreezeState::Freezing(id),
            _ => FreezeState::Frozen(id),
        };
        state.database.open = u32::from(self.flag(state.database.open > 0));
        if self.world.bounds.transactions == Transactions::Any {
            let code = self.number(state.begun.map_or(0, |block| u64::from(block.0) + 1), BLOCK);
            state.begun = code.checked_sub(1).map(|block| BlockIndex(block as u32));
        }
        if self.world.variant == Variant::Synchronous {
            state.unanswered = match self.number(state.unanswered as u64, 2) {
                0 => Unanswered::Nothing,
                1 => Unanswered::First,
                _ => Unanswered::Last,
            };
        }
        self.coordinator(state);
        let held = state.sync.map(|sync| sync.held);
        let width = INCARNATION + self.seq;
        let held = self.option(held, QMarker::default(), width, |walk, held| QMarker {
            incarnation: walk.incarnation(held.incarnation),
            seq: walk.seq_of(held.seq),
        });
        state.sync = held.map(|held| Sync { held });
        let (kind, id) = match state.requester.state {
            RequesterState::Idle => (0, BackupId(0)),
            RequesterState::Waiting(id) => (1, id),
            RequesterState::Reading(id) => (2, id),
        };
        let (kind, id) = self.kind_and_id(kind, 2, id);
        state.requester.state = match kind {
            0 => RequesterState::Idle,
            1 => RequesterState::Waiting(id),
            _ => RequesterState::Reading(id),
        };
        state.requester.newest = self.id(state.requester.newest);
    }

    #[inline(always)]
    fn coordinator(&mut self, state: &mut State) {
        let coordinator = &mut state.coordinator;
        let (kind, id) = match coordinator.state {
            CoordinatorState::Idle => (0, BackupId(0)),
            CoordinatorState::Freezing(id) => (1, id),
            CoordinatorState::Syncing(id) => (2, id),
            CoordinatorState::Splitting(id) => (3, id),
            CoordinatorState::Thawing(id) => (4, id),
        };
        let (kind, id) = self.kind_and_id(kind, 3, id);
        coordinator.state = match kind {
            0 => CoordinatorState::Idle,
            1 => CoordinatorState::Freezing(id),
            2 => CoordinatorState::Syncing(id),
            3 => CoordinatorState::Splitting(id),
            _ => CoordinatorState::Thawing(id),
        };
        if !self.rules.has(Rule::Backup4) {
            coordinator.newest = self.option(coordinator.newest, BackupId(0), ID, Self::id);
        }
    }

    #[inline(always)]
    fn ghost(&mut self, state: &mut State) {
        let ordered = self.ordered;
        let ghost = &mut state.ghost;
        ghost.frozen = self.frozen(ghost.frozen);
        ghost.permitted = self.frozen(ghost.permitted);
        self.image(&mut ghost.oracle);
        self.queue(&mut ghost.order, ordered);
        ghost.copying = self.flag(ghost.copying);
        let none = (Seq(0), Image::default());
        let width = self.seq + self.image_width();
        ghost.complete = self.option(ghost.complete, none, width, |walk, (seq, mut image)| {
            let seq = walk.seq_of(seq);
            walk.image(&mut image);
            (seq, image)
        });
        ghost.svol_good = self.flag(ghost.svol_good);
        ghost.backup_suspended = self.flag(ghost.backup_suspended);
        ghost.promised = self.flag(ghost.promised);
    }

    #[inline(always)]
    fn frozen(&mut self, frozen: Option<FrozenImage>) -> Option<FrozenImage> {
        let none = FrozenImage { id: BackupId(0), image: Image::default(), torn: false };
        let width = ID + self.image_width() + 1;
        self.option(frozen, none, width, |walk, mut frozen| {
            frozen.id = walk.id(frozen.id);
            walk.image(&mut frozen.image);
            frozen.torn = walk.flag(frozen.torn);
            frozen
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syncsplit_model::protocol::primary::JournalFull;
    use syncsplit_model::world::{Bounds, Faults, INSTANCES, Start};

    /// Every way a world can be large, wide or faulty, each in at least one of these.
    fn bounds() -> Vec<Bounds> {
        let (faults, any) = (Faults::all(), Transactions::Any);
        let all = Bounds { faults, ..INSTANCES[0].bounds };
        let all = Bounds { journal: 2, frames: 2, acks: 2, host_messages: 2, ..all };
        let mut bounds: Vec<_> = INSTANCES.iter().map(|instance| instance.bounds).collect();
        bounds.extend([
            all,
            Bounds { acks: 0, ..all },
            Bounds { start: Start::Smpl, ..all },
            Bounds { stillness: Stillness::Quiesce, ..all },
            Bounds { cache: Cache::Volatile, ..all },
            Bounds { transactions: any, blocks: 3, ..all },
            Bounds { journal_full: JournalFull::Suspend, ..all },
            Bounds { frames: 1, acks: 1, host_messages: 1, ..all },
        ]);
        bounds
    }

    /// Along a run by chance, with true numbers.
    fn assert_unpacked(world: &World, mut chance: u64) {
        let mut state = world.raw_initial();
        for _ in 0..100 {
            let normal = world.normal(state);
            let words = pack(world, &normal);
            assert_eq!(unpack(world, &words), normal, "without {:?}", world.rules);
            assert!(packed_bits(world) <= 64 * PACKED_WORDS);
            let next = world.raw_successors(&state);
            // Knuth's multiplier: any run will do, as long as it is the same every time.
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let Some((_, after)) = next.get((chance >> 33) as usize % next.len().max(1)) else {
                break;
            };
            state = *after;
        }
    }

    #[test]
    fn what_is_packed_is_unpacked_under_each_variant_and_without_up_to_two_rules() {
        let bounds = bounds();
        for (seed, bounds) in (0..).zip(&bounds) {
            for variant in Variant::ALL {
                for run in 0..20 {
                    assert_unpacked(&World::new(*bounds, *variant, &[]), seed * 20 + run);
                }
            }
        }
        for (seed, first) in (0..).zip(Rule::ALL) {
            for (at, second) in Rule::ALL.iter().enumerate() {
                let bounds = bounds[(at + seed as usize) % bounds.len()];
                assert_unpacked(&World::new(bounds, Variant::Hardened, &[*first, *second]), seed);
            }
        }
    }
}
