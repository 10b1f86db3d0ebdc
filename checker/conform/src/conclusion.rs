//! What a campaign comes to as a whole: what failed, what was shown, and whether that is as much as was demanded. No case is
//! done here.

use syncsplit_model::protocol::Rule;
use syncsplit_model::world::Verdict;

use crate::campaign::{Campaign, CaseReport, RuleReport};
use crate::known::{Difference, Known};
use crate::wire::KITS_OWN;

/// How much has to be shown, beside that nothing fails.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demands {
    /// These rules are kept.
    pub rules: Vec<Rule>,
    /// So many of a hundred classes of steps were taken.
    pub coverage: Option<u8>,
}

impl Demands {
    /// Whether an implementation can meet them at all.
    ///
    /// # Errors
    /// The rule that no implementation shows, and why.
    pub fn check(&self) -> Result<(), String> {
        match self.rules.iter().find(|rule| KITS_OWN.contains(rule)) {
            None => Ok(()),
            Some(rule) => Err(format!(
                "--require {rule}: the kit is coordinator and requester itself, so no implementation shows the rule"
            )),
        }
    }

    /// What is demanded and was not shown.
    fn unmet(&self, campaign: &Campaign) -> Vec<String> {
        let rules = self.rules.iter().filter_map(|rule| {
            let row = campaign.rules.iter().find(|row| row.rule == rule.id())?;
            let is_shown = row.verdict == PASS;
            (!is_shown).then(|| format!("required: {}, which is {}", row.rule, row.verdict))
        });
        let (taken, known) = (campaign.classes_taken, campaign.classes_known);
        let coverage = self.coverage.filter(|least| taken * 100 < usize::from(*least) * known);
        let coverage = coverage.map(|least| {
            format!("coverage: {taken} of {known} classes of steps, where {least} % were demanded")
        });
        rules.chain(coverage).collect()
    }
}

/// The verdict of a rule that some answer has shown to be kept.
pub(crate) const PASS: &str = "pass";
/// The verdict of a rule of which no answer has spoken.
pub(crate) const NOT_REACHED: &str = "not reached";

/// What a campaign comes to.
#[derive(Clone, Debug)]
pub struct Conclusion {
    /// How the cases differ from what is known of them.
    pub difference: Difference,
    /// How many rules were shown to be kept.
    pub kept: usize,
    /// What was asked for and not shown, a sentence each.
    pub unmet: Vec<String>,
    /// Whether no rule was shown to be kept, and none to be broken.
    pub shows_nothing: bool,
}

impl Conclusion {
    /// What `campaign` comes to.
    #[must_use]
    pub fn new(campaign: &Campaign, known: &Known, demands: &Demands) -> Self {
        let cases = campaign.cases.iter().map(|case| (case.id.as_str(), case.verdict));
        let difference = known.compare(cases);
        let kept = campaign.rules.iter().filter(|row| row.verdict == PASS).count();
        let mut unmet: Vec<String> = campaign.left_out.iter().map(ToString::to_string).collect();
        unmet.extend(demands.unmet(campaign));
        let fails = campaign.cases.iter().any(|case| case.verdict == Verdict::Violated);
        // A script of one's own is asked about by itself: its answers may all be right and of no rule.
        let passes = |case: &CaseReport| case.verdict == Verdict::NoViolationFound;
        let is_the_kits = |row: &&RuleReport| KITS_OWN.iter().any(|own| own.id() == row.rule);
        let mut own = campaign.rules.iter().filter(|row| !is_the_kits(row));
        let promises = own.any(|row| row.verdict == NOT_REACHED);
        let passes = campaign.is_own_script && promises && campaign.cases.iter().any(passes);
        Self { difference, kept, unmet, shows_nothing: kept == 0 && !fails && !passes }
    }

    /// The verdict: undecided where nothing fails that was not known to, and less was shown than was asked for.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let verdict = self.difference.verdict();
        let is_open = self.shows_nothing || !self.unmet.is_empty();
        if is_open && verdict == Verdict::NoViolationFound { Verdict::Undecided } else { verdict }
    }

    /// The verdict in words.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.verdict() {
            Verdict::Violated => "does not conform",
            Verdict::Holds | Verdict::NoViolationFound => "conforms",
            Verdict::Undecided if self.shows_nothing => "nothing shown",
            Verdict::Undecided => "not enough shown",
        }
    }
}
