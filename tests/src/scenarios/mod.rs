//! Races: small scenes in which several threads call the nodes at once, run by loom, by shuttle and by the operating
//! system. Each returns what it left behind, and [`SceneOutcome::verify`] replays its trace through the model.
//!
//! Threads and locks are the doorway's; a scene asserts only what has to hold however its threads were interleaved.

mod backup;
mod kit;
mod outcome;
mod suspension;
mod takeover;
mod verified;
mod watched;
mod writes;

pub use outcome::{Reading, SceneOutcome};
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
    pub run: fn(Size) -> Result<SceneOutcome, Failure>,
    /// For loom, which plays every interleaving.
    pub small: Size,
    /// For how many preemptions loom plays every interleaving; all of them if nothing is said.
    pub preemptions: Option<usize>,
}

/// How large each scene is for shuttle and real threads, which play some interleavings.
pub const LARGE: Size = Size { writes: 4, blocks: 3, journal: 3 };

/// Every scene.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "two_host_writers_and_the_sender",
        run: writes::two_host_writers_and_the_sender,
        small: Size { writes: 1, blocks: 2, journal: 1 },
        preemptions: Some(2),
    },
    Scenario {
        name: "writer_and_failure_suspension",
        run: writes::writer_and_failure_suspension,
        small: Size { writes: 2, blocks: 2, journal: 1 },
        preemptions: None,
    },
    Scenario {
        name: "acknowledgement_and_resync",
        run: suspension::acknowledgement_and_resync,
        small: Size { writes: 1, blocks: 2, journal: 2 },
        preemptions: None,
    },
    Scenario {
        name: "sync_polling_while_suspended_and_resynced",
        run: suspension::sync_polling_while_suspended_and_resynced,
        small: Size { writes: 1, blocks: 2, journal: 2 },
        preemptions: Some(3),
    },
    Scenario {
        name: "applier_replica_copier_and_split",
        run: backup::applier_replica_copier_and_split,
        small: Size { writes: 2, blocks: 2, journal: 2 },
        preemptions: None,
    },
    Scenario {
        name: "lease_expiry_thaw_and_permission",
        run: backup::lease_expiry_thaw_and_permission,
        small: Size { writes: 1, blocks: 2, journal: 1 },
        preemptions: Some(3),
    },
    Scenario {
        name: "suspension_handshake_and_writer",
        run: suspension::suspension_handshake_and_writer,
        small: Size { writes: 1, blocks: 2, journal: 2 },
        preemptions: Some(3),
    },
    Scenario {
        name: "suspended_reply_acknowledgement_and_resync",
        run: suspension::suspended_reply_acknowledgement_and_resync,
        small: Size { writes: 1, blocks: 2, journal: 2 },
        preemptions: Some(2),
    },
    Scenario {
        name: "takeover_frame_arrival_and_apply",
        run: takeover::takeover_frame_arrival_and_apply,
        small: Size { writes: 2, blocks: 2, journal: 2 },
        preemptions: Some(3),
    },
    Scenario {
        name: "takeover_in_copy_and_gold_copy",
        run: takeover::takeover_in_copy_and_gold_copy,
        small: Size { writes: 2, blocks: 2, journal: 3 },
        preemptions: Some(2),
    },
    Scenario {
        name: "hold_lease_writer_and_permission",
        run: backup::hold_lease_writer_and_permission,
        small: Size { writes: 1, blocks: 2, journal: 1 },
        preemptions: Some(3),
    },
];
