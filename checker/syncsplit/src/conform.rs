//! `syncsplit conform`: takes an implementation behind an adapter through the model's scripts.
use std::fs;

use syncsplit_conform::campaign::{CampaignPlan, Refused, campaign};
use syncsplit_conform::conclusion::{Conclusion, Demands};
use syncsplit_conform::known::Known;
use syncsplit_conform::process::AdapterFailure;
use syncsplit_conform::{orphans, report};
use syncsplit_model::world::Verdict;
use syncsplit_study::report::junit;

use crate::args::{CheckFormat, ConformArgs};
use crate::exit::{Ended, Failure};
use crate::progress::Reporter;
use crate::{interrupt, print};

/// Runs the command.
pub(crate) fn run(args: &ConformArgs) -> Ended {
    let known = known(args)?;
    let demands = Demands { rules: args.require.clone(), coverage: args.min_coverage };
    let plan = CampaignPlan {
        command: args.adapter.clone(),
        level: args.level,
        only: args.only.clone(),
        script: args.script.clone(),
        known: known.clone(),
        demands: demands.clone(),
        seed: args.seed,
        cases: args.cases,
        fail_fast: args.fail_fast,
        limit: args.time_limit,
        sync: args.sync_timeout,
        lease: args.lease,
    };
    orphans::adopt();
    let reporter = Reporter::new(args.progress);
    let done = campaign(&plan, &interrupt::flag(), &|seconds, line| {
        reporter.tell("conform", seconds, || line);
    });
    reporter.finish();
    let campaign = match done {
        Ok(campaign) => campaign,
        Err(Refused::Usage(message)) => return Err(Failure::Unusable(message)),
        Err(Refused::AdapterFailure(case, trouble)) => {
            return undecided(args.format, &case, &trouble);
        }
    };
    let conclusion = Conclusion::new(&campaign, &known, &demands);
    match args.format {
        CheckFormat::Text => {
            print::text(report::Page { campaign: &campaign, conclusion: &conclusion })
        }
        CheckFormat::Json => print::json(&report::json(&campaign, &conclusion)),
        CheckFormat::Junit => print::junit(&report::junit(&campaign, &conclusion)),
    }?;
    Ok(conclusion.verdict())
}

/// The list of known failures.
fn known(args: &ConformArgs) -> Result<Known, String> {
    let Some(file) = &args.known_failures else { return Ok(Known::default()) };
    let read = fs::read_to_string(file).map_err(|error| error.to_string());
    let known = read.and_then(|text| Known::read(&text));
    known.map_err(|error| format!("{}: {error}", file.display()))
}

/// An adapter that failed says nothing of the implementation. A person reads why on stderr.
fn undecided(format: CheckFormat, case: &str, trouble: &AdapterFailure) -> Ended {
    print::complain(format_args!("case {case}: {trouble}"));
    let printed = match format {
        CheckFormat::Text => Ok(()),
        CheckFormat::Json => print::json(&report::undecided(case, trouble)),
        CheckFormat::Junit => print::junit(&junit::broken("conform", case, trouble)),
    };
    if let Err(error) = printed {
        print::complain(error);
    }
    Ok(Verdict::Undecided)
}
