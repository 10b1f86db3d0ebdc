//! The backup coordinator on the local host (201): freeze, Sync, split, thaw, permission, in that order
//! (\[0019\]-\[0029\], figure 2 steps 54 to 60).

use core::fmt;

use super::message::HostMessage;
use super::rules::{Rule, Rules};
use super::step::{Effects, Step, effects};
use super::types::BackupId;

/// What the coordinator waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum CoordinatorState {
    /// A request (54).
    #[default]
    Idle,
    /// The database's answer that it is frozen (56).
    Freezing(BackupId),
    /// Sync's return (57).
    Syncing(BackupId),
    /// The secondary's answer to the split (58).
    Splitting(BackupId),
    /// The database's answer whether the freeze held (rule BACKUP-2).
    Thawing(BackupId),
}

/// State of the coordinator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Coordinator {
    /// What it waits for. Volatile.
    pub state: CoordinatorState,
    /// The newest backup it took on; a request that is not newer is an old message (BACKUP-4). Durable before the
    /// freeze is asked for. Story of a coordinator that forgets it:
    /// 1. Backup 1 is frozen, split and permitted; the permit is lost, and a repeat of request 1 is still on its way.
    /// 2. The coordinator restarts. The repeat arrives, and backup 1 is begun again on a database that has moved on.
    /// 3. The replica pair is split for backup 1 already: the permit that follows is for an image of the first freeze.
    pub newest: Option<BackupId>,
}

/// What happens to the coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum CoordinatorEvent {
    /// The requester asks for a backup (51).
    Request(BackupId),
    /// The database is frozen for this backup (63).
    Frozen(BackupId),
    /// Sync returned; whether it was DONE.
    Synced {
        /// Whether everything held is written remotely.
        done: bool,
    },
    /// The secondary answered the split.
    SplitAnswer {
        /// The backup the split was for.
        id: BackupId,
        /// Whether it was executed.
        done: bool,
    },
    /// The database answered the thaw.
    Thawed {
        /// The backup asked about.
        id: BackupId,
        /// Whether the freeze held.
        held: bool,
    },
    /// The answer waited for did not come in time.
    Timeout,
    /// The coordinator came back after a crash; a freeze it had asked for ends by its lease (FREEZE-2).
    Restart,
}

/// What the executor does after a step of the coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum CoordinatorEffect {
    /// Ask the database to freeze (55).
    Freeze(BackupId),
    /// Begin Sync on the group; at once, while the freeze is known to be on.
    BeginSync(BackupId),
    /// Ask the database to thaw (60).
    Thaw(BackupId),
    /// Give the message to the host link, which may lose it.
    Send(HostMessage),
}

/// Why the coordinator did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum CoordinatorRefusal {
    /// The request is one it took on before (BACKUP-4).
    SeenBefore(BackupId),
    /// The event has no place now.
    WrongState(CoordinatorState),
}

impl fmt::Display for CoordinatorRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SeenBefore(id) => write!(f, "backup {} was requested before (BACKUP-4)", id.0),
            Self::WrongState(state) => write!(f, "not expected in {state:?}"),
        }
    }
}

type Outcome = Result<Effects<CoordinatorEffect>, CoordinatorRefusal>;

impl Coordinator {
    /// Takes one step under `rules`.
    pub fn step(
        mut self,
        rules: Rules,
        event: CoordinatorEvent,
    ) -> Step<Self, CoordinatorEffect, CoordinatorRefusal> {
        let outcome = match event {
            CoordinatorEvent::Request(id) => self.on_request(rules, id),
            CoordinatorEvent::Frozen(id) => self.on_frozen(id),
            CoordinatorEvent::Synced { done } => self.on_synced(rules, done),
            CoordinatorEvent::SplitAnswer { id, done } => self.on_split_answer(rules, id, done),
            CoordinatorEvent::Thawed { id, held } => self.on_thawed(id, held),
            CoordinatorEvent::Timeout => self.on_timeout(rules),
            CoordinatorEvent::Restart => {
                self.state = CoordinatorState::Idle;
                Ok(Effects::new())
            }
        };
        Step::of(self, outcome)
    }

