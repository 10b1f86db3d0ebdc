//! The local site: a P-VOL with a bank on it, its pair with the remote process, and the frozen contents of each freeze.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use syncsplit_impl::backup::CoordinatorConfig;
use syncsplit_impl::database::FreezeHooks;
use syncsplit_impl::dial::TcpCaller;
use syncsplit_impl::failback::OldPrimary;
use syncsplit_impl::frame::Role;
use syncsplit_impl::local::{LocalConfig, LocalNode};
use syncsplit_impl::site::{LocalDialers, LocalSite, LocalSiteConfig};
use syncsplit_impl::volume::FileVolume;
use syncsplit_model::protocol::PairState;
use syncsplit_model::protocol::sync::PairView;

use crate::certificates::{self, Process};
use crate::control::{BLOCK_SIZE, BLOCKS, GROUP, RemoteProcess, hello};
use crate::device::HostVolume;
use crate::dump::Dump;
use crate::pace::Paced;
use crate::timeline::Timeline;
use crate::traffic::Traffic;
use crate::vfs::{self, VolumeVfs};
use crate::{Outcome, Scratch, bank, layout, lock};

/// How long anything may take here before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running local site.
pub(crate) struct Primary {
    pub(crate) site: LocalSite,
    pub(crate) timeline: Arc<Timeline>,
    seed: u64,
    volume: VolumeVfs,
    pvol: Arc<FileVolume>,
    frozen: Arc<FrozenDumps>,
}

/// What was read at each freeze.
#[derive(Default)]
struct FrozenDumps {
    /// The connection that reads; none until there is a database.
    reader: Mutex<Option<Connection>>,
    dumps: Mutex<Vec<Dump>>,
    /// Where a freeze's contents at its end differed from those at its beginning.
    changed: Mutex<Option<String>>,
}

impl FrozenDumps {
    fn read(&self) -> Result<Dump, String> {
        let reader = lock(&self.reader);
        let reader = reader.as_ref().ok_or("the database is not open yet")?;
        Dump::read(reader).map_err(|error| error.to_string())
    }
}

/// The database's part in a freeze. It writes through, so what is committed is on the P-VOL already; the rows are read
/// for the comparison later, after the last transaction has ended and before Sync begins.
struct ReadRows {
    node: Arc<LocalNode>,
    frozen: Arc<FrozenDumps>,
}

impl FreezeHooks for ReadRows {
    fn flush(&self) -> Result<(), String> {
        self.node.flush().map_err(|error| error.to_string())?;
        let dump = self.frozen.read()?;
        lock(&self.frozen.dumps).push(dump);
        Ok(())
    }

    /// The gate is still held, so nobody who passes it has written since: whoever has did not pass it (FREEZE-1).
    fn released(&self) {
        let changed = match (self.frozen.read(), lock(&self.frozen.dumps).last()) {
            (Ok(now), Some(frozen)) => now.difference(frozen),
            (Err(error), _) => Some(error),
            (Ok(_), None) => None,
        };
        if changed.is_some() {
            *lock(&self.frozen.changed) = changed;
        }
    }
}

/// How a local site of this example is configured, on whichever side it is.
pub(crate) fn config() -> LocalSiteConfig {
    LocalSiteConfig {
        array: LocalConfig {
            group: GROUP.to_owned(),
            // A link that is cut is mended long before the pair would be suspended for it.
            patience_ticks: 10_000,
            ..LocalConfig::default()
        },
        coordinator: CoordinatorConfig { answer_timeout: PATIENCE, sync_timeout: PATIENCE },
        lease: PATIENCE,
        tick: Duration::from_millis(50),
        ..LocalSiteConfig::default()
    }
}

impl Primary {
    /// Both sites of the part of this name, with a folder of their own, and in PAIR.
    pub(crate) fn with_remote(
        scratch: &Scratch<'_>,
        name: &str,
        seed: u64,
    ) -> Outcome<(PathBuf, RemoteProcess, Primary)> {
        let directory = scratch.root.join(name);
        std::fs::create_dir(&directory)?;
        certificates::make(&directory)?;
        let remote = RemoteProcess::start(scratch, &directory.join("remote"))?;
        let primary = Self::start(name, &directory, seed, &remote)?;
        Ok((directory, remote, primary))
    }

