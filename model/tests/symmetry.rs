//! Blocks that can be exchanged: over whole worlds, a state's image under each exchange has the images of its successors
//! as successors and satisfies the same properties, with every rule, under every variant and without each rule.

use std::collections::HashMap;

use stateright::Model;
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{
    ActionKind, Bounds, Cache, Exchange, Fault, Instance, Start, State, Stillness, Transactions,
    Variant, World,
};

use crate::worlds::{each_state, one, truths, with};

/// Each action that leads on, by its kind, with the state it leads to, and how often.
fn futures(
    world: &World,
    state: &State,
    exchange: Option<&Exchange>,
) -> HashMap<(ActionKind, State), usize> {
    let mut actions = Vec::new();
    world.actions(state, &mut actions);
    let steps = actions.into_iter().filter_map(|action| {
        let after = world.next_state(state, action)?;
        let after = exchange.map_or(after, |exchange| exchange.image(&after));
        Some((action.kind(), after))
    });
    let mut counts = HashMap::new();
    steps.for_each(|step| *counts.entry(step).or_default() += 1);
    counts
}

/// The first of up to `most` states, breadth first, whose image under one of `exchanges` is not like it.
fn first_unlike(world: &World, exchanges: &[Exchange], most: usize) -> Option<State> {
    let mut unlike = None;
    each_state(world, most, |state| {
        let is_like = |exchange: &Exchange| {
            let image = exchange.image(&state);
            world.normal(image) == image
                && truths(world, &state) == truths(world, &image)
                && futures(world, &state, Some(exchange)) == futures(world, &image, None)
        };
        if unlike.is_none() && !exchanges.iter().all(is_like) {
            unlike = Some(state);
        }
    });
    unlike
}

/// Small worlds, each with what makes blocks differ.
fn small() -> Vec<Bounds> {
    let any = |bounds| Bounds { transactions: Transactions::Any, ..bounds };
    let one = any(one());
    let two = Bounds { journal: 2, acks: 0, ..one };
    let volatile = Bounds { cache: Cache::Volatile, acks: 2, ..two };
    let unpaired = Bounds { start: Start::Smpl, volumes: 2, ..two };
    let quiesce = Bounds { stillness: Stillness::Quiesce, ..one };
    vec![
        with(one, &[&[Fault::LinkDown, Fault::FalseSuspicion, Fault::LeaseExpiry]]),
        with(Bounds { frames: 2, ..one }, &[&[Fault::Takeover, Fault::LinkDown]]),
        with(two, &[&[Fault::LinkDown, Fault::LeaseExpiry]]),
        with(volatile, &[&[Fault::CrashSecondary, Fault::CrashLocalHost, Fault::LinkDown]]),
        with(unpaired, &[&[Fault::OperatorDelete, Fault::OperatorSuspend]]),
        with(quiesce, &[&[Fault::LinkDown, Fault::CrashPrimary]]),
        any(Instance::named("ci").unwrap().bounds),
    ]
}

fn assert_alike(bounds: Bounds, variant: Variant, without: &[Rule], most: usize) {
    let world = World::new(bounds, variant, without);
    let exchanges = world.automorphisms();
    let factorial = (1..=bounds.blocks as usize).product::<usize>();
    assert_eq!(exchanges.len(), factorial - 1);
    if let Some(state) = first_unlike(&world, &exchanges, most) {
        panic!("{} without {without:?}: an image is not like {state:?}", variant.name());
    }
}

#[test]
fn images_are_alike_through_whole_worlds() {
    for bounds in small() {
        assert_alike(bounds, Variant::Hardened, &[], 20_000);
        assert_alike(Bounds { blocks: 3, ..bounds }, Variant::Hardened, &[], 4_000);
    }
}

#[test]
fn images_are_alike_under_every_variant_and_without_each_rule() {
    for bounds in small() {
        for variant in Variant::ALL {
            assert_alike(bounds, *variant, &[], 4_000);
        }
        for rule in Rule::ALL {
            assert_alike(bounds, Variant::Hardened, &[*rule], 2_000);
        }
    }
}

/// The reason for the bound: a transaction that begins with the first block cannot begin with another.
#[test]
fn the_first_and_the_last_block_have_a_part_of_their_own() {
    let with = |transactions, blocks| Bounds { transactions, blocks, ..small()[0] };
    for blocks in [2, 3] {
        let world = |transactions| World::new(with(transactions, blocks), Variant::Hardened, &[]);
        let ordered = world(Transactions::FirstLast);
        assert!(ordered.automorphisms().is_empty(), "none of {blocks} blocks is between others");
        for exchange in world(Transactions::Any).automorphisms() {
            assert!(first_unlike(&ordered, &[exchange], 5_000).is_some(), "{exchange:?}");
        }
    }
}
