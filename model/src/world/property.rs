//! What must be true of every reachable state (`always`), and beside each a state that shows it is not true for want of
//! anything happening (`sometimes`, the same name with `/reached`).

use enumset::{EnumSet, EnumSetType, enum_set};
use stateright::{Expectation, Property};
use strum::{EnumMessage, IntoStaticStr, VariantArray};

use crate::protocol::containers::DirtyMap;
use crate::protocol::coordinator::CoordinatorState;
use crate::protocol::database::FreezeState;
use crate::protocol::primary::Primary;
use crate::protocol::requester::RequesterState;
use crate::protocol::secondary::Secondary;
use crate::protocol::{BackupId, BlockIndex, Entry, PairState, ToSecondary};
use crate::system::view::{self, View};
use crate::world::fault::Fault;
use crate::world::instance::{Stillness, Variant, World};
use crate::world::state::{Image, State, Value};

/// A property of the world. Its documentation is what it says, in one line. Each that must hold `always` is followed by its
/// twin, the state that has to be reached `sometimes`.
#[derive(Debug, Hash, EnumSetType, EnumMessage, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum WorldProperty {
    /// the S-VOL that is read was permitted, and equals the P-VOL at that backup's freeze
    BackupIsFrozenImage,
    /// an S-VOL is read while the P-VOL has moved on
    #[strum(to_string = "backup-is-frozen-image/reached")]
    ReadingAfterMoreWrites,
    /// the S-VOL that is read contains no part of a transaction without the rest
    NoTornTransaction,
    /// a freeze is asked for while a transaction is half written
    #[strum(to_string = "no-torn-transaction/reached")]
    FreezingWithOpenTransaction,
    /// when Sync completes, every write it held is in the S/P-VOL
    SyncMeansWritten,
    /// Sync holds a number that the secondary has not written
    #[strum(to_string = "sync-means-written/reached")]
    SyncWaits,
    /// a S/P-VOL that says it is consistent is the image of a prefix of the writes
    ImageIsPrefix,
    /// a consistent S/P-VOL is behind the P-VOL
    #[strum(to_string = "image-is-prefix/reached")]
    ConsistentAndBehind,
    /// every difference between P-VOL and S/P-VOL is covered by journal, link or dirty map
    DifferenceIsCovered,
    /// one block is dirty while another is on its way
    #[strum(to_string = "difference-is-covered/reached")]
    DifferenceInCopy,
    /// at every moment the S/P-VOL or the S-VOL is the image of a prefix of the writes
    OneImageAlways,
    /// the S/P-VOL is being overwritten and the gold copy is kept
    #[strum(to_string = "one-image-always/reached")]
    OnlyTheGoldCopy,
    /// while the database is frozen the P-VOL does not change
    FrozenMeansStill,
    /// the database is frozen while the S/P-VOL is behind
    #[strum(to_string = "frozen-means-still/reached")]
    FrozenAndBehind,
    /// while the S-VOL is read the replica pair is split
    SvolStillWhileRead,
    /// the S-VOL is read while the S/P-VOL goes on
    #[strum(to_string = "svol-still-while-read/reached")]
    ReadWhileApplying,
    /// no step of the backup takes the pair out of PAIR
    BackupKeepsPair,
    /// a backup is read in PAIR
    #[strum(to_string = "backup-keeps-pair/reached")]
    ReadingInPair,
    /// primary and secondary are never in a pair of states that SPEC.md does not list
    StatesDefined,
    /// the secondary is in PAIR before the primary knows it
    #[strum(to_string = "states-defined/reached")]
    MarkNotYetKnown,
    /// every invariant that stands on a field of a role holds
    Invariants,
    /// the journal is full
    #[strum(to_string = "invariants/reached")]
    JournalIsFull,
}

impl WorldProperty {
    /// Every property, each `always` followed by its `sometimes`.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// What the roles say of themselves. With a rule left out it may break by design, at once and to no harm; what matters
    /// then is what the harm is.
    pub const OF_ROLES: EnumSet<Self> = enum_set!(Self::Invariants | Self::JournalIsFull);

    /// What the patent never promises while a resync copies, so that a check of it alone would find nothing else.
    pub const UNPROMISED: EnumSet<Self> = enum_set!(Self::OneImageAlways | Self::OnlyTheGoldCopy);

