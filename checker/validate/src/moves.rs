//! Which events a record can be that does not show all of its event, and which steps can have been taken that no record
//! shows. Whether the model takes them is found by trying.
use std::collections::{HashMap, HashSet};
use std::mem::discriminant;

use serde::de::DeserializeOwned;
use serde_json::Value;
use syncsplit_model::protocol::coordinator::CoordinatorEvent;
use syncsplit_model::protocol::database::DatabaseEvent;
use syncsplit_model::protocol::primary::{PrimaryEffect, PrimaryEvent};
use syncsplit_model::protocol::requester::{RequesterEvent, RequesterState};
use syncsplit_model::protocol::secondary::{SecondaryEffect, SecondaryEvent};
use syncsplit_model::protocol::{
    BackupId, BlockIndex, DirtyMap, Incarnation, Journal, PairState, Seq, ToPrimary, ToSecondary,
};
use syncsplit_model::record::{Blocks, SyncTaken, blocks};

use super::content::Content;
use super::log::{Line, Log};
use super::part::filled;
use super::pattern::{PartlyShown, as_json, form};
use super::record::{ModelPrimary, ModelSecondary, Record, Taken};
use super::system::{Event, System};

/// The most blocks that are tried for a write that does not say which it is to.
pub(super) const BLOCKS_TRIED: u32 = 1 << 16;

/// What later records tell of a step that is not shown whole.
#[derive(Debug, Default)]
pub(super) struct Clues {
    /// Which block each number changes, where some record shows it: an entry is the same wherever it is seen.
    blocks: HashMap<(Incarnation, Seq), BlockIndex>,
    /// The Syncs that records show; nothing if some record of a Sync does not show which it is of.
    syncs: Option<HashSet<u64>>,
}

impl Clues {
    pub(super) fn of(logs: &[Log]) -> Self {
        let sync = |line: &Line| match &line.record {
            Record::Sync(taken) => Some(taken.after.all().map(|after| after.id)),
            Record::Start(_)
            | Record::Fault(_)
            | Record::Primary(_)
            | Record::Secondary(_)
            | Record::Database(_)
            | Record::Coordinator(_)
            | Record::Requester(_) => None,
        };
        let syncs = logs.iter().flat_map(|log| &log.lines).filter_map(sync).collect();
        let mut clues = Self { blocks: HashMap::new(), syncs };
        for line in logs.iter().flat_map(|log| &log.lines) {
            if let Record::Secondary(Taken { event: PartlyShown::All(event), .. }) = &line.record
                && let SecondaryEvent::Arrived(message) = event
            {
                clues.add(message);
            }
            if let Record::Primary(Taken { effects: PartlyShown::All(effects), .. }) = &line.record
            {
                for effect in effects {
                    if let PrimaryEffect::Send(message) = effect {
                        clues.add(message);
                    }
                }
            }
        }
        clues
    }

    fn add(&mut self, message: &ToSecondary<Content>) {
        let Some(frame) = message.frame() else { return };
        if let Some(block) = frame.entry.item.block() {
            self.blocks.insert((frame.incarnation, frame.entry.seq), block);
        }
    }

    /// Whether a record may be of this Sync.
    fn shows_sync(&self, id: u64) -> bool {
        self.syncs.as_ref().is_none_or(|syncs| syncs.contains(&id))
    }

    /// The block of the entry that the primary numbers next.
    fn next(&self, primary: &ModelPrimary) -> Option<BlockIndex> {
        let linked = primary.state.is_linked();
        let at = (primary.incarnation, primary.newest.next());
        self.blocks.get(&at).copied().filter(|_| linked)
    }
}

/// What is known of the event that is looked for.
struct Wanted<'a, E> {
    /// An event of its kind.
    like: Option<E>,
    part: Option<&'a Value>,
    block: Option<BlockIndex>,
    /// Whether events that change nothing are of use.
    idle: bool,
}

