//! What a run counts for each kind of action and each fault agrees with what its world can offer.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]
use syncsplit_engine::{Options, packed};
use syncsplit_model::protocol::BlockIndex;
use syncsplit_model::world::{
    Action, ActionKind, Bounds, Fault, Faults, Instance, Transactions, Variant, World,
    WorldProperty,
};
use syncsplit_search::SearchSpace;
use syncsplit_study::coverage::{self, group};

/// Faults that have an effect in a world that has no other.
const EFFECTIVE: &[Fault] = &[
    Fault::LinkDown,
    Fault::FalseSuspicion,
    Fault::ArrayLoss,
    Fault::ArrayRepeat,
    Fault::HostLoss,
    Fault::HostRepeat,
    Fault::Timeouts,
    Fault::LeaseExpiry,
    Fault::OperatorSuspend,
];

fn world(faults: Faults) -> World {
    let bounds = Bounds { faults, ..Instance::named("smoke").unwrap().bounds };
    World::new(bounds, Variant::Hardened, &[])
}

fn space(world: &World) -> SearchSpace {
    SearchSpace::new(world.clone()).asking(vec![WorldProperty::Invariants], Vec::new())
}

#[test]
fn what_fires_can_be_offered_and_belongs_to_a_fault_of_the_world() {
    let singles = Fault::ALL.iter().map(|fault| Faults::only(*fault));
    for faults in std::iter::once(Faults::empty()).chain(singles) {
        let mut world = world(faults);
        if faults.contains(Fault::LeaseExpiry) {
            world.bounds.transactions = Transactions::Any;
        }
        let options = Options { kind: Some(group), threads: 2, ..Options::default() };
        let outcome = packed::run(&space(&world), &options).unwrap();
        let names: Vec<_> = faults.iter().map(Fault::name).collect();
        for action in coverage::actions(&outcome) {
            let is_right = action.fired == 0 || world.can_offer(action.action);
            assert!(is_right, "{} fires under {names:?}", action.action);
        }
        for (at, _) in outcome.kinds.iter().enumerate().filter(|(_, count)| count.fired > 0) {
            let (block, kind) = (at / ActionKind::ALL.len(), at % ActionKind::ALL.len());
            let kind = ActionKind::ALL[kind];
            let Some(fault) = block.checked_sub(1).map(|block| Fault::ALL[block]) else { continue };
            // A link taken for failed is counted as if it was up.
            let is_reaction = kind == ActionKind::Fail && faults.contains(Fault::LinkDown);
            let is_right = faults.contains(fault) || is_reaction;
            assert!(is_right, "{}, {} under {names:?}", kind, fault.name());
        }
        for report in coverage::faults(&world, &outcome) {
            let is_right = report.fired > 0 || !EFFECTIVE.iter().any(|f| f.name() == report.fault);
            assert!(is_right, "{} has no effect", report.fault);
        }
        let total: u64 = coverage::actions(&outcome).iter().map(|action| action.fired).sum();
        assert_eq!(total, outcome.transitions, "under {names:?}");
    }
}

#[test]
fn a_link_taken_for_failed_shows_a_false_suspicion_only_where_the_link_never_fails() {
    let fired = |faults: &[Fault]| {
        let world = world(faults.iter().copied().collect());
        let options = Options { kind: Some(group), threads: 2, ..Options::default() };
        let outcome = packed::run(&space(&world), &options).unwrap();
        let reports = coverage::faults(&world, &outcome);
        reports.iter().find(|report| report.fault == "false-suspicion").map(|report| report.fired)
    };
    assert!(fired(&[Fault::FalseSuspicion]) > Some(0));
    assert_eq!(fired(&[Fault::LinkDown]), None);
    assert_eq!(Action::Fail.fault(true), Some(Fault::FalseSuspicion));
    assert_eq!(Action::Fail.fault(false), None);
    assert_eq!(Action::WriteOne(BlockIndex(0)).fault(true), None);
}

#[test]
fn groups_do_not_overlap() {
    let actions = [
        Action::WriteFirst,
        Action::LinkDown,
        Action::LinkUp,
        Action::Fail,
        Action::SecondaryFail,
        Action::Suspend,
        Action::SyncTimeout,
        Action::CoordinatorTimeout,
        Action::RequesterTimeout,
        Action::LeaseExpires,
    ];
    for (at, action) in actions.iter().enumerate() {
        assert_eq!(group(action) % ActionKind::ALL.len(), action.kind() as usize);
        assert!(actions[at + 1..].iter().all(|other| group(other) != group(action)));
    }
}
