//! Why the model does not take a step: in words, with the rules of SPEC.md that decide. What is wrong is found in
//! [`super::system`].

use std::fmt;

use serde::Serialize;
use serde_json::Value;
use syncsplit_model::protocol::coordinator::CoordinatorEvent;
use syncsplit_model::protocol::database::DatabaseEvent;
use syncsplit_model::protocol::primary::{PrimaryEvent, PrimaryRefusal};
use syncsplit_model::protocol::requester::RequesterEvent;
use syncsplit_model::protocol::secondary::{SecondaryEvent, SecondaryRefusal};
use syncsplit_model::protocol::{PairState, Rule, ToPrimary, ToSecondary};
use syncsplit_model::record::SyncTaken;

use super::calls::{Untaken, Words};
use super::pattern::{PartlyShown, as_json, differing, shown_json};

/// Why the model does not take a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// Whether records of another node may still make it possible.
    pub(super) waits: bool,
    /// Whether the state of its own role alone decides it.
    pub(super) is_own: bool,
    /// What is wrong, if somebody wants to know.
    pub(super) reason: Option<Box<Reason>>,
}

/// What is wrong with a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// In words.
    pub text: String,
    /// The rules that decide it.
    pub rules: Vec<Rule>,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        // A refusal's own words may cite the rule.
        let mut rest = self.rules.iter().filter(|rule| !self.text.contains(rule.id())).peekable();
        if rest.peek().is_some() {
            let ids: Vec<_> = rest.map(|rule| rule.id()).collect();
            write!(f, " ({})", ids.join(", "))?;
        }
        Ok(())
    }
}

/// Builds reasons, or leaves them out where a search tries many steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Explain {
    /// Nobody reads them.
    No,
    /// They are shown.
    Yes,
}

impl Explain {
    pub(super) fn why(self, rules: &[Rule], text: impl FnOnce() -> String) -> Why {
        let reason = match self {
            Self::No => None,
            Self::Yes => Some(Box::new(Reason { text: text(), rules: rules.to_vec() })),
        };
        Why { waits: false, is_own: false, reason }
    }

    /// What happened was not sent, or caused, by any record before, or not yet; it may be by one of another node.
    pub(super) fn uncaused<T: Serialize>(self, rules: &[Rule], what: &T, untaken: Untaken) -> Why {
        let text = || {
            let what = as_json(what);
            match untaken {
                Untaken::Untold => format!("{what} was not sent, or caused, by any record before"),
                Untaken::Behind(notice) => format!(
                    "{what} is taken out of order: {} came before it and has not been taken yet",
                    Words(notice)
                ),
                Untaken::Again(None) => {
                    format!("{what} was taken before, and no other call waits to be taken")
                }
                Untaken::Again(Some(notice)) => format!(
                    "{what} was taken before; {} is what has not been taken yet",
                    Words(notice)
                ),
            }
        };
        Why { waits: true, ..self.why(rules, text) }
    }

    /// The model's value is not what the record shows.
    pub(super) fn differs<T: Serialize>(
        self,
        rules: &[Rule],
        what: &str,
        model: &T,
        shown: &PartlyShown<T>,
    ) -> Why {
        self.why(rules, || {
            let (shown, model) = differing(shown_json(shown), as_json(model));
            format!("{what}: the model says {model}, the record says {shown}")
        })
    }

    /// The model refuses what the record says was done, or does what the record says was refused.
    pub(super) fn refusal<R: Serialize + fmt::Display>(
        self,
        (governing, deciding): (&[Rule], &[Rule]),
        model: Option<&R>,
        shown: &Value,
    ) -> Why {
        let rules = if model.is_some() { deciding } else { governing };
        self.why(rules, || match model {
            Some(refusal) if shown.is_null() => format!("the model refuses it: {refusal}"),
            Some(refusal) => {
                let model = as_json(refusal);
                format!("the model refuses it by {model}, {refusal}; the record says {shown}")
            }
            None => format!("the model does it, the record says that it was refused: {shown}"),
        })
    }
}

impl Why {
    /// The reason, where one was asked for.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        self.reason.as_deref()
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.as_ref().map_or(Ok(()), |reason| reason.fmt(f))
    }
}

