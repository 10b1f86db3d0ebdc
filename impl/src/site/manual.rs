//! Two sites without threads, for scenarios and tests: nothing happens in them unless the caller takes the step, and time
//! passes when [`ManualClock`] is told so. What a step does never lives here.

use syncsplit_model::protocol::HostMessage;

use super::config::{LocalSiteConfig, RemoteSiteConfig};
use super::local::LocalHost;
use super::remote::deliver;
use crate::backup::{CoordinatorNode, RequesterNode};
use crate::clock::ManualClock;
use crate::database::{Gate, WriteThrough};
use crate::doorway::Arc;
use crate::error::{NodeError, ignore_refusal};
use crate::local::LocalNode;
use crate::mailbox::Mailbox;
use crate::remote::RemoteNode;
use crate::trace::MemoryTrace;
use crate::volume::Volume;

/// Both sites around three volumes, and what is on its way between their hosts. The database writes through.
pub struct ManualSites<V> {
    /// The P-VOL.
    pub pvol: Arc<V>,
    /// The S/P-VOL.
    pub spvol: Arc<V>,
    /// The S-VOL.
    pub svol: Arc<V>,
    /// The primary's node.
    pub local: Arc<LocalNode>,
    /// The secondary's node.
    pub remote: Arc<RemoteNode>,
    /// The gate of the database.
    pub gate: Arc<Gate>,
    /// The coordinator, with its inbox.
    pub coordinator: Arc<CoordinatorNode>,
    /// The requester.
    pub requester: Arc<RequesterNode>,
    /// What the local host sends to the remote one.
    pub to_remote_host: Arc<Mailbox<HostMessage>>,
    /// What the remote host sends to the local one.
    pub to_local_host: Arc<Mailbox<HostMessage>>,
    /// Both sites' clock.
    pub clock: Arc<ManualClock>,
    /// Both sites' trace.
    pub trace: Arc<MemoryTrace>,
}

impl<V: Volume + 'static> ManualSites<V> {
    /// Two sites without a pair, around a P-VOL, an S/P-VOL and an S-VOL.
    ///
    /// # Errors
    /// The volumes of the remote site differ in shape.
    pub fn new(
        (local, remote): (LocalSiteConfig, RemoteSiteConfig),
        [pvol, spvol, svol]: [Arc<V>; 3],
    ) -> Result<Self, NodeError> {
        let (clock, trace) = (ManualClock::new(), Arc::new(MemoryTrace::new()));
        let (array, timer, sink) = (local.array_config(), clock.clone(), trace.clone());
        let primary = LocalNode::new(array, pvol.clone(), timer, sink);
        let (host, sink) = (Arc::new(Mailbox::new()), trace.clone());
        let (array, volumes) = (remote.array.clone(), (spvol.clone(), svol.clone()));
        let secondary = RemoteNode::new(array, volumes.0, volumes.1, host.clone(), sink)?;
        let nodes = (primary, secondary);
        Ok(Self::around((local, remote), [pvol, spvol, svol], nodes, host, (clock, trace)))
    }

    /// The sites in each other's role, once the remote one has been taken over (TAKEOVER-2); the old P-VOL's side gets
    /// `svol` as an S-VOL of its own.
    ///
    /// # Errors
    /// The pair was not taken over, a volume failed, or the S-VOL differs in shape.
    pub fn fail_back(
        &self,
        (local, remote): (LocalSiteConfig, RemoteSiteConfig),
        svol: Arc<V>,
    ) -> Result<Self, NodeError> {
        let (clock, trace) = (self.clock.clone(), self.trace.clone());
        let (taken_over, old) = (self.remote.hand_over()?, self.local.hand_over()?);
        let (newest, array) = (old.incarnation_newest(), local.array_config());
        let (timer, sink) = (clock.clone(), trace.clone());
        let primary = LocalNode::from_taken_over(array, taken_over, newest, timer, sink)?;
        let (host, array, sink) = (Arc::new(Mailbox::new()), remote.array.clone(), trace.clone());
        let secondary = RemoteNode::from_old_primary(array, old, svol.clone(), host.clone(), sink)?;
        let volumes = [self.spvol.clone(), self.pvol.clone(), svol];
        let nodes = (primary, secondary);
        Ok(Self::around((local, remote), volumes, nodes, host, (clock, trace)))
    }

    /// Hosts around two arrays.
    fn around(
        (here, there): (LocalSiteConfig, RemoteSiteConfig),
        [pvol, spvol, svol]: [Arc<V>; 3],
        (local, remote): (Arc<LocalNode>, Arc<RemoteNode>),
        to_local_host: Arc<Mailbox<HostMessage>>,
        (clock, trace): (Arc<ManualClock>, Arc<MemoryTrace>),
    ) -> Self {
        let to_remote_host = Arc::new(Mailbox::new());
        let hooks = Box::new(WriteThrough(local.clone()));
        let (outbox, timer, sink) = (to_remote_host.clone(), clock.clone(), trace.clone());
        let LocalHost { gate, coordinator, .. } =
            LocalHost::new(&local, &here, hooks, outbox, timer, sink);
        let (outbox, timer, sink) = (to_local_host.clone(), clock.clone(), trace.clone());
        let (newest, timeout) = (there.newest_backup, there.answer_timeout);
        let requester = RequesterNode::new(newest, timeout, remote.clone(), outbox, timer, sink);
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
}

