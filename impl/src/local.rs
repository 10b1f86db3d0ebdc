//! The local array's node: the primary's state behind its lock, the P-VOL, and what hosts and operators ask of them.
//!
//! Every operation locks the primary, takes one step, performs its effects in order and unlocks; an operation that
//! the journal or a backup holds up waits for a change and tries again. What the array link asks and answers is in
//! [`link`], holds are in [`hold`], Sync is in [`sync`]; threads live in [`crate::site`].

pub mod hold;
pub mod link;
pub mod sync;

use std::time::Duration;

use syncsplit_model::protocol::primary::{
    JournalFull, Primary, PrimaryEffect, PrimaryEvent, PrimaryRefusal,
};
use syncsplit_model::protocol::secondary::SecondaryRefusal;
use syncsplit_model::protocol::sync::PairView;
use syncsplit_model::protocol::{BackupId, BlockIndex, Incarnation, PairState, Seq, ToSecondary};
use syncsplit_model::record::{HandedOver, Side, Start, blocks};

use crate::clock::Timer;
use crate::containers::{BitMap, VecJournal};
use crate::doorway::{Arc, Condvar, Mutex, Weak};
use crate::error::NodeError;
use crate::failback::{OldPrimary, TakenOver};
use crate::mailbox::Outbox;
use crate::payload::Payload;
use crate::roles::{LocalPrimary, Protocol, Roles};
use crate::slot::Slot;
use crate::trace::{RoleRecord, Taken, TraceSink, digest};
use crate::volume::{Volume, VolumeError};

/// What a local node is told once.
#[derive(Clone, Debug)]
pub struct LocalConfig {
    /// The group's name, by which commands address it.
    pub group: String,
    /// CCI's number of the array, for reports.
    pub unit: u32,
    /// CCI's number of the consistency group, for reports.
    pub ctgid: u32,
    /// How many entries the journal holds; what happens beyond is [`LocalConfig::journal_full`]'s. In COPY the last place
    /// is the copier's (RESYNC-2). 0 counts as 1.
    pub journal_max: usize,
    /// What a full journal does to the host (WRITE-4).
    pub journal_full: JournalFull,
    /// After how many ticks in a row with the link down, or with entries waiting and none reported written, the
    /// pair is suspended as by a failure (PAIR-3). 0 counts as 1.
    pub patience_ticks: u32,
    /// How long host writes are held for a backup at most (QUIESCE-1, FREEZE-2).
    pub hold_lease: Duration,
    /// How the primary, a Sync and the coordinator take their steps.
    pub roles: Arc<dyn Roles>,
}

impl Default for LocalConfig {
    fn default() -> Self {
        Self {
            group: "group".to_owned(),
            unit: 0,
            ctgid: 0,
            journal_max: 1024,
            journal_full: JournalFull::Hold,
            patience_ticks: 100,
            hold_lease: Duration::from_secs(120),
            roles: Arc::new(Protocol),
        }
    }
}

/// The local array's control of one group, shared by host writers, sender, receiver, clock and coordinator.
pub struct LocalNode {
    inner: Mutex<Inner>,
    /// Signalled when a write that was held up may pass.
    room: Condvar,
    /// Signalled when the pair's view changed, or a Sync returned.
    settled: Condvar,
    /// Signalled when there may be something to send or to copy.
    work: Condvar,
    volume: Arc<dyn Volume>,
    timer: Arc<dyn Timer>,
    trace: Arc<dyn TraceSink>,
    config: LocalConfig,
    /// This node, for the deadlines it registers.
    own: Weak<Self>,
}

/// What the primary's lock guards.
struct Inner {
    primary: Slot<LocalPrimary>,
    outbox: Outbox<ToSecondary<Payload>>,
    /// The newest number sent over the connection in use; what lies above is sent next.
    sent: Seq,
    /// Where the copier looks for the next dirty block, so that a large map is walked once and not once a block.
    copied: BlockIndex,
    link: link::Watch,
    hold: hold::Watch,
    syncs: sync::BegunSyncs,
    stopping: bool,
}

/// What has to change before a waiting thread can go on: a Sync, a writer that was held up, or who watches the pair.
fn awaited(primary: &LocalPrimary) -> (PairState, Incarnation, Seq, Option<BackupId>) {
    (primary.state, primary.incarnation, primary.written, primary.quiesced)
}

