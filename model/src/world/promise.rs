//! What must come to pass: each promise says that one condition leads to another, on every run that is fair to what is
//! obliged to happen. Which actions are obliged, and when a fault has ended, is said here; a run is judged elsewhere.

use std::fmt;

use crate::protocol::coordinator::CoordinatorState;
use crate::protocol::database::FreezeState;
use crate::protocol::requester::RequesterState;
use crate::protocol::{BackupId, BlockIndex, HostMessage, PairState, ToPrimary, ToSecondary};
use crate::system::{Judgement, Witness};
use crate::world::action::{Action, ActionKind};
use crate::world::fault::Fault;
use crate::world::instance::{Bounds, World};
use crate::world::state::{BLOCKS_MAX, JOURNAL_MAX, State, Value};

/// A promise's name, meaning and conditions.
#[derive(Clone, Copy)]
pub struct PromiseInfo {
    /// The name under which SPEC.md, reports and lassos speak of it.
    pub name: &'static str,
    /// What it says, in one line.
    pub says: &'static str,
    /// Whether it must be kept while faults go on for ever; otherwise once they have ended.
    pub faults_go_on: bool,
    /// Where it begins to bind.
    pub from: fn(&State) -> bool,
    /// What has to come then, or the witness that it has not.
    pub to: fn(&State) -> Judgement<Value>,
    /// What a world must have to be asked for it.
    pub needs: &'static str,
    /// Which worlds can be asked for it.
    applies: fn(&Bounds) -> bool,
}

/// By its name. Addresses of its functions would differ from run to run, and a checkpoint holds this text.
impl fmt::Debug for PromiseInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Every promise.
pub const PROMISES: &[PromiseInfo] = &[
    PromiseInfo {
        name: "frozen-leads-to-thawed",
        says: "a database that is held still goes on, whatever fails",
        faults_go_on: true,
        from: is_held,
        to: runs_on,
        needs: "the fault lease-expiry",
        applies: has_lease,
    },
    PromiseInfo {
        name: "request-leads-to-answer",
        says: "a requester that waits is permitted, rejected, or gives up, whatever fails",
        faults_go_on: true,
        from: is_waiting,
        to: |state| unless(is_waiting(state), "requester", "idle, or reading"),
        needs: "the fault timeouts",
        applies: has_timers,
    },
    PromiseInfo {
        name: "sync-leads-to-return",
        says: "a Sync that was begun returns, whatever fails",
        faults_go_on: true,
        from: is_syncing,
        to: |state| unless(is_syncing(state), "coordinator", "out of Sync"),
        needs: "the fault timeouts",
        applies: has_timers,
    },
    PromiseInfo {
        name: "write-leads-to-written",
        says: "in PAIR a write is written remotely, or the pair leaves PAIR, once faults have ended",
        faults_go_on: false,
        from: is_owing,
        to: |state| unless(is_owing(state), "journal", "empty, or the primary out of PAIR"),
        needs: "a journal of one entry and one frame in flight",
        applies: is_simple,
    },
    PromiseInfo {
        name: "copy-leads-to-pair",
        says: "COPY ends in PAIR or in a suspension, once faults have ended",
        faults_go_on: false,
        from: is_copying,
        to: |state| unless(is_copying(state), "primary", "out of COPY"),
        needs: "a journal of one entry and one frame in flight",
        applies: is_simple,
    },
    PromiseInfo {
        name: "request-leads-to-backup",
        says: "a request, or one of those after it, leads to a backup that is read, once faults have ended",
        faults_go_on: false,
        from: is_waiting,
        to: |state| {
            let is_reading = matches!(state.requester.state, RequesterState::Reading(_));
            unless(!is_reading, "requester", "reading")
        },
        needs: "a journal of one entry, one frame in flight, and the faults timeouts and lease-expiry",
        applies: |bounds| is_simple(bounds) && has_timers(bounds) && has_lease(bounds),
    },
];

impl PromiseInfo {
    /// The promise with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        PROMISES.iter().find(|promise| promise.name == name)
    }

    /// Whether a world of these bounds can be asked for the promise. A world in which no timer ever fires cannot be held
    /// to what timers are for. With a longer journal, weak fairness lets the sender choose another entry whenever the
    /// oldest could go, for ever; a sender that takes turns does not, and the world has none.
    #[must_use]
    pub fn applies(&self, bounds: &Bounds) -> bool {
        (self.applies)(bounds)
    }
}

