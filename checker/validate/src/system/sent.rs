//! What has been sent, and what one role of a site has told another. A link may lose and repeat, so nothing is ever
//! taken out when it is received; only a failed effect takes back what was then not sent.

use syncsplit_model::protocol::coordinator::CoordinatorEvent;
use syncsplit_model::protocol::database::DatabaseEvent;
use syncsplit_model::protocol::primary::PrimaryEvent;
use syncsplit_model::protocol::requester::RequesterEvent;
use syncsplit_model::protocol::secondary::SecondaryEvent;
use syncsplit_model::protocol::{
    BackupId, BlockIndex, Entry, Frame, HostMessage, Incarnation, Item, Seq, ToPrimary, ToSecondary,
};
use syncsplit_model::record::Blocks;
use syncsplit_model::system::{Deed, Notice};

use super::Hosts;
use crate::content::Content;
use crate::pattern::Bindings;
use crate::table::{Table, print_of};

/// Everything sent so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent {
    to_secondary: Table<ToSecondary<Content>, ()>,
    to_primary: Table<ToPrimary<Blocks>, ()>,
    host: Table<HostMessage, ()>,
    told: Table<Notice, ()>,
    /// Whether a Sync returned DONE, and whether one returned otherwise, since the coordinator last began one.
    syncs: Option<[bool; 2]>,
    /// Who plays the hosts: whether what they send and tell is known.
    hosts: Hosts,
}

impl Sent {
    pub(super) fn new(hosts: Hosts) -> Self {
        Self { hosts, ..Self::default() }
    }

    pub(super) fn print(&self) -> u128 {
        let rest = print_of(&self.syncs);
        rest.wrapping_add(self.to_secondary.print())
            .wrapping_add(self.to_primary.print())
            .wrapping_add(self.host.print())
            .wrapping_add(self.told.print())
    }

    /// An effect was performed: what it sends and tells stays sent and told.
    pub(super) fn add(&mut self, deed: &Deed<Content, Blocks>) {
        match deed {
            Deed::ToSecondary(message) => drop(self.to_secondary.insert(*message, ())),
            Deed::ToPrimary(message) => drop(self.to_primary.insert(message.clone(), ())),
            Deed::ToHost(message) => drop(self.host.insert(*message, ())),
            Deed::Tell(Notice::BeginSync(_)) => self.syncs = Some([false; 2]),
            Deed::Tell(Notice::Synced(done)) => {
                if let Some(syncs) = &mut self.syncs {
                    syncs[usize::from(*done)] = true;
                }
            }
            Deed::Tell(Notice::Read(_)) => {}
            Deed::Tell(notice) => drop(self.told.insert(*notice, ())),
            Deed::Write(..) | Deed::CopyBlock(..) | Deed::CopyBlocks(..) | Deed::Unseen => {}
        }
    }

    /// The effect failed, so what a host would have sent or told was not.
    pub(super) fn take_back(&mut self, deed: &Deed<Content, Blocks>) {
        match deed {
            Deed::ToHost(message) => drop(self.host.remove(message)),
            Deed::Tell(notice) => drop(self.told.remove(notice)),
            Deed::ToSecondary(_)
            | Deed::ToPrimary(_)
            | Deed::Write(..)
            | Deed::CopyBlock(..)
            | Deed::CopyBlocks(..)
            | Deed::Unseen => {}
        }
    }

    /// Whether one role of a site told another, as far as the hosts' records show it.
    fn is_told(&self, notice: Notice) -> bool {
        self.hosts == Hosts::Scripted || self.told.contains(&notice)
    }

    /// Whether a message went between the hosts, as far as their records show it.
    fn is_sent(&self, message: HostMessage) -> bool {
        self.hosts == Hosts::Scripted || self.host.contains(&message)
    }

    /// Whether a message that the primary received was sent, and what it is asked to hold, or to release, was asked.
    pub(super) fn caused_primary(&self, event: &PrimaryEvent<Content, Blocks>) -> bool {
        match event {
            PrimaryEvent::Arrived(message) => self.to_primary.contains(message),
            PrimaryEvent::Quiesce(id) => self.is_told(Notice::Freeze(*id)),
            PrimaryEvent::Unquiesce(id) => self.is_told(Notice::Thaw(*id)),
            PrimaryEvent::HostWrite { .. }
            | PrimaryEvent::Send { .. }
            | PrimaryEvent::CopyBlock { .. }
            | PrimaryEvent::PairMark
            | PrimaryEvent::Create
            | PrimaryEvent::Suspend
            | PrimaryEvent::Fail
            | PrimaryEvent::Resync
            | PrimaryEvent::Delete
            | PrimaryEvent::LeaseExpired
            | PrimaryEvent::Restart => true,
        }
    }

