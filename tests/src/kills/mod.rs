//! The kill matrix: each seeded defect at each level, the first case of the conformance kit that finds it, and how many
//! cases that took. Seed, number and order of the cases are those of `syncsplit conform` without options.
//!
//! The outcomes stand in `tests/kills.toml`; `docs/kill-matrix.md` is written from them. What the kit judges, and how, is
//! the checker's.

pub mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use syncsplit_conform::cases::{self, KitCase};
use syncsplit_conform::generated::generate;
use syncsplit_conform::process::Adapter;
use syncsplit_conform::session::AdapterOptions;
use syncsplit_conform::verb::kebab;
use syncsplit_conform::wire::{Hello, Level};

use crate::source::Finding;

/// Where chance begins.
pub const SEED: u64 = 1;
/// How many random runs there are. Where a state is not known for certain each takes many times as long.
#[must_use]
pub const fn random(level: Level) -> u64 {
    match level {
        Level::Steered => 1000,
        Level::Marked => 200,
        Level::BlackBox => 50,
    }
}

const SYNC_MS: u64 = 1000;
const LEASE_MS: u64 = 10_000;
const LIMIT: Duration = Duration::from_secs(10);

/// One implementation whose defects can be named.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its name in table and page.
    pub name: &'static str,
    /// What starts its adapter without a defect.
    pub correct: String,
    /// What starts its adapter with one; the defect's name follows.
    pub command: String,
    /// The levels that it allows.
    pub levels: Vec<Level>,
    /// Its defects.
    pub defects: Vec<Defect>,
}

/// One defect of an implementation.
#[derive(Clone, Debug)]
pub struct Defect {
    /// The name by which its adapter is told.
    pub name: String,
    /// What is wrong.
    pub says: String,
    /// Ids of the rules that are broken.
    pub rule: String,
    /// Whether it is the protocol without the rule.
    pub is_left_out: bool,
}

/// The defects of `checker/adapters/defective.py`, as its classes say.
#[must_use]
pub fn of_python(source: &str) -> Vec<Defect> {
    let lines: Vec<&str> = source.lines().collect();
    let classes = lines.windows(2).filter_map(|pair| {
        let class = pair[0].strip_prefix("class ")?.strip_suffix("(Replicator):")?;
        let says = pair[1].trim().trim_matches('"').strip_suffix(").")?;
        let (says, rule) = says.rsplit_once(" (")?;
        Some(Defect {
            name: kebab(class),
            says: says.into(),
            rule: rule.into(),
            is_left_out: false,
        })
    });
    classes.collect()
}

/// How a defect fared at a level.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KillRow {
    /// The implementation.
    pub of: String,
    /// The defect.
    pub defect: String,
    /// The level's name.
    pub level: String,
    /// The first case that fails; none if the defect survives.
    pub case: Option<String>,
    /// How many cases were done, the failing one included.
    pub cases: usize,
}

impl KillRow {
    /// The row as a line of the table.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { of, defect, level, case, cases } = self;
        let case = case.as_ref().map_or_else(String::new, |case| format!("case = \"{case}\", "));
        format!(
            "{{ of = \"{of}\", defect = \"{defect}\", level = \"{level}\", {case}cases = {cases} }}"
        )
    }

    const fn key(&self) -> (&String, &String, &String) {
        (&self.of, &self.defect, &self.level)
    }
}

/// Every case at a level, in the order in which the kit does them.
#[derive(Debug)]
pub struct Cases {
    level: Level,
    /// What starts the adapter without a defect.
    correct: String,
    cases: Vec<KitCase>,
    /// What is known of cases done without a defect: whether they find fault all the same. Such a case shows nothing of a
    /// defect.
    sounded: Mutex<BTreeMap<String, bool>>,
}

impl Cases {
    /// The cases for what an adapter can do.
    ///
    /// # Errors
    /// The table of directed cases is malformed.
    fn of(subject: &Subject, hello: &Hello, level: Level) -> Result<Self, Finding> {
        let cases = cases::all(hello, level, &generate(hello, level), random(level))?;
        let correct = subject.correct.clone();
        Ok(Self { level, correct, cases, sounded: Mutex::default() })
    }

