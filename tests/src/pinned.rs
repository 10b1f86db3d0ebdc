//! The table of pinned checks, `tests/pinned.toml`: what each check asks, and what it must come to.
//!
//! An answer is rewritten by `cargo xtask bless`, never by hand, and its difference is read before it is committed: a
//! count that moves says that the world has moved.
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use strum::VariantArray;
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{Transactions, Variant, WorldProperty};
use syncsplit_study::instance::Instance;
use syncsplit_study::question::{Engine, Question, Watch};
use syncsplit_study::reduce::Reduction;
use syncsplit_study::report::Report;

use crate::source::{Finding, root};

/// Threads of a pinned check. No answer depends on them.
pub const THREADS: usize = 2;

const HEADER: &str = "\
# Checks with their answers, one a line. `cargo xtask bless` rewrites the answers; the questions - everything up to
# `verdict` - are written by hand.
#
# verdict, states (distinct), transitions and depth are the whole run's; `violated` names each `always` that fails and
# `steps` the length of its shortest counterexample; `unreached` names each `sometimes` that no run reaches.
";

/// The whole table.
#[derive(Clone, Debug, Deserialize)]
pub struct PinnedChecks {
    /// Its rows, in the file's order.
    pub rows: Vec<PinnedCheck>,
}

/// One check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedCheck {
    /// Name of the instance.
    pub instance: String,
    /// Name of the variant.
    #[serde(default = "hardened")]
    pub variant: String,
    /// Ids of the rules left out.
    #[serde(default)]
    pub without: Vec<String>,
    /// Names of the properties asked about; all when empty.
    #[serde(default)]
    pub property: Vec<String>,
    /// Which blocks a transaction of two writes takes, if not those of the instance.
    #[serde(default)]
    pub transactions: String,
    /// Names of the reductions.
    #[serde(default)]
    pub reduce: Vec<String>,
    /// What it comes to.
    #[serde(flatten)]
    pub answer: PinnedAnswer,
}

/// What one check comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedAnswer {
    /// `holds`, `violated` or `undecided`.
    #[serde(default)]
    pub verdict: String,
    /// Distinct states.
    #[serde(default)]
    pub states: u64,
    /// Transitions.
    #[serde(default)]
    pub transitions: u64,
    /// Depth; none where the engine does not know.
    #[serde(default)]
    pub depth: u32,
    /// Each `always` that is violated.
    #[serde(default)]
    pub violated: Vec<String>,
    /// Steps of the shortest counterexample.
    #[serde(default)]
    pub steps: usize,
    /// Each `sometimes` that a whole search does not reach.
    #[serde(default)]
    pub unreached: Vec<String>,
}

impl PinnedAnswer {
    /// The end of a row.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let Self { verdict, states, transitions, depth, violated, steps, unreached } = self;
        let mut fields = vec![
            format!("verdict = {verdict:?}"),
            format!("states = {}", grouped(*states)),
            format!("transitions = {}", grouped(*transitions)),
            format!("depth = {depth}"),
        ];
        fields.extend((*steps > 0).then(|| format!("violated = {violated:?}, steps = {steps}")));
        fields.extend((!unreached.is_empty()).then(|| format!("unreached = {unreached:?}")));
        fields
    }

    /// What a report says.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let named = |verdict: &str| -> Vec<String> {
            let found = report.properties.iter().filter(|property| property.verdict == verdict);
            found.map(|property| property.name.into()).collect()
        };
        let lengths = report.properties.iter().filter(|property| property.verdict == "violated");
        Self {
            verdict: report.verdict.name().into(),
            states: report.states,
            transitions: report.transitions,
            depth: report.depth.unwrap_or_default(),
            violated: named("violated"),
            steps: lengths.filter_map(|property| property.steps).min().unwrap_or_default(),
            unreached: named("unreached"),
        }
    }
}

fn hardened() -> String {
    Variant::Hardened.name().into()
}

impl PinnedChecks {
    /// Where the table is.
    #[must_use]
    pub fn path() -> PathBuf {
        root().join("tests/pinned.toml")
    }

