//! What the tests of nodes share: two nodes without threads, the messages between them, and volumes that fail on
//! demand.

pub(crate) mod lossy;
pub(crate) mod meddling;
pub(crate) mod sites;

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use syncsplit_impl::NodeError;
use syncsplit_impl::backup::BackupError;
use syncsplit_impl::clock::{Action, ManualClock, Tick, Timer, TimerId};
use syncsplit_impl::containers::BitMap;
use syncsplit_impl::local::LocalConfig;
use syncsplit_impl::payload::Payload;
use syncsplit_impl::remote::RemoteConfig;
use syncsplit_impl::site::{LocalSiteConfig, ManualSites, RemoteSiteConfig};
use syncsplit_impl::stillness::HoldStill;
use syncsplit_impl::trace::{RoleRecord, TraceRecord};
use syncsplit_impl::volume::{MemoryVolume, Volume, VolumeError};
use syncsplit_model::protocol::{BackupId, BlockIndex, PairState, ToPrimary, ToSecondary};

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

/// Overwrites bytes of a frame and makes its checksum right again: what a peer with another idea would send.
pub(crate) fn forged(mut bytes: Vec<u8>, at: usize, with: &[u8]) -> Vec<u8> {
    bytes[at..at + with.len()].copy_from_slice(with);
    bytes[36..40].fill(0);
    let crc = crc32c::crc32c(&bytes);
    bytes[36..40].copy_from_slice(&crc.to_le_bytes());
    bytes
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

/// Two sites without threads: nothing happens unless the test does it.
pub(crate) struct Kit(ManualSites<Failing>);

impl Deref for Kit {
    type Target = ManualSites<Failing>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

const BLOCKS: u32 = 4;

fn configs() -> (LocalSiteConfig, RemoteSiteConfig) {
    let lease = Duration::from_secs(1);
    let array = LocalConfig {
        group: "oradb".to_owned(),
        ctgid: 3,
        journal_max: 4,
        patience_ticks: 3,
        ..LocalConfig::default()
    };
    let local = LocalSiteConfig { array, lease, ..LocalSiteConfig::default() };
    let array = RemoteConfig { queue_max: 4, patience_ticks: 6, ..RemoteConfig::default() };
    (local, RemoteSiteConfig { array, answer_timeout: lease, ..RemoteSiteConfig::default() })
}

impl Kit {
    /// Sites without a pair.
    pub(crate) fn new() -> Result<Self, Failure> {
        Self::with(|_, _| {})
    }

    /// As [`Kit::new`], with what `change` does to what the sites are told.
    pub(crate) fn with(
        change: impl FnOnce(&mut LocalSiteConfig, &mut RemoteSiteConfig),
    ) -> Result<Self, Failure> {
        let mut config = configs();
        change(&mut config.0, &mut config.1);
        let volume = || Failing::new(BLOCKS);
        Ok(Self(ManualSites::new(config, [volume()?, volume()?, volume()?])?))
    }

    /// Sites in PAIR.
    pub(crate) fn paired_with(
        change: impl FnOnce(&mut LocalSiteConfig, &mut RemoteSiteConfig),
    ) -> Result<Self, Failure> {
        let kit = Self::with(change)?;
        kit.local.create()?;
        kit.settle()?;
        Ok(kit)
    }

    /// Sites in PAIR, one tick ago.
    pub(crate) fn paired() -> Result<Self, Failure> {
        let kit = Self::paired_with(|_, _| {})?;
        kit.local.tick()?;
        Ok(kit)
    }

    /// Sites in PAIR whose backups hold host writes, since there is no database.
    pub(crate) fn holding() -> Result<Self, Failure> {
        Self::paired_with(|local, _| local.holds = HoldStill::HostWrites)
    }

    /// The sites in each other's role, once the remote one has been taken over.
    pub(crate) fn fail_back(&self) -> Result<Self, Failure> {
        Ok(Self(self.0.fail_back(configs(), Failing::new(BLOCKS)?)?))
    }

    /// Brings a suspended pair back to PAIR, and checks that it is whole.
    pub(crate) fn resynced(&self) -> Result<(), Failure> {
        self.local.resync()?;
        self.settle()?;
        assert_eq!((self.local.view()?.state, self.volumes_agree()), (PairState::Pair, true));
        Ok(())
    }

    /// The next message on its way to the secondary, whether or not it is delivered.
    pub(crate) fn outgoing(&self) -> Result<ToSecondary<Payload>, Failure> {
        Ok(self.local.take_outgoing().ok_or("the primary has sent nothing")?)
    }

    /// The next message on its way to the primary, whether or not it is delivered.
    pub(crate) fn reported(&self) -> Result<ToPrimary<BitMap>, Failure> {
        Ok(self.remote.take_outgoing().ok_or("the secondary has sent nothing")?)
    }

    /// One entry travels to the secondary.
    pub(crate) fn send_one(&self) -> Result<(), Failure> {
        self.local.send_next()?;
        Ok(self.remote.on_message(self.outgoing()?)?)
    }

    /// Asks for a backup, as far as the hosts come with it by themselves.
    pub(crate) fn asked(&self) -> Result<BackupId, Failure> {
        let id = self.requester.start()?;
        self.settle_hosts()?;
        Ok(id)
    }

    /// A backup that may be read.
    pub(crate) fn permitted(&self) -> Result<BackupId, Failure> {
        let id = self.asked()?;
        self.requester.wait_permission(id)?;
        Ok(id)
    }

    /// Whether the coordinator has rejected this backup.
    pub(crate) fn is_rejected(&self, id: BackupId) -> bool {
        matches!(self.requester.wait_permission(id), Err(BackupError::Rejected(_)))
    }

    /// What `call` answers, on a thread that is refused and waits until `release` lets it go on. `refused` is how many refusals
    /// the trace has then; whoever was refused and waits still holds the role's lock, so `release` finds it waiting.
    pub(crate) fn while_waiting(
        &self,
        refused: usize,
        call: impl FnOnce(&Self) -> Result<(), NodeError> + Send,
        release: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<Result<(), NodeError>, Failure> {
        thread::scope(|scope| {
            let waiting = scope.spawn(|| call(self));
            self.wait_refused(refused);
            release()?;
            Ok(waiting.join().map_err(|_| "the waiting thread panicked")?)
        })
    }

    /// Waits until `count` events have been refused.
    fn wait_refused(&self, count: usize) {
        let refused = |record: &TraceRecord| match &record.role {
            RoleRecord::Primary(taken) => taken.refused.is_some(),
            RoleRecord::Database(taken) => taken.refused.is_some(),
            _ => false,
        };
        while self.trace.records().iter().filter(|record| refused(record)).count() < count {
            thread::yield_now();
        }
    }

    /// Whether P-VOL and S/P-VOL hold the same.
    pub(crate) fn volumes_agree(&self) -> bool {
        self.pvol.memory.snapshot() == self.spvol.memory.snapshot()
    }
}
