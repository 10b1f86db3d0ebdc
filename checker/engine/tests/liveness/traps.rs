//! The traps that checkers of liveness have fallen into, one small model each.
//!
//! Never here: chance; see `random.rs`.

use super::net::{Fair, Fault, Free, NOWHERE, Net};
use super::{verdicts, verified};
use syncsplit_engine::Lasso;
use syncsplit_engine::Verdict::{self, Holds, Unreachable, Violated};

type NetLasso = Lasso<usize, u16>;

/// The verdicts under going and ended faults, the same on any number of threads.
fn rule(net: &Net) -> [Verdict; 2] {
    let outcome = verified(net, 1);
    for threads in [2, 3] {
        assert_eq!(verified(net, threads).promises, outcome.promises, "{threads} threads");
    }
    verdicts(&outcome).try_into().unwrap()
}

/// The same verdict whether faults go on or not: there are none.
fn assert_rules(net: &Net, verdict: Verdict) {
    assert_eq!(rule(net), [verdict; 2], "{net:?}");
}

fn lasso(net: &Net) -> NetLasso {
    verified(net, 2).promises.swap_remove(0).lasso.unwrap()
}

/// The states that the lasso comes through: stem, cycle.
fn states(lasso: &NetLasso) -> [Vec<u16>; 2] {
    [&lasso.stem, &lasso.cycle].map(|trace| trace.iter().map(|(_, state)| *state).collect())
}

#[test]
fn a_step_that_nothing_obliges_may_never_be_taken() {
    assert_rules(&Net::new(&[(0, 1, Free)]).to(&[1]), Violated);
    assert_rules(&Net::new(&[(0, 1, Fair(0))]).to(&[1]), Holds);
    let lasso = lasso(&Net::new(&[(0, 1, Free)]).to(&[1]));
    assert!(lasso.is_stutter());
    assert_eq!((states(&lasso), lasso.from_at), ([vec![0], vec![0]], 0));
}

#[test]
fn a_deadlock_is_a_run_that_stays() {
    assert_rules(&Net::new(&[(0, 1, Fair(0))]).to(&[2]), Violated);
    assert_eq!(
        states(&lasso(&Net::new(&[(0, 1, Fair(0))]).to(&[2]))),
        [vec![0, 1], vec![1]],
        "0 is no place to stay"
    );
    assert_rules(&Net::new(&[]), Violated);
}

/// A fair self loop neither counts as a step nor as enabled, so it saves nobody from stuttering.
#[test]
fn fairness_of_a_stutter_step_obliges_to_nothing() {
    assert_rules(&Net::new(&[(0, 0, Fair(0))]), Violated);
    // Fair(0) has to leave 0 where it can; a self loop under the same number is not enough.
    assert_rules(&Net::new(&[(0, 0, Fair(0)), (0, 1, Fair(0))]).to(&[1]), Holds);
    // In 1 only the self loop is left of Fair(0): not enabled, so the run may stay away from 2.
    let net = Net::new(&[(0, 1, Fair(1)), (1, 0, Fair(1)), (1, 1, Fair(0)), (0, 2, Fair(0))]);
    assert_rules(&net.to(&[2]), Violated);
    // An unfair self loop changes nothing either.
    assert_rules(&Net::new(&[(0, 0, Free), (0, 1, Fair(0))]).to(&[1]), Holds);
}

#[test]
fn a_fair_action_that_leads_nowhere_is_not_enabled() {
    assert_rules(&Net::new(&[(0, NOWHERE, Fair(0)), (0, 1, Free)]).to(&[1]), Violated);
}

/// A step between 0 and 1 is always possible, and Fair(0) out of both of them is too.
#[test]
fn a_cycle_on_which_a_fair_action_stays_enabled_is_none() {
    let cycle = [(0, 1, Free), (1, 0, Free)];
    let both = [&cycle[..], &[(0, 2, Fair(0)), (1, 2, Fair(0))]].concat();
    assert_rules(&Net::new(&both).to(&[2]), Holds);
    // Enabled in one of them only, it is not enabled without a break.
    let one = [&cycle[..], &[(0, 2, Fair(0))]].concat();
    assert_rules(&Net::new(&one).to(&[2]), Violated);
    // Enabled in both of them by different fair actions, neither is.
    let by_turns = [&cycle[..], &[(0, 2, Fair(0)), (1, 2, Fair(1))]].concat();
    assert_rules(&Net::new(&by_turns).to(&[2]), Violated);
    assert_eq!(states(&lasso(&Net::new(&by_turns).to(&[2])))[1], [0, 1, 0]);
    // By several actions that are one fair action, it is.
    let as_one = [&cycle[..], &[(0, 2, Fair(0)), (0, 3, Fair(0)), (1, 3, Fair(0))]].concat();
    assert_rules(&Net::new(&as_one).to(&[2, 3]), Holds);
}

