//! All the cases done with one adapter, one after the other, and what they come to by rule. How it is printed is not decided
//! here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::Verdict;

use crate::cases::{self, KitCase};
use crate::class::Class;
use crate::conclusion::{Demands, NOT_REACHED, PASS};
use crate::generated::{Generated, generate};
use crate::known::Known;
use crate::left_out::LeftOut;
use crate::process::{Adapter, AdapterFailure};
use crate::run::{self, ScriptOutcome};
use crate::script::Script;
use crate::session::{AdapterOptions, Failure};
use crate::verb::Verb;
use crate::wire::{Hello, KITS_OWN, Level};

/// Of how many rules a run may show that they are kept, where the implementation runs by itself.
const WATCHED_MAX: usize = 3;

/// What is to be done.
#[derive(Clone, Debug)]
pub struct CampaignPlan {
    /// What starts the adapter.
    pub command: String,
    /// The level; the adapter's own if none is asked for.
    pub level: Option<Level>,
    /// Only the cases whose id has one of these; all when empty.
    pub only: Vec<String>,
    /// Only this script.
    pub script: Option<Script>,
    /// The cases that are known to fail: each has to be one.
    pub known: Known,
    /// How much has to be shown.
    pub demands: Demands,
    /// Where chance begins.
    pub seed: u64,
    /// How many random runs.
    pub cases: u64,
    /// Whether the first case that fails is the last.
    pub fail_fast: bool,
    /// How long an answer may take.
    pub limit: Duration,
    /// How long a Sync may wait where the implementation runs by itself.
    pub sync: Duration,
    /// The shortest lease of a freeze.
    pub lease: Duration,
}

/// One case.
#[derive(Clone, Debug, Serialize)]
pub struct CaseReport {
    /// Its id.
    pub id: String,
    /// What it came to; undecided where the adapter does not have what the case needs, or the rule is not promised.
    #[serde(serialize_with = "case_verdict")]
    pub verdict: Verdict,
    /// The script as it was done, or the shortest that fails in the same way.
    pub script: String,
    /// What failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureReport>,
}

/// The verdict of a case as its report names it.
fn case_verdict<S: Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match verdict {
        Verdict::Holds | Verdict::NoViolationFound => "pass",
        Verdict::Violated => "fail",
        Verdict::Undecided => "unsupported",
    })
}

/// What failed in a case.
#[derive(Clone, Debug, Serialize)]
pub struct FailureReport {
    /// The rule that is broken, if one explains what was seen; then others that would explain it as well.
    pub rules: Vec<&'static str>,
    /// The verb at which it showed; it may be one of those that every script ends with.
    pub verb: String,
    /// What differs.
    pub what: String,
    /// What the protocol may show.
    pub expected: Vec<String>,
    /// What was seen.
    pub seen: String,
    /// What was asked and answered, by verb.
    pub log: Vec<(String, Vec<String>)>,
    /// How many of these verbs are the script's; those that follow are what every script ends with.
    pub scripted: usize,
    /// Whether the script was made as short as it gets.
    pub is_minimal: bool,
    /// The command that repeats exactly it.
    pub command: String,
}

/// What the cases came to for one rule.
#[derive(Clone, Debug, Serialize)]
pub struct RuleReport {
    /// Its id.
    pub rule: &'static str,
    /// `pass`, `fail`, `not promised` or `not reached`.
    pub verdict: &'static str,
    /// The first case that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
}

/// What everything came to.
#[derive(Clone, Debug, Serialize)]
pub struct Campaign {
    /// The implementation's name and version.
    pub adapter: String,
    /// The level.
    pub level: Level,
    /// The operations and features that the adapter does not have, of those that are of use at the level.
    pub absent: Vec<&'static str>,
    /// Where chance began.
    pub seed: u64,
    /// Every rule.
    pub rules: Vec<RuleReport>,
    /// Every case.
    pub cases: Vec<CaseReport>,
    /// Classes of steps that the level can reach; 0 for a script of one's own, of which it is not asked how many it takes.
    pub classes_known: usize,
    /// Classes of them that were certainly taken.
    pub classes_taken: usize,
    /// Those that were not.
    pub classes_missing: Vec<String>,
    /// Kinds of actions that were taken.
    pub actions_taken: Vec<String>,
    /// Whether the one case is a script of one's own.
    #[serde(skip)]
    pub is_own_script: bool,
    /// Verbs of a script of one's own that were not done.
    #[serde(skip)]
    pub left_out: Vec<LeftOut>,
    /// Runs in which too many states could explain what was seen, so that only the images were judged to the end.
    pub lost: usize,
    /// Runs that ended with a backup that was right.
    pub finished: usize,
}

