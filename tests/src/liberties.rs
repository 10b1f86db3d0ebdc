//! What SPEC.md leaves to an implementation, and a tester may take for a fault: names, and the roles that mark more than need
//! be. What a link, a clock and an adapter do with the others is the adapter's own.

use strum::{EnumIter, EnumMessage, EnumString, IntoStaticStr};
use syncsplit_impl::containers::BitMap;
use syncsplit_impl::payload::Payload;
use syncsplit_impl::roles::{LocalPrimary, PrimaryStep, RemoteSecondary, Roles, SecondaryStep};
use syncsplit_model::protocol::DirtyMap;
use syncsplit_model::protocol::primary::PrimaryEvent;
use syncsplit_model::protocol::secondary::SecondaryEvent;

/// One liberty: a correct program that takes it conforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, EnumMessage, EnumString, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Liberty {
    /// the array link loses one message in four, and no command is given again by itself (SPEC.md, 3.1)
    Loses,
    /// the array link delivers one message in three again, at any later time (SPEC.md, 3.1)
    Repeats,
    /// the array link holds messages back, past others and past a time in which the link is down (SPEC.md, 3.1)
    Delays,
    /// a map that marks a block marks all of them, as a coarse bitmap does
    MarksMore,
    /// either side takes a link that works for failed (PAIR-3)
    Suspects,
    /// one operation in eight is answered by an error that is not definite, whether it was done or not
    Indefinite,
    /// each status leaves fields out, or whole parts
    PartialStatus,
}

impl Liberty {
    /// The name by which an adapter is told.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The liberty, in one line.
    #[must_use]
    pub fn says(self) -> &'static str {
        self.get_documentation().unwrap_or_default()
    }
}

/// The protocol's own functions, but that a map in which a step marks a block has all blocks marked.
#[derive(Clone, Copy, Debug)]
pub struct CoarseMaps;

impl Roles for CoarseMaps {
    fn primary(&self, primary: LocalPrimary, event: PrimaryEvent<Payload, BitMap>) -> PrimaryStep {
        let before = primary.dirty.clone();
        let mut step = primary.step(self.rules(), event);
        coarsen(&before, &mut step.state.dirty);
        step
    }

    fn secondary(
        &self,
        secondary: RemoteSecondary,
        event: SecondaryEvent<Payload>,
    ) -> SecondaryStep {
        let before = secondary.dirty.clone();
        let mut step = secondary.step(self.rules(), event);
        coarsen(&before, &mut step.state.dirty);
        step
    }
}

fn coarsen(before: &BitMap, map: &mut BitMap) {
    let marks = map.iter().any(|block| !before.is_dirty(block));
    if marks {
        map.mark_all();
    }
}