/// Two simple cycles share 0. Each takes one fair action and keeps the other enabled, so neither
/// of them is fair; only both together are.
#[test]
fn a_component_may_be_fair_only_as_a_whole() {
    let net = Net::new(&[
        (0, 1, Fair(0)),
        (1, 0, Free),
        (0, 2, Fair(1)),
        (2, 0, Free),
        (1, 3, Fair(1)),
        (2, 3, Fair(0)),
    ]);
    assert_rules(&net.clone().to(&[3]), Violated);
    let lasso = lasso(&net.to(&[3]));
    assert_eq!(states(&lasso), [vec![0], vec![0, 1, 0, 2, 0]]);
}

/// The cycle 0, 1 is fair and the larger one through 2 is as well, though Fair(0) is enabled in 2.
#[test]
fn a_component_may_be_fair_by_a_part_of_it() {
    let net = Net::new(&[
        (0, 1, Free),
        (1, 0, Free),
        (1, 2, Free),
        (2, 0, Free),
        (0, 3, Fair(0)),
        (2, 3, Fair(0)),
    ]);
    assert_rules(&net.clone().to(&[3]), Violated);
    assert_eq!(states(&lasso(&net.to(&[3])))[1], [0, 1, 0]);
    // Reached at 2, the cycle still has to come through 1, where Fair(0) rests.
    let far = Net::new(&[
        (9, 2, Free),
        (0, 1, Free),
        (1, 2, Free),
        (2, 0, Free),
        (0, 3, Fair(0)),
        (2, 3, Fair(0)),
        (9, 3, Fair(0)),
    ]);
    let far = far.initial(&[9]).from(&[9]).to(&[3]);
    assert_rules(&far, Violated);
    assert_eq!(states(&lasso(&far)), [vec![9, 2], vec![2, 0, 1, 2]]);
}

/// Two ways meet again; nothing goes round, and a checker that takes a join for a cycle, or a
/// state seen before for a promise settled before, is wrong about one of these.
#[test]
fn ways_that_join_are_no_cycle() {
    let diamond = [(0, 1, Fair(0)), (0, 2, Fair(1)), (1, 3, Fair(0)), (2, 3, Fair(1))];
    assert_rules(&Net::new(&diamond).to(&[3]), Holds);
    // `to` on one side only: the promise is still open when the ways have joined.
    assert_rules(&Net::new(&diamond).to(&[1]), Violated);
    assert_eq!(states(&lasso(&Net::new(&diamond).to(&[1]))), [vec![0, 2, 3], vec![3]]);
    // 3 is reached first along a way on which nothing is open.
    let late = [(0, 3, Free), (0, 1, Free), (1, 2, Fair(0)), (2, 3, Fair(0)), (3, 4, Fair(0))];
    let late = Net::new(&late).from(&[2]);
    assert_rules(&late.clone().to(&[4]), Holds);
    assert_rules(&late, Violated);
}

#[test]
fn a_fair_action_that_is_never_enabled_obliges_to_nothing() {
    // Number 7 is never used, 5 only beyond `to`; they must neither save nor condemn.
    let net = Net::new(&[(0, 1, Free), (1, 0, Free), (2, 0, Fair(5)), (0, 2, Fair(1))]);
    assert_rules(&net.clone().to(&[2]), Violated);
    // The only way to be fair to 1 is to take it, whatever becomes of 5.
    let net = Net::new(&[(0, 2, Fair(1)), (2, 0, Fair(5))]);
    assert_rules(&net.to(&[2]), Holds);
}

#[test]
fn every_initial_state_is_one() {
    let net = Net::new(&[(0, 1, Fair(0)), (5, 6, Free)]).initial(&[0, 0, 5]);
    assert_rules(&net.clone().from(&[0, 5]).to(&[1, 6]), Violated);
    assert_eq!(states(&lasso(&net.clone().from(&[0, 5]).to(&[1, 6]))), [vec![5], vec![5]]);
    assert_rules(&net.from(&[0]).to(&[1, 6]), Holds);
    assert_rules(&Net::new(&[(0, 1, Free)]).initial(&[]), Unreachable);
}

#[test]
fn where_to_is_true_already_nothing_has_to_follow() {
    assert_rules(&Net::new(&[(0, 1, Free), (1, 0, Free)]).to(&[0]), Holds);
    let outcome = verified(&Net::new(&[(0, 1, Free), (1, 0, Free)]).to(&[0]), 2);
    assert_eq!(outcome.promises[0].from_states, Some(1));
    assert_eq!(outcome.promises[0].open_states, Some(0));
    // What comes before and after does not matter.
    let net = Net::new(&[(0, 1, Free), (1, 2, Free)]).from(&[1]);
    assert_rules(&net.clone().to(&[1]), Holds);
    assert_rules(&net.to(&[0, 2]), Violated);
}

#[test]
fn a_promise_that_nothing_calls_for_says_so() {
    let net = Net::new(&[(0, 1, Free), (3, 4, Free)]).from(&[3]);
    assert_rules(&net, Unreachable);
    assert_eq!(verified(&net, 2).promises[0].from_states, Some(0));
}

