//! Leaves out one rule after the other, and shows what breaks without it.
//!
//! Where each rule is searched, and what must be found, stands in `checker/ablations.toml`.

use serde::{Deserialize, Serialize};
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::Variant;

use crate::case::{self, CaseFinding, Searcher, StudyCase};
use crate::instance::Instance;

/// Instances on which a rule without a row is tried, the smallest first, until something breaks. They are all that the
/// table names.
pub const TRIED: &[&str] =
    &["late", "takeover", "create", "smoke", "quiesce", "waits", "order", "ending", "ci"];

/// Why the absence of a rule breaks nothing that is checked, in the words of SPEC.md under that rule.
pub const REASONS: &[(Rule, &str)] = &[
    (Rule::Sync1, "SYNC-5 covers it: its first look sees that the pair is not in PAIR."),
    (
        Rule::Pair4,
        "creating the pair again marks every block and asks for a number that is newer than any in force.",
    ),
];

/// A row of the table: the question, and what the search must show.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AblationRow {
    /// Id of the rule.
    pub rule: String,
    /// Where it is searched.
    pub instance: String,
    /// What must be shown: an `always` with its steps, a promise with stem and loop, or nothing.
    #[serde(flatten)]
    pub shown: CaseFinding,
}

impl AblationRow {
    /// The row as it stands in the table.
    #[must_use]
    pub fn line(&self) -> String {
        let question =
            [format!("rule = {:?}", self.rule), format!("instance = {:?}", self.instance)];
        let fields: Vec<_> = question.into_iter().chain(self.shown.fields()).collect();
        format!("{{ {} }}", fields.join(", "))
    }
}

/// The table's rows.
///
/// # Errors
/// The table is malformed: the sentence names its file and says where.
pub fn table() -> Result<Vec<AblationRow>, String> {
    case::rows("checker/ablations.toml", include_str!("../../ablations.toml"))
}

/// Where the harm of leaving `rule` out shows, in a sentence; `None` for a rule of which the table says nothing.
///
/// # Errors
/// The table is malformed: the sentence names its file and says where.
pub fn harm_shows(rule: Rule) -> Result<Option<String>, String> {
    let row = table()?.into_iter().find(|row| row.rule == rule.id());
    let of_row = row.and_then(|row| {
        let property = row.shown.property()?;
        let instance = &row.instance;
        Some(format!(
            "the harm of leaving {rule} out shows on {instance}, in {property}: \
             syncsplit check {instance} --without {rule}"
        ))
    });
    let reason = REASONS.iter().find(|(of, _)| *of == rule);
    let of_reason = reason
        .map(|(_, reason)| format!("leaving {rule} out alone breaks nothing known: {reason}"));
    Ok(of_row.or(of_reason))
}

/// One rule left out.
#[derive(Clone, Debug, Serialize)]
pub struct Ablation {
    /// Id of the rule.
    pub rule: &'static str,
    /// The rule in one line.
    pub says: &'static str,
    /// The search.
    #[serde(flatten)]
    pub case: StudyCase,
    /// Why nothing breaks, as SPEC.md has it.
    pub reason: Option<&'static str>,
}

/// Every rule left out in turn.
#[derive(Clone, Debug, Serialize)]
pub struct Study {
    /// Name of the variant the rules are left out of.
    pub variant: &'static str,
    /// Whether the outcomes are compared with the table.
    pub compared: bool,
    /// The rules in the order of SPEC.md.
    pub rules: Vec<Ablation>,
}

/// Which searches to make.
#[derive(Clone, Debug)]
pub struct AblationPlan {
    /// Search every rule here rather than where the table says.
    pub instance: Option<Instance>,
    /// What the rules are left out of.
    pub variant: Variant,
    /// The rules to leave out.
    pub rules: Vec<Rule>,
    /// The table.
    pub table: Vec<AblationRow>,
}

