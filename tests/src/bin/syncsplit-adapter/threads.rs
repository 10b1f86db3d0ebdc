//! Both sites with all their threads, and a TCP connection on this machine between the arrays: how the implementation runs
//! in earnest. The kit is coordinator and requester itself, so that the link between the hosts carries nothing here.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use syncsplit_impl::containers::BitMap;
use syncsplit_impl::database::WriteThrough;
use syncsplit_impl::dial::{TcpCalled, TcpCaller, in_process};
use syncsplit_impl::failback::{OldPrimary, TakenOver};
use syncsplit_impl::frame::Role;
use syncsplit_impl::link::{Connection, Dialer};
use syncsplit_impl::local::{LocalConfig, LocalNode};
use syncsplit_impl::remote::{RemoteConfig, RemoteNode};
use syncsplit_impl::site::{
    LocalDialers, LocalSite, LocalSiteConfig, RemoteDialers, RemoteSite, RemoteSiteConfig,
};
use syncsplit_impl::trace::{MemoryTrace, TraceSink};
use syncsplit_impl::transport::tls::Security;
use syncsplit_impl::transport::{LinkError, Receiver};
use syncsplit_impl::volume::{MemoryVolume, Volume};
use syncsplit_model::protocol::PairState;

use crate::link::{ADDRESS, hello};
use crate::sites::LEASE;
use crate::{Refused, broken};

const TICK: Duration = Duration::from_millis(5);
/// How many ticks a side waits for a link that is down, or carries nothing. While it is up they take so long that no busy
/// machine is taken for a link that fails; while it is down they are let pass at once.
pub(crate) const PATIENCE: u32 = 2000;
/// How long the connection may take to be made, or to be gone.
const LINK_LIMIT: Duration = Duration::from_secs(5);
/// How far apart looks at it are.
const LOOK_EVERY: Duration = Duration::from_micros(200);
/// How many messages the link between the hosts has room for.
const HOST_MESSAGES: usize = 16;

/// Both sites.
pub(crate) struct Threads {
    local: LocalSite,
    remote: RemoteSite,
    /// How many ends of the array link take messages.
    open: Arc<AtomicUsize>,
}

impl Threads {
    /// Starts both sites around three volumes; returns once they are connected.
    pub(crate) fn start(
        volumes: [Arc<dyn Volume>; 3],
        local: LocalConfig,
        remote: RemoteConfig,
    ) -> Result<Self, Refused> {
        let [pvol, spvol, svol] = volumes;
        let (there, back, open) = dialers(pvol.blocks())?;
        let (config, trace) = (local_config(local), trace());
        let local = LocalSite::start(config, pvol, write_through, there, trace).map_err(broken)?;
        let config = remote_config(remote);
        let remote = RemoteSite::start(config, spvol, svol, back, self::trace()).map_err(broken)?;
        Self { local, remote, open }.connected()
    }

    /// Goes on with the roles exchanged, after a failback.
    pub(crate) fn go_on(
        taken_over: TakenOver,
        old: OldPrimary,
        svol: &Arc<MemoryVolume>,
        local: LocalConfig,
        remote: RemoteConfig,
    ) -> Result<Self, Refused> {
        let (there, back, open) = dialers(svol.blocks())?;
        let (config, newest) = (local_config(local), old.incarnation_newest());
        let site = LocalSite::start_from(config, taken_over, newest, write_through, there, trace());
        let local = site.map_err(broken)?;
        let (config, svol) = (remote_config(remote), svol.clone());
        let site = RemoteSite::start_from(config, old, svol, back, trace());
        Self { local, remote: site.map_err(broken)?, open }.connected()
    }

    fn connected(self) -> Result<Self, Refused> {
        self.wait_for_ends(2)?;
        Ok(self)
    }

    /// The primary's node and the secondary's.
    pub(crate) fn nodes(&self) -> (Arc<LocalNode>, Arc<RemoteNode>) {
        (self.local.node().clone(), self.remote.node().clone())
    }

    /// What both sites hand over at a failback; nothing has happened if it is refused.
    pub(crate) fn hand_over(&self) -> Result<(TakenOver, OldPrimary), Refused> {
        if self.remote.node().state()?.state == PairState::Ssws {
            // Or the local site would call the one that has stopped, and wait in vain for its hello.
            self.set_link(false)?;
        }
        Ok((self.remote.hand_over()?, self.local.hand_over()?))
    }

