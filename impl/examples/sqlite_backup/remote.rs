//! The second process: the remote site, and what it does when the first one orders it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use syncsplit_impl::backup::ReadOnly;
use syncsplit_impl::database::{FreezeHooks, WriteThrough};
use syncsplit_impl::dial::{TcpCalled, TcpCaller};
use syncsplit_impl::frame::Role;
use syncsplit_impl::local::LocalNode;
use syncsplit_impl::remote::RemoteConfig;
use syncsplit_impl::site::{LocalDialers, LocalSite, RemoteDialers, RemoteSite, RemoteSiteConfig};
use syncsplit_impl::trace::NoTrace;
use syncsplit_impl::transport::tls::Security;
use syncsplit_impl::volume::{FileVolume, Volume};
use syncsplit_model::protocol::replica::{Purpose, ReplicaState};
use syncsplit_model::protocol::sync::SyncOutcome;
use syncsplit_model::protocol::{BlockIndex, Incarnation, PairState, ReorderQueue, Seq};

use crate::certificates::{self, Process};
use crate::control::{Answer, BLOCK_SIZE, BLOCKS, GROUP, Order, hear, hello, say};
use crate::device::HostVolume;
use crate::pace::Paced;
use crate::vfs::{self, VolumeVfs};
use crate::{Outcome, bank, layout, primary};

/// How long anything may take here before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a backup goes on reading after the copy: a real one is larger than this example's, and reads for longer.
const READING: Duration = Duration::from_millis(200);

/// Serves until standard input ends, which it does when the first process does, however it ends. `sweep` is then removed: the
/// first process had no time to.
pub(crate) fn run(directory: &Path, sweep: Option<PathBuf>) -> Outcome {
    let (heard, orders) = mpsc::channel();
    let swept = sweep.clone();
    thread::spawn(move || listen(&heard, swept.as_deref()));
    let outcome = serve(directory, &orders);
    remove(sweep.as_deref());
    outcome
}

/// Passes orders on. At the end this process ends at once, whatever it is doing: nobody is left who wants it done.
fn listen(heard: &Sender<Outcome<Order>>, sweep: Option<&Path>) {
    while let Some(order) = hear(&mut io::stdin().lock()).transpose() {
        let is_over = order.is_err();
        if heard.send(order).is_err() || is_over {
            return;
        }
    }
    remove(sweep);
    std::process::exit(0)
}

/// A file that is being created keeps its folder, until it is there to be removed as well.
fn remove(sweep: Option<&Path>) {
    let Some(sweep) = sweep else { return };
    for _ in 0..10 {
        if std::fs::remove_dir_all(sweep).is_ok() || !sweep.exists() {
            return;
        }
    }
}

fn serve(directory: &Path, orders: &Receiver<Outcome<Order>>) -> Outcome {
    let part = directory.parent().ok_or("the remote site's folder is in no other")?;
    let security = certificates::of(part, Process::Second)?;
    let array = TcpCalled::bind("127.0.0.1:0", hello(Role::Secondary), security.clone())?;
    let host = TcpCalled::bind("127.0.0.1:0", hello(Role::Requester), security.clone())?;
    let ready = Answer::Ready {
        array: array.local_addr().to_string(),
        host: host.local_addr().to_string(),
    };
    let volume = |name: &str| FileVolume::create(directory.join(name), BLOCK_SIZE, BLOCKS);
    let (spvol, svol) = (Arc::new(volume("spvol")?), Arc::new(volume("svol")?));
    let dialers = RemoteDialers { array: Box::new(array), host: Box::new(host) };
    let site =
        RemoteSite::start(config(), spvol.clone(), svol.clone(), dialers, Arc::new(NoTrace))?;
    let mut served = ServedSite { site: Site::Secondary(site), security, spvol, svol, vfs: None };
    say(&mut io::stdout(), &ready)?;
    for order in orders {
        let answer = served
            .obey(&order?)
            .unwrap_or_else(|error| Answer::Failed { reason: error.to_string() });
        say(&mut io::stdout(), &answer)?;
    }
    Ok(())
}

