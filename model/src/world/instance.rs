//! How large a world is, which reading of the protocol it has, and the named instances. Bounds never enter the protocol:
//! the world wraps its actions with them.

use enumset::enum_set;
use strum::{IntoStaticStr, VariantArray};

use crate::protocol::primary::JournalFull;
use crate::protocol::{BackupId, BlockIndex, Incarnation, Rule, Rules, Seq};
use crate::world::fault::{Fault, Faults};
use crate::world::state::{BLOCKS_MAX, FLIGHT_MAX, JOURNAL_MAX};

/// Which reading of the protocol is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Variant {
    /// Every rule of SPEC.md.
    #[default]
    Hardened,
    /// The patent's figures to the letter.
    Published,
    /// The way before the patent: suspend the pair, back up the S/P-VOL, resynchronise (\[0008\] \[0009\]).
    Conventional,
    /// Synchronous copy: the host is answered when its write is remote (\[0003\]).
    Synchronous,
    /// Asynchronous copy that does not keep the order of writes (\[0008\]).
    Unordered,
}

impl Variant {
    /// Every variant.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The variant's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The variant in one line.
    #[must_use]
    pub fn says(self) -> String {
        let left_out: Vec<_> = self.rules().left_out().map(Rule::id).collect();
        let left_out = left_out.join(", ");
        match self {
            Self::Hardened => "every rule of SPEC.md".into(),
            Self::Published => format!("figures 2 and 3 to the letter: no {left_out}"),
            Self::Conventional => {
                "suspend the pair, back up the S/P-VOL, resynchronise; no S-VOL".into()
            }
            Self::Synchronous => {
                "every rule, and the host is answered when its write is remote".into()
            }
            Self::Unordered => {
                format!("every rule but {left_out}: what arrives is applied at once, in any order")
            }
        }
    }

    /// The rules in force under the variant.
    #[must_use]
    pub fn rules(self) -> Rules {
        match self {
            Self::Hardened | Self::Synchronous => Rules::HARDENED,
            Self::Published => Rules::PUBLISHED,
            Self::Conventional => Rules::HARDENED.without(Rule::Resync4),
            Self::Unordered => Rules::HARDENED.without(Rule::Xfer3),
        }
    }
}

/// What becomes of the secondary's cache in a crash (\[0006\] \[0007\]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Cache {
    /// It keeps everything: what is in the cache is written.
    #[default]
    NonVolatile,
    /// It loses what has not been destaged to disk. Shows what SPEC.md's assumption on volumes is for.
    Volatile,
}

/// What a backup holds still (claims 1 and 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Stillness {
    /// The database is frozen, with no transaction open (FREEZE-1).
    #[default]
    Freeze,
    /// Host writes are held at the primary, whatever transaction they belong to (QUIESCE-1).
    Quiesce,
}

/// Which blocks a transaction of two writes takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transactions {
    /// The first block, then the last: the fewest states that show a transaction half written.
    #[default]
    FirstLast,
    /// Any two, in either order: no block has a part of its own, so that blocks can be exchanged.
    Any,
}

impl Transactions {
    /// Each with its word in files and on the command line.
    pub const WORDS: &'static [(&'static str, Self)] =
        &[("first-last", Self::FirstLast), ("any", Self::Any)];
}

/// Where a run begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Start {
    /// In PAIR with equal volumes.
    #[default]
    Pair,
    /// Without a pair, volumes that differ in every block; the operator creates the pair (PAIR-1).
    Smpl,
}

/// Whether numbers go on without end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NumberRange {
    /// They do, and only their distances count.
    #[default]
    Endless,
    /// They are true numbers, and all but the last have been given: three are left of sequence numbers, two of incarnations and
    /// of backup ids (NUMBER-1, NUMBER-2, BACKUP-4).
    Ending,
}