/// The rules that say what an event of the primary does.
pub(super) const fn of_primary<P, D>(
    event: &PrimaryEvent<P, D>,
    state: PairState,
) -> &'static [Rule] {
    match event {
        PrimaryEvent::HostWrite { .. } => match state {
            PairState::Copy => &[Rule::Write2, Rule::Write4],
            PairState::Psus | PairState::Psue => &[Rule::Write3],
            PairState::Smpl | PairState::Pair | PairState::Ssus | PairState::Ssws => {
                &[Rule::Write1, Rule::Write4]
            }
        },
        PrimaryEvent::Send { .. } => &[Rule::Xfer1],
        PrimaryEvent::Arrived(ToPrimary::Ack(_)) => &[Rule::Xfer2],
        PrimaryEvent::CopyBlock { .. } => &[Rule::Resync2],
        PrimaryEvent::PairMark => &[Rule::Resync3],
        PrimaryEvent::Create => &[Rule::Pair1],
        PrimaryEvent::Suspend => &[Rule::Pair2],
        PrimaryEvent::Fail | PrimaryEvent::Arrived(ToPrimary::Suspended { .. }) => &[Rule::Pair3],
        PrimaryEvent::Resync | PrimaryEvent::Arrived(ToPrimary::Ready { .. }) => &[Rule::Resync1],
        PrimaryEvent::Delete => &[Rule::Pair4],
        PrimaryEvent::Quiesce(_) | PrimaryEvent::Restart => &[Rule::Quiesce1],
        PrimaryEvent::Unquiesce(_) => &[Rule::Freeze3],
        PrimaryEvent::LeaseExpired => &[Rule::Freeze2],
    }
}

/// The rule whose guard made the primary refuse.
pub(super) const fn of_primary_refusal<P, D>(
    event: &PrimaryEvent<P, D>,
    refusal: &PrimaryRefusal,
    state: PairState,
) -> &'static [Rule] {
    match refusal {
        PrimaryRefusal::Quiesced(_) => &[Rule::Quiesce1],
        PrimaryRefusal::NotQuiesced => &[Rule::Freeze2],
        PrimaryRefusal::JournalFull if matches!(event, PrimaryEvent::HostWrite { .. }) => {
            &[Rule::Write4]
        }
        PrimaryRefusal::KeptForCopy | PrimaryRefusal::NotDirty(_) => &[Rule::Resync2],
        PrimaryRefusal::NoSuchEntry(_) | PrimaryRefusal::SentBefore(_) => &[Rule::Xfer1],
        PrimaryRefusal::StaleIncarnation(_)
            if matches!(event, PrimaryEvent::Arrived(ToPrimary::Ack(_))) =>
        {
            &[Rule::Xfer4]
        }
        PrimaryRefusal::AckBeyondNewest(_) => &[Rule::Xfer2],
        PrimaryRefusal::StillDirty | PrimaryRefusal::MarkedBefore => &[Rule::Resync3],
        PrimaryRefusal::SeqsEnded => &[Rule::Number1],
        PrimaryRefusal::IncarnationsEnded => &[Rule::Number2],
        PrimaryRefusal::NoSuchBlock(_)
        | PrimaryRefusal::JournalFull
        | PrimaryRefusal::WrongState(_)
        | PrimaryRefusal::StaleIncarnation(_) => of_primary(event, state),
    }
}

/// The rules that say what an event of the secondary does.
pub(super) const fn of_secondary<P>(event: &SecondaryEvent<P>) -> &'static [Rule] {
    match event {
        SecondaryEvent::Arrived(message) => match message {
            ToSecondary::Frame(_) => &[Rule::Xfer3],
            ToSecondary::Unsequenced { .. } => &[Rule::Resync2],
            ToSecondary::Resync { .. } => &[Rule::Resync1, Rule::Resync4],
            ToSecondary::Suspend { .. } => &[Rule::Pair2],
            ToSecondary::Delete { .. } => &[Rule::Pair4],
        },
        SecondaryEvent::Apply => &[Rule::Xfer3],
        SecondaryEvent::Report => &[Rule::Xfer2, Rule::Pair3],
        SecondaryEvent::Fail => &[Rule::Pair3],
        SecondaryEvent::Restart => &[Rule::Xfer1],
        SecondaryEvent::Arm(_) => &[Rule::Split2],
        SecondaryEvent::Release(_) => &[Rule::Backup1],
        SecondaryEvent::Split(_) => &[Rule::Split1, Rule::Split2],
        SecondaryEvent::CopyReplica(_) => &[Rule::Split1],
        SecondaryEvent::Takeover { .. } => &[Rule::Takeover1],
        SecondaryEvent::RemoteWrite { .. } => &[Rule::Takeover1, Rule::Takeover2],
    }
}

