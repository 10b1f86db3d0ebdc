//! The normal form loses nothing: a state and its normal form have the same successors and satisfy the same
//! properties, under every set of rules with up to two left out, along random runs with true numbers. And a message that
//! it leaves out as dead does nothing, whenever it may arrive.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::thread;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use syncsplit_model::protocol::primary::JournalFull;
use syncsplit_model::protocol::{HostMessage, Rule, ToSecondary};
use syncsplit_model::world::state::Reply;
use syncsplit_model::world::{
    Action, ActionKind, Bounds, Cache, Fault, Faults, INSTANCES, Instance, NumberRange, Start,
    State, Stillness, Transactions, Value, Variant, World, describe,
};

use crate::worlds::truths;

/// Successors as the checker sees them: the kind of the action and the normal form it leads to, if that is another.
fn futures(world: &World, state: &State) -> HashSet<(ActionKind, State)> {
    let here = world.normal(*state);
    let successors = world.raw_successors(state).into_iter();
    successors
        .map(|(action, after)| (action.kind(), world.normal(after)))
        .filter(|(_, after)| *after != here)
        .collect()
}

/// Follows one run of true numbers, and compares every state on it with its normal form.
fn compare_along(world: &World, choices: &[usize]) -> Result<(), TestCaseError> {
    let mut state = world.raw_initial();
    for choice in choices {
        let normal = world.normal(state);
        prop_assert_eq!(world.normal(normal), normal, "the normal form is its own normal form");
        prop_assert_eq!(truths(world, &state), truths(world, &normal));
        let mut renumbered = state;
        world.renumber(&mut renumbered);
        prop_assert_eq!(world.normal(renumbered), normal, "other numbers are no other state");
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

/// A message that has been in flight, of either link or direction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Sent {
    ToSecondary(ToSecondary<Value>),
    ToPrimary(Reply),
    Host(HostMessage),
}

/// Every message in flight.
fn in_flight(state: &State) -> impl Iterator<Item = Sent> {
    let State { to_secondary, to_primary, host, .. } = *state;
    let forward: Vec<_> = to_secondary.iter().map(Sent::ToSecondary).collect();
    let back: Vec<_> = to_primary.iter().map(Sent::ToPrimary).collect();
    let between: Vec<_> = host.iter().map(Sent::Host).collect();
    forward.into_iter().chain(back).chain(between)
}

/// `state` with the message in flight once more; nothing when there is no place for it.
fn with_message(mut state: State, sent: Sent) -> Option<State> {
    let added = match sent {
        Sent::ToSecondary(message) => state.to_secondary.add(message, usize::MAX),
        Sent::ToPrimary(message) => state.to_primary.add(message, usize::MAX),
        Sent::Host(message) => state.host.add(message, usize::MAX),
    };
    added.then_some(state)
}

/// Whether `action` is the arrival of `sent`.
fn delivers(action: &Action, sent: Sent) -> bool {
    match (action, sent) {
        (Action::Deliver { message, .. }, Sent::ToSecondary(of)) => *message == of,
        (Action::DeliverReply { message, .. }, Sent::ToPrimary(of)) => *message == of,
        (Action::DeliverHost { message, .. }, Sent::Host(of)) => *message == of,
        _ => false,
    }
}

/// Follows one run of true numbers with everything that was ever in flight at hand. What the normal form once leaves out as
/// dead it must leave out ever after, and its arrival must change nothing, then and later.
fn hold_the_dead_along(
    world: &World,
    choices: &[usize],
    dead_seen: &Cell<usize>,
) -> Result<(), TestCaseError> {
    let mut state = world.raw_initial();
    let mut sent: BTreeMap<Sent, bool> = BTreeMap::new();
    // SPEC 8.6, A: while one of these is left out, an acknowledgement that is no news is lost with it.
    let acks_last = world.rules.has(Rule::Xfer4) && world.rules.has(Rule::Resync1);
    for choice in choices {
        let here = world.normal(state);
        in_flight(&state).for_each(|message| _ = sent.entry(message).or_insert(false));
        for (message, was_dead) in &mut sent {
            if !acks_last && matches!(message, Sent::ToPrimary(Reply::Ack(_))) {
                continue;
            }
            let Some(with) = with_message(state, *message).filter(|with| *with != state) else {
                continue;
            };
            let dead = world.normal(with) == here;
            prop_assert!(dead || !*was_dead, "{message:?} came back to life in {state:?}");
            *was_dead = dead;
            if !dead {
                continue;
            }
            dead_seen.set(dead_seen.get() + 1);
            for (action, after) in world.raw_successors(&with) {
                let nothing = !delivers(&action, *message) || world.normal(after) == here;
                prop_assert!(
                    nothing,
                    "{action:?} of a dead message leads from {state:?} to {after:?}"
                );
            }
        }
        let successors = world.raw_successors(&state);
        if successors.is_empty() {
            break;
        }
        let (action, after) = successors[choice % successors.len()];
        if action == Action::Failback {
            // The sides change roles, and begin with empty links.
            sent.clear();
        }
        state = after;
    }
    Ok(())
}

/// The state, and the fields in which what follows it differs from what follows its normal form.
fn differences(
    world: &World,
    state: &State,
    lost: &[&(ActionKind, State)],
    gained: &[&(ActionKind, State)],
) -> String {
    let mut text = format!("in {:?}\n{:?}\n", describe::fields(world, state), state.ghost);
    for (sign, futures) in [("lost", lost), ("gained", gained)] {
        for (kind, after) in futures {
            let fields = describe::fields(world, after);
            text += &format!("{sign} {kind}: {fields:?}\n{:?}\n{:?}\n", after.ghost, after.sync);
        }
    }
    text
}

/// Every way a world can be large, wide or faulty, each in at least one of these.
fn bounds() -> Vec<Bounds> {
    let mut bounds: Vec<Bounds> = INSTANCES.iter().map(|instance| instance.bounds).collect();
    let all = Bounds {
        faults: Faults::all(),
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
        Bounds { numbers: NumberRange::Ending, ..all },
        Bounds { numbers: NumberRange::Ending, start: Start::Smpl, frames: 1, acks: 0, ..all },
    ]);
    bounds
}

