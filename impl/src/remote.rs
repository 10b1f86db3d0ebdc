//! The remote array's node: the secondary's state behind its lock, the S/P-VOL and the S-VOL, and what the array
//! link, the two hosts and the copiers ask of them.
//!
//! Every operation locks the secondary, takes one step, performs its effects in order and unlocks. An effect that
//! fails is kept and performed before the next step, so the volumes never fall behind what the state says. Threads
//! live in [`crate::site`], the background work they repeat in [`work`].

pub mod work;

use std::collections::VecDeque;

use syncsplit_model::protocol::replica::ReplicaEffect;
use syncsplit_model::protocol::secondary::{
    Secondary, SecondaryEffect, SecondaryEvent, SecondaryRefusal,
};
use syncsplit_model::protocol::{
    BackupId, BlockIndex, Frame, HostMessage, Item, PairState, ToPrimary, ToSecondary,
};
use syncsplit_model::record::{HandedOver, Side, Start, blocks};

use crate::containers::{BitMap, TreeQueue};
use crate::doorway::{Arc, Condvar, Mutex};
use crate::error::NodeError;
use crate::failback::{OldPrimary, TakenOver};
use crate::mailbox::{Mailbox, Outbox};
use crate::payload::Payload;
use crate::roles::{Protocol, RemoteSecondary, Roles};
use crate::slot::Slot;
use crate::trace::{RoleRecord, Taken, TraceSink, digest};
use crate::volume::{Volume, VolumeError};

/// What a remote node is told once.
#[derive(Clone, Debug)]
pub struct RemoteConfig {
    /// How many entries the reorder queue holds ahead of their turn. It need not be as long as the primary's journal,
    /// since the entry whose turn it is always has a place (XFER-3), but a shorter one costs repetitions. 0 counts
    /// as 1.
    pub queue_max: usize,
    /// After how many ticks in a row with the link down this side counts the pair as failed. Longer than the
    /// primary's patience, or a link that comes back in time finds this side suspended and the pair fails all the
    /// same.
    pub patience_ticks: u32,
    /// How the secondary and the requester take their steps.
    pub roles: Arc<dyn Roles>,
}

impl Default for RemoteConfig {
    fn default() -> Self {
        Self { queue_max: 1024, patience_ticks: 200, roles: Arc::new(Protocol) }
    }
}

/// The remote array's control of one group, shared by receiver, applier, replica copier, sender, requester and clock.
pub struct RemoteNode {
    inner: Mutex<Inner>,
    /// Signalled when a background thread may have something to do.
    work: Condvar,
    /// Signalled after every step, for those who wait for a state.
    settled: Condvar,
    volumes: Volumes,
    host: Arc<Mailbox<HostMessage>>,
    trace: Arc<dyn TraceSink>,
    config: RemoteConfig,
}

/// What the secondary's lock guards.
struct Inner {
    secondary: Slot<RemoteSecondary>,
    outbox: Outbox<ToPrimary<BitMap>>,
    /// Effects of the last step that are still to be performed, since a volume failed. Invariant: empty before a
    /// step.
    unperformed: VecDeque<Unperformed>,
    /// A backup whose release waits until the volumes work again; else its S-VOL would stay split.
    released: Option<BackupId>,
    /// Whether the primary has to be told how far this side has written.
    report_due: bool,
    /// Entries applied since the last report.
    unreported: u32,
    /// Where the replica copier looks for the next block.
    copied: BlockIndex,
    link: work::Watch,
    stopping: bool,
}

/// An effect, and where it stands in the trace.
struct Unperformed {
    record: u64,
    place: usize,
    effect: SecondaryEffect<Payload, BitMap>,
}

/// The two volumes of the replica pair. Invariant: of one shape.
struct Volumes {
    spvol: Arc<dyn Volume>,
    svol: Arc<dyn Volume>,
}

impl Volumes {
    fn copy(&self, block: BlockIndex) -> Result<(), NodeError> {
        let payload = self.spvol.read(block).map_err(spvol)?;
        self.svol.write(block, &payload).map_err(svol)
    }

    fn copy_back(&self, block: BlockIndex) -> Result<(), NodeError> {
        let payload = self.svol.read(block).map_err(svol)?;
        self.spvol.write(block, &payload).map_err(spvol)
    }

