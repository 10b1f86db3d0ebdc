//! Two-phase commit in one word: how `two_phase` packs, and a model of its own, for engines that
//! know nothing of packing.
//!
//! Never here: a search.

use super::two_phase::{Action, Message, Rm, State, Tm};
use stateright::{Model, Property};
use syncsplit_engine::packed::{Pack, Sink};

/// The model whose states are words, with this many resource managers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InWords {
    pub(crate) rms: u32,
}

/// From the lowest bit on: two bits for each resource manager, two for the transaction manager,
/// one for each manager that is known to be prepared, one for each message that says so, one for
/// the message that all commit, one for the message that all abort.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Word(pub(crate) u64);

const PREPARED: u64 = 1;
const COMMITTED: u64 = 2;
const ABORTED: u64 = 3;

const TM_COMMITTED: u64 = 1;
const TM_ABORTED: u64 = 2;

impl InWords {
    fn tm_at(self) -> u32 {
        2 * self.rms
    }

    fn known_at(self) -> u32 {
        self.tm_at() + 2
    }

    fn said_at(self) -> u32 {
        self.known_at() + self.rms
    }

    fn commit_at(self) -> u32 {
        self.said_at() + self.rms
    }

    fn abort_at(self) -> u32 {
        self.commit_at() + 1
    }

    fn all(self) -> u64 {
        (1 << self.rms) - 1
    }

    /// Tells every action that a state allows, in a fixed order.
    #[inline]
    fn each_action(self, Word(bits): Word, mut tell: impl FnMut(Action)) {
        let is_open = bits >> self.tm_at() & 3 == 0;
        if is_open {
            if bits >> self.known_at() & self.all() == self.all() {
                tell(Action::TmCommit);
            }
            tell(Action::TmAbort);
        }
        for rm in 0..self.rms {
            if is_open && bits >> (self.said_at() + rm) & 1 != 0 {
                tell(Action::TmReceive(rm));
            }
            if bits >> (2 * rm) & 3 == 0 {
                tell(Action::Prepare(rm));
                tell(Action::Refuse(rm));
            }
            if bits >> self.commit_at() & 1 != 0 {
                tell(Action::LearnCommit(rm));
            }
            if bits >> self.abort_at() & 1 != 0 {
                tell(Action::LearnAbort(rm));
            }
        }
    }

    #[inline]
    fn after(self, Word(bits): Word, action: Action) -> Word {
        let become_ = |rm: u32, what: u64| bits & !(3 << (2 * rm)) | what << (2 * rm);
        Word(match action {
            Action::TmCommit => bits | TM_COMMITTED << self.tm_at() | 1 << self.commit_at(),
            Action::TmAbort => bits | TM_ABORTED << self.tm_at() | 1 << self.abort_at(),
            Action::TmReceive(rm) => bits | 1 << (self.known_at() + rm),
            Action::Prepare(rm) => become_(rm, PREPARED) | 1 << (self.said_at() + rm),
            Action::Refuse(rm) | Action::LearnAbort(rm) => become_(rm, ABORTED),
            Action::LearnCommit(rm) => become_(rm, COMMITTED),
        })
    }

    /// Whether every resource manager is in the state `what`.
    fn are_all(self, Word(bits): Word, what: u64) -> bool {
        let ones = 0x5555_5555_5555_5555 & ((1 << (2 * self.rms)) - 1);
        bits & (3 * ones) == what * ones
    }

    /// Whether some manager has committed and another one aborted.
    fn is_torn(self, Word(bits): Word) -> bool {
        let ones = 0x5555_5555_5555_5555 & ((1 << (2 * self.rms)) - 1);
        let (low, high) = (bits & ones, bits >> 1 & ones);
        low & high != 0 && high & !low != 0
    }
}

impl InWords {
    /// The bits in use.
    pub(crate) fn bits(self) -> usize {
        self.abort_at() as usize + 1
    }

    pub(crate) fn pack(self, state: &State) -> Word {
        let rms = state.rms.iter().rev().fold(0, |bits, rm| bits << 2 | *rm as u64);
        let one = |at: u32, is_there: bool| u64::from(is_there) << at;
        let known = state.prepared.iter().map(|rm| one(self.known_at() + rm, true));
        let messages = state.messages.iter().map(|message| match message {
            Message::Prepared(rm) => one(self.said_at() + rm, true),
            Message::Commit => one(self.commit_at(), true),
            Message::Abort => one(self.abort_at(), true),
        });
        let tm = (state.tm as u64) << self.tm_at();
        Word(known.chain(messages).fold(rms | tm, |bits, bit| bits | bit))
    }

