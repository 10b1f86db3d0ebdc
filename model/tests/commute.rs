//! Steps that commute: in every state of small worlds, and in some of the states of larger ones, of any two steps of which
//! one may sleep after the other both orders lead to the same state.

use stateright::Model;
use syncsplit_model::protocol::Rule;
use syncsplit_model::protocol::primary::JournalFull;
use syncsplit_model::world::{
    Bounds, Commuting, Fault, INSTANCES, Instance, Start, Transactions, Variant, World,
};

use crate::worlds::{SeenStates, TIMERS, one, small, with};

/// Looks at one of `every` states among the first `most`, breadth first. Returns how many steps out of them sleep, and how
/// many do not.
fn look(bounds: Bounds, most: usize, every: usize) -> [u64; 2] {
    let world = World::new(bounds, Variant::Hardened, &[]);
    let commuting = Commuting::of(&world).unwrap();
    let mut counts = [0; 2];
    let mut seen = SeenStates::default();
    let first = world.init_states().into_iter().filter(|first| seen.insert(first));
    let mut queue: Vec<_> = first.map(|first| (first, 0)).collect();
    let mut at = 0;
    while let Some((state, asleep)) = queue.get(at).copied().filter(|_| at < most) {
        if at % every == 0
            && let Some((taken, sleeper)) = commuting.clash(&world, &state)
        {
            panic!("{sleeper:?} may not sleep after {taken:?}\nin {state:?}");
        }
        at += 1;
        let mut before = asleep;
        let mut actions = Vec::new();
        world.actions(&state, &mut actions);
        // As a search lists them: what is rarely on offer comes first.
        actions.reverse();
        let mut bits = 0;
        for action in actions {
            let step = commuting.step(&state, &action);
            assert_eq!(bits & step, 0, "two steps are known by one bit: {action:?} in {state:?}");
            bits |= step;
            let Some(after) = world.next_state(&state, action) else {
                assert_eq!(asleep & step, 0, "{action:?} sleeps, and is no step: {state:?}");
                continue;
            };
            let sleeps = asleep & step != 0;
            counts[usize::from(!sleeps)] += 1;
            if !sleeps && seen.insert(&after) {
                queue.push((after, commuting.asleep_after(step, before)));
            }
            before |= step;
        }
    }
    counts
}

/// The small worlds, and more of what may sleep.
fn worlds() -> Vec<Bounds> {
    let unpaired =
        Bounds { start: Start::Smpl, journal: 3, transactions: Transactions::Any, ..one() };
    let suspending = Bounds { journal_full: JournalFull::Suspend, blocks: 3, ..one() };
    let repeats = [Fault::HostRepeat, Fault::CrashRemoteHost, Fault::ArrayRepeat];
    let more = [
        with(one(), &[TIMERS, &repeats]),
        with(unpaired, &[TIMERS, &[Fault::OperatorDelete]]),
        with(suspending, &[TIMERS, &[Fault::ArrayLoss]]),
    ];
    small().into_iter().chain(more).collect()
}

#[test]
fn what_sleeps_commutes_through_whole_worlds() {
    let mut all = [0; 2];
    for bounds in worlds() {
        let counts = look(bounds, 6_000, 1);
        all.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
    }
    let [asleep, awake] = all;
    assert!(asleep * 3 > awake * 2, "{asleep} steps sleep beside {awake} that do not");
}

#[test]
fn what_sleeps_commutes_in_every_instance() {
    for instance in INSTANCES {
        look(instance.bounds, 60_000, 23);
    }
}

/// A backup that outlives its pair: the requester dies while the S-VOL is split after a takeover.
#[test]
fn what_sleeps_commutes_far_from_the_start() {
    let ci = Instance::named("ci").unwrap().bounds;
    let faults = [Fault::Takeover, Fault::OperatorDelete, Fault::CrashRemoteHost];
    let faults = [&faults[..], &[Fault::HostRepeat, Fault::LeaseExpiry]].concat();
    look(Bounds { faults: faults.into_iter().collect(), ..ci }, 500_000, 61);
}

/// What breadth first comes to late: states far from the start.
#[test]
fn what_sleeps_commutes_along_runs_by_chance() {
    const SEED: u64 = 7;
    for instance in INSTANCES {
        let world = World::new(instance.bounds, Variant::Hardened, &[]);
        let commuting = Commuting::of(&world).unwrap();
        let mut state = world.normal(world.raw_initial());
        let mut random = SEED;
        for step in 0..60_000 {
            // Knuth's multiplier: any walk will do, as long as it is the same every time.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let next = world.next_states(&state);
            state = next[(random >> 33) as usize % next.len()];
            if step % 12 == 0
                && let Some((taken, sleeper)) = commuting.clash(&world, &state)
            {
                let name = instance.name;
                panic!(
                    "{name}, seed {SEED}: {sleeper:?} may not sleep after {taken:?}\nin {state:?}"
                );
            }
        }
    }
}

#[test]
fn no_step_sleeps_where_a_rule_is_left_out() {
    let bounds = Instance::named("smoke").unwrap().bounds;
    let sleeps =
        |variant, without: &[Rule]| Commuting::of(&World::new(bounds, variant, without)).is_some();
    for variant in Variant::ALL {
        assert_eq!(sleeps(*variant, &[]), *variant == Variant::Hardened, "{}", variant.name());
    }
    for rule in Rule::ALL {
        assert!(!sleeps(Variant::Hardened, &[*rule]), "{rule:?}");
    }
}