    /// Waits until the pair that was asked for is in PAIR and nothing is on its way.
    pub(crate) fn wait_for_pair(&self) -> Result<(), Refused> {
        self.local.node().wait_until(|view| view.state == PairState::Pair)?;
        let is_clean = |map: &BitMap| map.iter().next().is_none();
        Ok(self.remote.node().wait_until(|secondary| is_clean(&secondary.replica.dirty))?)
    }

    /// Cuts the connection, or lets a new one be made; returns once both ends have noticed.
    pub(crate) fn set_link(&self, up: bool) -> Result<(), Refused> {
        let (local, remote) = (self.local.array_link(), self.remote.array_link());
        if !up {
            local.cut();
            remote.cut();
            return self.wait_for_ends(0);
        }
        remote.mend();
        local.mend();
        local.redial();
        self.wait_for_ends(2)
    }

    fn wait_for_ends(&self, wanted: usize) -> Result<(), Refused> {
        let begin = Instant::now();
        while self.open.load(Ordering::SeqCst) != wanted {
            if begin.elapsed() > LINK_LIMIT {
                let why = self.local.array_link().error().unwrap_or_default();
                return Err(broken(format!("the array link is not as asked for: {why}")));
            }
            sleep(LOOK_EVERY);
        }
        Ok(())
    }
}

fn local_config(array: LocalConfig) -> LocalSiteConfig {
    let array = LocalConfig { patience_ticks: PATIENCE, ..array };
    LocalSiteConfig { array, lease: LEASE, tick: TICK, ..LocalSiteConfig::default() }
}

fn remote_config(array: RemoteConfig) -> RemoteSiteConfig {
    let array = RemoteConfig { patience_ticks: PATIENCE, ..array };
    RemoteSiteConfig { array, tick: TICK, ..RemoteSiteConfig::default() }
}

fn trace() -> Arc<dyn TraceSink> {
    Arc::new(MemoryTrace::new())
}

/// The site's own gate, which no database passes: the adapter has one for the kit.
fn write_through(node: &Arc<LocalNode>) -> Box<dyn syncsplit_impl::database::FreezeHooks> {
    Box::new(WriteThrough(node.clone()))
}

/// What makes the connections of both sites, and counts the ends of the array link.
fn dialers(blocks: u32) -> Result<(LocalDialers, RemoteDialers, Arc<AtomicUsize>), Refused> {
    let open = Arc::new(AtomicUsize::new(0));
    let called = TcpCalled::bind(ADDRESS, hello(Role::Secondary, blocks), Security::Plain)
        .map_err(broken)?;
    let address = called.local_addr().to_string();
    let caller = TcpCaller::new(address, hello(Role::Primary, blocks), Security::Plain);
    let (host_there, host_back) = in_process(HOST_MESSAGES);
    let array = Box::new(Counted { dialer: caller, open: open.clone() });
    let local = LocalDialers { array, host: Box::new(host_there) };
    let array = Box::new(Counted { dialer: called, open: open.clone() });
    let remote = RemoteDialers { array, host: Box::new(host_back) };
    Ok((local, remote, open))
}

/// A dialer whose connections count among the open ones from when messages are taken until the last one was.
struct Counted<D> {
    dialer: D,
    open: Arc<AtomicUsize>,
}

impl<Out, In: 'static, D: Dialer<Out, In>> Dialer<Out, In> for Counted<D> {
    fn dial(&self) -> Result<Connection<Out, In>, LinkError> {
        let Connection { sender, receiver, closer } = self.dialer.dial()?;
        let open = self.open.clone();
        let receiver = Box::new(CountedReceiver { receiver, open, is_counted: false });
        Ok(Connection { sender, receiver, closer })
    }

    fn close(&self) {
        self.dialer.close();
    }

    fn is_called(&self) -> bool {
        self.dialer.is_called()
    }
}

struct CountedReceiver<In> {
    receiver: Box<dyn Receiver<In>>,
    open: Arc<AtomicUsize>,
    is_counted: bool,
}

impl<In> Receiver<In> for CountedReceiver<In> {
    fn recv(&mut self) -> Result<In, LinkError> {
        if !self.is_counted {
            self.is_counted = true;
            self.open.fetch_add(1, Ordering::SeqCst);
        }
        self.receiver.recv()
    }
}

impl<In> Drop for CountedReceiver<In> {
    fn drop(&mut self) {
        if self.is_counted {
            self.open.fetch_sub(1, Ordering::SeqCst);
        }
    }
}
