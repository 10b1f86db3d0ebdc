//! What has been sent, and what one role of a site has told another. A link may lose and repeat, so nothing is ever
//! taken out when it is received; only a failed effect takes back what was then not sent.

use syncsplit_model::protocol::coordinator::{CoordinatorEffect, CoordinatorEvent};
use syncsplit_model::protocol::database::{DatabaseEffect, DatabaseEvent};
use syncsplit_model::protocol::primary::{PrimaryEffect, PrimaryEvent};
use syncsplit_model::protocol::requester::{RequesterEffect, RequesterEvent};
use syncsplit_model::protocol::secondary::SecondaryEvent;
use syncsplit_model::protocol::{
    BackupId, BlockIndex, Entry, Frame, HostMessage, Incarnation, Item, Seq, ToPrimary, ToSecondary,
};
use syncsplit_model::record::Blocks;

use crate::content::Content;
use crate::pattern::Bindings;
use crate::table::{Table, print_of};

/// Something that one role of a site has told another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Told {
    /// The coordinator asked for a freeze or hold.
    Freeze(BackupId),
    /// The coordinator asked for its end.
    Thaw(BackupId),
    /// Database or primary answered that it is frozen or held.
    Frozen(BackupId),
    /// Database or primary answered whether it lasted.
    Thawed(BackupId, bool),
    /// The requester armed the secondary.
    Armed(BackupId),
    /// The requester released it.
    Released(BackupId),
}

/// Everything sent so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent {
    to_secondary: Table<ToSecondary<Content>, ()>,
    to_primary: Table<ToPrimary<Blocks>, ()>,
    host: Table<HostMessage, ()>,
    told: Table<Told, ()>,
    /// Whether a Sync returned DONE, and whether one returned otherwise, since the coordinator last began one.
    syncs: Option<[bool; 2]>,
}

impl Sent {
    pub(super) fn print(&self) -> u128 {
        let rest = print_of(&self.syncs);
        rest.wrapping_add(self.to_secondary.print())
            .wrapping_add(self.to_primary.print())
            .wrapping_add(self.host.print())
            .wrapping_add(self.told.print())
    }

    pub(super) fn add_to_secondary(&mut self, message: ToSecondary<Content>) {
        self.to_secondary.insert(message, ());
    }

    pub(super) fn add_to_primary(&mut self, message: ToPrimary<Blocks>) {
        self.to_primary.insert(message, ());
    }

    pub(super) fn add_to_host(&mut self, message: HostMessage) {
        self.host.insert(message, ());
    }

    pub(super) fn by_coordinator(&mut self, effect: CoordinatorEffect) {
        match effect {
            CoordinatorEffect::Send(message) => self.add_to_host(message),
            CoordinatorEffect::BeginSync(_) => self.syncs = Some([false; 2]),
            CoordinatorEffect::Freeze(id) => self.tell(Told::Freeze(id)),
            CoordinatorEffect::Thaw(id) => self.tell(Told::Thaw(id)),
        }
    }

    pub(super) fn by_requester(&mut self, effect: RequesterEffect) {
        match effect {
            RequesterEffect::Send(message) => self.add_to_host(message),
            RequesterEffect::Arm(id) => self.tell(Told::Armed(id)),
            RequesterEffect::Release(id) => self.tell(Told::Released(id)),
            RequesterEffect::Read(_) => {}
        }
    }

    pub(super) fn by_primary(&mut self, effect: PrimaryEffect<Content>) {
        match effect {
            PrimaryEffect::AnswerQuiesced(id) => self.tell(Told::Frozen(id)),
            PrimaryEffect::AnswerReleased { id, held } => self.tell(Told::Thawed(id, held)),
            PrimaryEffect::WritePvol { .. }
            | PrimaryEffect::AnswerHost
            | PrimaryEffect::Send(_) => {}
        }
    }

    pub(super) fn by_database(&mut self, effect: DatabaseEffect) {
        match effect {
            DatabaseEffect::AnswerFrozen(id) => self.tell(Told::Frozen(id)),
            DatabaseEffect::AnswerThawed { id, held } => self.tell(Told::Thawed(id, held)),
            DatabaseEffect::Flush => {}
        }
    }