#[test]
fn behind_to_nothing_is_owed() {
    // The fair cycle 2, 3 can only be reached through 1.
    let net = [(0, 1, Fair(0)), (1, 2, Free), (2, 3, Free), (3, 2, Free)];
    assert_rules(&Net::new(&net).to(&[1]), Holds);
    // And a cycle that goes through `to` is none.
    assert_rules(&Net::new(&[(0, 1, Fair(0)), (1, 0, Fair(0))]).to(&[1]), Holds);
    // A cycle that no state with `from` leads to is none of its business.
    let other = [(0, 1, Fair(0)), (0, 2, Free), (2, 2, Free), (2, 3, Free), (3, 2, Free)];
    assert_rules(&Net::new(&other).from(&[1]).to(&[4]), Violated);
    assert_rules(&Net::new(&other).from(&[1]).to(&[1]), Holds);
}

/// Lost, sent again, lost: the loss is a fault and needs no fairness to go on for ever.
#[test]
fn faults_may_go_on_or_have_ended() {
    let lossy = [(0, 1, Fair(0)), (1, 0, Fault), (1, 2, Fair(1))];
    assert_eq!(rule(&Net::new(&lossy).to(&[2])), [Violated, Holds]);
    let lasso = lasso(&Net::new(&lossy).to(&[2]));
    assert_eq!(states(&lasso), [vec![0], vec![0, 1, 0]]);
    // A fault may also happen once too often before the last: 3 has no way back.
    let fatal = [(0, 1, Fair(0)), (1, 2, Fair(0)), (1, 3, Fault), (3, 4, Fair(0))];
    assert_eq!(rule(&Net::new(&fatal).to(&[2])), [Violated, Violated]);
    assert_eq!(rule(&Net::new(&fatal).to(&[2, 4])), [Holds, Holds]);
    // The same step by fault and by choice: the choice may go on when faults have ended.
    let both = [(0, 1, Fair(0)), (1, 0, Fault), (1, 0, Free), (1, 2, Fair(1))];
    assert_eq!(rule(&Net::new(&both).to(&[2])), [Violated, Violated]);
}

#[test]
fn a_fault_never_has_to_happen() {
    assert_eq!(rule(&Net::new(&[(0, 1, Fault)]).to(&[1])), [Violated, Violated]);
}

/// 1 is broken until a fault's end, which nothing obliges to come, leads to 2.
#[test]
fn what_stays_broken_does_not_count_once_faults_have_ended() {
    let net = [(0, 1, Fault), (0, 3, Fair(0)), (1, 2, Fault), (2, 3, Fair(0))];
    let net = Net::new(&net).to(&[3]);
    assert_eq!(rule(&net.clone().broken(&[1])), [Violated, Holds]);
    assert_eq!(rule(&net.clone().broken(&[])), [Violated, Violated]);
    // The stem may come through what is broken, and the promise begin to bind there.
    let net = net.from(&[1]).to(&[9]).broken(&[1]);
    assert_eq!(rule(&net), [Violated, Violated]);
    let outcome = verified(&net, 2);
    let lasso = outcome.promises[1].lasso.as_ref().unwrap();
    assert_eq!((states(lasso), lasso.from_at), ([vec![0, 1, 2, 3], vec![3]], 1));
}

/// What is enabled is enabled, though it leads out of the states that count.
#[test]
fn an_edge_out_of_the_graph_counts_as_enabled() {
    // Out of the cycle into `to`; into what is broken; over the boundary.
    let net = Net::new(&[(0, 1, Free), (1, 0, Free), (0, 2, Fair(0)), (1, 2, Fair(0))]);
    assert_rules(&net.clone().to(&[2]), Holds);
    assert_eq!(rule(&net.clone().broken(&[2])), [Violated, Holds]);
    assert_rules(&net.clone().outside(&[2]), Holds);
    assert_eq!(verified(&net.outside(&[2]), 2).cut_by_boundary, 2);
}

/// The stem is the shortest over all states with `from`, not from the nearest of them.
#[test]
fn the_stem_is_a_shortest_one() {
    let net = Net::new(&[
        (0, 1, Fair(0)),
        (1, 2, Fair(0)),
        (2, 3, Fair(0)),
        (3, 4, Fair(0)),
        (0, 5, Fair(1)),
        (5, 6, Fair(1)),
        (6, 7, Fair(1)),
    ]);
    let lasso = lasso(&net.from(&[1, 6]));
    assert_eq!((states(&lasso)[0].clone(), lasso.from_at), (vec![0, 5, 6, 7], 2));
}

/// The largest number there is room for works as any other.
#[test]
fn the_last_number_is_as_good_as_the_first() {
    assert_rules(&Net::new(&[(0, 1, Fair(63))]).to(&[1]), Holds);
    let net = Net::new(&[(0, 1, Fair(63)), (1, 0, Fair(62)), (1, 2, Fair(0))]).to(&[2]);
    assert_rules(&net, Violated);
    let kept = Net::new(&[(0, 1, Free), (1, 0, Free), (0, 2, Fair(63)), (1, 2, Fair(63))]);
    assert_rules(&kept.to(&[2]), Holds);
}
