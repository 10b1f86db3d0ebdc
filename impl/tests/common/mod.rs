//! What the tests of nodes share: two nodes without threads, the messages between them, and volumes that fail on
//! demand.

pub(crate) mod lossy;
pub(crate) mod meddling;
pub(crate) mod sites;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use syncsplit_impl::NodeError;
use syncsplit_impl::backup::{CoordinatorNode, RequesterNode};
use syncsplit_impl::clock::{Action, ManualClock, Tick, Timer, TimerId};
use syncsplit_impl::database::{FreezeHooks, Gate, WriteThrough};
use syncsplit_impl::error::ignore_refusal;
use syncsplit_impl::local::{LocalConfig, LocalNode};
use syncsplit_impl::mailbox::Mailbox;
use syncsplit_impl::payload::Payload;
use syncsplit_impl::remote::{RemoteConfig, RemoteNode};
use syncsplit_impl::site::{LocalHost, LocalSiteConfig, deliver};
use syncsplit_impl::stillness::HoldStill;
use syncsplit_impl::trace::{MemoryTrace, RoleRecord, TraceRecord};
use syncsplit_impl::volume::{MemoryVolume, Volume, VolumeError};
use syncsplit_model::protocol::{BackupId, BlockIndex, HostMessage};

/// What a test that failed says.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// Bytes in a block of the tests' volumes.
pub(crate) const BLOCK_SIZE: usize = 16;

/// A payload that differs for every `number`.
pub(crate) fn payload(number: u64) -> Payload {
    let mut bytes = vec![0; BLOCK_SIZE];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Payload::from(bytes)
}

/// Every block of a volume.
pub(crate) fn image(volume: &dyn Volume) -> Result<Vec<Payload>, VolumeError> {
    (0..volume.blocks()).map(|block| volume.read(BlockIndex(block))).collect()
}

/// A volume in memory whose writes or reads fail while told to.
pub(crate) struct Failing {
    pub(crate) memory: MemoryVolume,
    pub(crate) writes_fail: AtomicBool,
    pub(crate) reads_fail: AtomicBool,
    pub(crate) flushes_fail: AtomicBool,
}

impl Failing {
    pub(crate) fn new(blocks: u32) -> Result<Arc<Self>, VolumeError> {
        Ok(Arc::new(Self {
            memory: MemoryVolume::new(BLOCK_SIZE, blocks)?,
            writes_fail: AtomicBool::new(false),
            reads_fail: AtomicBool::new(false),
            flushes_fail: AtomicBool::new(false),
        }))
    }

    fn fail(&self, flag: &AtomicBool, doing: &'static str) -> Result<(), VolumeError> {
        if !flag.load(Ordering::SeqCst) {
            return Ok(());
        }
        let source = std::io::Error::other("planned");
        Err(VolumeError::Io { path: "memory".into(), doing, source })
    }
}

impl Volume for Failing {
    fn block_size(&self) -> usize {
        self.memory.block_size()
    }

    fn blocks(&self) -> u32 {
        self.memory.blocks()
    }

    fn read(&self, block: BlockIndex) -> Result<Payload, VolumeError> {
        self.fail(&self.reads_fail, "read a block")?;
        self.memory.read(block)
    }

    fn write(&self, block: BlockIndex, payload: &Payload) -> Result<(), VolumeError> {
        self.fail(&self.writes_fail, "write a block")?;
        self.memory.write(block, payload)
    }

    fn flush(&self) -> Result<(), VolumeError> {
        self.fail(&self.flushes_fail, "flush")
    }
}

/// A clock whose deadlines cannot be cancelled: each may fall due at the worst moment.
#[derive(Default)]
pub(crate) struct LateClock(Mutex<Vec<Option<Action>>>);

impl LateClock {
    /// Takes the `index`th deadline registered.
    pub(crate) fn fire(&self, index: usize) {
        let action = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_mut(index)
            .and_then(Option::take);
        if let Some(action) = action {
            action();
        }
    }

