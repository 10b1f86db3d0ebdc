//! What there is in the world: the roles, the volumes' contents, what is in flight, and what the properties have to
//! remember. Plain data, `Copy`, compared and hashed as a whole.

use crate::protocol::coordinator::Coordinator;
use crate::protocol::database::Database;
use crate::protocol::primary::Primary;
use crate::protocol::requester::Requester;
use crate::protocol::secondary::Secondary;
use crate::protocol::sync::Sync;
use crate::protocol::{BackupId, BlockIndex, HostMessage, Seq, ToPrimary, ToSecondary};
use crate::world::bounded::{BlockSet, BoundedQueue};

/// The most blocks a world can have.
pub const BLOCKS_MAX: usize = 3;
/// The longest journal a world can have.
pub const JOURNAL_MAX: usize = 3;
/// The most messages of one kind in flight that a world can have.
pub const FLIGHT_MAX: usize = 2;

/// How many values of a block the normal form tells apart.
pub const VALUES_MAX: u32 = 32;

/// What a write leaves in a block. Values are only ever compared for equality; every write brings a new one.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Value(pub u8);

impl Value {
    /// Stands in a ghost for contents that no property will compare any more; no write ever brings it.
    pub const FORGOTTEN: Self = Self(u8::MAX);
}

/// Contents of a volume, by block; blocks the world does not have stay at the default.
pub type Image = [Value; BLOCKS_MAX];

/// The journal and the reorder queue of this world.
pub type Queue = BoundedQueue<Value, JOURNAL_MAX>;
/// The primary of this world.
pub type WorldPrimary = Primary<Value, Queue, BlockSet>;
/// The secondary of this world.
pub type WorldSecondary = Secondary<Value, Queue, BlockSet>;

/// A message from secondary to primary in this world.
pub type Reply = ToPrimary<BlockSet>;

/// Messages in flight: a set, since sending a message that is in flight already adds nothing a repeat does not.
///
/// Shape: rising order, free slots last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flight<M> {
    slots: [Option<M>; FLIGHT_MAX],
}

impl<M: Copy + Ord> Default for Flight<M> {
    fn default() -> Self {
        Self { slots: [None; FLIGHT_MAX] }
    }
}

impl<M: Copy + Ord> Flight<M> {
    /// The messages in rising order.
    pub fn iter(&self) -> impl Iterator<Item = M> + '_ {
        self.slots.iter().flatten().copied()
    }

    /// How many messages are in flight.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether nothing is in flight.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `message` is in flight.
    #[must_use]
    pub fn contains(&self, message: M) -> bool {
        self.iter().any(|other| other == message)
    }

    /// Adds a message; false when `capacity` others are in flight.
    #[must_use]
    pub fn add(&mut self, message: M, capacity: usize) -> bool {
        if self.contains(message) {
            return true;
        }
        if self.len() >= capacity.min(FLIGHT_MAX) {
            return false;
        }
        self.slots[FLIGHT_MAX - 1] = Some(message);
        self.sort();
        true
    }

    /// Takes a message out.
    pub fn remove(&mut self, message: M) {
        self.retain(|other| *other != message);
    }

    /// Keeps the messages that `keep` is true for.
    pub fn retain(&mut self, keep: impl Fn(&M) -> bool) {
        for slot in &mut self.slots {
            if slot.as_ref().is_some_and(|message| !keep(message)) {
                *slot = None;
            }
        }
        self.sort();
    }

    /// Replaces every message by its new name.
    pub fn rename(&mut self, mut rename: impl FnMut(M) -> M) {
        for message in self.slots.iter_mut().flatten() {
            *message = rename(*message);
        }
        self.sort();
    }

    /// Insertion, since there are hardly ever two.
    fn sort(&mut self) {
        for end in 1..FLIGHT_MAX {
            for at in (1..=end).rev() {
                let is_after = match (self.slots[at - 1], self.slots[at]) {
                    (_, None) => false,
                    (None, Some(_)) => true,
                    (Some(before), Some(message)) => before > message,
                };
                if !is_after {
                    break;
                }
                self.slots.swap(at - 1, at);
            }
        }
    }
}

/// What the database held when it was frozen for a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrozenImage {
    /// The backup.
    pub id: BackupId,
    /// The P-VOL's contents at the freeze.
    pub image: Image,
    /// Whether a transaction was half written at the freeze.
    pub torn: bool,
}

/// What the properties remember. Nothing here enables or changes a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ghost {
    /// The freeze of the backup that the coordinator is on, or that the database is still in.
    pub frozen: Option<FrozenImage>,
    /// The freeze of the backup that was permitted and not yet finished.
    pub permitted: Option<FrozenImage>,
    /// The newest image of a prefix of the writes that the S/P-VOL has had if writes are applied in the order they were
    /// numbered.
    pub oracle: Image,
    /// What was numbered in this incarnation and may still be applied.
    pub order: Queue,
    /// Whether a resync has begun whose last copy is not written yet: the S/P-VOL is a mixture of two times.
    pub copying: bool,
    /// The last number of the resync's copies, and the P-VOL's contents when it was given. From that number on the
    /// S/P-VOL is the image of a prefix again; `oracle` takes these contents when it is written.
    pub complete: Option<(Seq, Image)>,
    /// Whether the S-VOL, while split, is the image of a prefix of the writes.
    pub svol_good: bool,
    /// Whether a step of the backup took the pair out of PAIR.
    pub backup_suspended: bool,
    /// Whether the pair has been in PAIR: from then on the remote site is promised an image.
    pub promised: bool,
}

/// What the host still waits for; only under `synchronous` does it wait at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Unanswered {
    /// Nothing.
    #[default]
    Nothing,
    /// A write after which the transaction goes on.
    First,
    /// The transaction's last write: it commits with the answer.
    Last,
}

/// The whole world at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The local array's control.
    pub primary: WorldPrimary,
    /// The remote array's control.
    pub secondary: WorldSecondary,
    /// Contents of the P-VOL.
    pub pvol: Image,
    /// Contents of the S/P-VOL.
    pub spvol: Image,
    /// Contents of the S-VOL.
    pub svol: Image,
    /// What the secondary's disks hold of the S/P-VOL. The S/P-VOL itself where the cache is non-volatile.
    pub disk: Image,
    /// Whether the array link carries anything.
    pub link_up: bool,
    /// In flight from primary to secondary.
    pub to_secondary: Flight<ToSecondary<Value>>,
    /// In flight from secondary to primary.
    pub to_primary: Flight<Reply>,
    /// The database. The application has at most one transaction open: one of two writes, of which the first is done.
    pub database: Database,
    /// The block that the open transaction has written, where that may be any: [`Transactions::Any`].
    ///
    /// [`Transactions::Any`]: crate::world::Transactions::Any
    pub begun: Option<BlockIndex>,
    /// What the host waits for before the transaction goes on.
    pub unanswered: Unanswered,
    /// The coordinator.
    pub coordinator: Coordinator,
    /// The Sync that the coordinator has begun and waits for.
    pub sync: Option<Sync>,
    /// The requester.
    pub requester: Requester,
    /// In flight between the hosts.
    pub host: Flight<HostMessage>,
    /// What the properties remember.
    pub ghost: Ghost,
}
