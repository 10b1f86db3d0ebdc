//! Two sites without threads of their own, and what every scene does with them: bring them into PAIR, carry messages
//! by hand, and take the outcome.

use std::time::Duration;

use syncsplit_impl::NodeError;
use syncsplit_impl::backup::{BackupError, CoordinatorNode, RequesterNode};
use syncsplit_impl::clock::ManualClock;
use syncsplit_impl::database::{Gate, WriteThrough};
use syncsplit_impl::doorway::{Arc, thread};
use syncsplit_impl::error::ignore_refusal;
use syncsplit_impl::local::{LocalConfig, LocalNode};
use syncsplit_impl::mailbox::Mailbox;
use syncsplit_impl::remote::{RemoteConfig, RemoteNode};
use syncsplit_impl::site::{LocalHost, LocalSiteConfig, deliver};
use syncsplit_impl::stillness::HoldStill;
use syncsplit_impl::trace::{Digest, MemoryTrace};
use syncsplit_impl::volume::Volume;
use syncsplit_model::protocol::{BackupId, BlockIndex, HostMessage, PairState};

use super::watched::{Watched, payload};
use super::{Failure, Outcome, Reading, Size};
use crate::replay::{Image, Options};

/// A thread of a scene.
pub(super) type Actor = thread::JoinHandle<Result<(), Failure>>;

/// Starts a thread of a scene with hands of its own.
pub(super) fn act(
    kit: &Arc<Kit>,
    body: impl FnOnce(&Kit) -> Result<(), Failure> + Send + 'static,
) -> Actor {
    let kit = Arc::clone(kit);
    thread::spawn(move || body(&kit))
}

/// Waits for a thread of a scene.
pub(super) fn done(actor: Actor) -> Result<(), Failure> {
    actor.join().map_err(|_| Failure::from("a thread of the scene panicked"))?
}

/// Both arrays of a scene of this size.
fn configs(size: Size) -> (LocalConfig, RemoteConfig) {
    (
        LocalConfig { journal_max: size.journal, ..LocalConfig::default() },
        RemoteConfig { queue_max: size.journal, ..RemoteConfig::default() },
    )
}

/// Two sites: nothing happens unless the scene does it.
pub(super) struct Kit {
    size: Size,
    pvol: Arc<Watched>,
    spvol: Arc<Watched>,
    svol: Arc<Watched>,
    pub(super) local: Arc<LocalNode>,
    pub(super) remote: Arc<RemoteNode>,
    pub(super) gate: Arc<Gate>,
    pub(super) coordinator: Arc<CoordinatorNode>,
    pub(super) requester: Arc<RequesterNode>,
    /// What the local host sends to the remote one, and back.
    to_remote_host: Arc<Mailbox<HostMessage>>,
    to_local_host: Arc<Mailbox<HostMessage>>,
    trace: Arc<MemoryTrace>,
    readings: std::sync::Mutex<Vec<Reading>>,
}

impl Kit {
    /// Two sites in PAIR with equal volumes.
    pub(super) fn paired(size: Size) -> Result<Arc<Self>, Failure> {
        Self::in_pair(size, HoldStill::Database)
    }

    /// As [`Kit::paired`], for backups that hold host writes.
    pub(super) fn holding(size: Size) -> Result<Arc<Self>, Failure> {
        Self::in_pair(size, HoldStill::HostWrites)
    }

    fn in_pair(size: Size, holds: HoldStill) -> Result<Arc<Self>, Failure> {
        let kit = Self::new(size, holds)?;
        kit.local.create()?;
        kit.settle()?;
        Ok(Arc::new(kit))
    }