/// What is asked of one run: a world, and which of the steps on offer is taken each time.
type RunCheck<'a> = dyn Fn(&World, &[usize]) -> Result<(), TestCaseError> + 'a;

fn run(variant: Variant, without: &[Rule], cases: u32) {
    run_each(variant, without, cases, &compare_along);
}

fn run_each(variant: Variant, without: &[Rule], cases: u32, ask: &RunCheck<'_>) {
    // A fixed seed: the same runs every time. PROPTEST_CASES, 256 unless set, makes them more.
    let cases = cases * Config::default().cases.div_ceil(256);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let worlds: Vec<World> =
        bounds().into_iter().map(|bounds| World::new(bounds, variant, without)).collect();
    let inputs = (0..worlds.len(), proptest::collection::vec(any::<usize>(), 1..150));
    runner.run(&inputs, |(world, choices)| ask(&worlds[world], &choices)).unwrap_or_else(|error| {
        match error {
            TestError::Fail(reason, _) => {
                panic!("{} without {without:?}: {reason}", variant.name())
            }
            TestError::Abort(reason) => panic!("{reason}"),
        }
    });
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
    let with = |bounds: Bounds, faults: &[Fault]| Bounds {
        faults: faults.iter().copied().collect(),
        ..bounds
    };
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
        with(Bounds { numbers: NumberRange::Ending, ..one }, &link),
    ]
}

#[test]
fn through_whole_worlds() {
    // Two halves that take about as long as each other, at the same time.
    thread::scope(|scope| {
        scope.spawn(|| {
            for bounds in small().into_iter().step_by(2) {
                compare_everywhere(bounds, Variant::Hardened, &[]);
            }
            compare_everywhere(small()[0], Variant::Hardened, &[Rule::Resync4]);
        });
        for bounds in small().into_iter().skip(1).step_by(2) {
            compare_everywhere(bounds, Variant::Hardened, &[]);
        }
        compare_everywhere(small()[4], Variant::Synchronous, &[]);
        compare_everywhere(small()[4], Variant::Published, &[]);
    });
}

/// A step that changes nothing is told by its normal form (SPEC 8.4.1, step 6), so a second pass must change nothing.
#[test]
fn a_normal_form_is_its_own_without_each_rule() {
    for rule in Rule::ALL {
        for bounds in small() {
            let world = World::new(bounds, Variant::Hardened, &[*rule]);
            let first = world.normal(world.raw_initial());
            let mut seen = HashSet::from([first]);
            let mut waiting = VecDeque::from([first]);
            while let Some(state) = waiting.pop_front().filter(|_| seen.len() < 4_000) {
                for (action, after) in world.raw_successors(&state) {
                    let normal = world.normal(after);
                    assert_eq!(world.normal(normal), normal, "without {rule}, after {action:?}");
                    if seen.insert(normal) {
                        waiting.push_back(normal);
                    }
                }
            }
        }
    }
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

#[test]
fn the_dead_stay_dead() {
    let seen = Cell::new(0);
    let ask = |world: &World, choices: &[usize]| hold_the_dead_along(world, choices, &seen);
    for variant in Variant::ALL {
        run_each(*variant, &[], 200, &ask);
    }
    for rule in Rule::ALL {
        run_each(Variant::Hardened, &[*rule], 60, &ask);
    }
    assert!(seen.get() > 100_000, "only {} times was a message dead", seen.get());
}