/// Steps that scenarios take again and again. Each answers whether anything moved; refusals are passed over.
///
/// # Errors
/// A volume failed, or a role is broken.
impl<V> ManualSites<V> {
    /// One copy, or the mark, if the pair is in COPY and the journal has room.
    pub fn copy(&self) -> Result<bool, NodeError> {
        match self.local.copy_next() {
            Ok(Some(_)) => Ok(true),
            Ok(None) => Ok(self.local.pair_mark().is_ok()),
            Err(error) => ignore_refusal(Err(error)).map(|()| false),
        }
    }

    /// Puts every entry not yet sent into the primary's outbox.
    pub fn send(&self) -> Result<bool, NodeError> {
        let mut busy = false;
        while self.local.send_next()?.is_some() {
            busy = true;
        }
        Ok(busy)
    }

    /// Hands what the primary has sent to the secondary.
    pub fn carry_out(&self) -> Result<bool, NodeError> {
        let mut busy = false;
        while let Some(message) = self.local.take_outgoing() {
            ignore_refusal(self.remote.on_message(message))?;
            busy = true;
        }
        Ok(busy)
    }

    /// Applies everything that is next in order, and reports if there is news.
    pub fn apply(&self) -> Result<bool, NodeError> {
        let mut busy = false;
        while self.remote.apply_next()? {
            busy = true;
        }
        Ok(busy | self.remote.report_if_due()?)
    }

    /// Hands what the secondary has sent to the primary.
    pub fn carry_back(&self) -> Result<bool, NodeError> {
        let mut busy = false;
        while let Some(message) = self.remote.take_outgoing() {
            ignore_refusal(self.local.on_message(message))?;
            busy = true;
        }
        Ok(busy)
    }

    /// Delivers what both arrays have sent.
    pub fn carry(&self) -> Result<bool, NodeError> {
        Ok(self.carry_out()? | self.carry_back()?)
    }

    /// Sends everything there is, applies it and reports.
    pub fn transfer(&self) -> Result<bool, NodeError> {
        Ok(self.send()? | self.carry_out()? | self.apply()? | self.carry_back()?)
    }

    /// Copies, sends, applies, reports and copies on until nothing is left to do; no message is lost.
    pub fn settle(&self) -> Result<(), NodeError> {
        while self.copy()? | self.transfer()? {}
        while self.remote.copy_replica_next()?.is_some() {}
        Ok(())
    }

    /// Delivers what is on its way to the local host, and lets the coordinator act.
    pub fn to_local(&self) -> Result<bool, NodeError> {
        let mut busy = false;
        while let Some(message) = self.to_local_host.try_take() {
            self.coordinator.inbox().on_host_message(message);
            busy = true;
        }
        self.coordinator.take_all()?;
        Ok(busy)
    }

    /// Delivers what is on its way to the remote host.
    pub fn to_remote(&self) -> Result<bool, NodeError> {
        let mut busy = false;
        while let Some(message) = self.to_remote_host.try_take() {
            ignore_refusal(deliver(message, &self.remote, &self.requester))?;
            busy = true;
        }
        Ok(busy)
    }

    /// Delivers the hosts' messages and lets the coordinator act, until nothing moves.
    pub fn settle_hosts(&self) -> Result<(), NodeError> {
        while self.to_local()? | self.to_remote()? {}
        Ok(())
    }
}
