//! Two-phase commit after Gray and Lamport, "Consensus on Transaction Commit", each state one word.
//!
//! Never here: a search.

use stateright::{Model, Property};
use syncsplit_engine::packed::{Pack, Sink};

/// The model with this many resource managers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TwoPhase {
    pub(crate) rms: u32,
}

/// From the lowest bit on: two bits for each resource manager, two for the transaction manager,
/// one for each manager that is known to be prepared, one for each message that says so, one for
/// the message that all commit, one for the message that all abort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Word(pub(crate) u64);

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    TmCommit,
    TmAbort,
    TmReceive(u32),
    Prepare(u32),
    Refuse(u32),
    LearnCommit(u32),
    LearnAbort(u32),
}

impl Action {
    /// Groups actions by what they are.
    pub(crate) fn kind(&self) -> usize {
        match self {
            Self::TmCommit => 0,
            Self::TmAbort => 1,
            Self::TmReceive(_) => 2,
            Self::Prepare(_) => 3,
            Self::Refuse(_) => 4,
            Self::LearnCommit(_) => 5,
            Self::LearnAbort(_) => 6,
        }
    }
}

const PREPARED: u64 = 1;
const COMMITTED: u64 = 2;
const ABORTED: u64 = 3;

const TM_COMMITTED: u64 = 1;
const TM_ABORTED: u64 = 2;

impl TwoPhase {
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

    /// Tells `sink` what a state leads to, in the order of [`TwoPhase::each_action`], but with the
    /// bits of each resource manager at hand.
    #[inline]
    fn tell(self, Word(bits): Word, sink: &mut impl Sink<Self>) {
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
    fn is_so(self, property: usize, word: Word) -> bool {
        match property {
            0 => self.are_all(word, ABORTED),
            1 => self.are_all(word, COMMITTED),
            _ => !self.is_torn(word),
        }
    }
}

impl Model for TwoPhase {
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

impl Pack for TwoPhase {
    type Packed = [u64; 1];

    fn bits(&self) -> usize {
        self.abort_at() as usize + 1
    }

    fn pack(&self, word: &Word) -> [u64; 1] {
        [word.0]
    }

    fn unpack(&self, packed: &[u64; 1]) -> Word {
        Word(packed[0])
    }

    #[inline]
    fn successors<S: Sink<Self>>(&self, packed: &[u64; 1], _: &mut Vec<Action>, sink: &mut S) {
        self.tell(Word(packed[0]), sink);
    }

    #[inline]
    fn holds(&self, property: usize, packed: &[u64; 1]) -> Option<bool> {
        Some(self.is_so(property, Word(packed[0])))
    }
}
