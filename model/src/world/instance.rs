//! How large a world is, which faults it has, and the named instances. Bounds never enter the protocol: the world
//! wraps its actions with them.

use crate::protocol::primary::JournalFull;
use crate::protocol::{Rule, Rules};
use crate::world::state::{BLOCKS_MAX, FLIGHT_MAX, JOURNAL_MAX};

/// Which reading of the protocol is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
    pub const ALL: &'static [Self] =
        &[Self::Hardened, Self::Published, Self::Conventional, Self::Synchronous, Self::Unordered];

    /// The variant's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hardened => "hardened",
            Self::Published => "published",
            Self::Conventional => "conventional",
            Self::Synchronous => "synchronous",
            Self::Unordered => "unordered",
        }
    }

    /// The variant in one line.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::Hardened => "every rule of SPEC.md",
            Self::Published => {
                "figures 2 and 3 to the letter: no SYNC-5, FREEZE-2, FREEZE-3, SPLIT-2, BACKUP-2, RESYNC-4"
            }
            Self::Conventional => "suspend the pair, back up the S/P-VOL, resynchronise; no S-VOL",
            Self::Synchronous => "every rule, and the host is answered when its write is remote",
            Self::Unordered => {
                "every rule but XFER-3: what arrives is applied at once, in any order"
            }
        }
    }

    /// The rules in force under the variant.
    #[must_use]
    pub const fn rules(self) -> Rules {
        match self {
            Self::Hardened | Self::Synchronous => Rules::HARDENED,
            Self::Published => Rules::PUBLISHED,
            Self::Conventional => Rules::HARDENED.without(Rule::Resync4),
            Self::Unordered => Rules::HARDENED.without(Rule::Xfer3),
        }
    }
}

macro_rules! faults {
    ($($variant:ident = $name:literal, $class:ident, $says:literal;)*) => {
        /// Something that can go wrong, or that somebody may do, at any moment and any number of times.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Fault {
            $(#[doc = $says] $variant,)*
        }

        impl Fault {
            /// Every fault of this world, in the order of SPEC.md.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The fault's name in instances and reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The fault in one line.
            #[must_use]
            pub const fn says(self) -> &'static str {
                match self { $(Self::$variant => $says,)* }
            }

            /// The class under which `syncsplit matrix` switches it on.
            #[must_use]
            pub const fn class(self) -> FaultClass {
                match self { $(Self::$variant => FaultClass::$class,)* }
            }
        }
    };
}

faults! {
    LinkDown = "link-down", Link, "the array link goes down and comes up";
    FalseSuspicion = "false-suspicion", Link, "the primary or the secondary takes a working link for failed";
    ArrayLoss = "array-loss", Loss, "the array link loses messages";
    ArrayRepeat = "array-repeat", Loss, "the array link delivers a message and delivers it again later";
    HostLoss = "host-loss", Loss, "the host link loses messages";
    HostRepeat = "host-repeat", Loss, "the host link delivers a message and delivers it again later";
    Timeouts = "timeouts", Timeouts, "coordinator, requester and Sync stop waiting";
    LeaseExpiry = "lease-expiry", Lease, "the lease of a freeze ends";
    OperatorSuspend = "operator-suspend", Operator, "the operator suspends the pair";
    OperatorDelete = "operator-delete", Operator, "the operator deletes the pair and creates it anew";
    CrashPrimary = "crash-primary", Crash, "the primary crashes and restarts";
    CrashSecondary = "crash-secondary", Crash, "the secondary crashes and restarts";
    CrashLocalHost = "crash-local-host", Crash, "database and coordinator crash and restart";
    CrashCoordinator = "crash-coordinator", Crash, "the coordinator crashes and restarts, the database lives on";
    CrashRemoteHost = "crash-remote-host", Crash, "the requester crashes and restarts";
    Takeover = "takeover", Takeover, "the remote host takes the volume over, writes it, and gives it back";
}

/// Faults of one kind, as a column of `syncsplit matrix`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultClass {
    /// The array link fails, or is taken for failed.
    Link,
    /// Messages are lost and repeated.
    Loss,
    /// Waiting ends by itself.
    Timeouts,
    /// A freeze ends by itself.
    Lease,
    /// The operator acts on the pair.
    Operator,
    /// Roles crash and restart.
    Crash,
    /// The remote host takes over.
    Takeover,
}

