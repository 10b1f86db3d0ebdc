//! The world without one rule, followed beside the true one: when it can no longer explain what was seen, the
//! implementation has shown that it keeps the rule. The true world is followed elsewhere.

use syncsplit_model::protocol::Rule;

use crate::follow;
use crate::script::Setting;
use crate::seen::{NoExplanation, Numbers, Observation};
use crate::track::{Guide, Pacing, Track};

/// The world without one rule, and the states in it that an implementation may be in.
pub(crate) struct Shadow {
    /// The rule.
    pub(crate) rule: Rule,
    guide: Guide,
    tracks: Vec<Track>,
}

/// What an observation says of a shadow.
pub(crate) enum ShadowOutcome {
    /// The world without the rule explains it as well.
    Explained,
    /// It does not: the rule was kept.
    RuleShown,
    /// The shadow cannot be followed any further.
    Lost,
}

impl Shadow {
    /// Nothing was seen yet; `lacks` are the rules that are not promised anyway.
    pub(crate) fn begin(setting: Setting, manner: Pacing, lacks: &[Rule], rule: Rule) -> Self {
        let without = [lacks, &[rule]].concat();
        let guide = Guide::new(setting.world(&without), manner);
        Self { rule, tracks: vec![guide.begin()], guide }
    }

    /// Follows what was seen next.
    pub(crate) fn follow(&mut self, numbers: Numbers, seen: &Observation) -> ShadowOutcome {
        let is_kits = seen.reply.is_none();
        if is_kits && follow::answered(&self.guide, numbers, &self.tracks, seen).is_err() {
            // What the kit itself does, and does otherwise without the rule, shows nothing of the implementation.
            return ShadowOutcome::Lost;
        }
        match follow::follow(&self.guide, numbers, &self.tracks, seen) {
            Ok(tracks) => {
                self.tracks = tracks;
                ShadowOutcome::Explained
            }
            Err(NoExplanation::Mismatch(_)) => ShadowOutcome::RuleShown,
            Err(NoExplanation::TooMany) => ShadowOutcome::Lost,
        }
    }
}