impl NumberRange {
    /// Each with its word in files.
    pub const WORDS: &'static [(&'static str, Self)] =
        &[("endless", Self::Endless), ("ending", Self::Ending)];

    /// The newest number given, the pairing in force or the last one, and the newest id used, as a run begins in `start`.
    pub(super) const fn first(self, start: Start) -> (Seq, Incarnation, BackupId) {
        match (self, start) {
            (Self::Endless, Start::Smpl) => (Seq(0), Incarnation(0), BackupId(0)),
            (Self::Endless, Start::Pair) => (Seq(0), Incarnation(1), BackupId(0)),
            (Self::Ending, Start::Smpl | Start::Pair) => (
                Seq(Seq::LAST.0 - 3),
                Incarnation(Incarnation::LAST.0 - 2),
                BackupId(BackupId::LAST.0 - 2),
            ),
        }
    }
}

/// How large a world is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Blocks of the group, 2 to [`BLOCKS_MAX`], dealt out to the volumes in order.
    pub blocks: u32,
    /// Volumes of the group, 1 to `blocks`. They are names for blocks: everything in the protocol is the group's.
    pub volumes: u32,
    /// Entries the journal holds, 1 to [`JOURNAL_MAX`]; as many as the reorder queue.
    pub journal: usize,
    /// Messages in flight from primary to secondary at once, 1 to [`FLIGHT_MAX`].
    pub frames: usize,
    /// Messages in flight from secondary to primary at once, at most [`FLIGHT_MAX`]; at 0 each arrives in the step
    /// that sends it.
    pub acks: usize,
    /// Messages between the hosts in flight at once, 1 to [`FLIGHT_MAX`].
    pub host_messages: usize,
    /// What a full journal does (WRITE-4).
    pub journal_full: JournalFull,
    /// What becomes of the secondary's cache in a crash.
    pub cache: Cache,
    /// What a backup holds still.
    pub stillness: Stillness,
    /// Where a run begins.
    pub start: Start,
    /// Which blocks a transaction of two writes takes.
    pub transactions: Transactions,
    /// Whether numbers go on without end.
    pub numbers: NumberRange,
    /// The faults that can happen.
    pub faults: Faults,
}

const _: () = assert!(BLOCKS_MAX >= 2 && JOURNAL_MAX >= 2 && FLIGHT_MAX >= 1);

/// One instance of the closed system under a set of rules.
#[derive(Clone, Debug)]
pub struct World {
    /// How large the world is, and which faults it has.
    pub bounds: Bounds,
    /// The rules in force.
    pub rules: Rules,
    /// The reading of the protocol that `rules` comes from.
    pub variant: Variant,
    /// What a write is named by.
    pub naming: Naming,
}

/// Which of the values that a block holds nowhere a write brings. They have one normal form: no search depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Naming {
    /// The lowest, which may have stood in the block before.
    #[default]
    Lowest,
    /// One above the highest, as long as there is one: for a reader, to whom contents that come back say something else.
    Rising,
}

impl World {
    /// The world of `bounds` under `variant` less the rules in `without`.
    #[must_use]
    pub fn new(bounds: Bounds, variant: Variant, without: &[Rule]) -> Self {
        let rules = without.iter().fold(variant.rules(), |rules, rule| rules.without(*rule));
        Self { bounds, rules, variant, naming: Naming::default() }
    }

    /// The same world with writes named for a reader.
    #[must_use]
    pub fn rising(self) -> Self {
        Self { naming: Naming::Rising, ..self }
    }

    /// The blocks of this world.
    pub(super) fn blocks(&self) -> impl Iterator<Item = BlockIndex> + use<> {
        (0..self.bounds.blocks).map(BlockIndex)
    }
}

/// A named world.
#[derive(Clone, Copy, Debug)]
pub struct Instance {
    /// The name `syncsplit check` takes.
    pub name: &'static str,
    /// What it is for.
    pub says: &'static str,
    /// How large it is.
    pub bounds: Bounds,
    /// Whether the promises are checked beside the properties.
    pub promises: bool,
}