/// Why there is no outcome.
#[derive(Clone, Debug)]
pub enum Refused {
    /// What was asked for cannot be done.
    Usage(String),
    /// The adapter failed, in this case and this script.
    AdapterFailure(String, Box<AdapterFailure>),
}

struct Runner<'a> {
    plan: &'a CampaignPlan,
    adapter: Adapter,
    how: AdapterOptions,
    unshown: Vec<Rule>,
    shown: BTreeMap<Rule, String>,
    broken: BTreeMap<Rule, String>,
    /// What those failures are like of which one was made short.
    shrunk: BTreeSet<(Vec<Rule>, String)>,
    classes: BTreeSet<Class>,
    left_out: Vec<LeftOut>,
    lost: usize,
    finished: usize,
}

/// An adapter that has said who it is, and the cases for what it can do.
struct Prepared {
    adapter: Adapter,
    hello: Hello,
    level: Level,
    generated: Generated,
    wanted: Vec<KitCase>,
}

/// Starts the adapter and finds its cases.
fn prepared(plan: &CampaignPlan, interrupt: &Arc<AtomicBool>) -> Result<Prepared, Refused> {
    plan.demands.check().map_err(Refused::Usage)?;
    let start = |trouble| Refused::AdapterFailure("start".into(), Box::new(trouble));
    let adapter = Adapter::start(&plan.command, plan.limit, interrupt, false).map_err(start)?;
    let hello = adapter.hello().clone();
    let level = plan.level.unwrap_or_else(|| hello.level());
    if level > hello.level() {
        let (asked, has) = (level.name(), hello.level().name());
        let message = format!("--level {asked}: the adapter's capabilities allow {has} at most");
        return Err(Refused::Usage(message));
    }
    // A script of one's own asks for nothing else, and is done at once.
    let generated =
        if plan.script.is_some() { Generated::default() } else { generate(&hello, level) };
    let wanted = wanted(plan, &hello, level, &generated).map_err(Refused::Usage)?;
    Ok(Prepared { adapter, hello, level, generated, wanted })
}

/// The cases that a campaign would do, in this order. None is done.
///
/// # Errors
/// The plan cannot be carried out, or the adapter failed.
pub fn listed(
    plan: &CampaignPlan,
    interrupt: &Arc<AtomicBool>,
) -> Result<Vec<ListedCase>, Refused> {
    let listed = |case: &KitCase| ListedCase { id: case.id.clone(), script: case.script() };
    prepared(plan, interrupt).map(|prepared| prepared.wanted.iter().map(listed).collect())
}

/// A case before it is done.
#[derive(Clone, Debug, Serialize)]
pub struct ListedCase {
    /// Its id.
    pub id: String,
    /// Its script; none where chance draws it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
}

