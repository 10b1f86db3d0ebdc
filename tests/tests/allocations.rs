//! A transition of the checked world allocates nothing: the protocol's instantiation there is plain data.
#![allow(clippy::panic, reason = "a failing test panics")]

use stateright::Model;
use syncsplit_model::world::{INSTANCES, Variant, World};

#[global_allocator]
static COUNTED: dhat::Alloc = dhat::Alloc;

/// Walks some thousands of states breadth first, and counts what taking their transitions allocates. One test only, since
/// the count is the whole process's.
#[test]
fn a_transition_allocates_nothing() {
    for instance in INSTANCES {
        let world = World::new(instance.bounds, Variant::Hardened, &[]);
        let mut states = world.init_states();
        let mut actions = Vec::new();
        let mut at = 0;
        while states.len() < 5_000 {
            world.actions(&states[at], &mut actions);
            let next = actions.drain(..).filter_map(|action| world.next_state(&states[at], action));
            let next: Vec<_> = next.collect();
            states.extend(next);
            at += 1;
        }
        actions.reserve(1_000);
        let profiler = dhat::Profiler::builder().testing().build();
        let mut taken = 0_u64;
        for state in &states {
            world.actions(state, &mut actions);
            for action in actions.drain(..) {
                taken += u64::from(world.next_state(state, action).is_some());
            }
        }
        let allocated = dhat::HeapStats::get().total_blocks;
        drop(profiler);
        assert!(taken > 1_000, "{}: only {taken} transitions were taken", instance.name);
        assert_eq!(allocated, 0, "{}: blocks allocated in {taken} transitions", instance.name);
    }
}
