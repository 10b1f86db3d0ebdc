//! Steps that can be taken first: in every state of whole worlds, with every rule, under every variant and without each
//! rule, such a step commutes with every other, stays one until it is taken, is seen by no property, and does not come
//! back by steps of its kind.

use std::collections::HashSet;

use stateright::Model;
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{
    Action, Bounds, Cache, Fault, Instance, Start, State, Stillness, Variant, World, WorldProperty,
};

fn truths(world: &World, state: &State) -> Vec<bool> {
    WorldProperty::ALL.iter().map(|property| property.is_true(world, state)).collect()
}

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
    let first = world.normal(world.raw_initial());
    let mut seen = HashSet::from([world.pack(&first)]);
    let mut queue = vec![first];
    let (mut at, mut led) = (0, 0);
    while let Some(state) = queue.get(at).copied().filter(|_| at < most) {
        at += 1;
        for action in world.leading(&state) {
            if let Some(wrong) = wrong(&world, &state, action) {
                let name = variant.name();
                panic!("{name} without {without:?}, {action:?}: {wrong}\nin {state:?}");
            }
        }
        led += usize::from(world.leading(&state).next().is_some());
        assert!(ends(&world, state), "steps taken first put the others off for ever");
        for after in world.next_states(&state) {
            if seen.insert(world.pack(&after)) {
                queue.push(after);
            }
        }
    }
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

/// Small worlds, together with every fault.
fn small() -> Vec<Bounds> {
    let ci = Instance::named("ci").unwrap().bounds;
    let one = Bounds { journal: 1, frames: 1, acks: 1, host_messages: 1, ..ci };
    let with = |bounds: Bounds, faults: &[Fault]| Bounds {
        faults: faults.iter().copied().collect(),
        ..bounds
    };
    let timers = [Fault::LinkDown, Fault::Timeouts, Fault::HostLoss];
    vec![
        with(one, &timers),
        with(one, &[&timers[..], &[Fault::HostRepeat, Fault::CrashRemoteHost]].concat()),
        with(one, &[&timers[..], &[Fault::OperatorDelete, Fault::OperatorSuspend]].concat()),
        with(one, &[&timers[..], &[Fault::Takeover, Fault::FalseSuspicion]].concat()),
        with(
            Bounds { cache: Cache::Volatile, acks: 2, frames: 2, host_messages: 2, ..one },
            &[&timers[..], &[Fault::CrashSecondary, Fault::CrashLocalHost]].concat(),
        ),
        with(
            Bounds { start: Start::Smpl, journal: 2, ..one },
            &[&timers[..], &[Fault::OperatorDelete]].concat(),
        ),
        with(
            Bounds { stillness: Stillness::Quiesce, ..one },
            &[&timers[..], &[Fault::LeaseExpiry, Fault::CrashCoordinator]].concat(),
        ),
        ci,
    ]
}

#[test]
fn what_leads_commutes_through_whole_worlds() {
    let led: usize = small().iter().map(|b| look(*b, Variant::Hardened, &[], 30_000)).sum();
    assert!(led > 10_000, "in {led} states only a step can be taken first");
}

#[test]
fn what_leads_commutes_under_every_variant_and_without_each_rule() {
    for bounds in small() {
        for variant in Variant::ALL {
            look(bounds, *variant, &[], 6_000);
        }
        for rule in Rule::ALL {
            look(bounds, Variant::Hardened, &[*rule], 4_000);
        }
    }
}
