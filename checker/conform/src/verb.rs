//! The words of a script: one step of the checked world each, without contents. A script is text, one verb after the
//! other. When a verb is possible, and what an adapter is asked for it, is not decided here.

use std::fmt;
use std::str::FromStr;

use syncsplit_model::protocol::{HostMessage, ToPrimary, ToSecondary};
use syncsplit_model::world::{Action, ActionKind, Value};

/// A message without its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Message {
    /// What it is, in the words of the adapter protocol.
    pub kind: &'static str,
    /// The incarnation, or the backup id, that it names.
    pub of: u32,
    /// The number it carries, if it carries one.
    pub seq: Option<u64>,
}

/// Kinds of messages with a number.
const NUMBERED: &[&str] = &["frame", "ack", "ready"];
/// Kinds of messages without one.
const BARE: &[&str] = &[
    "copy",
    "resync",
    "suspend",
    "delete",
    "suspended",
    "request",
    "split",
    "split-done",
    "split-refused",
    "permit",
    "reject",
];

impl Message {
    const fn new(kind: &'static str, of: u32, seq: Option<u64>) -> Self {
        Self { kind, of, seq }
    }

    /// What travels to the secondary.
    #[must_use]
    pub const fn to_secondary(message: &ToSecondary<Value>) -> Self {
        match message {
            ToSecondary::Frame(frame) => {
                Self::new("frame", frame.incarnation.0, Some(frame.entry.seq.0))
            }
            ToSecondary::Unsequenced { incarnation, .. } => Self::new("copy", incarnation.0, None),
            ToSecondary::Resync { incarnation } => Self::new("resync", incarnation.0, None),
            ToSecondary::Suspend { incarnation } => Self::new("suspend", incarnation.0, None),
            ToSecondary::Delete { incarnation } => Self::new("delete", incarnation.0, None),
        }
    }

    /// What travels to the primary.
    #[must_use]
    pub const fn to_primary<D>(message: &ToPrimary<D>) -> Self {
        match message {
            ToPrimary::Ack(ack) => Self::new("ack", ack.incarnation.0, Some(ack.written.0)),
            ToPrimary::Ready { incarnation, written, .. } => {
                Self::new("ready", incarnation.0, Some(written.0))
            }
            ToPrimary::Suspended { incarnation } => Self::new("suspended", incarnation.0, None),
        }
    }

    /// What travels between the hosts.
    #[must_use]
    pub const fn host(message: &HostMessage) -> Self {
        let kind = match message {
            HostMessage::Request(_) => "request",
            HostMessage::Split(_) => "split",
            HostMessage::SplitAnswer { done: true, .. } => "split-done",
            HostMessage::SplitAnswer { done: false, .. } => "split-refused",
            HostMessage::Permit(_) => "permit",
            HostMessage::Reject(_) => "reject",
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

/// The kind of a verb that is no step: it lets time pass and looks at the status.
pub const WAIT: &str = "Wait";

/// Kinds of steps that an implementation takes by itself, unless it is steered.
pub const OWN_STEPS: &[&str] = &[
    "Send",
    "Deliver",
    "Lose",
    "Apply",
    "Report",
    "DeliverReply",
    "LoseReply",
    "CopyReplica",
    "CopyBlock",
    "PairMark",
    "Fail",
    "SecondaryFail",
];

/// One step of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Verb {
    /// The kind of action, as [`ActionKind`] has it, or [`WAIT`].
    pub kind: &'static str,
    /// The block or the number it is about.
    pub number: Option<u64>,
    /// The message it is about.
    pub message: Option<Message>,
    /// Whether the message stays in flight; whether a takeover is forced.
    pub extra: bool,
}

impl Verb {
    /// The verb for an action.
    #[must_use]
    pub fn of(action: &Action) -> Self {
        let kind = action.kind().name();
        let (number, message, extra) = match action {
            Action::WriteOne(block)
            | Action::CopyReplica(block)
            | Action::Destage(block)
            | Action::CopyBlock(block)
            | Action::RemoteWrite(block) => (Some(u64::from(block.0)), None, false),
            Action::Send(seq) => (Some(seq.0), None, false),
            Action::Deliver { message, again } => {
                (None, Some(Message::to_secondary(message)), *again)
            }
            Action::Lose(message) => (None, Some(Message::to_secondary(message)), false),
            Action::DeliverReply { message, again } => {
                (None, Some(Message::to_primary(message)), *again)
            }
            Action::LoseReply(message) => (None, Some(Message::to_primary(message)), false),
            Action::DeliverHost { message, again } => (None, Some(Message::host(message)), *again),
            Action::LoseHost(message) => (None, Some(Message::host(message)), false),
            Action::Takeover { force } => (None, None, *force),
            _ => (None, None, false),
        };
        Self { kind, number, message, extra }
    }

    /// A verb without arguments.
    #[must_use]
    pub const fn bare(kind: &'static str) -> Self {
        Self { kind, number: None, message: None, extra: false }
    }

    /// Whether `offered`, a step that the model offers, is what this asks for. The model offers a takeover by force only where
    /// force is needed; whoever asks for force gets the takeover that there is.
    #[must_use]
    pub fn asks_for(&self, offered: &Self) -> bool {
        let is_forced = self.kind == "Takeover" && self.extra;
        self == offered || is_forced && offered.kind == self.kind
    }

    fn extra_word(&self) -> &'static str {
        if self.kind == "Takeover" { "force" } else { "again" }
    }
}

/// `WriteOne` as a script has it: `write-one`.
#[must_use]
pub fn kebab(kind: &str) -> String {
    let mut text = String::new();
    for letter in kind.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&kebab(self.kind))?;
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
        let kinds = ActionKind::ALL.iter().map(|kind| kind.name());
        let kind = kinds.chain([WAIT]).find(|kind| kebab(kind) == name);
        let mut verb = Self::bare(kind.ok_or_else(bad)?);
        let mut words = words.peekable();
        let takes_number =
            ["WriteOne", "CopyReplica", "Destage", "CopyBlock", "RemoteWrite", "Send"];
        let takes_message =
            ["Deliver", "Lose", "DeliverReply", "LoseReply", "DeliverHost", "LoseHost"];
        if takes_number.contains(&verb.kind) {
            verb.number = Some(words.next().and_then(|word| word.parse().ok()).ok_or_else(bad)?);
        }
        if takes_message.contains(&verb.kind) {
            let kind = words.next().ok_or_else(bad)?;
            let known = NUMBERED.iter().chain(BARE).find(|known| **known == kind);
            let kind = known.copied().ok_or_else(bad)?;
            let of = words.next().and_then(|word| word.parse().ok()).ok_or_else(bad)?;
            let seq = if NUMBERED.contains(&kind) {
                Some(words.next().and_then(|word| word.parse().ok()).ok_or_else(bad)?)
            } else {
                None
            };
            verb.message = Some(Message { kind, of, seq });
        }
        if words.peek() == Some(&verb.extra_word()) {
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
