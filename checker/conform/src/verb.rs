//! The words of a script: one step of the checked world each, without contents. A script is text, one verb after the
//! other. When a verb is possible, and what an adapter is asked for it, is not decided here.

use std::fmt;
use std::str::FromStr;

use enumset::{EnumSet, EnumSetType, enum_set, enum_set_difference};
use strum::{Display, EnumString};
use syncsplit_model::protocol::{HostMessage, ToPrimary, ToSecondary};
use syncsplit_model::world::{Action, ActionKind, ActionKinds, Value};

/// What a message is, in the words of the adapter protocol.
#[derive(Debug, Hash, Display, EnumSetType, EnumString)]
#[strum(serialize_all = "kebab-case")]
pub enum MessageKind {
    /// A frame of the journal.
    Frame,
    /// What has been written.
    Ack,
    /// The answer to a resync.
    Ready,
    /// A copy of a block without a number.
    Copy,
    /// A resync is asked for.
    Resync,
    /// The pair is suspended.
    Suspend,
    /// The pair is deleted.
    Delete,
    /// The secondary has suspended.
    Suspended,
    /// A backup is asked for.
    Request,
    /// A split is asked for.
    Split,
    /// The split is done.
    SplitDone,
    /// The split is refused.
    SplitRefused,
    /// The backup may be read.
    Permit,
    /// There is no backup.
    Reject,
}

impl MessageKind {
    /// Kinds of messages with a number.
    const NUMBERED: EnumSet<Self> = enum_set!(Self::Frame | Self::Ack | Self::Ready);
}

/// A message without its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Message {
    /// What it is.
    pub kind: MessageKind,
    /// The incarnation, or the backup id, that it names.
    pub of: u32,
    /// The number it carries, if it carries one.
    pub seq: Option<u64>,
}

impl Message {
    const fn new(kind: MessageKind, of: u32, seq: Option<u64>) -> Self {
        Self { kind, of, seq }
    }

    /// What travels to the secondary.
    #[must_use]
    pub const fn to_secondary(message: &ToSecondary<Value>) -> Self {
        let (kind, of) = match message {
            ToSecondary::Frame(frame) => {
                let (of, seq) = (frame.incarnation.0, frame.entry.seq.0);
                return Self::new(MessageKind::Frame, of, Some(seq));
            }
            ToSecondary::Unsequenced { incarnation, .. } => (MessageKind::Copy, incarnation.0),
            ToSecondary::Resync { incarnation } => (MessageKind::Resync, incarnation.0),
            ToSecondary::Suspend { incarnation } => (MessageKind::Suspend, incarnation.0),
            ToSecondary::Delete { incarnation } => (MessageKind::Delete, incarnation.0),
        };
        Self::new(kind, of, None)
    }

    /// What travels to the primary.
    #[must_use]
    pub const fn to_primary<D>(message: &ToPrimary<D>) -> Self {
        let (kind, of, seq) = match message {
            ToPrimary::Ack(ack) => (MessageKind::Ack, ack.incarnation.0, Some(ack.written.0)),
            ToPrimary::Ready { incarnation, written, .. } => {
                (MessageKind::Ready, incarnation.0, Some(written.0))
            }
            ToPrimary::Suspended { incarnation } => (MessageKind::Suspended, incarnation.0, None),
        };
        Self::new(kind, of, seq)
    }

    /// What travels between the hosts.
    #[must_use]
    pub const fn host(message: &HostMessage) -> Self {
        let kind = match message {
            HostMessage::Request(_) => MessageKind::Request,
            HostMessage::Split(_) => MessageKind::Split,
            HostMessage::SplitAnswer { done: true, .. } => MessageKind::SplitDone,
            HostMessage::SplitAnswer { done: false, .. } => MessageKind::SplitRefused,
            HostMessage::Permit(_) => MessageKind::Permit,
            HostMessage::Reject(_) => MessageKind::Reject,
        };
        Self::new(kind, message.id().0, None)
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.of)?;
        self.seq.map_or(Ok(()), |seq| write!(f, " {seq}"))
    }
}

/// The word for a verb that is no step of the world.
const WAIT: &str = "wait";

/// One step of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Verb {
    /// The kind of action. None is no step: time passes, and the status is looked at.
    pub kind: Option<ActionKind>,
    /// The block or the number it is about.
    pub number: Option<u64>,
    /// The message it is about.
    pub message: Option<Message>,
    /// Whether the message stays in flight; whether a takeover is forced.
    pub extra: bool,
}

impl Verb {
    /// Lets time pass and looks at the status.
    pub const WAIT: Self = Self { kind: None, number: None, message: None, extra: false };

