//! The checked world as the engines ask for it: packed states, and what is obliged to happen. What the world is, and which
//! promises it makes, stands in `syncsplit_model::world`; nothing is decided here.

use syncsplit_model::world::{Action, PACKED_WORDS, Packed, PromiseInfo, State, World};

use crate::engine::liveness::{Faults, Live, Promise};
use crate::engine::packed::Pack;

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