impl<E: Alike> Wanted<'_, E> {
    /// Any event that changes something.
    const ANY: Self = Self { like: None, part: None, block: None, idle: false };

    fn is(&self, event: &E) -> bool {
        self.like.as_ref().is_none_or(|like| like.is_like(event))
    }

    /// Whether the record shows anything of the event beside its name.
    fn has_fields(&self) -> bool {
        self.part.is_some_and(Value::is_object)
    }

    fn number(&self, path: &str) -> Option<u64> {
        self.part.and_then(|part| part.pointer(path)).and_then(Value::as_u64)
    }

    /// The blocks to try for a write.
    fn blocks(
        &self,
        clue: Option<BlockIndex>,
        count: u32,
    ) -> impl Iterator<Item = BlockIndex> + use<E> {
        let only = self.block.or(clue);
        let all = if only.is_some() { 0 } else { count.min(BLOCKS_TRIED) };
        only.into_iter().chain((0..all).map(BlockIndex))
    }
}

/// Events that a record calls by one name.
trait Alike: DeserializeOwned {
    fn is_like(&self, other: &Self) -> bool;
}

impl Alike for PrimaryEvent<Content, Blocks> {
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Arrived(one), Self::Arrived(other)) => discriminant(one) == discriminant(other),
            (one, other) => discriminant(one) == discriminant(other),
        }
    }
}

impl Alike for SecondaryEvent<Content> {
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Arrived(one), Self::Arrived(other)) => discriminant(one) == discriminant(other),
            (one, other) => discriminant(one) == discriminant(other),
        }
    }
}

/// Every event that a record which does not show all of its event can be; nothing if it shows all of it.
pub(super) fn fill(system: &System, record: &Record, clues: &Clues) -> Option<Vec<Event>> {
    Some(match record {
        Record::Primary(taken) if !taken.event.is_all() => {
            let shown = |effect: &PrimaryEffect<Content>| {
                if let PrimaryEffect::WritePvol { block, .. } = effect {
                    Some(*block)
                } else {
                    None
                }
            };
            let wanted = wanted(taken, shown);
            primary(system, &wanted, clues).into_iter().map(Event::Primary).collect()
        }
        Record::Secondary(taken) if !taken.event.is_all() => {
            let shown = |effect: &SecondaryEffect<Content, Blocks>| {
                if let SecondaryEffect::WriteSpvol { block, .. } = effect {
                    Some(*block)
                } else {
                    None
                }
            };
            let wanted = wanted(taken, shown);
            secondary(system, &wanted).into_iter().map(Event::Secondary).collect()
        }
        Record::Sync(taken) if !(taken.event.is_all() && taken.after.is_all()) => {
            let id = match &taken.after {
                PartlyShown::All(after) => Some(after.id),
                PartlyShown::Part(part) => part.get("id").and_then(Value::as_u64),
                PartlyShown::Nothing => None,
            };
            let events = syncs(system, id).into_iter();
            match taken.event.all() {
                Some(event) => {
                    let alike = |of: &SyncTaken| discriminant(of) == discriminant(event);
                    let same = events.filter(|(_, of)| alike(of));
                    same.map(|(id, _)| Event::Sync(id, *event)).collect()
                }
                None => events.map(|(id, event)| Event::Sync(id, event)).collect(),
            }
        }
        Record::Database(taken) if !taken.event.is_all() => {
            database(system).into_iter().map(Event::Database).collect()
        }
        Record::Coordinator(taken) if !taken.event.is_all() => {
            coordinator(system).into_iter().map(Event::Coordinator).collect()
        }
        Record::Requester(taken) if !taken.event.is_all() => {
            requester(system).into_iter().map(Event::Requester).collect()
        }
        Record::Start(_)
        | Record::Fault(_)
        | Record::Primary(_)
        | Record::Secondary(_)
        | Record::Sync(_)
        | Record::Database(_)
        | Record::Coordinator(_)
        | Record::Requester(_) => return None,
    })
}

