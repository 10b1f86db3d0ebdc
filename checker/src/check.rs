//! `syncsplit check`: asks an engine about an instance, and turns the outcome into a report and an exit code.

use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;

use syncsplit_engine::{
    Ending, EngineError, Keep, Kept, Limits, Options, Outcome, StopAt, Store, Verdict, liveness,
    stateright,
};
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{
    Action, Bounds, PROMISES, PromiseInfo, State, Transactions, Variant, World, WorldProperty,
};
use syncsplit_search::SearchSpace;

use crate::checkpoint::Checkpoint;
use crate::cli::{CheckArgs, CheckFormat, Engine, Stored};
use crate::coverage;
use crate::instance::Instance;
use crate::progress::Reporter;
use crate::reduce::{self, Reduction};
use crate::report::{self, Report};

/// What one check is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The world.
    pub instance: Instance,
    /// The reading of the protocol.
    pub variant: Variant,
    /// The rules left out.
    pub without: Vec<Rule>,
    /// The properties to check by name; all when empty.
    pub properties: Vec<&'static str>,
    /// What keeps states or steps out of the search.
    pub reduce: Vec<Reduction>,
    /// What is kept of each state.
    pub store: Store,
    /// The engine.
    pub engine: Engine,
    /// Worker threads, at least 1.
    pub threads: usize,
    /// What ends the run early.
    pub limits: Limits,
}

/// What a check comes to; the exit code of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// Every `always` holds in every reachable state, and every `sometimes` was reached.
    Holds,
    /// An `always` is violated, or a `sometimes` is reached by no run.
    Violated,
    /// A limit was reached before it was settled.
    Undecided,
}

impl Answer {
    /// The exit code of the command.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Holds => 0,
            Self::Violated => 1,
            Self::Undecided => 3,
        }
    }

    /// Judges an outcome. A limit that was reached never gives `Holds`.
    #[must_use]
    pub fn of<A, S>(outcome: &Outcome<A, S>) -> Self {
        let any = |wanted| outcome.properties.iter().any(|property| property.verdict == wanted);
        let kept = |wanted| outcome.promises.iter().any(|promise| promise.verdict == wanted);
        let bad = [Verdict::Violated, Verdict::Unreachable];
        if bad.iter().any(|bad| any(*bad) || kept(*bad)) {
            Self::Violated
        } else if outcome.ending == Ending::Complete && outcome.cut_by_boundary == 0 {
            Self::Holds
        } else {
            Self::Undecided
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Holds => "HOLDS",
            Self::Violated => "VIOLATED",
            Self::Undecided => "UNDECIDED",
        })
    }
}

/// An engine's failure in words; none of them is a verdict.
pub type CheckError = Box<EngineError<Action, State>>;

impl Question {
    /// The question that the command line asks.
    ///
    /// # Errors
    /// A sentence that names the argument that is not valid, and what would be.
    pub fn of(args: &CheckArgs) -> Result<Self, String> {
        let mut instance = Instance::load(&args.instance).map_err(|refused| refused.to_string())?;
        let words = Transactions::WORDS.iter();
        let transactions =
            words.clone().find(|(word, _)| Some(*word) == args.transactions.as_deref());
        if let Some((_, transactions)) =
            transactions.filter(|t| t.1 != instance.bounds.transactions)
        {
            instance.bounds.transactions = *transactions;
            // It was expected of another world.
            instance.expected = None;
        }
        let variant = match &args.variant {
            Some(name) => named(name)?,
            None => instance.variant,
        };
        let mut without = instance.without.clone();
        without.extend(args.without.iter().filter(|rule| !instance.without.contains(rule)));
        let asked: Vec<_> =
            askable().filter(|name| args.property.iter().any(|p| p == name)).collect();
        let properties = if asked.is_empty() { instance.properties.clone() } else { asked };
        for promise in PROMISES.iter().filter(|promise| properties.contains(&promise.name)) {
            refuse_promise(promise, &instance.bounds, args.engine)?;
        }
        let mut reduce = args.reduce.clone();
        reduce.sort_unstable();
        reduce.dedup();
        let question = Self {
            variant,
            without,
            properties,
            reduce,
            store: store(args)?,
            engine: args.engine,
            threads: threads(args.threads),
            limits: Limits { time: args.time, states: args.states, memory_bytes: args.memory },
            instance,
        };
        reduce::check(&question)?;
        refuse_fingerprints(&question)?;
        Ok(question)
    }

