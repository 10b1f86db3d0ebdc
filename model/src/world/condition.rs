//! When each property is true of a state, and the witness where it is not. What a property is called and what it says is
//! in [`crate::world::property`]; what a recorded run shares is in [`crate::system::view`].

use crate::protocol::containers::{DirtyMap, Journal};
use crate::protocol::coordinator::CoordinatorState;
use crate::protocol::database::FreezeState;
use crate::protocol::primary::Primary;
use crate::protocol::requester::RequesterState;
use crate::protocol::secondary::Secondary;
use crate::protocol::{BackupId, BlockIndex, Broken, Entry, PairState, ToSecondary};
use crate::system::view::{self, View};
use crate::system::{Judgement, Volume, Witness};
use crate::world::instance::{Stillness, Variant, World};
use crate::world::property::WorldProperty;
use crate::world::state::{FrozenImage, Image, State, Value};

/// Whether `property` is true of `state`: a witness where it is not.
pub(super) fn judge(property: WorldProperty, world: &World, state: &State) -> Judgement<Value> {
    let seen = &WorldView { world, state };
    match property {
        WorldProperty::BackupIsFrozenImage => view::backup_is_frozen_image(seen),
        WorldProperty::ReadingAfterMoreWrites => reached(reading_after_more_writes(world, state)),
        WorldProperty::NoTornTransaction => no_torn_transaction(state),
        WorldProperty::FreezingWithOpenTransaction => {
            reached(freezing_with_open_transaction(world, state))
        }
        WorldProperty::SyncMeansWritten => sync_means_written(world, state),
        WorldProperty::SyncWaits => reached(sync_waits(state)),
        WorldProperty::ImageIsPrefix => view::image_is_prefix(seen),
        WorldProperty::ConsistentAndBehind => reached(consistent_and_behind(world, state)),
        WorldProperty::DifferenceIsCovered => {
            world.blocks().try_for_each(|block| view::is_covered(seen, block))
        }
        WorldProperty::DifferenceInCopy => reached(difference_in_copy(world, state)),
        WorldProperty::OneImageAlways => view::one_image_always(seen),
        WorldProperty::OnlyTheGoldCopy => reached(only_the_gold_copy(state)),
        WorldProperty::FrozenMeansStill => frozen_means_still(world, state),
        WorldProperty::FrozenAndBehind => reached(frozen_and_behind(world, state)),
        WorldProperty::SvolStillWhileRead => view::svol_still_while_read(seen),
        WorldProperty::ReadWhileApplying => reached(read_while_applying(world, state)),
        WorldProperty::BackupKeepsPair => backup_keeps_pair(state),
        WorldProperty::ReadingInPair => reached(reading_in_pair(state)),
        WorldProperty::StatesDefined => states_defined(state),
        WorldProperty::MarkNotYetKnown => reached(mark_not_yet_known(state)),
        WorldProperty::Invariants => invariants(state),
        WorldProperty::JournalIsFull => reached(Journal::is_full(&state.primary.journal)),
    }
}

const fn reached(is_reached: bool) -> Judgement<Value> {
    if is_reached { Ok(()) } else { Err(Witness::Unreached) }
}

/// What a block of a volume holds is what it held at a freeze.
fn holds(
    state: &State,
    volume: Volume,
    block: BlockIndex,
    frozen: &FrozenImage,
) -> Judgement<Value> {
    let holds = image(state, volume)[block.0 as usize];
    let should = frozen.image[block.0 as usize];
    if holds == should {
        return Ok(());
    }
    Err(Witness::Contents { volume, block, holds, should })
}

const fn image(state: &State, volume: Volume) -> &Image {
    match volume {
        Volume::Pvol => &state.pvol,
        Volume::Spvol => &state.spvol,
        Volume::Svol => &state.svol,
    }
}

/// A state as those properties see it that a recorded run shares.
struct WorldView<'a> {
    world: &'a World,
    state: &'a State,
}

