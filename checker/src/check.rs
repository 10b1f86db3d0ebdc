//! `syncsplit check`: asks an engine about an instance, and turns the outcome into a report and an exit code.

use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;

use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{Action, Instance, PROPERTIES, State, Variant, World};

use crate::cli::{CheckArgs, Engine, Format};
use crate::engine::{Ending, EngineError, Limits, Options, Outcome, StopAt, Verdict};
use crate::engine::{levels, stateright};
use crate::progress::Reporter;
use crate::report::{self, Report};

/// What one check is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The world.
    pub instance: &'static Instance,
    /// The reading of the protocol.
    pub variant: Variant,
    /// The rules left out.
    pub without: Vec<Rule>,
    /// The properties to check by name; all when empty.
    pub properties: Vec<&'static str>,
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
        if any(Verdict::Violated) || any(Verdict::Unreachable) {
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
        let instance = Instance::named(&args.instance)
            .ok_or_else(|| format!("no instance is called {:?}", args.instance))?;
        let variant = Variant::ALL.iter().find(|variant| variant.name() == args.variant);
        let properties = PROPERTIES.iter().map(|property| property.name);
        let cores = available_parallelism().map_or(1, usize::from);
        Ok(Self {
            instance,
            variant: *variant.ok_or_else(|| format!("no variant is called {:?}", args.variant))?,
            without: args.without.clone(),
            properties: properties.filter(|name| args.property.iter().any(|p| p == name)).collect(),
            engine: args.engine,
            threads: args.threads.map_or(cores, usize::from),
            limits: Limits { time: args.time, states: args.states, memory_bytes: args.memory },
        })
    }

    /// The world that the question is about.
    #[must_use]
    pub fn world(&self) -> World {
        let mut world = World::new(self.instance.bounds, self.variant, &self.without);
        world.only.clone_from(&self.properties);
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
        let world = self.world();
        let show = |progress: &_| reporter.show(progress);
        let options = Options {
            threads: self.threads,
            stop: StopAt::FirstViolation,
            limits: self.limits,
            kind: Some(Action::kind),
            interrupt,
            progress: Some(&show),
        };
        let outcome = match self.engine {
            Engine::Levels => levels::run(&world, &options),
            Engine::Stateright => stateright::run(Arc::new(world), &options),
        };
        reporter.finish();
        outcome.map_err(Box::new)
    }
}

/// Runs the command.
#[must_use]
pub fn main(args: &CheckArgs) -> ExitCode {
    let question = match Question::of(args) {
        Ok(question) => question,
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::from(2);
        }
    };
    let interrupt = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&interrupt);
    if let Err(error) = ctrlc::set_handler(move || raised.store(true, Ordering::Relaxed)) {
        eprintln!("warning: Ctrl-C will end the run without a report: {error}");
    }
    let reporter = Reporter::new(args.progress);
    match question.ask(&reporter, Some(&interrupt)) {
        Ok(outcome) => {
            let report = Report::new(&question, &outcome);
            let printed = match args.format {
                Format::Text => report::text::print(&report),
                Format::Json => report::json::print(&report),
            };
            if let Err(error) = printed.or_else(report::reader_left) {
                eprintln!("error: the report could not be written: {error}");
                return ExitCode::from(2);
            }
            if let Some(file) = &args.trace_out
                && let Err(error) = file.offer(report::shortest(&question, &outcome).as_ref())
            {
                eprintln!("error: {error}");
                return ExitCode::from(2);
            }
            ExitCode::from(report.verdict.exit_code())
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
