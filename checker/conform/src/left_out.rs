//! Why a verb of a script is left out. Whether it is, is not decided here.

use std::fmt;

use syncsplit_model::world::WhyNot;

use crate::verb::Verb;

/// Why a verb is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyLeftOut {
    /// Too many states can explain what was seen, so that nothing would be judged.
    TooManyStates,
    /// Messages on the array link are the kit's at level steered alone.
    NotSteered,
    /// A transaction is open, and the next write is its second.
    InTransaction,
    /// No state that the implementation may be in offers it.
    NotOffered(WhyNot),
    /// The adapter does not have this operation, or feature.
    Lacking(&'static str),
    /// There is no room that is certain for the write: the adapter says nothing of its journal.
    NoRoom,
}

impl fmt::Display for WhyLeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyStates => f.write_str("too many states can explain what was seen"),
            Self::NotSteered => {
                f.write_str("messages on the array link are the kit's at level steered alone")
            }
            Self::InTransaction => f.write_str("a transaction is open, so write-second is next"),
            Self::NotOffered(why) => why.fmt(f),
            Self::Lacking(what) => write!(f, "the adapter does not have {what}"),
            Self::NoRoom => f.write_str("the journal, of whose room nothing is said, may be full"),
        }
    }
}

/// A verb that was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its place in the script, from 1.
    pub place: usize,
    /// The verb.
    pub verb: Verb,
    /// Why.
    pub why: WhyLeftOut,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, verb, why } = self;
        write!(f, "verb {place}, `{verb}`, is left out: {why}")
    }
}
