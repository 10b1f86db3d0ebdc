//! What has been sent, and what one role of a site has told another. A link may lose and repeat, so nothing is ever
//! taken out when it is received; only a failed effect takes back what was then not sent.

use std::collections::HashSet;

use syncsplit_impl::trace::Digest;
use syncsplit_impl::trace::hosts::{CoordinatorDone, DatabaseDone, RequesterDone};
use syncsplit_impl::trace::record::{Blocks, PrimaryDone};
use syncsplit_model::protocol::coordinator::CoordinatorEvent;
use syncsplit_model::protocol::database::DatabaseEvent;
use syncsplit_model::protocol::primary::PrimaryEvent;
use syncsplit_model::protocol::requester::RequesterEvent;
use syncsplit_model::protocol::secondary::SecondaryEvent;
use syncsplit_model::protocol::{HostMessage, ToPrimary, ToSecondary};

use super::error::{Why, caused};

/// Everything sent so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    to_secondary: HashSet<ToSecondary<Digest>>,
    to_primary: HashSet<ToPrimary<Blocks>>,
    host: HashSet<HostMessage>,
    by_coordinator: Vec<CoordinatorDone>,
    /// Answers about holds; messages are in `to_secondary`.
    by_primary: Vec<PrimaryDone>,
    by_requester: Vec<RequesterDone>,
    by_database: Vec<DatabaseDone>,
    /// Whether each Sync was DONE that was begun, and returned, since the coordinator last began one.
    syncs: Option<Vec<bool>>,
}

impl Sent {
    pub(super) fn add_to_secondary(&mut self, message: ToSecondary<Digest>) {
        self.to_secondary.insert(message);
    }

    pub(super) fn add_to_primary(&mut self, message: ToPrimary<Blocks>) {
        self.to_primary.insert(message);
    }

    pub(super) fn add_to_host(&mut self, message: HostMessage) {
        self.host.insert(message);
    }

    pub(super) fn by_coordinator(&mut self, effect: CoordinatorDone) {
        match effect {
            CoordinatorDone::Send(message) => self.add_to_host(message),
            CoordinatorDone::BeginSync(_) => self.syncs = Some(Vec::new()),
            CoordinatorDone::Freeze(_) | CoordinatorDone::Thaw(_) => {
                self.by_coordinator.push(effect);
            }
        }
    }

    pub(super) fn by_requester(&mut self, effect: RequesterDone) {
        match effect {
            RequesterDone::Send(message) => self.add_to_host(message),
            other => self.by_requester.push(other),
        }
    }

    pub(super) fn by_primary(&mut self, effect: PrimaryDone) {
        self.by_primary.push(effect);
    }

    pub(super) fn by_database(&mut self, effect: DatabaseDone) {
        self.by_database.push(effect);
    }

    /// A Sync that was begun after the coordinator's last begin has returned.
    pub(super) fn sync_returned(&mut self, done: bool) {
        if let Some(syncs) = &mut self.syncs {
            syncs.push(done);
        }
    }

    /// The effect failed, so what it would have told was not told.
    pub(super) fn take_back_database(&mut self, effect: DatabaseDone) {
        self.by_database.retain(|told| *told != effect);
    }

    /// The effect failed, so what it would have sent was not sent.
    pub(super) fn take_back_requester(&mut self, effect: RequesterDone) {
        match effect {
            RequesterDone::Send(message) => {
                self.host.remove(&message);
            }
            other => self.by_requester.retain(|told| *told != other),
        }
    }

    /// A message that the primary received was sent.
    pub(super) fn caused_primary(&self, event: &PrimaryEvent<Digest, Blocks>) -> Result<(), Why> {
        let message = match event {
            PrimaryEvent::Ack(ack) => ToPrimary::Ack(*ack),
            PrimaryEvent::Ready { incarnation, written, dirty } => ToPrimary::Ready {
                incarnation: *incarnation,
                written: *written,
                dirty: dirty.clone(),
            },
            PrimaryEvent::Suspended { incarnation } => {
                ToPrimary::Suspended { incarnation: *incarnation }
            }
            _ => return Ok(()),
        };
        caused(self.to_primary.contains(&message), &message)
    }

