//! How a person reads the world: an action as a sentence with who did it, a state as a list of named fields.

use std::fmt::Write as _;

use crate::protocol::coordinator::CoordinatorState;
use crate::protocol::database::FreezeState;
use crate::protocol::replica::{Purpose, ReplicaState};
use crate::protocol::requester::RequesterState;
use crate::protocol::{Entry, HostMessage, Item, QMarker, Rule, ToPrimary, ToSecondary};
use crate::world::action::Action;
use crate::world::bounded::BlockSet;
use crate::world::instance::World;
use crate::world::state::{Image, Queue, Reply, State, Unanswered, Value};

/// The action with its arguments, and who takes it.
#[must_use]
pub fn sentence(world: &World, action: &Action) -> String {
    format!("{}: {}", world.actor(action).name(), action_text(action))
}

/// The action with its arguments.
#[must_use]
pub fn action_text(action: &Action) -> String {
    let repeat = |again: bool| if again { ", and will again" } else { "" };
    match action {
        Action::WriteOne(block) => format!("transaction: write block {}, commit", block.0),
        Action::WriteFirst => "transaction: write block 0".into(),
        Action::WriteSecond => "transaction: write the last block, commit".into(),
        Action::WriteFirstTo(block) => format!("transaction: write block {}", block.0),
        Action::WriteSecondTo(block) => format!("transaction: write block {}, commit", block.0),
        Action::AnswerHost => "answer the host: its write is remote".into(),
        Action::Send(seq) => format!("send entry {}", seq.0),
        Action::Deliver { message, again } => {
            format!("deliver {}{}", frame(message), repeat(*again))
        }
        Action::Lose(message) => format!("lose {}", frame(message)),
        Action::Apply => "apply the next entry".into(),
        Action::Report => "report written".into(),
        Action::DeliverReply { message, again } => {
            format!("deliver {}{}", reply(message), repeat(*again))
        }
        Action::LoseReply(message) => format!("lose {}", reply(message)),
        Action::CopyReplica(block) => format!("copy block {} on to the S-VOL", block.0),
        Action::Destage(block) => format!("destage block {} to disk", block.0),
        Action::LinkDown => "goes down".into(),
        Action::LinkUp => "comes up".into(),
        Action::Fail | Action::SecondaryFail => "take the link for failed: PSUE".into(),
        Action::Create => "create the pair: ask for a new incarnation".into(),
        Action::Suspend => "suspend the pair: PSUS".into(),
        Action::Resync => "resync the pair: ask for a new incarnation".into(),
        Action::Delete => "delete the pair: SMPL".into(),
        Action::CopyBlock(block) => format!("copy dirty block {}", block.0),
        Action::PairMark => "put the pair mark into the journal".into(),
        Action::StartBackup => "start a backup".into(),
        Action::DeliverHost { message, again } => {
            format!("deliver {}{}", host(message), repeat(*again))
        }
        Action::LoseHost(message) => format!("lose {}", host(message)),
        Action::SyncBegin => "begin: hold the newest number".into(),
        Action::SyncLook => "look at the pair".into(),
        Action::SyncTimeout => "timeout".into(),
        Action::Thaw => "thaw, and ask whether the freeze held".into(),
        Action::CoordinatorTimeout => "stop waiting".into(),
        Action::RequesterTimeout => "stop waiting, release the S-VOL".into(),
        Action::FinishBackup => "backup read, release the S-VOL".into(),
        Action::LeaseExpires => "the lease ends".into(),
        Action::SuspendForBackup => "suspend the pair for the backup: PSUS".into(),
        Action::CrashPrimary
        | Action::CrashSecondary
        | Action::CrashLocalHost
        | Action::CrashCoordinator
        | Action::CrashRemoteHost => "crash and restart".into(),
        Action::Takeover { force: false } => "take over: SSWS".into(),
        Action::Takeover { force: true } => "take over by force: SSWS".into(),
        Action::RemoteWrite(block) => format!("write block {}", block.0),
        Action::Failback => "fail back: the sides change roles".into(),
    }
}

fn reply(message: &Reply) -> String {
    match message {
        ToPrimary::Ack(ack) => format!("ack {} (inc {})", ack.written.0, ack.incarnation.0),
        ToPrimary::Ready { incarnation, written, dirty } => {
            format!("ready {} dirty {} (inc {})", written.0, set(dirty), incarnation.0)
        }
        ToPrimary::Suspended { incarnation } => format!("suspended (inc {})", incarnation.0),
    }
}

fn frame(message: &ToSecondary<Value>) -> String {
    match message {
        ToSecondary::Frame(frame) => {
            format!("frame {} (inc {})", entry(&frame.entry), frame.incarnation.0)
        }
        ToSecondary::Unsequenced { incarnation, block, payload } => {
            format!("copy of block {}={} (inc {}, no seq)", block.0, value(*payload), incarnation.0)
        }
        ToSecondary::Resync { incarnation } => format!("resync (inc {})", incarnation.0),
        ToSecondary::Delete { incarnation } => format!("delete (inc {})", incarnation.0),
        ToSecondary::Suspend { incarnation } => format!("suspend (inc {})", incarnation.0),
    }
}

fn entry(entry: &Entry<Value>) -> String {
    match entry.item {
        Item::Write { block, payload } => {
            format!("{}:w{}={}", entry.seq.0, block.0, value(payload))
        }
        Item::Copy { block, payload } => format!("{}:c{}={}", entry.seq.0, block.0, value(payload)),
        Item::PairMark => format!("{}:mark", entry.seq.0),
    }
}

