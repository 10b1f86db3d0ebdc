//! Two sites without threads of their own, and what every scene does with them: bring them into PAIR, carry messages
//! by hand, and take the outcome.

use std::ops::Deref;
use std::time::Duration;

use syncsplit_impl::NodeError;
use syncsplit_impl::backup::BackupError;
use syncsplit_impl::doorway::{Arc, thread};
use syncsplit_impl::error::ignore_refusal;
use syncsplit_impl::local::LocalConfig;
use syncsplit_impl::remote::RemoteConfig;
use syncsplit_impl::site::{LocalSiteConfig, ManualSites, RemoteSiteConfig};
use syncsplit_impl::stillness::HoldStill;
use syncsplit_impl::trace::Digest;
use syncsplit_impl::volume::Volume;
use syncsplit_model::protocol::{BackupId, BlockIndex, PairState};

use super::watched::{Watched, payload};
use super::{Failure, Reading, SceneOutcome, Size};
use crate::replay::{Image, Options};

/// The block that the remote host writes.
const TAKEN_OVER: BlockIndex = BlockIndex(0);

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

/// Starts a thread that carries what there is.
pub(super) fn link(kit: &Arc<Kit>) -> Actor {
    act(kit, |kit| Ok(kit.transfer().map(drop)?))
}

/// Starts a host that writes and waits for nothing: a full journal would wait for an acknowledgement that nobody brings before
/// the threads are joined.
pub(super) fn tries(
    kit: &Arc<Kit>,
    mut numbers: impl Iterator<Item = u32> + Send + 'static,
) -> Actor {
    act(kit, move |kit| Ok(numbers.try_for_each(|number| ignore_refusal(kit.try_write(number)))?))
}

/// Waits for threads of a scene, one after the other.
pub(super) fn done(actors: impl IntoIterator<Item = Actor>) -> Result<(), Failure> {
    let ended =
        |actor: Actor| actor.join().map_err(|_| Failure::from("a thread of the scene panicked"))?;
    actors.into_iter().try_for_each(ended)
}

/// Two sites: nothing happens unless the scene does it.
pub(super) struct Kit {
    size: Size,
    sites: ManualSites<Watched>,
    readings: std::sync::Mutex<Vec<Reading>>,
}

impl Deref for Kit {
    type Target = ManualSites<Watched>;

    fn deref(&self) -> &Self::Target {
        &self.sites
    }
}

/// Both sites of a scene of this size.
fn configs(size: Size, holds: HoldStill) -> (LocalSiteConfig, RemoteSiteConfig) {
    let lease = Duration::from_secs(1);
    let array = LocalConfig { journal_max: size.journal, ..LocalConfig::default() };
    let local = LocalSiteConfig { array, holds, lease, ..LocalSiteConfig::default() };
    let array = RemoteConfig { queue_max: size.journal, ..RemoteConfig::default() };
    (local, RemoteSiteConfig { array, answer_timeout: lease, ..RemoteSiteConfig::default() })
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
        let volume = || Watched::new(size.blocks);
        let sites = ManualSites::new(configs(size, holds), [volume()?, volume()?, volume()?])?;
        sites.local.create()?;
        sites.settle()?;
        Ok(Arc::new(Self { size, sites, readings: std::sync::Mutex::default() }))
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

    /// As many writes as a writer makes and the journal has room for, all of them sent.
    pub(super) fn fill(&self) -> Result<(), Failure> {
        let writes = self.size.writes.min(u32::try_from(self.size.journal)?);
        (0..writes).try_for_each(|number| self.write(number))?;
        self.send()?;
        Ok(())
    }

    /// Brings a suspended pair to where its copies are in the journal, and those that have no room are still to be made.
    pub(super) fn resync(&self) -> Result<(), Failure> {
        self.local.resync()?;
        self.carry()?;
        while self.copy()? {}
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

    /// The remote host takes the volume over, and writes.
    pub(super) fn take_over(&self) -> Result<(), Failure> {
        self.remote.takeover(false)?;
        Ok(self.remote.write(TAKEN_OVER, payload(1000))?)
    }

    /// What is left when a failback has brought home what [`Kit::take_over`] wrote, though the old primary has written its
    /// `number`th once more.
    pub(super) fn brought_home(&self, number: u32) -> Result<SceneOutcome, Failure> {
        // The old primary hears of it by the next report, whatever it has or has not to send.
        self.settle()?;
        let fenced = self.local.view()?.state;
        if fenced != PairState::Psue {
            return Err(
                format!("the old primary is in {fenced} after all that was reported").into()
            );
        }
        self.write(number)?;
        let config = configs(self.size, HoldStill::Database);
        let sites = self.sites.fail_back(config, Watched::new(self.size.blocks)?)?;
        let home = Self { size: self.size, sites, readings: std::sync::Mutex::default() };
        home.recover()?;
        let brought = [home.local.read(TAKEN_OVER)?, home.remote.read(TAKEN_OVER)?];
        if brought != [payload(1000), payload(1000)] {
            return Err("the remote host's write was not brought home".into());
        }
        home.outcome(Options::default())
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
    pub(super) fn outcome(&self, options: Options) -> Result<SceneOutcome, Failure> {
        self.recover()?;
        let (pvol, spvol) = (self.pvol.image("P-VOL")?, self.spvol.image("S/P-VOL")?);
        let svol = self.svol.image("S-VOL")?;
        let readings = self.readings.lock().map_err(|_| "a reader panicked")?.clone();
        Ok(SceneOutcome { options, trace: self.trace.records(), pvol, spvol, svol, readings })
    }
}
