//! The primary: the local array's control of one group (MCU 113). Numbers writes, keeps the journal and the dirty
//! map, and owns the pair state. Contents of volumes never live here; they pass through as payloads.

use core::marker::PhantomData;

use super::containers::{DirtyMap, Journal};
use super::message::{Ack, Entry, Frame, Item, ToPrimary, ToSecondary};
use super::rules::{Rule, Rules};
use super::step::{Broken, Effects, Step, effects, require};
use super::sync::PairView;
use super::types::{BackupId, BlockIndex, Incarnation, PairState, QMarker, Seq};

mod words;

pub use words::{PrimaryEffect, PrimaryEvent, PrimaryRefusal};

/// What a full journal does to the host (rule WRITE-4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum JournalFull {
    /// The host waits until an acknowledgement makes room (inflow control).
    #[default]
    Hold,
    /// The pair is suspended as by a failure, and the host goes on.
    Suspend,
}

/// State of the primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Primary<P, J, D> {
    /// The pair as this side sees it. The P-VOL's side owns the status: commands are checked against it.
    pub state: PairState,
    /// The pairing in force, or the last one while suspended.
    pub incarnation: Incarnation,
    /// The newest number given. Invariant: the last journal entry's, while the journal holds any.
    pub newest: Seq,
    /// The highest number the secondary reported written. Invariant: at most `newest` in COPY and PAIR.
    pub written: Seq,
    /// Entries not known to be written. Invariant: contiguous; empty unless in COPY or PAIR.
    pub journal: J,
    /// Blocks whose copy at the secondary may differ. Invariant: clean in PAIR.
    pub dirty: D,
    /// The pair mark's number once it has entered the journal. Invariant: set only in COPY with a clean map.
    pub mark: Option<Seq>,
    /// The incarnation that was asked for and not yet answered, durable before it is asked for: it may be in force at
    /// the secondary, and a delete has to name it. Invariant: none in COPY and PAIR.
    pub pending: Option<Incarnation>,
    /// The backup for which host writes are held (QUIESCE-1). Volatile.
    pub quiesced: Option<BackupId>,
    /// What a full journal does; configuration, never changed by a step.
    pub journal_full: JournalFull,
    /// The newest number sent; kept only while rule XFER-1 is left out.
    pub sent: Seq,
    payload: PhantomData<fn() -> P>,
}

type Outcome<P> = Result<Effects<PrimaryEffect<P>>, PrimaryRefusal>;

impl<P: Clone, J: Journal<P>, D: DirtyMap> Primary<P, J, D> {
    /// A primary without a pair. `journal` and `dirty` are empty; `dirty` covers the group's blocks.
    #[must_use]
    pub fn new(journal: J, dirty: D, journal_full: JournalFull) -> Self {
        Self {
            state: PairState::Smpl,
            incarnation: Incarnation(0),
            newest: Seq(0),
            written: Seq(0),
            journal,
            dirty,
            mark: None,
            pending: None,
            quiesced: None,
            journal_full,
            sent: Seq(0),
            payload: PhantomData,
        }
    }

    /// Takes one step under `rules`.
    pub fn step(
        mut self,
        rules: Rules,
        event: PrimaryEvent<P, D>,
    ) -> Step<Self, PrimaryEffect<P>, PrimaryRefusal> {
        let outcome = self.on_event(rules, event);
        Step::of(self, outcome)
    }

