//! How large a world is, which faults it has, and the named instances. Bounds never enter the protocol: the world
//! wraps its actions with them.

use crate::protocol::Rules;
use crate::protocol::primary::JournalFull;
use crate::world::state::{BLOCKS_MAX, FLIGHT_MAX, JOURNAL_MAX};

/// Which reading of the protocol is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Variant {
    /// Every rule of SPEC.md.
    #[default]
    Hardened,
    /// The patent's figures to the letter.
    Published,
}

impl Variant {
    /// Every variant.
    pub const ALL: &'static [Self] = &[Self::Hardened, Self::Published];

    /// The variant's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hardened => "hardened",
            Self::Published => "published",
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
        }
    }

    /// The rules in force under the variant.
    #[must_use]
    pub const fn rules(self) -> Rules {
        match self {
            Self::Hardened => Rules::HARDENED,
            Self::Published => Rules::PUBLISHED,
        }
    }
}

/// Which faults can happen; each at any moment and any number of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Faults {
    /// The array link goes down and comes up.
    pub link_down: bool,
    /// The array link loses frames and acknowledgements.
    pub array_loss: bool,
    /// The array link delivers a frame or acknowledgement and delivers it again later.
    pub array_repeat: bool,
    /// The primary or the secondary takes the link to have failed while it has not.
    pub false_suspicion: bool,
    /// The host link loses messages.
    pub host_loss: bool,
    /// The host link delivers a message and delivers it again later.
    pub host_repeat: bool,
    /// Coordinator, requester and Sync give up waiting.
    pub timeouts: bool,
    /// The freeze's lease ends.
    pub lease_expiry: bool,
    /// The operator suspends the pair.
    pub operator_suspend: bool,
}

/// A fault's name, meaning, and how to read it from [`Faults`].
pub type FaultRow = (&'static str, &'static str, fn(&Faults) -> bool);

impl Faults {
    /// Every fault of this world.
    pub const ALL: Self = Self {
        link_down: true,
        array_loss: true,
        array_repeat: true,
        false_suspicion: true,
        host_loss: true,
        host_repeat: true,
        timeouts: true,
        lease_expiry: true,
        operator_suspend: true,
    };

    /// Each fault by name.
    pub const ROWS: &'static [FaultRow] = &[
        ("link-down", "the array link goes down and comes up", |f| f.link_down),
        ("array-loss", "the array link loses frames and acknowledgements", |f| f.array_loss),
        ("array-repeat", "the array link repeats frames and acknowledgements", |f| f.array_repeat),
        ("false-suspicion", "primary or secondary suspects a link that works", |f| {
            f.false_suspicion
        }),
        ("host-loss", "the host link loses messages", |f| f.host_loss),
        ("host-repeat", "the host link repeats messages", |f| f.host_repeat),
        ("timeouts", "coordinator, requester and Sync give up waiting", |f| f.timeouts),
        ("lease-expiry", "the freeze's lease ends", |f| f.lease_expiry),
        ("operator-suspend", "the operator suspends the pair", |f| f.operator_suspend),
    ];
}

/// How large a world is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Blocks of the group, 2 to [`BLOCKS_MAX`]; a transaction of two writes takes the first two.
    pub blocks: u32,
    /// Entries the journal holds, 1 to [`JOURNAL_MAX`]; as many as the reorder queue.
    pub journal: usize,
    /// Frames in flight at once, 1 to [`FLIGHT_MAX`].
    pub frames: usize,
    /// Acknowledgements in flight at once, at most [`FLIGHT_MAX`]; at 0 a report reaches the primary in its own step.
    pub acks: usize,
    /// Messages between the hosts in flight at once, 1 to [`FLIGHT_MAX`].
    pub host_messages: usize,
    /// What a full journal does (WRITE-4).
    pub journal_full: JournalFull,
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
}

/// Every named instance.
pub const INSTANCES: &[Instance] = &[
    Instance {
        name: "smoke",
        says: "about a second",
        bounds: Bounds {
            journal: 1,
            faults: Faults { host_repeat: false, host_loss: false, ..COMMON_FAULTS },
            ..COMMON
        },
    },
    Instance {
        name: "ci",
        says: "the default, at most a minute on 2 cores; a report of the secondary arrives in its own step",
        bounds: Bounds { acks: 0, ..COMMON },
    },
    Instance {
        name: "faults",
        says: "every fault of this world, with a journal of one entry",
        bounds: Bounds { journal: 1, faults: Faults::ALL, ..COMMON },
    },
];

const COMMON: Bounds = Bounds {
    blocks: 2,
    journal: 2,
    frames: 1,
    acks: 1,
    host_messages: 1,
    journal_full: JournalFull::Hold,
    faults: COMMON_FAULTS,
};

const COMMON_FAULTS: Faults = Faults {
    array_repeat: false,
    host_repeat: false,
    false_suspicion: false,
    operator_suspend: false,
    ..Faults::ALL
};

impl Instance {
    /// The instance called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        INSTANCES.iter().find(|instance| instance.name == name)
    }
}
