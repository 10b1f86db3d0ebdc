//! The local site: the primary's node, the gate and the coordinator with their threads. What the threads repeat is in the
//! table of [`super`].

use std::time::Duration;

use syncsplit_model::protocol::{BackupId, BlockIndex, HostMessage, Incarnation};

use super::threads::{Threads, Troubles, as_link_error};
use super::{HostLink, LocalArrayLink, LocalDialers, LocalSiteConfig, SiteError};
use crate::backup::{CoordinatorInbox, CoordinatorNode};
use crate::clock::{SystemClock, Timer};
use crate::database::{FreezeHooks, Gate};
use crate::doorway::Arc;
use crate::error::NodeError;
use crate::failback::{OldPrimary, TakenOver};
use crate::link::Link;
use crate::local::sync::{SyncError, SyncReport};
use crate::local::{LocalConfig, LocalNode};
use crate::mailbox::Mailbox;
use crate::payload::Payload;
use crate::stillness::{HoldStill, HoldWrites, Stillness};
use crate::trace::TraceSink;
use crate::volume::Volume;

/// The local site. It stops when dropped.
pub struct LocalSite {
    node: Arc<LocalNode>,
    gate: Arc<Gate>,
    coordinator: Arc<CoordinatorNode>,
    host_outbox: Arc<Mailbox<HostMessage>>,
    array: Arc<LocalArrayLink>,
    host: Arc<HostLink>,
    clock: Arc<SystemClock>,
    threads: Threads,
}

impl LocalSite {
    /// Starts a site around a P-VOL. `hooks` makes what the gate calls for a freeze; where backups hold host writes instead,
    /// none ever comes to it.
    ///
    /// # Errors
    /// The operating system starts no more threads.
    pub fn start(
        config: LocalSiteConfig,
        volume: Arc<dyn Volume>,
        hooks: impl FnOnce(&Arc<LocalNode>) -> Box<dyn FreezeHooks>,
        dialers: LocalDialers,
        trace: Arc<dyn TraceSink>,
    ) -> std::io::Result<Self> {
        let clock = SystemClock::start()?;
        let (timer, array) = (Arc::<SystemClock>::clone(&clock), Self::array_config(&config));
        let node = LocalNode::new(array, volume, timer, Arc::clone(&trace));
        Self::start_around(config, node, hooks, dialers, clock, trace)
    }

    /// Failback: starts a site that goes on as the primary where another was taken over (TAKEOVER-2). `newest` is what the
    /// old primary says of [`OldPrimary::incarnation_newest`]. The pair is suspended until it is resynchronised.
    ///
    /// # Errors
    /// The operating system starts no more threads.
    pub fn start_from(
        config: LocalSiteConfig,
        taken_over: TakenOver,
        newest: Incarnation,
        hooks: impl FnOnce(&Arc<LocalNode>) -> Box<dyn FreezeHooks>,
        dialers: LocalDialers,
        trace: Arc<dyn TraceSink>,
    ) -> Result<Self, SiteError> {
        let clock = SystemClock::start()?;
        let (timer, array) = (Arc::<SystemClock>::clone(&clock), Self::array_config(&config));
        let node =
            LocalNode::from_taken_over(array, taken_over, newest, timer, Arc::clone(&trace))?;
        Ok(Self::start_around(config, node, hooks, dialers, clock, trace)?)
    }

    /// A freeze of the database and a hold of host writes have one lease: the site's.
    fn array_config(config: &LocalSiteConfig) -> LocalConfig {
        LocalConfig { hold_lease: config.lease, ..config.array.clone() }
    }

    fn start_around(
        config: LocalSiteConfig,
        node: Arc<LocalNode>,
        hooks: impl FnOnce(&Arc<LocalNode>) -> Box<dyn FreezeHooks>,
        dialers: LocalDialers,
        clock: Arc<SystemClock>,
        trace: Arc<dyn TraceSink>,
    ) -> std::io::Result<Self> {
        let timer: Arc<dyn Timer> = Arc::<SystemClock>::clone(&clock);
        node.link_down();
        let inbox = Arc::new(CoordinatorInbox::new());
        let hooks = hooks(&node);
        let answers = Arc::<CoordinatorInbox>::clone(&inbox);
        let roles = Arc::clone(&node.config().roles);
        let gate =
            Gate::new(roles, config.lease, hooks, answers, Arc::clone(&timer), Arc::clone(&trace));
        let answers = Arc::<CoordinatorInbox>::clone(&inbox);
        let still: Arc<dyn Stillness> = match config.holds {
            HoldStill::Database => Arc::<Gate>::clone(&gate),
            HoldStill::HostWrites => Arc::new(HoldWrites::new(&node, answers)),
        };
        let host_outbox = Arc::new(Mailbox::new());
        let coordinator = CoordinatorNode::new(
            config.coordinator,
            inbox,
            Arc::clone(&node),
            still,
            Arc::clone(&host_outbox),
            timer,
            trace,
        );
        let site = Self {
            node,
            gate,
            coordinator,
            host_outbox,
            array: Arc::new(Link::new(dialers.array)),
            host: Arc::new(Link::new(dialers.host)),
            clock,
            threads: Threads::default(),
        };
        // A site that could not be started as a whole is dropped here, and stops what has been started.
        site.start_array()?;
        site.start_host()?;
        site.start_clock(config.tick);
        Ok(site)
    }