/// How a remote site of this example is configured, on whichever side it is.
pub(crate) fn config() -> RemoteSiteConfig {
    RemoteSiteConfig {
        // A link that is cut is mended long before this side would count the pair as failed.
        array: RemoteConfig { patience_ticks: 10_000, ..RemoteConfig::default() },
        answer_timeout: PATIENCE,
        tick: Duration::from_millis(50),
        ..RemoteSiteConfig::default()
    }
}

/// Which role this process's side has.
enum Site {
    Secondary(RemoteSite),
    /// After a failback.
    Primary(LocalSite),
    /// A failback has begun and did not end.
    None,
}

/// What is served.
struct ServedSite {
    site: Site,
    security: Security,
    /// The P-VOL, after a failback.
    spvol: Arc<FileVolume>,
    svol: Arc<FileVolume>,
    /// The volume as SQLite's, once a transaction was asked for in this role.
    vfs: Option<VolumeVfs>,
}

impl ServedSite {
    fn obey(&mut self, order: &Order) -> Outcome<Answer> {
        match (order, &self.site) {
            (Order::Backup { image }, Site::Secondary(site)) => {
                let (id, read) = site.backup(|id, svol| (id, read_twice(svol, image)))?;
                read?;
                Ok(Answer::BackedUp { id })
            }
            (Order::Image { image }, Site::Secondary(site)) => {
                let (written, state) = copy_at_rest(site, &self.spvol, image)?;
                Ok(Answer::Copied { written, state })
            }
            (Order::Gold { image }, Site::Secondary(site)) => {
                let (written, state) = copy_gold(site, &self.svol, image)?;
                Ok(Answer::Copied { written, state })
            }
            (Order::TakeOver { image }, Site::Secondary(site)) => {
                site.node().takeover(false)?;
                // Nobody but this host writes the S/P-VOL from here on.
                std::fs::copy(self.spvol.path(), image)?;
                Ok(Answer::TakenOver)
            }
            (Order::FailBack { newest, array, host }, _) => self.fail_back(*newest, array, host),
            (Order::Commit { seed, count }, _) => self.commit(*seed, *count),
            (Order::Synced { image }, Site::Primary(site)) => {
                let report = site.sync(GROUP, PATIENCE)?;
                if report.outcome != SyncOutcome::Done {
                    return Err(report.to_string().into());
                }
                std::fs::copy(self.spvol.path(), image)?;
                let view = site.node().view()?;
                Ok(Answer::Copied { written: view.written, state: view.state })
            }
            (Order::State, Site::Secondary(site)) => {
                let state = site.node().state()?.state;
                Ok(Answer::State { state, troubles: site.troubles().take() })
            }
            (Order::State, Site::Primary(site)) => {
                let state = site.node().view()?.state;
                Ok(Answer::State { state, troubles: site.troubles().take() })
            }
            (order, _) => Err(format!("{order:?} is not for a side in this role").into()),
        }
    }

    /// Goes on as the primary, on the volume that was taken over.
    fn fail_back(&mut self, newest: Incarnation, array: &str, host: &str) -> Outcome<Answer> {
        let Site::Secondary(site) = std::mem::replace(&mut self.site, Site::None) else {
            return Err("this side is not the secondary".into());
        };
        // The connection to the old role's volume is closed; the next one is to the new role's.
        self.vfs = None;
        let taken_over = site.hand_over()?;
        let call = |addr, role| TcpCaller::new(addr, hello(role), self.security.clone());
        let dialers = LocalDialers {
            array: Box::new(Paced(call(array, Role::Primary))),
            host: Box::new(call(host, Role::Coordinator)),
        };
        let hooks = |node: &Arc<LocalNode>| -> Box<dyn FreezeHooks> {
            Box::new(WriteThrough(node.clone()))
        };
        let site = LocalSite::start_from(
            primary::config(),
            taken_over,
            newest,
            hooks,
            dialers,
            Arc::new(NoTrace),
        )?;
        site.node().resync()?;
        let view = site.node().wait_until(|view| view.state == PairState::Pair)?;
        self.site = Site::Primary(site);
        Ok(Answer::FailedBack { view })
    }

