//! Where the implementation's traces meet the checker's validator: records as the implementation makes them become
//! records as the validator reads them. Nothing is judged here.
use syncsplit_impl::trace::{Digest, RoleRecord, TraceRecord};
use syncsplit_model::record::Side;
use syncsplit_validate::{Ending, Limits, Log, Reader, System, explain, validate};

pub use syncsplit_validate::{Hosts, Options, Writes};

/// A volume's contents, block by block; nothing where a failed write left the contents undefined.
pub type Image = Vec<Option<Digest>>;

/// What an image of the validator holds.
#[must_use]
pub fn image(image: &syncsplit_validate::Image) -> Image {
    image.digests().into_iter().map(|digest| digest.map(Digest)).collect()
}

/// A trace is no run of the model.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

/// The trace as the validator reads it.
///
/// # Errors
/// A record is not one that the validator can read.
pub fn logs(records: &[TraceRecord]) -> Result<Vec<Log>, Refused> {
    let mut reader = Reader::new(None);
    for (at, record) in records.iter().enumerate() {
        let text = serde_json::to_string(record).map_err(|error| Refused(error.to_string()))?;
        reader.record("trace", (0, at + 1), &text).map_err(Refused)?;
    }
    reader.logs().map_err(|error| Refused(error.to_string()))
}

/// The trace as a log of each site: what one site's records say of the other's place in the order is lost.
///
/// # Errors
/// As [`logs`].
pub fn by_site(records: &[TraceRecord]) -> Result<Vec<Log>, Refused> {
    let mut reader = Reader::new(None);
    let mut numbers = [0_u64; 2];
    for remote in [true, false] {
        for (at, record) in records.iter().enumerate().filter(|(_, of)| is_remote(of) == remote) {
            let number = &mut numbers[usize::from(remote)];
            let renumbered = TraceRecord { n: *number, role: record.role.clone() };
            *number += 1;
            let text = serde_json::to_string(&renumbered);
            let text = text.map_err(|error| Refused(error.to_string()))?;
            let name = if remote { "remote" } else { "local" };
            reader.record(name, (0, at + 1), &text).map_err(Refused)?;
        }
    }
    reader.logs().map_err(|error| Refused(error.to_string()))
}

const fn is_remote(record: &TraceRecord) -> bool {
    match &record.role {
        RoleRecord::Start(start) => matches!(start.side, Side::Secondary),
        RoleRecord::Secondary(_) | RoleRecord::Requester(_) => true,
        RoleRecord::Primary(_)
        | RoleRecord::Sync(_)
        | RoleRecord::Database(_)
        | RoleRecord::Coordinator(_)
        | RoleRecord::Fault(_) => false,
    }
}

/// Follows a whole trace: the model as the trace leaves it.
///
/// # Errors
/// The first record that the model does not allow.
pub fn replay(options: Options, records: &[TraceRecord]) -> Result<System, Refused> {
    judge(options, &logs(records)?)
}

/// Follows the logs of one run.
///
/// # Errors
/// The first record that the model does not allow.
pub fn judge(options: Options, logs: &[Log]) -> Result<System, Refused> {
    let limits = Limits::default();
    let outcome = validate(logs, options, limits);
    match outcome.ending {
        Ending::Run(system) => Ok(*system),
        Ending::NoRun | Ending::Limit(_) => {
            Err(Refused(explain(&outcome, logs, limits).join("; ")))
        }
    }
}