    /// The event of the secondary, a message in it being the one that was sent; nothing if what it receives was not sent, or
    /// what the hosts ask of it not asked.
    pub(super) fn caused_secondary(
        &self,
        event: &SecondaryEvent<Content>,
        bindings: &mut Bindings,
    ) -> Option<SecondaryEvent<Content>> {
        let is_caused = match *event {
            SecondaryEvent::Arrived(ToSecondary::Frame(frame)) => {
                let sent = self.frame(frame, bindings)?;
                return Some(SecondaryEvent::Arrived(ToSecondary::Frame(sent)));
            }
            SecondaryEvent::Arrived(message) => self.to_secondary.contains(&message),
            SecondaryEvent::Split(id) => self.is_sent(HostMessage::Split(id)),
            SecondaryEvent::Arm(id) => self.is_told(Notice::Arm(id)),
            SecondaryEvent::Release(id) => self.is_told(Notice::Release(id)),
            SecondaryEvent::Apply
            | SecondaryEvent::Report
            | SecondaryEvent::Fail
            | SecondaryEvent::Restart
            | SecondaryEvent::CopyReplica(_)
            | SecondaryEvent::Takeover { .. }
            | SecondaryEvent::RemoteWrite { .. } => true,
        };
        is_caused.then_some(*event)
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
        let frames =
            self.to_secondary.from(&least).map_while(|(message, ())| message.frame().copied());
        frames.take_while(move |frame| frame.incarnation == incarnation)
    }

    fn frames(&self, incarnation: Incarnation, seq: Seq) -> impl Iterator<Item = Frame<Content>> {
        self.frames_from(incarnation, seq).take_while(move |frame| frame.entry.seq == seq)
    }

    /// Whether what the database is asked was asked.
    pub(super) fn caused_database(&self, event: DatabaseEvent) -> bool {
        match event {
            DatabaseEvent::Freeze(id) => self.is_told(Notice::Freeze(id)),
            DatabaseEvent::Thaw(id) => self.is_told(Notice::Thaw(id)),
            DatabaseEvent::Begin
            | DatabaseEvent::Write
            | DatabaseEvent::Commit
            | DatabaseEvent::LeaseExpired
            | DatabaseEvent::Restart => true,
        }
    }

    /// Whether what the coordinator is told was told. Either of database and primary holds still for a site's backups,
    /// and answers (FREEZE-1, QUIESCE-1).
    pub(super) fn caused_coordinator(&self, event: CoordinatorEvent) -> bool {
        match event {
            CoordinatorEvent::Request(id) => self.is_sent(HostMessage::Request(id)),
            CoordinatorEvent::SplitAnswer { id, done } => {
                self.is_sent(HostMessage::SplitAnswer { id, done })
            }
            CoordinatorEvent::Synced { done } => {
                let returned = self.syncs.is_some_and(|syncs| syncs[usize::from(done)]);
                self.hosts == Hosts::Scripted || returned
            }
            CoordinatorEvent::Frozen(id) => {
                self.is_told(Notice::Frozen(id)) || self.is_told(Notice::Quiesced(id))
            }
            CoordinatorEvent::Thawed { id, held } => self.is_told(Notice::Thawed(id, held)),
            CoordinatorEvent::Timeout | CoordinatorEvent::Restart => true,
        }
    }

    /// Whether what the requester is told was told.
    pub(super) fn caused_requester(&self, event: RequesterEvent) -> bool {
        match event {
            RequesterEvent::Permit(id) => self.is_sent(HostMessage::Permit(id)),
            RequesterEvent::Reject(id) => self.is_sent(HostMessage::Reject(id)),
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
        let mut frames = self.to_secondary.keys().filter_map(ToSecondary::frame);
        frames.find(|frame| frame.incarnation != incarnation).copied()
    }

    /// Every backup id that anybody has named.
    pub(crate) fn ids(&self) -> Vec<BackupId> {
        let told = self.told.keys().filter_map(Notice::id);
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
