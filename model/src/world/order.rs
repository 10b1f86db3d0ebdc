//! Which steps can be taken first: where one commutes with all others until it is taken, and no property sees it, the
//! others can wait. What a step does, and whether it is offered, is not said here.
//!
//! An action that leads stays one until it is taken, whatever else happens; it leads to the same state before any other
//! step as after it. Each is taken at most once before another step is, so that none is put off for ever. A test tries
//! all of that over whole worlds; docs/reductions.md says why nothing is lost.

use crate::protocol::replica::{Purpose, ReplicaState};
use crate::protocol::requester::RequesterState;
use crate::protocol::{PairState, Rule};
use crate::world::action::Action;
use crate::world::fault::Fault;
use crate::world::instance::World;
use crate::world::promise::is_worked_on;
use crate::world::state::State;

impl World {
    /// Every action offered in `state` that can be taken first.
    pub fn leading(&self, state: &State) -> impl Iterator<Item = Action> {
        let link = self.link_leads(state).then_some(Action::LinkUp);
        let requester = self.requester_leads(state).then_some(Action::RequesterTimeout);
        link.into_iter().chain(requester)
    }

    /// Whether the link's coming up changes nothing for anybody yet: a primary without a pair sends nothing but what a
    /// command makes it send, and takes the link for failed no more. It is linked again only over a link that is up.
    fn link_leads(&self, state: &State) -> bool {
        let primary = &state.primary;
        let faults = self.bounds.faults;
        let is_sending = faults.contains(Fault::OperatorDelete) && primary.state != PairState::Smpl
            || faults.contains(Fault::OperatorSuspend) && primary.pending.is_some();
        !state.link_up
            && !primary.state.is_linked()
            && !is_sending
            && faults.contains(Fault::LinkDown)
    }

    /// Whether the requester waits for what cannot come any more: nobody has its backup in hand, and nothing of it is in
    /// flight. Its id does not come back (BACKUP-4), and no pair is split for another (SPLIT-2). A crash of its host does
    /// the same as its timer.
    fn requester_leads(&self, state: &State) -> bool {
        let RequesterState::Waiting(id) = state.requester.state else { return false };
        let rules = [Rule::Backup3, Rule::Backup4, Rule::Split2];
        let replica = state.secondary.replica.state;
        self.bounds.faults.contains(Fault::Timeouts)
            && rules.iter().all(|rule| self.rules.has(*rule))
            && !is_worked_on(state, id)
            && !matches!(replica, ReplicaState::Split(Purpose::Backup(_)))
    }
}
