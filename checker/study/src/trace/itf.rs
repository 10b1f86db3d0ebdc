//! A run as a file in the Informal Trace Format, written and read back. Whether what was read is a run of the model is
//! not decided here.

use std::io::{self, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};
use syncsplit_model::world::{Action, State, World, describe};

use crate::trace::meta::Meta;
use crate::trace::value::{Malformed, Value};
use crate::trace::variables::variables;
use crate::trace::{Numbers, Subject, Trace};

/// The variable that says in words which action led to the state.
pub const ACTION: &str = "action";
/// The variable that holds that action with its arguments, for a machine to take again.
pub const TAKEN: &str = "taken";
/// What stands for an action in the first state.
const START: &str = "Init";

/// Writes `trace`, one variable a line, so that two states can be compared and edited by eye.
///
/// # Errors
/// `out` did not take the text.
pub fn write(trace: &Trace, out: &mut impl Write) -> io::Result<()> {
    let world = trace.subject.world();
    let variables = |(action, state): &(Option<Action>, State)| {
        let mut all = action_variables(&world, action.as_ref());
        all.extend(variables(&world, state));
        all
    };
    let states: Vec<_> = trace.path.iter().map(variables).collect();
    let vars: Vec<_> = states.first().into_iter().flatten().map(|(name, _)| name).collect();
    writeln!(out, "{{\n\"#meta\": {},", serde_json::to_string_pretty(&Meta::of(trace))?)?;
    writeln!(out, "\"vars\": {},", serde_json::to_string(&vars)?)?;
    if let Some(index) = trace.loop_from {
        // The last state is that one again, so that the step that closes the loop stands in the file.
        writeln!(out, "\"loop\": {index},")?;
    }
    writeln!(out, "\"states\": [")?;
    let steps = trace.steps();
    for (index, state) in states.iter().enumerate() {
        let step = index.checked_sub(1).and_then(|before| steps.get(before));
        let rules = step.map(|step| step.rules.as_slice());
        let departs = step.and_then(|step| step.departs.as_deref());
        let meta = serde_json::to_string(&StateMeta { index, rules, departs })?;
        write!(out, "  {{\n    \"#meta\": {meta}")?;
        for (name, value) in state {
            let (name, value) = (serde_json::to_string(name)?, serde_json::to_string(value)?);
            write!(out, ",\n    {name}: {value}")?;
        }
        let comma = if index + 1 < states.len() { "," } else { "" };
        writeln!(out, "\n  }}{comma}")?;
    }
    writeln!(out, "]\n}}")
}

/// `#meta` of a state. It is for a reader.
#[derive(Serialize)]
struct StateMeta<'a> {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<&'a [&'static str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    departs: Option<&'a str>,
}

/// The variables that say how a state was reached.
#[must_use]
pub fn action_variables(world: &World, action: Option<&Action>) -> Vec<(String, Value)> {
    let (text, taken) = match action {
        None => ("start".into(), start()),
        Some(action) => (describe::sentence(world, action), Value::of(action)),
    };
    vec![(ACTION.into(), Value::Text(text)), (TAKEN.into(), taken)]
}

fn start() -> Value {
    Value::record([("kind", Value::text(START))])
}

/// One state of a file.
#[derive(Clone, Debug)]
pub struct ReadState {
    /// The action that led to it; none for the first.
    pub taken: Option<Action>,
    /// Every variable but [`TAKEN`], by name.
    pub variables: Vec<(String, Value)>,
}

/// What a file holds.
#[derive(Clone, Debug)]
pub struct ReadTrace {
    /// The world it is said to be a run of.
    pub subject: Subject,
    /// The property it is said to violate.
    pub property: Option<&'static str>,
    /// Which numbers stand in the states.
    pub numbers: Numbers,
    /// The states in order, at least one.
    pub states: Vec<ReadState>,
    /// The index of the state that the last one is said to be again.
    pub loop_from: Option<usize>,
}

