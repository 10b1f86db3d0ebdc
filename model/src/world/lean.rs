//! Which rules a step leans on, and where a run without some rules leaves the runs that all rules allow. Both are found by
//! taking the same step under other rules: nothing is said of a rule here that the step itself does not show.

use crate::protocol::{Rule, Rules};
use crate::world::action::Action;
use crate::world::instance::World;
use crate::world::state::State;
use crate::world::step::WhyNot;

/// How a step goes under other rules than those it was taken under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "few are ever made, and a state is plain data")]
pub enum Otherwise {
    /// It is not taken.
    Refused(WhyNot),
    /// It ends in another state.
    Ends(State),
}

/// A step that all rules would have refused, or would have taken elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    /// The rules left out that each would have been enough; empty where it takes several of them.
    pub rules: Vec<Rule>,
    /// Where the step ends, with the messages that are dead.
    pub ending: State,
    /// How it goes under all rules.
    pub otherwise: Otherwise,
}

impl World {
    /// The same world under `rules`.
    fn under(&self, rules: Rules) -> Self {
        Self { rules, ..self.clone() }
    }

    /// The state that `action` leads to, with the messages that are dead, and nothing noted by the properties: what a rule
    /// decides shows in all the rest.
    fn ending(&self, state: &State, action: Action) -> Result<State, WhyNot> {
        if !self.enabled(state).contains(&action) {
            return Err(WhyNot::NotOffered);
        }
        let mut after = *state;
        self.raw_step(&mut after, action)?;
        after.ghost = state.ghost;
        if after == *state { Err(WhyNot::Nothing) } else { Ok(after) }
    }

    /// The rules in force that `action` leans on in `state`: if one of them alone is left out, the step is not taken, or
    /// ends in another state.
    #[must_use]
    pub fn leans_on(&self, state: &State, action: Action) -> Vec<Rule> {
        let ending = self.ending(state, action);
        let is_needed =
            |rule: &Rule| self.under(self.rules.without(*rule)).ending(state, action) != ending;
        self.rules.in_force().filter(is_needed).collect()
    }

    /// How `action` departs in `state` from what all rules allow; none where they take it to the same state, and where no
    /// rule is left out.
    #[must_use]
    pub fn departure(&self, state: &State, action: Action) -> Option<Departure> {
        let ending = self.ending(state, action).ok()?;
        let otherwise = match self.under(Rules::HARDENED).ending(state, action) {
            Ok(after) if after == ending => return None,
            Ok(after) => Otherwise::Ends(after),
            Err(why) => Otherwise::Refused(why),
        };
        let is_enough =
            |rule: &Rule| self.under(self.rules.with(*rule)).ending(state, action) != Ok(ending);
        let rules = self.rules.left_out().filter(is_enough).collect();
        Some(Departure { rules, ending, otherwise })
    }

    /// The actions that are obliged to happen in `state` under all rules, and cannot under those in force, each with the
    /// rules left out that each would let it happen.
    #[must_use]
    pub fn owed_under_all(&self, state: &State) -> Vec<(Action, Vec<Rule>)> {
        let all = self.under(Rules::HARDENED);
        let mut owed = Vec::new();
        for action in all.enabled(state) {
            let is_owed = all.obliged(state, &action).is_some();
            let is_taken = |world: &Self| world.ending(state, action).is_ok();
            if is_owed && is_taken(&all) && !is_taken(self) {
                let is_enough = |rule: &Rule| is_taken(&self.under(self.rules.with(*rule)));
                owed.push((action, self.rules.left_out().filter(is_enough).collect()));
            }
        }
        owed
    }
}