/// Every step that can be taken without a record.
pub(super) fn hidden(system: &System, clues: &Clues) -> Vec<Event> {
    let mut events = Vec::new();
    events.extend(primary(system, &Wanted::ANY, clues).into_iter().map(Event::Primary));
    events.extend(secondary(system, &Wanted::ANY).into_iter().map(Event::Secondary));
    // A Sync that nobody ever hears of again leads nowhere.
    let leads = |(id, event): &(u64, SyncTaken)| match event {
        SyncTaken::Begin(_) => system.may_hide_sync() || clues.shows_sync(*id),
        SyncTaken::Look(_) | SyncTaken::Timeout => true,
    };
    let of_sync = syncs(system, None).into_iter().filter(leads);
    events.extend(of_sync.map(|(id, event)| Event::Sync(id, event)));
    events.extend(database(system).into_iter().map(Event::Database));
    events.extend(coordinator(system).into_iter().map(Event::Coordinator));
    // A restart that tells the secondary what it is told already need not come before the secondary has taken it.
    let says_again = system.requester.state == RequesterState::Idle
        && system.sent.is_releasing(system.requester.newest);
    let of_requester = requester(system).into_iter();
    let of_requester =
        of_requester.filter(|event| !(says_again && *event == RequesterEvent::Restart));
    events.extend(of_requester.map(Event::Requester));
    events
}

fn wanted<'a, E: Alike, R, A, D>(
    taken: &'a Taken<E, R, A, D>,
    written: impl Fn(&D) -> Option<BlockIndex>,
) -> Wanted<'a, E> {
    let part = if let PartlyShown::Part(part) = &taken.event { Some(part) } else { None };
    let like = part.and_then(|part| filled(part).ok()).map(|(_, event)| event);
    let fields = part.and_then(form_fields);
    let shown = |fields: &Value| fields.get("block").and_then(Value::as_u64);
    let of_event = fields.and_then(shown);
    let of_effects = match &taken.effects {
        PartlyShown::All(effects) => effects.iter().find_map(written),
        PartlyShown::Part(Value::Array(effects)) => {
            let block = |effect: &Value| form_fields(effect).and_then(shown);
            effects.iter().find_map(block).and_then(block_index)
        }
        PartlyShown::Part(_) | PartlyShown::Nothing => None,
    };
    Wanted { like, part: fields, block: of_event.and_then(block_index).or(of_effects), idle: true }
}

fn form_fields(value: &Value) -> Option<&Value> {
    form(value).and_then(|name| value.get(name))
}

fn block_index(number: u64) -> Option<BlockIndex> {
    u32::try_from(number).ok().map(BlockIndex)
}

fn primary(
    system: &System,
    wanted: &Wanted<'_, PrimaryEvent<Content, Blocks>>,
    clues: &Clues,
) -> Vec<PrimaryEvent<Content, Blocks>> {
    let Some(state) = system.primary() else { return Vec::new() };
    let mut events = Vec::new();
    let payload = system.unseen();
    let block = BlockIndex(0);
    if wanted.is(&PrimaryEvent::HostWrite { block, payload }) {
        let blocks = wanted.blocks(clues.next(state), state.dirty.blocks());
        events.extend(blocks.map(|block| PrimaryEvent::HostWrite { block, payload }));
    }
    if wanted.is(&PrimaryEvent::CopyBlock { block, payload }) {
        let only = wanted.block.or_else(|| clues.next(state));
        let blocks: Vec<_> = only.map_or_else(|| blocks(&state.dirty), |block| vec![block]);
        events.extend(blocks.into_iter().map(|block| {
            let payload = system.volumes().pvol.get(block).unwrap_or(payload);
            PrimaryEvent::CopyBlock { block, payload }
        }));
    }
    if wanted.is(&PrimaryEvent::Send { seq: Seq(0) }) {
        match wanted.number("/seq") {
            Some(seq) => events.push(PrimaryEvent::Send { seq: Seq(seq) }),
            None => {
                let seqs = state.journal.iter().map(|entry| entry.seq);
                events.extend(seqs.map(|seq| PrimaryEvent::Send { seq }));
            }
        }
    }
    received(system, state, wanted, &mut events);
    let simple = [
        PrimaryEvent::PairMark,
        PrimaryEvent::Create,
        PrimaryEvent::Suspend,
        PrimaryEvent::Fail,
        PrimaryEvent::Resync,
        PrimaryEvent::Delete,
        PrimaryEvent::LeaseExpired,
        PrimaryEvent::Restart,
    ];
    let quiesce = ids(system).map(PrimaryEvent::Quiesce);
    let unquiesce = ids(system).map(PrimaryEvent::Unquiesce);
    let others = simple.into_iter().chain(quiesce).chain(unquiesce);
    events.extend(others.filter(|event| wanted.is(event)));
    events
}