    fn tell(&mut self, told: Told) {
        self.told.insert(told, ());
    }

    /// A Sync that was begun after the coordinator's last begin has returned.
    pub(super) fn sync_returned(&mut self, done: bool) {
        if let Some(syncs) = &mut self.syncs {
            syncs[usize::from(done)] = true;
        }
    }

    /// The effect failed, so what it would have told was not told.
    pub(super) fn take_back_database(&mut self, effect: DatabaseEffect) {
        match effect {
            DatabaseEffect::AnswerFrozen(id) => self.told.remove(&Told::Frozen(id)),
            DatabaseEffect::AnswerThawed { id, held } => self.told.remove(&Told::Thawed(id, held)),
            DatabaseEffect::Flush => None,
        };
    }

    /// The effect failed, so what it would have sent was not sent.
    pub(super) fn take_back_requester(&mut self, effect: RequesterEffect) {
        match effect {
            RequesterEffect::Send(message) => self.host.remove(&message),
            RequesterEffect::Arm(id) => self.told.remove(&Told::Armed(id)),
            RequesterEffect::Release(id) => self.told.remove(&Told::Released(id)),
            RequesterEffect::Read(_) => None,
        };
    }

    /// Whether a message that the primary received was sent.
    pub(super) fn caused_primary(&self, event: &PrimaryEvent<Content, Blocks>) -> bool {
        match event {
            PrimaryEvent::Arrived(message) => self.to_primary.contains(message),
            _ => true,
        }
    }

    /// A message of the primary that the secondary received, as it was sent; nothing if it was not.
    pub(super) fn caused_secondary(
        &self,
        event: &SecondaryEvent<Content>,
        bindings: &mut Bindings,
    ) -> Option<SecondaryEvent<Content>> {
        let SecondaryEvent::Arrived(message) = *event else { return Some(*event) };
        let sent = match message {
            ToSecondary::Frame(frame) => ToSecondary::Frame(self.frame(frame, bindings)?),
            other => self.to_secondary.contains(&other).then_some(other)?,
        };
        Some(SecondaryEvent::Arrived(sent))
    }

    /// The frame as it was sent: contents may have been left out there, and be shown on arrival.
    fn frame(&self, frame: Frame<Content>, bindings: &mut Bindings) -> Option<Frame<Content>> {
        if self.to_secondary.contains(&ToSecondary::Frame(frame)) {
            return Some(frame);
        }
        self.frames(frame.incarnation, frame.entry.seq)
            .find(|sent| is_item(bindings, &sent.entry.item, &frame.entry.item))
    }

    /// The frames that were sent of an incarnation, from `seq` on: those of `seq` come first.
    fn frames_from(
        &self,
        incarnation: Incarnation,
        seq: Seq,
    ) -> impl Iterator<Item = Frame<Content>> {
        let item = Item::Write { block: BlockIndex(0), payload: Content::of(0) };
        let least = ToSecondary::Frame(Frame { incarnation, entry: Entry { seq, item } });
        let frames = self.to_secondary.from(&least).map_while(|(message, ())| match message {
            ToSecondary::Frame(frame) => Some(*frame),
            _ => None,
        });
        frames.take_while(move |frame| frame.incarnation == incarnation)
    }

    fn frames(&self, incarnation: Incarnation, seq: Seq) -> impl Iterator<Item = Frame<Content>> {
        self.frames_from(incarnation, seq).take_while(move |frame| frame.entry.seq == seq)
    }

    /// Whether what the hosts ask of the secondary was asked.
    pub(super) fn caused_split(&self, event: &SecondaryEvent<Content>) -> bool {
        match *event {
            SecondaryEvent::Split(id) => self.host.contains(&HostMessage::Split(id)),
            SecondaryEvent::Arm(id) => self.told.contains(&Told::Armed(id)),
            SecondaryEvent::Release(id) => self.told.contains(&Told::Released(id)),
            _ => true,
        }
    }

    /// Whether what the primary is asked to hold, or to release, was asked.
    pub(super) fn caused_hold(&self, event: &PrimaryEvent<Content, Blocks>) -> bool {
        match *event {
            PrimaryEvent::Quiesce(id) => self.told.contains(&Told::Freeze(id)),
            PrimaryEvent::Unquiesce(id) => self.told.contains(&Told::Thaw(id)),
            _ => true,
        }
    }