    /// How many deadlines were registered.
    pub(crate) fn registered(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Timer for LateClock {
    fn after(&self, _delay: Duration, action: Action) -> TimerId {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Some(action));
        // No id is ever used again: `cancel` forgets nothing.
        ManualClock::new().after(Duration::ZERO, Box::new(|| {}))
    }

    fn every(&self, _period: Duration, _tick: Tick) -> TimerId {
        ManualClock::new().after(Duration::ZERO, Box::new(|| {}))
    }

    fn cancel(&self, _id: TimerId) {}
}

/// How two nodes are made.
pub(crate) struct KitConfig {
    pub(crate) blocks: u32,
    pub(crate) holds: HoldStill,
    pub(crate) local: LocalConfig,
    pub(crate) remote: RemoteConfig,
}

impl Default for KitConfig {
    fn default() -> Self {
        Self {
            blocks: 4,
            holds: HoldStill::Database,
            local: LocalConfig {
                group: "oradb".to_owned(),
                ctgid: 3,
                journal_max: 4,
                patience_ticks: 3,
                ..LocalConfig::default()
            },
            remote: RemoteConfig { queue_max: 4, patience_ticks: 6, ..RemoteConfig::default() },
        }
    }
}

/// Two sites without threads: nothing happens unless the test does it.
pub(crate) struct Kit {
    pub(crate) pvol: Arc<Failing>,
    pub(crate) spvol: Arc<Failing>,
    pub(crate) svol: Arc<Failing>,
    pub(crate) local: Arc<LocalNode>,
    pub(crate) remote: Arc<RemoteNode>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) coordinator: Arc<CoordinatorNode>,
    pub(crate) requester: Arc<RequesterNode>,
    /// What the local host sends to the remote one, and back.
    pub(crate) to_remote_host: Arc<Mailbox<HostMessage>>,
    pub(crate) to_local_host: Arc<Mailbox<HostMessage>>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) trace: Arc<MemoryTrace>,
}

impl Kit {
    pub(crate) fn new() -> Result<Self, Failure> {
        Self::with(KitConfig::default(), |node| Box::new(WriteThrough(Arc::clone(node))))
    }

    pub(crate) fn with(
        config: KitConfig,
        hooks: impl FnOnce(&Arc<LocalNode>) -> Box<dyn FreezeHooks>,
    ) -> Result<Self, Failure> {
        let (clock, trace) = (ManualClock::new(), Arc::new(MemoryTrace::new()));
        let (pvol, spvol, svol) = (
            Failing::new(config.blocks)?,
            Failing::new(config.blocks)?,
            Failing::new(config.blocks)?,
        );
        let local = LocalNode::new(config.local, pvol.clone(), clock.clone(), trace.clone());
        let (to_remote_host, to_local_host) = (Arc::new(Mailbox::new()), Arc::new(Mailbox::new()));
        let remote = RemoteNode::new(
            config.remote,
            spvol.clone(),
            svol.clone(),
            to_local_host.clone(),
            trace.clone(),
        )?;
        let volumes = [pvol, spvol, svol];
        let hosts = (to_remote_host, to_local_host);
        let holds = config.holds;
        Ok(Self::around(volumes, local, hooks, remote, hosts, holds, (clock, trace)))
    }

    /// Hosts around two arrays.
    fn around(
        [pvol, spvol, svol]: [Arc<Failing>; 3],
        local: Arc<LocalNode>,
        hooks: impl FnOnce(&Arc<LocalNode>) -> Box<dyn FreezeHooks>,
        remote: Arc<RemoteNode>,
        (to_remote_host, to_local_host): (Arc<Mailbox<HostMessage>>, Arc<Mailbox<HostMessage>>),
        holds: HoldStill,
        (clock, trace): (Arc<ManualClock>, Arc<MemoryTrace>),
    ) -> Self {
        let lease = Duration::from_secs(1);
        let hooks = hooks(&local);
        let config = LocalSiteConfig { holds, lease, ..LocalSiteConfig::default() };
        let (outbox, timer, sink) = (to_remote_host.clone(), clock.clone(), trace.clone());
        let LocalHost { gate, coordinator } =
            LocalHost::new(&local, &config, hooks, outbox, timer, sink);
        let requester = RequesterNode::new(
            BackupId(0),
            lease,
            remote.clone(),
            to_local_host.clone(),
            clock.clone(),
            trace.clone(),
        );
        Self {
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
            clock,
            trace,
        }
    }

    /// Nodes in PAIR whose backups hold host writes, since there is no database.
    pub(crate) fn holding() -> Result<Self, Failure> {
        let config = KitConfig { holds: HoldStill::HostWrites, ..KitConfig::default() };
        let kit = Self::with(config, |node| Box::new(WriteThrough(Arc::clone(node))))?;
        kit.local.create()?;
        kit.settle()?;
        Ok(kit)
    }

