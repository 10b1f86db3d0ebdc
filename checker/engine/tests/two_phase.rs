//! Two-phase commit after Gray and Lamport, "Consensus on Transaction Commit", as one writes it
//! down: a set for what is a set.
//!
//! Never here: bits; see `words` for how a state packs into them.

use super::words::{InWords, Word};
use stateright::{Model, Property};
use std::collections::BTreeSet;
use syncsplit_engine::packed::{Pack, Sink};

/// The model with this many resource managers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TwoPhase {
    pub(crate) rms: u32,
}

/// What a resource manager is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Rm {
    Working,
    Prepared,
    Committed,
    Aborted,
}

/// What the transaction manager is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Tm {
    Init,
    Committed,
    Aborted,
}

/// What was said, for all to hear at any time.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Message {
    Prepared(u32),
    Commit,
    Abort,
}

/// Everything there is.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct State {
    pub(crate) rms: Vec<Rm>,
    pub(crate) tm: Tm,
    /// The resource managers that the transaction manager knows to be prepared.
    pub(crate) prepared: BTreeSet<u32>,
    pub(crate) messages: BTreeSet<Message>,
}

/// A step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
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

impl TwoPhase {
    fn words(self) -> InWords {
        InWords { rms: self.rms }
    }
}

impl Model for TwoPhase {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            rms: vec![Rm::Working; self.rms as usize],
            tm: Tm::Init,
            prepared: BTreeSet::new(),
            messages: BTreeSet::new(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let is_open = state.tm == Tm::Init;
        if is_open {
            if state.prepared.len() == state.rms.len() {
                actions.push(Action::TmCommit);
            }
            actions.push(Action::TmAbort);
        }
        for (rm, is) in (0..).zip(&state.rms) {
            if is_open && state.messages.contains(&Message::Prepared(rm)) {
                actions.push(Action::TmReceive(rm));
            }
            if *is == Rm::Working {
                actions.extend([Action::Prepare(rm), Action::Refuse(rm)]);
            }
            if state.messages.contains(&Message::Commit) {
                actions.push(Action::LearnCommit(rm));
            }
            if state.messages.contains(&Message::Abort) {
                actions.push(Action::LearnAbort(rm));
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        match action {
            Action::TmCommit => {
                next.tm = Tm::Committed;
                next.messages.insert(Message::Commit);
            }
            Action::TmAbort => {
                next.tm = Tm::Aborted;
                next.messages.insert(Message::Abort);
            }
            Action::TmReceive(rm) => {
                next.prepared.insert(rm);
            }
            Action::Prepare(rm) => {
                next.rms[rm as usize] = Rm::Prepared;
                next.messages.insert(Message::Prepared(rm));
            }
            Action::Refuse(rm) | Action::LearnAbort(rm) => next.rms[rm as usize] = Rm::Aborted,
            Action::LearnCommit(rm) => next.rms[rm as usize] = Rm::Committed,
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        fn are_all(state: &State, rm: Rm) -> bool {
            state.rms.iter().all(|is| *is == rm)
        }
        vec![
            Property::<Self>::sometimes("all abort", |_, state| are_all(state, Rm::Aborted)),
            Property::<Self>::sometimes("all commit", |_, state| are_all(state, Rm::Committed)),
            Property::<Self>::always("consistent", |_, state| {
                !(state.rms.contains(&Rm::Aborted) && state.rms.contains(&Rm::Committed))
            }),
        ]
    }
}

impl Pack for TwoPhase {
    type Packed = [u64; 1];

    fn bits(&self) -> usize {
        self.words().bits()
    }

    fn pack(&self, state: &State) -> [u64; 1] {
        [self.words().pack(state).0]
    }

    fn unpack(&self, packed: &[u64; 1]) -> State {
        self.words().unpack(Word(packed[0]))
    }

    #[inline]
    fn successors<S: Sink<Self>>(&self, packed: &[u64; 1], _: &mut Vec<Action>, sink: &mut S) {
        self.words().tell(Word(packed[0]), sink);
    }

    #[inline]
    fn holds(&self, property: usize, packed: &[u64; 1]) -> Option<bool> {
        Some(self.words().is_so(property, Word(packed[0])))
    }
}
