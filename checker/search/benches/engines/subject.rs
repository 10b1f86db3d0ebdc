//! What the engines are compared on.
//!
//! Never here: an engine.

use super::two_phase::TwoPhase;
use std::fmt;
use std::str::FromStr;
use syncsplit_engine::packed::Pack;
use syncsplit_model::world::{INSTANCES, Instance, Variant, World};
use syncsplit_search::SearchSpace;

/// A model of a size.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject {
    /// Two-phase commit.
    TwoPhase {
        /// Resource managers.
        rms: u32,
    },
    /// The protocol's world, hardened, with its properties.
    World(&'static Instance),
}

impl Subject {
    /// What it is, for the table's heading.
    pub(crate) fn says(self) -> String {
        match self {
            Self::TwoPhase { rms } => format!("two-phase commit, {rms} resource managers"),
            Self::World(instance) => format!("the world, {}", instance.says),
        }
    }

    /// Bits of a packed state.
    pub(crate) fn bits(self) -> usize {
        match self {
            Self::TwoPhase { rms } => TwoPhase { rms }.bits(),
            Self::World(instance) => {
                Pack::bits(&SearchSpace::new(World::new(instance.bounds, Variant::Hardened, &[])))
            }
        }
    }

    /// The states that two-phase commit is known to have, as several checkers count them.
    pub(crate) fn known_states(self) -> Option<u64> {
        let Self::TwoPhase { rms } = self else { return None };
        let known = [(3, 288), (4, 1_568), (5, 8_832), (6, 50_816), (7, 296_448), (8, 1_745_408)];
        let known = known.into_iter().chain([(9, 10_340_352), (10, 61_515_776)]);
        known.into_iter().find(|(of, _)| *of == rms).map(|(_, states)| states)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TwoPhase { rms } => write!(f, "2pc-{rms}"),
            Self::World(instance) => f.write_str(instance.name),
        }
    }
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(rms) = text.strip_prefix("2pc-") {
            let rms = rms.parse().ok().filter(|rms| (1..=10).contains(rms));
            return rms
                .map(|rms| Self::TwoPhase { rms })
                .ok_or_else(|| "2pc-1 to 2pc-10, by the number of resource managers".into());
        }
        INSTANCES.iter().find(|instance| instance.name == text).map(Self::World).ok_or_else(|| {
            let names: Vec<_> = INSTANCES.iter().map(|instance| instance.name).collect();
            format!("2pc-1 to 2pc-10, or an instance: {}", names.join(", "))
        })
    }
}