    /// Reads the table.
    ///
    /// # Errors
    /// The file cannot be read, or is malformed.
    pub fn read() -> Result<Self, Finding> {
        let path = Self::path();
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Writes the table.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self) -> Result<(), Finding> {
        let lines: String = self.rows.iter().map(|row| format!("    {},\n", row.line())).collect();
        let path = Self::path();
        fs::write(&path, format!("{HEADER}\nrows = [\n{lines}]\n"))
            .map_err(|error| format!("{}: {error}", path.display()))
    }
}

impl PinnedCheck {
    /// Whether every rule is in force and every property asked about.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.variant == hardened() && self.without.is_empty() && self.property.is_empty()
    }

    /// Whether the row is about the instance as it is, and every state of it.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.is_plain() && self.transactions.is_empty() && self.reduce.is_empty()
    }

    /// The row as it stands in the table.
    #[must_use]
    pub fn line(&self) -> String {
        let mut fields = vec![format!("instance = {:?}", self.instance)];
        let is_default = self.variant == hardened();
        fields.extend((!is_default).then(|| format!("variant = {:?}", self.variant)));
        let is_other = !self.transactions.is_empty();
        fields.extend(is_other.then(|| format!("transactions = {:?}", self.transactions)));
        let lists =
            [("without", &self.without), ("property", &self.property), ("reduce", &self.reduce)];
        fields.extend(
            lists.iter().filter(|(_, l)| !l.is_empty()).map(|(n, l)| format!("{n} = {l:?}")),
        );
        fields.extend(self.answer.fields());
        format!("{{ {} }}", fields.join(", "))
    }

    /// The question that the row asks.
    ///
    /// # Errors
    /// The name that does not exist.
    pub fn question(&self, engine: Engine, threads: usize) -> Result<Question, Finding> {
        let none = |what: &str, name: &str| format!("pinned.toml: no {what} is called {name:?}");
        let rules = self.without.iter().map(|id| id.parse::<Rule>().map_err(|_| none("rule", id)));
        let names = self.property.iter().map(|name| {
            let found = WorldProperty::named(name);
            found.map(WorldProperty::name).ok_or_else(|| none("property", name))
        });
        let variant = Variant::ALL.iter().find(|variant| variant.name() == self.variant);
        let mut instance =
            Instance::named(&self.instance).ok_or_else(|| none("instance", &self.instance))?;
        if !self.transactions.is_empty() {
            let found = Transactions::WORDS.iter().find(|(word, _)| *word == self.transactions);
            let (_, found) = found.ok_or_else(|| none("choice of blocks", &self.transactions))?;
            instance.bounds.transactions = *found;
        }
        let reduce = self.reduce.iter().map(|name| {
            let found = Reduction::VARIANTS.iter().find(|reduction| reduction.name() == name);
            found.copied().ok_or_else(|| none("reduction", name))
        });
        Ok(Question {
            variant: *variant.ok_or_else(|| none("variant", &self.variant))?,
            without: rules.collect::<Result<_, _>>()?,
            properties: names.collect::<Result<_, _>>()?,
            reduce: reduce.collect::<Result<_, _>>()?,
            engine,
            ..Question::about(instance, threads)
        })
    }

    /// What the check comes to now.
    ///
    /// # Errors
    /// A name is unknown, or the engine failed.
    pub fn ask(&self) -> Result<PinnedAnswer, Finding> {
        Ok(PinnedAnswer::of(&ask(&self.question(Engine::Native, THREADS)?)?))
    }
}

/// One search at a time, whichever test makes it: each takes every core and up to a few GiB.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks the engine, and gives the report that the command would print.
///
/// # Errors
/// The engine's failure in words.
pub fn ask(question: &Question) -> Result<Report, Finding> {
    let outcome = question.ask(Watch::default()).map_err(|error| error.to_string())?;
    Ok(Report::new(question, &outcome))
}

/// 1_234_567, as TOML takes it.
fn grouped(count: u64) -> String {
    syncsplit_study::words::thousands(count).replace(',', "_")
}
