//! The secondary: the remote array's control of one group (RCU 114). Queues what arrives, applies it in order, reports
//! how far it has written, and holds the replica pair.

use core::marker::PhantomData;

use super::containers::{DirtyMap, ReorderQueue};
use super::message::{Ack, Entry, Frame, Item, ToPrimary, ToSecondary};
use super::replica::{Purpose, Replica, ReplicaEvent, ReplicaState};
use super::rules::{Rule, Rules};
use super::step::{Broken, Effects, Step, effects, require};
use super::types::{BackupId, BlockIndex, Incarnation, PairState, Seq};

mod words;

pub use words::{SecondaryEffect, SecondaryEvent, SecondaryRefusal};

/// State of the secondary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Secondary<P, Q, D> {
    /// The pair as this side sees it.
    pub state: PairState,
    /// The pairing in force, or the last one while suspended.
    pub incarnation: Incarnation,
    /// The highest seq applied to the S/P-VOL's cache, with all before it.
    pub written: Seq,
    /// Entries ahead of their turn. Volatile. Invariant: every seq above `written`; empty unless in COPY or PAIR.
    pub queue: Q,
    /// Blocks in which this side may differ from the primary's knowledge: arrivals given up at a suspension, and
    /// writes after a takeover.
    pub dirty: D,
    /// Whether the S/P-VOL is the image of a prefix of the writes (RESYNC-3). Invariant: set in PAIR, unset in COPY.
    pub consistent: bool,
    /// The replica pair S/P-VOL -> S-VOL.
    pub replica: Replica<D>,
    /// The backup the requester armed, for which alone a split is executed (SPLIT-2). Volatile.
    pub armed: Option<BackupId>,
    payload: PhantomData<fn() -> P>,
}

type Outcome<P, D> = Result<Effects<SecondaryEffect<P, D>>, SecondaryRefusal>;

impl<P: Clone, Q: ReorderQueue<P>, D: DirtyMap + Clone> Secondary<P, Q, D> {
    /// A secondary without a pair. `queue` is empty; `dirty` is clean and covers the group's blocks.
    #[must_use]
    pub fn new(queue: Q, dirty: D) -> Self {
        Self {
            state: PairState::Smpl,
            incarnation: Incarnation(0),
            written: Seq(0),
            queue,
            replica: Replica::new(dirty.clone()),
            dirty,
            consistent: false,
            armed: None,
            payload: PhantomData,
        }
    }

    /// Takes one step under `rules`.
    pub fn step(
        mut self,
        rules: Rules,
        event: SecondaryEvent<P>,
    ) -> Step<Self, SecondaryEffect<P, D>, SecondaryRefusal> {
        let outcome = self.on_event(rules, event);
        Step::of(self, outcome)
    }

    /// The step in place, for a caller that keeps the state where it is. What is refused changes nothing.
    pub(crate) fn on_event(&mut self, rules: Rules, event: SecondaryEvent<P>) -> Outcome<P, D> {
        match event {
            SecondaryEvent::Arrived(message) => self.on_message(rules, message),
            SecondaryEvent::Apply => self.on_apply(rules),
            SecondaryEvent::Report => self.on_report(rules),
            SecondaryEvent::Fail => self.on_fail(),
            SecondaryEvent::Restart => {
                // Nothing that is lost here was ever reported as written: it is sent again (XFER-1).
                self.queue.clear();
                self.armed = None;
                Ok(Effects::new())
            }
            SecondaryEvent::Arm(id) => {
                self.armed = Some(id);
                Ok(Effects::new())
            }
            SecondaryEvent::Release(id) => self.on_release(rules, id),
            SecondaryEvent::Split(id) => self.on_split(rules, id),
            SecondaryEvent::CopyReplica(block) => {
                self.replica(rules, ReplicaEvent::CopyBlock(block))
            }
            SecondaryEvent::Takeover { force } => self.on_takeover(rules, force),
            SecondaryEvent::RemoteWrite { block, payload } => {
                self.on_remote_write(rules, block, payload)
            }
        }
    }