/// Does every case.
///
/// `progress` is told now and then how old the campaign is in seconds, and how far.
///
/// # Errors
/// The plan cannot be carried out, or the adapter failed.
pub fn campaign(
    plan: &CampaignPlan,
    interrupt: &Arc<AtomicBool>,
    progress: &dyn Fn(f64, String),
) -> Result<Campaign, Refused> {
    let begin = Instant::now();
    let Prepared { adapter, hello, level, generated, wanted } = prepared(plan, interrupt)?;
    let sync_ms = u64::try_from(plan.sync.as_millis()).unwrap_or(u64::MAX);
    let lease_ms = u64::try_from(plan.lease.as_millis()).unwrap_or(u64::MAX);
    let how = AdapterOptions { level, sync_ms, seed: plan.seed, lease_ms };
    let is_watched = |rule: &&Rule| !hello.lacks.contains(rule) && !KITS_OWN.contains(rule);
    let unshown = Rule::ALL.iter().filter(is_watched).copied().collect();
    let mut runner = Runner {
        plan,
        adapter,
        how,
        unshown,
        shown: BTreeMap::new(),
        broken: BTreeMap::new(),
        shrunk: BTreeSet::new(),
        classes: BTreeSet::new(),
        left_out: Vec::new(),
        lost: 0,
        finished: 0,
    };
    let mut cases: Vec<CaseReport> = Vec::new();
    for case in &wanted {
        let failed = cases.iter().filter(|case| case.verdict == Verdict::Violated).count();
        let (done, all, id) = (cases.len(), wanted.len(), &case.id);
        let line = format!("{done} of {all} cases, {failed} failed; {id}");
        progress(begin.elapsed().as_secs_f64(), line);
        if interrupt.load(Ordering::Relaxed) {
            let request = crate::wire::Request::Reset;
            let trouble = runner.adapter.trouble(&request, "interrupted".into());
            return Err(Refused::AdapterFailure(case.id.clone(), Box::new(trouble)));
        }
        let done = runner.case(case);
        cases.push(
            done.map_err(|trouble| Refused::AdapterFailure(case.id.clone(), Box::new(trouble)))?,
        );
        if plan.fail_fast && cases.last().is_some_and(|case| case.verdict == Verdict::Violated) {
            break;
        }
    }
    let is_taken = |class: &&Class| runner.classes.contains(*class);
    let is_whole = plan.only.is_empty() && plan.script.is_none();
    let missing = generated.classes.iter().filter(|class| !is_taken(class) && is_whole);
    let taken = runner.classes.iter().filter(|class| class.is_taken);
    let actions: BTreeSet<String> = taken.map(|class| Verb::bare(class.kind).word()).collect();
    Ok(Campaign {
        adapter: format!("{} {}", hello.name, hello.version),
        level,
        absent: hello.absent(level),
        seed: plan.seed,
        rules: runner.rules(&hello.lacks),
        classes_known: generated.classes.len(),
        classes_taken: generated.classes.iter().filter(is_taken).count(),
        classes_missing: missing.map(Class::to_string).collect(),
        actions_taken: actions.into_iter().collect(),
        is_own_script: plan.script.is_some(),
        left_out: runner.left_out,
        lost: runner.lost,
        finished: runner.finished,
        cases,
    })
}

/// The cases that are asked for.
fn wanted(
    plan: &CampaignPlan,
    hello: &Hello,
    level: Level,
    generated: &Generated,
) -> Result<Vec<KitCase>, String> {
    if let Some(script) = &plan.script {
        return Ok(vec![KitCase::of_script(script.clone())]);
    }
    let all = cases::all(hello, level, generated, plan.cases)?;
    let is_wanted = |case: &KitCase| {
        plan.only.is_empty() || plan.only.iter().any(|part| is_named(&case.id, part))
    };
    if let Some(part) =
        plan.only.iter().find(|part| !all.iter().any(|case| is_named(&case.id, part)))
    {
        return Err(format!(
            "--only {part}: no case has such an id; ids are for example directed/XFER-3, \
             generated/apply-PAIR-PAIR-taken, random/17"
        ));
    }
    // There are as many random cases as one asks for, so that each number is one.
    let is_random = |id: &str| {
        let number = id.strip_prefix("random/").and_then(|number| number.parse::<u64>().ok());
        number.is_some_and(|number| number > 0)
    };
    let is_case = |id: &str| is_random(id) || all.iter().any(|case| case.id == id);
    if let Some(id) = plan.known.stranger(is_case) {
        return Err(format!(
            "--known-failures: no case is {id} at level {}; `--format json` lists the ids of all that are",
            level.name()
        ));
    }
    Ok(all.into_iter().filter(is_wanted).collect())
}

/// Whether a case is meant by a part of its id: whole, its kind, or its rule.
fn is_named(id: &str, part: &str) -> bool {
    id == part || id.split('/').any(|word| word.eq_ignore_ascii_case(part))
}

