//! The requester's driver: asks for a backup, waits for the permission, hands the S-VOL to be read, releases it.
//! What a backup is written to is the caller's business.

use std::time::Duration;

use syncsplit_model::protocol::requester::{
    Requester, RequesterEffect, RequesterEvent, RequesterRefusal, RequesterState,
};
use syncsplit_model::protocol::{BackupId, BlockIndex, HostMessage};

use super::BackupError;
use crate::clock::Timer;
use crate::doorway::{Arc, Condvar, Mutex, Weak};
use crate::error::{NodeError, ignore_refusal};
use crate::mailbox::Mailbox;
use crate::payload::Payload;
use crate::remote::RemoteNode;
use crate::slot::Slot;
use crate::trace::{RoleRecord, Taken, TraceSink};
use crate::volume::{Volume, VolumeError};

/// The S-VOL as the reader of a backup sees it. It stands still for as long as this lives (BACKUP-1).
pub struct ReadOnly<'a>(&'a dyn Volume);

impl ReadOnly<'_> {
    /// Bytes in a block.
    #[must_use]
    pub fn block_size(&self) -> usize {
        self.0.block_size()
    }

    /// Blocks in the volume.
    #[must_use]
    pub fn blocks(&self) -> u32 {
        self.0.blocks()
    }

    /// The contents of `block`.
    ///
    /// # Errors
    /// The volume has no such block, or the medium failed.
    pub fn read(&self, block: BlockIndex) -> Result<Payload, VolumeError> {
        self.0.read(block)
    }

    /// Copies the whole image to a new file at `path`, and makes it durable.
    ///
    /// # Errors
    /// The volume or the file system failed.
    pub fn copy_to(&self, path: &std::path::Path) -> Result<(), VolumeError> {
        crate::volume::copy_image(self.0, path)
    }
}

/// The backup requester (202), shared by whoever wants a backup, the host link's receiver and the clock.
pub struct RequesterNode {
    inner: Mutex<Inner>,
    /// Signalled when the answer came, or its time is over.
    settled: Condvar,
    remote: Arc<RemoteNode>,
    host: Arc<Mailbox<HostMessage>>,
    timer: Arc<dyn Timer>,
    timeout: Duration,
    trace: Arc<dyn TraceSink>,
    /// This requester, for the deadlines it registers.
    own: Weak<Self>,
}

struct Inner {
    requester: Slot<Requester>,
    /// The newest backup that was rejected; others that ended unread had no answer in time, or were interrupted.
    rejected: Option<BackupId>,
    /// The newest backup that a restart interrupted.
    interrupted: Option<BackupId>,
    stopping: bool,
}

impl RequesterNode {
    /// A requester that has used no id after `newest`; it keeps `newest` across restarts by asking
    /// [`RequesterNode::newest`] (BACKUP-4). It waits for the coordinator's answer for `timeout`.
    #[must_use]
    pub fn new(
        newest: BackupId,
        timeout: Duration,
        remote: Arc<RemoteNode>,
        host: Arc<Mailbox<HostMessage>>,
        timer: Arc<dyn Timer>,
        trace: Arc<dyn TraceSink>,
    ) -> Arc<Self> {
        let requester = Slot::new("requester", Requester { state: RequesterState::Idle, newest });
        let inner = Inner { requester, rejected: None, interrupted: None, stopping: false };
        Arc::new_cyclic(|own| Self {
            inner: Mutex::new(inner),
            settled: Condvar::new(),
            remote,
            host,
            timer,
            timeout,
            trace,
            own: Weak::clone(own),
        })
    }

    /// The coordinator permits this backup to be read.
    ///
    /// # Errors
    /// The backup is not waited for, or the requester is broken.
    pub fn permit(&self, id: BackupId) -> Result<(), NodeError> {
        self.take(&mut self.inner.lock(), RequesterEvent::Permit(id))
    }

    /// The coordinator rejects this backup.
    ///
    /// # Errors
    /// The backup is not waited for, or the requester is broken.
    pub fn reject(&self, id: BackupId) -> Result<(), NodeError> {
        self.take(&mut self.inner.lock(), RequesterEvent::Reject(id))
    }

