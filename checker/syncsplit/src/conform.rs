//! `syncsplit conform`: takes an implementation behind an adapter through the model's scripts.
use std::fs;

use syncsplit_conform::campaign::{self, CampaignPlan, Refused, campaign};
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
    if args.dry_run {
        return list(&plan, args.format);
    }
    let reporter = Reporter::new(args.progress);
    let done = campaign(&plan, &interrupt::flag(), &|seconds, line| {
        reporter.tell("conform", seconds, || line);
    });
    reporter.finish();
    let campaign = match done {
        Ok(campaign) => campaign,
        Err(refused) => return no_campaign(args.format, refused),
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

/// Lists the cases, and does none.
fn list(plan: &CampaignPlan, format: CheckFormat) -> Ended {
    let cases = match campaign::listed(plan, &interrupt::flag()) {
        Ok(cases) => cases,
        Err(refused) => return no_campaign(format, refused),
    };
    match format {
        CheckFormat::Text => print::text(report::listing(&cases)),
        CheckFormat::Json => print::json(&serde_json::json!({ "cases": cases })),
        CheckFormat::Junit => {
            Err("--dry-run: there is no JUnit XML of cases that are not done".into())
        }
    }?;
    Ok(Verdict::NoViolationFound)
}

/// Why no campaign has come to anything.
fn no_campaign(format: CheckFormat, refused: Refused) -> Ended {
    match refused {
        Refused::Usage(message) => Err(Failure::Unusable(message)),
        Refused::AdapterFailure(case, trouble) => undecided(format, &case, &trouble),
    }
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
