//! The normal form loses nothing: a state and its normal form have the same successors and satisfy the same
//! properties, under every set of rules with up to two left out, along random runs with true numbers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::collections::HashSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use syncsplit_model::protocol::Rule;
use syncsplit_model::protocol::primary::JournalFull;
use syncsplit_model::world::{
    Action, Bounds, Cache, Fault, Faults, INSTANCES, Instance, PROPERTIES, Start, State, Stillness,
    Transactions, Variant, World, describe,
};

/// Successors as the checker sees them: the kind of the action and the normal form it leads to, if that is another.
fn futures(world: &World, state: &State) -> HashSet<(usize, State)> {
    let here = world.normal(*state);
    let successors = world.raw_successors(state).into_iter();
    successors
        .map(|(action, after)| (action.kind(), world.normal(after)))
        .filter(|(_, after)| *after != here)
        .collect()
}

fn truths(world: &World, state: &State) -> Vec<bool> {
    PROPERTIES.iter().map(|property| property.is_true(world, state)).collect()
}

/// Follows one run of true numbers, and compares every state on it with its normal form.
fn compare_along(world: &World, choices: &[usize]) -> Result<(), TestCaseError> {
    let mut state = world.raw_initial();
    for choice in choices {
        let normal = world.normal(state);
        prop_assert_eq!(world.normal(normal), normal, "the normal form is its own normal form");
        prop_assert_eq!(world.unpack(&world.pack(&normal)), normal, "what is packed is unpacked");
        prop_assert_eq!(truths(world, &state), truths(world, &normal));
        let (raw, renamed) = (futures(world, &state), futures(world, &normal));
        let lost: Vec<_> = raw.difference(&renamed).collect();
        let gained: Vec<_> = renamed.difference(&raw).collect();
        prop_assert!(
            lost.is_empty() && gained.is_empty(),
            "{}",
            differences(world, &state, &lost, &gained)
        );
        let successors = world.raw_successors(&state);
        if successors.is_empty() {
            break;
        }
        state = successors[choice % successors.len()].1;
    }
    Ok(())
}

/// The state, and the fields in which what follows it differs from what follows its normal form.
fn differences(
    world: &World,
    state: &State,
    lost: &[&(usize, State)],
    gained: &[&(usize, State)],
) -> String {
    let mut text = format!("in {:?}\n{:?}\n", describe::fields(world, state), state.ghost);
    for (sign, futures) in [("lost", lost), ("gained", gained)] {
        for (kind, after) in futures {
            let fields = describe::fields(world, after);
            text += &format!(
                "{sign} {}: {fields:?}\n{:?}\n{:?}\n",
                Action::KINDS[*kind],
                after.ghost,
                after.sync
            );
        }
    }
    text
}

/// Every way a world can be large, wide or faulty, each in at least one of these.
fn bounds() -> Vec<Bounds> {
    let mut bounds: Vec<Bounds> = INSTANCES.iter().map(|instance| instance.bounds).collect();
    let all = Bounds {
        faults: Faults::ALL,
        journal: 2,
        frames: 2,
        acks: 2,
        host_messages: 2,
        ..Instance::named("ci").unwrap().bounds
    };
    bounds.extend([
        Bounds { acks: 0, ..all },
        all,
        Bounds { start: Start::Smpl, ..all },
        Bounds { stillness: Stillness::Quiesce, ..all },
        Bounds { cache: Cache::Volatile, ..all },
        Bounds { transactions: Transactions::Any, blocks: 3, ..all },
        Bounds { journal_full: JournalFull::Suspend, ..all },
        Bounds { frames: 1, acks: 1, host_messages: 1, ..all },
    ]);
    bounds
}

