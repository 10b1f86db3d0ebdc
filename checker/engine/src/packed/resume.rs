//! Taking a search up where another one was left.
//!
//! Never here: the file that it was left in; see `checkpoint`.

use super::checkpoint::{self, About};
use super::pack::Pack;
use super::search::{SLICE_MAX, SLICE_MIN, Search};
use super::snapshot::Snapshot;
use crate::{EngineError, Failure, Keep, Resumed};

impl<M: Pack> Search<'_, '_, M> {
    /// What decides what this search finds, beside what `keep` says about it.
    pub(super) fn about(&self, keep: &Keep<'_>) -> About {
        let names: Vec<_> = self.properties.iter().map(|property| property.name).collect();
        let own = [
            ("properties", names.join(", ")),
            ("stop", format!("{:?}", self.options.stop)),
            ("counts by action", self.options.kind.is_some().to_string()),
            ("bytes of a state", self.states.known.layout.stride().to_string()),
            ("what has no name", keep.besides.into()),
        ];
        let named = |(name, value): (&str, String)| (name.to_owned(), value);
        About {
            title: keep.title.into(),
            given: keep.about.iter().cloned().map(named).collect(),
            own: own.into_iter().map(named).collect(),
        }
    }

    /// Goes back to where the search that `keep` names was left.
    pub(super) fn resume(&mut self, keep: &Keep<'_>) -> Result<Option<Resumed>, Failure<M>> {
        let Some(file) = keep.resume else { return Ok(None) };
        let (about, properties) = (self.about(keep), self.properties.len());
        let memory = self.options.limits.memory_bytes;
        let states = &mut self.states;
        let read = checkpoint::read(file, &about, properties, states, memory, self.threads);
        let snapshot = read.map_err(EngineError::Checkpoint)?;
        let resumed = snapshot.resumed();
        self.pulse.begin_with(resumed.states);
        let Snapshot { front, slice, found, counts, settled, .. } = snapshot;
        if front.is_some() {
            (self.front, self.slice, self.found) =
                (front, slice.clamp(SLICE_MIN, SLICE_MAX), found);
            (self.counts, self.settled) = (counts, settled);
            let found = front.map_or(0, |front| self.states.len().saturating_sub(front.end));
            if let Some(sleep) = &mut self.sleep {
                sleep.forget(found as usize);
            }
        }
        Ok(Some(resumed))
    }
}
