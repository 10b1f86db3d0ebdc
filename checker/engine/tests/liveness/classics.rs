//! Algorithms whose liveness is known from the literature.
//!
//! Never here: made-up graphs; see `traps.rs`.

use super::{verdicts, verified};
use stateright::Model;
use syncsplit_engine::Verdict::{Holds, Violated};
use syncsplit_engine::liveness::{Faults, Live, Promise};
use syncsplit_engine::packed::Pack;

/// How two processes keep out of each other's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lock {
    /// Peterson 1981: free of starvation if each process is scheduled fairly.
    Peterson,
    /// A word that is tested and set: one process may find it taken every time it looks.
    TestAndSet,
    /// Each waits while the other wants to: both may wait for ever.
    Politeness,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    Idle,
    /// Peterson: wants to, and has not given way yet.
    Wanting,
    Waiting,
    Inside,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Processes {
    at: [At; 2],
    turn: usize,
}

/// The process takes its next step. From `Idle` on that is its free choice.
impl Model for Lock {
    type State = Processes;
    type Action = usize;

    fn init_states(&self) -> Vec<Processes> {
        vec![Processes { at: [At::Idle; 2], turn: 0 }]
    }

    fn actions(&self, _: &Processes, actions: &mut Vec<usize>) {
        actions.extend([0, 1]);
    }

    fn next_state(&self, state: &Processes, me: usize) -> Option<Processes> {
        let mut next = *state;
        let other = state.at[1 - me];
        let may_enter = match self {
            Self::Peterson => other == At::Idle || state.turn == me,
            Self::TestAndSet => other != At::Inside,
            Self::Politeness => other == At::Idle,
        };
        next.at[me] = match state.at[me] {
            At::Idle => At::Wanting,
            At::Wanting => {
                next.turn = 1 - me;
                At::Waiting
            }
            At::Waiting if may_enter => At::Inside,
            At::Waiting => At::Waiting,
            At::Inside => At::Idle,
        };
        Some(next)
    }
}

impl Pack for Lock {
    type Packed = [u64; 1];

    fn pack(&self, Processes { at, turn }: &Processes) -> [u64; 1] {
        [at[0] as u64 | (at[1] as u64) << 2 | (*turn as u64) << 4]
    }

    fn unpack(&self, [bits]: &[u64; 1]) -> Processes {
        let at = |from: u64| [At::Idle, At::Wanting, At::Waiting, At::Inside][from as usize & 3];
        Processes { at: [at(*bits), at(bits >> 2)], turn: (bits >> 4) as usize }
    }
}

impl Live for Lock {
    fn fairness(&self, state: &Processes, me: &usize) -> Option<u8> {
        (state.at[*me] != At::Idle).then_some(*me as u8)
    }

    fn is_fault(&self, _: &Self::State, _: &usize) -> bool {
        false
    }

    fn is_repaired(&self, _: &Processes) -> bool {
        true
    }

    fn promises(&self) -> Vec<Promise<Self>> {
        vec![
            Promise {
                name: "the first gets in",
                says: "if the first process wants to, it gets in",
                from: |_, state| state.at[0] == At::Wanting,
                to: |_, state| state.at[0] == At::Inside,
                faults: Faults::GoOn,
            },
            Promise {
                name: "somebody gets in",
                says: "if both wait, one gets in",
                from: |_, state| !state.at.contains(&At::Idle),
                to: |_, state| state.at.contains(&At::Inside),
                faults: Faults::GoOn,
            },
            Promise {
                name: "everybody wants to",
                says: "the second process wants to some time",
                from: |_, _| true,
                to: |_, state| state.at[1] != At::Idle,
                faults: Faults::HaveEnded,
            },
        ]
    }
}

#[test]
fn locks_starve_whom_they_are_known_to_starve() {
    // Nobody has to want anything.
    assert_eq!(verdicts(&verified(&Lock::Peterson, 2)), [Holds, Holds, Violated]);
    assert_eq!(verdicts(&verified(&Lock::TestAndSet, 2)), [Violated, Holds, Violated]);
    assert_eq!(verdicts(&verified(&Lock::Politeness, 2)), [Violated, Violated, Violated]);
    let starved = verified(&Lock::TestAndSet, 1).promises.swap_remove(0).lasso.unwrap();
    assert!(!starved.is_stutter(), "the other one has to come and go");
    let stuck = verified(&Lock::Politeness, 1).promises.swap_remove(1).lasso.unwrap();
    assert!(stuck.is_stutter());
}

