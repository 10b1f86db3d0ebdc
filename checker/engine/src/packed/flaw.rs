//! Trying a model's packing out on a state: by its plain functions and by its packed ones.
//!
//! Never here: a repair. A packing that is flawed gives no outcome at all.

use super::layout::Layout;
use super::pack::{Kind, Pack, Sink, Words, plain_successors};
use crate::PackingFlaw;
use ::stateright::{Model, Property};

/// Packs a state and takes it out again.
pub(super) fn try_round_trip<M: Pack>(
    model: &M,
    layout: &Layout<M::Packed>,
    state: &M::State,
) -> Result<M::Packed, PackingFlaw>
where
    M::State: PartialEq,
{
    let packed = model.pack(state);
    if !layout.has_room_for(&packed) {
        return Err(PackingFlaw::Bits);
    }
    if model.unpack(&packed) != *state {
        return Err(PackingFlaw::RoundTrip);
    }
    Ok(packed)
}

/// What trying out brings to light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    Packing(PackingFlaw),
    /// The plain functions tell one thing now and another then.
    NotRepeatable,
}

impl From<PackingFlaw> for Flaw {
    fn from(flaw: PackingFlaw) -> Self {
        Self::Packing(flaw)
    }
}

/// Tries the packing out on a state and all that it leads to.
pub(super) fn find_flaw<M: Pack>(
    model: &M,
    layout: &Layout<M::Packed>,
    properties: &[Property<M>],
    packed: &M::Packed,
) -> Result<(), Flaw>
where
    M::State: PartialEq,
{
    let mut by_packed = Successors::new();
    model.successors(packed, &mut Vec::new(), &mut by_packed);
    let state = model.unpack(packed);
    let mut plainly = Successors::new();
    plain_successors(model, &state, &mut Vec::new(), &mut plainly);
    if plainly != by_packed {
        let mut again = Successors::new();
        plain_successors(model, &state, &mut Vec::new(), &mut again);
        let is_repeatable = plainly == again;
        return Err(if is_repeatable {
            PackingFlaw::Successors.into()
        } else {
            Flaw::NotRepeatable
        });
    }
    for (position, property) in properties.iter().enumerate() {
        let told = model.holds(position, packed);
        if told.is_some_and(|told| told != (property.condition)(model, &state)) {
            return Err(PackingFlaw::Property.into());
        }
    }
    let next_states = model.next_states(&state);
    let within = next_states.iter().filter(|next| model.within_boundary(next));
    let tried: Result<Vec<_>, _> = within.map(|next| try_round_trip(model, layout, next)).collect();
    if tried? == plainly.steps { Ok(()) } else { Err(Flaw::NotRepeatable) }
}

/// Takes all pairs of steps out of a state that are said to commute in both orders.
pub(super) fn find_clash<M: Pack>(model: &M, packed: &M::Packed) -> Result<(), Flaw> {
    let clashes = model.clashes(&model.unpack(packed));
    if clashes { Err(PackingFlaw::Order.into()) } else { Ok(()) }
}

/// What the successors of a state are told to be.
#[derive(PartialEq)]
struct Successors<P> {
    steps: Vec<P>,
    cut: u64,
}

impl<P: Words> Successors<P> {
    fn new() -> Self {
        Self { steps: Vec::new(), cut: 0 }
    }
}

impl<M: Pack> Sink<M> for Successors<M::Packed> {
    fn kind(&self, _: &M::Action) -> Kind {
        0
    }

    fn step(&mut self, _: Kind, next: &M::Packed) {
        self.steps.push(*next);
    }

    fn cut(&mut self) {
        self.cut += 1;
    }
}

/// The actions of a state by position, each to be taken once.
pub(super) fn actions_of<M: Model>(model: &M, state: &M::State) -> Vec<M::Action> {
    let mut actions = Vec::new();
    model.actions(state, &mut actions);
    actions
}