impl Runner<'_> {
    fn case(&mut self, case: &KitCase) -> Result<CaseReport, AdapterFailure> {
        let (id, rule) = (&case.id, case.rule);
        self.how.seed = case.seed(self.plan.seed);
        let (watched, how) =
            (self.watched(rule), AdapterOptions { seed: self.plan.seed, ..self.how });
        let (script, outcome) = case.run(&mut self.adapter, how, &watched)?;
        let Some(outcome) = outcome else {
            let (id, script) = (id.clone(), script.to_string());
            return Ok(CaseReport { id, verdict: Verdict::Undecided, script, failure: None });
        };
        self.note(id, &outcome);
        let mut done = Script { setting: script.setting, verbs: outcome.done.clone() };
        let Some(first) = outcome.failure.clone() else {
            let (id, script) = (id.clone(), done.to_string());
            return Ok(CaseReport {
                id,
                verdict: Verdict::NoViolationFound,
                script,
                failure: None,
            });
        };
        let mut outcome = outcome;
        let explaining = first.rules();
        let is_minimal = self.shrunk.insert(likeness(&first, &explaining));
        if is_minimal {
            (done, outcome) = run::shrink(&mut self.adapter, self.how, &done, outcome)?;
        }
        let failure = outcome.failure.clone().unwrap_or(first);
        let rules = blamed(rule, if is_minimal { failure.rules() } else { explaining });
        if let Some(rule) = rules.first() {
            self.broken.entry(*rule).or_insert_with(|| id.clone());
        }
        let failure = FailureReport {
            rules: rules.iter().map(|rule| rule.id()).collect(),
            verb: failure.verb,
            what: failure.mismatch.what,
            expected: failure.mismatch.expected,
            seen: failure.mismatch.seen,
            log: outcome.log,
            scripted: done.verbs.len(),
            is_minimal,
            command: self.command(&done),
        };
        let (id, script) = (id.clone(), done.to_string());
        Ok(CaseReport { id, verdict: Verdict::Violated, script, failure: Some(failure) })
    }

    /// The rules of which a run may show that they are kept. To follow a world without a rule takes as long as to follow the
    /// true one, where the implementation runs by itself: there each run is asked about a few rules, in turns.
    fn watched(&mut self, rule: Option<Rule>) -> Vec<Rule> {
        if self.how.level == Level::Steered || self.plan.script.is_some() {
            return self.unshown.clone();
        }
        if let Some(rule) = rule {
            return self.unshown.iter().copied().filter(|unshown| *unshown == rule).collect();
        }
        let few = WATCHED_MAX.min(self.unshown.len());
        self.unshown.rotate_left(few);
        self.unshown.iter().rev().take(few).copied().collect()
    }

    /// The command that repeats a script.
    fn command(&self, script: &Script) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
        format!(
            "syncsplit conform --adapter {} --level {} --seed {} --script {}",
            quoted(&self.plan.command),
            self.how.level.name(),
            self.how.seed,
            quoted(&script.to_string())
        )
    }

    fn note(&mut self, id: &str, outcome: &ScriptOutcome) {
        self.classes.extend(outcome.classes.iter().copied());
        if self.plan.script.is_some() {
            self.left_out.extend(outcome.left_out.iter().copied());
        }
        self.lost += usize::from(outcome.is_lost);
        self.finished += usize::from(outcome.is_finished);
        if outcome.failure.is_some() {
            return;
        }
        for rule in &outcome.shown {
            self.shown.entry(*rule).or_insert_with(|| id.to_owned());
        }
        self.unshown.retain(|rule| !outcome.shown.contains(rule));
    }

    fn rules(&self, lacks: &[Rule]) -> Vec<RuleReport> {
        let of = |rule: &Rule| {
            let (verdict, case) = if lacks.contains(rule) {
                ("not promised", None)
            } else if let Some(case) = self.broken.get(rule) {
                ("fail", Some(case))
            } else if let Some(case) = self.shown.get(rule) {
                (PASS, Some(case))
            } else {
                (NOT_REACHED, None)
            };
            RuleReport { rule: rule.id(), verdict, case: case.cloned() }
        };
        Rule::ALL.iter().map(of).collect()
    }
}

/// What a failure is like: the rules that explain it, or what differs where none does. Of those that are alike one is made
/// short.
fn likeness(failure: &Failure, explaining: &[Rule]) -> (Vec<Rule>, String) {
    let differs = match failure.verb.split(' ').next() {
        _ if !explaining.is_empty() => "",
        Some(verb) if failure.mismatch.what.starts_with("the answer to") => verb,
        Some(_) | None => &failure.mismatch.what,
    };
    (explaining.to_vec(), differs.to_owned())
}

/// The rules to blame: those that explain what was seen, the one that the case is about before the others. What no rule
/// explains is blamed on none.
fn blamed(case: Option<Rule>, explaining: Vec<Rule>) -> Vec<Rule> {
    let mut rules = explaining;
    rules.sort_by_key(|rule| Some(*rule) != case);
    rules
}
