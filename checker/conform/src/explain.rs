//! Which rules explain a failure: those without which the protocol does what was seen. Only what was seen is looked at, and
//! nothing is asked again.
use syncsplit_model::protocol::Rule;

use crate::follow;
use crate::script::Setting;
use crate::seen::{Numbers, Observation};
use crate::track::{Guide, Pacing};

/// What was seen up to a failure.
#[derive(Clone, Debug)]
pub struct Witness {
    /// The world of the script.
    pub setting: Setting,
    /// How it was followed.
    pub manner: Pacing,
    /// The rules that are not promised.
    pub lacks: Vec<Rule>,
    /// How the implementation's numbers differ.
    pub numbers: Numbers,
    /// What was done and seen, the failing verb last.
    pub seen: Vec<Observation>,
    /// The rule that the image itself speaks of, where no model was needed to see that it is wrong.
    pub flaw: Option<Rule>,
}

impl Witness {
    /// The rules without which all of it may be seen. It takes as long as following the script once for each rule.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule> {
        let promised = Rule::ALL.iter().filter(|rule| !self.lacks.contains(rule));
        let mut rules: Vec<Rule> = promised.filter(|rule| self.explains(**rule)).copied().collect();
        if rules.is_empty() {
            rules.extend(self.flaw);
        }
        rules
    }

    fn explains(&self, rule: Rule) -> bool {
        let mut without = self.lacks.clone();
        without.push(rule);
        let guide = Guide::new(self.setting.world(&without), self.manner);
        let mut tracks = vec![guide.begin()];
        self.seen.iter().all(|seen| match follow::follow(&guide, self.numbers, &tracks, seen) {
            Ok(after) => {
                tracks = after;
                true
            }
            Err(_) => false,
        })
    }
}