    fn require_one_shape(&self) -> Result<(), NodeError> {
        let (want_blocks, want_size) = (self.spvol.blocks(), self.spvol.block_size());
        let (got_blocks, got_size) = (self.svol.blocks(), self.svol.block_size());
        if (got_blocks, got_size) == (want_blocks, want_size) {
            Ok(())
        } else {
            Err(NodeError::VolumeShape { got_blocks, got_size, want_blocks, want_size })
        }
    }
}

impl RemoteNode {
    /// A node without a pair, around an S/P-VOL and the S-VOL of its replica pair. Answers to the coordinator go to
    /// `host`, the mailbox that the host link drains.
    ///
    /// # Errors
    /// The volumes differ in shape.
    pub fn new(
        config: RemoteConfig,
        spvol: Arc<dyn Volume>,
        svol: Arc<dyn Volume>,
        host: Arc<Mailbox<HostMessage>>,
        trace: Arc<dyn TraceSink>,
    ) -> Result<Arc<Self>, NodeError> {
        let queue = TreeQueue::new(config.queue_max.max(1));
        let secondary = Secondary::new(queue, BitMap::new(spvol.blocks()));
        let volumes = Volumes { spvol, svol };
        Self::around(config, secondary, None, volumes, host, trace)
    }

    /// Failback: a node of the old primary's side, around its old P-VOL and an S-VOL of its own. It is suspended; what it has
    /// and the new primary may lack is dirty, so that the resync brings the new primary's contents over it (TAKEOVER-2).
    ///
    /// # Errors
    /// The volumes differ in shape; what was handed over is then lost, and the pair has to be created anew.
    pub fn from_old_primary(
        config: RemoteConfig,
        old: OldPrimary,
        svol: Arc<dyn Volume>,
        host: Arc<Mailbox<HostMessage>>,
        trace: Arc<dyn TraceSink>,
    ) -> Result<Arc<Self>, NodeError> {
        let OldPrimary { primary, volume: spvol } = old;
        let queue = TreeQueue::new(config.queue_max.max(1));
        let clean = BitMap::new(spvol.blocks());
        let secondary = config.roles.secondary_of_old_primary(&primary, queue, clean);
        let from = Some(HandedOver::Secondary((&secondary).into()));
        Self::around(config, secondary, from, Volumes { spvol, svol }, host, trace)
    }

    fn around(
        config: RemoteConfig,
        secondary: RemoteSecondary,
        from: Option<HandedOver>,
        volumes: Volumes,
        host: Arc<Mailbox<HostMessage>>,
        trace: Arc<dyn TraceSink>,
    ) -> Result<Arc<Self>, NodeError> {
        volumes.require_one_shape()?;
        let queue_max = secondary.queue.capacity();
        trace.record(RoleRecord::Start(Start {
            side: Side::Secondary,
            blocks: volumes.spvol.blocks(),
            block_size: Some(volumes.spvol.block_size()),
            entries_max: Some(queue_max),
            journal_full: None,
            from,
        }));
        let inner = Inner {
            secondary: Slot::new("secondary", secondary),
            outbox: Outbox::new(),
            unperformed: VecDeque::new(),
            released: None,
            report_due: false,
            unreported: 0,
            copied: BlockIndex(0),
            link: work::Watch::default(),
            stopping: false,
        };
        Ok(Arc::new(Self {
            inner: Mutex::new(inner),
            work: Condvar::new(),
            settled: Condvar::new(),
            volumes,
            host,
            trace,
            config: RemoteConfig { queue_max, ..config },
        }))
    }

    /// What this node was told.
    #[must_use]
    pub const fn config(&self) -> &RemoteConfig {
        &self.config
    }

