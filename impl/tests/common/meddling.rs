//! A link between two nodes without threads that loses, repeats or delays one message of a kind, and what drives a pair
//! over it.

use syncsplit_impl::error::ignore_refusal;
use syncsplit_impl::frame::{Kind, Message};
use syncsplit_impl::payload::Payload;
use syncsplit_model::protocol::{PairState, ToPrimary, ToSecondary};

use super::{Failure, Kit};
use syncsplit_impl::containers::BitMap;

/// What happens to the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It never arrives.
    Lost,
    /// It arrives twice in a row.
    Twice,
    /// It arrives when [`Meddling::deliver_late`] says so.
    Late,
    /// It arrives at once, and again when [`Meddling::deliver_late`] says so.
    Again,
}

/// Which message it is: the `occurrence`th of its kind, from 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) kind: Kind,
    pub(crate) occurrence: usize,
    pub(crate) fate: Fate,
}

/// The link.
#[derive(Default)]
pub(crate) struct Meddling {
    target: Option<Target>,
    /// How many of the target's kind there were.
    seen: usize,
    late: Vec<Message>,
    /// How often each kind has travelled.
    pub(crate) kinds: Vec<(Kind, usize)>,
}

impl Meddling {
    pub(crate) fn with(target: Target) -> Self {
        Self { target: Some(target), ..Self::default() }
    }

    /// Whether the message that was to be meddled with has come.
    pub(crate) fn has_meddled(&self) -> bool {
        self.target.is_none_or(|target| self.seen > target.occurrence)
    }

    /// Delivers what both arrays have sent. Whether there was anything.
    pub(crate) fn carry(&mut self, kit: &Kit) -> Result<bool, Failure> {
        let mut busy = false;
        while let Some(message) = kit.local.take_outgoing() {
            self.meddle(kit, message.into())?;
            busy = true;
        }
        while let Some(message) = kit.remote.take_outgoing() {
            self.meddle(kit, message.into())?;
            busy = true;
        }
        Ok(busy)
    }

    /// Delivers what was delayed.
    pub(crate) fn deliver_late(&mut self, kit: &Kit) -> Result<(), Failure> {
        std::mem::take(&mut self.late).into_iter().try_for_each(|message| deliver(kit, message))
    }

    /// Lets the pair go on, with a tick of the clock whenever nothing moves, until the primary is in `wanted` and nothing is
    /// left to do.
    pub(crate) fn drive(&mut self, kit: &Kit, wanted: PairState) -> Result<(), Failure> {
        for _ in 0..8 {
            while kit.copy()? | kit.send()? | self.carry(kit)? | kit.apply()? | self.carry(kit)? {}
            let primary = kit.local.state()?;
            if primary.state == wanted && primary.journal.is_empty() {
                return Ok(());
            }
            kit.local.tick()?;
            kit.remote.tick()?;
            // What was sent again lets the applier report again; a report may be made at any time.
            ignore_refusal(kit.remote.report())?;
        }
        Err(format!("the primary is {:?}, {wanted} was expected", kit.local.state()?).into())
    }

    fn meddle(&mut self, kit: &Kit, message: Message) -> Result<(), Failure> {
        let kind = message.kind().ok_or("a message that does not travel")?;
        match self.kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => self.kinds.push((kind, 1)),
        }
        let Some(target) = self.target.filter(|target| target.kind == kind) else {
            return deliver(kit, message);
        };
        self.seen += 1;
        if self.seen != target.occurrence + 1 {
            return deliver(kit, message);
        }
        match target.fate {
            Fate::Lost => {}
            Fate::Late => self.late.push(message),
            Fate::Twice => {
                deliver(kit, message.clone())?;
                deliver(kit, message)?;
            }
            Fate::Again => {
                self.late.push(message.clone());
                deliver(kit, message)?;
            }
        }
        Ok(())
    }
}

fn deliver(kit: &Kit, message: Message) -> Result<(), Failure> {
    let outcome = match message {
        Message::ToSecondary(_) => {
            kit.remote.on_message(ToSecondary::<Payload>::try_from(message)?)
        }
        other => kit.local.on_message(ToPrimary::<BitMap>::try_from(other)?),
    };
    Ok(ignore_refusal(outcome)?)
}
