//! The adapter protocol: what is asked, what is answered, and what an adapter says it can do. `docs/test-your-implementation.md` is the
//! page and `docs/adapter.schema.json` the schema; nothing is sent from here.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value, json};
use strum::{EnumMessage, IntoStaticStr, VariantArray};
use syncsplit_model::protocol::Rule;

/// The protocol's version.
pub const VERSION: u32 = 1;

/// The longest line that an adapter may answer with, in bytes.
pub const LINE_MAX: u64 = 1 << 20;

/// How much of an implementation the kit sees and steers.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    EnumMessage,
    IntoStaticStr,
    VariantArray,
    serde::Serialize,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Level {
    /// Operations and images only
    BlackBox,
    /// Sequence numbers and pair states are visible too
    Marked,
    /// Every message and every timer is the kit's to deliver, lose, repeat and let run out
    Steered,
}

impl Level {
    /// The level's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What an adapter has to have for [`Level::Steered`].
const STEERING: &[&str] =
    &["status", "send", "deliver", "repeat", "lose", "apply", "report", "copy", "pair-mark"];

/// What may stand among the capabilities beside the operations.
pub const FEATURES: &[&str] =
    &["transactions", "journal", "suspend-when-full", "start-smpl", "hold-writes"];

/// Every operation but `hello`.
pub const OPERATIONS: &[&str] = &[
    "init",
    "reset",
    "write",
    "read",
    "freeze",
    "thaw",
    "mark",
    "sync",
    "arm",
    "split",
    "backup",
    "release",
    "create",
    "suspend",
    "resync",
    "delete",
    "takeover",
    "remote-write",
    "failback",
    "link-down",
    "link-up",
    "send",
    "deliver",
    "repeat",
    "lose",
    "apply",
    "report",
    "copy",
    "pair-mark",
    "fail",
    "crash",
    "advance-clock",
    "status",
];

/// What every adapter has to have.
pub const NEEDED: &[&str] =
    &["init", "reset", "write", "freeze", "thaw", "sync", "split", "backup", "release"];

/// An adapter's answer to `hello`.
#[derive(Clone, Debug)]
pub struct Hello {
    /// The implementation's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The operations and features it has.
    pub capabilities: BTreeSet<String>,
    /// The rules that it does not promise: it does instead what SPEC.md says of the rule left out.
    pub lacks: Vec<Rule>,
}

impl Hello {
    /// Reads the answer to `hello`.
    ///
    /// # Errors
    /// What is wrong with it, and what would be valid.
    pub fn read(ok: &Map<String, Value>) -> Result<Self, String> {
        let text = |name: &str| {
            let found = ok.get(name).and_then(Value::as_str).map(str::to_owned);
            found.ok_or_else(|| format!("hello: {name:?} is missing, or no text"))
        };
        let list = |name: &str| -> Result<Vec<String>, String> {
            let Some(list) = ok.get(name) else { return Ok(Vec::new()) };
            let list = list.as_array().ok_or_else(|| format!("hello: {name:?} is no list"))?;
            let texts = list.iter().map(|item| item.as_str().map(str::to_owned));
            let texts: Option<Vec<String>> = texts.collect();
            texts.ok_or_else(|| format!("hello: something in {name:?} is no text"))
        };
        let version = ok.get("protocol").and_then(Value::as_u64);
        if version != Some(u64::from(VERSION)) {
            let found = ok.get("protocol").unwrap_or(&Value::Null);
            return Err(format!("hello: protocol {found}; this kit speaks {VERSION}"));
        }
        let capabilities: BTreeSet<String> = list("capabilities")?.into_iter().collect();
        let known = |name: &str| OPERATIONS.contains(&name) || FEATURES.contains(&name);
        if let Some(unknown) = capabilities.iter().find(|name| !known(name)) {
            let all: Vec<_> = OPERATIONS.iter().chain(FEATURES).copied().collect();
            return Err(format!("hello: no capability {unknown:?}; there are {}", all.join(", ")));
        }
        if let Some(missing) = NEEDED.iter().find(|name| !capabilities.contains(**name)) {
            return Err(format!("hello: every adapter needs {}", NEEDED.join(", ")))
                .map_err(|error| format!("{error}; {missing:?} is missing"));
        }
        let lacks = list("lacks")?;
        let lacks: Result<_, _> = lacks.iter().map(|id| id.parse::<Rule>()).collect();
        let lacks = lacks.map_err(|error| format!("hello: {error}"))?;
        Ok(Self { name: text("name")?, version: text("version")?, capabilities, lacks })
    }

