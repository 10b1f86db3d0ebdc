//! Which events a record can be that does not show all of its event, and which steps can have been taken that no record
//! shows. Whether the model takes them is found by trying.
use std::collections::HashMap;

use serde_json::Value;
use syncsplit_model::protocol::coordinator::CoordinatorEvent;
use syncsplit_model::protocol::database::DatabaseEvent;
use syncsplit_model::protocol::primary::{PrimaryEffect, PrimaryEvent};
use syncsplit_model::protocol::requester::RequesterEvent;
use syncsplit_model::protocol::secondary::{SecondaryEffect, SecondaryEvent};
use syncsplit_model::protocol::{
    BackupId, BlockIndex, DirtyMap, Frame, Incarnation, Journal, PairState, Seq, ToPrimary,
    ToSecondary,
};
use syncsplit_model::record::{Blocks, SyncTaken, blocks};

use super::content::Content;
use super::log::Log;
use super::pattern::{Seen, as_json, form};
use super::record::{ModelPrimary, ModelSecondary, Record, Taken};
use super::system::{Event, System};

/// The most blocks that are tried for a write that does not say which it is to.
pub(super) const BLOCKS_TRIED: u32 = 1 << 16;

/// Which block each number changes, where some record shows it: an entry is the same wherever it is seen.
#[derive(Debug, Default)]
pub(super) struct Clues(HashMap<(Incarnation, Seq), BlockIndex>);

impl Clues {
    pub(super) fn of(logs: &[Log]) -> Self {
        let mut clues = Self::default();
        for line in logs.iter().flat_map(|log| &log.lines) {
            match &line.record {
                Record::Secondary(taken) => {
                    if let Seen::All(SecondaryEvent::Arrived(ToSecondary::Frame(frame))) =
                        &taken.event
                    {
                        clues.add(frame);
                    }
                }
                Record::Primary(Taken { effects: Seen::All(effects), .. }) => {
                    for effect in effects {
                        if let PrimaryEffect::Send(ToSecondary::Frame(frame)) = effect {
                            clues.add(frame);
                        }
                    }
                }
                _ => {}
            }
        }
        clues
    }

    fn add(&mut self, frame: &Frame<Content>) {
        if let Some(block) = frame.entry.item.block() {
            self.0.insert((frame.incarnation, frame.entry.seq), block);
        }
    }

    /// The block of the entry that the primary numbers next.
    fn next(&self, primary: &ModelPrimary) -> Option<BlockIndex> {
        let linked = primary.state.is_linked();
        let at = (primary.incarnation, primary.newest.next());
        self.0.get(&at).copied().filter(|_| linked)
    }
}

/// What is known of the event that is looked for.
struct Wanted<'a> {
    form: Option<&'a str>,
    part: Option<&'a Value>,
    block: Option<BlockIndex>,
    /// Whether events that change nothing are of use.
    idle: bool,
}

impl Wanted<'_> {
    fn is(&self, name: &str) -> bool {
        self.form.is_none_or(|form| form == name)
    }

    /// Whether the record shows anything of the event beside its name.
    fn has_fields(&self) -> bool {
        self.part.is_some_and(Value::is_object)
    }

    fn number(&self, path: &str) -> Option<u64> {
        self.part.and_then(|part| part.pointer(path)).and_then(Value::as_u64)
    }

    /// The blocks to try for a write.
    fn blocks(&self, clue: Option<BlockIndex>, count: u32) -> impl Iterator<Item = BlockIndex> {
        let only = self.block.or(clue);
        let all = if only.is_some() { 0 } else { count.min(BLOCKS_TRIED) };
        only.into_iter().chain((0..all).map(BlockIndex))
    }
}

const ANYTHING: Wanted<'static> = Wanted { form: None, part: None, block: None, idle: false };