/// A message of the alternating bit protocol, over a channel with room for one frame and one
/// acknowledgement, each of which may be lost.
#[derive(Clone, Copy, Debug)]
struct AlternatingBit {
    /// Whether what was lost is sent again.
    resends: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Channel {
    /// The bit being sent, until it is acknowledged.
    sending: Option<bool>,
    next: bool,
    sent: bool,
    frame: Option<bool>,
    ack: Option<bool>,
    /// The bit the receiver waits for.
    awaited: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happens {
    Ask,
    Send,
    Receive,
    Confirm,
    LoseFrame,
    LoseAck,
}

impl Model for AlternatingBit {
    type State = Channel;
    type Action = Happens;

    fn init_states(&self) -> Vec<Channel> {
        vec![Channel::default()]
    }

    fn actions(&self, _: &Channel, actions: &mut Vec<Happens>) {
        use Happens::{Ask, Confirm, LoseAck, LoseFrame, Receive, Send};
        actions.extend([Ask, Send, Receive, Confirm, LoseFrame, LoseAck]);
    }

    fn next_state(&self, state: &Channel, happens: Happens) -> Option<Channel> {
        let mut next = *state;
        match happens {
            Happens::Ask if state.sending.is_none() => {
                next.sending = Some(state.next);
                next.next = !state.next;
                next.sent = false;
            }
            Happens::Send if self.resends || !state.sent => {
                next.frame = Some(state.sending?);
                next.sent = true;
            }
            Happens::Receive => {
                let bit = next.frame.take()?;
                next.awaited = if bit == state.awaited { !bit } else { state.awaited };
                next.ack = Some(bit);
            }
            Happens::Confirm => {
                let bit = next.ack.take()?;
                next.sending = state.sending.filter(|sending| *sending != bit);
            }
            Happens::LoseFrame => drop(next.frame.take()?),
            Happens::LoseAck => drop(next.ack.take()?),
            Happens::Ask | Happens::Send => return None,
        }
        Some(next)
    }
}

impl Pack for AlternatingBit {
    type Packed = [u64; 1];

    fn pack(&self, state: &Channel) -> [u64; 1] {
        let Channel { sending, next, sent, frame, ack, awaited } = *state;
        let bits = [sending, Some(next), Some(sent), frame, ack, Some(awaited)];
        let two = |bit: Option<bool>| bit.map_or(2, u64::from);
        [bits.into_iter().fold(0, |all, bit| all << 2 | two(bit))]
    }

    fn unpack(&self, [bits]: &[u64; 1]) -> Channel {
        let bit = |at: u32| Some(bits >> (2 * at) & 3).filter(|two| *two < 2).map(|bit| bit == 1);
        let is_set = |at| bit(at) == Some(true);
        Channel {
            sending: bit(5),
            next: is_set(4),
            sent: is_set(3),
            frame: bit(2),
            ack: bit(1),
            awaited: is_set(0),
        }
    }
}

impl Live for AlternatingBit {
    fn fairness(&self, _: &Channel, happens: &Happens) -> Option<u8> {
        match happens {
            Happens::Send => Some(0),
            Happens::Receive => Some(1),
            Happens::Confirm => Some(2),
            Happens::Ask | Happens::LoseFrame | Happens::LoseAck => None,
        }
    }

    fn is_fault(&self, _: &Self::State, happens: &Happens) -> bool {
        matches!(happens, Happens::LoseFrame | Happens::LoseAck)
    }

    fn is_repaired(&self, _: &Channel) -> bool {
        true
    }

    fn promises(&self) -> Vec<Promise<Self>> {
        [("despite losses", Faults::GoOn), ("after the last loss", Faults::HaveEnded)]
            .map(|(name, faults)| Promise {
                name,
                says: "what is asked for is confirmed",
                from: |_: &Self, state: &Channel| state.sending.is_some(),
                to: |_: &Self, state: &Channel| state.sending.is_none(),
                faults,
            })
            .into()
    }
}

#[test]
fn an_alternating_bit_gets_through_when_losses_end() {
    let resends = verified(&AlternatingBit { resends: true }, 2);
    assert_eq!(verdicts(&resends), [Violated, Holds]);
    let forgets = verified(&AlternatingBit { resends: false }, 2);
    assert_eq!(verdicts(&forgets), [Violated, Violated]);
    let lasso = forgets.promises[1].lasso.as_ref().unwrap();
    assert!(lasso.is_stutter());
    let way: Vec<_> = lasso.stem.iter().filter_map(|(happens, _)| *happens).collect();
    assert_eq!(way, [Happens::Ask, Happens::Send, Happens::LoseFrame]);
}