fn has_lease(bounds: &Bounds) -> bool {
    bounds.faults.contains(Fault::LeaseExpiry)
}

fn has_timers(bounds: &Bounds) -> bool {
    bounds.faults.contains(Fault::Timeouts)
}

fn is_simple(bounds: &Bounds) -> bool {
    bounds.journal == 1 && bounds.frames == 1
}

fn unless(is_so: bool, field: &'static str, should: &'static str) -> Judgement<Value> {
    if is_so { Err(Witness::Field { field, should }) } else { Ok(()) }
}

fn is_held(state: &State) -> bool {
    runs_on(state).is_err()
}

fn runs_on(state: &State) -> Judgement<Value> {
    unless(state.database.freeze != FreezeState::Running, "database", "running")?;
    unless(state.primary.quiesced.is_some(), "writes held", "-")
}

fn is_copying(state: &State) -> bool {
    state.primary.state == PairState::Copy
}

fn is_waiting(state: &State) -> bool {
    matches!(state.requester.state, RequesterState::Waiting(_))
}

fn is_syncing(state: &State) -> bool {
    matches!(state.coordinator.state, CoordinatorState::Syncing(_))
}

/// With a journal of one entry this is one and the same write until it is written.
fn is_owing(state: &State) -> bool {
    state.primary.state == PairState::Pair && !state.primary.journal.is_empty()
}

/// Where the numbers of obliged actions begin: one for each kind of action, with the argument that tells it from others.
enum Obliged {}

impl Obliged {
    const SEND: u8 = 2;
    const DELIVER_FRAME: u8 = Self::SEND + JOURNAL_MAX as u8;
    const COPY_BLOCK: u8 = Self::DELIVER_FRAME + JOURNAL_MAX as u8;
    const REST: u8 = Self::COPY_BLOCK + BLOCKS_MAX as u8;

    const fn rest(at: u8) -> Option<u8> {
        Some(Self::REST + at)
    }
}

const _: () = assert!(Obliged::REST + 28 < 64, "a set of obliged actions is one u64");

impl World {
    /// The weakly fair action that `action` is in `state`; none if nothing obliges it to happen. Faults are free, and so
    /// is the application, but for a transaction that has begun. Timers are obliged to run out.
    #[must_use]
    pub fn obliged(&self, state: &State, action: &Action) -> Option<u8> {
        let ahead = |seq: u64| {
            let at = seq.checked_sub(state.secondary.written.0 + 1)?;
            (at < JOURNAL_MAX as u64).then_some(at as u8)
        };
        match action {
            Action::WriteSecond | Action::WriteSecondTo(_) => Some(0),
            Action::AnswerHost => Some(1),
            Action::Send(seq) => Some(Obliged::SEND + ahead(seq.0)?),
            Action::Deliver { message: ToSecondary::Frame(frame), again: false } => {
                Some(Obliged::DELIVER_FRAME + ahead(frame.entry.seq.0)?)
            }
            Action::CopyBlock(BlockIndex(block)) => Some(Obliged::COPY_BLOCK + *block as u8),
            Action::Deliver { message, again: false } => Obliged::rest(match message {
                ToSecondary::Frame(_) | ToSecondary::Unsequenced { .. } => 0,
                ToSecondary::Resync { .. } => 1,
                ToSecondary::Suspend { .. } => 2,
                ToSecondary::Delete { .. } => 3,
            }),
            Action::DeliverReply { message, again: false } => Obliged::rest(match message {
                ToPrimary::Ack(_) => 4,
                ToPrimary::Ready { .. } => 5,
                ToPrimary::Suspended { .. } => 6,
            }),
            Action::DeliverHost { message, again: false } => Obliged::rest(match message {
                HostMessage::Request(_) => 7,
                HostMessage::Split(_) => 8,
                HostMessage::SplitAnswer { .. } => 9,
                HostMessage::Permit(_) => 10,
                HostMessage::Reject(_) => 11,
            }),
            // A link that is down is seen to be down some time; one that works need never be suspected.
            Action::Fail if !state.link_up => Obliged::rest(12),
            Action::Apply => Obliged::rest(13),
            Action::Report => Obliged::rest(14),
            Action::CopyReplica(_) => Obliged::rest(15),
            Action::Destage(_) => Obliged::rest(16),
            Action::Create => Obliged::rest(17),
            Action::Resync => Obliged::rest(18),
            Action::PairMark => Obliged::rest(19),
            Action::StartBackup => Obliged::rest(20),
            Action::FinishBackup => Obliged::rest(21),
            Action::SyncBegin | Action::SuspendForBackup => Obliged::rest(22),
            Action::SyncLook => Obliged::rest(23),
            Action::Thaw => Obliged::rest(24),
            Action::SyncTimeout => Obliged::rest(25),
            Action::CoordinatorTimeout => Obliged::rest(26),
            Action::RequesterTimeout => Obliged::rest(27),
            Action::LeaseExpires => Obliged::rest(28),
            Action::WriteOne(_)
            | Action::WriteFirst
            | Action::WriteFirstTo(_)
            | Action::Deliver { again: true, .. }
            | Action::DeliverReply { again: true, .. }
            | Action::DeliverHost { again: true, .. }
            | Action::Lose(_)
            | Action::LoseReply(_)
            | Action::LoseHost(_)
            | Action::LinkDown
            | Action::LinkUp
            | Action::Fail
            | Action::SecondaryFail
            | Action::Suspend
            | Action::Delete
            | Action::CrashPrimary
            | Action::CrashSecondary
            | Action::CrashLocalHost
            | Action::CrashCoordinator
            | Action::CrashRemoteHost
            | Action::Takeover { .. }
            | Action::RemoteWrite(_)
            | Action::Failback => None,
        }
    }