impl FaultClass {
    /// Every class.
    pub const ALL: &'static [Self] = &[
        Self::Link,
        Self::Loss,
        Self::Timeouts,
        Self::Lease,
        Self::Operator,
        Self::Crash,
        Self::Takeover,
    ];

    /// The class's name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Link => "link failure",
            Self::Loss => "loss and repetition",
            Self::Timeouts => "timeouts",
            Self::Lease => "lease expiry",
            Self::Operator => "operator",
            Self::Crash => "crashes",
            Self::Takeover => "takeover",
        }
    }

    /// The faults of the class.
    #[must_use]
    pub fn faults(self) -> Faults {
        let mut faults = Faults::NONE;
        for fault in Fault::ALL.iter().filter(|fault| fault.class() == self) {
            faults = faults.with(*fault);
        }
        faults
    }
}

const _: () = assert!(Fault::ALL.len() <= u32::BITS as usize, "a set of faults is one u32");

/// A set of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Faults(u32);

impl Faults {
    /// No fault.
    pub const NONE: Self = Self(0);
    /// Every fault of this world.
    pub const ALL: Self = Self(u32::MAX >> (32 - Fault::ALL.len()));

    /// The set of the faults in `list`.
    #[must_use]
    pub const fn of(list: &[Fault]) -> Self {
        let mut set = Self::NONE;
        let mut at = 0;
        while at < list.len() {
            set = set.with(list[at]);
            at += 1;
        }
        set
    }

    /// Whether `fault` can happen.
    #[must_use]
    pub const fn has(self, fault: Fault) -> bool {
        self.0 & (1 << fault as u8) != 0
    }

    /// The same set and `fault`.
    #[must_use]
    pub const fn with(self, fault: Fault) -> Self {
        Self(self.0 | (1 << fault as u8))
    }

    /// The same set less `fault`.
    #[must_use]
    pub const fn without(self, fault: Fault) -> Self {
        Self(self.0 & !(1 << fault as u8))
    }

    /// The faults of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The faults in it, in the order of [`Fault::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Fault> {
        Fault::ALL.iter().copied().filter(move |fault| self.has(*fault))
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
    /// The faults that can happen.
    pub faults: Faults,
}

const _: () = assert!(BLOCKS_MAX >= 2 && JOURNAL_MAX >= 2 && FLIGHT_MAX >= 1);

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
        bounds: Bounds { journal: 1, acks: 0, faults: Faults::ALL, ..COMMON },
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
            faults: Faults::of(&[Fault::OperatorSuspend, Fault::OperatorDelete, Fault::ArrayLoss]),
            ..COMMON
        },
        promises: false,
    },
    Instance {
        name: "takeover",
        says: "the remote host takes over, writes and gives back, over a link that fails",
        bounds: Bounds {
            journal: 1,
            faults: Faults::of(&[Fault::Takeover, Fault::LinkDown]),
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
            faults: COMMON.faults.with(Fault::CrashPrimary).with(Fault::CrashCoordinator),
            ..COMMON
        },
        promises: true,
    },
    Instance {
        name: "late",
        says: "two frames in flight, so that one of an older pairing arrives among those of the newer",
        bounds: Bounds { journal: 1, frames: 2, faults: Faults::of(&[Fault::LinkDown]), ..COMMON },
        promises: false,
    },
    Instance {
        name: "waits",
        says: "who waits for what is lost, or for somebody who has died: the promises",
        bounds: Bounds {
            journal: 1,
            faults: COMMON.faults.with(Fault::CrashCoordinator),
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
            faults: COMMON
                .faults
                .with(Fault::FalseSuspicion)
                .with(Fault::CrashCoordinator)
                .with(Fault::CrashSecondary),
            ..COMMON
        },
        promises: true,
    },
    Instance {
        name: "nightly",
        says: "every fault, a journal of three entries, acknowledgements that travel; tens of minutes",
        bounds: Bounds { journal: 3, faults: Faults::ALL, ..COMMON },
        promises: false,
    },
    Instance {
        name: "all-promises",
        says: "every promise under every fault: `ci` once more, some minutes",
        bounds: Bounds { journal: 1, acks: 0, faults: Faults::ALL, ..COMMON },
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
    faults: Faults::of(&[
        Fault::LinkDown,
        Fault::ArrayLoss,
        Fault::HostLoss,
        Fault::Timeouts,
        Fault::LeaseExpiry,
    ]),
};

impl Instance {
    /// The instance called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        INSTANCES.iter().find(|instance| instance.name == name)
    }
}
