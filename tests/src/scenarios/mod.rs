//! Races: small scenes in which several threads call the nodes at once, run by loom, by shuttle and by the operating
//! system. Each returns what it left behind, and [`Outcome::verify`] replays its trace through the model.
//!
//! Threads and locks are the doorway's; a scene asserts only what has to hold however its threads were interleaved.

mod acknowledgement_and_resync;
mod applier_replica_copier_and_split;
mod hold_lease_writer_and_permission;
mod kit;
mod lease_expiry_thaw_and_permission;
mod outcome;
mod suspended_reply_acknowledgement_and_resync;
mod suspension_handshake_and_writer;
mod sync_polling_while_suspended_and_resynced;
mod takeover_frame_arrival_and_apply;
mod takeover_in_copy_and_gold_copy;
mod two_host_writers_and_the_sender;
mod verified;
mod watched;
mod writer_and_failure_suspension;

pub use outcome::{Outcome, Reading};
pub use verified::Verified;

/// Why a scene could not be played to its end, or ended wrongly.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How large a scene is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// How many writes each writer makes.
    pub writes: u32,
    /// How many blocks the group has; at least 2.
    pub blocks: u32,
    /// How many entries the journal and the reorder queue hold.
    pub journal: usize,
}

/// A scene, and how large it is played where.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// The race's name.
    pub name: &'static str,
    /// Plays it once.
    pub run: fn(Size) -> Result<Outcome, Failure>,
    /// For loom, which plays every interleaving.
    pub small: Size,
    /// For how many preemptions loom plays every interleaving; all of them if nothing is said.
    pub preemptions: Option<usize>,
    /// For shuttle and real threads, which play some.
    pub large: Size,
}

const LARGE: Size = Size { writes: 4, blocks: 3, journal: 3 };

/// Every scene.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "two_host_writers_and_the_sender",
        run: two_host_writers_and_the_sender::run,
        small: Size { writes: 1, blocks: 2, journal: 1 },
        preemptions: Some(2),
        large: LARGE,
    },
    Scenario {
        name: "writer_and_failure_suspension",
        run: writer_and_failure_suspension::run,
        small: Size { writes: 2, blocks: 2, journal: 1 },
        preemptions: None,
        large: LARGE,
    },
    Scenario {
        name: "acknowledgement_and_resync",
        run: acknowledgement_and_resync::run,
        small: Size { writes: 1, blocks: 2, journal: 2 },
        preemptions: None,
        large: LARGE,
    },
    Scenario {
        name: "sync_polling_while_suspended_and_resynced",
        run: sync_polling_while_suspended_and_resynced::run,
        small: Size { writes: 1, blocks: 2, journal: 2 },
        preemptions: Some(3),
        large: LARGE,
    },
    Scenario {
        name: "applier_replica_copier_and_split",
        run: applier_replica_copier_and_split::run,
        small: Size { writes: 2, blocks: 2, journal: 2 },
        preemptions: None,
        large: LARGE,
    },
    Scenario {
        name: "lease_expiry_thaw_and_permission",
        run: lease_expiry_thaw_and_permission::run,
        small: Size { writes: 1, blocks: 2, journal: 1 },
        preemptions: Some(3),
        large: LARGE,
    },
    Scenario {
        name: "suspension_handshake_and_writer",
        run: suspension_handshake_and_writer::run,
        small: Size { writes: 1, blocks: 2, journal: 2 },
        preemptions: Some(3),
        large: LARGE,
    },
    Scenario {
        name: "suspended_reply_acknowledgement_and_resync",
        run: suspended_reply_acknowledgement_and_resync::run,
        small: Size { writes: 1, blocks: 2, journal: 2 },
        preemptions: Some(2),
        large: LARGE,
    },
    Scenario {
        name: "takeover_frame_arrival_and_apply",
        run: takeover_frame_arrival_and_apply::run,
        small: Size { writes: 2, blocks: 2, journal: 2 },
        preemptions: Some(3),
        large: LARGE,
    },
    Scenario {
        name: "takeover_in_copy_and_gold_copy",
        run: takeover_in_copy_and_gold_copy::run,
        small: Size { writes: 2, blocks: 2, journal: 3 },
        preemptions: Some(2),
        large: LARGE,
    },
    Scenario {
        name: "hold_lease_writer_and_permission",
        run: hold_lease_writer_and_permission::run,
        small: Size { writes: 1, blocks: 2, journal: 1 },
        preemptions: Some(3),
        large: LARGE,
    },
];
