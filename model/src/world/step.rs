//! How an action happens: which roles take a step, and in which order. One action is atomic; SPEC.md lists what each one
//! combines. What the arrays do is in `arrays`, what the hosts do in `hosts`.

use core::fmt;

use crate::protocol::coordinator::{Coordinator, CoordinatorEvent, CoordinatorRefusal};
use crate::protocol::database::{Database, DatabaseEvent, DatabaseRefusal};
use crate::protocol::primary::{Primary, PrimaryEvent, PrimaryRefusal};
use crate::protocol::replica::{Replica, ReplicaState};
use crate::protocol::requester::{Requester, RequesterEvent, RequesterRefusal};
use crate::protocol::secondary::{Secondary, SecondaryEvent, SecondaryRefusal};
use crate::protocol::sync::SyncEvent;
use crate::protocol::{BlockIndex, PairState, Rule};
use crate::world::action::{Action, ActionKind};
use crate::world::bounded::BlockSet;
use crate::world::instance::{Start, World};
use crate::world::state::{BLOCKS_MAX, Flight, Ghost, Image, Queue, State, Unanswered, Value};

/// Why an action did not happen: which guard was false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyNot {
    /// The world does not offer the action here.
    NotOffered,
    /// It would lead to the same state.
    Nothing,
    /// The primary refused.
    Primary(PrimaryRefusal),
    /// The secondary refused.
    Secondary(SecondaryRefusal),
    /// The database refused.
    Database(DatabaseRefusal),
    /// The coordinator refused.
    Coordinator(CoordinatorRefusal),
    /// The requester refused.
    Requester(RequesterRefusal),
    /// No Sync was begun, or it waits on.
    SyncWaits,
    /// The link has no room for what it would send.
    NoRoom,
}

impl WhyNot {
    /// Whether a role refused: the step was tried, and the role said no.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        match self {
            Self::Primary(_)
            | Self::Secondary(_)
            | Self::Database(_)
            | Self::Coordinator(_)
            | Self::Requester(_) => true,
            Self::NotOffered | Self::Nothing | Self::SyncWaits | Self::NoRoom => false,
        }
    }

    /// Whether the step cannot even be tried: it is not offered, or has no room.
    #[must_use]
    pub const fn is_out_of_reach(&self) -> bool {
        match self {
            Self::NotOffered | Self::NoRoom => true,
            Self::Nothing
            | Self::SyncWaits
            | Self::Primary(_)
            | Self::Secondary(_)
            | Self::Database(_)
            | Self::Coordinator(_)
            | Self::Requester(_) => false,
        }
    }
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOffered => f.write_str("the world does not offer the action in this state"),
            Self::Nothing => f.write_str("the action changes nothing in this state"),
            Self::Primary(refusal) => write!(f, "the primary refuses: {refusal}"),
            Self::Secondary(refusal) => write!(f, "the secondary refuses: {refusal}"),
            Self::Database(refusal) => write!(f, "the database refuses: {refusal}"),
            Self::Coordinator(refusal) => write!(f, "the coordinator refuses: {refusal}"),
            Self::Requester(refusal) => write!(f, "the requester refuses: {refusal}"),
            Self::SyncWaits => f.write_str("Sync waits (SYNC-3)"),
            Self::NoRoom => f.write_str("the link has no room for what would be sent"),
        }
    }
}

pub(super) type StepResult = Result<(), WhyNot>;

/// Turns a refusal into a step: the role drops the message, and the link has delivered it all the same.
pub(super) fn dropped_if_refused(done: StepResult) -> StepResult {
    match done {
        Err(WhyNot::NoRoom) | Ok(()) => done,
        Err(_) => Ok(()),
    }
}

impl World {
    /// Where a run begins: nothing in flight, every host idle, and the pair as the instance says.
    pub(super) fn initial(&self) -> State {
        let clean = BlockSet::new(self.bounds.blocks);
        let queue = Queue::new(self.bounds.journal);
        let mut primary = Primary::new(queue, clean, self.bounds.journal_full);
        let mut secondary = Secondary::new(queue, clean);
        let (newest, incarnation, id) = self.bounds.numbers.first(self.bounds.start);
        (primary.newest, primary.written, secondary.written) = (newest, newest, newest);
        (primary.incarnation, secondary.incarnation) = (incarnation, incarnation);
        if !self.rules.has(Rule::Xfer1) {
            primary.sent = newest;
        }
        let paired = self.bounds.start == Start::Pair;
        if paired {
            primary.state = PairState::Pair;
            secondary.state = PairState::Pair;
            secondary.consistent = true;
            secondary.replica = Replica { state: ReplicaState::Pair, dirty: clean };
        }
        let pvol: Image = [Value(0); BLOCKS_MAX];
        let spvol: Image = if paired { pvol } else { self.image_of(Value(1)) };
        State {
            primary,
            secondary,
            pvol,
            spvol,
            svol: spvol,
            disk: spvol,
            link_up: true,
            to_secondary: Flight::default(),
            to_primary: Flight::default(),
            database: Database::default(),
            begun: None,
            unanswered: Unanswered::Nothing,
            coordinator: Coordinator::default(),
            sync: None,
            requester: Requester { newest: id, ..Requester::default() },
            host: Flight::default(),
            ghost: Ghost {
                frozen: None,
                permitted: None,
                oracle: spvol,
                order: Queue::new(usize::MAX),
                copying: false,
                complete: None,
                svol_good: false,
                backup_suspended: false,
                promised: paired,
            },
        }
    }

