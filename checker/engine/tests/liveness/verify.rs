//! Whether a lasso is one: read against the model alone.
//!
//! Never here: anything of the engine but the types it answers in.

use std::fmt::Debug;
use syncsplit_engine::Trace;
use syncsplit_engine::liveness::{FAIRNESS_MAX, Faults, Lasso, Live, Promise};

/// Says what is wrong with a lasso that is to break the promise.
pub(crate) fn lasso<M: Live>(
    model: &M,
    promise: &Promise<M>,
    lasso: &Lasso<M::Action, M::State>,
) -> Result<(), String>
where
    M::State: PartialEq + Debug,
    M::Action: Clone + PartialEq + Debug,
{
    let (stem, cycle) = (&lasso.stem, &lasso.cycle);
    let first = stem.first().ok_or("the stem is empty")?;
    ensure(model.init_states().contains(&first.1), || "the stem begins elsewhere".into())?;
    steps(model, stem)?;
    let knot = &stem[stem.len() - 1].1;
    let ends = cycle.first().zip(cycle.last()).ok_or("the cycle is empty")?;
    ensure(ends.0.1 == *knot && ends.1.1 == *knot, || "the cycle is open".into())?;
    steps(model, cycle)?;

    let from = stem.get(lasso.from_at).ok_or("`from` lies outside the stem")?;
    ensure((promise.from)(model, &from.1), || format!("no `from` in {:?}", from.1))?;
    for (_, state) in stem[lasso.from_at..].iter().chain(cycle) {
        ensure(!(promise.to)(model, state), || format!("`to` in {state:?}"))?;
    }
    let with_faults = promise.faults == Faults::GoOn;
    if !with_faults {
        for (_, state) in cycle {
            ensure(model.is_repaired(state), || format!("{state:?} is broken"))?;
        }
        for pair in cycle.windows(2) {
            let [(_, before), (Some(action), _)] = pair else { continue };
            let fault = model.is_fault(before, action);
            ensure(!fault, || format!("the cycle has the fault {action:?}"))?;
        }
    }
    for number in 0..=FAIRNESS_MAX {
        let taken = cycle.windows(2).any(|pair| {
            let action = pair[1].0.as_ref();
            action.is_some_and(|action| model.fairness(&pair[0].1, action) == Some(number))
        });
        let rests = cycle.iter().any(|(_, state)| !is_enabled(model, state, number, with_faults));
        ensure(taken || rests, || format!("unfair to {number}"))?;
    }
    Ok(())
}

/// The first element has no action; each other is reached from the one before by its action.
fn steps<M: Live>(model: &M, trace: &Trace<M::Action, M::State>) -> Result<(), String>
where
    M::State: PartialEq + Debug,
    M::Action: Clone + PartialEq + Debug,
{
    ensure(trace[0].0.is_none(), || "a path begins with an action".into())?;
    for pair in trace.windows(2) {
        let [(_, before), (action, after)] = pair else { continue };
        let action = action.clone().ok_or("a step without an action")?;
        let mut actions = Vec::new();
        model.actions(before, &mut actions);
        ensure(actions.contains(&action), || format!("{action:?} is no action of {before:?}"))?;
        let next = model.next_state(before, action.clone());
        ensure(next.as_ref() == Some(after), || format!("{action:?} leads to {next:?}"))?;
        ensure(before != after, || format!("{action:?} is a step that is none"))?;
    }
    Ok(())
}

/// Whether an action that is part of the fair action leads from the state to another.
pub(crate) fn is_enabled<M: Live>(
    model: &M,
    state: &M::State,
    number: u8,
    with_faults: bool,
) -> bool
where
    M::State: PartialEq,
{
    let mut actions = Vec::new();
    model.actions(state, &mut actions);
    actions.into_iter().any(|action| {
        model.fairness(state, &action) == Some(number)
            && (with_faults || !model.is_fault(state, &action))
            && model.next_state(state, action).is_some_and(|next| next != *state)
    })
}

fn ensure(holds: bool, wrong: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(wrong()) }
}
