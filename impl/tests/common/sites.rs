//! Two sites with all their threads in one process, over channels and over TCP, with volumes in files.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use syncsplit_impl::backup::BackupError;
use syncsplit_impl::database::FreezeHooks;
use syncsplit_impl::dial::{TcpCalled, TcpCaller, in_process};
use syncsplit_impl::frame::{Hello, Role};
use syncsplit_impl::local::LocalNode;
use syncsplit_impl::payload::Payload;
use syncsplit_impl::site::{
    LocalDialers, LocalSite, LocalSiteConfig, RemoteDialers, RemoteSite, RemoteSiteConfig,
};
use syncsplit_impl::trace::{MemoryTrace, RoleRecord, TraceSink};
use syncsplit_impl::transport::tls::Security;
use syncsplit_impl::volume::FileVolume;
use syncsplit_model::protocol::sync::SyncOutcome;
use syncsplit_model::protocol::{BlockIndex, PairState};

use super::lossy::Lossy;
use super::{BLOCK_SIZE, Failure, image, payload};

pub(crate) const BLOCKS: u32 = 24;
pub(crate) const FAR: Duration = Duration::from_secs(600);

/// A database that writes through, and that remembers what the P-VOL held at every freeze.
pub(crate) struct Remembering {
    node: Arc<LocalNode>,
    volume: Arc<FileVolume>,
    images: Arc<Mutex<Vec<Vec<Payload>>>>,
}

impl Remembering {
    /// What makes one for the node whose P-VOL is `volume`.
    fn of(
        volume: Arc<FileVolume>,
        images: Arc<Mutex<Vec<Vec<Payload>>>>,
    ) -> impl FnOnce(&Arc<LocalNode>) -> Box<dyn FreezeHooks> {
        |node| Box::new(Self { node: node.clone(), volume, images })
    }
}

