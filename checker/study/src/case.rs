//! What `ablate` and `matrix` share: one search, what it showed, and whether that is what was expected. Which searches
//! are made, and in what order, is theirs to say.
use std::fmt;
use std::sync::atomic::AtomicBool;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use syncsplit_engine::{Limits, Progress};
use syncsplit_model::world::Verdict;

use crate::bounds;
use crate::instance::Instance;
use crate::question::{Question, Watch};
use crate::report::Report;
use crate::trace::Step;
use crate::trace::explanation::Explanation;

/// What a search showed. In a table of expected outcomes it is the last fields of a row.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum CaseFinding {
    /// An `always` is violated.
    Always {
        /// Its name.
        property: String,
        /// Steps of the shortest counterexample.
        steps: usize,
    },
    /// A promise is never kept: a way to a loop, and the loop, on which no step keeps it.
    Promise {
        /// Its name.
        property: String,
        /// Steps of the way to the loop.
        stem: usize,
        /// Steps of the loop.
        #[serde(rename = "loop")]
        cycle: usize,
    },
    /// A `sometimes` is reached by no run.
    Never {
        /// Its name.
        property: String,
    },
    /// Nothing breaks.
    Nothing {},
    /// A limit came first.
    #[serde(skip)]
    Open {
        /// Which.
        limit: String,
    },
    /// The engine failed.
    #[serde(skip)]
    Failed {
        /// How.
        error: String,
    },
}

impl CaseFinding {
    /// What the report of a check shows. A violation comes first, and of several the first in the order of SPEC.md.
    #[must_use]
    pub fn by(report: &Report) -> Self {
        let with = |verdict| report.properties.iter().find(|p| p.verdict == verdict);
        if let Some(violated) = with("violated") {
            let steps = violated.steps.unwrap_or_default();
            if let Some(cycle) = violated.cycle {
                return Self::Promise { property: violated.name.into(), stem: steps, cycle };
            }
            Self::Always { property: violated.name.into(), steps }
        } else if let Some(unreached) =
            with("unreached").filter(|_| report.verdict == Verdict::Violated)
        {
            Self::Never { property: unreached.name.into() }
        } else if report.verdict == Verdict::Holds {
            Self::Nothing {}
        } else {
            Self::Open { limit: report.ended.into() }
        }
    }

    /// `holds`, `violated`, `undecided` or `error`.
    #[must_use]
    pub const fn verdict(&self) -> &'static str {
        match self {
            Self::Always { .. } | Self::Promise { .. } | Self::Never { .. } => {
                Verdict::Violated.name()
            }
            Self::Nothing {} => Verdict::Holds.name(),
            Self::Open { .. } => Verdict::Undecided.name(),
            Self::Failed { .. } => "error",
        }
    }

    /// The property that breaks, if one does.
    #[must_use]
    pub fn property(&self) -> Option<&str> {
        match self {
            Self::Always { property, .. }
            | Self::Promise { property, .. }
            | Self::Never { property } => Some(property),
            Self::Nothing {} | Self::Open { .. } | Self::Failed { .. } => None,
        }
    }

    /// Steps of the counterexample: of all of it, or of its stem.
    #[must_use]
    pub const fn steps(&self) -> Option<usize> {
        match self {
            Self::Always { steps, .. } | Self::Promise { stem: steps, .. } => Some(*steps),
            Self::Never { .. } | Self::Nothing {} | Self::Open { .. } | Self::Failed { .. } => None,
        }
    }

    /// Steps of the loop, if there is one.
    #[must_use]
    pub const fn cycle(&self) -> Option<usize> {
        if let Self::Promise { cycle, .. } = self { Some(*cycle) } else { None }
    }

    /// The fields of a row in a table of expected outcomes; empty where nothing breaks.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        match self {
            Self::Always { property, steps } => {
                vec![format!("property = {property:?}"), format!("steps = {steps}")]
            }
            Self::Promise { property, stem, cycle } => vec![
                format!("property = {property:?}"),
                format!("stem = {stem}"),
                format!("loop = {cycle}"),
            ],
            Self::Never { property } => vec![format!("property = {property:?}")],
            Self::Nothing {} | Self::Open { .. } | Self::Failed { .. } => Vec::new(),
        }
    }
}

impl fmt::Display for CaseFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always { property, steps: 1 } => write!(f, "{property} in 1 step"),
            Self::Always { property, steps } => write!(f, "{property} in {steps} steps"),
            Self::Promise { property, stem, cycle } => {
                write!(f, "{property} is never kept: {stem} step(s) to a loop of {cycle}")
            }
            Self::Never { property } => write!(f, "no run reaches {property}"),
            Self::Nothing {} => f.write_str("nothing breaks"),
            Self::Open { limit } => write!(f, "undecided: the limit of {limit} was reached"),
            Self::Failed { error } => write!(f, "the engine failed: {error}"),
        }
    }
}

/// The rows of a table of expected outcomes, whose text is that of the file `path`.
///
/// # Errors
/// The text is no such table: the sentence names the file and says where.
pub fn rows<R: DeserializeOwned>(path: &str, text: &str) -> Result<Vec<R>, String> {
    #[derive(Deserialize)]
    struct Rows<R> {
        rows: Vec<R>,
    }
    let table: Result<Rows<R>, _> = toml::from_str(text);
    table.map(|table| table.rows).map_err(|error| format!("{path}: {error}"))
}