impl AblationPlan {
    /// The plan to leave out each rule of `only`, or every rule that is in force if it names none. What an instance says
    /// is taken from it where nothing else is asked for.
    ///
    /// # Errors
    /// A rule cannot be left out: the sentence names the rule, and those that can. Or the table is malformed.
    pub fn new(
        instance: Option<Instance>,
        variant: Option<Variant>,
        only: &[Rule],
    ) -> Result<Self, String> {
        let variant = variant.or(instance.as_ref().map(|instance| instance.variant));
        let variant = variant.unwrap_or_default();
        let without = instance.as_ref().map(|i| i.without.clone()).unwrap_or_default();
        let in_force = |rule: &Rule| variant.rules().has(*rule) && !without.contains(rule);
        if let Some(rule) = only.iter().find(|rule| !in_force(rule)) {
            let valid: Vec<_> =
                Rule::ALL.iter().filter(|rule| in_force(rule)).map(|rule| rule.id()).collect();
            let message = "is not in force here, so it cannot be left out; valid are";
            return Err(format!("rule {rule} {message} {}", valid.join(", ")));
        }
        let is_wanted = |rule: &Rule| only.is_empty() || only.contains(rule);
        let rules = Rule::ALL.iter().copied().filter(|rule| in_force(rule) && is_wanted(rule));
        Ok(Self { instance, variant, rules: rules.collect(), table: table()? })
    }

    /// Whether the outcomes are those that the table speaks of.
    #[must_use]
    pub fn is_compared(&self) -> bool {
        self.instance.is_none() && self.variant == Variant::Hardened
    }

    /// Makes the searches.
    ///
    /// # Errors
    /// The table names an instance that does not exist.
    pub fn run(&self, searcher: &Searcher<'_>) -> Result<Study, String> {
        let rules = self.rules.iter().map(|rule| self.leave_out(*rule, searcher));
        let rules = rules.collect::<Result<_, _>>()?;
        Ok(Study { variant: self.variant.name(), compared: self.is_compared(), rules })
    }

    fn leave_out(&self, rule: Rule, searcher: &Searcher<'_>) -> Result<Ablation, String> {
        let row = self.table.iter().find(|row| row.rule == rule.id());
        let mut case = match (&self.instance, row) {
            (Some(instance), _) => self.search(rule, instance.clone(), searcher),
            (None, Some(row)) => {
                let instance = Instance::load(&row.instance).map_err(|r| r.to_string())?;
                self.search(rule, instance, searcher)
            }
            (None, None) => self.try_each(rule, searcher)?,
        };
        let reason = REASONS.iter().find(|(of, _)| *of == rule).map(|(_, reason)| *reason);
        let reason = reason.filter(|_| case.shown == CaseFinding::Nothing {});
        if self.is_compared() {
            case.expect(row.map(|row| &row.shown), false);
            if case.shown == (CaseFinding::Nothing {}) && reason.is_none() {
                let missing = "nothing breaks, and no reason for it is known";
                case.unexpected.get_or_insert_with(|| missing.into());
            }
        }
        Ok(Ablation { rule: rule.id(), says: rule.says(), case, reason })
    }

    fn try_each(&self, rule: Rule, searcher: &Searcher<'_>) -> Result<StudyCase, String> {
        let mut last = None;
        for name in TRIED {
            let instance = Instance::load(name).map_err(|refused| refused.to_string())?;
            let case = self.search(rule, instance, searcher);
            let is_settled = case.shown != CaseFinding::Nothing {};
            last = Some(case);
            if is_settled {
                break;
            }
        }
        last.ok_or_else(|| "there is no instance to try".into())
    }

    fn search(&self, rule: Rule, mut instance: Instance, searcher: &Searcher<'_>) -> StudyCase {
        instance.variant = self.variant;
        instance.without.push(rule);
        instance.expected = None;
        let what = format!("without {rule} on {}", instance.name);
        let mut case = searcher.search(&searcher.question(instance), &what);
        // It is the rule that is asked about here, not the faults.
        case.idle = false;
        case
    }
}