/// Every event that a record which does not show all of its event can be; nothing if it shows all of it.
pub(super) fn fill(system: &System, record: &Record, clues: &Clues) -> Option<Vec<Event>> {
    Some(match record {
        Record::Start(_) | Record::Fault(_) => return None,
        Record::Primary(taken) if !taken.event.is_all() => {
            let shown = |effect: &PrimaryEffect<Content>| match effect {
                PrimaryEffect::WritePvol { block, .. } => Some(*block),
                _ => None,
            };
            let wanted = wanted(taken, shown);
            primary(system, &wanted, clues).into_iter().map(Event::Primary).collect()
        }
        Record::Secondary(taken) if !taken.event.is_all() => {
            let shown = |effect: &SecondaryEffect<Content, Blocks>| match effect {
                SecondaryEffect::WriteSpvol { block, .. } => Some(*block),
                _ => None,
            };
            let wanted = wanted(taken, shown);
            secondary(system, &wanted).into_iter().map(Event::Secondary).collect()
        }
        Record::Sync(taken) if !(taken.event.is_all() && taken.after.is_all()) => {
            let id = match &taken.after {
                Seen::All(after) => Some(after.id),
                Seen::Part(part) => part.get("id").and_then(Value::as_u64),
                Seen::Nothing => None,
            };
            let events = syncs(system, id).into_iter();
            match taken.event.all() {
                Some(event) => {
                    let alike = |of: &SyncTaken| {
                        std::mem::discriminant(of) == std::mem::discriminant(event)
                    };
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
        _ => return None,
    })
}

/// Every step that can be taken without a record.
pub(super) fn hidden(system: &System, clues: &Clues) -> Vec<Event> {
    let mut events = Vec::new();
    events.extend(primary(system, &ANYTHING, clues).into_iter().map(Event::Primary));
    events.extend(secondary(system, &ANYTHING).into_iter().map(Event::Secondary));
    events.extend(syncs(system, None).into_iter().map(|(id, event)| Event::Sync(id, event)));
    events.extend(database(system).into_iter().map(Event::Database));
    events.extend(coordinator(system).into_iter().map(Event::Coordinator));
    events.extend(requester(system).into_iter().map(Event::Requester));
    events
}

fn wanted<'a, E, R, A, D>(
    taken: &'a Taken<E, R, A, D>,
    written: impl Fn(&D) -> Option<BlockIndex>,
) -> Wanted<'a> {
    let part = if let Seen::Part(part) = &taken.event { Some(part) } else { None };
    let form = part.and_then(form);
    let fields = part.zip(form).and_then(|(part, form)| part.get(form));
    let shown = |fields: &Value| fields.get("block").and_then(Value::as_u64);
    let of_event = fields.and_then(shown);
    let of_effects = match &taken.effects {
        Seen::All(effects) => effects.iter().find_map(written),
        Seen::Part(Value::Array(effects)) => {
            let block = |effect: &Value| form_fields(effect).and_then(shown);
            effects.iter().find_map(block).and_then(block_index)
        }
        _ => None,
    };
    Wanted { form, part: fields, block: of_event.and_then(block_index).or(of_effects), idle: true }
}

fn form_fields(value: &Value) -> Option<&Value> {
    form(value).and_then(|name| value.get(name))
}

fn block_index(number: u64) -> Option<BlockIndex> {
    u32::try_from(number).ok().map(BlockIndex)
}

fn primary(
    system: &System,
    wanted: &Wanted<'_>,
    clues: &Clues,
) -> Vec<PrimaryEvent<Content, Blocks>> {
    let Some(state) = system.primary() else { return Vec::new() };
    let mut events = Vec::new();
    let simple = [
        ("PairMark", PrimaryEvent::PairMark),
        ("Create", PrimaryEvent::Create),
        ("Suspend", PrimaryEvent::Suspend),
        ("Fail", PrimaryEvent::Fail),
        ("Resync", PrimaryEvent::Resync),
        ("Delete", PrimaryEvent::Delete),
        ("LeaseExpired", PrimaryEvent::LeaseExpired),
        ("Restart", PrimaryEvent::Restart),
    ];
    let payload = system.unseen();
    if wanted.is("HostWrite") {
        let blocks = wanted.blocks(clues.next(state), state.dirty.blocks());
        events.extend(blocks.map(|block| PrimaryEvent::HostWrite { block, payload }));
    }
    if wanted.is("CopyBlock") {
        let only = wanted.block.or_else(|| clues.next(state));
        let blocks: Vec<_> = only.map_or_else(|| blocks(&state.dirty), |block| vec![block]);
        events.extend(blocks.into_iter().map(|block| {
            let payload = system.volumes().pvol.get(block).unwrap_or(payload);
            PrimaryEvent::CopyBlock { block, payload }
        }));
    }
    if wanted.is("Send") {
        match wanted.number("/seq") {
            Some(seq) => events.push(PrimaryEvent::Send { seq: Seq(seq) }),
            None => {
                let seqs = state.journal.iter().map(|entry| entry.seq);
                events.extend(seqs.map(|seq| PrimaryEvent::Send { seq }));
            }
        }
    }
    received(system, state, wanted, &mut events);
    events.extend(simple.into_iter().filter(|(name, _)| wanted.is(name)).map(|(_, event)| event));
    let (mut quiesce, mut unquiesce) = (Vec::new(), Vec::new());
    for id in ids(system) {
        quiesce.push(PrimaryEvent::Quiesce(id));
        unquiesce.push(PrimaryEvent::Unquiesce(id));
    }
    for (name, list) in [("Quiesce", quiesce), ("Unquiesce", unquiesce)] {
        if wanted.is(name) {
            events.extend(list);
        }
    }
    events
}

/// What the primary can receive: what has not arrived yet comes first, in the order in which it was reported.
fn received(
    system: &System,
    state: &ModelPrimary,
    wanted: &Wanted<'_>,
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
        if !wanted.is(to_primary_name(message)) {
            continue;
        }
        let event = PrimaryEvent::Arrived(message.clone());
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

fn secondary(system: &System, wanted: &Wanted<'_>) -> Vec<SecondaryEvent<Content>> {
    let Some(state) = system.secondary() else { return Vec::new() };
    let mut events: Vec<SecondaryEvent<Content>> = Vec::new();
    arrivals(system, state, wanted, &mut events);
    let simple = [
        ("Apply", SecondaryEvent::Apply),
        ("Report", SecondaryEvent::Report),
        ("Fail", SecondaryEvent::Fail),
        ("Restart", SecondaryEvent::Restart),
        ("Takeover", SecondaryEvent::Takeover { force: false }),
        ("Takeover", SecondaryEvent::Takeover { force: true }),
    ];
    events.extend(simple.into_iter().filter(|(name, _)| wanted.is(name)).map(|(_, event)| event));
    if wanted.is("CopyReplica") {
        let blocks = blocks(&state.replica.dirty);
        events.extend(blocks.into_iter().map(SecondaryEvent::CopyReplica));
    }
    if wanted.is("RemoteWrite") && (wanted.idle || state.state == PairState::Ssws) {
        let payload = system.unseen();
        let blocks = wanted.blocks(None, state.dirty.blocks());
        events.extend(blocks.map(|block| SecondaryEvent::RemoteWrite { block, payload }));
    }
    for id in ids(system) {
        let asked = [
            ("Arm", SecondaryEvent::Arm(id)),
            ("Split", SecondaryEvent::Split(id)),
            ("Release", SecondaryEvent::Release(id)),
        ];
        events.extend(asked.into_iter().filter(|(name, _)| wanted.is(name)).map(|(_, of)| of));
    }
    events
}

/// What the secondary can receive: frames that it lacks come first, in the order of their numbers.
fn arrivals(
    system: &System,
    state: &ModelSecondary,
    wanted: &Wanted<'_>,
    events: &mut Vec<SecondaryEvent<Content>>,
) {
    let incarnation = wanted.number("/incarnation").and_then(|number| u32::try_from(number).ok());
    let incarnation = incarnation.map_or(state.incarnation, Incarnation);
    let seq = wanted.number("/entry/seq").map(Seq);
    let from = seq.unwrap_or_else(|| state.written.next());
    let is_seq = |message: &ToSecondary<Content>| match (message, seq) {
        (ToSecondary::Frame(frame), Some(seq)) => frame.entry.seq == seq,
        _ => true,
    };
    let new = system.sent.arrivals(incarnation, from).take_while(is_seq);
    let new = new.filter(|message| wanted.is(to_secondary_name(message)));
    events.extend(new.map(SecondaryEvent::Arrived));
    if !wanted.idle || !wanted.is("Frame") {
        return;
    }
    // A duplicate, and one of another incarnation: each is refused, whichever it is.
    let old = system.sent.arrivals(incarnation, Seq(0)).next();
    let old = old.filter(|message| matches!(message, ToSecondary::Frame(_)));
    let stale = system.sent.stale(state.incarnation).map(ToSecondary::Frame);
    events.extend(old.into_iter().chain(stale).map(SecondaryEvent::Arrived));
}

const fn to_primary_name<D>(message: &ToPrimary<D>) -> &'static str {
    match message {
        ToPrimary::Ack(_) => "Ack",
        ToPrimary::Ready { .. } => "Ready",
        ToPrimary::Suspended { .. } => "Suspended",
    }
}

const fn to_secondary_name<P>(message: &ToSecondary<P>) -> &'static str {
    match message {
        ToSecondary::Frame(_) => "Frame",
        ToSecondary::Unsequenced { .. } => "Unsequenced",
        ToSecondary::Resync { .. } => "Resync",
        ToSecondary::Suspend { .. } => "Suspend",
        ToSecondary::Delete { .. } => "Delete",
    }
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
