//! CCI as an oracle: what the shipped command line answers to pair commands, written down by hand from the table "pair
//! status versus command" of the CCI User and Reference Guide (MK-90RD011; TrueCopy and Universal Replicator), beside
//! what the protocol does. The replica pair is compared with the same guide's ShadowImage table.
//!
//! The editions differ in one row: in PSUE, `pairsplit -r` and `-P` are rejected by the edition of the 2000s, and
//! accepted with nothing done by the VSP generation's. The protocol accepts and does nothing, so that an operator's
//! script that suspends first need not know whether a failure was quicker.

use syncsplit_model::protocol::primary::{JournalFull, Primary, PrimaryEffect, PrimaryEvent};
use syncsplit_model::protocol::replica::{Purpose, ReplicaState};
use syncsplit_model::protocol::secondary::{Secondary, SecondaryEffect, SecondaryEvent};
use syncsplit_model::protocol::{
    BackupId, BlockIndex, DirtyMap, Incarnation, PairState, Rules, Seq,
};
use syncsplit_model::world::bounded::{BlockSet, BoundedQueue};

type Queue = BoundedQueue<u8, 4>;
type TestPrimary = Primary<u8, Queue, BlockSet>;
type TestSecondary = Secondary<u8, Queue, BlockSet>;

const ALL: Rules = Rules::HARDENED;

/// CCI's answer to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// `Ac>n`: done, and the pair goes to this state.
    Goes(PairState),
    /// `ok0`: accepted, nothing done.
    Nothing,
    /// `Rj`: rejected.
    Rejected,
    /// `ok0` in one edition, `Rj` in another.
    NothingOrRejected,
}

/// A column of CCI's table, and what it is here.
struct Column {
    command: &'static str,
    here: Result<PrimaryEvent<u8, BlockSet>, &'static str>,
}

fn columns() -> [Column; 6] {
    let here = |command, event| Column { command, here: Ok(event) };
    let not_here = |command, reason| Column { command, here: Err(reason) };
    [
        here("paircreate", PrimaryEvent::Create),
        not_here(
            "paircreate -nocopy",
            "it takes the operator's word that the volumes are equal, and PAIR-1 takes nobody's",
        ),
        here("pairsplit -r", PrimaryEvent::Suspend),
        not_here(
            "pairsplit -P",
            "it fences the P-VOL's hosts; holding them is QUIESCE-1, which leaves the pair alone",
        ),
        here("pairsplit -S", PrimaryEvent::Delete),
        here("pairresync", PrimaryEvent::Resync),
    ]
}

/// A row of CCI's table: the state at the P-VOL's side, which a command is checked against, and what it is here.
struct Row {
    status: &'static str,
    here: Result<PairState, &'static str>,
    answers: [Answer; 6],
}

/// CCI's table, its columns in the order of [`columns`].
const TABLE: [Row; 6] = {
    use Answer::{Goes, Nothing as No, NothingOrRejected as Either, Rejected as Rj};
    use PairState::{Copy, Pair, Psue, Psus, Smpl};
    [
        Row { status: "SMPL", here: Ok(Smpl), answers: [Goes(Copy), Goes(Pair), Rj, Rj, No, Rj] },
        Row { status: "COPY", here: Ok(Copy), answers: [No, No, Goes(Psus), Rj, Goes(Smpl), No] },
        Row {
            status: "PAIR",
            here: Ok(Pair),
            answers: [No, No, Goes(Psus), Goes(Psus), Goes(Smpl), No],
        },
        Row { status: "PSUS", here: Ok(Psus), answers: [Rj, Rj, No, No, Goes(Smpl), Goes(Copy)] },
        Row {
            status: "PSUE",
            here: Ok(Psue),
            answers: [Rj, Rj, Either, Either, Goes(Smpl), Goes(Copy)],
        },
        Row {
            status: "PDUB",
            here: Err("a volume of several units whose pairs differ; a group here has one state"),
            answers: [Rj, Rj, Rj, Rj, Goes(Smpl), Goes(Copy)],
        },
    ]
};

fn primary(state: PairState) -> TestPrimary {
    let mut primary = Primary::new(Queue::new(3), BlockSet::new(2), JournalFull::Hold);
    primary.state = state;
    primary.incarnation = Incarnation(1);
    if state == PairState::Copy || state.is_suspended() {
        primary.dirty.mark(BlockIndex(0));
    }
    primary
}

fn secondary(state: PairState) -> TestSecondary {
    let mut secondary = Secondary::new(Queue::new(3), BlockSet::new(2));
    secondary.state = state;
    secondary.incarnation = Incarnation(1);
    secondary.consistent = !matches!(state, PairState::Smpl | PairState::Copy);
    secondary
}

/// The states of the secondary that go with the primary's when both know the same.
const fn beside(primary: PairState) -> PairState {
    match primary {
        PairState::Psus => PairState::Ssus,
        other => other,
    }
}

/// Gives the command at the primary and carries the messages until both sides are silent.
fn command(
    primary: TestPrimary,
    secondary: TestSecondary,
    command: PrimaryEvent<u8, BlockSet>,
) -> (Answer, TestPrimary, TestSecondary) {
    let step = primary.step(ALL, command);
    if step.refused.is_some() {
        return (Answer::Rejected, primary, secondary);
    }
    if step.state == primary && step.effects.is_empty() {
        return (Answer::Nothing, primary, secondary);
    }
    let (mut primary, mut secondary) = (step.state, secondary);
    for effect in step.effects {
        let PrimaryEffect::Send(message) = effect else { panic!("not a message: {effect:?}") };
        let step = secondary.step(ALL, SecondaryEvent::Arrived(message));
        secondary = step.state;
        for effect in step.effects {
            // The others are the gold copy's.
            if let SecondaryEffect::Send(message) = effect {
                primary = primary.step(ALL, PrimaryEvent::Arrived(message)).state;
            }
        }
    }
    (Answer::Goes(primary.state), primary, secondary)
}