impl LocalNode {
    /// A node without a pair, around a P-VOL.
    #[must_use]
    pub fn new(
        config: LocalConfig,
        volume: Arc<dyn Volume>,
        timer: Arc<dyn Timer>,
        trace: Arc<dyn TraceSink>,
    ) -> Arc<Self> {
        let journal = VecJournal::new(config.journal_max.max(1));
        let primary = Primary::new(journal, BitMap::new(volume.blocks()), config.journal_full);
        Self::around(config, primary, None, volume, timer, trace)
    }

    /// Failback: a node of the side that was taken over, around its old S/P-VOL. It is suspended, and the resync that
    /// follows brings to the other side what was written here since the takeover (TAKEOVER-2). `newest` is what the old
    /// primary says of [`OldPrimary::incarnation_newest`].
    ///
    /// # Errors
    /// The secondary is not in SSWS, which no [`RemoteNode::hand_over`](crate::remote::RemoteNode::hand_over) leaves.
    pub fn from_taken_over(
        config: LocalConfig,
        taken_over: TakenOver,
        newest: Incarnation,
        timer: Arc<dyn Timer>,
        trace: Arc<dyn TraceSink>,
    ) -> Result<Arc<Self>, NodeError> {
        let TakenOver { secondary, volume } = taken_over;
        let (state, journal) = (secondary.state, VecJournal::new(config.journal_max.max(1)));
        let primary = config
            .roles
            .primary_of_taken_over(secondary, journal, config.journal_full, newest)
            .ok_or(NodeError::Secondary(SecondaryRefusal::WrongState(state)))?;
        let from = Some(HandedOver::Primary((&primary).into()));
        Ok(Self::around(config, primary, from, volume, timer, trace))
    }

    fn around(
        config: LocalConfig,
        primary: LocalPrimary,
        from: Option<HandedOver>,
        volume: Arc<dyn Volume>,
        timer: Arc<dyn Timer>,
        trace: Arc<dyn TraceSink>,
    ) -> Arc<Self> {
        trace.record(RoleRecord::Start(Start {
            side: Side::Primary,
            blocks: volume.blocks(),
            block_size: Some(volume.block_size()),
            entries_max: Some(primary.journal.capacity()),
            journal_full: Some(config.journal_full),
            from,
        }));
        let inner = Inner {
            primary: Slot::new("primary", primary),
            outbox: Outbox::new(),
            sent: Seq(0),
            copied: BlockIndex(0),
            link: link::Watch::default(),
            hold: hold::Watch::default(),
            syncs: sync::BegunSyncs::default(),
            stopping: false,
        };
        Arc::new_cyclic(|own| Self {
            inner: Mutex::new(inner),
            room: Condvar::new(),
            settled: Condvar::new(),
            work: Condvar::new(),
            volume,
            timer,
            trace,
            config,
            own: Weak::clone(own),
        })
    }

    /// What this node was told.
    #[must_use]
    pub const fn config(&self) -> &LocalConfig {
        &self.config
    }

    /// Writes one block as a host does; returns when the write is on the P-VOL and, in PAIR, in the journal
    /// (WRITE-1 to WRITE-3). Waits while the journal is full, its last place is the copier's, or writes are held (WRITE-4,
    /// RESYNC-2, QUIESCE-1).
    ///
    /// # Errors
    /// The payload is not one block long, the group has no such block, the P-VOL failed, or the node is stopping.
    /// After a failure of the P-VOL the block's contents are undefined there, the pair is suspended, and the block
    /// is marked for the next resync.
    pub fn write(&self, block: BlockIndex, payload: Payload) -> Result<(), NodeError> {
        self.require_length(block, &payload)?;
        let mut inner = self.inner.lock();
        loop {
            if inner.stopping {
                return Err(NodeError::Stopped);
            }
            let event = PrimaryEvent::HostWrite { block, payload: payload.clone() };
            match self.take(&mut inner, event) {
                Err(NodeError::Primary(refusal)) if passes(refusal) => {
                    inner = self.room.wait(inner);
                }
                outcome => return outcome,
            }
        }
    }

    /// Writes one block as a host does, without waiting.
    ///
    /// # Errors
    /// As [`LocalNode::write`]; and the refusals it waits on.
    pub fn try_write(&self, block: BlockIndex, payload: Payload) -> Result<(), NodeError> {
        self.require_length(block, &payload)?;
        self.take(&mut self.inner.lock(), PrimaryEvent::HostWrite { block, payload })
    }

    /// What the P-VOL holds in `block`.
    ///
    /// # Errors
    /// The group has no such block, or the P-VOL failed.
    pub fn read(&self, block: BlockIndex) -> Result<Payload, NodeError> {
        let no_write_meanwhile = self.inner.lock();
        no_write_meanwhile.primary.get()?;
        self.volume.read(block).map_err(pvol)
    }