impl FreezeHooks for Remembering {
    fn flush(&self) -> Result<(), String> {
        self.node.flush().map_err(|error| error.to_string())?;
        let frozen = image(self.volume.as_ref()).map_err(|error| error.to_string())?;
        self.images.lock().unwrap_or_else(PoisonError::into_inner).push(frozen);
        Ok(())
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Over {
    Channels,
    Tcp,
}

/// Two sites, connected.
pub(crate) struct Sites {
    pub(crate) local: LocalSite,
    pub(crate) remote: RemoteSite,
    pub(crate) pvol: Arc<FileVolume>,
    pub(crate) spvol: Arc<FileVolume>,
    pub(crate) images: Arc<Mutex<Vec<Vec<Payload>>>>,
    pub(crate) losing: Arc<AtomicBool>,
    directory: tempfile::TempDir,
}

pub(crate) fn hello(role: Role) -> Hello {
    Hello {
        role,
        group: "oradb".to_owned(),
        block_size: BLOCK_SIZE as u32,
        blocks: BLOCKS,
        silence_ms: Hello::USUAL_SILENCE_MS,
    }
}

pub(crate) fn dialers(
    over: Over,
    losing: &Arc<AtomicBool>,
) -> Result<(LocalDialers, RemoteDialers), Failure> {
    let lossy = |inner| Box::new(Lossy { inner, losing: losing.clone() });
    Ok(match over {
        Over::Channels => {
            let (array, array_called) = in_process(8);
            let (host, host_called) = in_process(8);
            let local = LocalDialers { array: lossy(Box::new(array)), host: Box::new(host) };
            (local, RemoteDialers { array: Box::new(array_called), host: Box::new(host_called) })
        }
        Over::Tcp => {
            let array = TcpCalled::bind("127.0.0.1:0", hello(Role::Secondary), Security::Plain)?;
            let host = TcpCalled::bind("127.0.0.1:0", hello(Role::Requester), Security::Plain)?;
            let call = |addr: std::net::SocketAddr, role| {
                TcpCaller::new(addr.to_string(), hello(role), Security::Plain)
            };
            let local = LocalDialers {
                array: lossy(Box::new(call(array.local_addr(), Role::Primary))),
                host: Box::new(call(host.local_addr(), Role::Coordinator)),
            };
            (local, RemoteDialers { array: Box::new(array), host: Box::new(host) })
        }
    })
}

/// Sites that are in no hurry: nothing is given up unless the test shortens what it waits for.
pub(crate) fn patient() -> (LocalSiteConfig, RemoteSiteConfig) {
    let mut local =
        LocalSiteConfig { lease: FAR, tick: Duration::from_millis(2), ..Default::default() };
    local.array.group = "oradb".to_owned();
    local.array.journal_max = 8;
    local.array.patience_ticks = u32::MAX;
    local.coordinator.answer_timeout = FAR;
    local.coordinator.sync_timeout = FAR;
    let mut remote =
        RemoteSiteConfig { answer_timeout: FAR, tick: local.tick, ..Default::default() };
    remote.array.patience_ticks = u32::MAX;
    (local, remote)
}

impl Sites {
    pub(crate) fn start(
        over: Over,
        (local, remote): (LocalSiteConfig, RemoteSiteConfig),
        trace: Arc<dyn TraceSink>,
    ) -> Result<Self, Failure> {
        let directory = tempfile::tempdir()?;
        let volume =
            |name: &str| FileVolume::create(directory.path().join(name), BLOCK_SIZE, BLOCKS);
        let (pvol, spvol, svol) =
            (Arc::new(volume("pvol")?), Arc::new(volume("spvol")?), Arc::new(volume("svol")?));
        let losing = Arc::new(AtomicBool::new(false));
        let (to_remote, to_local) = dialers(over, &losing)?;
        let images = Arc::new(Mutex::new(Vec::new()));
        let hooks = Remembering::of(pvol.clone(), images.clone());
        let remote = RemoteSite::start(remote, spvol.clone(), svol, to_local, trace.clone())?;
        let local = LocalSite::start(local, pvol.clone(), hooks, to_remote, trace)?;
        Ok(Self { local, remote, pvol, spvol, images, losing, directory })
    }

    /// The sites in each other's role, once the remote one has been taken over: who called listens now, and the old P-VOL's
    /// side gets an S-VOL of its own.
    pub(crate) fn fail_back(
        self,
        over: Over,
        (local, remote): (LocalSiteConfig, RemoteSiteConfig),
        trace: Arc<dyn TraceSink>,
    ) -> Result<Self, Failure> {
        let Self { local: old_local, remote: old_remote, pvol, spvol, images, directory, .. } =
            self;
        let (taken_over, old) = (old_remote.hand_over()?, old_local.hand_over()?);
        let losing = Arc::new(AtomicBool::new(false));
        let (to_remote, to_local) = dialers(over, &losing)?;
        let svol = FileVolume::create(directory.path().join("svol-home"), BLOCK_SIZE, BLOCKS)?;
        let hooks = Remembering::of(spvol.clone(), images.clone());
        let newest = old.incarnation_newest();
        let remote = RemoteSite::start_from(remote, old, Arc::new(svol), to_local, trace.clone())?;
        let local = LocalSite::start_from(local, taken_over, newest, hooks, to_remote, trace)?;
        let (pvol, spvol) = (spvol, pvol);
        Ok(Self { local, remote, pvol, spvol, images, losing, directory })
    }

    pub(crate) fn wait_for(&self, state: PairState) -> Result<(), Failure> {
        self.local.node().wait_until(|view| view.state == state)?;
        Ok(())
    }

    pub(crate) fn pair(&self) -> Result<(), Failure> {
        self.local.node().create()?;
        self.wait_for(PairState::Pair)
    }

    /// Everything written is at the remote site.
    pub(crate) fn synced(&self) -> Result<(), Failure> {
        let report = self.local.sync("oradb", FAR)?;
        assert_eq!(report.outcome, SyncOutcome::Done, "{report}");
        assert_eq!(image(self.pvol.as_ref())?, image(self.spvol.as_ref())?);
        Ok(())
    }

    pub(crate) fn write(&self, block: u32, number: u64) -> Result<(), Failure> {
        Ok(self.local.node().write(BlockIndex(block), payload(number))?)
    }

    /// Runs `body` while two threads of the database write, two blocks a transaction; `body` is told how many blocks
    /// have been written.
    pub(crate) fn while_writing<T>(
        &self,
        body: impl FnOnce(&AtomicU64) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let (over, written) = (AtomicBool::new(false), AtomicU64::new(0));
        thread::scope(|scope| {
            let writers: Vec<_> = (0..2_u32)
                .map(|writer| {
                    let (over, written) = (&over, &written);
                    scope.spawn(move || {
                        let mut number = u64::from(writer);
                        while !over.load(Ordering::SeqCst) {
                            number += 2;
                            let block = (number as u32).wrapping_mul(7) % (BLOCKS - 1);
                            let both = self.local.gate().transaction(|| {
                                self.local.node().write(BlockIndex(block), payload(number))?;
                                self.local.node().write(BlockIndex(block + 1), payload(number))
                            });
                            both.and_then(|both| both).map_err(|error| error.to_string())?;
                            written.fetch_add(2, Ordering::SeqCst);
                        }
                        Ok::<_, String>(())
                    })
                })
                .collect();
            wait_more(&written);
            let outcome = body(&written);
            over.store(true, Ordering::SeqCst);
            for writer in writers {
                writer.join().map_err(|_| "a writer panicked")??;
            }
            outcome
        })
    }
}

/// Waits until the database has written more.
pub(crate) fn wait_more(written: &AtomicU64) {
    let before = written.load(Ordering::SeqCst);
    while written.load(Ordering::SeqCst) < before + 20 {
        thread::yield_now();
    }
}

/// Runs a scenario over every link there is.
pub(crate) fn over_both(
    config: impl Fn() -> (LocalSiteConfig, RemoteSiteConfig),
    scenario: impl Fn(&Sites) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for over in [Over::Channels, Over::Tcp] {
        let sites = Sites::start(over, config(), Arc::new(MemoryTrace::new()))?;
        scenario(&sites)?;
        sites.local.stop();
        sites.remote.stop();
        assert_eq!(
            (sites.local.troubles().take(), sites.remote.troubles().take()),
            (vec![], vec![])
        );
    }
    Ok(())
}

/// A backup whose lease ends while Sync waits, as `expired` sees in the trace: `write` writes once more while the backup still
/// waits, and the backup is rejected. Over every link there is.
pub(crate) fn rejected_when_the_lease_ends(
    config: fn() -> (LocalSiteConfig, RemoteSiteConfig),
    expired: impl Fn(&RoleRecord) -> bool,
    write: impl Fn(&Sites) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for over in [Over::Channels, Over::Tcp] {
        let (mut local, remote) = config();
        local.lease = Duration::from_millis(20);
        let trace = Arc::new(MemoryTrace::new());
        let sites = Sites::start(over, (local, remote), trace.clone())?;
        sites.pair()?;
        sites.losing.store(true, Ordering::SeqCst);
        sites.write(0, 1)?;
        thread::scope(|scope| {
            let backup = scope.spawn(|| sites.remote.backup(|_, _| ()));
            while !trace.records().iter().any(|record| expired(&record.role)) {
                thread::yield_now();
            }
            write(&sites)?;
            sites.losing.store(false, Ordering::SeqCst);
            let rejected = backup.join().map_err(|_| "the backup panicked")?;
            assert!(matches!(rejected, Err(BackupError::Rejected(_))), "{rejected:?}");
            Ok::<_, Failure>(())
        })?;
        let (_, why) = sites.local.coordinator().failure().ok_or("no reason was kept")?;
        assert_eq!(why, "the freeze did not hold until the split was done (FREEZE-3)");
    }
    Ok(())
}
