//! What was asked of an implementation and what it showed, in its own numbers, and the states that can show it. Which states
//! those are is judged elsewhere.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use crate::track::Track;
use crate::verb::Verb;
use crate::wire::Reply;

/// How an implementation's numbers differ from the model's, which begin at a pair that is just made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// What is added to an incarnation; none while nothing has said where they begin.
    pub incarnation: Option<i128>,
    /// What is added to a number of a write; none while nothing has said where they begin.
    pub seq: Option<i128>,
}

impl Numbers {
    /// An incarnation of the model as the implementation counts it, where that is known.
    #[must_use]
    pub fn incarnation(self, model: u32) -> Option<i128> {
        Some(i128::from(model) + self.incarnation?)
    }

    /// A number of the model as the implementation counts it, where that is known.
    #[must_use]
    pub fn seq(self, model: u64) -> Option<i128> {
        Some(i128::from(model) + self.seq?)
    }

    /// Learns from a number of the implementation's which one of the model's it is.
    pub fn learn(&mut self, incarnation: Option<(i128, u32)>, seq: Option<(i128, u64)>) {
        let begin = incarnation.map(|(shown, model)| shown - i128::from(model));
        self.incarnation = self.incarnation.or(begin);
        let begin = seq.map(|(shown, model)| shown - i128::from(model));
        self.seq = self.seq.or(begin);
    }
}

/// What was asked for one verb, and what was answered.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The verb.
    pub verb: Verb,
    /// The number of the write, if it is one.
    pub number: u32,
    /// The answer to the verb's own request; none where the verb is the kit's own doing.
    pub reply: Option<Reply>,
    /// The image that was read for a backup that was permitted.
    pub image: Option<Reply>,
    /// What the implementation showed after it.
    pub status: Option<Map<String, Json>>,
    /// Whether a Sync that is decided has run out of time so often that it has to say now what it has come to.
    pub is_overdue: bool,
    /// Whether a freeze has lasted so long that its lease may be over.
    pub may_lapse: bool,
}

/// What was seen is not what the protocol does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What differs.
    pub what: String,
    /// What the protocol may show instead.
    pub expected: Vec<String>,
    /// What was seen.
    pub seen: String,
}

/// Why the states after something cannot be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoExplanation {
    /// No state shows what was seen.
    Mismatch(Mismatch),
    /// Too many states might.
    TooMany,
}

/// Keeps those of `tracks` that `shows` accepts; it says what it expected otherwise.
pub(crate) fn keep(
    tracks: Vec<Track>,
    what: &str,
    seen: &dyn Fn() -> String,
    mut shows: impl FnMut(&Track) -> Result<Vec<Track>, String>,
) -> Result<Vec<Track>, NoExplanation> {
    let (mut kept, mut expected) = (Vec::new(), BTreeSet::new());
    for track in tracks {
        match shows(&track) {
            Ok(after) => kept.extend(after),
            Err(instead) => {
                expected.insert(instead);
            }
        }
    }
    if kept.is_empty() {
        let expected = expected.into_iter().take(4).collect();
        return Err(NoExplanation::Mismatch(Mismatch {
            what: what.into(),
            expected,
            seen: seen(),
        }));
    }
    Ok(kept)
}