    /// Whether the adapter has a capability.
    #[must_use]
    pub fn can(&self, capability: &str) -> bool {
        self.capabilities.contains(capability)
    }

    /// The operations and features that the adapter does not have, of those that are of use at a level.
    #[must_use]
    pub fn absent(&self, level: Level) -> Vec<&'static str> {
        let is_of_use = |name: &&'static str| match level {
            Level::Steered => true,
            Level::Marked => *name == "status" || !STEERING.contains(name),
            Level::BlackBox => !STEERING.contains(name) && *name != "mark",
        };
        let all = OPERATIONS.iter().chain(FEATURES).copied();
        all.filter(|name| is_of_use(name) && !self.can(name)).collect()
    }

    /// The highest level that the adapter's capabilities allow.
    #[must_use]
    pub fn level(&self) -> Level {
        if STEERING.iter().all(|needed| self.can(needed)) {
            Level::Steered
        } else if self.can("mark") && self.can("status") {
            Level::Marked
        } else {
            Level::BlackBox
        }
    }
}

/// What an adapter answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// It did it.
    Ok(Map<String, Value>),
    /// It did not.
    Refused {
        /// A word for why.
        code: String,
        /// Whether nothing was done for certain.
        definite: bool,
        /// Why, for a person.
        text: String,
    },
    /// It cannot do such a thing at all.
    Unsupported,
}

impl Reply {
    /// Done, and nothing to tell.
    #[must_use]
    pub fn done() -> Self {
        Self::Ok(Map::new())
    }

    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(line: &str, id: u64) -> Result<Self, String> {
        let answer: Value =
            serde_json::from_str(line).map_err(|error| format!("no JSON: {error}"))?;
        if answer.get("id").and_then(Value::as_u64) != Some(id) {
            return Err(format!("an answer with \"id\": {id} was awaited"));
        }
        match (answer.get("ok"), answer.get("error")) {
            (Some(Value::Object(ok)), None) => Ok(Self::Ok(ok.clone())),
            (None, Some(error)) => {
                let code = error.get("code").and_then(Value::as_str);
                let code = code.ok_or("an error needs a \"code\"")?.to_owned();
                if code == "unsupported" {
                    return Ok(Self::Unsupported);
                }
                let definite = error.get("definite").and_then(Value::as_bool);
                let definite = definite.ok_or("an error needs \"definite\": true or false")?;
                let text = error.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
                Ok(Self::Refused { code, definite, text })
            }
            _ => Err("an answer has either \"ok\", an object, or \"error\"".into()),
        }
    }

    /// What a field of a positive answer holds.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Ok(ok) => ok.get(name),
            Self::Refused { .. } | Self::Unsupported => None,
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok(ok) if ok.is_empty() => f.write_str("done"),
            Self::Ok(ok) => write!(f, "{}", Value::Object(ok.clone())),
            Self::Refused { code, definite, text } => {
                write!(f, "refused ({code})")?;
                if !text.is_empty() {
                    write!(f, ": {text}")?;
                }
                if *definite { Ok(()) } else { f.write_str(", perhaps done all the same") }
            }
            Self::Unsupported => f.write_str("unsupported"),
        }
    }
}

/// A request without its id.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The operation.
    pub op: &'static str,
    /// Its arguments.
    pub fields: Value,
}

impl Request {
    /// A request; `fields` is an object.
    #[must_use]
    pub const fn new(op: &'static str, fields: Value) -> Self {
        Self { op, fields }
    }

    /// A request without arguments.
    #[must_use]
    pub fn bare(op: &'static str) -> Self {
        Self::new(op, json!({}))
    }

    /// The request as a line, without its end.
    #[must_use]
    pub fn line(&self, id: u64) -> String {
        let mut line = json!({ "id": id, "op": self.op });
        if let (Value::Object(line), Value::Object(fields)) = (&mut line, &self.fields) {
            line.extend(fields.clone());
        }
        line.to_string()
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.op)?;
        for (name, value) in self.fields.as_object().into_iter().flatten() {
            write!(f, " {name}={value}")?;
        }
        Ok(())
    }
}
