//! From the text of recorded runs to logs: which line is which node's record, and what is wrong with a line that is
//! none. What the records say is judged elsewhere.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use syncsplit_model::record::{BLOCK_SIZE_MAX, BLOCKS_MAX, Fault, HandedOver, Start};

use super::log::{Line, Log};
use super::mapping::{Applied, Mapping};
use super::pattern::{PartlyShown, read, read_list, read_option, read_whole};
use super::record::{Record, Taken};

/// A line that is no record, or a set of logs that says too little.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadInput {
    /// Which of the files, from 0, and the line, from 1, if it is about one.
    pub at: Option<(usize, usize)>,
    /// What is wrong, and what would be valid.
    pub what: String,
}

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((_, line)) = self.at {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.what)
    }
}

impl std::error::Error for BadInput {}

/// Collects the logs of one run.
#[derive(Debug, Default)]
pub struct Reader {
    mapping: Option<Mapping>,
    files: usize,
    logs: Vec<Log>,
    places: BTreeMap<String, usize>,
    /// The newest number of each log.
    newest: Vec<Option<u64>>,
}

impl Reader {
    /// A reader of records whose names are the mapping's.
    #[must_use]
    pub fn new(mapping: Option<Mapping>) -> Self {
        Self { mapping, ..Self::default() }
    }

    /// Reads a file. Its records are those of the node that each names, or else of the node `name`.
    ///
    /// # Errors
    /// The input cannot be read, or a line is no record.
    pub fn file(&mut self, name: &str, mut input: impl BufRead) -> Result<(), BadInput> {
        let file = self.files;
        self.files += 1;
        let (mut text, mut line) = (String::new(), 0);
        loop {
            line += 1;
            let at = |what: String| BadInput { at: Some((file, line)), what };
            text.clear();
            if input.read_line(&mut text).map_err(|error| at(error.to_string()))? == 0 {
                return Ok(());
            }
            if text.trim().is_empty() {
                return Err(at("the line is empty; one record in JSON is valid".into()));
            }
            self.record(name, (file, line), text.trim_end()).map_err(at)?;
        }
    }

    /// Takes one record, the text of a line.
    ///
    /// # Errors
    /// The text is no record: the fault, and the valid spellings.
    pub fn record(
        &mut self,
        name: &str,
        (file, line): (usize, usize),
        text: &str,
    ) -> Result<(), String> {
        let (n, node, record) = match &self.mapping {
            Some(mapping) => match mapping.apply(&parse(text)?)? {
                Applied::Record(value) => record(value)?,
                Applied::Passed { n, node } => {
                    let place = self.place(node.as_deref().unwrap_or(name));
                    self.newest[place] = n.or(self.newest[place]);
                    return Ok(());
                }
            },
            None => match whole(text) {
                Some(found) => found,
                None => record(parse(text)?)?,
            },
        };
        let place = self.place(node.as_deref().unwrap_or(name));
        let before = self.newest[place];
        self.newest[place] = n.or(before);
        let follows = before.zip(n).is_none_or(|(before, n)| before.checked_add(1) == Some(n));
        let before = if follows { None } else { before };
        self.logs[place].lines.push(Line { file, line, n, before, record });
        Ok(())
    }

    /// The place of a node's log.
    fn place(&mut self, node: &str) -> usize {
        if let Some(place) = self.places.get(node) {
            return *place;
        }
        self.logs.push(Log { node: node.to_owned(), lines: Vec::new() });
        self.newest.push(None);
        self.places.insert(node.to_owned(), self.logs.len() - 1);
        self.logs.len() - 1
    }

    /// The logs.
    ///
    /// # Errors
    /// Records that see each other without a message are in logs of different nodes, whose order is not known.
    pub fn logs(mut self) -> Result<Vec<Log>, BadInput> {
        let bad = |what: String| BadInput { at: None, what };
        if let Some(mapping) = &self.mapping {
            mapping.start(&mut self.logs);
        }
        self.logs.retain(|log| !log.lines.is_empty());
        if self.logs.is_empty() {
            return Err(bad("there is no record; at least one is needed".into()));
        }
        self.is_one_home()?;
        Ok(self.logs)
    }

    /// Neither a Sync's look at the primary nor its return to the coordinator is a message, so nothing tells the order of
    /// such records in the logs of several nodes.
    fn is_one_home(&self) -> Result<(), BadInput> {
        let seen = |role| {
            let first = move |log: &Log| {
                let line = log.lines.iter().find(|line| line.record.role() == role)?;
                Some((role, log.node.clone(), (line.file, line.line)))
            };
            self.logs.iter().filter_map(first)
        };
        let mut homes: Vec<_> = seen("sync").collect();
        if homes.is_empty() {
            return Ok(());
        }
        homes.extend(seen("primary").chain(seen("coordinator")));
        let (first, home, _) = homes.swap_remove(0);
        match homes.into_iter().find(|(_, node, _)| *node != home) {
            None => Ok(()),
            Some((role, node, at)) => Err(BadInput {
                at: Some(at),
                what: format!(
                    "records of the {role} are in the log of {node:?}, those of the {first} in \
                     {home:?}; primary, sync and coordinator have to be in one node's"
                ),
            }),
        }
    }
}

fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text)
        .map_err(|error| format!("no JSON: {error}; one record a line is valid"))
}

/// A record's number, its node, and what it tells of.
type Found = (Option<u64>, Option<String>, Record);

