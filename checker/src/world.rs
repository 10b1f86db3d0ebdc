//! The checked world as the engines ask for it: packed states, and what is obliged to happen. What the world is, and which
//! promises it makes, stands in `syncsplit_model::world`; nothing is decided here.

use stateright::Model;
use syncsplit_model::world::{Action, PACKED_WORDS, Packed, PromiseInfo, State, World};

use crate::engine::liveness::{Faults, Live, Promise};
use crate::engine::packed::{Pack, Sink};

impl Pack for World {
    type Packed = [u64; PACKED_WORDS];

    fn bits(&self) -> usize {
        self.packed_bits()
    }

    fn pack(&self, state: &State) -> Packed {
        Self::pack(self, state)
    }

    fn unpack(&self, packed: &Packed) -> State {
        Self::unpack(self, packed)
    }

    fn successors<S: Sink<Self>>(&self, packed: &Packed, room: &mut Vec<Action>, sink: &mut S) {
        let state = Self::unpack(self, packed);
        self.actions(&state, room);
        let Some(commuting) = self.commuting() else {
            for action in room.drain(..) {
                if let Some(next) = self.packed_step(&state, packed, action) {
                    sink.step(sink.kind(&action), &next);
                }
            }
            return;
        };
        let asleep = sink.asleep();
        let mut before = asleep;
        for action in room.drain(..) {
            let step = commuting.step(&state, &action);
            if asleep & step != 0 {
                sink.sleeps(sink.kind(&action));
            } else if let Some(next) = self.packed_step(&state, packed, action) {
                let kind = sink.kind(&action);
                sink.step_and_sleep(kind, &next, commuting.asleep_after(step, before));
                before |= step;
            }
        }
    }

    fn knows_what_commutes(&self) -> bool {
        self.commuting().is_some()
    }

    fn clashes(&self, state: &State) -> bool {
        self.clash(state).is_some()
    }
}

impl Live for World {
    fn fairness(&self, state: &State, action: &Action) -> Option<u8> {
        self.obliged(state, action)
    }

    fn is_fault(&self, state: &State, action: &Action) -> bool {
        Self::is_fault(self, state, action)
    }

    fn is_repaired(&self, state: &State) -> bool {
        Self::is_repaired(self, state)
    }

    fn promises(&self) -> Vec<Promise<Self>> {
        self.asked_promises().map(promise).collect()
    }
}

fn promise(info: &PromiseInfo) -> Promise<World> {
    Promise {
        name: info.name,
        says: info.says,
        from: info.from,
        to: info.to,
        faults: if info.faults_go_on { Faults::GoOn } else { Faults::HaveEnded },
    }
}