    /// Makes every write answered so far durable on the P-VOL.
    ///
    /// # Errors
    /// The P-VOL failed.
    pub fn flush(&self) -> Result<(), NodeError> {
        self.volume.flush().map_err(pvol)
    }

    /// Command: makes the pair (PAIR-1). The copy runs on after this returns; the clock asks the secondary again until it
    /// has answered. Nothing to do in COPY and PAIR.
    ///
    /// # Errors
    /// The pair is suspended.
    pub fn create(&self) -> Result<(), NodeError> {
        self.take(&mut self.inner.lock(), PrimaryEvent::Create)
    }

    /// Command: suspends the pair, and takes back a resync that has not been answered (PAIR-2).
    ///
    /// # Errors
    /// The volume is in no pair.
    pub fn suspend(&self) -> Result<(), NodeError> {
        self.take(&mut self.inner.lock(), PrimaryEvent::Suspend)
    }

    /// The link failed, or is thought to have: suspends the pair (PAIR-3).
    ///
    /// # Errors
    /// The pair is neither in COPY nor in PAIR.
    pub fn fail(&self) -> Result<(), NodeError> {
        self.take(&mut self.inner.lock(), PrimaryEvent::Fail)
    }

    /// Command: brings a suspended pair back (RESYNC-1). The copy runs on after this returns; the clock asks the secondary
    /// again until it has answered. Nothing to do in COPY and PAIR.
    ///
    /// # Errors
    /// The volume is in no pair.
    pub fn resync(&self) -> Result<(), NodeError> {
        self.take(&mut self.inner.lock(), PrimaryEvent::Resync)
    }

    /// Command: ends the pair, and tells the secondary (PAIR-4); the volumes keep their contents. Nothing to do in SMPL. A
    /// secondary that does not hear of it learns of the next pair by its newer incarnation.
    ///
    /// # Errors
    /// The node is broken.
    pub fn delete(&self) -> Result<(), NodeError> {
        self.take(&mut self.inner.lock(), PrimaryEvent::Delete)
    }

