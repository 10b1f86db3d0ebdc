//! What passes from one role to the other at a failback (TAKEOVER-2): a stopped node's state, with the volume it is about.
//! Neither can be looked into or made in another way, so nothing can be handed over twice, or with another volume.
//!
//! 1. The remote site has been taken over and written to. [`RemoteNode::hand_over`] and [`LocalNode::hand_over`] stop both
//!    nodes; the old primary's newest incarnation is told to the other site.
//! 2. [`LocalNode::from_taken_over`] goes on with the old S/P-VOL as its P-VOL; [`RemoteNode::from_old_primary`] goes on with
//!    the old P-VOL as its S/P-VOL, and needs an S-VOL of its own.
//! 3. A resync at the new primary brings over what differs. A takeover and a failback the other way bring the roles home.
//!
//! [`RemoteNode::hand_over`]: crate::remote::RemoteNode::hand_over
//! [`RemoteNode::from_old_primary`]: crate::remote::RemoteNode::from_old_primary
//! [`LocalNode::hand_over`]: crate::local::LocalNode::hand_over
//! [`LocalNode::from_taken_over`]: crate::local::LocalNode::from_taken_over

use std::fmt;

use syncsplit_model::protocol::Incarnation;

use crate::doorway::Arc;
use crate::roles::{LocalPrimary, RemoteSecondary};
use crate::volume::Volume;

/// What a secondary that was taken over has handed over. Invariant: in SSWS.
#[must_use = "the node has stopped, and only this knows what the other side lacks"]
pub struct TakenOver {
    pub(crate) secondary: RemoteSecondary,
    pub(crate) volume: Arc<dyn Volume>,
}

/// What a primary whose side was given up has handed over.
#[must_use = "the node has stopped, and only this knows what the other side lacks"]
pub struct OldPrimary {
    pub(crate) primary: LocalPrimary,
    pub(crate) volume: Arc<dyn Volume>,
}

impl OldPrimary {
    /// The newest incarnation that the old primary has asked for or been in. The new one goes on above it: the side that was
    /// taken over may never have heard of it.
    #[must_use]
    pub fn incarnation_newest(&self) -> Incarnation {
        self.primary.incarnation_newest()
    }
}

impl fmt::Debug for TakenOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TakenOver").field("secondary", &self.secondary).finish_non_exhaustive()
    }
}

impl fmt::Debug for OldPrimary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OldPrimary").field("primary", &self.primary).finish_non_exhaustive()
    }
}
