//! How an action happens: the roles take their steps, their effects are performed on the volumes and links, and the
//! ghosts watch. One action is atomic; SPEC.md lists what each one combines.

use core::fmt;

use crate::protocol::bounded::BlockSet;
use crate::protocol::containers::{DirtyMap, Journal};
use crate::protocol::coordinator::Coordinator;
use crate::protocol::coordinator::{
    CoordinatorEffect, CoordinatorEvent, CoordinatorRefusal, CoordinatorState,
};
use crate::protocol::database::{Database, DatabaseEffect, DatabaseEvent, DatabaseRefusal};
use crate::protocol::primary::{Primary, PrimaryEffect, PrimaryEvent, PrimaryRefusal};
use crate::protocol::replica::{Replica, ReplicaEffect, ReplicaState};
use crate::protocol::requester::{Requester, RequesterEffect, RequesterEvent, RequesterRefusal};
use crate::protocol::secondary::{Secondary, SecondaryEffect, SecondaryEvent, SecondaryRefusal};
use crate::protocol::sync::{Sync, SyncEffect, SyncEvent, SyncOutcome};
use crate::protocol::{
    Ack, BlockIndex, Entry, HostMessage, Incarnation, Item, PairState, Seq, ToPrimary, ToSecondary,
};
use crate::world::World;
use crate::world::action::Action;
use crate::world::instance::Fault;
use crate::world::state::{
    BLOCKS_MAX, Flight, FrozenImage, Ghost, Image, Queue, State, Value, WorldPrimary,
};

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

type Done = Result<(), WhyNot>;

/// Turns a refusal into a step: the role drops the message, and the link has delivered it all the same.
fn dropped_if_refused(done: Done) -> Done {
    match done {
        Err(WhyNot::NoRoom) | Ok(()) => done,
        Err(_) => Ok(()),
    }
}

impl World {
    /// The group in PAIR with equal volumes, nothing in flight, and every host idle.
    pub(super) fn initial(&self) -> State {
        let clean = BlockSet::new(self.bounds.blocks);
        let queue = Queue::new(self.bounds.journal);
        let mut primary = Primary::new(queue, clean, self.bounds.journal_full);
        let mut secondary = Secondary::new(queue, clean);
        for (state, incarnation) in [
            (&mut primary.state, &mut primary.incarnation),
            (&mut secondary.state, &mut secondary.incarnation),
        ] {
            *state = PairState::Pair;
            *incarnation = Incarnation(1);
        }
        secondary.consistent = true;
        secondary.replica = Replica { state: ReplicaState::Pair, dirty: clean };
        let image: Image = [Value(0); BLOCKS_MAX];
        State {
            primary,
            secondary,
            pvol: image,
            spvol: image,
            svol: image,
            link_up: true,
            frames: Flight::default(),
            acks: Flight::default(),
            database: Database::default(),
            coordinator: Coordinator::default(),
            sync: None,
            requester: Requester::default(),
            host: Flight::default(),
            ghost: Ghost {
                frozen: None,
                permitted: None,
                oracle: image,
                order: Queue::new(usize::MAX),
                copying: false,
                complete: None,
                svol_good: false,
                backup_suspended: false,
            },
        }
    }

    /// Takes `action` in `state`: the normal form of the state it leads to.
    ///
    /// # Errors
    /// The guard that was false.
    pub fn attempt(&self, state: &State, action: Action) -> Result<State, WhyNot> {
        if !self.enabled(state).contains(&action) {
            return Err(WhyNot::NotOffered);
        }
        let after = self.normal(self.raw_step(state, action)?);
        if after == *state { Err(WhyNot::Nothing) } else { Ok(after) }
    }

    /// The state after an `action` that the world offers in `state`, before renaming.
    pub(super) fn raw_step(&self, state: &State, action: Action) -> Result<State, WhyNot> {
        let mut next = *state;
        Step { world: self, state: &mut next }.take(action)?;
        if action.is_backup() && state.primary.state == PairState::Pair {
            let left = next.primary.state != PairState::Pair
                || state.secondary.state == PairState::Pair
                    && next.secondary.state != PairState::Pair;
            next.ghost.backup_suspended |= left;
        }
        Ok(next)
    }
}