    pub(crate) fn unpack(self, Word(bits): Word) -> State {
        let has = |at: u32| bits >> at & 1 != 0;
        let rm = |rm: u32| match bits >> (2 * rm) & 3 {
            0 => Rm::Working,
            PREPARED => Rm::Prepared,
            COMMITTED => Rm::Committed,
            _ => Rm::Aborted,
        };
        let tm = match bits >> self.tm_at() & 3 {
            0 => Tm::Init,
            TM_COMMITTED => Tm::Committed,
            _ => Tm::Aborted,
        };
        let said = (0..self.rms).filter(|rm| has(self.said_at() + rm)).map(Message::Prepared);
        let commit = has(self.commit_at()).then_some(Message::Commit);
        let abort = has(self.abort_at()).then_some(Message::Abort);
        State {
            rms: (0..self.rms).map(rm).collect(),
            tm,
            prepared: (0..self.rms).filter(|rm| has(self.known_at() + rm)).collect(),
            messages: said.chain(commit).chain(abort).collect(),
        }
    }

    /// Tells `sink` what a state leads to, in the order of [`InWords::each_action`], but with the
    /// bits of each resource manager at hand.
    #[inline]
    pub(crate) fn tell<M>(self, Word(bits): Word, sink: &mut impl Sink<M>)
    where
        M: Pack<Packed = [u64; 1], Action = Action>,
    {
        let mut step = |action: Action, next: u64| {
            let kind = sink.kind(&action);
            sink.step(kind, &[next]);
        };
        let is_open = bits >> self.tm_at() & 3 == 0;
        if is_open {
            if bits >> self.known_at() & self.all() == self.all() {
                step(Action::TmCommit, self.after(Word(bits), Action::TmCommit).0);
            }
            step(Action::TmAbort, self.after(Word(bits), Action::TmAbort).0);
        }
        let is_committed = bits >> self.commit_at() & 1 != 0;
        let is_aborted = bits >> self.abort_at() & 1 != 0;
        let (mut known, mut said) = (1 << self.known_at(), 1 << self.said_at());
        let mut one = 1;
        for rm in 0..self.rms {
            let without = bits & !(3 * one);
            if is_open && bits & said != 0 {
                step(Action::TmReceive(rm), bits | known);
            }
            if without == bits {
                step(Action::Prepare(rm), bits | (PREPARED * one) | said);
                step(Action::Refuse(rm), bits | (ABORTED * one));
            }
            if is_committed {
                step(Action::LearnCommit(rm), without | (COMMITTED * one));
            }
            if is_aborted {
                step(Action::LearnAbort(rm), without | (ABORTED * one));
            }
            (known, said, one) = (known << 1, said << 1, one << 2);
        }
    }

    /// Whether the property at this position holds.
    #[inline]
    pub(crate) fn is_so(self, property: usize, word: Word) -> bool {
        match property {
            0 => self.are_all(word, ABORTED),
            1 => self.are_all(word, COMMITTED),
            _ => !self.is_torn(word),
        }
    }
}

impl Model for InWords {
    type State = Word;
    type Action = Action;

    fn init_states(&self) -> Vec<Word> {
        vec![Word(0)]
    }

    fn actions(&self, word: &Word, actions: &mut Vec<Action>) {
        self.each_action(*word, |action| actions.push(action));
    }

    fn next_state(&self, word: &Word, action: Action) -> Option<Word> {
        Some(self.after(*word, action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::sometimes("all abort", |m, word| m.is_so(0, *word)),
            Property::<Self>::sometimes("all commit", |m, word| m.is_so(1, *word)),
            Property::<Self>::always("consistent", |m, word| m.is_so(2, *word)),
        ]
    }
}

impl Pack for InWords {
    type Packed = [u64; 1];

    fn bits(&self) -> usize {
        InWords::bits(*self)
    }

    fn pack(&self, word: &Word) -> [u64; 1] {
        [word.0]
    }

    fn unpack(&self, packed: &[u64; 1]) -> Word {
        Word(packed[0])
    }
}