impl View for WorldView<'_> {
    type Contents = Value;

    fn held(&self, volume: Volume, block: BlockIndex) -> Value {
        image(self.state, volume)[block.0 as usize]
    }

    fn is_unpaired(&self) -> bool {
        self.state.primary.state == PairState::Smpl
    }

    fn is_consistent(&self) -> bool {
        self.state.secondary.consistent
    }

    fn is_promised(&self) -> bool {
        self.state.ghost.promised
    }

    fn astray(&self) -> Option<(BlockIndex, Value)> {
        let (held, oracle) = (self.state.spvol, self.state.ghost.oracle);
        let at = (0..held.len()).find(|at| held[*at] != oracle[*at])?;
        Some((BlockIndex(at as u32), oracle[at]))
    }

    fn is_svol_split(&self) -> bool {
        self.state.secondary.replica.is_split()
    }

    fn is_svol_good(&self) -> bool {
        self.state.ghost.svol_good
    }

    fn is_dirty(&self, block: BlockIndex) -> bool {
        let State { primary, secondary, .. } = self.state;
        primary.dirty.is_dirty(block) || secondary.dirty.is_dirty(block)
    }

    fn is_equal(&self, block: BlockIndex) -> bool {
        self.state.spvol[block.0 as usize] == self.state.pvol[block.0 as usize]
    }

    /// Frames in flight count: the link may lose them, but the journal has them until they are written.
    fn is_queued(&self, block: BlockIndex) -> bool {
        last_queued(self.state, block) == Some(self.state.pvol[block.0 as usize])
    }

    fn reading(&self) -> Option<BackupId> {
        match self.state.requester.state {
            RequesterState::Reading(id) => Some(id),
            RequesterState::Idle | RequesterState::Waiting(_) => None,
        }
    }

    /// The conventional backup reads the S/P-VOL, which stands still while it is not linked.
    fn is_still_for(&self, _: BackupId) -> bool {
        let secondary = &self.state.secondary;
        match self.world.variant {
            Variant::Conventional => !secondary.state.is_linked(),
            Variant::Hardened | Variant::Published | Variant::Synchronous | Variant::Unordered => {
                secondary.replica.is_split()
            }
        }
    }

    fn is_frozen_image(&self, id: BackupId) -> Judgement<Value> {
        let frozen = self.state.ghost.permitted.filter(|frozen| frozen.id == id);
        let frozen = frozen.ok_or(Witness::NoFreeze(id))?;
        let volume = read(self.world);
        self.world.blocks().try_for_each(|block| holds(self.state, volume, block, &frozen))
    }
}

/// What the requester reads: the S-VOL, or the suspended S/P-VOL where there is no other copy.
fn read(world: &World) -> Volume {
    if world.variant == Variant::Conventional { Volume::Spvol } else { Volume::Svol }
}

fn reading_after_more_writes(world: &World, state: &State) -> bool {
    let moved = world.variant != Variant::Conventional && !state.secondary.replica.dirty.is_clean();
    is_reading(state) && (moved || is_behind(world, state))
}

/// Whether the P-VOL has been written since the S/P-VOL was. In a pair that is suspended the dirty map tells; contents of
/// dirty blocks are not compared between the sites.
fn is_behind(world: &World, state: &State) -> bool {
    if world.variant == Variant::Conventional {
        return !state.primary.dirty.is_clean();
    }
    let paired = state.primary.state == PairState::Pair && state.secondary.state == PairState::Pair;
    paired && state.spvol != state.pvol
}

fn no_torn_transaction(state: &State) -> Judgement<Value> {
    let torn = state.ghost.permitted.filter(|frozen| is_reading(state) && frozen.torn);
    torn.map_or(Ok(()), |frozen| Err(Witness::Torn(frozen.id)))
}

/// A hold (QUIESCE-1) waits for no transaction: there it is enough that a backup begins in the middle of one.
fn freezing_with_open_transaction(world: &World, state: &State) -> bool {
    let held = world.bounds.stillness == Stillness::Quiesce && state.primary.quiesced.is_some();
    let freezing = matches!(state.coordinator.state, CoordinatorState::Freezing(_));
    (freezing || held) && state.database.open > 0
}

/// Blocks that were written again after a lease ran out are not what Sync held, and are left aside; so is everything once
/// the remote host writes the S/P-VOL.
fn sync_means_written(world: &World, state: &State) -> Judgement<Value> {
    let CoordinatorState::Splitting(id) = state.coordinator.state else { return Ok(()) };
    if state.secondary.state == PairState::Ssws {
        return Ok(());
    }
    let Some(frozen) = state.ghost.frozen.filter(|frozen| frozen.id == id) else { return Ok(()) };
    let still = |block: &BlockIndex| holds(state, Volume::Pvol, *block, &frozen).is_ok();
    let mut blocks = world.blocks().filter(still);
    blocks.try_for_each(|block| holds(state, Volume::Spvol, block, &frozen))
}

fn sync_waits(state: &State) -> bool {
    let held = |incarnation| incarnation == state.primary.incarnation;
    state.primary.state == PairState::Pair
        && state.sync.is_some_and(|sync| {
            held(sync.held.incarnation) && sync.held.seq > state.secondary.written
        })
}

fn consistent_and_behind(world: &World, state: &State) -> bool {
    state.secondary.consistent && is_behind(world, state)
}