    /// The verb for an action.
    #[must_use]
    pub fn of(action: &Action) -> Self {
        let bare = Self::bare(action.kind());
        let about = |number| Self { number: Some(number), ..bare };
        let with = |message, extra| Self { message: Some(message), extra, ..bare };
        match action {
            Action::WriteOne(block)
            | Action::WriteFirstTo(block)
            | Action::WriteSecondTo(block)
            | Action::CopyReplica(block)
            | Action::Destage(block)
            | Action::CopyBlock(block)
            | Action::RemoteWrite(block) => about(u64::from(block.0)),
            Action::Send(seq) => about(seq.0),
            Action::Deliver { message, again } => with(Message::to_secondary(message), *again),
            Action::Lose(message) => with(Message::to_secondary(message), false),
            Action::DeliverReply { message, again } => with(Message::to_primary(message), *again),
            Action::LoseReply(message) => with(Message::to_primary(message), false),
            Action::DeliverHost { message, again } => with(Message::host(message), *again),
            Action::LoseHost(message) => with(Message::host(message), false),
            Action::Takeover { force } => Self { extra: *force, ..bare },
            Action::WriteFirst
            | Action::WriteSecond
            | Action::AnswerHost
            | Action::Apply
            | Action::Report
            | Action::LinkDown
            | Action::LinkUp
            | Action::Fail
            | Action::SecondaryFail
            | Action::Create
            | Action::Suspend
            | Action::Resync
            | Action::Delete
            | Action::PairMark
            | Action::StartBackup
            | Action::SyncBegin
            | Action::SyncLook
            | Action::SyncTimeout
            | Action::SuspendForBackup
            | Action::Thaw
            | Action::CoordinatorTimeout
            | Action::RequesterTimeout
            | Action::FinishBackup
            | Action::LeaseExpires
            | Action::CrashPrimary
            | Action::CrashSecondary
            | Action::CrashLocalHost
            | Action::CrashCoordinator
            | Action::CrashRemoteHost
            | Action::Failback => bare,
        }
    }

    /// A verb without arguments.
    #[must_use]
    pub const fn bare(kind: ActionKind) -> Self {
        Self { kind: Some(kind), ..Self::WAIT }
    }

    /// Whether the verb is of this kind.
    #[must_use]
    pub fn is(&self, kind: ActionKind) -> bool {
        self.kind == Some(kind)
    }

    /// Whether the verb is of one of these kinds.
    #[must_use]
    pub fn is_in(&self, kinds: ActionKinds) -> bool {
        self.kind.is_some_and(|kind| kinds.contains(kind))
    }

    /// What the message is that the verb is about.
    #[must_use]
    pub fn message_kind(&self) -> Option<MessageKind> {
        self.message.map(|message| message.kind)
    }

    /// The block that it is about, where it is about one. No volume has so many blocks that a number above is one.
    #[must_use]
    pub fn block(&self) -> u32 {
        self.number.unwrap_or_default().try_into().unwrap_or(u32::MAX)
    }

    /// Why no script of this many blocks has the verb.
    ///
    /// # Errors
    /// The block is none of the volume's, or no world of a script offers such a step.
    pub fn check(&self, blocks: u32) -> Result<(), String> {
        if self.is_in(Self::WITH_BLOCK) && self.block() >= blocks {
            let last = blocks.saturating_sub(1);
            return Err(format!("`{self}`: there are the blocks 0 to {last}"));
        }
        if self.is_in(Self::NOT_OF_SCRIPTS) {
            return Err(format!("`{self}`: no script has it; its verbs are {}", Self::usages()));
        }
        Ok(())
    }

    /// Kinds with a block.
    const WITH_BLOCK: ActionKinds = enum_set_difference!(ActionKind::WITH_NUMBER, ActionKind::Send);

    /// Kinds that the worlds of scripts do not offer: transactions of any two blocks, what answers later or is written back
    /// later, a replica that copies block by block, and the suspension of the patent's figures.
    const NOT_OF_SCRIPTS: ActionKinds = enum_set!(
        ActionKind::WriteFirstTo
            | ActionKind::WriteSecondTo
            | ActionKind::AnswerHost
            | ActionKind::CopyReplica
            | ActionKind::Destage
            | ActionKind::SuspendForBackup
    );

    /// How each verb of a script is written, in the order of the world's actions.
    #[must_use]
    pub fn usages() -> String {
        let kinds = ActionKind::ALL.iter().filter(|kind| !Self::NOT_OF_SCRIPTS.contains(**kind));
        let usages = kinds.map(|kind| Self::bare(*kind).usage()).chain([WAIT.into()]);
        usages.collect::<Vec<_>>().join(", ")
    }

