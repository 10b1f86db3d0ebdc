//! A mapping file: how a foreign log's names and values become the format's. `docs/trace-format.md` shows one. What the
//! records then say is judged elsewhere.
use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use syncsplit_model::protocol::coordinator::{Coordinator, CoordinatorEvent};
use syncsplit_model::protocol::database::{Database, DatabaseEvent};
use syncsplit_model::protocol::primary::{JournalFull, PrimaryEvent};
use syncsplit_model::protocol::requester::{Requester, RequesterEvent};
use syncsplit_model::protocol::secondary::SecondaryEvent;
use syncsplit_model::protocol::{ToPrimary, ToSecondary};
use syncsplit_model::record::{
    BLOCK_SIZE_MAX, BLOCKS_MAX, Blocks, Digest, PrimaryAfter, SecondaryAfter, Side, Start,
    SyncAfter, SyncTaken, variants,
};
use toml::Spanned;

use super::content::Content;
use super::log::{Line, Log};
use super::part::{filled, has};
use super::pattern::as_json;
use super::record::Record;
use super::table::print_of;

/// A mapping.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Where a foreign record has the name of its event.
    event: String,
    /// Where it has its number, and its node's name.
    n: Option<String>,
    node: Option<String>,
    /// Whether a record whose event is not in the table is passed over.
    #[serde(default)]
    unmapped: Unmapped,
    /// Their nodes' names, and ours.
    #[serde(default)]
    nodes: BTreeMap<String, String>,
    /// What the log does not say of the group.
    group: Option<Group>,
    /// Their events.
    events: BTreeMap<String, Spanned<Mapped>>,
    /// By field of ours: their constants, and ours.
    #[serde(default)]
    constants: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unmapped {
    #[default]
    Refuse,
    Ignore,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    blocks: u32,
    block_size: Option<usize>,
    journal: Option<usize>,
    queue: Option<usize>,
    #[serde(default)]
    journal_full: Full,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Full {
    #[default]
    Hold,
    Suspend,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mapped {
    /// Role and event, as in `primary HostWrite`.
    is: String,
    /// Our fields, and where theirs stand.
    #[serde(default)]
    fields: BTreeMap<String, String>,
    /// Whether the record may also tell of an event that was refused.
    #[serde(default)]
    may_be_refused: bool,
}

/// What a foreign record is.
pub(super) enum Applied {
    /// One in the format's words.
    Record(Value),
    /// One that is passed over; it has a place in its node's order all the same.
    Passed { n: Option<u64>, node: Option<String> },
}

impl Mapping {
    /// Reads a mapping file.
    ///
    /// # Errors
    /// The text is no mapping: line and column, the fault, and the valid spellings.
    pub fn read(text: &str) -> Result<Self, String> {
        let at = |from: usize| {
            let before = text.get(..from).unwrap_or(text);
            format!("line {}", before.matches('\n').count() + 1)
        };
        let mapping: Self = toml::from_str(text).map_err(|error| {
            let place = error.span().map_or(String::new(), |span| at(span.start) + ": ");
            place + error.message()
        })?;
        for (name, mapped) in &mapping.events {
            let wrong = |what: String| format!("{}: {what}", at(mapped.span().start));
            check(mapped.get_ref()).map_err(|what| wrong(format!("events.{name}: {what}")))?;
        }
        if let Some(group) = &mapping.group {
            let (blocks, size) = (group.blocks, group.block_size.unwrap_or(1));
            if blocks == 0 || blocks > BLOCKS_MAX {
                return Err(format!("group.blocks = {blocks}; valid is 1 to {BLOCKS_MAX}"));
            }
            if size == 0 || size > BLOCK_SIZE_MAX {
                return Err(format!("group.block_size = {size}; valid is 1 to {BLOCK_SIZE_MAX}"));
            }
        }
        Ok(mapping)
    }

    /// A foreign record in the format's words.
    pub(super) fn apply(&self, foreign: &Value) -> Result<Applied, String> {
        let found = at(foreign, &self.event);
        let name = found.map(text).ok_or_else(|| {
            format!("no field {:?}, which the mapping says names the event", self.event)
        })?;
        let n = self.n.as_ref().and_then(|path| at(foreign, path));
        let n = n.map(|n| self.value("n", n));
        let node = self.node.as_ref().and_then(|path| at(foreign, path)).map(text);
        let node = node.map(|node| self.nodes.get(&node).cloned().unwrap_or(node));
        let Some(mapped) = self.events.get(&name) else {
            return match self.unmapped {
                Unmapped::Ignore => {
                    Ok(Applied::Passed { n: n.as_ref().and_then(Value::as_u64), node })
                }
                Unmapped::Refuse => {
                    let known: Vec<_> = self.events.keys().map(String::as_str).collect();
                    let known = known.join(", ");
                    Err(format!("event {name:?} is not in the mapping; it has {known}"))
                }
            };
        };
        let mapped = mapped.get_ref();
        let mut record = Map::new();
        record.extend(n.map(|n| ("n".to_owned(), n)));
        record.extend(node.map(|node| ("node".to_owned(), json!(node))));
        let (role, event) = mapped.is.split_once(' ').unwrap_or((&mapped.is, ""));
        record.insert("role".into(), json!(role));
        if !mapped.may_be_refused {
            record.insert("refused".into(), Value::Null);
        }
        let mut parameters = Value::Null;
        for (ours, theirs) in &mapped.fields {
            let Some(value) = at(foreign, theirs) else { continue };
            let value = self.value(last(ours), value);
            match ours.split_once('.') {
                None if ours == "refused" => {
                    record.insert("refused".into(), value);
                }
                None if ours == "value" => parameters = value,
                Some(("after", rest)) => {
                    put(record.entry("after").or_insert_with(|| json!({})), rest, value);
                }
                _ => put(&mut parameters, ours, value),
            }
        }
        let event = if parameters.is_null() { json!(event) } else { json!({ event: parameters }) };
        record.insert("event".into(), event);
        Ok(Applied::Record(Value::Object(record)))
    }

    /// A value of theirs as the format spells it in this field.
    fn value(&self, field: &str, value: &Value) -> Value {
        let spelling = text(value);
        if let Some(ours) = self.constants.get(field).and_then(|names| names.get(&spelling)) {
            return json!(ours);
        }
        // Payloads are compared, and nothing else; any other digest is made one of 32 bits.
        if field == "payload" && Digest::spelled(&spelling).is_none() {
            return json!(Content::of(print_of(&spelling) as u32).to_string());
        }
        match value {
            Value::String(digits) if field != "payload" => match digits.parse::<u64>() {
                Ok(number) => json!(number),
                Err(_) => value.clone(),
            },
            Value::Array(list) => list.iter().map(|value| self.value(field, value)).collect(),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_) => value.clone(),
        }
    }

    /// Puts the sides' starts before their records, if the mapping describes the group.
    pub(super) fn start(&self, logs: &mut [Log]) {
        let Some(group) = &self.group else { return };
        for (side, role) in [(Side::Primary, "primary"), (Side::Secondary, "secondary")] {
            let has = |log: &Log| log.lines.iter().any(|line| line.record.role() == role);
            let place = logs.iter().position(has).unwrap_or(0);
            let Some(log) = logs.get_mut(place) else { return };
            let is_primary = side == Side::Primary;
            let full = match group.journal_full {
                Full::Hold => JournalFull::Hold,
                Full::Suspend => JournalFull::Suspend,
            };
            let start = Start {
                side,
                blocks: group.blocks,
                block_size: group.block_size,
                entries_max: if is_primary { group.journal } else { group.queue },
                journal_full: is_primary.then_some(full),
                from: None,
            };
            let file = log.lines.first().map_or(0, |line| line.file);
            let record = Record::Start(start);
            log.lines.insert(0, Line { file, line: 0, n: None, before: None, record });
        }
    }
}

/// The value at a path of keys and places with dots between.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| match value {
        Value::Array(list) => key.parse::<usize>().ok().and_then(|place| list.get(place)),
        Value::Object(fields) => fields.get(key),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

/// Puts a value at a path, with objects on the way.
fn put(value: &mut Value, path: &str, leaf: Value) {
    if !value.is_object() {
        *value = json!({});
    }
    let Value::Object(fields) = value else { return };
    match path.split_once('.') {
        None => {
            fields.insert(path.into(), leaf);
        }
        Some((key, rest)) => put(fields.entry(key).or_insert(Value::Null), rest, leaf),
    }
}

/// How a constant of theirs is spelled as a key.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// Checks that an event of ours, and its fields, are some.
fn check(mapped: &Mapped) -> Result<(), String> {
    let (role, event) = mapped.is.split_once(' ').unwrap_or((&mapped.is, ""));
    let check = match role {
        "primary" => check_of::<PrimaryEvent<Content, Blocks>, ToPrimary<Blocks>, PrimaryAfter>,
        "secondary" => check_of::<SecondaryEvent<Content>, ToSecondary<Content>, SecondaryAfter>,
        "sync" => check_of::<SyncTaken, (), SyncAfter>,
        "database" => check_of::<DatabaseEvent, (), Database>,
        "coordinator" => check_of::<CoordinatorEvent, (), Coordinator>,
        "requester" => check_of::<RequesterEvent, (), Requester>,
        _ => {
            let valid = "primary, secondary, sync, database, coordinator, requester";
            return Err(format!("is = {:?}; the role is one of {valid}", mapped.is));
        }
    };
    check(mapped, role, event)
}

/// Checks an event `E`, or a message `M` that arrives, of a role whose state is `A`.
fn check_of<E, M, A>(mapped: &Mapped, role: &str, event: &str) -> Result<(), String>
where
    E: Serialize + DeserializeOwned,
    M: DeserializeOwned,
    A: Serialize + DeserializeOwned,
{
    let Ok((_, sample)) = filled::<E>(&json!(event)) else {
        let valid = [variants::<E>(), variants::<M>()].concat().join(", ");
        return Err(format!("is = {:?}; an event of the {role} is one of {valid}", mapped.is));
    };
    let sample = as_json(&sample);
    for field in mapped.fields.keys() {
        let below = |path| {
            let mut fields = Value::Null;
            put(&mut fields, path, Value::Null);
            fields
        };
        let is_known = match field.strip_prefix("after.") {
            _ if field == "refused" => true,
            Some(rest) => has::<A>(&below(rest)),
            None if field == "value" => sample.get(event).is_some_and(|below| !below.is_object()),
            None => has::<E>(&json!({ event: below(field) })),
        };
        if !is_known {
            let state = filled::<A>(&json!({})).map(|(_, state)| as_json(&state));
            return Err(format!(
                "no field {field:?}; valid are `refused`, those of the event ({sample}; `value` for a bare one), and \
                 `after.` with those of the state ({})",
                state.unwrap_or_default()
            ));
        }
    }
    Ok(())
}