    /// Checks every invariant that stands on a field.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn check(&self) -> Result<(), Broken> {
        let ahead = self.queue.iter().all(|entry| entry.seq > self.written);
        require(ahead, "secondary.queue is above written")?;
        let empty = self.queue.iter().next().is_none();
        require(
            empty || self.state.is_linked(),
            "secondary.queue is empty unless in COPY or PAIR",
        )?;
        let pair = self.state == PairState::Pair;
        let copy = self.state == PairState::Copy;
        require(!pair || self.consistent, "secondary.consistent is set in PAIR")?;
        require(!copy || !self.consistent, "secondary.consistent is unset in COPY")
    }

    fn on_message(&mut self, rules: Rules, message: ToSecondary<P>) -> Outcome<P, D> {
        match message {
            ToSecondary::Frame(frame) => self.on_frame(rules, frame),
            ToSecondary::Unsequenced { incarnation, block, payload } => {
                self.on_unsequenced(rules, incarnation, block, payload)
            }
            ToSecondary::Resync { incarnation } => self.on_resync(rules, incarnation),
            ToSecondary::Suspend { incarnation } => self.on_suspend(rules, incarnation),
            ToSecondary::Delete { incarnation } => self.on_delete(incarnation),
        }
    }

    fn on_frame(&mut self, rules: Rules, frame: Frame<P>) -> Outcome<P, D> {
        self.require_incarnation(rules, frame.incarnation)?;
        let seq = frame.entry.seq;
        if let Some(block) = frame.entry.item.block().filter(|block| block.0 >= self.dirty.blocks())
        {
            return Err(SecondaryRefusal::NoSuchBlock(block));
        }
        if !rules.has(Rule::Xfer3) {
            return self.apply(rules, frame.entry);
        }
        if seq <= self.written || self.queue.contains(seq) {
            return Err(SecondaryRefusal::Duplicate(seq));
        }
        // The next entry always has a place: a queue full of later ones would wait for it for ever.
        if self.queue.is_full() && seq != self.written.next() {
            return Err(SecondaryRefusal::QueueFull(seq));
        }
        self.queue.insert(frame.entry);
        Ok(Effects::new())
    }

    fn on_unsequenced(
        &mut self,
        rules: Rules,
        incarnation: Incarnation,
        block: BlockIndex,
        payload: P,
    ) -> Outcome<P, D> {
        self.require_incarnation(rules, incarnation)?;
        if rules.has(Rule::Resync2) {
            return Err(SecondaryRefusal::WrongState(self.state));
        }
        if block.0 >= self.dirty.blocks() {
            return Err(SecondaryRefusal::NoSuchBlock(block));
        }
        self.write_spvol(rules, block, payload)
    }

    fn on_apply(&mut self, rules: Rules) -> Outcome<P, D> {
        self.require_linked()?;
        // XFER-3: exactly the next number, whatever else has arrived.
        let next = self.written.next();
        match self.queue.take(next) {
            Some(entry) => self.apply(rules, entry),
            None => Err(SecondaryRefusal::NothingToApply(next)),
        }
    }

    fn apply(&mut self, rules: Rules, entry: Entry<P>) -> Outcome<P, D> {
        self.written = self.written.max(entry.seq);
        match entry.item {
            Item::Write { block, payload } | Item::Copy { block, payload } => {
                self.write_spvol(rules, block, payload)
            }
            Item::PairMark => self.become_pair(rules),
        }
    }

    /// RESYNC-3: the mark's turn has come, so every block was copied and every write since applied in order.
    fn become_pair(&mut self, rules: Rules) -> Outcome<P, D> {
        self.state = PairState::Pair;
        self.consistent = true;
        self.dirty.clean_all();
        if self.replica.state == ReplicaState::Split(Purpose::Gold) {
            return self.replica(rules, ReplicaEvent::Resync);
        }
        Ok(Effects::new())
    }

    fn on_report(&mut self, rules: Rules) -> Outcome<P, D> {
        if self.state.has_left() && rules.has(Rule::Pair3) {
            let incarnation = self.incarnation;
            return Ok(effects([SecondaryEffect::Send(ToPrimary::Suspended { incarnation })]));
        }
        self.require_linked()?;
        let ack = Ack { incarnation: self.incarnation, written: self.written };
        Ok(effects([SecondaryEffect::Send(ToPrimary::Ack(ack))]))
    }

    fn on_resync(&mut self, rules: Rules, incarnation: Incarnation) -> Outcome<P, D> {
        if self.state == PairState::Ssws {
            return Err(SecondaryRefusal::WrongState(self.state));
        }
        if incarnation < self.incarnation {
            return Err(SecondaryRefusal::StaleIncarnation(incarnation));
        }
        if incarnation == self.incarnation && rules.has(Rule::Resync1) && !self.state.is_linked() {
            // That pairing has begun and ended here already; reports say so.
            return Err(SecondaryRefusal::WrongState(self.state));
        }
        let mut effects = Effects::new();
        if incarnation > self.incarnation || !rules.has(Rule::Resync1) {
            // RESYNC-4: keep the last consistent image before COPY overwrites the S/P-VOL. A replica pair that is
            // split already holds one.
            if rules.has(Rule::Resync4) && self.consistent && !self.replica.is_split() {
                effects = self.replica(rules, ReplicaEvent::Split(Purpose::Gold))?;
            }
            self.incarnation = incarnation;
            self.queue.clear();
            if rules.has(Rule::Resync3) {
                self.state = PairState::Copy;
                self.consistent = false;
            } else {
                self.state = PairState::Pair;
                self.consistent = true;
            }
        }
        effects.push(SecondaryEffect::Send(ToPrimary::Ready {
            incarnation,
            written: self.written,
            dirty: self.dirty.clone(),
        }));
        Ok(effects)
    }

    fn on_suspend(&mut self, rules: Rules, incarnation: Incarnation) -> Outcome<P, D> {
        self.require_incarnation(rules, incarnation)?;
        self.become_suspended(PairState::Ssus);
        Ok(Effects::new())
    }

    /// PAIR-4: the pair is no more; the S/P-VOL stays what it is. Story of why the number is taken over in SMPL too:
    /// 1. The primary asks for incarnation 1 and deletes the pair before the answer.
    /// 2. The delete overtakes the request: no pair is here, and there is nothing to end.
    /// 3. The request arrives. Unless 1 is used up by now, this side goes to COPY for a pair that is no more.
    fn on_delete(&mut self, incarnation: Incarnation) -> Outcome<P, D> {
        if self.state == PairState::Ssws {
            return Err(SecondaryRefusal::WrongState(self.state));
        }
        if incarnation < self.incarnation {
            return Err(SecondaryRefusal::StaleIncarnation(incarnation));
        }
        self.become_suspended(PairState::Smpl);
        self.dirty.clean_all();
        self.incarnation = incarnation;
        Ok(Effects::new())
    }

    fn on_fail(&mut self) -> Outcome<P, D> {
        self.require_linked()?;
        self.become_suspended(PairState::Psue);
        Ok(Effects::new())
    }

    /// Gives up what arrived ahead of its turn; the blocks are noted, since the primary may think them delivered.
    fn become_suspended(&mut self, state: PairState) {
        for block in self.queue.iter().filter_map(|entry| entry.item.block()) {
            self.dirty.mark(block);
        }
        self.queue.clear();
        self.state = state;
    }

    fn on_release(&mut self, rules: Rules, id: BackupId) -> Outcome<P, D> {
        if self.armed == Some(id) {
            self.armed = None;
        }
        let ReplicaState::Split(Purpose::Backup(held)) = self.replica.state else {
            return Ok(Effects::new());
        };
        // Whoever has done with a backup has done with those before it; a release of one of them may have been missed.
        if held > id && rules.has(Rule::Split2) {
            return Ok(Effects::new());
        }
        if !self.consistent && rules.has(Rule::Resync4) {
            // RESYNC-4: until PAIR the S-VOL is the only consistent image, so it turns into the gold copy.
            self.replica.state = ReplicaState::Split(Purpose::Gold);
            return Ok(Effects::new());
        }
        self.replica(rules, ReplicaEvent::Resync)
    }

    /// Executes a split once, for the armed id only. Story of a split that was delayed (SPLIT-2):
    /// 1. Backup 1 is given up while its split is on the way; the requester starts backup 2.
    /// 2. The database freezes, Sync runs; before it completes, the split of backup 1 arrives.
    /// 3. Executed, it would leave an S-VOL without the writes Sync is still waiting for, and the split of backup 2
    ///    would find the replica pair split already.
    fn on_split(&mut self, rules: Rules, id: BackupId) -> Outcome<P, D> {
        if rules.has(Rule::Split2) && self.armed != Some(id) {
            return Err(SecondaryRefusal::NotArmed(id));
        }
        // TAKEOVER-1: what the remote host has written is in nobody's Sync.
        if self.state == PairState::Ssws && rules.has(Rule::Takeover1) {
            return Err(SecondaryRefusal::WrongState(self.state));
        }
        if let ReplicaState::Split(Purpose::Backup(held)) = self.replica.state {
            // The same split came again, and its answer may have been lost. Without SPLIT-2 any split of a split pair
            // is accepted and does nothing, as the shipped command does.
            if held == id || !rules.has(Rule::Split2) {
                return Ok(effects([SecondaryEffect::SplitDone(id)]));
            }
        }
        if rules.has(Rule::Resync4) && !self.consistent {
            return Err(SecondaryRefusal::NotConsistent);
        }
        let mut effects = self.replica(rules, ReplicaEvent::Split(Purpose::Backup(id)))?;
        effects.push(SecondaryEffect::SplitDone(id));
        Ok(effects)
    }

    fn on_takeover(&mut self, rules: Rules, force: bool) -> Outcome<P, D> {
        if matches!(self.state, PairState::Smpl | PairState::Ssws) {
            return Err(SecondaryRefusal::WrongState(self.state));
        }
        if !rules.has(Rule::Takeover1) {
            self.become_suspended(PairState::Ssws);
            return Ok(Effects::new());
        }
        let next = self.written.next();
        if self.queue.contains(next) {
            return Err(SecondaryRefusal::ApplyFirst(next));
        }
        // RESYNC-4: in COPY the last consistent image stands on the split S-VOL, and is brought back from there.
        let has_gold = self.replica.is_split() && rules.has(Rule::Resync4);
        if !self.consistent && !has_gold && !force {
            return Err(SecondaryRefusal::NotConsistent);
        }
        let restores = !self.consistent && has_gold;
        // From here the old primary is refused by the state itself, whatever incarnation it names.
        self.become_suspended(PairState::Ssws);
        if !restores {
            return Ok(Effects::new());
        }
        // TAKEOVER-2: what the copying had brought over is undone, so the old primary has it and this side has not.
        self.dirty.union(&self.replica.dirty);
        self.consistent = true;
        self.replica(rules, ReplicaEvent::Restore)
    }

    fn on_remote_write(&mut self, rules: Rules, block: BlockIndex, payload: P) -> Outcome<P, D> {
        if self.state != PairState::Ssws && rules.has(Rule::Takeover1) {
            return Err(SecondaryRefusal::WrongState(self.state));
        }
        if block.0 >= self.dirty.blocks() {
            return Err(SecondaryRefusal::NoSuchBlock(block));
        }
        if rules.has(Rule::Takeover2) {
            self.dirty.mark(block);
        }
        self.write_spvol(rules, block, payload)
    }

    fn write_spvol(&mut self, rules: Rules, block: BlockIndex, payload: P) -> Outcome<P, D> {
        self.replica(rules, ReplicaEvent::SourceWritten(block))?;
        Ok(effects([SecondaryEffect::WriteSpvol { block, payload }]))
    }

    /// Lets the replica pair take a step and passes its effects on.
    fn replica(&mut self, rules: Rules, event: ReplicaEvent) -> Outcome<P, D> {
        let effects = self.replica.on_event(rules, event).map_err(SecondaryRefusal::Replica)?;
        Ok(effects.into_iter().map(SecondaryEffect::Replica).collect())
    }

    fn require_linked(&self) -> Result<(), SecondaryRefusal> {
        if self.state.is_linked() { Ok(()) } else { Err(SecondaryRefusal::WrongState(self.state)) }
    }

    /// XFER-4: a message acts only in the incarnation it was sent in.
    fn require_incarnation(
        &self,
        rules: Rules,
        incarnation: Incarnation,
    ) -> Result<(), SecondaryRefusal> {
        self.require_linked()?;
        if incarnation != self.incarnation && rules.has(Rule::Xfer4) {
            return Err(SecondaryRefusal::StaleIncarnation(incarnation));
        }
        Ok(())
    }
}