    /// The sites in each other's role, once the remote one has been taken over. The old P-VOL's side gets an S-VOL of its
    /// own.
    pub(super) fn fail_back(&self) -> Result<Arc<Self>, Failure> {
        let (size, trace) = (self.size, self.trace.clone());
        let (taken_over, old) = (self.remote.hand_over()?, self.local.hand_over()?);
        let newest = old.incarnation_newest();
        let (clock, svol) = (ManualClock::new(), Watched::new(size.blocks)?);
        let hosts = (Arc::new(Mailbox::new()), Arc::new(Mailbox::new()));
        let (here, there) = configs(size);
        let (timer, sink) = (clock.clone(), trace.clone());
        let local = LocalNode::from_taken_over(here, taken_over, newest, timer, sink)?;
        let (to, sink) = (hosts.1.clone(), trace.clone());
        let remote = RemoteNode::from_old_primary(there, old, svol.clone(), to, sink)?;
        let volumes = [self.spvol.clone(), self.pvol.clone(), svol];
        let holds = HoldStill::Database;
        Ok(Arc::new(Self::around(size, volumes, (local, remote), hosts, holds, (clock, trace))))
    }

    fn new(size: Size, holds: HoldStill) -> Result<Self, Failure> {
        let (clock, trace) = (ManualClock::new(), Arc::new(MemoryTrace::new()));
        let (pvol, spvol, svol) =
            (Watched::new(size.blocks)?, Watched::new(size.blocks)?, Watched::new(size.blocks)?);
        let (here, there) = configs(size);
        let local = LocalNode::new(here, pvol.clone(), clock.clone(), trace.clone());
        let (to_remote_host, to_local_host) = (Arc::new(Mailbox::new()), Arc::new(Mailbox::new()));
        let remote = RemoteNode::new(
            there,
            spvol.clone(),
            svol.clone(),
            to_local_host.clone(),
            trace.clone(),
        )?;
        let hosts = (to_remote_host, to_local_host);
        let nodes = (local, remote);
        Ok(Self::around(size, [pvol, spvol, svol], nodes, hosts, holds, (clock, trace)))
    }

    /// Hosts around two arrays.
    fn around(
        size: Size,
        [pvol, spvol, svol]: [Arc<Watched>; 3],
        (local, remote): (Arc<LocalNode>, Arc<RemoteNode>),
        (to_remote_host, to_local_host): (Arc<Mailbox<HostMessage>>, Arc<Mailbox<HostMessage>>),
        holds: HoldStill,
        (clock, trace): (Arc<ManualClock>, Arc<MemoryTrace>),
    ) -> Self {
        let lease = Duration::from_secs(1);
        let hooks = Box::new(WriteThrough(local.clone()));
        let config = LocalSiteConfig { holds, lease, ..LocalSiteConfig::default() };
        let (outbox, timer, sink) = (to_remote_host.clone(), clock.clone(), trace.clone());
        let LocalHost { gate, coordinator } =
            LocalHost::new(&local, &config, hooks, outbox, timer, sink);
        let requester = RequesterNode::new(
            BackupId(0),
            lease,
            remote.clone(),
            to_local_host.clone(),
            clock,
            trace.clone(),
        );
        let readings = std::sync::Mutex::default();
        Self {
            size,
            pvol,
            spvol,
            svol,
            local,
            remote,
            gate,
            coordinator,
            requester,
            to_remote_host,
            to_local_host,
            trace,
            readings,
        }
    }

    /// The `number`th write of a scene, to a block that its number chooses; every one brings contents of its own.
    pub(super) fn write(&self, number: u32) -> Result<(), NodeError> {
        self.local.write(BlockIndex(number % self.size.blocks), payload(u64::from(number) + 1))
    }

    /// As [`Kit::write`], without waiting.
    pub(super) fn try_write(&self, number: u32) -> Result<(), NodeError> {
        let block = BlockIndex(number % self.size.blocks);
        self.local.try_write(block, payload(u64::from(number) + 1))
    }

    /// Hands what the primary has sent to the secondary.
    pub(super) fn carry_out(&self) -> Result<bool, NodeError> {
        let mut carried = false;
        while let Some(message) = self.local.take_outgoing() {
            ignore_refusal(self.remote.on_message(message))?;
            carried = true;
        }
        Ok(carried)
    }

