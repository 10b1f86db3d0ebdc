//! A mapping file: how a foreign log's names and values become the format's. `docs/trace-format.md` shows one. What the
//! records then say is judged elsewhere.
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use syncsplit_model::protocol::coordinator::{Coordinator, CoordinatorEvent};
use syncsplit_model::protocol::database::{Database, DatabaseEvent};
use syncsplit_model::protocol::primary::{JournalFull, PrimaryEvent};
use syncsplit_model::protocol::requester::{Requester, RequesterEvent};
use syncsplit_model::protocol::secondary::SecondaryEvent;
use syncsplit_model::record::{
    BLOCK_SIZE_MAX, BLOCKS_MAX, Blocks, Digest, PrimaryAfter, SecondaryAfter, Side, Start,
    SyncAfter, SyncTaken,
};
use toml::Spanned;

use super::content::Content;
use super::log::{Line, Log};
use super::pattern::{Shown, form};
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
    /// It is none: line and column, what is wrong, and what would be valid.
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
        match value {
            // Payloads are compared, and nothing else; any other digest is made one of 32 bits.
            _ if field == "payload" && Digest::spelled(&spelling).is_none() => {
                json!(Content::of(print_of(&spelling) as u32).to_string())
            }
            Value::String(digits) if field != "payload" => match digits.parse::<u64>() {
                Ok(number) => json!(number),
                Err(_) => value.clone(),
            },
            Value::Array(list) => list.iter().map(|value| self.value(field, value)).collect(),
            value => value.clone(),
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
        value => value.get(key),
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
    let (events, after) = match role {
        "primary" => (PrimaryEvent::<Content, Blocks>::SAMPLES, PrimaryAfter::SAMPLES),
        "secondary" => (SecondaryEvent::<Content>::SAMPLES, SecondaryAfter::SAMPLES),
        "sync" => (SyncTaken::SAMPLES, SyncAfter::SAMPLES),
        "database" => (DatabaseEvent::SAMPLES, Database::SAMPLES),
        "coordinator" => (CoordinatorEvent::SAMPLES, Coordinator::SAMPLES),
        "requester" => (RequesterEvent::SAMPLES, Requester::SAMPLES),
        _ => {
            let valid = "primary, secondary, sync, database, coordinator, requester";
            return Err(format!("is = {:?}; the role is one of {valid}", mapped.is));
        }
    };
    let parse = |text: &&str| serde_json::from_str::<Value>(text).ok();
    let samples: Vec<Value> = events.iter().filter_map(parse).collect();
    let alike: Vec<&Value> = samples.iter().filter(|sample| form(sample) == Some(event)).collect();
    if alike.is_empty() {
        let mut valid: Vec<_> = samples.iter().filter_map(form).collect();
        valid.dedup();
        let valid = valid.join(", ");
        return Err(format!("is = {:?}; an event of the {role} is one of {valid}", mapped.is));
    }
    for field in mapped.fields.keys() {
        let is_of_event = |sample: &&Value| {
            let below = sample.get(event);
            let is_value = below.is_some_and(|below| !below.is_object());
            (field == "value" && is_value) || below.is_some_and(|below| at(below, field).is_some())
        };
        let is_of_after = field.strip_prefix("after.").is_some_and(|rest| {
            after.iter().filter_map(parse).any(|sample| at(&sample, rest).is_some())
        });
        if field != "refused" && !is_of_after && !alike.iter().any(is_of_event) {
            let shown: Vec<_> = alike.iter().map(ToString::to_string).collect();
            return Err(format!(
                "no field {field:?}; valid are `refused`, those of the event ({}; `value` for a \
                 bare one), and `after.` with those of the state ({})",
                shown.join(" or "),
                after.join(" or ")
            ));
        }
    }
    Ok(())
}