    /// An image with `value` in every block of this world.
    pub(super) fn image_of(&self, value: Value) -> Image {
        let mut image = [Value(0); BLOCKS_MAX];
        self.blocks().for_each(|block| image[block.0 as usize] = value);
        image
    }

    /// Takes `action` in `state`: the normal form of the state it leads to.
    ///
    /// # Errors
    /// A guard was false: the world does not offer the action, a role refuses it, or it changes nothing.
    pub fn attempt(&self, state: &State, action: Action) -> Result<State, WhyNot> {
        if !self.enabled(state).contains(&action) {
            return Err(WhyNot::NotOffered);
        }
        let mut after = *state;
        self.raw_step(&mut after, action)?;
        self.make_normal(&mut after);
        if after == *state { Err(WhyNot::Nothing) } else { Ok(after) }
    }

    /// Takes an `action` that the world offers in `state`, without renaming. Where a guard was false, `state` is left half
    /// done and of no use.
    pub(super) fn raw_step(&self, state: &mut State, action: Action) -> StepResult {
        let (primary, secondary) = (state.primary.state, state.secondary.state);
        Step { world: self, state }.take(action)?;
        if ActionKind::BACKUP.contains(action.kind()) && primary == PairState::Pair {
            let left = state.primary.state != PairState::Pair
                || secondary == PairState::Pair && state.secondary.state != PairState::Pair;
            state.ghost.backup_suspended |= left;
        }
        state.ghost.promised |= state.secondary.state == PairState::Pair;
        Ok(())
    }
}

/// One action on its way from `state` to the next.
pub(super) struct Step<'a> {
    pub(super) world: &'a World,
    pub(super) state: &'a mut State,
}

impl Step<'_> {
    fn take(&mut self, action: Action) -> StepResult {
        match action {
            Action::WriteOne(block) => self.write_one(block),
            Action::WriteFirst => self.write_first(BlockIndex(0)),
            Action::WriteSecond => self.write_second(BlockIndex(self.world.bounds.blocks - 1)),
            Action::WriteFirstTo(block) => {
                self.state.begun = Some(block);
                self.write_first(block)
            }
            Action::WriteSecondTo(block) => {
                self.state.begun = None;
                self.write_second(block)
            }
            Action::AnswerHost => self.answer_host(),
            Action::Send(seq) => self.primary(PrimaryEvent::Send { seq }),
            Action::Deliver { message, again } => self.deliver(message, again),
            Action::Lose(message) => {
                self.state.to_secondary.remove(message);
                Ok(())
            }
            Action::Apply => self.secondary(SecondaryEvent::Apply),
            Action::Report => self.secondary(SecondaryEvent::Report),
            Action::DeliverReply { message, again } => {
                if !again {
                    self.state.to_primary.remove(message);
                }
                self.take_reply(message)
            }
            Action::LoseReply(message) => {
                self.state.to_primary.remove(message);
                Ok(())
            }
            Action::CopyReplica(block) => self.secondary(SecondaryEvent::CopyReplica(block)),
            Action::Destage(block) => {
                self.state.disk[block.0 as usize] = self.state.spvol[block.0 as usize];
                Ok(())
            }
            Action::LinkDown | Action::LinkUp => {
                self.state.link_up = action == Action::LinkUp;
                Ok(())
            }
            Action::Fail => self.primary(PrimaryEvent::Fail),
            Action::SecondaryFail => self.secondary(SecondaryEvent::Fail),
            Action::Create => self.primary(PrimaryEvent::Create),
            Action::Suspend => self.primary(PrimaryEvent::Suspend),
            Action::Resync => self.primary(PrimaryEvent::Resync),
            Action::Delete => self.primary(PrimaryEvent::Delete),
            Action::CopyBlock(block) => self.copy_block(block),
            Action::PairMark => self.primary(PrimaryEvent::PairMark),
            Action::CrashPrimary => self.primary(PrimaryEvent::Restart),
            Action::CrashSecondary => self.crash_secondary(),
            Action::Takeover { force } => self.take_over(force),
            Action::RemoteWrite(block) => self.remote_write(block),
            Action::Failback => self.fail_back(),
            Action::DeliverHost { message, again } => self.deliver_host(message, again),
            Action::LoseHost(message) => {
                self.state.host.remove(message);
                Ok(())
            }
            Action::StartBackup => self.requester(RequesterEvent::Start),
            Action::SyncBegin => self.sync_begin(),
            Action::SyncLook => self.sync(SyncEvent::Look(self.state.primary.view())),
            Action::SyncTimeout => self.sync_timeout(),
            Action::SuspendForBackup => self.suspend_for_backup(),
            Action::Thaw => self.thaw(),
            Action::CoordinatorTimeout => self.coordinator(CoordinatorEvent::Timeout),
            Action::RequesterTimeout => self.requester(RequesterEvent::Timeout),
            Action::FinishBackup => self.requester(RequesterEvent::Finish),
            Action::LeaseExpires => self.lease_expires(),
            Action::CrashLocalHost => {
                self.state.sync = None;
                self.coordinator(CoordinatorEvent::Restart)?;
                self.database(DatabaseEvent::Restart)
            }
            Action::CrashCoordinator => {
                self.state.sync = None;
                self.coordinator(CoordinatorEvent::Restart)
            }
            Action::CrashRemoteHost => self.requester(RequesterEvent::Restart),
        }
    }
}
