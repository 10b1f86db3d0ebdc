//! The local site: the primary's node, the gate and the coordinator with their threads. What the threads repeat is in the
//! table of [`super`].

use std::time::Duration;

use syncsplit_model::protocol::{
    BackupId, BlockIndex, HostMessage, Incarnation, ToPrimary, ToSecondary,
};

use super::base::{ArrayNode, Host, Site};
use super::config::{LocalDialers, LocalSiteConfig, SiteError};
use crate::backup::{CoordinatorInbox, CoordinatorNode};
use crate::clock::{SystemClock, Timer};
use crate::containers::BitMap;
use crate::database::{FreezeHooks, Gate};
use crate::doorway::Arc;
use crate::error::NodeError;
use crate::failback::{OldPrimary, TakenOver};
use crate::local::LocalNode;
use crate::local::sync::{SyncError, SyncReport};
use crate::mailbox::Mailbox;
use crate::payload::Payload;
use crate::stillness::{HoldStill, Stillness};
use crate::trace::TraceSink;
use crate::volume::Volume;

/// The local site.
pub type LocalSite = Site<LocalNode, LocalHost>;

/// The local host: the database's gate and the coordinator.
pub struct LocalHost {
    /// The gate that a database passes its transactions through.
    pub gate: Arc<Gate>,
    /// What a backup holds still.
    pub still: Arc<dyn Stillness>,
    /// The coordinator, with its inbox.
    pub coordinator: Arc<CoordinatorNode>,
}

impl LocalHost {
    /// A host beside `node`, with everything of `config` but the array's part. What it sends to the remote host goes to
    /// `outbox`.
    #[must_use]
    pub fn new(
        node: &Arc<LocalNode>,
        config: &LocalSiteConfig,
        hooks: Box<dyn FreezeHooks>,
        outbox: Arc<Mailbox<HostMessage>>,
        timer: Arc<dyn Timer>,
        trace: Arc<dyn TraceSink>,
    ) -> Self {
        let inbox = Arc::new(CoordinatorInbox::new());
        let answers = Arc::<CoordinatorInbox>::clone(&inbox);
        let roles = Arc::clone(&node.config().roles);
        let gate =
            Gate::new(roles, config.lease, hooks, answers, Arc::clone(&timer), Arc::clone(&trace));
        let still: Arc<dyn Stillness> = match config.holds {
            HoldStill::Database => Arc::<Gate>::clone(&gate),
            HoldStill::HostWrites => {
                node.answer_holds_to(Arc::<CoordinatorInbox>::clone(&inbox));
                Arc::<LocalNode>::clone(node)
            }
        };
        let (coordinator, node) = (config.coordinator.clone(), Arc::clone(node));
        let held = Arc::clone(&still);
        let coordinator =
            CoordinatorNode::new(coordinator, inbox, node, held, outbox, timer, trace);
        Self { gate, still, coordinator }
    }
}

impl Host for LocalHost {
    fn stop(&self) {
        self.gate.stop();
        self.coordinator.inbox().close();
    }
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
        let (timer, array) = (Arc::<SystemClock>::clone(&clock), config.array_config());
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
        let (timer, array) = (Arc::<SystemClock>::clone(&clock), config.array_config());
        let node =
            LocalNode::from_taken_over(array, taken_over, newest, timer, Arc::clone(&trace))?;
        Ok(Self::start_around(config, node, hooks, dialers, clock, trace)?)
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
        let (hooks, outbox) = (hooks(&node), Arc::new(Mailbox::new()));
        let host = LocalHost::new(&node, &config, hooks, Arc::clone(&outbox), timer, trace);
        let inbox = Arc::clone(host.coordinator.inbox());
        let site = Self::new(node, host, dialers, outbox, clock);
        // A site that could not be started as a whole is dropped here, and stops what has been started.
        site.start_coordinator()?;
        site.run(config.tick, move |message, _| inbox.on_host_message(message))?;
        Ok(site)
    }

    /// The gate that a database passes its transactions through.
    #[must_use]
    pub const fn gate(&self) -> &Arc<Gate> {
        &self.host.gate
    }

    /// The coordinator, for displays.
    #[must_use]
    pub const fn coordinator(&self) -> &Arc<CoordinatorNode> {
        &self.host.coordinator
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
        self.host.coordinator.restart()?;
        self.host.gate.restart()
    }

    /// Freezes the database for a backup of the caller's own, as the coordinator does for its; the answer goes to the
    /// coordinator's mailbox, and [`Gate::state`] shows it (FREEZE-1, FREEZE-2).
    ///
    /// # Errors
    /// As [`Gate::freeze`].
    pub fn freeze(&self, id: BackupId) -> Result<(), NodeError> {
        self.host.gate.freeze(id)
    }

    /// Sync(group, timeout): waits until everything written so far is written remotely (\[0021\]).
    ///
    /// # Errors
    /// The group is not here or not in PAIR, or the site is stopping.
    pub fn sync(&self, group: &str, timeout: Duration) -> Result<SyncReport, SyncError> {
        self.node.sync(group, timeout)
    }

    /// Failback: stops the site and hands over what its primary keeps (TAKEOVER-2).
    ///
    /// # Errors
    /// The node is broken, or has handed over before.
    pub fn hand_over(&self) -> Result<OldPrimary, NodeError> {
        self.stop();
        self.node.hand_over()
    }

    /// The coordinator takes what comes, one after the other.
    fn start_coordinator(&self) -> std::io::Result<()> {
        let coordinator = Arc::clone(&self.host.coordinator);
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
}

impl ArrayNode for LocalNode {
    type Out = ToSecondary<Payload>;
    type In = ToPrimary<BitMap>;

    fn next_outgoing(&self) -> Result<Option<Self::Out>, NodeError> {
        Self::next_outgoing(self)
    }

    fn on_message(&self, message: Self::In) -> Result<(), NodeError> {
        Self::on_message(self, message)
    }

    fn on_link(&self, up: bool) -> Result<(), NodeError> {
        if up {
            return self.link_up();
        }
        self.link_down();
        Ok(())
    }

    fn tick(&self) -> Result<bool, NodeError> {
        Self::tick(self)
    }

    fn stop(&self) {
        Self::stop(self);
    }
}
