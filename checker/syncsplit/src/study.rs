//! `syncsplit ablate` and `syncsplit matrix`: many searches, each compared with what is expected of it.
use std::sync::atomic::AtomicBool;

use syncsplit_engine::{Limits, Progress};
use syncsplit_study::ablate::AblationPlan;
use syncsplit_study::case::{self, Searcher, StudyCase};
use syncsplit_study::instance::Instance;
use syncsplit_study::matrix::{self, Matrix};
use syncsplit_study::pages::{junit, markdown, text};

use crate::args::{AblateArgs, MatrixArgs, SearchArgs, StudyFormat};
use crate::check::threads;
use crate::exit::{Ended, Failure};
use crate::progress::Reporter;
use crate::{interrupt, print};

/// Runs `syncsplit ablate`.
pub(crate) fn ablate(args: &AblateArgs) -> Ended {
    let load = |name: &String| Instance::load(name).map_err(|refused| refused.to_string());
    let instance = args.instance.as_ref().map(load).transpose();
    let plan = instance.and_then(|instance| AblationPlan::new(instance, args.variant, &args.only));
    let plan = print::refused("ablate", args.format == StudyFormat::Junit, plan)?;
    let study = searching(&args.search, |searcher| plan.run(searcher))?;
    match args.format {
        StudyFormat::Text => print::text(page(&text::ablation(&study))),
        StudyFormat::Json => print::json(&study),
        StudyFormat::Markdown => print::text(page(&markdown::ablation(&study))),
        StudyFormat::Junit => print::junit(&junit::ablation(&study)),
    }?;
    ended(study.rules.iter().map(|ablation| &ablation.case))
}

/// Runs `syncsplit matrix`.
pub(crate) fn matrix(args: &MatrixArgs) -> Ended {
    let table = matrix::table()?;
    let matrix = searching(&args.search, |searcher| Matrix::run(searcher, &table));
    match args.format {
        StudyFormat::Text => print::text(page(&text::matrix(&matrix))),
        StudyFormat::Json => print::json(&matrix),
        StudyFormat::Markdown => print::text(page(&markdown::matrix(&matrix))),
        StudyFormat::Junit => print::junit(&junit::matrix(&matrix)),
    }?;
    ended(matrix.cases())
}

/// Makes searches as the arguments say; Ctrl-C ends the search under way and those to come.
fn searching<T>(args: &SearchArgs, run: impl FnOnce(&Searcher<'_>) -> T) -> T {
    let interrupt = interrupt::flag();
    let interrupt: &AtomicBool = &interrupt;
    let reporter = Reporter::new(args.progress);
    let show = |what: &str, progress: &Progress| reporter.show(what, progress);
    let done = run(&Searcher {
        threads: threads(args.threads),
        limits: Limits { time: args.time, states: args.states, memory_bytes: args.memory },
        progress: Some(&show),
        interrupt: Some(interrupt),
    });
    reporter.finish();
    done
}

fn page(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

/// An engine's failure stands in the report of its case.
fn ended<'a>(cases: impl Iterator<Item = &'a StudyCase> + Clone) -> Ended {
    case::verdict(cases).map_err(|_| Failure::Reported)
}