    /// The step in place, for a caller that keeps the state where it is. What is refused changes nothing.
    pub(crate) fn on_event(&mut self, rules: Rules, event: PrimaryEvent<P, D>) -> Outcome<P> {
        match event {
            PrimaryEvent::HostWrite { block, payload } => self.on_host_write(rules, block, payload),
            PrimaryEvent::Send { seq } => self.on_send(rules, seq),
            PrimaryEvent::CopyBlock { block, payload } => self.on_copy_block(rules, block, payload),
            PrimaryEvent::PairMark => self.on_pair_mark(rules),
            PrimaryEvent::Create => self.on_create(rules),
            PrimaryEvent::Suspend => self.on_suspend(rules),
            PrimaryEvent::Fail => self.on_fail(rules),
            PrimaryEvent::Resync => self.on_resync(rules),
            PrimaryEvent::Delete => Ok(self.on_delete(rules)),
            PrimaryEvent::Quiesce(id) => {
                self.quiesced = Some(id);
                Ok(effects([PrimaryEffect::AnswerQuiesced(id)]))
            }
            PrimaryEvent::Unquiesce(id) => Ok(self.on_unquiesce(rules, id)),
            PrimaryEvent::LeaseExpired => self.on_lease_expired(rules),
            PrimaryEvent::Restart => {
                self.quiesced = None;
                Ok(Effects::new())
            }
            PrimaryEvent::Arrived(ToPrimary::Ack(ack)) => self.on_ack(rules, ack),
            PrimaryEvent::Arrived(ToPrimary::Ready { incarnation, written, dirty }) => {
                self.on_ready(rules, incarnation, written, &dirty)
            }
            PrimaryEvent::Arrived(ToPrimary::Suspended { incarnation }) => {
                self.on_suspended(rules, incarnation)
            }
        }
    }

    /// What the middleware reads when it looks at the pair (\[0031\]-\[0033\], steps 39 to 41).
    #[must_use]
    pub fn view(&self) -> PairView {
        PairView {
            state: self.state,
            newest: QMarker { incarnation: self.incarnation, seq: self.newest },
            written: self.written,
        }
    }

    /// The newest incarnation that this side has asked for or been in: every later pairing has to be newer.
    #[must_use]
    pub fn incarnation_newest(&self) -> Incarnation {
        self.pending.unwrap_or(self.incarnation)
    }