fn run(variant: Variant, without: &[Rule], cases: u32) {
    // A fixed seed: the same runs every time. PROPTEST_CASES, 256 unless set, makes them more.
    let cases = cases * Config::default().cases.div_ceil(256);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let worlds: Vec<World> =
        bounds().into_iter().map(|bounds| World::new(bounds, variant, without)).collect();
    let inputs = (0..worlds.len(), proptest::collection::vec(any::<usize>(), 1..150));
    runner.run(&inputs, |(world, choices)| compare_along(&worlds[world], &choices)).unwrap_or_else(
        |error| match error {
            TestError::Fail(reason, _) => {
                panic!("{} without {without:?}: {reason}", variant.name())
            }
            TestError::Abort(reason) => panic!("{reason}"),
        },
    );
}

/// Walks through every state of a world by its plain normal form, and holds each against its whole normal form.
fn compare_everywhere(bounds: Bounds, variant: Variant, without: &[Rule]) {
    let world = World::new(bounds, variant, without);
    let first = world.plain_normal(world.raw_initial());
    let mut seen = HashSet::from([first]);
    let mut level = vec![first];
    while !level.is_empty() && seen.len() < STATES_MAX {
        let mut next = Vec::new();
        for state in level {
            let normal = world.normal(state);
            assert_eq!(world.normal(normal), normal);
            assert_eq!(truths(&world, &state), truths(&world, &normal));
            let (plain, whole) = (futures(&world, &state), futures(&world, &normal));
            if plain != whole {
                let lost: Vec<_> = plain.difference(&whole).collect();
                let gained: Vec<_> = whole.difference(&plain).collect();
                panic!("{}", differences(&world, &state, &lost, &gained));
            }
            for (_, after) in world.raw_successors(&state) {
                let after = world.plain_normal(after);
                if seen.insert(after) {
                    next.push(after);
                }
            }
        }
        level = next;
    }
}

/// Where a walk through a whole world ends at the latest.
const STATES_MAX: usize = 120_000;

/// Small worlds, each with what makes contents differ between the sites.
fn small() -> Vec<Bounds> {
    let ci = Instance::named("ci").unwrap().bounds;
    let one = Bounds { journal: 1, frames: 1, acks: 1, host_messages: 1, ..ci };
    let with = |bounds: Bounds, faults: &[Fault]| Bounds { faults: Faults::of(faults), ..bounds };
    let link = [Fault::LinkDown, Fault::FalseSuspicion];
    let two = Bounds { journal: 2, acks: 0, ..one };
    vec![
        with(one, &link),
        with(one, &[Fault::Takeover, Fault::LinkDown]),
        with(one, &[Fault::OperatorDelete, Fault::OperatorSuspend, Fault::Takeover]),
        with(one, &[Fault::LinkDown, Fault::CrashSecondary, Fault::CrashLocalHost]),
        with(two, &[Fault::LinkDown]),
        with(two, &[Fault::FalseSuspicion, Fault::LeaseExpiry]),
        with(Bounds { start: Start::Smpl, ..two }, &[Fault::LinkDown, Fault::OperatorDelete]),
        with(
            Bounds { stillness: Stillness::Quiesce, ..one },
            &[Fault::LinkDown, Fault::LeaseExpiry],
        ),
    ]
}

#[test]
fn through_whole_worlds() {
    for bounds in small() {
        compare_everywhere(bounds, Variant::Hardened, &[]);
    }
    compare_everywhere(small()[4], Variant::Synchronous, &[]);
    compare_everywhere(small()[4], Variant::Published, &[]);
    compare_everywhere(small()[0], Variant::Hardened, &[Rule::Resync4]);
}

#[test]
fn with_every_rule() {
    run(Variant::Hardened, &[], 200);
}

#[test]
fn under_every_other_variant() {
    for variant in Variant::ALL {
        run(*variant, &[], 150);
    }
}

#[test]
fn without_each_rule() {
    for rule in Rule::ALL {
        run(Variant::Hardened, &[*rule], 30);
    }
}

#[test]
fn without_pairs_of_rules() {
    for (index, first) in Rule::ALL.iter().enumerate() {
        for second in &Rule::ALL[index + 1..] {
            run(Variant::Hardened, &[*first, *second], 2);
        }
    }
}
