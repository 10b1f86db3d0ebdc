//! From numbers back to states and actions. Each step is taken again in the model.
//!
//! Never here: the choice of a way.

use super::Live;
use super::edges::Edge;
use super::expand::label;
use super::graph::{NONE, StateGraph};
use super::judge::Route;
use super::result::Lasso;
use crate::trace::{guard, nth_action};
use crate::{Doing, EngineError, Failure, Trace};
use ::stateright::Model;

/// A [`Trace`] in the terms of the model `M`.
type Way<M> = Trace<<M as Model>::Action, <M as Model>::State>;
/// A [`Lasso`] in the terms of the model `M`.
type LassoOf<M> = Lasso<<M as Model>::Action, <M as Model>::State>;

/// The place a thread has reached in the model.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    pub(super) number: u32,
    /// The action at hand, by position.
    pub(super) action: Option<u32>,
    pub(super) doing: Doing,
}

impl Default for Spot {
    fn default() -> Self {
        Self { number: NONE, action: None, doing: Doing::Setup }
    }
}

/// The numbers of the model's initial states, in the model's order.
pub(super) fn initial<M, G>(model: &M, graph: &G) -> Result<Vec<u32>, Failure<M>>
where
    M: Model,
    M::State: Clone,
    G: StateGraph<M::State>,
{
    let mut states = guard(Doing::Setup, || model.init_states())?;
    guard(Doing::Boundary, || states.retain(|state| model.within_boundary(state)))?;
    let mut numbers = Vec::new();
    guard(Doing::Setup, || graph.find(&states, &mut numbers))?;
    match numbers.contains(&NONE) {
        true => Err(EngineError::NotRepeatable { trace: Vec::new() }),
        false => Ok(numbers),
    }
}

/// The lasso that a route goes along.
pub(super) fn lasso<M, G>(model: &M, graph: &G, route: &Route) -> Result<LassoOf<M>, Failure<M>>
where
    M: Live,
    M::State: Clone + Eq,
    M::Action: Clone,
    G: StateGraph<M::State>,
{
    let stem = along(model, graph, route.begin, &route.stem)?;
    let knot = route.stem.last().map_or(route.begin, |edge| edge.target);
    let cycle = along(model, graph, knot, &route.cycle)?;
    Ok(Lasso { stem, from_at: route.open_at, cycle })
}

/// The trace from the state `begin` over `edges`: for each edge the first action that it stands
/// for.
fn along<M, G>(model: &M, graph: &G, begin: u32, edges: &[Edge]) -> Result<Way<M>, Failure<M>>
where
    M: Live,
    M::State: Clone + Eq,
    M::Action: Clone,
    G: StateGraph<M::State>,
{
    guard(Doing::Trace, || {
        let mut trace: Way<M> = Vec::new();
        trace.extend(graph.state(begin).map(|state| (None, state.into_owned())));
        for edge in edges {
            let step = trace.last().and_then(|(_, state)| {
                let target = graph.state(edge.target)?;
                let mut actions = Vec::new();
                model.actions(state, &mut actions);
                let taken = actions.into_iter().find(|action| {
                    label(model, state, action).is_ok_and(|label| label == edge.label)
                        && model.next_state(state, action.clone()).as_ref() == Some(&*target)
                });
                Some((Some(taken?), target.into_owned()))
            });
            match step {
                Some(step) => trace.push(step),
                None => return Err(EngineError::NotRepeatable { trace }),
            }
        }
        Ok(trace)
    })?
}

/// The way to a spot and the action at hand there, for an error. Empty where the model does not
/// even get that far again.
pub(super) fn told<M, G>(model: &M, graph: &G, spot: &Spot) -> (Way<M>, Option<M::Action>)
where
    M: Model,
    M::State: Clone,
    G: StateGraph<M::State>,
{
    let mut chain = Vec::new();
    let mut at = Some(spot.number);
    while let Some((number, first)) = at.and_then(|number| Some((number, graph.first(number)?))) {
        chain.push((number, first.action));
        at = first.parent;
    }
    let told = guard::<_, (), ()>(Doing::Trace, || {
        let mut trace: Way<M> = Vec::new();
        for (number, position) in chain.into_iter().rev() {
            let state = graph.state(number)?.into_owned();
            let action = match trace.last() {
                Some((_, before)) => Some(nth_action(model, before, position)?),
                None => None,
            };
            trace.push((action, state));
        }
        Some(trace)
    });
    let trace = told.ok().flatten().unwrap_or_default();
    let action =
        guard::<_, (), ()>(Doing::Trace, || nth_action(model, &trace.last()?.1, spot.action?));
    let action = action.ok().flatten();
    (trace, action)
}
