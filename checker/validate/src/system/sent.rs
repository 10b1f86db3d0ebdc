//! What has been sent, and what may have caused a step. A link may lose and repeat, so no message is ever taken out when
//! it is received; only a failed effect takes back what was then not sent. What is told within a site is in
//! [`crate::calls`].

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
use crate::calls::{Calls, Partners, Untaken};
use crate::content::Content;
use crate::pattern::Bindings;
use crate::table::{Table, print_of};

/// Everything sent so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent {
    to_secondary: Table<ToSecondary<Content>, ()>,
    to_primary: Table<ToPrimary<Blocks>, ()>,
    host: Table<HostMessage, ()>,
    calls: Calls,
    /// Whether a Sync returned otherwise, and whether one returned DONE, since the coordinator last began one and until it
    /// is told of a return.
    syncs: Option<[bool; 2]>,
    /// Whether the coordinator has been told of a return since it last began a Sync.
    synced: bool,
    /// Who plays the hosts: whether what they send and tell is known.
    hosts: Hosts,
}

impl Sent {
    pub(super) fn new(hosts: Hosts) -> Self {
        Self { hosts, ..Self::default() }
    }

    pub(super) fn print(&self) -> u128 {
        let rest = print_of(&(self.syncs, self.synced));
        rest.wrapping_add(self.to_secondary.print())
            .wrapping_add(self.to_primary.print())
            .wrapping_add(self.host.print())
            .wrapping_add(self.calls.print())
    }

    /// An effect was performed: what it sends and tells stays sent and told.
    pub(super) fn add(&mut self, deed: &Deed<Content, Blocks>) {
        match deed {
            Deed::ToSecondary(message) => drop(self.to_secondary.insert(*message, ())),
            Deed::ToPrimary(message) => drop(self.to_primary.insert(message.clone(), ())),
            Deed::ToHost(message) => drop(self.host.insert(*message, ())),
            Deed::Tell(Notice::BeginSync(_)) => {
                (self.syncs, self.synced) = (Some([false; 2]), false)
            }
            Deed::Tell(Notice::Synced(done)) => {
                if let Some(syncs) = &mut self.syncs {
                    syncs[usize::from(*done)] = true;
                }
            }
            Deed::Tell(Notice::Read(_)) => {}
            Deed::Tell(notice) => self.calls.tell(*notice),
            Deed::Write(..) | Deed::CopyBlock(..) | Deed::CopyBlocks(..) | Deed::Unseen => {}
        }
    }

    /// The effect failed, so what a host would have sent or told was not.
    pub(super) fn take_back(&mut self, deed: &Deed<Content, Blocks>) {
        match deed {
            Deed::ToHost(message) => drop(self.host.remove(message)),
            Deed::Tell(notice) => self.calls.take_back(*notice),
            Deed::ToSecondary(_)
            | Deed::ToPrimary(_)
            | Deed::Write(..)
            | Deed::CopyBlock(..)
            | Deed::CopyBlocks(..)
            | Deed::Unseen => {}
        }
    }

    /// The effect was performed, and the role that it told of it failed.
    pub(super) fn fail(&mut self, deed: &Deed<Content, Blocks>) {
        if let Deed::Tell(notice) = deed {
            self.calls.fail(*notice);
        }
    }

    /// A role takes what another role of its site told it, as far as the hosts' records show it.
    fn take(&mut self, notice: Notice) -> Result<(), Untaken> {
        self.take_one(notice, |other| other == notice, |_| false)
    }

    fn take_one(
        &mut self,
        notice: Notice,
        is_it: impl Fn(Notice) -> bool,
        drops: impl Fn(Notice) -> bool,
    ) -> Result<(), Untaken> {
        match self.hosts {
            Hosts::Scripted => Ok(()),
            Hosts::Traced => self.calls.take(notice, is_it, drops),
        }
    }

    /// The primary, or the database, is asked to hold still, or to go on.
    fn take_still(&mut self, notice: Notice, is_primary: bool) -> Result<(), Untaken> {
        self.take(notice)?;
        self.calls.note_stillness(is_primary);
        Ok(())
    }

    /// Whether a message went between the hosts, as far as their records show it.
    fn sent(&self, message: HostMessage) -> Result<(), Untaken> {
        arrived(self.hosts == Hosts::Scripted || self.host.contains(&message))
    }

    /// Whether a message that the primary received was sent, and what it is asked to hold, or to release, was asked.
    ///
    /// # Errors
    /// Whatever is missing for it.
    pub(super) fn caused_primary(
        &mut self,
        event: &PrimaryEvent<Content, Blocks>,
    ) -> Result<(), Untaken> {
        match event {
            PrimaryEvent::Arrived(message) => arrived(self.to_primary.contains(message)),
            PrimaryEvent::Quiesce(id) => self.take_still(Notice::Freeze(*id), true),
            PrimaryEvent::Unquiesce(id) => self.take_still(Notice::Thaw(*id), true),
            PrimaryEvent::Restart => {
                self.calls.crash_primary();
                Ok(())
            }
            PrimaryEvent::HostWrite { .. }
            | PrimaryEvent::Send { .. }
            | PrimaryEvent::CopyBlock { .. }
            | PrimaryEvent::PairMark
            | PrimaryEvent::Create
            | PrimaryEvent::Suspend
            | PrimaryEvent::Fail
            | PrimaryEvent::Resync
            | PrimaryEvent::Delete
            | PrimaryEvent::LeaseExpired => Ok(()),
        }
    }

