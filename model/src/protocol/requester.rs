//! The backup requester on the remote host (202): asks for a backup, reads the S-VOL while it may, releases it
//! (\[0019\] \[0024\] \[0025\] \[0029\], figure 2 steps 51 to 53).

use core::fmt;

use super::message::HostMessage;
use super::rules::{Rule, Rules};
use super::step::{Effects, Step, effects};
use super::types::BackupId;

/// What the requester does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RequesterState {
    /// Nothing.
    #[default]
    Idle,
    /// Waits for the coordinator's answer (52).
    Waiting(BackupId),
    /// Reads the S-VOL (53).
    Reading(BackupId),
}

/// State of the requester.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Requester {
    /// What it does. Volatile.
    pub state: RequesterState,
    /// The newest id it used (BACKUP-4). Durable before the secondary is armed.
    pub newest: BackupId,
}

/// What happens to the requester.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RequesterEvent {
    /// An operator or a schedule wants a backup.
    Start,
    /// The coordinator permits this backup to be read.
    Permit(BackupId),
    /// The coordinator says that this backup failed.
    Reject(BackupId),
    /// The S-VOL has been read.
    Finish,
    /// No answer came in time.
    Timeout,
    /// The requester came back after a crash: whatever it was reading is not a backup.
    Restart,
}

/// What the executor does after a step of the requester.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RequesterEffect {
    /// Arm the secondary for this backup, before the request is sent (rule SPLIT-2).
    Arm(BackupId),
    /// Give the message to the host link, which may lose it.
    Send(HostMessage),
    /// Read the S-VOL; ends with [`RequesterEvent::Finish`].
    Read(BackupId),
    /// Tell the secondary that this backup is over: the replica pair is resynchronised (rule BACKUP-1).
    Release(BackupId),
}

/// Why the requester did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RequesterRefusal {
    /// The event has no place now, or is another backup's.
    WrongState(RequesterState),
    /// The last backup id was used (BACKUP-4): no backup begins any more.
    IdsEnded,
}

impl fmt::Display for RequesterRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongState(state) => write!(f, "not expected in {state:?}"),
            Self::IdsEnded => f.write_str("the last backup id was used (BACKUP-4)"),
        }
    }
}

type Outcome = Result<Effects<RequesterEffect>, RequesterRefusal>;

impl Requester {
    /// Takes one step under `rules`.
    pub fn step(
        mut self,
        rules: Rules,
        event: RequesterEvent,
    ) -> Step<Self, RequesterEffect, RequesterRefusal> {
        let outcome = match event {
            RequesterEvent::Start => self.on_start(rules),
            RequesterEvent::Permit(id) => self.on_permit(id),
            RequesterEvent::Reject(id) => self.on_reject(id),
            RequesterEvent::Finish => self.on_finish(),
            RequesterEvent::Timeout => self.on_timeout(rules),
            // What it had armed or split is released, whether or not it was: the release of an old id does no harm.
            RequesterEvent::Restart => Ok(self.become_idle(self.newest)),
        };
        Step::of(self, outcome)
    }

    fn on_start(&mut self, rules: Rules) -> Outcome {
        if self.state != RequesterState::Idle {
            return Err(RequesterRefusal::WrongState(self.state));
        }
        if rules.has(Rule::Backup4) {
            if self.newest == BackupId::LAST {
                return Err(RequesterRefusal::IdsEnded);
            }
            self.newest = self.newest.next();
        }
        let id = self.newest;
        // BACKUP-1: reading has to wait for the permission.
        self.state = if rules.has(Rule::Backup1) {
            RequesterState::Waiting(id)
        } else {
            RequesterState::Reading(id)
        };
        Ok(effects([RequesterEffect::Arm(id), RequesterEffect::Send(HostMessage::Request(id))]))
    }

    fn on_permit(&mut self, id: BackupId) -> Outcome {
        self.require_waiting(id)?;
        self.state = RequesterState::Reading(id);
        Ok(effects([RequesterEffect::Read(id)]))
    }

    fn on_reject(&mut self, id: BackupId) -> Outcome {
        self.require_waiting(id)?;
        Ok(self.become_idle(id))
    }

    fn on_finish(&mut self) -> Outcome {
        match self.state {
            RequesterState::Reading(id) => Ok(self.become_idle(id)),
            state @ (RequesterState::Idle | RequesterState::Waiting(_)) => {
                Err(RequesterRefusal::WrongState(state))
            }
        }
    }

    /// BACKUP-3: no answer is an answer.
    fn on_timeout(&mut self, rules: Rules) -> Outcome {
        match self.state {
            RequesterState::Waiting(id) if rules.has(Rule::Backup3) => Ok(self.become_idle(id)),
            state @ (RequesterState::Idle
            | RequesterState::Waiting(_)
            | RequesterState::Reading(_)) => Err(RequesterRefusal::WrongState(state)),
        }
    }

    fn become_idle(&mut self, id: BackupId) -> Effects<RequesterEffect> {
        self.state = RequesterState::Idle;
        effects([RequesterEffect::Release(id)])
    }

    fn require_waiting(&self, id: BackupId) -> Result<(), RequesterRefusal> {
        if self.state == RequesterState::Waiting(id) {
            Ok(())
        } else {
            Err(RequesterRefusal::WrongState(self.state))
        }
    }
}
