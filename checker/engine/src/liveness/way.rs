//! From numbers back to states and actions. Each step is taken again in the model.
//!
//! Never here: the choice of a way.

use super::Live;
use super::edges::Edge;
use super::graph::{NONE, StateGraph};
use super::judge::Route;
use super::label::label;
use super::result::Lasso;
use crate::guard::guard;
use crate::packed::Pack;
use crate::{Doing, EngineError, Failure, TraceOf};
use ::stateright::Model;

/// A [`Lasso`] in the terms of the model `M`.
type LassoOf<M> = Lasso<<M as Model>::Action, <M as Model>::State>;

/// The place a thread has reached in the model.
#[derive(Clone, Copy)]
pub(super) struct CallSite {
    pub(super) number: u32,
    /// The action at hand, by position.
    pub(super) action: Option<u32>,
    pub(super) doing: Doing,
}

impl Default for CallSite {
    fn default() -> Self {
        Self { number: NONE, action: None, doing: Doing::Setup }
    }
}

/// The numbers of the model's initial states, in the model's order.
pub(super) fn initial<M>(model: &M, graph: &StateGraph<'_, M>) -> Result<Vec<u32>, Failure<M>>
where
    M: Pack,
    M::State: Clone,
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
pub(super) fn lasso<M>(
    model: &M,
    graph: &StateGraph<'_, M>,
    route: &Route,
) -> Result<LassoOf<M>, Failure<M>>
where
    M: Live + Pack,
    M::State: Clone + Eq,
    M::Action: Clone,
{
    let stem = along(model, graph, route.begin, &route.stem)?;
    let knot = route.stem.last().map_or(route.begin, |edge| edge.target);
    let cycle = along(model, graph, knot, &route.cycle)?;
    Ok(Lasso { stem, from_at: route.open_at, cycle })
}

/// The trace from the state `begin` over `edges`: for each edge the first action that it stands
/// for.
fn along<M>(
    model: &M,
    graph: &StateGraph<'_, M>,
    begin: u32,
    edges: &[Edge],
) -> Result<TraceOf<M>, Failure<M>>
where
    M: Live + Pack,
    M::State: Clone + Eq,
    M::Action: Clone,
{
    guard(Doing::Trace, || {
        let mut trace: TraceOf<M> = Vec::new();
        trace.extend(graph.state(begin).map(|state| (None, state)));
        for edge in edges {
            let step = trace.last().and_then(|(_, state)| {
                let target = graph.state(edge.target)?;
                let mut actions = Vec::new();
                model.actions(state, &mut actions);
                let taken = actions.into_iter().find(|action| {
                    label(model, state, action).is_ok_and(|label| label == edge.label)
                        && model.next_state(state, action.clone()).as_ref() == Some(&target)
                });
                Some((Some(taken?), target))
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
pub(super) fn told<M>(
    model: &M,
    graph: &StateGraph<'_, M>,
    spot: &CallSite,
) -> (TraceOf<M>, Option<M::Action>)
where
    M: Pack,
    M::State: Clone,
{
    let mut chain = Vec::new();
    let mut at = Some(spot.number);
    while let Some((number, first)) = at.and_then(|number| Some((number, graph.first(number)?))) {
        chain.push((number, first.action));
        at = first.parent;
    }
    let told = guard::<_, (), ()>(Doing::Trace, || {
        let mut trace: TraceOf<M> = Vec::new();
        for (number, position) in chain.into_iter().rev() {
            let state = graph.state(number)?;
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

fn nth_action<M: Model>(model: &M, state: &M::State, position: u32) -> Option<M::Action> {
    let mut actions = Vec::new();
    model.actions(state, &mut actions);
    actions.into_iter().nth(position as usize)
}
