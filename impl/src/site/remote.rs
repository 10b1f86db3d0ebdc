//! The remote site: the secondary's node and the requester with their threads. What the threads repeat is in the table of
//! [`super`].

use std::time::Duration;

use syncsplit_model::protocol::{BackupId, HostMessage};

use super::threads::{Threads, Troubles, as_link_error};
use super::{HostLink, RemoteArrayLink, RemoteDialers, RemoteSiteConfig, SiteError};
use crate::backup::{BackupError, ReadOnly, RequesterNode};
use crate::clock::{SystemClock, Timer};
use crate::doorway::Arc;
use crate::error::{NodeError, ignore_refusal};
use crate::failback::{OldPrimary, TakenOver};
use crate::link::Link;
use crate::mailbox::Mailbox;
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

/// The remote site. It stops when dropped.
pub struct RemoteSite {
    node: Arc<RemoteNode>,
    requester: Arc<RequesterNode>,
    host_outbox: Arc<Mailbox<HostMessage>>,
    array: Arc<RemoteArrayLink>,
    host: Arc<HostLink>,
    clock: Arc<SystemClock>,
    threads: Threads,
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
        let site = Self {
            node,
            requester,
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

    /// The secondary's node: takeover, remote writes, displays.
    #[must_use]
    pub const fn node(&self) -> &Arc<RemoteNode> {
        &self.node
    }

    /// The requester, for displays.
    #[must_use]
    pub const fn requester(&self) -> &Arc<RequesterNode> {
        &self.requester
    }

    /// The array link, to be cut and mended.
    #[must_use]
    pub const fn array_link(&self) -> &Arc<RemoteArrayLink> {
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

    /// Takes a backup: asks for it, waits for the permission, lets `read` read the S-VOL and releases it.
    ///
    /// # Errors
    /// As [`RequesterNode::backup`].
    pub fn backup<T>(
        &self,
        read: impl FnOnce(BackupId, &ReadOnly<'_>) -> T,
    ) -> Result<T, BackupError> {
        self.requester.backup(read)
    }

    /// Splits the replica pair for the armed backup, as the coordinator's message does (SPLIT-1, SPLIT-2).
    ///
    /// # Errors
    /// As [`RemoteNode::split`].
    pub fn split(&self, id: BackupId) -> Result<(), NodeError> {
        self.node.split(id)
    }

    /// Stops the site and returns when its threads have ended. Volumes keep what they hold.
    pub fn stop(&self) {
        self.array.stop();
        self.host.stop();
        self.node.stop();
        self.requester.stop();
        self.host_outbox.close();
        self.clock.stop();
        self.threads.join();
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

    fn start_array(&self) -> std::io::Result<()> {
        self.threads.start_dialer("array-dial", &self.array)?;
        let (node, link) = (Arc::clone(&self.node), Arc::clone(&self.array));
        self.threads.start("array-send", move |_| {
            while let Some(message) = node.next_outgoing() {
                link.send(message);
            }
        })?;
        let (node, link) = (Arc::clone(&self.node), Arc::clone(&self.array));
        self.threads.start("array-receive", move |troubles| {
            let on_change = |up| if up { node.link_up() } else { node.link_down() };
            link.run_receiver(on_change, |message| {
                as_link_error(troubles, node.on_message(message))
            });
        })?;
        let node = Arc::clone(&self.node);
        self.threads.start_worker("applier", move || node.apply_or_wait())?;
        let node = Arc::clone(&self.node);
        self.threads.start_worker("replica", move || node.copy_replica_or_wait())
    }

    fn start_host(&self) -> std::io::Result<()> {
        self.threads.start_host(&self.host, &self.host_outbox)?;
        let (node, requester) = (Arc::clone(&self.node), Arc::clone(&self.requester));
        let link = Arc::clone(&self.host);
        self.threads.start("host-receive", move |troubles| {
            link.run_receiver(
                |_up| {},
                |message| {
                    troubles.note_error(ignore_refusal(deliver(message, &node, &requester)));
                    Ok(())
                },
            );
        })
    }

    fn start_clock(&self, tick: Duration) {
        let (node, array, host) =
            (Arc::clone(&self.node), Arc::clone(&self.array), Arc::clone(&self.host));
        let troubles = self.threads.troubles().clone();
        self.clock.every(
            tick,
            Box::new(move || {
                troubles.note_error(node.tick());
                array.redial();
                host.redial();
            }),
        );
    }
}

impl Drop for RemoteSite {
    fn drop(&mut self) {
        self.stop();
    }
}