/// Every named instance.
pub const INSTANCES: &[Instance] = &[
    Instance {
        name: "smoke",
        says: "about a second: a link that fails, losses, timers",
        bounds: Bounds { journal: 1, ..COMMON },
        promises: false,
    },
    Instance {
        name: "ci",
        says: "the default: every fault; a message of the secondary arrives in the step that sends it",
        bounds: Bounds { journal: 1, acks: 0, faults: Faults::all(), ..COMMON },
        promises: false,
    },
    Instance {
        name: "order",
        says: "what `ci` has no room for: a journal of two entries, so that one can overtake the other",
        bounds: Bounds { acks: 0, ..COMMON },
        promises: false,
    },
    Instance {
        name: "create",
        says: "begins without a pair; the operator creates, suspends and deletes it",
        bounds: Bounds {
            journal: 1,
            start: Start::Smpl,
            faults: enum_set!(Fault::OperatorSuspend | Fault::OperatorDelete | Fault::ArrayLoss),
            ..COMMON
        },
        promises: false,
    },
    Instance {
        name: "takeover",
        says: "the remote host takes over, writes and gives back, over a link that fails",
        bounds: Bounds {
            journal: 1,
            faults: enum_set!(Fault::Takeover | Fault::LinkDown),
            ..COMMON
        },
        promises: false,
    },
    Instance {
        name: "quiesce",
        says: "host writes are held at the primary in place of a freeze (claim 4), on two volumes",
        bounds: Bounds {
            volumes: 2,
            journal: 1,
            stillness: Stillness::Quiesce,
            faults: enum_set!(COMMON_FAULTS | Fault::CrashPrimary | Fault::CrashCoordinator),
            ..COMMON
        },
        promises: true,
    },
    Instance {
        name: "late",
        says: "two frames in flight, so that one of an older pairing arrives among those of the newer",
        bounds: Bounds { journal: 1, frames: 2, faults: enum_set!(Fault::LinkDown), ..COMMON },
        promises: false,
    },
    Instance {
        name: "waits",
        says: "who waits for what is lost, or for somebody who has died: the promises",
        bounds: Bounds {
            journal: 1,
            faults: enum_set!(COMMON_FAULTS | Fault::CrashCoordinator),
            ..COMMON
        },
        promises: true,
    },
    Instance {
        name: "suspend",
        says: "a full journal suspends the pair in place of holding the host",
        bounds: Bounds { journal_full: JournalFull::Suspend, acks: 0, ..COMMON },
        promises: false,
    },
    Instance {
        name: "promises",
        says: "what has to happen: crashes of either host, a suspicious secondary, and every promise",
        bounds: Bounds {
            journal: 1,
            faults: enum_set!(
                COMMON_FAULTS
                    | Fault::FalseSuspicion
                    | Fault::CrashCoordinator
                    | Fault::CrashSecondary
            ),
            ..COMMON
        },
        promises: true,
    },
    Instance {
        name: "ending",
        says: "the last numbers there are: three writes, two more pairings and two backups are left",
        bounds: Bounds {
            journal: 1,
            numbers: NumberRange::Ending,
            faults: enum_set!(Fault::LinkDown | Fault::FalseSuspicion | Fault::Timeouts),
            ..COMMON
        },
        promises: false,
    },
    Instance {
        name: "nightly",
        says: "every fault, a journal of three entries, acknowledgements that travel; tens of minutes",
        bounds: Bounds { journal: 3, faults: Faults::all(), ..COMMON },
        promises: false,
    },
    Instance {
        name: "all-promises",
        says: "every promise under every fault: `ci` once more, some minutes",
        bounds: Bounds { journal: 1, acks: 0, faults: Faults::all(), ..COMMON },
        promises: true,
    },
];

const COMMON: Bounds = Bounds {
    blocks: 2,
    volumes: 1,
    journal: 2,
    frames: 1,
    acks: 1,
    host_messages: 1,
    journal_full: JournalFull::Hold,
    cache: Cache::NonVolatile,
    stillness: Stillness::Freeze,
    start: Start::Pair,
    transactions: Transactions::FirstLast,
    numbers: NumberRange::Endless,
    faults: COMMON_FAULTS,
};

const COMMON_FAULTS: Faults = enum_set!(
    Fault::LinkDown | Fault::ArrayLoss | Fault::HostLoss | Fault::Timeouts | Fault::LeaseExpiry
);

impl Instance {
    /// The instance called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        INSTANCES.iter().find(|instance| instance.name == name)
    }
}