/// What a block of the S/P-VOL will hold once everything queued for it has been applied.
fn last_queued(state: &State, block: BlockIndex) -> Option<Value> {
    let State { primary, secondary, to_secondary, .. } = state;
    let mut unsequenced = None;
    let mut newest: Option<Entry<Value>> = None;
    let mut queued = |entry: Entry<Value>| {
        let comes = entry.item.block() == Some(block) && entry.seq > secondary.written;
        if comes && newest.is_none_or(|newest| newest.seq <= entry.seq) {
            newest = Some(entry);
        }
    };
    primary.journal.entries().chain(secondary.queue.entries()).for_each(|entry| queued(*entry));
    for message in to_secondary.iter() {
        match message {
            ToSecondary::Frame(frame) if frame.incarnation == secondary.incarnation => {
                queued(frame.entry);
            }
            ToSecondary::Unsequenced { incarnation, block: to, payload }
                if incarnation == secondary.incarnation && to == block =>
            {
                unsequenced = unsequenced.or(Some(payload));
            }
            ToSecondary::Frame(_)
            | ToSecondary::Unsequenced { .. }
            | ToSecondary::Resync { .. }
            | ToSecondary::Suspend { .. }
            | ToSecondary::Delete { .. } => {}
        }
    }
    newest.and_then(|entry| entry.item.payload().copied()).or(unsequenced)
}

fn difference_in_copy(world: &World, state: &State) -> bool {
    let queued = world
        .blocks()
        .any(|block| !state.primary.dirty.is_dirty(block) && last_queued(state, block).is_some());
    queued && !state.primary.dirty.is_clean()
}

fn only_the_gold_copy(state: &State) -> bool {
    let replica = &state.secondary.replica;
    !state.secondary.consistent && replica.is_split() && !replica.dirty.is_clean()
}

fn frozen_means_still(world: &World, state: &State) -> Judgement<Value> {
    let id = match state.database.freeze {
        FreezeState::Frozen(id) => Some(id),
        FreezeState::Running | FreezeState::Freezing(_) => state.primary.quiesced,
    };
    let Some(id) = id else { return Ok(()) };
    let frozen = state.ghost.frozen.filter(|frozen| frozen.id == id);
    let frozen = frozen.ok_or(Witness::NoFreeze(id))?;
    world.blocks().try_for_each(|block| holds(state, Volume::Pvol, block, &frozen))
}

fn frozen_and_behind(world: &World, state: &State) -> bool {
    let frozen = matches!(state.database.freeze, FreezeState::Frozen(_));
    (frozen || state.primary.quiesced.is_some()) && is_behind(world, state)
}

fn read_while_applying(world: &World, state: &State) -> bool {
    is_reading(state)
        && match world.variant {
            Variant::Conventional => is_behind(world, state),
            Variant::Hardened | Variant::Published | Variant::Synchronous | Variant::Unordered => {
                !state.secondary.replica.dirty.is_clean()
            }
        }
}

/// Who has left PAIR shows as long as the pair is not resynchronised; the step that took it out is remembered.
fn backup_keeps_pair(state: &State) -> Judgement<Value> {
    if !state.ghost.backup_suspended {
        return Ok(());
    }
    let is_primary = state.primary.state != PairState::Pair;
    let field = if is_primary { "primary" } else { "secondary" };
    Err(Witness::Field { field, should: "PAIR" })
}

fn reading_in_pair(state: &State) -> bool {
    is_reading(state) && state.primary.state == PairState::Pair
}

/// The states in which the secondary can be beside the primary's, as SPEC.md lists them, and in words.
const fn beside(primary: PairState) -> (&'static [PairState], &'static str) {
    use PairState::{Copy, Pair, Psue, Psus, Smpl, Ssus, Ssws};
    match primary {
        Pair => (&[Pair, Psue, Ssws], "PAIR, PSUE or SSWS beside a primary in PAIR"),
        Copy => (&[Copy, Pair, Psue, Ssws], "COPY, PAIR, PSUE or SSWS beside a primary in COPY"),
        Psus | Psue => (
            &[Copy, Pair, Psue, Ssus, Ssws, Smpl],
            "COPY, PAIR, PSUE, SSUS, SSWS or SMPL beside a primary that is suspended",
        ),
        Smpl => (&[Smpl, Copy, Pair, Psus, Psue, Ssus, Ssws], "any beside a primary in SMPL"),
        Ssus | Ssws => (&[], "beside a primary in another state than SSUS or SSWS"),
    }
}

fn states_defined(state: &State) -> Judgement<Value> {
    let (listed, should) = beside(state.primary.state);
    if listed.contains(&state.secondary.state) {
        return Ok(());
    }
    Err(Witness::Field { field: "secondary", should })
}

fn mark_not_yet_known(state: &State) -> bool {
    state.primary.state == PairState::Copy && state.secondary.state == PairState::Pair
}

fn invariants(state: &State) -> Judgement<Value> {
    let checked = Primary::check(&state.primary)
        .and_then(|()| Secondary::check(&state.secondary))
        .and_then(|()| state.database.check());
    checked.map_err(|Broken(what)| Witness::Invariant(what))
}

fn is_reading(state: &State) -> bool {
    matches!(state.requester.state, RequesterState::Reading(_))
}
