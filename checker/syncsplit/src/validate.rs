//! `syncsplit validate`: says whether a recorded run is one of the model's.
use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;
use std::time::Instant;

use syncsplit_model::protocol::{BackupId, Rules};
use syncsplit_validate::mapping::Mapping;
use syncsplit_validate::{Limits, Log, Options, Reader, Report, validate};

use crate::args::{Format, ValidateArgs};
use crate::exit::Ended;
use crate::print;

/// Runs the command.
pub(crate) fn run(args: &ValidateArgs) -> Ended {
    let begun = Instant::now();
    let logs = logs(args)?;
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
    match args.format {
        Format::Text => print::text(&report),
        Format::Json => print::json(&report.json()),
    }?;
    Ok(outcome.ending.verdict())
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
