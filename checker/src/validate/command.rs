//! The command `syncsplit validate`: from arguments to an outcome and an exit code.

use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use syncsplit_model::protocol::{BackupId, Rules};

use super::args::ValidateArgs;
use super::mapping::Mapping;
use super::report::Report;
use super::{Limits, Log, Options, Reader, Verdict, validate};
use crate::cli::Format;
use crate::report::reader_left;

/// Runs the command.
#[must_use]
pub fn main(args: &ValidateArgs) -> ExitCode {
    let begun = Instant::now();
    let logs = match logs(args) {
        Ok(logs) => logs,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let options = Options {
        writes: args.writes,
        hosts: args.hosts,
        newest_backup: BackupId(args.newest_backup),
        rules: args.without.iter().fold(Rules::HARDENED, |rules, rule| rules.without(*rule)),
    };
    let until = args.time.and_then(|time| begun.checked_add(time));
    let limits = Limits { hidden: args.hidden, states: args.states, until };
    let outcome = validate(&logs, options, limits);
    let files: Vec<_> = args.traces.iter().map(|file| file.display().to_string()).collect();
    let seconds = begun.elapsed().as_secs_f64();
    let report = Report { files: &files, logs: &logs, options, limits, outcome: &outcome, seconds };
    match print(&report, args.format).or_else(reader_left) {
        Ok(()) => ExitCode::from(match outcome.verdict {
            Verdict::Run(_) => 0,
            Verdict::NoRun => 1,
            Verdict::Undecided(_) => 3,
        }),
        Err(error) => {
            eprintln!("error: the outcome could not be written: {error}");
            ExitCode::from(2)
        }
    }
}

fn print(report: &Report<'_>, format: Format) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        Format::Text => report.text(&mut out)?,
        Format::Json => writeln!(out, "{:#}", report.json())?,
    }
    out.flush()
}

fn logs(args: &ValidateArgs) -> Result<Vec<Log>, String> {
    let mapping = args.mapping.as_deref().map(mapping).transpose()?;
    let mut reader = Reader::new(mapping);
    for path in &args.traces {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| format!("{name}: {error}"))?;
        reader.file(&name, BufReader::new(file)).map_err(|bad| match bad.at {
            Some((_, line)) => format!("{name}:{line}: {}", bad.what),
            None => format!("{name}: {}", bad.what),
        })?;
    }
    let name = |at: Option<(usize, usize)>| {
        let named = |(file, line): (usize, usize)| {
            args.traces.get(file).map(|path| format!("{}:{line}: ", path.display()))
        };
        at.and_then(named).unwrap_or_default()
    };
    reader.logs().map_err(|bad| format!("{}{}", name(bad.at), bad.what))
}

fn mapping(path: &Path) -> Result<Mapping, String> {
    let named = |error: String| format!("{}: {error}", path.display());
    let text = fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
    Mapping::read(&text).map_err(named)
}
