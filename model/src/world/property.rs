//! What must be true of every reachable state (`always`), and beside each a state that shows it is not true for want of
//! anything happening (`sometimes`, the same name with `/reached`).

use enumset::{EnumSet, EnumSetType, enum_set};
use stateright::{Expectation, Property};
use strum::{EnumMessage, IntoStaticStr, VariantArray};

use crate::system::Judgement;
use crate::world::condition;
use crate::world::fault::Fault;
use crate::world::instance::World;
use crate::world::state::{State, Value};

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
        self.judge(world, state).is_ok()
    }

    /// Whether the condition is true of `state`.
    ///
    /// # Errors
    /// The witness: which part holds what it should not.
    pub fn judge(self, world: &World, state: &State) -> Judgement<Value> {
        condition::judge(self, world, state)
    }
}

macro_rules! conditions {
    ($($property:ident)*) => {
        impl WorldProperty {
            /// One plain function for each, since stateright's form carries nothing.
            fn condition(self) -> fn(&World, &State) -> bool {
                match self {
                    $(Self::$property => |world, state| Self::$property.is_true(world, state),)*
                }
            }
        }
    };
}

conditions! {
    BackupIsFrozenImage ReadingAfterMoreWrites NoTornTransaction FreezingWithOpenTransaction
    SyncMeansWritten SyncWaits ImageIsPrefix ConsistentAndBehind DifferenceIsCovered
    DifferenceInCopy OneImageAlways OnlyTheGoldCopy FrozenMeansStill FrozenAndBehind
    SvolStillWhileRead ReadWhileApplying BackupKeepsPair ReadingInPair StatesDefined
    MarkNotYetKnown Invariants JournalIsFull
}
