//! The remote site: the secondary's node and the requester with their threads. What the threads repeat is in the table of
//! [`super`].

use syncsplit_model::protocol::{BackupId, HostMessage, ToPrimary, ToSecondary};

use super::base::{ArrayNode, Host, Site};
use super::config::{RemoteDialers, RemoteSiteConfig, SiteError};
use crate::backup::{BackupError, ReadOnly, RequesterNode};
use crate::clock::SystemClock;
use crate::containers::BitMap;
use crate::doorway::Arc;
use crate::error::{NodeError, ignore_refusal};
use crate::failback::{OldPrimary, TakenOver};
use crate::mailbox::Mailbox;
use crate::payload::Payload;
use crate::remote::RemoteNode;
use crate::trace::TraceSink;
use crate::volume::Volume;

/// The remote host's postman: a message of the coordinator goes to the secondary or to the requester, and one that is for
/// neither is dropped.
///
/// # Errors
/// The role refused the message, or is broken; or a volume failed.
pub fn deliver(
    message: HostMessage,
    secondary: &RemoteNode,
    requester: &RequesterNode,
) -> Result<(), NodeError> {
    match message {
        HostMessage::Split(id) => secondary.split(id),
        HostMessage::Permit(id) => requester.permit(id),
        HostMessage::Reject(id) => requester.reject(id),
        HostMessage::Request(_) | HostMessage::SplitAnswer { .. } => Ok(()),
    }
}

/// The remote site.
pub type RemoteSite = Site<RemoteNode, RemoteHost>;

/// The remote host: the requester.
pub struct RemoteHost {
    requester: Arc<RequesterNode>,
}

impl Host for RemoteHost {
    fn stop(&self) {
        self.requester.stop();
    }
}

impl RemoteSite {
    /// Starts a site around an S/P-VOL and an S-VOL.
    ///
    /// # Errors
    /// The volumes differ in shape, or the operating system starts no more threads.
    pub fn start(
        config: RemoteSiteConfig,
        spvol: Arc<dyn Volume>,
        svol: Arc<dyn Volume>,
        dialers: RemoteDialers,
        trace: Arc<dyn TraceSink>,
    ) -> Result<Self, SiteError> {
        let outbox = Arc::new(Mailbox::new());
        let (host, array) = (Arc::clone(&outbox), config.array.clone());
        let node = RemoteNode::new(array, spvol, svol, host, Arc::clone(&trace))?;
        Self::start_around(config, node, outbox, dialers, trace)
    }

    /// Failback: starts a site that goes on as the secondary where the primary was given up (TAKEOVER-2). It needs an S-VOL
    /// of its own.
    ///
    /// # Errors
    /// The volumes differ in shape, or the operating system starts no more threads; what was handed over is then lost, and
    /// the pair has to be created anew.
    pub fn start_from(
        config: RemoteSiteConfig,
        old: OldPrimary,
        svol: Arc<dyn Volume>,
        dialers: RemoteDialers,
        trace: Arc<dyn TraceSink>,
    ) -> Result<Self, SiteError> {
        let outbox = Arc::new(Mailbox::new());
        let (host, array) = (Arc::clone(&outbox), config.array.clone());
        let node = RemoteNode::from_old_primary(array, old, svol, host, Arc::clone(&trace))?;
        Self::start_around(config, node, outbox, dialers, trace)
    }

    fn start_around(
        config: RemoteSiteConfig,
        node: Arc<RemoteNode>,
        host_outbox: Arc<Mailbox<HostMessage>>,
        dialers: RemoteDialers,
        trace: Arc<dyn TraceSink>,
    ) -> Result<Self, SiteError> {
        let clock = SystemClock::start()?;
        node.link_down();
        let requester = RequesterNode::new(
            config.newest_backup,
            config.answer_timeout,
            Arc::clone(&node),
            Arc::clone(&host_outbox),
            Arc::<SystemClock>::clone(&clock),
            trace,
        );
        let (secondary, reader) = (Arc::clone(&node), Arc::clone(&requester));
        let site = Self::new(node, RemoteHost { requester }, dialers, host_outbox, clock);
        // A site that could not be started as a whole is dropped here, and stops what has been started.
        let (threads, node) = (&site.threads, Arc::clone(&secondary));
        threads.start_worker("applier", move || node.apply_or_wait())?;
        let node = Arc::clone(&secondary);
        threads.start_worker("replica", move || node.copy_replica_or_wait())?;
        site.run(config.tick, move |message, troubles| {
            troubles.note_error(ignore_refusal(deliver(message, &secondary, &reader)));
        })?;
        Ok(site)
    }

    /// The requester, for displays.
    #[must_use]
    pub const fn requester(&self) -> &Arc<RequesterNode> {
        &self.host.requester
    }

    /// Takes a backup: asks for it, waits for the permission, lets `read` read the S-VOL and releases it.
    ///
    /// # Errors
    /// As [`RequesterNode::backup`].
    pub fn backup<T>(
        &self,
        read: impl FnOnce(BackupId, &ReadOnly<'_>) -> T,
    ) -> Result<T, BackupError> {
        self.host.requester.backup(read)
    }

    /// Splits the replica pair for the armed backup, as the coordinator's message does (SPLIT-1, SPLIT-2).
    ///
    /// # Errors
    /// As [`RemoteNode::split`].
    pub fn split(&self, id: BackupId) -> Result<(), NodeError> {
        self.node.split(id)
    }

    /// Failback: stops the site and hands over what its secondary keeps (TAKEOVER-2). A site that was not taken over goes on.
    ///
    /// # Errors
    /// The pair was not taken over, a volume failed, or the node is broken or has handed over before.
    pub fn hand_over(&self) -> Result<TakenOver, NodeError> {
        let taken_over = self.node.hand_over()?;
        self.stop();
        Ok(taken_over)
    }
}

impl ArrayNode for RemoteNode {
    type Out = ToPrimary<BitMap>;
    type In = ToSecondary<Payload>;

    fn next_outgoing(&self) -> Result<Option<Self::Out>, NodeError> {
        Ok(Self::next_outgoing(self))
    }

    fn on_message(&self, message: Self::In) -> Result<(), NodeError> {
        Self::on_message(self, message)
    }

    fn on_link(&self, up: bool) -> Result<(), NodeError> {
        if up {
            self.link_up();
        } else {
            self.link_down();
        }
        Ok(())
    }

    fn tick(&self) -> Result<bool, NodeError> {
        Self::tick(self).map(|()| false)
    }

    fn stop(&self) {
        Self::stop(self);
    }
}