/// The fields of a step's record, unread.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unread<'a> {
    n: Option<u64>,
    node: Option<String>,
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    event: &'a RawValue,
    #[serde(borrow)]
    refused: &'a RawValue,
    #[serde(borrow)]
    after: &'a RawValue,
    #[serde(borrow)]
    effects: &'a RawValue,
}

/// A record that shows everything, as the format spells it. Most are; the others are read in a slower way, which says what
/// is wrong if anything is.
fn whole(text: &str) -> Option<Found> {
    let unread: Unread<'_> = serde_json::from_str(text).ok()?;
    let record = match &*unread.role {
        "primary" => Record::Primary(whole_taken(&unread)?),
        "secondary" => Record::Secondary(whole_taken(&unread)?),
        "sync" => Record::Sync(whole_taken(&unread)?),
        "database" => Record::Database(whole_taken(&unread)?),
        "coordinator" => Record::Coordinator(whole_taken(&unread)?),
        "requester" => Record::Requester(whole_taken(&unread)?),
        _ => return None,
    };
    Some((unread.n, unread.node, record))
}

/// A value that a record holds.
trait Spoken: Serialize + DeserializeOwned {}

impl<T: Serialize + DeserializeOwned> Spoken for T {}

fn whole_taken<E: Spoken, R: Spoken, A: Spoken, D: Spoken>(
    unread: &Unread<'_>,
) -> Option<Taken<E, R, A, D>> {
    let refused = match unread.refused.get() {
        "null" => None,
        text => Some(read_whole(text)?),
    };
    Some(Taken {
        event: PartlyShown::All(read_whole(unread.event.get())?),
        refused: PartlyShown::All(refused),
        after: PartlyShown::All(read_whole(unread.after.get())?),
        effects: PartlyShown::All(read_whole(unread.effects.get())?),
    })
}

/// A record in JSON.
fn record(value: Value) -> Result<Found, String> {
    let Value::Object(mut fields) = value else {
        return Err(format!("found {value}; an object with a field \"role\" is valid"));
    };
    let n = match fields.remove("n") {
        None | Some(Value::Null) => None,
        Some(n) => {
            let found = format!("n = {n}; a whole number of 0 or more is valid");
            Some(n.as_u64().ok_or(found)?)
        }
    };
    let node = match fields.remove("node") {
        None | Some(Value::Null) => None,
        Some(Value::String(node)) => Some(node),
        Some(node) => return Err(format!("node = {node}; a text is valid")),
    };
    let role = fields.remove("role");
    let record = match role.as_ref().and_then(Value::as_str) {
        Some("start") => Record::Start(start(fields)?),
        Some("fault") => Record::Fault(fault(fields)?),
        Some("primary") => Record::Primary(taken("the primary", fields)?),
        Some("secondary") => Record::Secondary(taken("the secondary", fields)?),
        Some("sync") => Record::Sync(taken("a Sync", fields)?),
        Some("database") => Record::Database(taken("the database", fields)?),
        Some("coordinator") => Record::Coordinator(taken("the coordinator", fields)?),
        Some("requester") => Record::Requester(taken("the requester", fields)?),
        _ => {
            let found = role.map_or("no role".to_owned(), |role| format!("role = {role}"));
            return Err(format!(
                "{found}; valid are start, primary, secondary, sync, database, coordinator, \
                 requester, fault"
            ));
        }
    };
    Ok((n, node, record))
}

fn taken<E: Spoken, R: Spoken, A: Spoken, D: Spoken>(
    role: &str,
    mut fields: Map<String, Value>,
) -> Result<Taken<E, R, A, D>, String> {
    let mut take =
        |name, part| fields.remove(name).map(|shown| (format!("{part} of {role}"), shown));
    let event = take("event", "event");
    let event = event.map_or(Ok(PartlyShown::Nothing), |(name, shown)| read(&name, &shown))?;
    let refused = take("refused", "refusal");
    let refused =
        refused.map_or(Ok(PartlyShown::Nothing), |(name, shown)| read_option(&name, &shown))?;
    let after = take("after", "state");
    let after = after.map_or(Ok(PartlyShown::Nothing), |(name, shown)| read(&name, &shown))?;
    let effects = take("effects", "effect");
    let effects =
        effects.map_or(Ok(PartlyShown::Nothing), |(name, shown)| read_list(&name, &shown))?;
    match fields.keys().next() {
        Some(key) => Err(format!(
            "no field {key:?}; valid are n, node, role, event, refused, after, effects"
        )),
        None => Ok(Taken { event, refused, after, effects }),
    }
}

fn start(fields: Map<String, Value>) -> Result<Start, String> {
    if let Some(from) = fields.get("from").filter(|from| !from.is_null())
        && !read::<HandedOver>("start", from)?.is_all()
    {
        return Err(format!("start: from = {from}; a state with all its fields is valid"));
    }
    let start: Start =
        serde_json::from_value(Value::Object(fields)).map_err(|error| format!("start: {error}"))?;
    if start.blocks == 0 || start.blocks > BLOCKS_MAX {
        return Err(format!("blocks = {}; valid is 1 to {BLOCKS_MAX}", start.blocks));
    }
    match start.block_size.filter(|size| *size == 0 || *size > BLOCK_SIZE_MAX) {
        Some(size) => Err(format!("block_size = {size}; valid is 1 to {BLOCK_SIZE_MAX}")),
        None => Ok(start),
    }
}

fn fault(fields: Map<String, Value>) -> Result<Fault, String> {
    serde_json::from_value(Value::Object(fields)).map_err(|error| format!("fault: {error}"))
}