/// One action on its way from `state` to the next.
struct Step<'a> {
    world: &'a World,
    state: &'a mut State,
}

impl Step<'_> {
    fn take(&mut self, action: Action) -> Done {
        match action {
            Action::WriteOne(block) => self.write_one(block),
            Action::WriteFirst => self.write_first(),
            Action::WriteSecond => self.write_second(),
            Action::Send(seq) => self.primary(PrimaryEvent::Send { seq }),
            Action::Deliver { message, again } => self.deliver(message, again),
            Action::Lose(message) => {
                self.state.frames.remove(message);
                Ok(())
            }
            Action::Apply => self.secondary(SecondaryEvent::Apply),
            Action::Report => self.secondary(SecondaryEvent::Report),
            Action::DeliverAck { ack, again } => {
                if !again {
                    self.state.acks.remove(ack);
                }
                dropped_if_refused(self.primary(PrimaryEvent::Ack(ack)))
            }
            Action::LoseAck(ack) => {
                self.state.acks.remove(ack);
                Ok(())
            }
            Action::CopyReplica(block) => self.secondary(SecondaryEvent::CopyReplica(block)),
            Action::LinkDown | Action::LinkUp => {
                self.state.link_up = action == Action::LinkUp;
                Ok(())
            }
            Action::Fail => self.primary(PrimaryEvent::Fail),
            Action::SecondaryFail => self.secondary(SecondaryEvent::Fail),
            Action::Suspend => self.primary(PrimaryEvent::Suspend),
            Action::Resync => self.primary(PrimaryEvent::Resync),
            Action::CopyBlock(block) => self.copy_block(block),
            Action::PairMark => self.pair_mark(),
            Action::StartBackup => self.requester(RequesterEvent::Start),
            Action::DeliverHost { message, again } => self.deliver_host(message, again),
            Action::LoseHost(message) => {
                self.state.host.remove(message);
                Ok(())
            }
            Action::SyncBegin => self.sync_begin(),
            Action::SyncLook => self.sync(SyncEvent::Look(self.state.primary.view())),
            Action::SyncTimeout => self.sync(SyncEvent::Timeout),
            Action::Thaw => self.thaw(),
            Action::CoordinatorTimeout => self.coordinator(CoordinatorEvent::Timeout),
            Action::RequesterTimeout => self.requester(RequesterEvent::Timeout),
            Action::FinishBackup => self.requester(RequesterEvent::Finish),
            Action::LeaseExpires => self.database(DatabaseEvent::LeaseExpired),
        }
    }

    // The application: transactions of one and of two writes, each bringing a value of its own.

    fn write_one(&mut self, block: BlockIndex) -> Done {
        self.database(DatabaseEvent::Begin)?;
        self.host_write(block, self.fresh_value())?;
        self.database(DatabaseEvent::Commit)
    }

    fn write_first(&mut self) -> Done {
        self.database(DatabaseEvent::Begin)?;
        self.host_write(BlockIndex(0), self.fresh_value())
    }

    fn write_second(&mut self) -> Done {
        self.host_write(BlockIndex(1), self.state.pvol[0])?;
        self.database(DatabaseEvent::Commit)
    }

    fn host_write(&mut self, block: BlockIndex, payload: Value) -> Done {
        self.database(DatabaseEvent::Write)?;
        self.primary(PrimaryEvent::HostWrite { block, payload })
    }

    /// The lowest value that stands nowhere in the world.
    fn fresh_value(&self) -> Value {
        let mut used = 0_u64;
        let mut copy = *self.state;
        copy.for_each_value(|value| {
            if *value != Value::FORGOTTEN {
                used |= 1 << (value.0 & 63);
            }
        });
        Value(used.trailing_ones() as u8)
    }

    // The arrays.

    fn primary(&mut self, event: PrimaryEvent<Value, BlockSet>) -> Done {
        let before = self.state.primary;
        let step = before.step(self.world.rules, event);
        if let Some(refusal) = step.refused {
            return Err(WhyNot::Primary(refusal));
        }
        self.state.primary = step.state;
        self.watch_order(before);
        for effect in step.effects {
            match effect {
                PrimaryEffect::WritePvol { block, payload } => {
                    self.state.pvol[block.0 as usize] = payload;
                }
                // The application's next action is what follows the answer.
                PrimaryEffect::AnswerHost => {}
                PrimaryEffect::Send(message) => self.send_to_secondary(message)?,
            }
        }
        Ok(())
    }

    /// Ghost: notes what this step of the primary numbered, as the order in which it has to be applied, and the point
    /// at which a resync has copied everything.
    fn watch_order(&mut self, before: WorldPrimary) {
        let State { primary, ghost, pvol, .. } = &mut *self.state;
        if primary.incarnation == before.incarnation && primary.state.is_linked() {
            for entry in primary.journal.entries().filter(|entry| entry.seq > before.newest) {
                ghost.order.push(*entry);
            }
        }
        if ghost.copying
            && ghost.complete.is_none()
            && primary.state.is_linked()
            && primary.dirty.is_clean()
        {
            ghost.complete = Some((primary.newest, *pvol));
            self.watch_complete();
        }
    }

    /// Ghost: from the last copy on the S/P-VOL has to be what the P-VOL was.
    fn watch_complete(&mut self) {
        let State { ghost, secondary, .. } = &mut *self.state;
        if let Some((seq, image)) = ghost.complete.filter(|(seq, _)| *seq <= secondary.written) {
            ghost.copying = false;
            ghost.complete = None;
            ghost.oracle = image;
            for entry in ghost
                .order
                .entries()
                .filter(|entry| entry.seq > seq && entry.seq <= secondary.written)
            {
                overwrite(&mut ghost.oracle, entry);
            }
        }
    }

    fn copy_block(&mut self, block: BlockIndex) -> Done {
        let payload = self.state.pvol[block.0 as usize];
        self.primary(PrimaryEvent::CopyBlock { block, payload })
    }

    fn pair_mark(&mut self) -> Done {
        self.primary(PrimaryEvent::PairMark)
    }

    fn send_to_secondary(&mut self, message: ToSecondary<Value>) -> Done {
        match message {
            ToSecondary::Frame(_) | ToSecondary::Unsequenced { .. } => {
                let room = self.state.frames.add(message, self.world.bounds.frames);
                if room { Ok(()) } else { Err(WhyNot::NoRoom) }
            }
            // The handshakes are atomic in this world: they travel within the step, if the link is up.
            ToSecondary::Resync { incarnation } => {
                let ghost = &mut self.state.ghost;
                ghost.order.clear();
                ghost.copying = true;
                ghost.complete = None;
                self.secondary(SecondaryEvent::Resync { incarnation })
            }
            ToSecondary::Suspend { incarnation } if self.state.link_up => {
                dropped_if_refused(self.secondary(SecondaryEvent::Suspend { incarnation }))
            }
            ToSecondary::Suspend { .. } => Ok(()),
        }
    }

    fn deliver(&mut self, message: ToSecondary<Value>, again: bool) -> Done {
        if !again {
            self.state.frames.remove(message);
        }
        let event = match message {
            ToSecondary::Frame(frame) => SecondaryEvent::Frame(frame),
            ToSecondary::Unsequenced { incarnation, block, payload } => {
                SecondaryEvent::Unsequenced { incarnation, block, payload }
            }
            ToSecondary::Resync { incarnation } => SecondaryEvent::Resync { incarnation },
            ToSecondary::Suspend { incarnation } => SecondaryEvent::Suspend { incarnation },
        };
        dropped_if_refused(self.secondary(event))
    }

    fn secondary(&mut self, event: SecondaryEvent<Value>) -> Done {
        let step = self.state.secondary.step(self.world.rules, event);
        if let Some(refusal) = step.refused {
            return Err(WhyNot::Secondary(refusal));
        }
        let was = self.state.secondary;
        self.state.secondary = step.state;
        self.watch_written(was.written);
        for effect in step.effects {
            match effect {
                SecondaryEffect::WriteSpvol { block, payload } => {
                    self.state.spvol[block.0 as usize] = payload;
                }
                SecondaryEffect::Replica(effect) => self.replica(effect),
                SecondaryEffect::Send(ToPrimary::Ack(ack)) => self.send_ack(ack)?,
                SecondaryEffect::Send(ToPrimary::Ready { incarnation, written, dirty }) => {
                    self.primary(PrimaryEvent::Ready { incarnation, written, dirty })?;
                }
                SecondaryEffect::SplitDone(id) => {
                    self.send_to_host(HostMessage::SplitAnswer { id, done: true })?;
                }
            }
        }
        if !was.replica.is_split() && self.state.secondary.replica.is_split() {
            self.state.ghost.svol_good =
                was.consistent && self.state.svol == self.state.ghost.oracle;
        }
        Ok(())
    }

    fn send_ack(&mut self, ack: Ack) -> Done {
        if self.world.bounds.acks == 0 {
            return self.primary(PrimaryEvent::Ack(ack));
        }
        let room = self.state.acks.add(ack, self.world.bounds.acks);
        if room { Ok(()) } else { Err(WhyNot::NoRoom) }
    }

    /// Ghost: follows `written` by the order in which the numbers were given.
    fn watch_written(&mut self, before: Seq) {
        let State { ghost, secondary, .. } = &mut *self.state;
        if ghost.copying {
            self.watch_complete();
        } else {
            let due = |entry: &&Entry<Value>| entry.seq > before && entry.seq <= secondary.written;
            for entry in ghost.order.entries().filter(due) {
                overwrite(&mut ghost.oracle, entry);
            }
        }
        let written = self.state.secondary.written;
        self.state.ghost.order.drop_through(written);
    }

    fn replica(&mut self, effect: ReplicaEffect<BlockSet>) {
        match effect {
            ReplicaEffect::CopyToSvol(block) => {
                let at = block.0 as usize;
                self.state.svol[at] = self.state.spvol[at];
            }
            ReplicaEffect::Reflect(blocks) => {
                for block in blocks.iter() {
                    let at = block.0 as usize;
                    self.state.svol[at] = self.state.spvol[at];
                }
            }
        }
    }

    // The hosts.

    fn deliver_host(&mut self, message: HostMessage, again: bool) -> Done {
        if !again {
            self.state.host.remove(message);
        }
        match message {
            HostMessage::Request(id) => {
                dropped_if_refused(self.coordinator(CoordinatorEvent::Request(id)))
            }
            HostMessage::SplitAnswer { id, done } => {
                dropped_if_refused(self.coordinator(CoordinatorEvent::SplitAnswer { id, done }))
            }
            HostMessage::Permit(id) => {
                dropped_if_refused(self.requester(RequesterEvent::Permit(id)))
            }
            HostMessage::Reject(id) => {
                dropped_if_refused(self.requester(RequesterEvent::Reject(id)))
            }
            // The remote host hands the split to the secondary and sends its answer, a refusal included.
            HostMessage::Split(id) => match self.secondary(SecondaryEvent::Split(id)) {
                Err(WhyNot::Secondary(_)) => {
                    self.send_to_host(HostMessage::SplitAnswer { id, done: false })
                }
                done => done,
            },
        }
    }

    fn send_to_host(&mut self, message: HostMessage) -> Done {
        let room = self.state.host.add(message, self.world.bounds.host_messages);
        // A link that may lose messages loses the one it has no room for.
        if room || self.world.bounds.faults.has(Fault::HostLoss) {
            Ok(())
        } else {
            Err(WhyNot::NoRoom)
        }
    }

    fn requester(&mut self, event: RequesterEvent) -> Done {
        let step = self.state.requester.step(self.world.rules, event);
        if let Some(refusal) = step.refused {
            return Err(WhyNot::Requester(refusal));
        }
        self.state.requester = step.state;
        for effect in step.effects {
            match effect {
                RequesterEffect::Arm(id) => self.secondary(SecondaryEvent::Arm(id))?,
                RequesterEffect::Send(message) => self.send_to_host(message)?,
                RequesterEffect::Read(_) => {}
                RequesterEffect::Release(id) => self.secondary(SecondaryEvent::Release(id))?,
            }
        }
        Ok(())
    }

    fn coordinator(&mut self, event: CoordinatorEvent) -> Done {
        let step = self.state.coordinator.step(self.world.rules, event);
        if let Some(refusal) = step.refused {
            return Err(WhyNot::Coordinator(refusal));
        }
        self.state.coordinator = step.state;
        for effect in step.effects {
            match effect {
                CoordinatorEffect::Freeze(id) => self.database(DatabaseEvent::Freeze(id))?,
                // Sync is begun by an action of its own: anything may happen between freeze and Sync.
                CoordinatorEffect::BeginSync(_) => {}
                // While it waits for the thaw's answer the coordinator thaws by an action of its own.
                CoordinatorEffect::Thaw(_) if self.is_thawing() => {}
                CoordinatorEffect::Thaw(id) => self.database(DatabaseEvent::Thaw(id))?,
                CoordinatorEffect::Send(message) => {
                    if let HostMessage::Permit(id) = message {
                        self.state.ghost.permitted =
                            self.state.ghost.frozen.filter(|frozen| frozen.id == id);
                    }
                    self.send_to_host(message)?;
                }
            }
        }
        Ok(())
    }

    fn is_thawing(&self) -> bool {
        matches!(self.state.coordinator.state, CoordinatorState::Thawing(_))
    }

    fn thaw(&mut self) -> Done {
        match self.state.coordinator.state {
            CoordinatorState::Thawing(id) => self.database(DatabaseEvent::Thaw(id)),
            _ => Err(WhyNot::NotOffered),
        }
    }

    fn database(&mut self, event: DatabaseEvent) -> Done {
        let step = self.state.database.step(self.world.rules, event);
        if let Some(refusal) = step.refused {
            return Err(WhyNot::Database(refusal));
        }
        self.state.database = step.state;
        for effect in step.effects {
            match effect {
                DatabaseEffect::Flush => {}
                DatabaseEffect::AnswerFrozen(id) => {
                    let torn = self.state.database.open > 0;
                    self.state.ghost.frozen =
                        Some(FrozenImage { id, image: self.state.pvol, torn });
                    // The coordinator may have stopped waiting.
                    dropped_if_refused(self.coordinator(CoordinatorEvent::Frozen(id)))?;
                }
                DatabaseEffect::AnswerThawed { id, held } => {
                    if self.is_thawing() {
                        self.coordinator(CoordinatorEvent::Thawed { id, held })?;
                    }
                }
            }
        }
        Ok(())
    }

    fn sync_begin(&mut self) -> Done {
        match Sync::begin(self.world.rules, self.state.primary.view()) {
            Ok(sync) => {
                self.state.sync = Some(sync);
                Ok(())
            }
            Err(_) => self.coordinator(CoordinatorEvent::Synced { done: false }),
        }
    }

    fn sync(&mut self, event: SyncEvent) -> Done {
        let sync = self.state.sync.ok_or(WhyNot::SyncWaits)?;
        let effects = sync.step(self.world.rules, event).effects;
        match effects.first() {
            Some(SyncEffect::Return(outcome)) => {
                self.state.sync = None;
                let done = *outcome == SyncOutcome::Done;
                self.coordinator(CoordinatorEvent::Synced { done })
            }
            Some(SyncEffect::Wait) | None => Err(WhyNot::SyncWaits),
        }
    }
}

/// Puts what an entry leaves in its block into `image`.
fn overwrite(image: &mut Image, entry: &Entry<Value>) {
    if let (Some(block), Some(value)) = (entry.item.block(), payload(entry)) {
        image[block.0 as usize] = value;
    }
}

/// What an entry leaves in its block.
pub(super) fn payload(entry: &Entry<Value>) -> Option<Value> {
    match entry.item {
        Item::Write { payload, .. } | Item::Copy { payload, .. } => Some(payload),
        Item::PairMark => None,
    }
}