/// One search of a study.
#[derive(Clone, Debug, Serialize)]
pub struct StudyCase {
    /// Name of the instance.
    pub instance: String,
    /// Its bounds in words.
    pub bounds: String,
    /// `holds`, `violated`, `undecided` or `error`.
    pub verdict: &'static str,
    /// Whether something breaks.
    pub violated: bool,
    /// The property that breaks.
    pub property: Option<String>,
    /// Steps of the shortest counterexample, or of the way to its loop.
    pub steps: Option<usize>,
    /// Steps of its loop, for a promise that is never kept.
    #[serde(rename = "loop")]
    pub cycle: Option<usize>,
    /// The shortest counterexample.
    pub trace: Vec<Step>,
    /// Why it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
    /// Distinct states seen.
    pub states: u64,
    /// Wall-clock time.
    pub seconds: f64,
    /// Whether the world has faults and none of them ever had an effect, so that it shows nothing about them.
    pub idle: bool,
    /// What was expected and not found; none if the outcome is the expected one, or nothing was expected.
    pub unexpected: Option<String>,
    /// What the search showed.
    #[serde(skip)]
    pub shown: CaseFinding,
}

impl StudyCase {
    /// Compares the case with what was expected of it. An outcome that is open or failed is neither as expected nor
    /// otherwise.
    pub fn expect(&mut self, expected: Option<&CaseFinding>, idle: bool) {
        let settled = !matches!(self.shown, CaseFinding::Open { .. } | CaseFinding::Failed { .. });
        let word = |idle: bool| if idle { ", the faults without effect" } else { "" };
        self.unexpected = match expected {
            _ if !settled => None,
            None => Some(format!("no expected outcome is pinned, found {}", self.shown)),
            Some(shown) if *shown == self.shown && idle == self.idle => None,
            Some(shown) => Some(format!(
                "expected {shown}{}, found {}{}",
                word(idle),
                self.shown,
                word(self.idle)
            )),
        };
    }
}

/// Is told now and then which search is under way, and how far it is.
pub type OnProgress<'a> = &'a dyn Fn(&str, &Progress);

/// How the searches of a study are run.
#[derive(Clone, Copy, Default)]
pub struct Searcher<'a> {
    /// Worker threads, at least 1.
    pub threads: usize,
    /// What ends each search early.
    pub limits: Limits,
    /// Who is told how far the searches are; nobody unless asked for.
    pub progress: Option<OnProgress<'a>>,
    /// Ends the search under way and those to come when it is raised.
    pub interrupt: Option<&'a AtomicBool>,
}

impl Searcher<'_> {
    /// Without limits and without a word.
    #[must_use]
    pub fn silent(threads: usize) -> Self {
        Self { threads, ..Self::default() }
    }

    /// The question that an instance itself asks.
    #[must_use]
    pub fn question(&self, instance: Instance) -> Question {
        Question { limits: self.limits, ..Question::about(instance, self.threads) }
    }

    /// Asks `question`; `what` is shown beside the progress.
    #[must_use]
    pub fn search(&self, question: &Question, what: &str) -> StudyCase {
        let named = self.progress.map(|tell| move |progress: &Progress| tell(what, progress));
        let progress = named.as_ref().map(|tell| tell as &dyn Fn(&Progress));
        let asked = question.ask(Watch { progress, interrupt: self.interrupt });
        let report = asked.map(|outcome| Report::new(question, &outcome));
        let shown = match &report {
            Ok(report) => CaseFinding::by(report),
            Err(error) => CaseFinding::Failed { error: error.to_string() },
        };
        let report = report.ok();
        let faults = report.as_ref().map(|report| report.faults.as_slice()).unwrap_or_default();
        let idle = !faults.is_empty()
            && shown == CaseFinding::Nothing {}
            && faults.iter().all(|fault| fault.fired == 0);
        let found = report
            .as_ref()
            .and_then(|report| report.properties.iter().find(|p| Some(p.name) == shown.property()));
        let trace = found.and_then(|property| property.trace.clone());
        let explanation = found.and_then(|property| property.explanation.clone());
        StudyCase {
            instance: question.instance.name.clone(),
            bounds: bounds::in_words(&question.instance.bounds),
            verdict: shown.verdict(),
            violated: shown.property().is_some(),
            property: shown.property().map(str::to_owned),
            steps: shown.steps(),
            cycle: shown.cycle(),
            trace: trace.unwrap_or_default(),
            explanation,
            states: report.as_ref().map_or(0, |report| report.states),
            seconds: report.as_ref().map_or(0.0, |report| report.seconds),
            idle,
            unexpected: None,
            shown,
        }
    }
}

/// What a study comes to: whether every outcome is the expected one, if all are known.
///
/// # Errors
/// The engine failed in a search.
pub fn verdict<'a>(cases: impl Iterator<Item = &'a StudyCase>) -> Result<Verdict, String> {
    let mut verdict = Verdict::Holds;
    for case in cases {
        if let CaseFinding::Failed { error } = &case.shown {
            return Err(error.clone());
        }
        if case.unexpected.is_some() {
            verdict = Verdict::Violated;
        } else if verdict == Verdict::Holds && matches!(case.shown, CaseFinding::Open { .. }) {
            verdict = Verdict::Undecided;
        }
    }
    Ok(verdict)
}
