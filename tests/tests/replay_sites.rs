//! Two whole sites with all their threads, inside one process and over TCP: backups under load, a link that is cut,
//! a resync. What they did is replayed through the model.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use syncsplit_impl::database::WriteThrough;
use syncsplit_impl::dial::{TcpCalled, TcpCaller, in_process};
use syncsplit_impl::frame::{Hello, Role};
use syncsplit_impl::payload::Payload;
use syncsplit_impl::site::{
    LocalDialers, LocalSite, LocalSiteConfig, RemoteDialers, RemoteSite, RemoteSiteConfig,
};
use syncsplit_impl::trace::{Digest, MemoryTrace};
use syncsplit_impl::transport::tls::Security;
use syncsplit_impl::volume::MemoryVolume;
use syncsplit_model::protocol::sync::SyncOutcome;
use syncsplit_model::protocol::{BlockIndex, PairState};
use syncsplit_tests::replay::{
    Image, Options, Writes, by_site, image as replayed_image, judge, replay,
};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const BLOCKS: u32 = 8;
const BLOCK_SIZE: usize = 8;
const GROUP: &str = "oradb";
/// No wait of these tests ends by time.
const FAR: Duration = Duration::from_secs(600);

fn image(volume: &MemoryVolume) -> Image {
    volume.snapshot().iter().map(|held| Some(Digest(held.digest()))).collect()
}

fn hello(role: Role) -> Hello {
    Hello {
        role,
        group: GROUP.to_owned(),
        block_size: BLOCK_SIZE as u32,
        blocks: BLOCKS,
        silence_ms: Hello::USUAL_SILENCE_MS,
    }
}

fn in_one_process() -> Result<(LocalDialers, RemoteDialers), Failure> {
    let (array, array_called) = in_process(4);
    let (host, host_called) = in_process(4);
    let local = LocalDialers { array: Box::new(array), host: Box::new(host) };
    Ok((local, RemoteDialers { array: Box::new(array_called), host: Box::new(host_called) }))
}

fn over_tcp() -> Result<(LocalDialers, RemoteDialers), Failure> {
    let array = TcpCalled::bind("127.0.0.1:0", hello(Role::Secondary), Security::Plain)?;
    let host = TcpCalled::bind("127.0.0.1:0", hello(Role::Requester), Security::Plain)?;
    let call = |addr: SocketAddr, role| {
        Box::new(TcpCaller::new(addr.to_string(), hello(role), Security::Plain))
    };
    let local = LocalDialers {
        array: call(array.local_addr(), Role::Primary),
        host: call(host.local_addr(), Role::Coordinator),
    };
    Ok((local, RemoteDialers { array: Box::new(array), host: Box::new(host) }))
}

/// Two sites, and the one trace of both.
struct Sites {
    local: LocalSite,
    remote: RemoteSite,
    volumes: [Arc<MemoryVolume>; 3],
    trace: Arc<MemoryTrace>,
    /// The number that the next write brings: no two blocks ever hold the same.
    number: AtomicU64,
}

impl Sites {
    fn start((to_remote, to_local): (LocalDialers, RemoteDialers)) -> Result<Self, Failure> {
        let volume = || MemoryVolume::new(BLOCK_SIZE, BLOCKS).map(Arc::new);
        let (pvol, spvol, svol) = (volume()?, volume()?, volume()?);
        let trace = Arc::new(MemoryTrace::new());
        let mut here =
            LocalSiteConfig { lease: FAR, tick: Duration::from_millis(2), ..Default::default() };
        here.array.group = GROUP.to_owned();
        here.array.journal_max = 6;
        // The test says when the link has failed; a busy machine must not.
        here.array.patience_ticks = u32::MAX;
        (here.coordinator.answer_timeout, here.coordinator.sync_timeout) = (FAR, FAR);
        let mut there =
            RemoteSiteConfig { answer_timeout: FAR, tick: here.tick, ..Default::default() };
        (there.array.queue_max, there.array.patience_ticks) = (4, u32::MAX);
        let volumes = [pvol.clone(), spvol.clone(), svol.clone()];
        let remote = RemoteSite::start(there, spvol, svol, to_local, trace.clone())?;
        let local = LocalSite::start(
            here,
            pvol,
            |node| Box::new(WriteThrough(Arc::clone(node))),
            to_remote,
            trace.clone(),
        )?;
        Ok(Self { local, remote, volumes, trace, number: AtomicU64::new(1) })
    }

