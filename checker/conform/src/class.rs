//! Classes of steps: what the kit counts, so that it can say how much of the protocol a campaign has taken. How a class is
//! reached is not decided here.

use std::cmp::Ordering;
use std::fmt;

use syncsplit_model::protocol::PairState;
use syncsplit_model::world::{ActionKind, State};

use crate::verb::Verb;

/// A kind of action, the pair states on both sides, and whether the action is taken or refused. Classes are in the order of
/// their texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Class {
    /// The kind.
    pub kind: ActionKind,
    /// Whether it is taken.
    pub is_taken: bool,
    primary: PairState,
    secondary: PairState,
}

impl Class {
    /// The class of an action in `state`.
    #[must_use]
    pub const fn of(kind: ActionKind, state: &State, is_taken: bool) -> Self {
        let (primary, secondary) = (state.primary.state, state.secondary.state);
        Self { kind, is_taken, primary, secondary }
    }
}

impl Class {
    /// The pair states, the primary's first.
    #[must_use]
    pub fn pair(&self) -> String {
        format!("{} {}", self.primary, self.secondary)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, is_taken, primary, secondary } = self;
        let outcome = if *is_taken { "taken" } else { "refused" };
        write!(f, "{} {primary} {secondary} {outcome}", Verb::bare(*kind).word())
    }
}

impl Ord for Class {
    fn cmp(&self, other: &Self) -> Ordering {
        self.to_string().cmp(&other.to_string())
    }
}

impl PartialOrd for Class {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