    /// A message of the primary arrived on the array link.
    ///
    /// # Errors
    /// The secondary refused it, it does not fit the group, or a volume failed.
    pub fn on_message(&self, message: ToSecondary<Payload>) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        match message {
            ToSecondary::Frame(frame) => self.on_frame(&mut inner, frame),
            ToSecondary::Unsequenced { block, ref payload, .. } => {
                self.require_length(block, payload)?;
                self.take(&mut inner, SecondaryEvent::Arrived(message))
            }
            ToSecondary::Resync { .. } => {
                let event = SecondaryEvent::Arrived(message);
                let outcome = self.take(&mut inner, event);
                self.tell_if_left(&mut inner, outcome)
            }
            ToSecondary::Suspend { .. } | ToSecondary::Delete { .. } => {
                self.take(&mut inner, SecondaryEvent::Arrived(message))
            }
        }
    }

    /// The coordinator's split arrived on the host link (SPLIT-1, SPLIT-2). A refusal answers the coordinator that
    /// nothing was split; a volume's failure answers when the volume works again.
    ///
    /// # Errors
    /// The secondary refused, or a volume failed.
    pub fn split(&self, id: BackupId) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        let outcome = self.take(&mut inner, SecondaryEvent::Split(id));
        if matches!(outcome, Err(NodeError::Secondary(_))) {
            self.host.push(HostMessage::SplitAnswer { id, done: false });
        }
        outcome
    }

    /// The requester arms this side for its backup (SPLIT-2).
    ///
    /// # Errors
    /// A volume failed.
    pub fn arm(&self, id: BackupId) -> Result<(), NodeError> {
        self.take(&mut self.inner.lock(), SecondaryEvent::Arm(id))
    }

    /// The requester has finished with the S-VOL, or given the backup up (BACKUP-1).
    ///
    /// # Errors
    /// A volume failed; the release is then made when it works again.
    pub fn release(&self, id: BackupId) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        let outcome = self.take(&mut inner, SecondaryEvent::Release(id));
        if matches!(outcome, Err(NodeError::Volume { .. })) {
            inner.released = Some(id);
        }
        outcome
    }

    /// The link failed, or is thought to have. Over a link that works all the same the primary is told (PAIR-3).
    ///
    /// # Errors
    /// The pair is neither in COPY nor in PAIR here, or a volume failed.
    pub fn fail(&self) -> Result<(), NodeError> {
        self.leave(&mut self.inner.lock(), SecondaryEvent::Fail)
    }

    /// The remote host takes the S/P-VOL over: what has arrived in order is applied, the rest is given up, and the
    /// old primary is refused from here on (TAKEOVER-1). In COPY the gold copy is brought back first (RESYNC-4).
    ///
    /// # Errors
    /// The volume is in no pair, was taken over before, or has no consistent image while `force` is not set; or a volume
    /// failed, and what is left to do is done before anything else is.
    pub fn takeover(&self, force: bool) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        loop {
            match self.leave(&mut inner, SecondaryEvent::Takeover { force }) {
                Err(NodeError::Secondary(SecondaryRefusal::ApplyFirst(_))) => {
                    self.take(&mut inner, SecondaryEvent::Apply)?;
                }
                outcome => return outcome,
            }
        }
    }

    /// The remote host writes one block of the S/P-VOL, after a takeover (TAKEOVER-1, TAKEOVER-2).
    ///
    /// # Errors
    /// The pair was not taken over, the payload is not one block long, the group has no such block, or a volume
    /// failed.
    pub fn write(&self, block: BlockIndex, payload: Payload) -> Result<(), NodeError> {
        self.require_length(block, &payload)?;
        self.take(&mut self.inner.lock(), SecondaryEvent::RemoteWrite { block, payload })
    }

    /// What the S/P-VOL holds in `block`.
    ///
    /// # Errors
    /// The group has no such block, or a volume failed. Nothing is read while an effect is still to be performed: a gold
    /// copy that is half brought back is no image.
    pub fn read(&self, block: BlockIndex) -> Result<Payload, NodeError> {
        let mut inner = self.inner.lock();
        inner.secondary.get()?;
        self.perform_all(&mut inner)?;
        self.volumes.spvol.read(block).map_err(spvol)
    }

    /// Makes everything written to the S/P-VOL so far durable on its medium.
    ///
    /// # Errors
    /// The S/P-VOL failed.
    pub fn flush(&self) -> Result<(), NodeError> {
        self.volumes.spvol.flush().map_err(spvol)
    }

    /// The array came back after a crash. What is volatile is lost: entries ahead of their turn, which the primary sends
    /// again (XFER-1), the backup armed, whose split is then refused (SPLIT-2), and what was on its way out.
    ///
    /// # Errors
    /// A volume failed, or the node is broken.
    pub fn restart(&self) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        self.take(&mut inner, SecondaryEvent::Restart)?;
        inner.outbox.clear();
        // The report that was lost may be the one the primary waits for.
        inner.report_due = true;
        Ok(())
    }

    /// Failback: stops this node for good and hands over what it keeps, so that a node of the other role can go on with the
    /// S/P-VOL (TAKEOVER-2). The S-VOL is not needed any more.
    ///
    /// # Errors
    /// The pair was not taken over, a volume failed, or the node is broken or has handed over before.
    pub fn hand_over(&self) -> Result<TakenOver, NodeError> {
        let secondary = {
            let mut inner = self.inner.lock();
            let state = inner.secondary.get()?.state;
            if state != PairState::Ssws {
                return Err(NodeError::Secondary(SecondaryRefusal::WrongState(state)));
            }
            self.perform_all(&mut inner)?;
            inner.stopping = true;
            inner.secondary.hand_over()?
        };
        self.work.notify_all();
        self.settled.notify_all();
        Ok(TakenOver { secondary, volume: Arc::clone(&self.volumes.spvol) })
    }

    /// The S-VOL. It stands still while the replica pair is split, and whoever reads it has to have the requester's
    /// permission (BACKUP-1).
    pub(crate) fn svol(&self) -> &dyn Volume {
        self.volumes.svol.as_ref()
    }

    /// The secondary's state, for displays and assertions.
    ///
    /// # Errors
    /// The node is broken.
    pub fn state(&self) -> Result<RemoteSecondary, NodeError> {
        Ok(self.inner.lock().secondary.get()?.clone())
    }

    /// Waits until the secondary is as `wanted` says; it looks after every step.
    ///
    /// # Errors
    /// The node is stopping or broken.
    pub fn wait_until(&self, wanted: impl Fn(&RemoteSecondary) -> bool) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        loop {
            if wanted(inner.secondary.get()?) {
                return Ok(());
            }
            if inner.stopping {
                return Err(NodeError::Stopped);
            }
            inner = self.settled.wait(inner);
        }
    }

    /// Ends every wait in this node; what waits fails with [`NodeError::Stopped`], or has nothing more to do.
    pub fn stop(&self) {
        self.inner.lock().stopping = true;
        self.work.notify_all();
        self.settled.notify_all();
    }

    fn on_frame(&self, inner: &mut Inner, frame: Frame<Payload>) -> Result<(), NodeError> {
        if let Item::Write { block, payload } | Item::Copy { block, payload } = &frame.entry.item {
            self.require_length(*block, payload)?;
        }
        let written = inner.secondary.get()?.written;
        match self.take(inner, SecondaryEvent::Arrived(ToSecondary::Frame(frame))) {
            Err(NodeError::Secondary(SecondaryRefusal::Duplicate(seq))) => {
                // The primary sends again what it thinks is missing: the report that said otherwise was lost.
                inner.report_due |= seq <= written;
                self.work.notify_all();
                Err(NodeError::Secondary(SecondaryRefusal::Duplicate(seq)))
            }
            outcome => self.tell_if_left(inner, outcome),
        }
    }

    /// Takes a step by which this side leaves the pairing of its own accord; a report then says so (PAIR-3).
    fn leave(&self, inner: &mut Inner, event: SecondaryEvent<Payload>) -> Result<(), NodeError> {
        let outcome = self.take(inner, event);
        if outcome.is_ok() {
            inner.report_due = true;
            self.work.notify_all();
        }
        outcome
    }

    /// Lets a report be made when a message was refused for the pair's state: the primary that sent it does not know that
    /// this side has left the pairing, or the report that said so was lost (PAIR-3).
    fn tell_if_left(
        &self,
        inner: &mut Inner,
        outcome: Result<(), NodeError>,
    ) -> Result<(), NodeError> {
        if let Err(NodeError::Secondary(SecondaryRefusal::WrongState(state))) = outcome
            && state.has_left()
        {
            inner.report_due = true;
            self.work.notify_all();
        }
        outcome
    }

    fn require_length(&self, block: BlockIndex, payload: &Payload) -> Result<(), NodeError> {
        let (got, want) = (payload.len(), self.volumes.spvol.block_size());
        if got == want { Ok(()) } else { Err(NodeError::PayloadLength { block, got, want }) }
    }

    /// Performs what the last step left, then takes one step and performs its effects, with the lock held.
    fn take(&self, inner: &mut Inner, event: SecondaryEvent<Payload>) -> Result<(), NodeError> {
        self.perform_all(inner)?;
        let told = self.trace.is_on().then(|| event.map(digest));
        let roles = &self.config.roles;
        let (effects, refused) =
            inner.secondary.step(|secondary| roles.secondary(secondary, event))?;
        let mut record = 0;
        if let Some(event) = told {
            let after = inner.secondary.get()?.into();
            let effects = effects.iter().map(|effect| effect.map(digest, blocks)).collect();
            record =
                self.trace.record(RoleRecord::Secondary(Taken { event, refused, after, effects }));
        }
        if let Some(refusal) = refused {
            return Err(NodeError::Secondary(refusal));
        }
        inner.secondary.check(roles.as_ref(), RemoteSecondary::check)?;
        let unperformed = effects.into_iter().enumerate();
        inner.unperformed.extend(unperformed.map(|(place, effect)| Unperformed {
            record,
            place,
            effect,
        }));
        let outcome = self.perform_all(inner);
        self.work.notify_all();
        self.settled.notify_all();
        outcome
    }

    /// Performs what is to be performed, up to the first failure. Story of why a failed effect is kept:
    /// 1. Entry 7 is applied: `written` is 7, and the S/P-VOL fails to take the block.
    /// 2. Were the effect forgotten, the next report would let the primary forget the entry, and a split or a takeover
    ///    would find an image that lacks it.
    /// 3. Kept, nothing else happens here: the primary hears nothing, suspends the pair when its patience is at an end,
    ///    and keeps the block marked. When the volume works again, the block is written before anything else.
    fn perform_all(&self, inner: &mut Inner) -> Result<(), NodeError> {
        while let Some(next) = inner.unperformed.pop_front() {
            if let Err(error) = self.perform(inner, &next.effect) {
                self.trace.fault(next.record, next.place, &error);
                inner.unperformed.push_front(next);
                return Err(error);
            }
        }
        Ok(())
    }

    fn perform(
        &self,
        inner: &mut Inner,
        effect: &SecondaryEffect<Payload, BitMap>,
    ) -> Result<(), NodeError> {
        match effect {
            SecondaryEffect::WriteSpvol { block, payload } => {
                self.volumes.spvol.write(*block, payload).map_err(spvol)
            }
            SecondaryEffect::Replica(ReplicaEffect::CopyToSvol(block)) => self.volumes.copy(*block),
            SecondaryEffect::Replica(ReplicaEffect::Reflect(behind)) => {
                behind.iter().try_for_each(|block| self.volumes.copy(block))?;
                // A gold copy has to outlive whatever happens to the S/P-VOL from here on (RESYNC-4).
                self.volumes.svol.flush().map_err(svol)
            }
            SecondaryEffect::Replica(ReplicaEffect::Restore(changed)) => {
                changed.iter().try_for_each(|block| self.volumes.copy_back(block))?;
                // From here on the S-VOL may follow, and the S/P-VOL is the only image there is.
                self.volumes.spvol.flush().map_err(spvol)
            }
            // Each answer holds a whole map, and only that to the newest question is of use: a peer that asks and does not
            // listen costs one.
            SecondaryEffect::Send(message @ ToPrimary::Ready { .. }) => {
                let is_ready = |queued: &_| matches!(queued, ToPrimary::Ready { .. });
                inner.outbox.supersede(message.clone(), is_ready);
                Ok(())
            }
            SecondaryEffect::Send(message) => {
                inner.outbox.push(message.clone());
                Ok(())
            }
            SecondaryEffect::SplitDone(id) => {
                self.host.push(HostMessage::SplitAnswer { id: *id, done: true });
                Ok(())
            }
        }
    }
}

/// The S/P-VOL's failure.
const fn spvol(source: VolumeError) -> NodeError {
    NodeError::Volume { volume: "S/P-VOL", source }
}

/// The S-VOL's failure.
const fn svol(source: VolumeError) -> NodeError {
    NodeError::Volume { volume: "S-VOL", source }
}