    /// How the verb is written: its word, and what stands for its arguments.
    fn usage(&self) -> String {
        let mut usage = self.word();
        if self.is_in(Self::WITH_BLOCK) {
            usage.push_str(" BLOCK");
        } else if self.is_in(ActionKind::WITH_NUMBER) {
            usage.push_str(" SEQ");
        }
        if self.is_in(ActionKind::WITH_MESSAGE) {
            usage.push_str(" MESSAGE");
        }
        if self.is_in(Self::WITH_EXTRA) {
            usage.push_str(&format!(" [{}]", self.extra_word()));
        }
        usage
    }

    /// Kinds that may have a word more: the message stays in flight, or a takeover is forced.
    const WITH_EXTRA: ActionKinds = enum_set!(
        ActionKind::Deliver
            | ActionKind::DeliverReply
            | ActionKind::DeliverHost
            | ActionKind::Takeover
    );

    /// The word that a script begins the verb with.
    #[must_use]
    pub fn word(&self) -> String {
        self.kind.map_or_else(|| WAIT.into(), |kind| kebab(kind.name()))
    }

    /// The operation that an adapter is asked for it under another word, or else the verb's own word.
    #[must_use]
    pub fn operation(&self) -> String {
        if self.is_in(ActionKind::Fail | ActionKind::SecondaryFail) {
            "fail".into()
        } else {
            self.word()
        }
    }

    /// Whether `offered`, a step that the model offers, is what this asks for. The model offers a takeover by force only where
    /// force is needed; whoever asks for force gets the takeover that there is.
    #[must_use]
    pub fn asks_for(&self, offered: &Self) -> bool {
        let is_forced = self.is(ActionKind::Takeover) && self.extra;
        self == offered || is_forced && offered.kind == self.kind
    }

    fn extra_word(&self) -> &'static str {
        if self.is(ActionKind::Takeover) { "force" } else { "again" }
    }
}

/// `WriteOne` as a script has it: `write-one`.
#[must_use]
pub fn kebab(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word())?;
        if let Some(number) = self.number {
            write!(f, " {number}")?;
        }
        if let Some(message) = self.message {
            write!(f, " {message}")?;
        }
        if self.extra { write!(f, " {}", self.extra_word()) } else { Ok(()) }
    }
}

impl FromStr for Verb {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || {
            format!("{text:?} is no verb; one is for example `write-one 0` or `deliver frame 1 2`")
        };
        let mut words = text.split_whitespace();
        let name = words.next().ok_or_else(bad)?;
        let bare = ActionKind::ALL.iter().map(|kind| Self::bare(*kind));
        let mut verbs = bare.chain([Self::WAIT]);
        let mut verb = verbs.find(|verb| verb.word() == name).ok_or_else(bad)?;
        let mut words = words.peekable();
        if verb.is_in(ActionKind::WITH_NUMBER) {
            verb.number = Some(words.next().and_then(|word| word.parse().ok()).ok_or_else(bad)?);
        }
        if verb.is_in(ActionKind::WITH_MESSAGE) {
            let kind: Option<MessageKind> = words.next().and_then(|word| word.parse().ok());
            let kind = kind.ok_or_else(bad)?;
            let of = words.next().and_then(|word| word.parse().ok()).ok_or_else(bad)?;
            let seq = if MessageKind::NUMBERED.contains(kind) {
                Some(words.next().and_then(|word| word.parse().ok()).ok_or_else(bad)?)
            } else {
                None
            };
            verb.message = Some(Message { kind, of, seq });
        }
        if verb.is_in(Self::WITH_EXTRA) && words.peek() == Some(&verb.extra_word()) {
            words.next();
            verb.extra = true;
        }
        if words.next().is_none() { Ok(verb) } else { Err(bad()) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing test panics")]
    use super::Verb;
    use stateright::Model;
    use std::collections::BTreeSet;
    use syncsplit_model::world::{Instance, Variant, World};

    #[test]
    fn every_verb_is_read_as_it_is_written() {
        let bounds = Instance::named("ci").unwrap().bounds;
        let world = World::new(bounds, Variant::Hardened, &[]);
        let mut states = world.init_states();
        let mut seen = BTreeSet::new();
        for _ in 0..9 {
            let mut next = Vec::new();
            for state in &states {
                for (action, after) in world.raw_successors(state) {
                    let verb = Verb::of(&action);
                    assert_eq!(verb.to_string().parse::<Verb>(), Ok(verb));
                    if seen.insert(verb.to_string()) || next.len() < 400 {
                        next.push(after);
                    }
                }
            }
            states = next;
        }
        assert!(seen.len() > 60, "{seen:?}");
    }

    #[test]
    fn what_is_no_verb_is_refused() {
        for text in ["", "write-one", "write-one x", "deliver frame 1", "apply now", "WriteOne 0"] {
            assert!(text.parse::<Verb>().is_err(), "{text:?}");
        }
    }
}
