//! `syncsplit list`: what there is to check.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;
use syncsplit_model::protocol::primary::JournalFull;
use syncsplit_model::protocol::{Rule, Rules};
use syncsplit_model::world::{
    Bounds, Cache, Fault, INSTANCES, Start, Stillness, Transactions, WorldProperty,
};

use crate::cli::{Format, ListArgs, Listing};
use crate::report::{expectation, reader_left};

/// One row of any listing.
#[derive(Clone, Debug, Serialize)]
struct Row {
    name: &'static str,
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
start, transactions, variant, without, properties; docs/instances.md explains each.";

/// Runs the command.
#[must_use]
pub fn main(args: &ListArgs) -> ExitCode {
    match print(&rows(args.what), args).or_else(reader_left) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: the list could not be written: {error}");
            ExitCode::from(2)
        }
    }
}

fn print(rows: &[Row], args: &ListArgs) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if args.format == Format::Json {
        serde_json::to_writer_pretty(&mut out, rows)?;
        writeln!(out)?;
        return out.flush();
    }
    let name = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let kind = rows.iter().map(|row| row.kind.len()).max().unwrap_or(0);
    for row in rows {
        writeln!(out, "{:name$}  {:kind$}  {}", row.name, row.kind, row.says)?;
    }
    if args.what == Listing::Instances {
        writeln!(out, "\n{OWN_WORLD}")?;
    }
    out.flush()
}

fn rows(what: Listing) -> Vec<Row> {
    match what {
        Listing::Instances => INSTANCES
            .iter()
            .map(|instance| Row {
                name: instance.name,
                kind: "instance",
                says: format!("{}; {}", instance.says, bounds(&instance.bounds)),
            })
            .collect(),
        Listing::Rules => Rule::ALL
            .iter()
            .map(|rule| Row {
                name: rule.id(),
                kind: if Rules::HARDENING.contains(*rule) { "hardening" } else { "patent" },
                says: rule.says().into(),
            })
            .collect(),
        Listing::Properties => WorldProperty::ALL
            .iter()
            .map(|property| Row {
                name: property.name(),
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
                Row { name: fault.name(), kind: "fault", says }
            })
            .collect(),
    }
}

/// The bounds of a world in one line; a claim travels with it.
#[must_use]
pub fn bounds(bounds: &Bounds) -> String {
    let names: Vec<_> = bounds.faults.iter().map(Fault::name).collect();
    let faults = match names.len() {
        0 => "no faults".into(),
        n if n == Fault::ALL.len() => "all faults".into(),
        _ => format!("faults {}", names.join(", ")),
    };
    let acks = match bounds.acks {
        0 => "acknowledgements in one step".into(),
        n => format!("{n} acknowledgement(s) in flight"),
    };
    let mut sizes = format!(
        "{} blocks, journal {}, {} frame(s), {acks}, {} host message(s)",
        bounds.blocks, bounds.journal, bounds.frames, bounds.host_messages
    );
    if bounds.volumes > 1 {
        sizes += &format!(", {} volumes", bounds.volumes);
    }
    let options = [
        (bounds.journal_full == JournalFull::Suspend, "a full journal suspends"),
        (bounds.cache == Cache::Volatile, "volatile cache"),
        (bounds.stillness == Stillness::Quiesce, "backups by quiescing"),
        (bounds.start == Start::Smpl, "begun without a pair"),
        (bounds.transactions == Transactions::Any, "transactions of any two blocks"),
    ];
    for (_, words) in options.iter().filter(|(is_chosen, _)| *is_chosen) {
        sizes += &format!(", {words}");
    }
    format!("{sizes}, {faults}")
}