    /// How many cases there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.cases.len()
    }

    /// Does the cases that are wanted, one after the other, until one fails: its id, and its place among all cases; without
    /// one, how many cases there are.
    ///
    /// # Errors
    /// The adapter failed.
    fn first_kill(
        &self,
        command: &str,
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Result<(Option<String>, usize), Finding> {
        let mut adapter = start(command)?;
        for (at, case) in self.cases.iter().enumerate().filter(|(_, case)| is_wanted(&case.id)) {
            if self.finds_fault(&mut adapter, command, case)? {
                return Ok((Some(case.id.clone()), at + 1));
            }
        }
        Ok((None, self.cases.len()))
    }

    fn finds_fault(
        &self,
        adapter: &mut Adapter,
        command: &str,
        case: &KitCase,
    ) -> Result<bool, Finding> {
        let how =
            AdapterOptions { level: self.level, sync_ms: SYNC_MS, seed: SEED, lease_ms: LEASE_MS };
        let done = case.run(adapter, how, &[]);
        let place = || format!("{command}, {}, {}", self.level.name(), case.id);
        let (_, outcome) = done.map_err(|why| format!("{}: {why}", place()))?;
        Ok(outcome.is_some_and(|outcome| outcome.failure.is_some()))
    }

    /// Whether a case finds fault with the implementation as it is.
    ///
    /// # Errors
    /// The adapter failed.
    fn is_alarm(&self, case: &str) -> Result<bool, Finding> {
        let sounded = || self.sounded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = sounded().get(case) {
            return Ok(*known);
        }
        let is_alarm = self.first_kill(&self.correct, &|id| id == case)?.0.is_some();
        sounded().insert(case.to_owned(), is_alarm);
        Ok(is_alarm)
    }

    /// The first case that finds the defect of what `command` starts, and its place; without one, how many cases there are.
    ///
    /// # Errors
    /// The adapter failed.
    fn first_that_shows(&self, command: &str) -> Result<(Option<String>, usize), Finding> {
        let mut passed_over = BTreeSet::new();
        loop {
            let (found, at) = self.first_kill(command, &|id| !passed_over.contains(id))?;
            match found {
                Some(case) if self.is_alarm(&case)? => passed_over.insert(case),
                _ => return Ok((found, at)),
            };
        }
    }

    /// Every case that finds fault with the implementation as it is.
    ///
    /// # Errors
    /// The adapter failed.
    pub fn alarms(&self) -> Result<BTreeSet<String>, Finding> {
        let found = side_by_side(
            &self.cases,
            || start(&self.correct),
            |adapter, case| self.finds_fault(adapter, &self.correct, case),
        )?;
        let alarms = self.cases.iter().zip(found).filter(|(_, is_alarm)| *is_alarm);
        Ok(alarms.map(|(case, _)| case.id.clone()).collect())
    }
}

/// Starts an adapter.
fn start(command: &str) -> Result<Adapter, Finding> {
    let interrupt = Arc::new(AtomicBool::new(false));
    let started = Adapter::start(command, LIMIT, &interrupt, false);
    started.map_err(|trouble| format!("{command}: {trouble}"))
}