    /// The event of the secondary, a message in it being the one that was sent.
    ///
    /// # Errors
    /// What it receives was not sent, or what the hosts ask of it not asked, or taken before.
    pub(super) fn caused_secondary(
        &mut self,
        event: &SecondaryEvent<Content>,
        bindings: &mut Bindings,
    ) -> Result<SecondaryEvent<Content>, Untaken> {
        match *event {
            SecondaryEvent::Arrived(ToSecondary::Frame(frame)) => {
                let sent = self.frame(frame, bindings).ok_or(Untaken::Untold)?;
                return Ok(SecondaryEvent::Arrived(ToSecondary::Frame(sent)));
            }
            SecondaryEvent::Arrived(message) => arrived(self.to_secondary.contains(&message))?,
            SecondaryEvent::Split(id) => self.sent(HostMessage::Split(id))?,
            SecondaryEvent::Arm(id) => self.take(Notice::Arm(id))?,
            SecondaryEvent::Release(id) => self.take(Notice::Release(id))?,
            SecondaryEvent::Restart => self.calls.crash(&[Partners::Replica]),
            SecondaryEvent::Apply
            | SecondaryEvent::Report
            | SecondaryEvent::Fail
            | SecondaryEvent::CopyReplica(_)
            | SecondaryEvent::Takeover { .. }
            | SecondaryEvent::RemoteWrite { .. } => {}
        }
        Ok(*event)
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
    ///
    /// # Errors
    /// As [`Sent::caused_primary`].
    pub(super) fn caused_database(&mut self, event: DatabaseEvent) -> Result<(), Untaken> {
        match event {
            DatabaseEvent::Freeze(id) => self.take_still(Notice::Freeze(id), false)?,
            DatabaseEvent::Thaw(id) => self.take_still(Notice::Thaw(id), false)?,
            DatabaseEvent::Restart => self.calls.crash(&[Partners::Stillness, Partners::Answers]),
            DatabaseEvent::Begin
            | DatabaseEvent::Write
            | DatabaseEvent::Commit
            | DatabaseEvent::LeaseExpired => {}
        }
        Ok(())
    }

    /// Whether what the coordinator is told was told. Either of database and primary holds still for a site's backups,
    /// and answers (FREEZE-1, QUIESCE-1). `refuses` says what the coordinator would refuse now.
    ///
    /// # Errors
    /// As [`Sent::caused_primary`].
    pub(super) fn caused_coordinator(
        &mut self,
        event: CoordinatorEvent,
        refuses: impl Fn(CoordinatorEvent) -> bool,
    ) -> Result<(), Untaken> {
        let drops = |notice| answer(notice).is_some_and(&refuses);
        match event {
            CoordinatorEvent::Request(id) => self.sent(HostMessage::Request(id)),
            CoordinatorEvent::SplitAnswer { id, done } => {
                self.sent(HostMessage::SplitAnswer { id, done })
            }
            CoordinatorEvent::Synced { done } => {
                let returned = self.syncs.is_some_and(|syncs| syncs[usize::from(done)]);
                // A coordinator is told once how the Sync that it began has ended.
                self.syncs = None;
                match std::mem::replace(&mut self.synced, true) {
                    true if self.hosts == Hosts::Traced => Err(Untaken::Again(None)),
                    _ => arrived(self.hosts == Hosts::Scripted || returned),
                }
            }
            CoordinatorEvent::Frozen(id) => {
                self.take_one(Notice::Frozen(id), |notice| answer(notice) == Some(event), drops)
            }
            CoordinatorEvent::Thawed { id, held } => {
                let notice = Notice::Thawed(id, held);
                self.take_one(notice, |notice| answer(notice) == Some(event), drops)
            }
            CoordinatorEvent::Restart => {
                self.calls.crash(&[Partners::Stillness, Partners::Answers]);
                Ok(())
            }
            CoordinatorEvent::Timeout => Ok(()),
        }
    }

    /// Whether what the requester is told was told.
    ///
    /// # Errors
    /// As [`Sent::caused_primary`].
    pub(super) fn caused_requester(&mut self, event: RequesterEvent) -> Result<(), Untaken> {
        match event {
            RequesterEvent::Permit(id) => self.sent(HostMessage::Permit(id))?,
            RequesterEvent::Reject(id) => self.sent(HostMessage::Reject(id))?,
            RequesterEvent::Restart => self.calls.crash(&[Partners::Replica]),
            RequesterEvent::Start | RequesterEvent::Finish | RequesterEvent::Timeout => {}
        }
        Ok(())
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

    /// Whether a coordinator waits for the return of a Sync, and none has returned.
    pub(crate) fn is_sync_awaited(&self) -> bool {
        self.syncs == Some([false; 2])
    }

    /// Whether the release of this backup is the last that the requester told the secondary, which has not taken it yet.
    pub(crate) fn is_releasing(&self, id: BackupId) -> bool {
        self.calls.is_last(Notice::Release(id))
    }

    /// Every backup id that anybody has named.
    pub(crate) fn ids(&self) -> Vec<BackupId> {
        let told = self.calls.ids();
        let mut ids: Vec<_> = self.host.keys().map(HostMessage::id).chain(told).collect();
        ids.sort_unstable_by(|one, other| other.cmp(one));
        ids.dedup();
        ids
    }
}

/// What the coordinator is told by an answer of database or primary.
const fn answer(notice: Notice) -> Option<CoordinatorEvent> {
    match notice {
        Notice::Frozen(id) | Notice::Quiesced(id) => Some(CoordinatorEvent::Frozen(id)),
        Notice::Thawed(id, held) => Some(CoordinatorEvent::Thawed { id, held }),
        Notice::Freeze(_)
        | Notice::BeginSync(_)
        | Notice::Thaw(_)
        | Notice::Synced(_)
        | Notice::Arm(_)
        | Notice::Read(_)
        | Notice::Release(_) => None,
    }
}

fn arrived(was_sent: bool) -> Result<(), Untaken> {
    if was_sent { Ok(()) } else { Err(Untaken::Untold) }
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