/// The rule whose guard made the secondary refuse.
pub(super) const fn of_secondary_refusal<P>(
    event: &SecondaryEvent<P>,
    refusal: &SecondaryRefusal,
) -> &'static [Rule] {
    match refusal {
        SecondaryRefusal::StaleIncarnation(_) if matches!(event, SecondaryEvent::Arrived(message) if message.is_of_one_pairing()) => {
            &[Rule::Xfer4]
        }
        SecondaryRefusal::Duplicate(_)
        | SecondaryRefusal::QueueFull(_)
        | SecondaryRefusal::NothingToApply(_) => &[Rule::Xfer3],
        SecondaryRefusal::ApplyFirst(_) => &[Rule::Takeover1],
        SecondaryRefusal::NotArmed(_) => &[Rule::Split2],
        SecondaryRefusal::NotConsistent if matches!(event, SecondaryEvent::Split(_)) => {
            &[Rule::Resync4]
        }
        SecondaryRefusal::WrongState(_) if matches!(event, SecondaryEvent::Split(_)) => {
            &[Rule::Takeover1]
        }
        SecondaryRefusal::Replica(_) => &[Rule::Split1],
        SecondaryRefusal::NotConsistent
        | SecondaryRefusal::NoSuchBlock(_)
        | SecondaryRefusal::StaleIncarnation(_)
        | SecondaryRefusal::WrongState(_) => of_secondary(event),
    }
}

/// The rules that say what happens to a Sync.
pub(super) const fn of_sync(event: &SyncTaken) -> &'static [Rule] {
    match event {
        SyncTaken::Begin(_) => &[Rule::Sync1, Rule::Sync2],
        SyncTaken::Look(_) => &[Rule::Sync3, Rule::Sync5],
        SyncTaken::Timeout => &[Rule::Sync4],
    }
}

/// The rules that say what an event of the database does.
pub(super) const fn of_database(event: DatabaseEvent) -> &'static [Rule] {
    match event {
        DatabaseEvent::LeaseExpired => &[Rule::Freeze2],
        DatabaseEvent::Thaw(_) => &[Rule::Freeze3],
        DatabaseEvent::Begin
        | DatabaseEvent::Write
        | DatabaseEvent::Commit
        | DatabaseEvent::Freeze(_)
        | DatabaseEvent::Restart => &[Rule::Freeze1],
    }
}

/// The rules that say what an event of the coordinator does.
pub(super) const fn of_coordinator(event: CoordinatorEvent) -> &'static [Rule] {
    match event {
        CoordinatorEvent::Request(_) => &[Rule::Backup4],
        CoordinatorEvent::SplitAnswer { done: true, .. } | CoordinatorEvent::Thawed { .. } => {
            &[Rule::Backup2]
        }
        CoordinatorEvent::Frozen(_) => &[Rule::Freeze1],
        CoordinatorEvent::Synced { .. }
        | CoordinatorEvent::SplitAnswer { .. }
        | CoordinatorEvent::Timeout
        | CoordinatorEvent::Restart => &[Rule::Backup3],
    }
}

/// The rules that say what an event of the requester does.
pub(super) const fn of_requester(event: RequesterEvent) -> &'static [Rule] {
    match event {
        RequesterEvent::Start => &[Rule::Backup4],
        RequesterEvent::Timeout => &[Rule::Backup3],
        RequesterEvent::Permit(_)
        | RequesterEvent::Reject(_)
        | RequesterEvent::Finish
        | RequesterEvent::Restart => &[Rule::Backup1],
    }
}
