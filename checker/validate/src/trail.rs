//! What a search has read into the records on the way to a state: steps that no record shows, and refusals that no record
//! tells of. Why it did is not said here.

use std::sync::Arc;

use super::system::Event;

/// What was read into the records.
#[derive(Clone, Debug)]
pub(super) enum Assumption {
    /// This step was taken before the record, and no record shows it.
    Hidden(Box<Event>),
    /// The record, which does not say whether its step was refused, was read as refused, for this reason.
    Refused(String),
}

/// An assumption, with the record that it is about.
#[derive(Clone, Debug)]
pub(super) struct Assumed {
    /// Which log.
    pub(super) log: usize,
    /// Which of its records, from 0.
    pub(super) at: usize,
    /// What was read into it.
    pub(super) what: Assumption,
}

/// The assumptions on the way to a state. A copy costs nothing, and shares what was assumed before.
#[derive(Clone, Debug, Default)]
pub(super) struct Trail(Option<Arc<Link>>);

#[derive(Debug)]
struct Link {
    assumed: Assumed,
    before: Trail,
}

impl Trail {
    pub(super) fn push(&mut self, assumed: Assumed) {
        let before = std::mem::take(self);
        *self = Self(Some(Arc::new(Link { assumed, before })));
    }

    /// The assumptions, the oldest first.
    pub(super) fn list(&self) -> Vec<&Assumed> {
        let newest = self.0.as_deref();
        let links = std::iter::successors(newest, |link| link.before.0.as_deref());
        let mut all: Vec<_> = links.map(|link| &link.assumed).collect();
        all.reverse();
        all
    }
}

/// Link by link, since a long list would end the stack.
impl Drop for Trail {
    fn drop(&mut self) {
        let mut next = self.0.take();
        while let Some(mut link) = next.and_then(Arc::into_inner) {
            next = link.before.0.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_trail_ends_and_its_copies_stay() {
        let mut trail = Trail::default();
        let mut early = Trail::default();
        for at in 0..300_000 {
            trail.push(Assumed { log: 0, at, what: Assumption::Refused(String::new()) });
            if at == 9 {
                early = trail.clone();
            }
        }
        assert_eq!(trail.list().len(), 300_000);
        drop(trail);
        let at: Vec<_> = early.list().iter().map(|assumed| assumed.at).collect();
        assert_eq!(at, (0..10).collect::<Vec<_>>());
    }
}