/// What the primary can receive: what has not arrived yet comes first, in the order in which it was reported.
fn received(
    system: &System,
    state: &ModelPrimary,
    wanted: &Wanted<'_, PrimaryEvent<Content, Blocks>>,
    events: &mut Vec<PrimaryEvent<Content, Blocks>>,
) {
    let is_new = |message: &ToPrimary<Blocks>| match message {
        ToPrimary::Ack(ack) => ack.incarnation == state.incarnation && ack.written > state.written,
        ToPrimary::Ready { incarnation, .. } => state.pending == Some(*incarnation),
        ToPrimary::Suspended { incarnation } => {
            *incarnation == state.incarnation || state.pending == Some(*incarnation)
        }
    };
    let (mut new, mut old) = (Vec::new(), Vec::new());
    for message in system.sent.answers() {
        let event = PrimaryEvent::Arrived(message.clone());
        if !wanted.is(&event) {
            continue;
        }
        if is_new(message) {
            new.push(event);
        } else if wanted.idle {
            old.push(event);
        }
    }
    events.append(&mut new);
    if wanted.has_fields() {
        events.append(&mut old);
    } else {
        // What changes nothing is as good as any other that changes nothing, but for the reason of its refusal.
        let first = old.first().cloned();
        let last = if old.len() > 1 { old.pop() } else { None };
        events.extend(first.into_iter().chain(last));
    }
}

fn secondary(
    system: &System,
    wanted: &Wanted<'_, SecondaryEvent<Content>>,
) -> Vec<SecondaryEvent<Content>> {
    let Some(state) = system.secondary() else { return Vec::new() };
    let mut events: Vec<SecondaryEvent<Content>> = Vec::new();
    arrivals(system, state, wanted, &mut events);
    let simple = [
        SecondaryEvent::Apply,
        SecondaryEvent::Report,
        SecondaryEvent::Fail,
        SecondaryEvent::Restart,
        SecondaryEvent::Takeover { force: false },
        SecondaryEvent::Takeover { force: true },
    ];
    let copies = blocks(&state.replica.dirty).into_iter().map(SecondaryEvent::CopyReplica);
    events.extend(simple.into_iter().chain(copies).filter(|event| wanted.is(event)));
    let payload = system.unseen();
    let write = |block| SecondaryEvent::RemoteWrite { block, payload };
    if wanted.is(&write(BlockIndex(0))) && (wanted.idle || state.state == PairState::Ssws) {
        events.extend(wanted.blocks(None, state.dirty.blocks()).map(write));
    }
    let asked = ids(system).flat_map(|id| {
        [SecondaryEvent::Arm(id), SecondaryEvent::Split(id), SecondaryEvent::Release(id)]
    });
    events.extend(asked.filter(|event| wanted.is(event)));
    events
}

