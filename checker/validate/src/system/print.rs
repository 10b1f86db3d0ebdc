//! The fingerprint of a system: equal for equal systems, and for two others as good as never. It is put together from
//! what the containers keep up to date, so that it costs the same however large they are.

use super::System;
use crate::record::{ModelPrimary, ModelSecondary};
use crate::table::print_of;

impl System {
    /// Its fingerprint.
    pub(crate) fn print(&self) -> u128 {
        let roles = (
            self.primary.as_ref().map(primary),
            self.secondary.as_ref().map(secondary),
            self.old.as_ref().map(|old| (primary(&old.primary), secondary(&old.secondary))),
            (self.database, self.coordinator, self.requester),
        );
        let hosts = (self.syncs.print(), self.sync_newest, self.sync_rounds);
        let images = (self.frozen.print(), self.splits.print(), self.paired, self.svol_good);
        let last: [_; 4] =
            std::array::from_fn(|role| self.last[role].as_ref().and_then(|last| last.n));
        print_of(&(roles, hosts, images, last))
            .wrapping_add(self.volumes.print())
            .wrapping_add(self.sent.print())
            .wrapping_add(self.bindings.print())
            .wrapping_add(u128::from(self.left_out))
    }
}

fn primary(state: &ModelPrimary) -> u128 {
    let numbers = (state.state, state.incarnation, state.newest, state.written, state.sent);
    let rest = (state.mark, state.pending, state.quiesced);
    print_of(&(numbers, rest, state.journal.print(), state.dirty.print()))
}

fn secondary(state: &ModelSecondary) -> u128 {
    let numbers = (state.state, state.incarnation, state.written, state.consistent, state.armed);
    let maps = (state.dirty.print(), state.replica.dirty.print(), state.queue.print());
    print_of(&(numbers, maps, state.replica.state))
}
