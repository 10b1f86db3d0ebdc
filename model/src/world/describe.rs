//! How a person reads the world: an action as a sentence with who did it, a state as a list of named fields.

use std::fmt::Write as _;

use crate::protocol::bounded::BlockSet;
use crate::protocol::coordinator::CoordinatorState;
use crate::protocol::database::FreezeState;
use crate::protocol::replica::{Purpose, ReplicaState};
use crate::protocol::requester::RequesterState;
use crate::protocol::{Entry, HostMessage, Incarnation, Item, QMarker, Seq, ToSecondary};
use crate::world::World;
use crate::world::action::Action;
use crate::world::state::{Image, Queue, State, Value};

/// Who takes the action.
#[must_use]
pub const fn who(action: &Action) -> &'static str {
    match action {
        Action::WriteOne(_) | Action::WriteFirst | Action::WriteSecond | Action::LeaseExpires => {
            "database"
        }
        Action::Send(_) | Action::Fail | Action::CopyBlock(_) | Action::PairMark => "primary",
        Action::Apply | Action::Report | Action::CopyReplica(_) | Action::SecondaryFail => {
            "secondary"
        }
        Action::Deliver { .. }
        | Action::Lose(_)
        | Action::DeliverAck { .. }
        | Action::LoseAck(_)
        | Action::LinkDown
        | Action::LinkUp => "array link",
        Action::Suspend | Action::Resync => "operator",
        Action::StartBackup | Action::RequesterTimeout | Action::FinishBackup => "requester",
        Action::DeliverHost { .. } | Action::LoseHost(_) => "host link",
        Action::SyncBegin | Action::SyncLook | Action::SyncTimeout => "Sync",
        Action::Thaw | Action::CoordinatorTimeout => "coordinator",
    }
}

/// The action with its arguments.
#[must_use]
pub fn action_text(action: &Action) -> String {
    let repeat = |again: bool| if again { ", and will again" } else { "" };
    match action {
        Action::WriteOne(block) => format!("transaction: write block {}, commit", block.0),
        Action::WriteFirst => "transaction: write block 0".into(),
        Action::WriteSecond => "transaction: write block 1, commit".into(),
        Action::Send(seq) => format!("send entry {}", seq.0),
        Action::Deliver { message, again } => {
            format!("deliver {}{}", frame(message), repeat(*again))
        }
        Action::Lose(message) => format!("lose {}", frame(message)),
        Action::Apply => "apply the next entry".into(),
        Action::Report => "report written".into(),
        Action::DeliverAck { ack, again } => {
            format!("deliver {}{}", ack_text(ack.incarnation, ack.written), repeat(*again))
        }
        Action::LoseAck(ack) => format!("lose {}", ack_text(ack.incarnation, ack.written)),
        Action::CopyReplica(block) => format!("copy block {} on to the S-VOL", block.0),
        Action::LinkDown => "goes down".into(),
        Action::LinkUp => "comes up".into(),
        Action::Fail | Action::SecondaryFail => "take the link for failed: PSUE".into(),
        Action::Suspend => "suspend the pair: PSUS".into(),
        Action::Resync => "resync the pair: COPY under a new incarnation".into(),
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
        Action::LeaseExpires => "the freeze's lease ends".into(),
    }
}

fn ack_text(incarnation: Incarnation, written: Seq) -> String {
    format!("ack {} (inc {})", written.0, incarnation.0)
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
fn value(value: Value) -> String {
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
    vec![
        ("P-VOL", image(world, &state.pvol)),
        ("S/P-VOL", image(world, &state.spvol)),
        ("S-VOL", image(world, &state.svol)),
        ("link", if state.link_up { "up".into() } else { "down".into() }),
        ("primary", primary.state.to_string()),
        ("newest", marker.to_string()),
        ("known written", primary.written.0.to_string()),
        ("journal", queue(&primary.journal)),
        ("dirty", set(&primary.dirty)),
        ("frames", list(state.frames.iter(), frame)),
        ("secondary", secondary.state.to_string()),
        ("consistent", if secondary.consistent { "yes".into() } else { "no".into() }),
        ("written", secondary.written.0.to_string()),
        ("arrived", queue(&secondary.queue)),
        ("dirty at secondary", set(&secondary.dirty)),
        ("acks", list(state.acks.iter(), |ack| ack_text(ack.incarnation, ack.written))),
        ("replica pair", replica(&secondary.replica.state)),
        ("armed", secondary.armed.map_or("-".into(), |id| id.0.to_string())),
        ("open transactions", state.database.open.to_string()),
        ("database", freeze(&state.database.freeze)),
        ("coordinator", coordinator(&state.coordinator.state)),
        ("Sync holds", state.sync.map_or("-".into(), |sync| sync.held.to_string())),
        ("requester", requester(&state.requester.state)),
        ("host messages", list(state.host.iter(), host)),
    ]
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
