//! BACKUP: what requester and coordinator say to each other.

use super::*;

#[test]
fn backup_1_reads_from_permission_to_release() {
    let waiting = Requester::default().step(ALL, RequesterEvent::Start).state;
    assert_eq!(waiting.state, RequesterState::Waiting(ID));
    let reading = waiting.step(ALL, RequesterEvent::Permit(ID)).state;
    assert_eq!(reading.state, RequesterState::Reading(ID));
    assert!(reading.step(ALL, RequesterEvent::Timeout).refused.is_some());
    let finished = reading.step(ALL, RequesterEvent::Finish);
    assert_eq!(finished.effects.as_slice(), [RequesterEffect::Release(ID)]);
    let early = Requester::default().step(less(Rule::Backup1), RequesterEvent::Start).state;
    assert_eq!(early.state, RequesterState::Reading(ID));
}

/// A coordinator in the given state, and what it does on the event.
fn coordinates(
    rules: Rules,
    state: CoordinatorState,
    event: CoordinatorEvent,
) -> (CoordinatorState, Vec<CoordinatorEffect>) {
    let step = Coordinator { state, newest: Some(ID) }.step(rules, event);
    (step.state.state, step.effects.into_iter().collect())
}

#[test]
fn backup_2_permits_after_the_thaw_has_answered() {
    let done = CoordinatorEvent::SplitAnswer { id: ID, done: true };
    let (state, effects) = coordinates(ALL, CoordinatorState::Splitting(ID), done);
    assert_eq!(state, CoordinatorState::Thawing(ID));
    assert_eq!(effects, [CoordinatorEffect::Thaw(ID)]);
    for (held, answer) in [(true, HostMessage::Permit(ID)), (false, HostMessage::Reject(ID))] {
        let thawed = CoordinatorEvent::Thawed { id: ID, held };
        let (state, effects) = coordinates(ALL, CoordinatorState::Thawing(ID), thawed);
        assert_eq!(
            (state, effects),
            (CoordinatorState::Idle, vec![CoordinatorEffect::Send(answer)])
        );
    }
    let (_, effects) = coordinates(less(Rule::Backup2), CoordinatorState::Splitting(ID), done);
    assert_eq!(effects.first(), Some(&CoordinatorEffect::Send(HostMessage::Permit(ID))));
}

#[test]
fn backup_3_thaws_and_answers_on_every_failure() {
    let failures = [
        (CoordinatorState::Freezing(ID), CoordinatorEvent::Timeout),
        (CoordinatorState::Syncing(ID), CoordinatorEvent::Synced { done: false }),
        (CoordinatorState::Splitting(ID), CoordinatorEvent::Timeout),
        (CoordinatorState::Splitting(ID), CoordinatorEvent::SplitAnswer { id: ID, done: false }),
        (CoordinatorState::Thawing(ID), CoordinatorEvent::Timeout),
    ];
    for (state, event) in failures {
        let (after, effects) = coordinates(ALL, state, event);
        assert_eq!(after, CoordinatorState::Idle);
        let rejects = CoordinatorEffect::Send(HostMessage::Reject(ID));
        assert_eq!(effects, [CoordinatorEffect::Thaw(ID), rejects]);
        let (_, without) = coordinates(less(Rule::Backup3), state, event);
        assert!(without.is_empty(), "without BACKUP-3 nobody is told");
    }
}

#[test]
fn backup_3_stops_waiting() {
    for state in COORDINATOR_STATES {
        let coordinator = Coordinator { state, newest: Some(ID) };
        let waits = !matches!(state, CoordinatorState::Idle | CoordinatorState::Syncing(_));
        let refused = coordinator.step(ALL, CoordinatorEvent::Timeout).refused;
        assert_eq!(refused.is_none(), waits, "{state:?}: Sync has a timeout of its own");
        let without = coordinator.step(less(Rule::Backup3), CoordinatorEvent::Timeout);
        assert_eq!(without.refused, Some(CoordinatorRefusal::WrongState(state)), "waits for ever");
    }
    let waiting = Requester::default().step(ALL, RequesterEvent::Start).state;
    let given_up = waiting.step(ALL, RequesterEvent::Timeout);
    assert_eq!(given_up.effects.as_slice(), [RequesterEffect::Release(ID)]);
    let without = waiting.step(less(Rule::Backup3), RequesterEvent::Timeout).refused;
    assert_eq!(without, Some(RequesterRefusal::WrongState(RequesterState::Waiting(ID))));
}

#[test]
fn backup_4_never_uses_an_id_again() {
    let requester = Requester::default().step(ALL, RequesterEvent::Start).state;
    let idle = requester.step(ALL, RequesterEvent::Reject(ID)).state;
    let second = idle.step(ALL, RequesterEvent::Start).state;
    assert_eq!(second.state, RequesterState::Waiting(ID.next()));
    let reused = idle.step(less(Rule::Backup4), RequesterEvent::Start).state;
    assert_eq!(reused.state, RequesterState::Waiting(ID), "without BACKUP-4 ids come back");
    let coordinator = Coordinator { state: CoordinatorState::Idle, newest: Some(ID) };
    let refused = coordinator.step(ALL, CoordinatorEvent::Request(ID)).refused;
    assert_eq!(refused, Some(CoordinatorRefusal::SeenBefore(ID)));
    let rules = less(Rule::Backup4);
    assert_eq!(coordinator.step(rules, CoordinatorEvent::Request(ID)).refused, None);
    let busy = Coordinator { state: CoordinatorState::Syncing(ID), newest: Some(ID) };
    let step = busy.step(ALL, CoordinatorEvent::Request(ID.next()));
    let rejected = CoordinatorEffect::Send(HostMessage::Reject(ID.next()));
    assert_eq!(step.effects.as_slice(), [rejected], "one backup at a time");
    assert_eq!(step.state.state, CoordinatorState::Syncing(ID));
}