    /// Whether nothing but the instance decides what is asked, so that what it expects can be compared.
    #[must_use]
    pub fn is_as_the_instance_asks(&self) -> bool {
        let Instance { variant, without, properties, .. } = &self.instance;
        self.variant == *variant && self.without == *without && self.properties == *properties
    }

    /// The world that is searched.
    #[must_use]
    pub fn world(&self) -> World {
        reduce::reduced(self.plain_world(), &self.reduce)
    }

    /// The world that the question is about.
    #[must_use]
    pub fn plain_world(&self) -> World {
        let mut world = World::new(self.instance.bounds, self.variant, &self.without);
        world.only.clone_from(&self.properties);
        world.promises = self.instance.promises && self.engine == Engine::Native;
        world
    }

    /// Asks the engine.
    ///
    /// # Errors
    /// What kept the engine from an outcome; a limit is none of that.
    pub fn ask(
        &self,
        reporter: &Reporter,
        interrupt: Option<&AtomicBool>,
    ) -> Result<Outcome<Action, State>, CheckError> {
        Ok(self.ask_kept(reporter, interrupt, &Keep::default())?.outcome)
    }

    /// Asks the engine, and keeps on disk what `keep` says. Only the native engine can do that; for another one nothing
    /// is kept.
    ///
    /// # Errors
    /// As [`Self::ask`]; and a file to go on with that is not one of this check.
    pub fn ask_kept(
        &self,
        reporter: &Reporter,
        interrupt: Option<&AtomicBool>,
        keep: &Keep<'_>,
    ) -> Result<Kept<Action, State>, CheckError> {
        let world = self.world();
        let space = SearchSpace::new(world.clone());
        let show = |progress: &_| reporter.show(progress);
        let options = Options {
            threads: self.threads,
            stop: StopAt::FirstViolation,
            store: self.store,
            limits: self.limits,
            kind: Some(coverage::group),
            interrupt,
            progress: Some(&show),
        };
        let kept =
            match self.engine {
                Engine::Native => liveness::run_kept(&space, &options, keep),
                Engine::Stateright => stateright::run(Arc::new(space), &options)
                    .map(|outcome| Kept { outcome, resumed: None, written: None }),
            };
        reporter.finish();
        let mut kept = kept.map_err(Box::new)?;
        reduce::unfold(&self.plain_world(), &world, &mut kept.outcome)?;
        Ok(kept)
    }
}

/// The names of all that can be asked: properties, then promises.
pub fn askable() -> impl Iterator<Item = &'static str> {
    let properties = WorldProperty::ALL.iter().map(|property| property.name());
    properties.chain(PROMISES.iter().map(|promise| promise.name))
}

/// Refuses to ask for a promise that the world or the engine cannot answer for.
fn refuse_promise(promise: &PromiseInfo, bounds: &Bounds, engine: Engine) -> Result<(), String> {
    let name = promise.name;
    if engine != Engine::Native {
        return Err(format!("the engine {} judges no promise; {name} needs native", engine.name()));
    }
    if !promise.applies(bounds) {
        let needs = promise.needs;
        return Err(format!("{name} is not asked of this world: it needs {needs}"));
    }
    Ok(())
}

/// What is to be kept of each state.
fn store(args: &CheckArgs) -> Result<Store, String> {
    match (args.store, args.seed) {
        (Stored::Exact, None) => Ok(Store::Exact),
        (Stored::Exact, Some(seed)) => {
            Err(format!("the seed {seed} is one of fingerprints; it needs --store fingerprint"))
        }
        (Stored::Fingerprint, seed) => Ok(Store::Fingerprint { seed: seed.unwrap_or(0) }),
    }
}