    /// A message of the primary that the secondary received was sent.
    pub(super) fn caused_secondary(&self, event: &SecondaryEvent<Digest>) -> Result<(), Why> {
        let message = match *event {
            SecondaryEvent::Frame(frame) => ToSecondary::Frame(frame),
            SecondaryEvent::Unsequenced { incarnation, block, payload } => {
                ToSecondary::Unsequenced { incarnation, block, payload }
            }
            SecondaryEvent::Resync { incarnation } => ToSecondary::Resync { incarnation },
            SecondaryEvent::Suspend { incarnation } => ToSecondary::Suspend { incarnation },
            SecondaryEvent::Delete { incarnation } => ToSecondary::Delete { incarnation },
            _ => return Ok(()),
        };
        caused(self.to_secondary.contains(&message), &message)
    }

    /// What the hosts ask of the secondary was asked.
    pub(super) fn caused_split(&self, event: &SecondaryEvent<Digest>) -> Result<(), Why> {
        match *event {
            SecondaryEvent::Split(id) => self.caused_host(HostMessage::Split(id)),
            SecondaryEvent::Arm(id) => self.caused_requester(RequesterDone::Arm(id)),
            SecondaryEvent::Release(id) => self.caused_requester(RequesterDone::Release(id)),
            _ => Ok(()),
        }
    }

    /// What the primary is asked to hold, or to release, was asked.
    pub(super) fn caused_hold(&self, event: &PrimaryEvent<Digest, Blocks>) -> Result<(), Why> {
        let asked = match *event {
            PrimaryEvent::Quiesce(id) => CoordinatorDone::Freeze(id),
            PrimaryEvent::Unquiesce(id) => CoordinatorDone::Thaw(id),
            _ => return Ok(()),
        };
        caused(self.by_coordinator.contains(&asked), &asked)
    }

    /// What the database is asked was asked.
    pub(super) fn caused_database(&self, event: DatabaseEvent) -> Result<(), Why> {
        let asked = match event {
            DatabaseEvent::Freeze(id) => CoordinatorDone::Freeze(id),
            DatabaseEvent::Thaw(id) => CoordinatorDone::Thaw(id),
            _ => return Ok(()),
        };
        caused(self.by_coordinator.contains(&asked), &asked)
    }

    /// What the coordinator is told was told.
    pub(super) fn caused_coordinator(&self, event: CoordinatorEvent) -> Result<(), Why> {
        // Either of the two holds still for a site's backups, and answers (FREEZE-1, QUIESCE-1).
        let (told, held) = match event {
            CoordinatorEvent::Request(id) => return self.caused_host(HostMessage::Request(id)),
            CoordinatorEvent::SplitAnswer { id, done } => {
                return self.caused_host(HostMessage::SplitAnswer { id, done });
            }
            CoordinatorEvent::Synced { done } => {
                let returned = self.syncs.as_ref().is_some_and(|syncs| syncs.contains(&done));
                return caused(returned, &event);
            }
            CoordinatorEvent::Frozen(id) => {
                (DatabaseDone::AnswerFrozen(id), PrimaryDone::AnswerQuiesced(id))
            }
            CoordinatorEvent::Thawed { id, held } => {
                (DatabaseDone::AnswerThawed { id, held }, PrimaryDone::AnswerReleased { id, held })
            }
            CoordinatorEvent::Timeout | CoordinatorEvent::Restart => return Ok(()),
        };
        caused(self.by_database.contains(&told) || self.by_primary.contains(&held), &told)
    }

    /// What the requester is told was told.
    pub(super) fn caused_requester_event(&self, event: RequesterEvent) -> Result<(), Why> {
        match event {
            RequesterEvent::Permit(id) => self.caused_host(HostMessage::Permit(id)),
            RequesterEvent::Reject(id) => self.caused_host(HostMessage::Reject(id)),
            RequesterEvent::Start
            | RequesterEvent::Finish
            | RequesterEvent::Timeout
            | RequesterEvent::Restart => Ok(()),
        }
    }

    fn caused_host(&self, message: HostMessage) -> Result<(), Why> {
        caused(self.host.contains(&message), &message)
    }

    fn caused_requester(&self, effect: RequesterDone) -> Result<(), Why> {
        caused(self.by_requester.contains(&effect), &effect)
    }
}