    fn wait_for(&self, state: PairState) -> Result<(), Failure> {
        self.local.node().wait_until(|view| view.state == state)?;
        Ok(())
    }

    /// One transaction of two writes.
    fn transaction(&self) -> Result<(), Failure> {
        self.local.gate().transaction(|| {
            for _ in 0..2 {
                let number = self.number.fetch_add(1, Ordering::SeqCst);
                let block = BlockIndex((number.wrapping_mul(5) % u64::from(BLOCKS)) as u32);
                self.local.node().write(block, Payload::from(&number.to_le_bytes()[..]))?;
            }
            Ok(())
        })?
    }

    /// Runs `body` while two threads write.
    fn while_writing(&self, body: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let writers = [(); 2].map(|()| {
                scope.spawn(|| {
                    while !over.load(Ordering::SeqCst) {
                        self.transaction()?;
                        thread::yield_now();
                    }
                    Ok::<(), Failure>(())
                })
            });
            let outcome = body();
            over.store(true, Ordering::SeqCst);
            if outcome.is_err() {
                // A writer may wait for a journal that nobody empties any more.
                self.local.stop();
            }
            for writer in writers {
                let written = writer.join().map_err(|_| "a writer panicked")?;
                if outcome.is_ok() {
                    written?;
                }
            }
            outcome
        })
    }

    /// A backup, read block by block.
    fn backup(&self) -> Result<(u32, Image), Failure> {
        self.remote.backup(|id, svol| {
            let blocks = (0..svol.blocks()).map(|block| svol.read(BlockIndex(block)));
            let image: Result<Image, _> =
                blocks.map(|held| Ok::<_, Failure>(Some(Digest(held?.digest())))).collect();
            image.map(|image| (id.0, image))
        })?
    }

    fn synced(&self) -> Result<(), Failure> {
        let report = self.local.sync(GROUP, FAR)?;
        if report.outcome == SyncOutcome::Done { Ok(()) } else { Err(report.to_string().into()) }
    }
}

/// Three backups under load, of which the third follows a link that was cut and a resync.
fn play(dialers: (LocalDialers, RemoteDialers)) -> Result<(), Failure> {
    let sites = Sites::start(dialers)?;
    sites.local.node().create()?;
    sites.wait_for(PairState::Pair)?;
    let mut backups = Vec::new();
    sites.while_writing(|| {
        for _ in 0..2 {
            backups.push(sites.backup()?);
        }
        sites.local.array_link().cut();
        for _ in 0..2 {
            thread::sleep(Duration::from_millis(5));
        }
        sites.local.node().fail()?;
        thread::sleep(Duration::from_millis(5));
        sites.local.array_link().mend();
        sites.local.node().resync()?;
        sites.wait_for(PairState::Pair)?;
        backups.push(sites.backup()?);
        Ok(())
    })?;
    sites.synced()?;
    sites.local.stop();
    sites.remote.stop();
    let troubles = [sites.local.troubles().take(), sites.remote.troubles().take()].concat();
    if !troubles.is_empty() {
        return Err(format!("the sites' threads had troubles: {troubles:?}").into());
    }
    let records = sites.trace.records();
    let options = Options { writes: Writes::Gated, ..Options::default() };
    let count = records.len();
    let system = replay(options, &records)?;
    println!("{count} records replayed");
    // Each site's log alone, the order between them forgotten.
    judge(Options::default(), &by_site(&records)?)?;
    let (media, volumes) = (&sites.volumes, system.volumes());
    assert_eq!(image(&media[0]), replayed_image(&volumes.pvol));
    assert_eq!(image(&media[1]), replayed_image(&volumes.spvol));
    assert_eq!(image(&media[2]), replayed_image(&volumes.svol));
    assert_eq!(volumes.pvol.digests(), volumes.spvol.digests());
    for (id, read) in &backups {
        let id = syncsplit_model::protocol::BackupId(*id);
        let split = system.split_image(id).map(replayed_image);
        assert_eq!(Some(read), split.as_ref(), "backup {}", id.0);
    }
    assert_eq!(backups.len(), 3);
    Ok(())
}

#[test]
fn sites_in_one_process_do_what_the_model_allows() -> Result<(), Failure> {
    play(in_one_process()?)
}

#[test]
fn sites_over_tcp_do_what_the_model_allows() -> Result<(), Failure> {
    play(over_tcp()?)
}