    /// Hands what the secondary has sent to the primary.
    pub(super) fn carry_back(&self) -> Result<bool, NodeError> {
        let mut carried = false;
        while let Some(message) = self.remote.take_outgoing() {
            ignore_refusal(self.local.on_message(message))?;
            carried = true;
        }
        Ok(carried)
    }

    /// Sends everything there is, applies it and reports.
    pub(super) fn transfer(&self) -> Result<bool, NodeError> {
        while self.local.send_next()?.is_some() {}
        let mut busy = self.carry_out()?;
        while self.remote.apply_next()? {
            busy = true;
        }
        busy |= self.remote.report_if_due()?;
        Ok(busy | self.carry_back()?)
    }

    /// Copies, sends, applies, reports and copies on until nothing is left to do; no message is lost.
    pub(super) fn settle(&self) -> Result<(), NodeError> {
        while self.copy()? | self.transfer()? {}
        while self.remote.copy_replica_next()?.is_some() {}
        Ok(())
    }

    /// One copy, or the mark, if the pair is in COPY and the journal has room.
    pub(super) fn copy(&self) -> Result<bool, NodeError> {
        match self.local.copy_next() {
            Ok(Some(_)) => Ok(true),
            Ok(None) => Ok(self.local.pair_mark().is_ok()),
            other => ignore_refusal(other.map(|_| ())).map(|()| false),
        }
    }

    /// Delivers what is on its way to the local host, and lets the coordinator act.
    pub(super) fn to_local(&self) -> Result<(), Failure> {
        while let Some(message) = self.to_local_host.try_take() {
            self.coordinator.inbox().on_host_message(message);
        }
        Ok(self.coordinator.take_all()?)
    }

    /// Delivers what is on its way to the remote host.
    pub(super) fn to_remote(&self) -> Result<(), Failure> {
        while let Some(message) = self.to_remote_host.try_take() {
            ignore_refusal(deliver(message, &self.remote, &self.requester))?;
        }
        Ok(())
    }

    /// The requester's own thread: reads when it may. Either is a good end.
    pub(super) fn permitted_or_rejected(&self, id: BackupId) -> Result<(), Failure> {
        match self.requester.wait_permission(id) {
            Ok(()) => {
                self.read(id)?;
                Ok(self.requester.finish()?)
            }
            Err(BackupError::Rejected(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Brings a pair that may be suspended back to PAIR, and checks that it is whole.
    pub(super) fn recover(&self) -> Result<(), Failure> {
        self.settle()?;
        if self.local.view()?.state.is_suspended() {
            self.local.resync()?;
        }
        // What a scene has sent and not delivered is lost, and sent again.
        self.local.resend()?;
        self.settle()?;
        let (here, there) = (self.local.view()?.state, self.remote.state()?.state);
        if (here, there) != (PairState::Pair, PairState::Pair) {
            return Err(format!("the pair ended in {here} here and {there} there").into());
        }
        Ok(())
    }

    /// Reads the S-VOL as a backup does, one block after the other.
    pub(super) fn read(&self, id: BackupId) -> Result<(), Failure> {
        let blocks = (0..self.size.blocks).map(BlockIndex);
        let image: Result<Image, _> = blocks
            .map(|block| self.svol.read(block).map(|held| Some(Digest(held.digest()))))
            .collect();
        let mut readings = self.readings.lock().map_err(|_| "a reader panicked")?;
        readings.push(Reading { id, image: image? });
        Ok(())
    }

    /// What the scene leaves behind, everything written being remote.
    pub(super) fn outcome(&self, options: Options) -> Result<Outcome, Failure> {
        self.recover()?;
        let (pvol, spvol) = (self.pvol.image("P-VOL")?, self.spvol.image("S/P-VOL")?);
        let svol = self.svol.image("S-VOL")?;
        let readings = self.readings.lock().map_err(|_| "a reader panicked")?.clone();
        Ok(Outcome { options, trace: self.trace.records(), pvol, spvol, svol, readings })
    }
}