    /// The primary's node: host writes, pair commands, displays.
    #[must_use]
    pub const fn node(&self) -> &Arc<LocalNode> {
        &self.node
    }

    /// The gate that a database passes its transactions through.
    #[must_use]
    pub const fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// The coordinator, for displays.
    #[must_use]
    pub const fn coordinator(&self) -> &Arc<CoordinatorNode> {
        &self.coordinator
    }

    /// The array link, to be cut and mended.
    #[must_use]
    pub const fn array_link(&self) -> &Arc<LocalArrayLink> {
        &self.array
    }

    /// The host link, to be cut and mended.
    #[must_use]
    pub const fn host_link(&self) -> &Arc<HostLink> {
        &self.host
    }

    /// What went wrong on the site's own threads.
    #[must_use]
    pub fn troubles(&self) -> &Troubles {
        self.threads.troubles()
    }

    /// Writes one block as a host does.
    ///
    /// # Errors
    /// As [`LocalNode::write`].
    pub fn write(&self, block: BlockIndex, payload: Payload) -> Result<(), NodeError> {
        self.node.write(block, payload)
    }

    /// The local host came back after a crash: its database and its coordinator have lost what is volatile.
    ///
    /// # Errors
    /// One of them is broken.
    pub fn restart_host(&self) -> Result<(), NodeError> {
        self.coordinator.restart()?;
        self.gate.restart()
    }

    /// Freezes the database for a backup of the caller's own, as the coordinator does for its; the answer goes to the
    /// coordinator's mailbox, and [`Gate::state`] shows it (FREEZE-1, FREEZE-2).
    ///
    /// # Errors
    /// As [`Gate::freeze`].
    pub fn freeze(&self, id: BackupId) -> Result<(), NodeError> {
        self.gate.freeze(id)
    }

    /// Sync(group, timeout): waits until everything written so far is written remotely (\[0021\]).
    ///
    /// # Errors
    /// The group is not here or not in PAIR, or the site is stopping.
    pub fn sync(&self, group: &str, timeout: Duration) -> Result<SyncReport, SyncError> {
        self.node.sync(group, timeout)
    }

    /// Stops the site and returns when its threads have ended. Volumes keep what they hold.
    pub fn stop(&self) {
        self.array.stop();
        self.host.stop();
        self.node.stop();
        self.gate.stop();
        self.coordinator.inbox().close();
        self.host_outbox.close();
        self.clock.stop();
        self.threads.join();
    }

    /// Failback: stops the site and hands over what its primary keeps (TAKEOVER-2).
    ///
    /// # Errors
    /// The node is broken, or has handed over before.
    pub fn hand_over(&self) -> Result<OldPrimary, NodeError> {
        self.stop();
        self.node.hand_over()
    }

    fn start_array(&self) -> std::io::Result<()> {
        self.threads.start_dialer("array-dial", &self.array)?;
        let (node, link) = (Arc::clone(&self.node), Arc::clone(&self.array));
        self.threads.start("array-send", move |troubles| {
            loop {
                match node.next_outgoing() {
                    Ok(Some(message)) => link.send(message),
                    Ok(None) => return,
                    // The pair is suspended by it, so the sender goes on and finds nothing to send.
                    Err(error @ NodeError::Volume { .. }) => troubles.note(&error),
                    Err(error) => return troubles.note(&error),
                }
            }
        })?;
        let (node, link) = (Arc::clone(&self.node), Arc::clone(&self.array));
        self.threads.start("array-receive", move |troubles| {
            let on_change = |up| {
                if up {
                    troubles.note_error(node.link_up());
                } else {
                    node.link_down();
                }
            };
            link.run_receiver(on_change, |message| {
                as_link_error(troubles, node.on_message(message))
            });
        })
    }

    fn start_host(&self) -> std::io::Result<()> {
        self.threads.start_host(&self.host, &self.host_outbox)?;
        let (coordinator, link) = (Arc::clone(&self.coordinator), Arc::clone(&self.host));
        self.threads.start("host-receive", move |_| {
            link.run_receiver(
                |_up| {},
                |message| {
                    coordinator.inbox().on_host_message(message);
                    Ok(())
                },
            );
        })?;
        let coordinator = Arc::clone(&self.coordinator);
        self.threads.start("coordinator", move |troubles| {
            loop {
                match coordinator.take_next() {
                    Ok(true) => {}
                    Ok(false) => return,
                    // A late or repeated message.
                    Err(error) if error.is_refusal() => {}
                    Err(error) => troubles.note(&error),
                }
            }
        })
    }

    fn start_clock(&self, tick: Duration) {
        let (node, array, host) =
            (Arc::clone(&self.node), Arc::clone(&self.array), Arc::clone(&self.host));
        let troubles = self.threads.troubles().clone();
        self.clock.every(
            tick,
            Box::new(move || {
                match node.tick() {
                    // The connection may look well and carry nothing.
                    Ok(true) => array.reset(),
                    Ok(false) => {}
                    Err(error) => troubles.note(&error),
                }
                array.redial();
                host.redial();
            }),
        );
    }
}

impl Drop for LocalSite {
    fn drop(&mut self) {
        self.stop();
    }
}