    /// Nodes of the other roles on the same volumes, once the remote side has been taken over; the old P-VOL's side gets an
    /// S-VOL of its own.
    pub(crate) fn fail_back(&self) -> Result<Self, Failure> {
        let KitConfig { blocks, holds, local, remote } = KitConfig::default();
        let (clock, trace) = (self.clock.clone(), self.trace.clone());
        let (taken_over, old) = (self.remote.hand_over()?, self.local.hand_over()?);
        let to_hosts = (Arc::new(Mailbox::new()), Arc::new(Mailbox::new()));
        let svol = Failing::new(blocks)?;
        let newest = old.incarnation_newest();
        let (timer, sink) = (clock.clone(), trace.clone());
        let local = LocalNode::from_taken_over(local, taken_over, newest, timer, sink)?;
        let remote = RemoteNode::from_old_primary(
            remote,
            old,
            svol.clone(),
            to_hosts.1.clone(),
            trace.clone(),
        )?;
        let volumes = [self.spvol.clone(), self.pvol.clone(), svol];
        let hooks = |node: &Arc<LocalNode>| -> Box<dyn FreezeHooks> {
            Box::new(WriteThrough(node.clone()))
        };
        Ok(Self::around(volumes, local, hooks, remote, to_hosts, holds, (clock, trace)))
    }

    /// Nodes whose pair is in PAIR, one tick ago.
    pub(crate) fn paired() -> Result<Self, Failure> {
        let kit = Self::new()?;
        kit.local.create()?;
        kit.settle()?;
        kit.local.tick()?;
        Ok(kit)
    }

    /// Copies, sends, applies and reports until nothing is left to do; no message is lost.
    pub(crate) fn settle(&self) -> Result<(), NodeError> {
        loop {
            let busy = self.step_local()? | self.carry()? | self.step_remote()? | self.carry()?;
            if !busy {
                return Ok(());
            }
        }
    }

    /// Delivers what both arrays have sent. Whether there was anything.
    pub(crate) fn carry(&self) -> Result<bool, NodeError> {
        let mut busy = false;
        while let Some(message) = self.local.take_outgoing() {
            ignore_refusal(self.remote.on_message(message))?;
            busy = true;
        }
        while let Some(message) = self.remote.take_outgoing() {
            ignore_refusal(self.local.on_message(message))?;
            busy = true;
        }
        Ok(busy)
    }

    /// One copy or mark if there is room, and everything that can be sent.
    pub(crate) fn step_local(&self) -> Result<bool, NodeError> {
        let mut busy = false;
        match self.local.copy_next() {
            Ok(Some(_)) => busy = true,
            Ok(None) => busy |= self.local.pair_mark().is_ok(),
            other => ignore_refusal(other.map(|_| ()))?,
        }
        while self.local.send_next()?.is_some() {
            busy = true;
        }
        Ok(busy)
    }

    /// Everything that can be applied, one report, everything that can be copied on.
    pub(crate) fn step_remote(&self) -> Result<bool, NodeError> {
        let mut busy = false;
        while self.remote.apply_next()? {
            busy = true;
        }
        busy |= self.remote.report_if_due()?;
        while self.remote.copy_replica_next()?.is_some() {}
        Ok(busy)
    }

    /// Delivers host messages and lets the coordinator act, until nothing moves.
    pub(crate) fn settle_hosts(&self) -> Result<(), NodeError> {
        loop {
            let mut busy = false;
            self.coordinator.take_all()?;
            while let Some(message) = self.to_remote_host.try_take() {
                ignore_refusal(deliver(message, &self.remote, &self.requester))?;
                busy = true;
            }
            while let Some(message) = self.to_local_host.try_take() {
                self.coordinator.inbox().on_host_message(message);
                busy = true;
            }
            if !busy {
                return Ok(());
            }
        }
    }

    /// Waits until `count` events have been refused. Whoever was refused and waits still holds the role's lock then, so
    /// what the test does next finds it waiting.
    pub(crate) fn wait_refused(&self, count: usize) {
        let refused = |record: &TraceRecord| match &record.role {
            RoleRecord::Primary(taken) => taken.refused.is_some(),
            RoleRecord::Database(taken) => taken.refused.is_some(),
            _ => false,
        };
        while self.trace.records().iter().filter(|record| refused(record)).count() < count {
            std::thread::yield_now();
        }
    }

    /// Whether P-VOL and S/P-VOL hold the same.
    pub(crate) fn volumes_agree(&self) -> bool {
        self.pvol.memory.snapshot() == self.spvol.memory.snapshot()
    }
}