    fn on_request(&mut self, rules: Rules, id: BackupId) -> Outcome {
        if rules.has(Rule::Backup4) && self.newest.is_some_and(|newest| id <= newest) {
            return Err(CoordinatorRefusal::SeenBefore(id));
        }
        if self.state != CoordinatorState::Idle {
            // One backup at a time; the requester hears it at once instead of waiting for its timeout.
            self.newest = Some(id);
            return Ok(effects([CoordinatorEffect::Send(HostMessage::Reject(id))]));
        }
        self.newest = Some(id);
        self.state = CoordinatorState::Freezing(id);
        Ok(effects([CoordinatorEffect::Freeze(id)]))
    }

    fn on_frozen(&mut self, id: BackupId) -> Outcome {
        if self.state != CoordinatorState::Freezing(id) {
            return Err(CoordinatorRefusal::WrongState(self.state));
        }
        self.state = CoordinatorState::Syncing(id);
        Ok(effects([CoordinatorEffect::BeginSync(id)]))
    }

    fn on_synced(&mut self, rules: Rules, done: bool) -> Outcome {
        let CoordinatorState::Syncing(id) = self.state else {
            return Err(CoordinatorRefusal::WrongState(self.state));
        };
        if !done {
            return Ok(self.become_failed(rules, id));
        }
        self.state = CoordinatorState::Splitting(id);
        Ok(effects([CoordinatorEffect::Send(HostMessage::Split(id))]))
    }

    fn on_split_answer(&mut self, rules: Rules, id: BackupId, done: bool) -> Outcome {
        if self.state != CoordinatorState::Splitting(id) {
            return Err(CoordinatorRefusal::WrongState(self.state));
        }
        if !done {
            return Ok(self.become_failed(rules, id));
        }
        if !rules.has(Rule::Backup2) {
            // Figure 2: the split response (59) first, and with it the thaw (60), whose answer nobody waits for.
            self.state = CoordinatorState::Idle;
            return Ok(effects([
                CoordinatorEffect::Send(HostMessage::Permit(id)),
                CoordinatorEffect::Thaw(id),
            ]));
        }
        self.state = CoordinatorState::Thawing(id);
        Ok(effects([CoordinatorEffect::Thaw(id)]))
    }

    /// Permits or rejects. Story of a permission given before the thaw (BACKUP-2):
    /// 1. The database freezes, Sync completes; the split is on its way.
    /// 2. The freeze's lease ends; a write reaches the P-VOL and, by the pair, the S/P-VOL.
    /// 3. The split is executed: the S-VOL holds a write that the frozen database did not.
    fn on_thawed(&mut self, id: BackupId, held: bool) -> Outcome {
        if self.state != CoordinatorState::Thawing(id) {
            return Err(CoordinatorRefusal::WrongState(self.state));
        }
        self.state = CoordinatorState::Idle;
        let answer = if held { HostMessage::Permit(id) } else { HostMessage::Reject(id) };
        Ok(effects([CoordinatorEffect::Send(answer)]))
    }

    fn on_timeout(&mut self, rules: Rules) -> Outcome {
        match self.state {
            CoordinatorState::Freezing(id)
            | CoordinatorState::Splitting(id)
            | CoordinatorState::Thawing(id)
                if rules.has(Rule::Backup3) =>
            {
                Ok(self.become_failed(rules, id))
            }
            // Sync has a timeout of its own (SYNC-4).
            CoordinatorState::Freezing(_)
            | CoordinatorState::Splitting(_)
            | CoordinatorState::Thawing(_)
            | CoordinatorState::Syncing(_)
            | CoordinatorState::Idle => Err(CoordinatorRefusal::WrongState(self.state)),
        }
    }

    /// BACKUP-3: whatever failed, the database is thawed and the requester answered.
    fn become_failed(&mut self, rules: Rules, id: BackupId) -> Effects<CoordinatorEffect> {
        self.state = CoordinatorState::Idle;
        if !rules.has(Rule::Backup3) {
            return Effects::new();
        }
        effects([CoordinatorEffect::Thaw(id), CoordinatorEffect::Send(HostMessage::Reject(id))])
    }
}