    /// The array came back after a crash. What is volatile is lost: a hold, and what was on its way out. What the journal
    /// holds is sent again (XFER-1), and an incarnation that was asked for is asked for again (RESYNC-1).
    ///
    /// # Errors
    /// The node is broken.
    pub fn restart(&self) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        self.take(&mut inner, PrimaryEvent::Restart)?;
        inner.outbox.clear();
        self.rewind(&mut inner)
    }

    /// Failback: stops this node for good and hands over what it keeps, so that a node of the other role can go on with its
    /// volume (TAKEOVER-2).
    ///
    /// # Errors
    /// The node is broken, or has handed over before.
    pub fn hand_over(&self) -> Result<OldPrimary, NodeError> {
        let primary = {
            let mut inner = self.inner.lock();
            inner.stopping = true;
            self.disarm_hold(&mut inner);
            inner.primary.hand_over()?
        };
        self.wake_all();
        Ok(OldPrimary { primary, volume: Arc::clone(&self.volume) })
    }

    /// What the middleware reads when it looks at the pair (\[0031\]-\[0033\]).
    ///
    /// # Errors
    /// The node is broken.
    pub fn view(&self) -> Result<PairView, NodeError> {
        Ok(self.inner.lock().primary.get()?.view())
    }

    /// The primary's state, for displays and assertions.
    ///
    /// # Errors
    /// The node is broken.
    pub fn state(&self) -> Result<LocalPrimary, NodeError> {
        Ok(self.inner.lock().primary.get()?.clone())
    }

    /// Waits until the pair is as `wanted` says, and returns what it then showed. It looks whenever the pair's state,
    /// incarnation or written seq changes.
    ///
    /// # Errors
    /// The node is stopping or broken.
    pub fn wait_until(&self, wanted: impl Fn(&PairView) -> bool) -> Result<PairView, NodeError> {
        let mut inner = self.inner.lock();
        loop {
            let view = inner.primary.get()?.view();
            if wanted(&view) {
                return Ok(view);
            }
            if inner.stopping {
                return Err(NodeError::Stopped);
            }
            inner = self.settled.wait(inner);
        }
    }

    /// Ends every wait in this node; what waits fails with [`NodeError::Stopped`].
    pub fn stop(&self) {
        self.inner.lock().stopping = true;
        self.wake_all();
    }

    fn require_length(&self, block: BlockIndex, payload: &Payload) -> Result<(), NodeError> {
        let (got, want) = (payload.len(), self.volume.block_size());
        if got == want { Ok(()) } else { Err(NodeError::PayloadLength { block, got, want }) }
    }

    /// Takes one step and performs its effects, in order, with the lock held.
    fn take(
        &self,
        inner: &mut Inner,
        event: PrimaryEvent<Payload, BitMap>,
    ) -> Result<(), NodeError> {
        let before = awaited(inner.primary.get()?);
        let told = self.trace.is_on().then(|| event.map(digest, blocks));
        let roles = &self.config.roles;
        let (effects, refused) = inner.primary.step(|primary| roles.primary(primary, event))?;
        let mut record = 0;
        if let Some(event) = told {
            let after = inner.primary.get()?.into();
            let effects = effects.iter().map(|effect| effect.map(digest)).collect();
            record =
                self.trace.record(RoleRecord::Primary(Taken { event, refused, after, effects }));
        }
        if let Some(refusal) = refused {
            return Err(NodeError::Primary(refusal));
        }
        inner.primary.check(roles.as_ref(), LocalPrimary::check)?;
        let mut outcome = Ok(());
        for (effect, performed) in effects.into_iter().enumerate() {
            outcome = self.perform(inner, performed);
            if let Err(error) = &outcome {
                self.trace.fault(record, effect, error);
                break;
            }
        }
        self.work.notify_all();
        if inner.primary.get()?.quiesced.is_none() {
            self.disarm_hold(inner);
        }
        if awaited(inner.primary.get()?) != before {
            self.look(inner)?;
            self.room.notify_all();
            self.settled.notify_all();
        }
        outcome.map_err(|error| self.on_volume_failure(inner, error))
    }

    fn perform(&self, inner: &mut Inner, effect: PrimaryEffect<Payload>) -> Result<(), NodeError> {
        match effect {
            PrimaryEffect::WritePvol { block, payload } => {
                self.volume.write(block, &payload).map_err(pvol)
            }
            // The host's thread is the caller: returning `Ok` is the answer.
            PrimaryEffect::AnswerHost => Ok(()),
            PrimaryEffect::Send(message) => {
                inner.outbox.push(message);
                Ok(())
            }
            PrimaryEffect::AnswerQuiesced(id) => {
                self.answer_quiesced(inner, id);
                Ok(())
            }
            PrimaryEffect::AnswerReleased { id, held } => {
                Self::answer_released(inner, id, held);
                Ok(())
            }
        }
    }

    /// The P-VOL failed. Story of why the pair is suspended:
    /// 1. A write takes seq 7 and enters the journal; the P-VOL fails, and may hold the old block, the new or a part.
    /// 2. The host hears of the failure. Were the pair kept, the S/P-VOL would get the new block in PAIR, and nothing
    ///    would remember that the two differ.
    /// 3. Suspended, the journal's blocks are dirty, this one among them, and the next resync copies it.
    fn on_volume_failure(&self, inner: &mut Inner, error: NodeError) -> NodeError {
        let linked = inner.primary.get().is_ok_and(|primary| primary.state.is_linked());
        if linked && let Err(worse) = self.take(inner, PrimaryEvent::Fail) {
            return worse;
        }
        error
    }

    fn wake_all(&self) {
        self.room.notify_all();
        self.settled.notify_all();
        self.work.notify_all();
    }
}

/// Whether a write that was refused like this passes later, when the pair has moved on.
const fn passes(refusal: PrimaryRefusal) -> bool {
    match refusal {
        PrimaryRefusal::JournalFull | PrimaryRefusal::KeptForCopy | PrimaryRefusal::Quiesced(_) => {
            true
        }
        PrimaryRefusal::NoSuchBlock(_)
        | PrimaryRefusal::NotQuiesced
        | PrimaryRefusal::WrongState(_)
        | PrimaryRefusal::NoSuchEntry(_)
        | PrimaryRefusal::SentBefore(_)
        | PrimaryRefusal::StaleIncarnation(_)
        | PrimaryRefusal::AckBeyondNewest(_)
        | PrimaryRefusal::NotDirty(_)
        | PrimaryRefusal::StillDirty
        | PrimaryRefusal::MarkedBefore
        | PrimaryRefusal::SeqsEnded
        | PrimaryRefusal::IncarnationsEnded => false,
    }
}

/// The P-VOL's failure.
const fn pvol(source: VolumeError) -> NodeError {
    NodeError::Volume { volume: "P-VOL", source }
}