fn agrees(cci: Answer, ours: Answer) -> bool {
    match cci {
        Answer::NothingOrRejected => matches!(ours, Answer::Nothing | Answer::Rejected),
        other => other == ours,
    }
}

#[test]
fn primary_answers_as_cci() {
    let mut compared = 0;
    for row in &TABLE {
        for (column, cci) in columns().into_iter().zip(row.answers) {
            let (Ok(state), Ok(event)) = (row.here, column.here) else { continue };
            let (ours, _, other) = command(primary(state), secondary(beside(state)), event);
            let cell = format!("{} in {}", column.command, row.status);
            assert!(agrees(cci, ours), "{cell}: CCI {cci:?}, the protocol {ours:?}");
            if let Answer::Goes(state) = ours {
                assert_eq!(other.state, beside(state), "{cell}: the secondary follows");
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 20, "five states by four commands");
}

#[test]
fn editions_that_disagree_are_decided_for_the_newer() {
    let state = PairState::Psue;
    let (ours, ..) = command(primary(state), secondary(state), PrimaryEvent::Suspend);
    assert_eq!(ours, Answer::Nothing);
}

#[test]
fn what_is_not_here_says_why() {
    for row in &TABLE {
        if let Err(reason) = row.here {
            assert!(!reason.is_empty(), "{}", row.status);
        }
    }
    let absent: Vec<_> = columns().into_iter().filter(|column| column.here.is_err()).collect();
    assert_eq!(absent.len(), 2);
    let states = TABLE.iter().filter_map(|row| row.here.ok()).collect::<Vec<_>>();
    // SSUS and SSWS are states of the secondary; the command is checked against the primary's.
    assert_eq!(
        states,
        [PairState::Smpl, PairState::Copy, PairState::Pair, PairState::Psus, PairState::Psue]
    );
}

/// CCI: "Ac>2 (not in SSWS)". The changes at a side that was taken over dominate, and the old P-VOL's side neither
/// resynchronises nor deletes it.
#[test]
fn a_side_in_ssws_is_neither_resynchronised_nor_deleted() {
    for state in [PairState::Psus, PairState::Psue] {
        for event in [PrimaryEvent::Resync, PrimaryEvent::Delete] {
            let taken = secondary(PairState::Ssws);
            let (_, after, other) = command(primary(state), taken, event.clone());
            assert_eq!(other, taken, "{event:?} in {state}");
            assert!(!after.state.is_linked(), "{event:?} in {state}");
        }
    }
}

/// Between create or resync and the secondary's answer CCI shows COPY already. Here the old state stands until the
/// answer: the command given again asks again, and every other one is answered as in the state that is shown.
#[test]
fn a_request_without_an_answer_leaves_the_row_as_it_is() {
    for state in [PairState::Smpl, PairState::Psus, PairState::Psue] {
        let again =
            if state == PairState::Smpl { PrimaryEvent::Create } else { PrimaryEvent::Resync };
        let asked = primary(state).step(ALL, again.clone()).state;
        assert_eq!((asked.state, asked.pending), (state, Some(Incarnation(2))));
        let repeated = asked.step(ALL, again.clone());
        assert_eq!((repeated.state, repeated.effects.len()), (asked, 1));
        for event in [PrimaryEvent::Create, PrimaryEvent::Suspend, PrimaryEvent::Resync] {
            if event != again {
                let plain = primary(state).step(ALL, event.clone()).refused;
                assert_eq!(asked.step(ALL, event).refused, plain, "{state}");
            }
        }
        let deleted = asked.step(ALL, PrimaryEvent::Delete).state;
        assert_eq!((deleted.state, deleted.pending), (PairState::Smpl, None));
    }
}

fn replica_with(state: ReplicaState, armed: u32) -> TestSecondary {
    let mut secondary = secondary(PairState::Pair);
    secondary.replica.state = state;
    secondary.armed = Some(BackupId(armed));
    secondary.written = Seq(1);
    secondary
}

/// ShadowImage, the rows and columns that the replica pair has: PAIR and PSUS by `pairsplit` and `pairresync`. It is
/// there from the beginning and never deleted, so SMPL, `paircreate` and `pairsplit -S` are not; a split and a restore
/// are one step, so COPY(SP) and RCPY are not; it is inside one array, so PSUE and `pairsplit -E` are not.
#[test]
fn replica_pair_answers_as_shadowimage() {
    let one = ReplicaState::Split(Purpose::Backup(BackupId(1)));
    let pair = replica_with(ReplicaState::Pair, 1);
    let split = replica_with(one, 1);
    let answer = |secondary: TestSecondary, event| {
        let step = secondary.step(ALL, event);
        (step.refused.is_none(), step.state.replica.state)
    };
    let (pairsplit, pairresync) =
        (SecondaryEvent::Split(BackupId(1)), SecondaryEvent::Release(BackupId(1)));
    assert_eq!(answer(pair, pairsplit), (true, one), "PAIR, split: Ac>4");
    assert_eq!(answer(split, pairsplit), (true, one), "PSUS, split: ok0");
    assert_eq!(answer(pair, pairresync), (true, ReplicaState::Pair), "PAIR, resync: ok0");
    assert_eq!(answer(split, pairresync), (true, ReplicaState::Pair), "PSUS, resync: Ac>2");
    // ok0 again in CCI, which knows no backups; here SPLIT-2 tells them apart.
    let other = answer(replica_with(one, 2), SecondaryEvent::Split(BackupId(2)));
    assert_eq!(other, (false, one), "PSUS for backup 1, split for 2");
}