fn host(message: &HostMessage) -> String {
    match message {
        HostMessage::Request(id) => format!("request {}", id.0),
        HostMessage::Split(id) => format!("split {}", id.0),
        HostMessage::SplitAnswer { id, done: true } => format!("split {} done", id.0),
        HostMessage::SplitAnswer { id, done: false } => format!("split {} refused", id.0),
        HostMessage::Permit(id) => format!("permit {}", id.0),
        HostMessage::Reject(id) => format!("reject {}", id.0),
    }
}

/// Values as letters, as in a table of contents; beyond 26 with a number.
pub(super) fn value(value: Value) -> String {
    if value == Value::FORGOTTEN {
        return "contents that are lost".into();
    }
    let letter = char::from(b'a' + value.0 % 26);
    if value.0 < 26 { letter.to_string() } else { format!("{letter}{}", value.0 / 26) }
}

fn image(world: &World, image: &Image) -> String {
    let mut text = String::new();
    for (block, held) in image.iter().enumerate().take(world.bounds.blocks as usize) {
        let _ = write!(text, "{}{block}={}", if block > 0 { " " } else { "" }, value(*held));
    }
    text
}

fn list<T>(items: impl Iterator<Item = T>, text: impl Fn(&T) -> String) -> String {
    let items: Vec<String> = items.map(|item| text(&item)).collect();
    if items.is_empty() { "-".into() } else { items.join(" ") }
}

fn queue(queue: &Queue) -> String {
    list(queue.entries(), |held| entry(held))
}

fn set(blocks: &BlockSet) -> String {
    list(blocks.iter(), |block| block.0.to_string())
}

/// Every field of the state that a reader follows, by name, in a fixed order. Ghosts are not among them.
#[must_use]
pub fn fields(world: &World, state: &State) -> Vec<(&'static str, String)> {
    let State { primary, secondary, .. } = state;
    let marker = QMarker { incarnation: primary.incarnation, seq: primary.newest };
    let mut fields = vec![
        ("P-VOL", image(world, &state.pvol)),
        ("S/P-VOL", image(world, &state.spvol)),
        ("S-VOL", image(world, &state.svol)),
        ("disk", if state.disk == state.spvol { "-".into() } else { image(world, &state.disk) }),
        ("link", if state.link_up { "up".into() } else { "down".into() }),
        ("primary", primary.state.to_string()),
        ("newest", marker.to_string()),
        ("known written", primary.written.0.to_string()),
        ("asked for", primary.pending.map_or("-".into(), |asked| asked.0.to_string())),
        ("writes held", primary.quiesced.map_or("-".into(), |id| format!("for {}", id.0))),
        ("journal", queue(&primary.journal)),
        ("dirty", set(&primary.dirty)),
        ("frames", list(state.to_secondary.iter(), frame)),
        ("secondary", secondary.state.to_string()),
        ("consistent", if secondary.consistent { "yes".into() } else { "no".into() }),
        ("written", secondary.written.0.to_string()),
        ("incarnation", secondary.incarnation.0.to_string()),
        ("arrived", queue(&secondary.queue)),
        ("dirty at secondary", set(&secondary.dirty)),
        ("replies", list(state.to_primary.iter(), reply)),
        ("replica pair", replica(&secondary.replica.state)),
        ("armed", secondary.armed.map_or("-".into(), |id| id.0.to_string())),
        ("open transactions", state.database.open.to_string()),
        ("host waits", if state.unanswered == Unanswered::Nothing { "no" } else { "yes" }.into()),
        ("database", freeze(&state.database.freeze)),
        ("coordinator", coordinator(&state.coordinator.state)),
        ("Sync holds", state.sync.map_or("-".into(), |sync| sync.held.to_string())),
        ("requester", requester(&state.requester.state)),
        ("host messages", list(state.host.iter(), host)),
    ];
    if !world.rules.has(Rule::Xfer1) {
        fields.push(("sent", primary.sent.0.to_string()));
    }
    fields
}

/// What an action changed, as `field: before -> after`, in the order of [`fields`].
#[must_use]
pub fn changes(world: &World, before: &State, after: &State) -> Vec<String> {
    let before = fields(world, before);
    let after = fields(world, after);
    before
        .into_iter()
        .zip(after)
        .filter(|(old, new)| old.1 != new.1)
        .map(|((name, old), (_, new))| format!("{name}: {old} -> {new}"))
        .collect()
}

fn replica(state: &ReplicaState) -> String {
    match state {
        ReplicaState::Pair => "PAIR".into(),
        ReplicaState::Split(Purpose::Backup(id)) => format!("split for {}", id.0),
        ReplicaState::Split(Purpose::Gold) => "split as gold copy".into(),
    }
}

fn freeze(state: &FreezeState) -> String {
    match state {
        FreezeState::Running => "running".into(),
        FreezeState::Freezing(id) => format!("freezing for {}", id.0),
        FreezeState::Frozen(id) => format!("frozen for {}", id.0),
    }
}

fn coordinator(state: &CoordinatorState) -> String {
    match state {
        CoordinatorState::Idle => "idle".into(),
        CoordinatorState::Freezing(id) => format!("awaits freeze {}", id.0),
        CoordinatorState::Syncing(id) => format!("in Sync {}", id.0),
        CoordinatorState::Splitting(id) => format!("awaits split {}", id.0),
        CoordinatorState::Thawing(id) => format!("thaws {}", id.0),
    }
}

fn requester(state: &RequesterState) -> String {
    match state {
        RequesterState::Idle => "idle".into(),
        RequesterState::Waiting(id) => format!("waits for {}", id.0),
        RequesterState::Reading(id) => format!("reads {}", id.0),
    }
}