    /// The name under which SPEC.md, reports and counterexamples speak of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The property with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|property| property.name() == name)
    }

    /// Whether it must hold always, or be reached sometimes.
    #[must_use]
    pub fn kind(self) -> Expectation {
        if self.name().contains('/') { Expectation::Sometimes } else { Expectation::Always }
    }

    /// What it says, in one line.
    #[must_use]
    pub fn says(self) -> &'static str {
        self.get_documentation().unwrap_or_default()
    }

    /// The state that has to be reached so that this `always` is not true for want of anything happening; none for a
    /// `sometimes`.
    #[must_use]
    pub fn twin(self) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|twin| twin.name().strip_suffix("/reached") == Some(self.name()))
    }

    /// What a world needs so that the twin of this `always` is reached: bounds in the words of docs/instances.md.
    #[must_use]
    pub fn needs(self) -> String {
        let suspending: Vec<_> = Fault::SUSPENDING.iter().map(Fault::name).collect();
        let suspended =
            format!("journal_full = \"suspend\", or one of the faults {}", suspending.join(", "));
        match self {
            Self::DifferenceIsCovered
            | Self::DifferenceInCopy
            | Self::StatesDefined
            | Self::MarkNotYetKnown => {
                format!("a pair that is copied: start = \"smpl\", {suspended}")
            }
            Self::OneImageAlways | Self::OnlyTheGoldCopy => {
                format!("a pair that has been in PAIR and is copied again: {suspended}")
            }
            Self::SyncMeansWritten
            | Self::SyncWaits
            | Self::FrozenMeansStill
            | Self::FrozenAndBehind => {
                "a write that is on the way when writes are held still: any variant but synchronous"
                    .into()
            }
            Self::BackupIsFrozenImage
            | Self::ReadingAfterMoreWrites
            | Self::NoTornTransaction
            | Self::FreezingWithOpenTransaction
            | Self::ImageIsPrefix
            | Self::ConsistentAndBehind
            | Self::SvolStillWhileRead
            | Self::ReadWhileApplying
            | Self::BackupKeepsPair
            | Self::ReadingInPair
            | Self::Invariants
            | Self::JournalIsFull => "a backup beside host writes, as in the instance smoke".into(),
        }
    }

    /// The property in stateright's form.
    pub(super) fn property(self) -> Property<World> {
        Property { expectation: self.kind(), name: self.name(), condition: self.condition() }
    }

    /// Whether the condition is true of `state`.
    #[must_use]
    pub fn is_true(self, world: &World, state: &State) -> bool {
        (self.condition())(world, state)
    }

    fn condition(self) -> fn(&World, &State) -> bool {
        match self {
            Self::BackupIsFrozenImage => {
                |world, state| view::backup_is_frozen_image(&WorldView { world, state })
            }
            Self::ReadingAfterMoreWrites => reading_after_more_writes,
            Self::NoTornTransaction => no_torn_transaction,
            Self::FreezingWithOpenTransaction => freezing_with_open_transaction,
            Self::SyncMeansWritten => sync_means_written,
            Self::SyncWaits => sync_waits,
            Self::ImageIsPrefix => {
                |world, state| view::image_is_prefix(&WorldView { world, state })
            }
            Self::ConsistentAndBehind => consistent_and_behind,
            Self::DifferenceIsCovered => difference_is_covered,
            Self::DifferenceInCopy => difference_in_copy,
            Self::OneImageAlways => {
                |world, state| view::one_image_always(&WorldView { world, state })
            }
            Self::OnlyTheGoldCopy => only_the_gold_copy,
            Self::FrozenMeansStill => frozen_means_still,
            Self::FrozenAndBehind => frozen_and_behind,
            Self::SvolStillWhileRead => {
                |world, state| view::svol_still_while_read(&WorldView { world, state })
            }
            Self::ReadWhileApplying => read_while_applying,
            Self::BackupKeepsPair => backup_keeps_pair,
            Self::ReadingInPair => reading_in_pair,
            Self::StatesDefined => states_defined,
            Self::MarkNotYetKnown => mark_not_yet_known,
            Self::Invariants => invariants,
            Self::JournalIsFull => journal_is_full,
        }
    }
}

/// A state as those properties see it that a recorded run shares.
struct WorldView<'a> {
    world: &'a World,
    state: &'a State,
}

impl View for WorldView<'_> {
    fn is_unpaired(&self) -> bool {
        self.state.primary.state == PairState::Smpl
    }

    fn is_consistent(&self) -> bool {
        self.state.secondary.consistent
    }

    fn is_promised(&self) -> bool {
        self.state.ghost.promised
    }

    fn is_spvol_a_prefix(&self) -> bool {
        self.state.spvol == self.state.ghost.oracle
    }

    fn is_svol_a_prefix(&self) -> bool {
        self.state.secondary.replica.is_split() && self.state.ghost.svol_good
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

    fn is_frozen_image(&self, id: BackupId) -> bool {
        let held = read(self.world, self.state);
        self.state.ghost.permitted.is_some_and(|frozen| {
            let mut blocks = self.world.blocks().map(|block| block.0 as usize);
            frozen.id == id && blocks.all(|at| frozen.image[at] == held[at])
        })
    }
}