/// Does every job, as many at once as there are processors, each with what its thread has set up for itself; the outcomes
/// are in the order of the jobs.
///
/// # Errors
/// How many jobs failed, and how the first did.
pub fn side_by_side<Job: Sync, Bench, T: Send>(
    jobs: &[Job],
    set_up: impl Fn() -> Result<Bench, Finding> + Sync,
    work: impl Fn(&mut Bench, &Job) -> Result<T, Finding> + Sync,
) -> Result<Vec<T>, Finding> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(BTreeMap::new());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads.min(jobs.len()) {
            scope.spawn(|| {
                let mut bench = set_up();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(at) else { return };
                    let outcome = match &mut bench {
                        Ok(bench) => work(bench, job),
                        Err(why) => Err(why.clone()),
                    };
                    outcomes.lock().unwrap_or_else(PoisonError::into_inner).insert(at, outcome);
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    let failed: Vec<_> = outcomes.values().filter_map(|outcome| outcome.as_ref().err()).collect();
    if let Some(first) = failed.first() {
        return Err(format!("{} jobs failed, the first: {first}", failed.len()));
    }
    outcomes.into_values().collect()
}

/// What is done about each defect at each level; the rows are in the order of the subjects.
///
/// # Errors
/// An adapter failed.
pub fn each<T: Send>(
    subjects: &[Subject],
    about: impl Fn(&Subject, &str, &Cases) -> Result<T, Finding> + Sync,
) -> Result<Vec<T>, Finding> {
    let mut cases = BTreeMap::new();
    let mut jobs = Vec::new();
    for subject in subjects {
        let adapter = start(&subject.correct)?;
        for level in &subject.levels {
            cases.insert((subject.name, *level), Cases::of(subject, adapter.hello(), *level)?);
        }
        for Defect { name: defect, .. } in &subject.defects {
            jobs.extend(subject.levels.iter().map(|level| (subject, defect, *level)));
        }
    }
    side_by_side(
        &jobs,
        || Ok(()),
        |(), (subject, defect, level)| match cases.get(&(subject.name, *level)) {
            Some(cases) => about(subject, defect, cases),
            None => Err(format!("{} has no cases at {}", subject.name, level.name())),
        },
    )
}

/// The implementations and levels that are asked for by name; all where none is named.
///
/// # Errors
/// A name is unknown.
pub fn only(
    subjects: Vec<Subject>,
    of: &[String],
    levels: &[String],
) -> Result<Vec<Subject>, Finding> {
    let names: Vec<&str> = subjects.iter().map(|subject| subject.name).collect();
    let known = [Level::Steered, Level::Marked, Level::BlackBox].map(Level::name);
    for (asked, valid) in [(of, &names[..]), (levels, &known[..])] {
        if let Some(stranger) = asked.iter().find(|name| !valid.contains(&name.as_str())) {
            return Err(format!("{stranger:?} is none of {}", valid.join(", ")));
        }
    }
    let is_asked =
        |asked: &[String], name: &str| asked.is_empty() || asked.iter().any(|a| a == name);
    let mut wanted = subjects;
    wanted.retain(|subject| is_asked(of, subject.name));
    for subject in &mut wanted {
        subject.levels.retain(|level| is_asked(levels, level.name()));
    }
    Ok(wanted)
}

/// The rows of every defect at every level: the new one where there is one, or else the old one.
#[must_use]
pub fn renewed(subjects: &[Subject], old: &[KillRow], new: &[KillRow]) -> Vec<KillRow> {
    let known: BTreeMap<_, _> = old.iter().chain(new).map(|row| (row.key(), row)).collect();
    let mut rows = Vec::new();
    for subject in subjects {
        for defect in &subject.defects {
            for level in &subject.levels {
                let key = (&subject.name.to_owned(), &defect.name, &level.name().to_owned());
                rows.extend(known.get(&key).map(|row| (*row).clone()));
            }
        }
    }
    rows
}

/// Does every case about each defect at each level, until one finds it.
///
/// # Errors
/// An adapter failed.
pub fn matrix(subjects: &[Subject]) -> Result<Vec<KillRow>, Finding> {
    each(subjects, |subject, defect, cases| {
        let command = format!("{} {defect}", subject.command);
        let (case, count) = cases.first_that_shows(&command)?;
        let level = cases.level.name().to_owned();
        let (of, defect) = (subject.name.to_owned(), defect.to_owned());
        let row = KillRow { of, defect, level, case, cases: count };
        // The whole matrix takes so long that whoever waits for it wants to see how far it is.
        println!("{}", row.line());
        Ok(row)
    })
}

/// Which of the cases that are said to find a defect do not, or find one where there is none.
///
/// # Errors
/// An adapter failed, or a row is missing.
pub fn unconfirmed(subjects: &[Subject], rows: &[KillRow]) -> Result<Vec<Finding>, Finding> {
    let by_key: BTreeMap<_, _> = rows.iter().map(|row| (row.key(), row)).collect();
    let found = each(subjects, |subject, defect, cases| {
        let key = (subject.name.to_owned(), defect.to_owned(), cases.level.name().to_owned());
        let row = by_key.get(&(&key.0, &key.1, &key.2));
        let row = row.ok_or_else(|| format!("no row for {} {} at {}", key.0, key.1, key.2))?;
        let Some(case) = &row.case else { return Ok(None) };
        if cases.is_alarm(case)? {
            return Ok(Some(format!("{case} finds fault with {} as it is", subject.name)));
        }
        let command = format!("{} {defect}", subject.command);
        let (killed, _) = cases.first_kill(&command, &|id| id == case)?;
        Ok(killed.is_none().then(|| format!("{}: {case} does not find it", row.line())))
    })?;
    Ok(found.into_iter().flatten().collect())
}
