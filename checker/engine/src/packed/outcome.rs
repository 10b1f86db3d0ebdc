//! What a search has come to when it ends.
//!
//! Never here: when it ends.

use super::Searched;
use super::pack::Pack;
use super::search::Search;
use super::snapshot::Snapshot;
use super::trace::rebuild;
use crate::limits::peak_bytes;
use crate::{Deadlocks, Discovery, Ending, EngineError, Failure, SearchOutcome, judge};
use ::stateright::Expectation;

impl<M> Search<'_, '_, M>
where
    M: Pack + Sync,
    M::State: Clone + PartialEq,
    M::Action: Clone,
{
    /// The outcome with its traces. Its counts are those of finished levels, and all that was
    /// counted goes into the snapshot.
    pub(super) fn finish(mut self, ending: Ending) -> Result<Searched<M>, Failure<M>> {
        self.rows.clear();
        let known = &self.states.known;
        let mut discoveries = Vec::new();
        for (property, found) in self.properties.iter().zip(&self.found) {
            let Some(id) = found else { continue };
            let trace = rebuild(self.model, known, *id)?;
            let settles = |state: &M::State| {
                (property.condition)(self.model, state)
                    == (property.expectation == Expectation::Sometimes)
            };
            // By fingerprint the way may have led to a sister of the state that was found.
            if known.keys.is_some() && !trace.last().is_some_and(|(_, state)| settles(state)) {
                return Err(EngineError::NotRepeatable { trace });
            }
            discoveries.push(Discovery {
                property: property.name,
                expectation: property.expectation.clone(),
                trace,
            });
        }
        let counts = &self.settled;
        let first = counts.first_deadlock;
        let first = first.map(|id| rebuild(self.model, known, id)).transpose()?;
        let outcome = SearchOutcome {
            ending,
            properties: judge(&self.properties, |p| self.found[p].is_some(), ending),
            distinct: counts.distinct,
            transitions: counts.transitions,
            depth: counts.depth(),
            seconds: self.watch.seconds(),
            peak_bytes: peak_bytes(),
            cut_by_boundary: counts.cut,
            deadlocks: Some(Deadlocks { count: counts.deadlocks, first }),
            discoveries,
            levels: counts.levels.clone(),
            kinds: counts.kinds.clone(),
            promises: Vec::new(),
        };
        let snapshot = Snapshot {
            states: known.len,
            roots: known.roots,
            front: self.front,
            slice: self.slice,
            found: self.found,
            counts: self.counts,
            settled: self.settled,
        };
        Ok(Searched { outcome, states: self.states, snapshot })
    }
}
