//! `syncsplit list`: what there is to check.
use serde::Serialize;
use syncsplit_model::protocol::{Rule, Rules};
use syncsplit_model::world::{Fault, INSTANCES, Verdict, WorldProperty};
use syncsplit_study::bounds;
use syncsplit_study::instance::{Instance, Refused};
use syncsplit_study::words::expectation;

use crate::args::{Format, ListArgs, Listing};
use crate::exit::Ended;
use crate::print;

/// One row of any listing.
#[derive(Clone, Debug, Serialize)]
struct ListEntry {
    name: String,
    kind: &'static str,
    says: String,
}

/// How to check a world that has no name.
const OWN_WORLD: &str = "\
Any other world is a file, for example mine.toml:

  blocks = 2
  journal = 1
  frames = 1
  acks = 1
  host_messages = 1
  faults = [\"link-down\", \"array-loss\"]   # `syncsplit list faults`; or \"all\"

  [expected]                             # may be left out
  verdict = \"holds\"

and `syncsplit check ./mine.toml` checks it. Further keys: volumes, journal_full, cache, stillness,
start, transactions, numbers, variant, without, properties; docs/instances.md explains each.";

/// Runs the command.
pub(crate) fn run(args: &ListArgs) -> Ended {
    let rows = rows(args.what).map_err(|refused| refused.to_string())?;
    match args.format {
        Format::Text => print::text(text(&rows, args.what)),
        Format::Json => print::json(&rows),
    }?;
    Ok(Verdict::Holds)
}

fn text(rows: &[ListEntry], what: Listing) -> String {
    let name = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let kind = rows.iter().map(|row| row.kind.len()).max().unwrap_or(0);
    let line = |row: &ListEntry| format!("{:name$}  {:kind$}  {}\n", row.name, row.kind, row.says);
    let lines: String = rows.iter().map(line).collect();
    if what == Listing::Instances { format!("{lines}\n{OWN_WORLD}\n") } else { lines }
}

fn rows(what: Listing) -> Result<Vec<ListEntry>, Refused> {
    Ok(match what {
        Listing::Instances => Instance::all()?
            .into_iter()
            .map(|instance| ListEntry {
                name: instance.name,
                kind: "instance",
                says: format!("{}; {}", instance.says, bounds::in_words(&instance.bounds)),
            })
            .collect(),
        Listing::Rules => Rule::ALL
            .iter()
            .map(|rule| ListEntry {
                name: rule.id().into(),
                kind: if Rules::HARDENING.contains(*rule) { "hardening" } else { "patent" },
                says: rule.says().into(),
            })
            .collect(),
        Listing::Properties => WorldProperty::ALL
            .iter()
            .map(|property| ListEntry {
                name: property.name().into(),
                kind: expectation(&property.kind()),
                says: property.says().into(),
            })
            .collect(),
        Listing::Faults => Fault::ALL
            .iter()
            .map(|fault| {
                let having = INSTANCES.iter().filter(|i| i.bounds.faults.contains(*fault));
                let names: Vec<_> = having.map(|instance| instance.name).collect();
                let says = format!("{}; in {}", fault.says(), names.join(", "));
                ListEntry { name: fault.name().into(), kind: "fault", says }
            })
            .collect(),
    })
}