/// Reads what stands in a file.
///
/// # Errors
/// The text is no trace: the place of the first value that cannot be read, the value, and what would be valid.
pub fn read(text: &str) -> Result<ReadTrace, String> {
    let json: Json = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
    let Json::Object(file) = &json else {
        return Err(Malformed::new("the file", &json, "one JSON object").to_string());
    };
    known_keys(file, &["#meta", "params", "vars", "states", "loop"], "")?;
    let meta: Meta = typed(required(file, "#meta")?, "#meta")?;
    let in_meta = |error| format!("#meta.{error}");
    let subject = meta.subject().map_err(in_meta)?;
    let property = meta.property().map_err(in_meta)?;
    let vars: Vec<String> = typed(required(file, "vars")?, "vars")?;
    let world = subject.world();
    let known: Vec<String> = action_variables(&world, None)
        .into_iter()
        .chain(variables(&world, &world.raw_initial()))
        .map(|(name, _)| name)
        .collect();
    same_variables(&vars, &known)?;
    let states = required(file, "states")?;
    let valid = "a list of at least one state";
    let malformed = || Malformed::new("states", states, valid).to_string();
    let states = states.as_array().filter(|list| !list.is_empty()).ok_or_else(malformed)?;
    let states = states.iter().enumerate().map(|(index, state)| read_state(state, index, &known));
    let states = states.collect::<Result<Vec<_>, _>>()?;
    let loop_from = file.get("loop").map(|json| read_loop(json, states.len())).transpose()?;
    Ok(ReadTrace { subject, property, numbers: meta.numbers(), states, loop_from })
}

fn required<'a>(file: &'a Map<String, Json>, key: &str) -> Result<&'a Json, String> {
    file.get(key).ok_or_else(|| format!("{key}: this key is missing"))
}

fn read_loop(json: &Json, states: usize) -> Result<usize, String> {
    let index = json.as_u64().and_then(|index| usize::try_from(index).ok());
    index.filter(|index| index + 1 < states).ok_or_else(|| {
        let valid = format!("the index of a state before the last of {states}");
        Malformed::new("loop", json, valid).to_string()
    })
}

fn same_variables(vars: &[String], known: &[String]) -> Result<(), String> {
    if let Some(at) = vars.iter().position(|name| !known.contains(name)) {
        let found = Json::from(vars[at].as_str());
        let valid = format!("one of {}", known.join(", "));
        return Err(Malformed::new(&format!("vars[{at}]"), &found, valid).to_string());
    }
    match known.iter().find(|name| !vars.contains(name)) {
        Some(missing) => Err(format!("vars: {missing:?} is missing")),
        None if vars.len() > known.len() => Err("vars: a variable stands there twice".into()),
        None => Ok(()),
    }
}

fn read_state(json: &Json, index: usize, known: &[String]) -> Result<ReadState, String> {
    let at = format!("states[{index}]");
    let Json::Object(state) = json else {
        return Err(Malformed::new(&at, json, "an object with every variable").to_string());
    };
    let mut keys: Vec<&str> = known.iter().map(String::as_str).collect();
    keys.push("#meta");
    known_keys(state, &keys, &format!("{at}."))?;
    let mut read = ReadState { taken: None, variables: Vec::new() };
    for name in known {
        let Some(json) = state.get(name) else {
            return Err(format!("{at}: the variable {name:?} is missing"));
        };
        let at = format!("{at}.{name}");
        let value = Value::read(json, &at).map_err(|error| error.to_string())?;
        if name == TAKEN {
            read.taken = read_action(&value, json, index, &at)?;
        } else {
            read.variables.push((name.clone(), value));
        }
    }
    Ok(read)
}

fn read_action(
    value: &Value,
    json: &Json,
    index: usize,
    at: &str,
) -> Result<Option<Action>, String> {
    match (index, value.is_same(&start())) {
        (0, true) => return Ok(None),
        (0, false) => return Err(Malformed::new(at, json, start().to_string()).to_string()),
        _ => {}
    }
    let action: Action = typed(&value.to_json(), at)?;
    // serde leaves out of sight what no argument is called.
    if Value::of(&action).is_same(value) {
        Ok(Some(action))
    } else {
        Err(Malformed::new(at, json, Value::of(&action).to_string()).to_string())
    }
}

fn known_keys(object: &Map<String, Json>, known: &[&str], at: &str) -> Result<(), String> {
    match object.iter().find(|(key, _)| !known.contains(&key.as_str())) {
        Some((key, _)) => {
            Err(format!("{at}{key}: no such key; valid is one of {}", known.join(", ")))
        }
        None => Ok(()),
    }
}

/// Reads a value by its type.
fn typed<T: DeserializeOwned>(json: &Json, at: &str) -> Result<T, String> {
    serde_path_to_error::deserialize(json).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { format!(".{path}") };
        format!("{at}{path}: {}", error.into_inner())
    })
}
