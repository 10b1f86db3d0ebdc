//! Steps that can be taken first: in every state of whole worlds, with every rule, under every variant and without each
//! rule, such a step commutes with every other, stays one until it is taken, is seen by no property, and does not come
//! back by steps of its kind.

use stateright::Model;
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{Action, Bounds, Fault, Start, State, Variant, World};

use crate::worlds::{TIMERS, each_state, one, small, truths, with};

fn steps(world: &World, state: &State) -> Vec<(Action, State)> {
    let mut actions = Vec::new();
    world.actions(state, &mut actions);
    let step = |action: Action| Some((action, world.next_state(state, action)?));
    actions.into_iter().filter_map(step).collect()
}

/// What is wrong with taking `first` before all others in `state`.
fn wrong(world: &World, state: &State, first: Action) -> Option<String> {
    let Some(after) = world.next_state(state, first) else {
        return Some("it leads nowhere".into());
    };
    if truths(world, state) != truths(world, &after) {
        return Some("a property sees it".into());
    }
    let kinds = steps(world, &after);
    for (other, aside) in steps(world, state) {
        // The same step by another name.
        if aside == after {
            continue;
        }
        if !world.leading(&aside).any(|leading| leading.kind() == first.kind()) {
            return Some(format!("it leads no more after {other:?}"));
        }
        let both = world.next_state(&aside, first);
        let is_same = |(action, state): &(Action, State)| {
            action.kind() == other.kind() && Some(*state) == both
        };
        if both != Some(after) && !kinds.iter().any(is_same) {
            return Some(format!("it does not commute with {other:?}"));
        }
    }
    None
}

/// Looks at up to `most` states, breadth first; how many have a step that can be taken first.
fn look(bounds: Bounds, variant: Variant, without: &[Rule], most: usize) -> usize {
    let world = World::new(bounds, variant, without);
    let mut led = 0;
    each_state(&world, most, |state| {
        for action in world.leading(&state) {
            if let Some(wrong) = wrong(&world, &state, action) {
                let name = variant.name();
                panic!("{name} without {without:?}, {action:?}: {wrong}\nin {state:?}");
            }
        }
        led += usize::from(world.leading(&state).next().is_some());
        assert!(ends(&world, state), "steps taken first put the others off for ever");
    });
    led
}

/// Whether after a few steps that can be taken first there is none.
fn ends(world: &World, mut state: State) -> bool {
    for _ in 0..3 {
        let Some(first) = world.leading(&state).next() else { return true };
        state = world.next_state(&state, first).unwrap();
    }
    false
}

/// The small worlds, one with timers alone, and one that begins without a pair.
fn worlds() -> Vec<Bounds> {
    let unpaired = Bounds { start: Start::Smpl, journal: 2, ..one() };
    let more = [with(one(), &[TIMERS]), with(unpaired, &[TIMERS, &[Fault::OperatorDelete]])];
    small().into_iter().chain(more).collect()
}

#[test]
fn what_leads_commutes_through_whole_worlds() {
    let led: usize = worlds().iter().map(|b| look(*b, Variant::Hardened, &[], 30_000)).sum();
    assert!(led > 10_000, "in {led} states only a step can be taken first");
}

#[test]
fn what_leads_commutes_under_every_variant_and_without_each_rule() {
    for bounds in worlds() {
        for variant in Variant::ALL {
            look(bounds, *variant, &[], 6_000);
        }
        for rule in Rule::ALL {
            look(bounds, Variant::Hardened, &[*rule], 4_000);
        }
    }
}
