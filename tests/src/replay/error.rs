//! Why a trace is refused, in words that let the reader find the record, the line of the model and the difference.

use serde::Serialize;
use serde_json::Value;
use syncsplit_impl::trace::RoleRecord;
use syncsplit_model::protocol::{BackupId, BlockIndex, Broken, Seq};

/// The first record that the model does not allow.
#[derive(Debug, thiserror::Error)]
#[error("record {n} ({role} {event}): {why}")]
pub struct Refused {
    /// The record's number.
    pub n: u64,
    /// Whose event it was.
    pub role: &'static str,
    /// The event, as the trace spells it.
    pub event: String,
    /// What is wrong with it.
    pub why: Why,
}

/// What is wrong with a record.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// The record does not follow the one before.
    #[error("the record before was number {before}; a record is missing or out of place")]
    OutOfOrder {
        /// The number of the record before.
        before: u64,
    },
    /// An event of a side that has not started, or a side that starts again.
    #[error("the {role} {what}")]
    Start {
        /// Whose.
        role: &'static str,
        /// What about its start is wrong.
        what: &'static str,
    },
    /// The model takes the same step otherwise.
    #[error("its {what}: the model says {model}, the trace says {trace}")]
    Differs {
        /// Which part of the record.
        what: &'static str,
        /// What the model's step gives there; of a state only the fields that differ.
        model: String,
        /// What the trace has there; of a state only the fields that differ.
        trace: String,
    },
    /// A message was received that nobody had sent.
    #[error("{what} was not sent, or caused, by any record before")]
    Uncaused {
        /// The message, or what stands for one between two roles of a site.
        what: String,
    },
    /// The copier took other contents than the P-VOL holds.
    #[error(
        "the P-VOL holds {pvol} in block {} at this place, the copy carries {copied} (RESYNC-2)",
        block.0
    )]
    StaleCopy {
        /// The block copied.
        block: BlockIndex,
        /// What the P-VOL holds.
        pvol: String,
        /// What the copy carries.
        copied: String,
    },
    /// The secondary applied a number that the primary never gave.
    #[error("entry {} is written, but the primary numbered no such entry", .0.0)]
    NeverNumbered(Seq),
    /// A failure is told of a record that had no such effect, or whose effects were performed long ago.
    #[error("the trace tells of a failed effect {effect} of record {of}, which has none under way")]
    NoSuchEffect {
        /// The record.
        of: u64,
        /// The effect's place.
        effect: usize,
    },
    /// An invariant that stands on a field does not hold.
    #[error("{0}")]
    Invariant(Broken),
    /// A property of the whole does not hold.
    #[error("{name} does not hold: {found}")]
    Property {
        /// The property, by the name that the model's own has.
        name: &'static str,
        /// What was found instead.
        found: String,
    },
}

impl Why {
    /// A property of the whole does not hold, in `block`.
    pub(super) fn block(name: &'static str, block: usize, found: &str) -> Self {
        Self::Property { name, found: format!("block {block}: {found}") }
    }

    /// A property of a backup does not hold.
    pub(super) fn backup(name: &'static str, id: BackupId, found: &str) -> Self {
        Self::Property { name, found: format!("backup {}: {found}", id.0) }
    }
}

/// `Ok` if what the model says and what the trace says are the same.
pub(super) fn same<T: PartialEq + Serialize>(
    what: &'static str,
    model: &T,
    trace: &T,
) -> Result<(), Why> {
    if model == trace {
        return Ok(());
    }
    let (model, trace) = differing(as_json(model), as_json(trace));
    Err(Why::Differs { what, model: model.to_string(), trace: trace.to_string() })
}

/// `Ok` if `caused`.
pub(super) fn caused<T: Serialize>(caused: bool, what: &T) -> Result<(), Why> {
    if caused { Ok(()) } else { Err(Why::Uncaused { what: as_json(what).to_string() }) }
}

/// The role of a record, and its event as the trace spells it.
pub(super) fn named(record: &RoleRecord) -> (&'static str, String) {
    let (role, event) = match record {
        RoleRecord::Start(start) => ("start", as_json(start)),
        RoleRecord::Primary(taken) => ("primary", as_json(&taken.event)),
        RoleRecord::Secondary(taken) => ("secondary", as_json(&taken.event)),
        RoleRecord::Sync(taken) => ("sync", as_json(&taken.event)),
        RoleRecord::Database(taken) => ("database", as_json(&taken.event)),
        RoleRecord::Coordinator(taken) => ("coordinator", as_json(&taken.event)),
        RoleRecord::Requester(taken) => ("requester", as_json(&taken.event)),
        RoleRecord::Fault(fault) => ("fault", as_json(fault)),
    };
    (role, event.to_string())
}

/// A trace's types always have a form in JSON; were one not to, its place would stay empty.
fn as_json<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

/// Of two states, the fields that differ; of anything else, all.
fn differing(model: Value, trace: Value) -> (Value, Value) {
    let (Value::Object(mut left), Value::Object(mut right)) = (model.clone(), trace.clone()) else {
        return (model, trace);
    };
    let equal: Vec<String> =
        left.keys().filter(|key| left.get(*key) == right.get(*key)).cloned().collect();
    for key in &equal {
        left.remove(key);
        right.remove(key);
    }
    (Value::Object(left), Value::Object(right))
}