/// Refuses fingerprints where they do not tell what is asked.
fn refuse_fingerprints(question: &Question) -> Result<(), String> {
    if question.store == Store::Exact {
        return Ok(());
    }
    if question.engine != Engine::Native {
        let engine = question.engine.name();
        return Err(format!(
            "the engine {engine} has a store of its own; fingerprint needs native"
        ));
    }
    question.plain_world().asked_promises().next().map_or(Ok(()), |promise| {
        Err(format!(
            "the store fingerprint answers for no promise, and {} is asked: fingerprints do not tell how states \
             are connected; name properties alone with --property, or keep the store exact",
            promise.name
        ))
    })
}

/// The variant called `name`.
///
/// # Errors
/// A sentence with the names that are valid.
pub fn named(name: &str) -> Result<Variant, String> {
    let variants = Variant::ALL.iter();
    let found = variants.clone().find(|variant| variant.name() == name).copied();
    found.ok_or_else(|| {
        let names: Vec<_> = variants.map(|variant| variant.name()).collect();
        format!("no variant is called {name:?}; there are {}", names.join(", "))
    })
}

/// Worker threads as asked for, or one for each core.
#[must_use]
pub fn threads(asked: Option<u16>) -> usize {
    asked.map_or_else(|| available_parallelism().map_or(1, usize::from), usize::from)
}

/// A flag that Ctrl-C and SIGTERM raise.
#[must_use]
pub fn interrupt() -> Arc<AtomicBool> {
    let interrupt = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&interrupt);
    if let Err(error) = ctrlc::set_handler(move || raised.store(true, Ordering::Relaxed)) {
        eprintln!("warning: Ctrl-C will end the run without a report: {error}");
    }
    interrupt
}

/// Runs the command.
#[must_use]
pub fn main(args: &CheckArgs) -> ExitCode {
    let asked = Question::of(args).and_then(|question| {
        let checkpoint = Checkpoint::of(args, &question)?;
        Ok((question, checkpoint))
    });
    let (question, checkpoint) = match asked {
        Ok(asked) => asked,
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::from(2);
        }
    };
    let interrupt = interrupt();
    let reporter = Reporter::new(args.progress);
    match question.ask_kept(&reporter, Some(&interrupt), &checkpoint.keep()) {
        Ok(kept) => match tell(args, &question, &checkpoint, &kept) {
            Ok(code) => ExitCode::from(code),
            Err(message) => {
                eprintln!("error: {message}");
                ExitCode::from(2)
            }
        },
        Err(error) => {
            eprintln!("error: {error}");
            if args.format == CheckFormat::Junit {
                let broken = report::junit::broken("check", &question.instance.name, &error);
                if let Err(error) = report::junit::print(&broken).or_else(report::reader_left) {
                    eprintln!("error: the report could not be written: {error}");
                }
            }
            ExitCode::from(2)
        }
    }
}

/// Prints the report, and says what became of the files that were asked for. Returns the exit code.
fn tell(
    args: &CheckArgs,
    question: &Question,
    checkpoint: &Checkpoint,
    kept: &Kept<Action, State>,
) -> Result<u8, String> {
    let report = Report::new(question, &kept.outcome);
    let printed = match args.format {
        CheckFormat::Text => report::text::print(&report),
        CheckFormat::Json => report::json::print(&report),
        CheckFormat::Junit => report::junit::print(&report::junit::check(&report)),
    };
    // What was kept does not depend on who reads the report.
    checkpoint.tell(kept)?;
    let printed = printed.or_else(report::reader_left);
    printed.map_err(|error| format!("the report could not be written: {error}"))?;
    if let Some(file) = &args.trace_out {
        file.offer(report::shortest(question, &kept.outcome).as_ref())?;
    }
    Ok(report.exit_code())
}