/// What the requester reads: the S-VOL, or the suspended S/P-VOL where there is no other copy.
fn read<'a>(world: &World, state: &'a State) -> &'a Image {
    if world.variant == Variant::Conventional { &state.spvol } else { &state.svol }
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

fn no_torn_transaction(_: &World, state: &State) -> bool {
    !is_reading(state) || state.ghost.permitted.is_none_or(|frozen| !frozen.torn)
}

/// A hold (QUIESCE-1) waits for no transaction: there it is enough that a backup begins in the middle of one.
fn freezing_with_open_transaction(world: &World, state: &State) -> bool {
    let held = world.bounds.stillness == Stillness::Quiesce && state.primary.quiesced.is_some();
    let freezing = matches!(state.coordinator.state, CoordinatorState::Freezing(_));
    (freezing || held) && state.database.open > 0
}

/// Blocks that were written again after a lease ran out are not what Sync held, and are left aside; so is everything once
/// the remote host writes the S/P-VOL.
fn sync_means_written(world: &World, state: &State) -> bool {
    let CoordinatorState::Splitting(id) = state.coordinator.state else { return true };
    if state.secondary.state == PairState::Ssws {
        return true;
    }
    let Some(frozen) = state.ghost.frozen.filter(|frozen| frozen.id == id) else { return true };
    world.blocks().map(|block| block.0 as usize).all(|at| {
        let held = frozen.image[at];
        state.pvol[at] != held || state.spvol[at] == held
    })
}

fn sync_waits(_: &World, state: &State) -> bool {
    let held = |incarnation| incarnation == state.primary.incarnation;
    state.primary.state == PairState::Pair
        && state.sync.is_some_and(|sync| {
            held(sync.held.incarnation) && sync.held.seq > state.secondary.written
        })
}

fn consistent_and_behind(world: &World, state: &State) -> bool {
    state.secondary.consistent && is_behind(world, state)
}

fn difference_is_covered(world: &World, state: &State) -> bool {
    world.blocks().all(|block| view::is_covered(&WorldView { world, state }, block))
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

fn only_the_gold_copy(_: &World, state: &State) -> bool {
    let replica = &state.secondary.replica;
    !state.secondary.consistent && replica.is_split() && !replica.dirty.is_clean()
}

fn frozen_means_still(_: &World, state: &State) -> bool {
    let FreezeState::Frozen(id) = state.database.freeze else {
        return quiesced_means_still(state);
    };
    state.ghost.frozen.is_some_and(|frozen| frozen.id == id && frozen.image == state.pvol)
}

fn quiesced_means_still(state: &State) -> bool {
    let Some(id) = state.primary.quiesced else { return true };
    state.ghost.frozen.is_some_and(|frozen| frozen.id == id && frozen.image == state.pvol)
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

fn backup_keeps_pair(_: &World, state: &State) -> bool {
    !state.ghost.backup_suspended
}

fn reading_in_pair(_: &World, state: &State) -> bool {
    is_reading(state) && state.primary.state == PairState::Pair
}

/// The pairs of states that can stand beside each other, as SPEC.md lists them.
fn states_defined(_: &World, state: &State) -> bool {
    use PairState::{Copy, Pair, Psue, Psus, Smpl, Ssus, Ssws};
    matches!(
        (state.primary.state, state.secondary.state),
        (Pair, Pair | Psue | Ssws)
            | (Copy, Copy | Pair | Psue | Ssws)
            | (Psus | Psue, Copy | Pair | Psue | Ssus | Ssws)
            | (Smpl, _)
            | (Psus | Psue, Smpl)
    )
}

fn mark_not_yet_known(_: &World, state: &State) -> bool {
    state.primary.state == PairState::Copy && state.secondary.state == PairState::Pair
}

fn invariants(_: &World, state: &State) -> bool {
    Primary::check(&state.primary).is_ok()
        && Secondary::check(&state.secondary).is_ok()
        && state.database.check().is_ok()
}

fn journal_is_full(_: &World, state: &State) -> bool {
    crate::protocol::containers::Journal::is_full(&state.primary.journal)
}

fn is_reading(state: &State) -> bool {
    matches!(state.requester.state, RequesterState::Reading(_))
}