/// What the secondary can receive: frames that it lacks come first, in the order of their numbers.
fn arrivals(
    system: &System,
    state: &ModelSecondary,
    wanted: &Wanted<'_, SecondaryEvent<Content>>,
    events: &mut Vec<SecondaryEvent<Content>>,
) {
    let incarnation = wanted.number("/incarnation").and_then(|number| u32::try_from(number).ok());
    let incarnation = incarnation.map_or(state.incarnation, Incarnation);
    let seq = wanted.number("/entry/seq").map(Seq);
    let from = seq.unwrap_or_else(|| state.written.next());
    let is_seq = |message: &ToSecondary<Content>| {
        let shown = message.frame().map(|frame| frame.entry.seq);
        seq.is_none_or(|seq| shown.is_none_or(|shown| shown == seq))
    };
    let new = system.sent.arrivals(incarnation, from).take_while(is_seq);
    events.extend(new.map(SecondaryEvent::Arrived).filter(|event| wanted.is(event)));
    if !wanted.idle {
        return;
    }
    // A duplicate, and one of another incarnation: each is refused, whichever it is.
    let old = system.sent.arrivals(incarnation, Seq(0)).next();
    let old = old.filter(|message| message.frame().is_some());
    let stale = system.sent.stale(state.incarnation).map(ToSecondary::Frame);
    let frames = old.into_iter().chain(stale).map(SecondaryEvent::Arrived);
    events.extend(frames.filter(|event| wanted.is(event)));
}

fn syncs(system: &System, id: Option<u64>) -> Vec<(u64, SyncTaken)> {
    let Some(state) = system.primary() else { return Vec::new() };
    let view = state.view();
    let (waiting, next) = system.sync_ids();
    let mut events = Vec::new();
    for waits in waiting.into_iter().filter(|waits| id.is_none_or(|id| id == *waits)) {
        events.extend([(waits, SyncTaken::Look(view)), (waits, SyncTaken::Timeout)]);
    }
    events.push((id.unwrap_or(next), SyncTaken::Begin(view)));
    events
}

fn database(system: &System) -> Vec<DatabaseEvent> {
    let mut events = vec![
        DatabaseEvent::Begin,
        DatabaseEvent::Write,
        DatabaseEvent::Commit,
        DatabaseEvent::LeaseExpired,
        DatabaseEvent::Restart,
    ];
    for id in ids(system) {
        events.extend([DatabaseEvent::Freeze(id), DatabaseEvent::Thaw(id)]);
    }
    events
}

fn coordinator(system: &System) -> Vec<CoordinatorEvent> {
    let mut events = vec![
        CoordinatorEvent::Synced { done: true },
        CoordinatorEvent::Synced { done: false },
        CoordinatorEvent::Timeout,
        CoordinatorEvent::Restart,
    ];
    for id in ids(system) {
        events.extend([CoordinatorEvent::Request(id), CoordinatorEvent::Frozen(id)]);
        for done in [true, false] {
            events.push(CoordinatorEvent::SplitAnswer { id, done });
            events.push(CoordinatorEvent::Thawed { id, held: done });
        }
    }
    events
}

fn requester(system: &System) -> Vec<RequesterEvent> {
    let mut events = vec![
        RequesterEvent::Start,
        RequesterEvent::Finish,
        RequesterEvent::Timeout,
        RequesterEvent::Restart,
    ];
    for id in ids(system) {
        events.extend([RequesterEvent::Permit(id), RequesterEvent::Reject(id)]);
    }
    events
}

/// The backup ids that can play a part, the newest first.
fn ids(system: &System) -> impl Iterator<Item = BackupId> {
    let mut ids = system.sent.ids();
    let newest = system.requester.newest;
    if !ids.contains(&newest) {
        ids.insert(0, newest);
    }
    ids.into_iter()
}

/// An event in words, as the format spells it.
pub(super) fn words(event: &Event) -> String {
    let (role, event) = match event {
        Event::Primary(event) => ("primary", as_json(event)),
        Event::Secondary(event) => ("secondary", as_json(event)),
        Event::Sync(id, event) => return format!("sync {id} {}", as_json(event)),
        Event::Database(event) => ("database", as_json(event)),
        Event::Coordinator(event) => ("coordinator", as_json(event)),
        Event::Requester(event) => ("requester", as_json(event)),
    };
    format!("{role} {event}")
}
