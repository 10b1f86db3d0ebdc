//! `syncsplit list`: what there is to check.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{Bounds, Fault, INSTANCES, PROPERTIES};

use crate::cli::{Format, ListArgs, Listing};
use crate::report::{expectation, reader_left};

/// One row of any listing.
#[derive(Clone, Debug, Serialize)]
struct Row {
    name: &'static str,
    kind: &'static str,
    says: String,
}

/// Runs the command.
#[must_use]
pub fn main(args: &ListArgs) -> ExitCode {
    match print(&rows(args.what), args.format).or_else(reader_left) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: the list could not be written: {error}");
            ExitCode::from(2)
        }
    }
}

fn print(rows: &[Row], format: Format) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if format == Format::Json {
        serde_json::to_writer_pretty(&mut out, rows)?;
        writeln!(out)?;
        return out.flush();
    }
    let name = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let kind = rows.iter().map(|row| row.kind.len()).max().unwrap_or(0);
    for row in rows {
        writeln!(out, "{:name$}  {:kind$}  {}", row.name, row.kind, row.says)?;
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
                kind: if rule.is_hardening() { "hardening" } else { "patent" },
                says: rule.says().into(),
            })
            .collect(),
        Listing::Properties => PROPERTIES
            .iter()
            .map(|property| Row {
                name: property.name,
                kind: expectation(&property.kind),
                says: property.says.into(),
            })
            .collect(),
        Listing::Faults => Fault::ALL
            .iter()
            .map(|fault| {
                let having = INSTANCES.iter().filter(|i| i.bounds.faults.has(*fault));
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
    format!(
        "{} blocks, journal {}, {} frame(s), {acks}, {} host message(s), {faults}",
        bounds.blocks, bounds.journal, bounds.frames, bounds.host_messages
    )
}