    /// Checks every invariant that stands on a field.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn check(&self) -> Result<(), Broken> {
        let linked = self.state.is_linked();
        let mut last = None;
        for entry in self.journal.iter() {
            let follows = last.is_none_or(|seq: Seq| entry.seq == seq.next());
            require(follows, "primary.journal is contiguous")?;
            last = Some(entry.seq);
        }
        let ends = last.is_none_or(|seq| seq == self.newest);
        require(ends, "primary.newest is the last journal entry's")?;
        require(linked || last.is_none(), "primary.journal is empty unless in COPY or PAIR")?;
        require(!linked || self.written <= self.newest, "primary.written is at most newest")?;
        let pair = self.state == PairState::Pair;
        require(!pair || self.dirty.is_clean(), "primary.dirty is clean in PAIR")?;
        let marked_copy = self.state == PairState::Copy && self.dirty.is_clean();
        require(
            self.mark.is_none() || marked_copy,
            "primary.mark is set only in COPY with a clean map",
        )?;
        require(!linked || self.pending.is_none(), "primary.pending is none in COPY and PAIR")
    }

    fn on_host_write(&mut self, rules: Rules, block: BlockIndex, payload: P) -> Outcome<P> {
        if block.0 >= self.dirty.blocks() {
            return Err(PrimaryRefusal::NoSuchBlock(block));
        }
        if let Some(id) = self.quiesced.filter(|_| rules.has(Rule::Quiesce1)) {
            return Err(PrimaryRefusal::Quiesced(id));
        }
        match self.state {
            PairState::Pair => self.journal_write(rules, Rule::Write1, block, &payload)?,
            PairState::Copy if !self.dirty.is_dirty(block) => {
                self.journal_write(rules, Rule::Write2, block, &payload)?;
            }
            // WRITE-2: the copy that is still to come will carry what this write leaves on the P-VOL.
            PairState::Copy => {}
            PairState::Psus | PairState::Psue if rules.has(Rule::Write3) => self.dirty.mark(block),
            PairState::Psus
            | PairState::Psue
            | PairState::Smpl
            | PairState::Ssus
            | PairState::Ssws => {}
        }
        Ok(effects([PrimaryEffect::WritePvol { block, payload }, PrimaryEffect::AnswerHost]))
    }

    /// Numbers a write and queues it, or does what the configuration says when the journal is full.
    fn journal_write(
        &mut self,
        rules: Rules,
        rule: Rule,
        block: BlockIndex,
        payload: &P,
    ) -> Result<(), PrimaryRefusal> {
        if !rules.has(rule) {
            return Ok(());
        }
        if self.has_no_number(rules) {
            self.become_suspended(PairState::Psue, rules.has(Rule::Pair3));
            self.dirty.mark(block);
            return Ok(());
        }
        // RESYNC-2: writers that took every place as it became free would keep the copier, and COPY, waiting for ever.
        let copying = self.state == PairState::Copy && self.mark.is_none();
        if copying && self.journal.room() <= 1 && rules.has(Rule::Resync2) {
            return Err(PrimaryRefusal::KeptForCopy);
        }
        if self.journal.is_full() && rules.has(Rule::Write4) {
            if self.journal_full == JournalFull::Hold {
                return Err(PrimaryRefusal::JournalFull);
            }
            self.become_suspended(PairState::Psue, rules.has(Rule::Pair3));
            self.dirty.mark(block);
            return Ok(());
        }
        if !self.journal.is_full() {
            self.push(Item::Write { block, payload: payload.clone() });
        }
        Ok(())
    }

    fn on_send(&mut self, rules: Rules, seq: Seq) -> Outcome<P> {
        self.require_linked()?;
        let entry = self.journal.get(seq).ok_or(PrimaryRefusal::NoSuchEntry(seq))?.clone();
        if !rules.has(Rule::Xfer1) {
            if seq <= self.sent {
                return Err(PrimaryRefusal::SentBefore(seq));
            }
            self.sent = seq;
        }
        if !rules.has(Rule::Xfer2)
            && self.journal.iter().next().is_some_and(|first| first.seq == seq)
        {
            self.journal.drop_through(seq);
        }
        let frame = Frame { incarnation: self.incarnation, entry };
        Ok(effects([PrimaryEffect::Send(ToSecondary::Frame(frame))]))
    }

    fn on_ack(&mut self, rules: Rules, ack: Ack) -> Outcome<P> {
        self.require_linked()?;
        if ack.incarnation != self.incarnation && rules.has(Rule::Xfer4) {
            return Err(PrimaryRefusal::StaleIncarnation(ack.incarnation));
        }
        if ack.written > self.newest {
            return Err(PrimaryRefusal::AckBeyondNewest(ack.written));
        }
        // Acknowledgements may overtake each other; an older one must not take `written` back.
        self.written = self.written.max(ack.written);
        self.journal.drop_through(ack.written);
        if self.mark.is_some_and(|mark| self.written >= mark) {
            self.mark = None;
            self.state = PairState::Pair;
        }
        Ok(Effects::new())
    }

    fn on_copy_block(&mut self, rules: Rules, block: BlockIndex, payload: P) -> Outcome<P> {
        self.require_copy()?;
        if !self.dirty.is_dirty(block) {
            return Err(PrimaryRefusal::NotDirty(block));
        }
        if !rules.has(Rule::Resync2) {
            self.dirty.clean(block);
            let incarnation = self.incarnation;
            let copy = ToSecondary::Unsequenced { incarnation, block, payload };
            return Ok(effects([PrimaryEffect::Send(copy)]));
        }
        if self.has_no_number(rules) {
            self.become_suspended(PairState::Psue, rules.has(Rule::Pair3));
            return Ok(Effects::new());
        }
        if self.journal.is_full() {
            return Err(PrimaryRefusal::JournalFull);
        }
        // RESYNC-2: clean from here on, since later writes to the block queue up behind its copy.
        self.dirty.clean(block);
        self.push(Item::Copy { block, payload });
        Ok(Effects::new())
    }

    fn on_pair_mark(&mut self, rules: Rules) -> Outcome<P> {
        self.require_copy()?;
        if !self.dirty.is_clean() {
            return Err(PrimaryRefusal::StillDirty);
        }
        if self.mark.is_some() {
            return Err(PrimaryRefusal::MarkedBefore);
        }
        if !rules.has(Rule::Resync3) {
            self.state = PairState::Pair;
            return Ok(Effects::new());
        }
        if self.has_no_number(rules) {
            self.become_suspended(PairState::Psue, rules.has(Rule::Pair3));
            return Ok(Effects::new());
        }
        if self.journal.is_full() {
            return Err(PrimaryRefusal::JournalFull);
        }
        self.push(Item::PairMark);
        self.mark = Some(self.newest);
        Ok(Effects::new())
    }

    fn on_create(&mut self, rules: Rules) -> Outcome<P> {
        if self.state.is_linked() {
            // The pair is there already: the command has nothing to do.
            return Ok(Effects::new());
        }
        if self.state != PairState::Smpl {
            return Err(PrimaryRefusal::WrongState(self.state));
        }
        let asked = self.request_incarnation(rules)?;
        if rules.has(Rule::Pair1) {
            self.dirty.mark_all();
        }
        Ok(asked)
    }

    fn on_suspend(&mut self, rules: Rules) -> Outcome<P> {
        if self.state.is_suspended() {
            // A resync that has not been answered is taken back, and its number used up: otherwise the answer would
            // still bring the pair to COPY, after the operator has suspended it.
            let Some(incarnation) = self.pending.take() else {
                // Suspended already, whatever for: the command has nothing to do.
                return Ok(Effects::new());
            };
            self.incarnation = incarnation;
            return Ok(effects([PrimaryEffect::Send(ToSecondary::Suspend { incarnation })]));
        }
        self.require_linked()?;
        let incarnation = self.incarnation;
        self.become_suspended(PairState::Psus, rules.has(Rule::Pair2));
        Ok(effects([PrimaryEffect::Send(ToSecondary::Suspend { incarnation })]))
    }

    fn on_fail(&mut self, rules: Rules) -> Outcome<P> {
        self.require_linked()?;
        self.become_suspended(PairState::Psue, rules.has(Rule::Pair3));
        Ok(Effects::new())
    }

    fn on_resync(&mut self, rules: Rules) -> Outcome<P> {
        if self.state.is_linked() {
            // Linked, or copying already: the command has nothing to do.
            return Ok(Effects::new());
        }
        if !self.state.is_suspended() {
            return Err(PrimaryRefusal::WrongState(self.state));
        }
        self.request_incarnation(rules)
    }

    fn on_ready(
        &mut self,
        rules: Rules,
        incarnation: Incarnation,
        written: Seq,
        dirty: &D,
    ) -> Outcome<P> {
        if self.pending != Some(incarnation) {
            return Err(PrimaryRefusal::StaleIncarnation(incarnation));
        }
        if rules.has(Rule::Resync1) {
            self.dirty.union(dirty);
        }
        self.pending = None;
        self.incarnation = incarnation;
        // The journal is empty since the suspension, so the secondary's count is where numbering goes on.
        self.newest = written;
        self.written = written;
        self.state = PairState::Copy;
        if !rules.has(Rule::Xfer1) {
            self.sent = written;
        }
        Ok(Effects::new())
    }

    /// PAIR-3, heard from the other side. Story of why the secondary has to say so:
    /// 1. The secondary takes the link for failed and leaves the pairing; the link works, and the primary stays.
    /// 2. The primary numbers writes and sends them, and the secondary refuses every one.
    /// 3. Nothing fails that the primary could see: it would send for ever, and Sync wait for ever.
    fn on_suspended(&mut self, rules: Rules, incarnation: Incarnation) -> Outcome<P> {
        let in_force = incarnation == self.incarnation || !rules.has(Rule::Xfer4);
        if self.state.is_linked() && in_force {
            self.become_suspended(PairState::Psue, rules.has(Rule::Pair3));
            return Ok(Effects::new());
        }
        if self.pending == Some(incarnation) {
            // What was asked for has begun and ended over there; the next resync asks for a newer one.
            self.pending = None;
            self.incarnation = incarnation;
            return Ok(Effects::new());
        }
        Err(PrimaryRefusal::StaleIncarnation(incarnation))
    }

    fn on_delete(&mut self, rules: Rules) -> Effects<PrimaryEffect<P>> {
        // A number that was asked for may be in force at the secondary: it is used up, so that no later pair has it.
        let incarnation = self.incarnation_newest();
        let was = self.state;
        self.become_suspended(PairState::Smpl, false);
        self.dirty.clean_all();
        if was == PairState::Smpl && self.incarnation == incarnation || !rules.has(Rule::Pair4) {
            return Effects::new();
        }
        self.incarnation = incarnation;
        effects([PrimaryEffect::Send(ToSecondary::Delete { incarnation })])
    }

    fn on_unquiesce(&mut self, rules: Rules, id: BackupId) -> Effects<PrimaryEffect<P>> {
        // FREEZE-3 for a hold: one that ended by its lease, or by a crash, or was another's, did not last.
        let held = self.quiesced == Some(id);
        if held {
            self.quiesced = None;
        }
        let held = held || !rules.has(Rule::Freeze3);
        effects([PrimaryEffect::AnswerReleased { id, held }])
    }

    fn on_lease_expired(&mut self, rules: Rules) -> Outcome<P> {
        // FREEZE-2 for a hold: nobody's death leaves the hosts waiting.
        if self.quiesced.is_none() || !rules.has(Rule::Freeze2) {
            return Err(PrimaryRefusal::NotQuiesced);
        }
        self.quiesced = None;
        Ok(Effects::new())
    }

    /// Leaves COPY or PAIR. Story of why the journal turns into marks (PAIR-2, PAIR-3):
    /// 1. A write takes seq 7 and enters the journal; its frame is lost.
    /// 2. The link fails; the pair suspends; the journal is emptied, since its numbers end with the incarnation.
    /// 3. Unless the block is dirty now, the next resync does not copy it: the S/P-VOL lacks the write in PAIR.
    fn become_suspended(&mut self, state: PairState, mark_journal: bool) {
        if mark_journal {
            for block in self.journal.iter().filter_map(|entry| entry.item.block()) {
                self.dirty.mark(block);
            }
        }
        self.journal.clear();
        self.mark = None;
        self.pending = None;
        self.state = state;
    }

    /// Asks the secondary to start a new incarnation, or asks again for the one already asked for.
    fn request_incarnation(&mut self, rules: Rules) -> Outcome<P> {
        if self.has_no_number(rules) {
            return Err(PrimaryRefusal::SeqsEnded);
        }
        let is_last = self.pending.is_none() && self.incarnation == Incarnation::LAST;
        if is_last && rules.has(Rule::Number2) {
            return Err(PrimaryRefusal::IncarnationsEnded);
        }
        let fresh =
            if rules.has(Rule::Resync1) { self.incarnation.next() } else { self.incarnation };
        let incarnation = self.pending.unwrap_or(fresh);
        self.pending = Some(incarnation);
        Ok(effects([PrimaryEffect::Send(ToSecondary::Resync { incarnation })]))
    }

    /// Whether the last number has been given (NUMBER-1). Story of why nothing goes on then:
    /// 1. The write with the last seq is written remotely; the next write is given the same number.
    /// 2. The secondary refuses its frame as written, and reports the last seq once more.
    /// 3. The report takes the write out of the journal, and Sync is done: no trace of the write is left.
    fn has_no_number(&self, rules: Rules) -> bool {
        self.newest == Seq::LAST && rules.has(Rule::Number1)
    }

    fn push(&mut self, item: Item<P>) {
        self.newest = self.newest.next();
        self.journal.push(Entry { seq: self.newest, item });
    }

    fn require_linked(&self) -> Result<(), PrimaryRefusal> {
        if self.state.is_linked() { Ok(()) } else { Err(PrimaryRefusal::WrongState(self.state)) }
    }

    fn require_copy(&self) -> Result<(), PrimaryRefusal> {
        if self.state == PairState::Copy {
            Ok(())
        } else {
            Err(PrimaryRefusal::WrongState(self.state))
        }
    }
}