    /// Makes a P-VOL in the folder of this part, a bank on it, and a pair with `remote`; returns when the pair is in PAIR.
    fn start(name: &str, part: &Path, seed: u64, remote: &RemoteProcess) -> Outcome<Primary> {
        let security = certificates::of(part, Process::First)?;
        let call = |addr: &String, role| TcpCaller::new(addr, hello(role), security.clone());
        let directory = part.join("local");
        let dialers = LocalDialers {
            array: Box::new(Paced(call(&remote.array, Role::Primary))),
            host: Box::new(call(&remote.host, Role::Coordinator)),
        };
        std::fs::create_dir(&directory)?;
        let pvol = Arc::new(FileVolume::create(directory.join("pvol"), BLOCK_SIZE, BLOCKS)?);
        let (timeline, frozen) = (Arc::new(Timeline::default()), Arc::new(FrozenDumps::default()));
        let hooks = |node: &Arc<LocalNode>| -> Box<dyn FreezeHooks> {
            Box::new(ReadRows { node: node.clone(), frozen: frozen.clone() })
        };
        let site = LocalSite::start(config(), pvol.clone(), hooks, dialers, timeline.clone())?;
        let device = Arc::new(HostVolume::Pvol(site.node().clone()));
        layout::format(device.as_ref())?;
        let volume = vfs::register(name, layout::open(device)?)?;
        let reader = volume.connect(PATIENCE)?;
        bank::create(&reader)?;
        *lock(&frozen.reader) = Some(reader);
        site.node().create()?;
        let primary = Primary { site, timeline, seed, volume, pvol, frozen };
        primary.wait_for(|view| view.state == PairState::Pair)?;
        Ok(primary)
    }

    /// Runs `body` while four threads commit transactions.
    pub(crate) fn while_writing<T>(&self, body: impl FnOnce(&Traffic) -> Outcome<T>) -> Outcome<T> {
        let (gate, node) = (self.site.gate(), self.site.node());
        let traffic = Traffic::new(self.seed, gate, node, self.volume.clone());
        traffic.while_writing(|| body(&traffic), || self.site.stop())
    }

    /// What the pair shows now.
    pub(crate) fn view(&self) -> Outcome<PairView> {
        Ok(self.site.node().view()?)
    }

    /// Waits until the pair is as wanted.
    pub(crate) fn wait_for(&self, wanted: impl Fn(&PairView) -> bool) -> Outcome<PairView> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let view = self.view()?;
            if wanted(&view) {
                return Ok(view);
            }
            if Instant::now() > deadline {
                let why = self.site.array_link().error().unwrap_or_default();
                return Err(format!("the pair is still {view:?} after {PATIENCE:?}; {why}").into());
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// The contents at the one freeze since this was last called.
    pub(crate) fn take_frozen(&self) -> Outcome<Dump> {
        if let Some(words) = lock(&self.frozen.changed).take() {
            return Err(format!("the database changed while it was frozen: {words}").into());
        }
        let mut dumps = std::mem::take(&mut *lock(&self.frozen.dumps));
        match (dumps.pop(), dumps.len()) {
            (Some(dump), 0) => Ok(dump),
            (last, others) => {
                let freezes = others + usize::from(last.is_some());
                Err(format!("one backup froze the database {freezes} times").into())
            }
        }
    }

    /// The P-VOL's file.
    pub(crate) const fn pvol(&self) -> &Arc<FileVolume> {
        &self.pvol
    }

    /// Failback: stops the site and hands over what it keeps.
    pub(crate) fn hand_over(&self) -> Outcome<OldPrimary> {
        *lock(&self.frozen.reader) = None;
        Ok(self.site.hand_over()?)
    }

    /// Stops the site; fails if something went wrong on its threads.
    pub(crate) fn stop(self) -> Outcome {
        self.site.stop();
        let troubles = self.site.troubles().take();
        if troubles.is_empty() {
            Ok(())
        } else {
            Err(format!("the local site was in trouble: {}", troubles.join("; ")).into())
        }
    }
}