    /// Whether what the database is asked was asked.
    pub(super) fn caused_database(&self, event: DatabaseEvent) -> bool {
        match event {
            DatabaseEvent::Freeze(id) => self.told.contains(&Told::Freeze(id)),
            DatabaseEvent::Thaw(id) => self.told.contains(&Told::Thaw(id)),
            _ => true,
        }
    }

    /// Whether what the coordinator is told was told. Either of database and primary holds still for a site's backups,
    /// and answers (FREEZE-1, QUIESCE-1).
    pub(super) fn caused_coordinator(&self, event: CoordinatorEvent) -> bool {
        match event {
            CoordinatorEvent::Request(id) => self.host.contains(&HostMessage::Request(id)),
            CoordinatorEvent::SplitAnswer { id, done } => {
                self.host.contains(&HostMessage::SplitAnswer { id, done })
            }
            CoordinatorEvent::Synced { done } => {
                self.syncs.is_some_and(|syncs| syncs[usize::from(done)])
            }
            CoordinatorEvent::Frozen(id) => self.told.contains(&Told::Frozen(id)),
            CoordinatorEvent::Thawed { id, held } => self.told.contains(&Told::Thawed(id, held)),
            CoordinatorEvent::Timeout | CoordinatorEvent::Restart => true,
        }
    }

    /// Whether what the requester is told was told.
    pub(super) fn caused_requester_event(&self, event: RequesterEvent) -> bool {
        match event {
            RequesterEvent::Permit(id) => self.host.contains(&HostMessage::Permit(id)),
            RequesterEvent::Reject(id) => self.host.contains(&HostMessage::Reject(id)),
            RequesterEvent::Start
            | RequesterEvent::Finish
            | RequesterEvent::Timeout
            | RequesterEvent::Restart => true,
        }
    }

    /// Every message that the secondary may receive, frames of an incarnation from `seq` on.
    pub(crate) fn arrivals(
        &self,
        incarnation: Incarnation,
        seq: Seq,
    ) -> impl Iterator<Item = ToSecondary<Content>> {
        let frames = self.frames_from(incarnation, seq).map(ToSecondary::Frame);
        let payload = Content::of(0);
        let (first, block) = (Incarnation(0), BlockIndex(0));
        let behind = ToSecondary::Unsequenced { incarnation: first, block, payload };
        frames.chain(self.to_secondary.from(&behind).map(|(message, ())| *message))
    }

    /// Every message that the primary may receive.
    pub(crate) fn answers(&self) -> impl Iterator<Item = &ToPrimary<Blocks>> {
        self.to_primary.keys()
    }

    /// The newest frame of another incarnation, which is refused wherever it arrives.
    pub(crate) fn stale(&self, incarnation: Incarnation) -> Option<Frame<Content>> {
        self.to_secondary.keys().find_map(|message| match message {
            ToSecondary::Frame(frame) if frame.incarnation != incarnation => Some(*frame),
            _ => None,
        })
    }

    /// Every backup id that anybody has named.
    pub(crate) fn ids(&self) -> Vec<BackupId> {
        let told = self.told.keys().map(|told| match *told {
            Told::Freeze(id)
            | Told::Thaw(id)
            | Told::Frozen(id)
            | Told::Thawed(id, _)
            | Told::Armed(id)
            | Told::Released(id) => id,
        });
        let mut ids: Vec<_> = self.host.keys().map(HostMessage::id).chain(told).collect();
        ids.sort_unstable_by(|one, other| other.cmp(one));
        ids.dedup();
        ids
    }
}

fn is_item(bindings: &mut Bindings, sent: &Item<Content>, shown: &Item<Content>) -> bool {
    match (sent, shown) {
        (
            Item::Write { block, payload },
            Item::Write { block: shown_block, payload: shown_payload },
        )
        | (
            Item::Copy { block, payload },
            Item::Copy { block: shown_block, payload: shown_payload },
        ) => block == shown_block && bindings.is(*payload, *shown_payload),
        (one, other) => one == other,
    }
}