    /// Commits transactions, one after the other.
    fn commit(&mut self, seed: u64, count: u32) -> Outcome<Answer> {
        if self.vfs.is_none() {
            // SQLite keeps a name until the process ends, so each role has its own.
            let (name, volume) = match &self.site {
                Site::Secondary(site) => ("taken-over", HostVolume::Spvol(site.node().clone())),
                Site::Primary(site) => ("failed-back", HostVolume::Pvol(site.node().clone())),
                Site::None => return Err("this side has no role".into()),
            };
            self.vfs = Some(vfs::register(name, layout::open(Arc::new(volume))?)?);
        }
        let volume = self.vfs.as_ref().ok_or("this side has no volume")?;
        let mut conn = volume.connect(PATIENCE)?;
        let mut newest = 0;
        for _ in 0..count {
            let mut transact = || bank::transact(&mut conn, seed, false, |_| {});
            let committed = match &self.site {
                Site::Primary(site) => site.gate().transaction(transact)?,
                _ => transact(),
            };
            let committed = committed.map_err(|error| volume.explain(error))?;
            newest = committed.ok_or("the transaction was rolled back")?;
        }
        Ok(Answer::Committed { newest })
    }
}

/// Copies the gold copy, which stands still for as long as the pair is in COPY (RESYNC-4).
fn copy_gold(site: &RemoteSite, svol: &FileVolume, image: &Path) -> Outcome<(Seq, PairState)> {
    let look = || -> Outcome<_> {
        let secondary = site.node().state()?;
        let gold = secondary.replica.state == ReplicaState::Split(Purpose::Gold);
        match (secondary.state, gold) {
            (PairState::Copy, true) => Ok((secondary.written, secondary.state)),
            (state, _) => Err(format!("no gold copy in {state}").into()),
        }
    };
    look()?;
    std::fs::copy(svol.path(), image)?;
    look()
}

/// Copies the S-VOL, and looks a while later whether it has stood still (BACKUP-1).
fn read_twice(svol: &ReadOnly<'_>, image: &Path) -> Outcome {
    svol.copy_to(image)?;
    thread::sleep(READING);
    let copy = FileVolume::open(image, svol.block_size(), svol.blocks())?;
    for block in (0..svol.blocks()).map(BlockIndex) {
        if svol.read(block)? != copy.read(block)? {
            return Err(format!("block {} of the S-VOL changed while it was read", block.0).into());
        }
    }
    Ok(())
}

/// Copies the S/P-VOL when nothing more is applied to it. Story of why it looks again afterwards:
/// 1. The primary's end of the link is cut; this end still holds frames that have not been read.
/// 2. Everything that has arrived is applied, and the copy begins.
/// 3. The rest is read and applied meanwhile: the copy's first half is older than its second.
/// 4. `written` has moved, so that copy is thrown away.
fn copy_at_rest(site: &RemoteSite, spvol: &FileVolume, image: &Path) -> Outcome<(Seq, PairState)> {
    let deadline = Instant::now() + PATIENCE;
    let look = || -> Outcome<_> {
        let secondary = site.node().state()?;
        let more = secondary.queue.contains(secondary.written.next());
        Ok((secondary.written, secondary.state, more))
    };
    let mut last = None;
    while Instant::now() < deadline {
        let (written, state, more) = look()?;
        let at_rest = !more && last == Some(written);
        last = Some(written);
        if !at_rest {
            thread::sleep(Duration::from_millis(2));
            continue;
        }
        std::fs::copy(spvol.path(), image)?;
        if look()? == (written, state, false) {
            return Ok((written, state));
        }
    }
    Err(format!("the S/P-VOL was not at rest within {PATIENCE:?} of the primary's end").into())
}
