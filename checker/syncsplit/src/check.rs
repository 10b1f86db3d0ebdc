//! `syncsplit check`: asks an engine about an instance.
use std::thread::available_parallelism;

use syncsplit_engine::{KeptOutcome, Limits, StopAt, Store};
use syncsplit_model::world::{Action, State, Verdict};
use syncsplit_study::ablate;
use syncsplit_study::checkpoint::Checkpoint;
use syncsplit_study::condition::Condition;
use syncsplit_study::instance::askable;
use syncsplit_study::question::{Question, Watch};
use syncsplit_study::reach;
use syncsplit_study::report::{self, Report, junit};

use crate::args::{CheckArgs, CheckFormat, Stored};
use crate::exit::{Ended, Failure};
use crate::print::Stream;
use crate::progress::Reporter;
use crate::world::{self, NamedWorld};
use crate::{interrupt, next, print};

/// Runs the command.
pub(crate) fn run(args: &CheckArgs) -> Ended {
    let is_junit = args.format == CheckFormat::Junit;
    let mut question = print::refused("check", is_junit, question(args))?;
    let condition = args.reach.as_ref().map(|text| Condition::parse(text, &question.world()));
    let condition = condition.transpose().map_err(|error| format!("--reach: {error}"))?;
    if let Some(condition) = &condition {
        if is_junit {
            return Err("--format junit tells properties; --reach takes text or json"
                .to_owned()
                .into());
        }
        question.reach(condition.clone());
        question.check()?;
    }
    let file = args.checkpoint.as_ref().or(args.resume.as_ref());
    let checkpoint = match file {
        Some(file) => {
            let checkpoint = Checkpoint::new(&question, file, args.resume.is_some());
            print::refused("check", is_junit, checkpoint)?
        }
        None => Checkpoint::default(),
    };
    let interrupt = interrupt::flag();
    let reporter = Reporter::new(args.progress);
    let show = |progress: &_| reporter.show("", progress);
    let watch = Watch { progress: Some(&show), interrupt: Some(&interrupt) };
    let asked = question.ask_kept(watch, &checkpoint.keep());
    reporter.finish();
    match asked {
        Ok(kept) => match condition {
            Some(condition) => tell_way(args, &question, &condition, &checkpoint, &kept),
            None => tell(args, &question, &checkpoint, &kept),
        },
        Err(error) => {
            print::complain(&error);
            if is_junit {
                print::junit(&junit::broken("check", &question.instance.name, &error))?;
            }
            Err(Failure::Reported)
        }
    }
}

/// The question that the arguments ask.
fn question(args: &CheckArgs) -> Result<Question, String> {
    let NamedWorld { instance, variant, without } = world::named(&args.instance, &args.world)?;
    let mut question = Question::about(instance, threads(args.threads));
    (question.variant, question.without) = (variant, without);
    if args.go_on {
        question.stop = StopAt::Exhaust;
    }
    let asked: Vec<_> = askable().filter(|name| args.property.iter().any(|p| p == name)).collect();
    if !asked.is_empty() {
        question.properties = asked;
    }
    question.reduce.clone_from(&args.reduce);
    question.reduce.sort_unstable();
    question.reduce.dedup();
    question.store = match (args.store, args.seed) {
        (Stored::Exact, None) => Store::Exact,
        (Stored::Exact, Some(seed)) => {
            let needs = "is one of fingerprints; it needs --store fingerprint";
            return Err(format!("the seed {seed} {needs}"));
        }
        (Stored::Fingerprint, seed) => Store::Fingerprint { seed: seed.unwrap_or(0) },
    };
    question.engine = args.engine;
    question.limits = Limits { time: args.time, states: args.states, memory_bytes: args.memory };
    if args.reach.is_none() {
        question.check()?;
    }
    Ok(question)
}

/// Worker threads as asked for, or one for each core.
pub(crate) fn threads(asked: Option<u16>) -> usize {
    asked.map_or_else(|| available_parallelism().map_or(1, usize::from), usize::from)
}

/// Prints the report, and says what became of the files that were asked for.
fn tell(
    args: &CheckArgs,
    question: &Question,
    checkpoint: &Checkpoint,
    kept: &KeptOutcome<Action, State>,
) -> Ended {
    let mut report = Report::new(question, &kept.outcome);
    if report.verdict != Verdict::Violated {
        for rule in &question.without {
            report.notes.extend(ablate::harm_shows(*rule)?);
        }
    }
    let conclusion = report.conclusion(args.strict);
    let stream = Stream::beside(args.trace_out.as_ref());
    let printed = match args.format {
        CheckFormat::Text => {
            stream.text(format!("{report}{}", next::closing(&report, conclusion, args)))
        }
        CheckFormat::Json => stream.json(&report),
        CheckFormat::Junit => stream.junit(&junit::check(&report)),
    };
    // What was kept does not depend on who reads the report.
    checkpoint.resumed(kept).into_iter().for_each(print::note);
    checkpoint.written(kept)?.into_iter().for_each(print::note);
    printed?;
    let trace = report::shortest(question, &kept.outcome);
    print::trace(args.trace_out.as_ref(), trace.as_ref())?;
    Ok(conclusion)
}

/// As [`tell`], of a search for a state.
fn tell_way(
    args: &CheckArgs,
    question: &Question,
    condition: &Condition,
    checkpoint: &Checkpoint,
    kept: &KeptOutcome<Action, State>,
) -> Ended {
    let (report, trace) = reach::report(question, condition, &kept.outcome);
    let stream = Stream::beside(args.trace_out.as_ref());
    let printed = match args.format {
        CheckFormat::Text => stream.text(&report),
        CheckFormat::Json | CheckFormat::Junit => stream.json(&report),
    };
    checkpoint.resumed(kept).into_iter().for_each(print::note);
    checkpoint.written(kept)?.into_iter().for_each(print::note);
    printed?;
    print::trace(args.trace_out.as_ref(), trace.as_ref())?;
    Ok(report.conclusion())
}
