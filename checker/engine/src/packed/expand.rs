//! Expanding: the successors of some states, in the order of a queue, for each shard to look up.
//!
//! Never here: a look at the visited set.

use super::flaw::{find_clash, find_flaw};
use super::pack::{Kind, Pack, Sink, Steps, kind_of};
use super::recent::Recent;
use super::row::{Origin, Row};
use super::sleep::Sleep;
use super::store::{Known, StateId};
use super::trace::attempt;
use crate::limits::Watch;
use crate::{Doing, KINDS_MAX};
use ::stateright::Property;

/// This many states, and of each as many more one, are expanded a second time to try the packing
/// out. With debug assertions all are.
const SAMPLE: u32 = if cfg!(debug_assertions) { u32::MAX } else { 1024 };
/// Of this many states one has all pairs of its steps taken in both orders, if the model says which
/// commute: that takes as long as expanding some dozens.
const SAMPLE_PAIRS: u32 = if cfg!(debug_assertions) { 16 } else { 1 << 14 };
/// States expanded between two looks at the clock, which takes as long as a fast model's step.
const LOOK_EVERY: u32 = 4;

/// What every task needs to know.
pub(super) struct Expander<'a, M: Pack> {
    pub(super) model: &'a M,
    pub(super) properties: &'a [Property<M>],
    pub(super) known: &'a Known<M::Packed>,
    pub(super) watch: &'a Watch<'a>,
    pub(super) kind: Option<fn(&M::Action) -> usize>,
    /// None where the model does not know what commutes.
    pub(super) sleep: Option<&'a Sleep>,
}

impl<M: Pack> Expander<'_, M>
where
    M::State: PartialEq,
{
    /// Expands the states from `from` up to `to` into `row`. What `recent` has met must come
    /// before what these states lead to, in the order of a queue.
    pub(super) fn expand(
        &self,
        from: u32,
        to: u32,
        row: &mut Row<M::Packed>,
        recent: &mut Recent<M::Packed>,
    ) {
        row.clear(from);
        if self.kind.is_some() {
            row.tally.fired.resize(KINDS_MAX, 0);
        }
        row.broke = attempt(|spot| {
            let mut room = Vec::new();
            for number in from..to {
                if number % LOOK_EVERY == 0 && self.watch.is_over() {
                    row.unfinished = true;
                    return Ok(());
                }
                if row.overflowed {
                    return Ok(());
                }
                let id = StateId::new(number);
                spot.state = Some(id);
                spot.doing = Doing::Actions;
                let packed = self.known.state(id);
                if number < SAMPLE || number % SAMPLE == 0 {
                    find_flaw(self.model, &self.known.layout, self.properties, &packed)?;
                }
                if self.sleep.is_some() && number % SAMPLE_PAIRS == 0 {
                    find_clash(self.model, &packed)?;
                }
                let mut taker = Taker {
                    known: self.known,
                    kind: self.kind,
                    packed: &packed,
                    parent: (number - from) as u16,
                    asleep: self.sleep.map(|sleep| sleep.of(id)),
                    leads_nowhere: true,
                    row,
                    recent,
                };
                room.clear();
                self.model.successors(&packed, &mut room, &mut taker);
                if taker.leads_nowhere {
                    row.tally.deadlocks += 1;
                    row.tally.first_deadlock.get_or_insert(id);
                }
            }
            Ok(())
        });
    }
}

/// Sorts out what one state leads to.
struct Taker<'a, M: Pack> {
    known: &'a Known<M::Packed>,
    kind: Option<fn(&M::Action) -> usize>,
    /// The state that is being expanded.
    packed: &'a M::Packed,
    parent: u16,
    /// The steps that sleep in this state; none where the model knows of none.
    asleep: Option<Steps>,
    leads_nowhere: bool,
    row: &'a mut Row<M::Packed>,
    recent: &'a mut Recent<M::Packed>,
}

impl<M: Pack> Taker<'_, M> {
    /// Few successors come this far; kept apart, this does not get in the way of the others.
    #[inline(never)]
    fn keep(&mut self, hash: u64, kind: Kind, next: &M::Packed, asleep: Steps) {
        let is_kept = self.row.push(hash, next, Origin { parent: self.parent, kind });
        if is_kept && self.asleep.is_some() {
            self.row.asleep.push(asleep);
        }
    }

    #[inline]
    fn count(&mut self, kind: Kind) {
        self.leads_nowhere = false;
        self.row.tally.generated += 1;
        if let Some(fired) = self.row.tally.fired.get_mut(usize::from(kind)) {
            *fired += 1;
        }
    }
}

impl<M: Pack> Sink<M> for Taker<'_, M> {
    #[inline]
    fn kind(&self, action: &M::Action) -> Kind {
        kind_of(self.kind, action)
    }

    #[inline]
    fn asleep(&self) -> Steps {
        self.asleep.unwrap_or(0)
    }

    #[inline]
    fn sleeps(&mut self, kind: Kind) {
        self.count(kind);
    }

    #[inline]
    fn step(&mut self, kind: Kind, next: &M::Packed) {
        self.step_and_sleep(kind, next, 0);
    }

    #[inline]
    fn step_and_sleep(&mut self, kind: Kind, next: &M::Packed, asleep: Steps) {
        self.count(kind);
        if next == self.packed {
            return;
        }
        let hash = self.known.hash(next);
        if !self.recent.meet(hash, next) {
            self.keep(hash, kind, next, asleep);
        }
    }

    #[inline]
    fn cut(&mut self) {
        self.leads_nowhere = false;
        self.row.tally.cut += 1;
    }
}