    /// Whether `action` does in `state` what no longer happens once faults have ended. A timer that runs out is none if
    /// what it waits for cannot come any more.
    #[must_use]
    pub fn is_fault(&self, state: &State, action: &Action) -> bool {
        match action.fault(state.link_up) {
            None => false,
            Some(Fault::Timeouts) if action.kind() == ActionKind::CoordinatorTimeout => {
                may_be_answered(state)
            }
            Some(Fault::Timeouts) if action.kind() == ActionKind::RequesterTimeout => {
                match state.requester.state {
                    RequesterState::Waiting(id) => is_worked_on(state, id),
                    RequesterState::Idle | RequesterState::Reading(_) => true,
                }
            }
            // Where nothing is lost any more, Sync is told or sees that the pair is broken.
            Some(Fault::Timeouts) => true,
            Some(Fault::LeaseExpiry) => match state.database.freeze {
                FreezeState::Freezing(id) | FreezeState::Frozen(id) => is_coordinated(state, id),
                FreezeState::Running => {
                    state.primary.quiesced.is_some_and(|id| is_coordinated(state, id))
                }
            },
            Some(
                Fault::LinkDown
                | Fault::FalseSuspicion
                | Fault::ArrayLoss
                | Fault::ArrayRepeat
                | Fault::HostLoss
                | Fault::HostRepeat
                | Fault::OperatorSuspend
                | Fault::OperatorDelete
                | Fault::CrashPrimary
                | Fault::CrashSecondary
                | Fault::CrashLocalHost
                | Fault::CrashCoordinator
                | Fault::CrashRemoteHost
                | Fault::Takeover,
            ) => true,
        }
    }

    /// Whether nothing is broken in `state` that only the end of a fault would mend: the link is up, and nobody has taken
    /// over.
    #[must_use]
    pub fn is_repaired(&self, state: &State) -> bool {
        state.link_up && state.secondary.state != PairState::Ssws
    }
}

/// Whether the coordinator has this backup in hand.
fn is_coordinated(state: &State, id: BackupId) -> bool {
    match state.coordinator.state {
        CoordinatorState::Idle => false,
        CoordinatorState::Freezing(on)
        | CoordinatorState::Syncing(on)
        | CoordinatorState::Splitting(on)
        | CoordinatorState::Thawing(on) => on == id,
    }
}

/// Whether the answer the coordinator waits for may still come.
fn may_be_answered(state: &State) -> bool {
    match state.coordinator.state {
        CoordinatorState::Freezing(id) => state.database.freeze == FreezeState::Freezing(id),
        CoordinatorState::Splitting(id) => state.host.iter().any(|message| match message {
            HostMessage::Split(of) | HostMessage::SplitAnswer { id: of, .. } => of == id,
            HostMessage::Request(_) | HostMessage::Permit(_) | HostMessage::Reject(_) => false,
        }),
        CoordinatorState::Idle | CoordinatorState::Syncing(_) | CoordinatorState::Thawing(_) => {
            true
        }
    }
}

/// Whether the backup the requester waits for is in somebody's hands or on its way.
pub(super) fn is_worked_on(state: &State, id: BackupId) -> bool {
    is_coordinated(state, id) || state.host.iter().any(|message| message.id() == id)
}
