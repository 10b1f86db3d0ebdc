//! Is a recorded run one of the model's? The model's roles follow the records, those of several nodes by the order of
//! causes, and what a record leaves out is filled in. `docs/trace-format.md` describes records.
//!
//! | file | is |
//! |---|---|
//! | `log`, [`read`], [`mapping`] | from text to logs, and from a foreign log's words to the format's |
//! | [`record`], [`pattern`], `part`, [`content`] | what a record can say, and what it shows in part |
//! | `calls`, [`system`] | the model's roles, what is on its way, the volumes, and what has to hold |
//! | `moves`, `trail`, [`search`] | what an incomplete record can be, what was read into records, and the search for a run |
//! | `why`, [`report`] | reasons with their rules, and the outcome in words and in JSON |

#![forbid(unsafe_code)]
#![deny(clippy::wildcard_enum_match_arm)]

mod calls;
pub mod containers;
pub mod content;
mod log;
pub mod mapping;
mod moves;
mod part;
pub mod pattern;
pub mod read;
pub mod record;
pub mod report;
pub mod search;
pub mod system;
mod table;
mod trail;
mod why;

pub use log::{Line, Log};
pub use read::{BadInput, Reader};
pub use report::Report;
pub use search::{Ending, Limits, STATES_MAX, ValidationOutcome};
pub use system::{Hosts, Image, Options, System, Volumes, Writes};
pub use why::{Reason, Why};

/// Searches for a run of the model that shows what the records of `logs` show.
#[must_use]
pub fn validate(logs: &[Log], options: Options, limits: Limits) -> ValidationOutcome {
    search::Search::new(logs, limits).run(System::new(options))
}

/// Why a run could not be followed to its end: the place, the step, and the reason, one line for each record that could
/// come next.
#[must_use]
pub fn explain(outcome: &ValidationOutcome, logs: &[Log], limits: Limits) -> Vec<String> {
    let Some(node) = outcome.deepest.first() else { return Vec::new() };
    let reasons = report::reasons(node, logs, limits);
    reasons.iter().map(|stuck| stuck.to_string()).collect()
}