    /// Takes a backup: asks for it, waits for the permission, lets `read` read the S-VOL and releases it.
    ///
    /// # Errors
    /// A backup is under way, the coordinator rejected this one or did not answer in time, or the site is stopping;
    /// `read` has then not run. Or the requester was restarted while `read` ran.
    pub fn backup<T>(
        &self,
        read: impl FnOnce(BackupId, &ReadOnly<'_>) -> T,
    ) -> Result<T, BackupError> {
        /// Releases the S-VOL however the reading ends.
        struct Reading<'a>(&'a RequesterNode, BackupId);
        impl Drop for Reading<'_> {
            fn drop(&mut self) {
                let _ = self.0.finish_reading(self.1);
            }
        }
        let id = self.start()?;
        self.wait_permission(id)?;
        let _reading = Reading(self, id);
        let read = read(id, &ReadOnly(self.remote.svol()));
        match self.finish_reading(id) {
            Err(NodeError::Requester(_)) => Err(BackupError::Interrupted(id)),
            // A volume that fails here keeps its effect; the next step of the secondary performs it.
            _ => Ok(read),
        }
    }

    /// Begins a backup: arms the secondary, sends the request, registers the timeout.
    ///
    /// # Errors
    /// A backup is under way, the site is stopping, or a volume failed.
    pub fn start(&self) -> Result<BackupId, BackupError> {
        let mut inner = self.inner.lock();
        if inner.stopping {
            return Err(BackupError::Node(NodeError::Stopped));
        }
        match self.take(&mut inner, RequesterEvent::Start) {
            Ok(()) => {}
            Err(NodeError::Requester(RequesterRefusal::WrongState(_))) => {
                return Err(BackupError::Busy);
            }
            Err(error) => {
                // Not armed, so nothing was asked for and no answer will come.
                let _ = self.take(&mut inner, RequesterEvent::Timeout);
                return Err(BackupError::Node(error));
            }
        }
        let id = inner.requester.get()?.newest;
        let own = Weak::clone(&self.own);
        let action = move || {
            if let Some(requester) = own.upgrade() {
                // A volume that fails keeps its effect; the clock has nobody to tell.
                let _ = requester.timed_out(id);
            }
        };
        self.timer.after(self.timeout, Box::new(action));
        Ok(id)
    }

    /// Waits until this backup may be read.
    ///
    /// # Errors
    /// The coordinator rejected it or did not answer in time, the requester was restarted, or the site is stopping.
    pub fn wait_permission(&self, id: BackupId) -> Result<(), BackupError> {
        let mut inner = self.inner.lock();
        loop {
            let state = inner.requester.get()?.state;
            if state == RequesterState::Reading(id) {
                return Ok(());
            }
            if state != RequesterState::Waiting(id) {
                return Err(if inner.rejected == Some(id) {
                    BackupError::Rejected(id)
                } else if inner.interrupted == Some(id) {
                    BackupError::Interrupted(id)
                } else {
                    BackupError::TimedOut(id)
                });
            }
            if inner.stopping {
                return Err(BackupError::Node(NodeError::Stopped));
            }
            inner = self.settled.wait(inner);
        }
    }

    /// The S-VOL has been read (BACKUP-1).
    ///
    /// # Errors
    /// No backup is being read, or a volume failed.
    pub fn finish(&self) -> Result<(), NodeError> {
        self.take(&mut self.inner.lock(), RequesterEvent::Finish)
    }

    /// As [`RequesterNode::finish`], for the reader of this backup. Story of a reader that does not say which it read:
    /// 1. A reader reads for backup 1; the requester is restarted, and another reader is permitted to read for backup 2.
    /// 2. The first reader ends and finishes "the" backup: the S-VOL is released while the second reads it.
    fn finish_reading(&self, id: BackupId) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        let state = inner.requester.get()?.state;
        if state != RequesterState::Reading(id) {
            return Err(NodeError::Requester(RequesterRefusal::WrongState(state)));
        }
        self.take(&mut inner, RequesterEvent::Finish)
    }

    /// The requester came back after a crash. What it was doing is lost: whoever waits or reads learns that the backup was
    /// interrupted, and the S-VOL is released.
    ///
    /// # Errors
    /// A volume failed, and the release is made when it works again; or the requester is broken.
    pub fn restart(&self) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        if let RequesterState::Waiting(id) | RequesterState::Reading(id) =
            inner.requester.get()?.state
        {
            inner.interrupted = Some(id);
        }
        self.take(&mut inner, RequesterEvent::Restart)
    }

    /// No answer to this backup's request came in time (BACKUP-3). Another backup takes no notice.
    ///
    /// # Errors
    /// A volume failed, or the requester is broken.
    pub fn timed_out(&self, id: BackupId) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        if inner.requester.get()?.state != RequesterState::Waiting(id) {
            return Ok(());
        }
        ignore_refusal(self.take(&mut inner, RequesterEvent::Timeout))
    }

    /// The newest id used; a requester made after a restart is told it (BACKUP-4).
    ///
    /// # Errors
    /// The requester is broken.
    pub fn newest(&self) -> Result<BackupId, NodeError> {
        Ok(self.inner.lock().requester.get()?.newest)
    }

    /// The requester's state, for displays and assertions.
    ///
    /// # Errors
    /// The requester is broken.
    pub fn state(&self) -> Result<Requester, NodeError> {
        Ok(*self.inner.lock().requester.get()?)
    }

    /// Ends every wait in this requester; what waits fails with [`NodeError::Stopped`].
    pub fn stop(&self) {
        self.inner.lock().stopping = true;
        self.settled.notify_all();
    }

    /// Takes one step and performs its effects, in order, with the lock held.
    fn take(&self, inner: &mut Inner, event: RequesterEvent) -> Result<(), NodeError> {
        let roles = &self.remote.config().roles;
        let (effects, refused) =
            inner.requester.step(|requester| roles.requester(requester, event))?;
        let requester = inner.requester.get()?;
        let mut record = 0;
        if self.trace.is_on() {
            let (after, effects) = (*requester, effects.to_vec());
            record =
                self.trace.record(RoleRecord::Requester(Taken { event, refused, after, effects }));
        }
        if let Some(refusal) = refused {
            return Err(NodeError::Requester(refusal));
        }
        if let RequesterEvent::Reject(id) = event {
            inner.rejected = Some(id);
        }
        self.settled.notify_all();
        for (place, effect) in effects.into_iter().enumerate() {
            let performed = match effect {
                RequesterEffect::Arm(id) => self.remote.arm(id),
                RequesterEffect::Release(id) => self.remote.release(id),
                RequesterEffect::Send(message) => {
                    self.host.push(message);
                    Ok(())
                }
                // Whoever waits in `wait_permission` sees the state and reads.
                RequesterEffect::Read(_) => Ok(()),
            };
            if let Err(error) = performed {
                self.trace.fault(record, place, &error);
                // What follows depends on it: no request without arming (SPLIT-2).
                return Err(error);
            }
        }
        Ok(())
    }
}
