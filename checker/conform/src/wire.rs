//! The adapter protocol: what is asked, what is answered, and what an adapter says it can do. `docs/test-your-implementation.md` is the
//! page and `docs/adapter.schema.json` the schema; nothing is sent from here.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};
use strum::{EnumMessage, IntoStaticStr, VariantArray, VariantNames};
use syncsplit_model::protocol::Rule;
use syncsplit_model::protocol::sync::SyncOutcome;
use syncsplit_model::record::Side;

pub use self::fields::{
    Answer, AnswerLine, Crashing, Data, DatabaseStatus, Failure, Freeze, Hold, Images, Init,
    JournalLimit, LinkMessage, PairAtStart, PrimaryStatus, Replica, SecondaryStatus, SyncRequest,
    Timer, Transaction, Volume,
};

mod fields;
#[cfg(feature = "schema")]
mod schema;

#[cfg(feature = "schema")]
pub use self::schema::schema;

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
    Serialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
pub const FEATURES: &[&str] = &[
    "transactions",
    "journal",
    "suspend-when-full",
    "start-smpl",
    "hold-writes",
    "marks-more",
    "suspects-link",
];

/// Every operation but `hello`.
pub const OPERATIONS: &[&str] = match Request::VARIANTS {
    [_, operations @ ..] => operations,
    [] => &[],
};

/// The one field that may be null.
const NULLABLE: &str = "armed";

/// What every adapter has to have.
pub const NEEDED: &[&str] =
    &["init", "reset", "write", "freeze", "thaw", "sync", "split", "backup", "release"];

/// The rules of coordinator and requester, which the kit is itself: no implementation shows that it keeps them, and none
/// can do without.
pub const KITS_OWN: &[Rule] = &[Rule::Backup1, Rule::Backup2, Rule::Backup3, Rule::Backup4];

/// An adapter's answer to `hello`.
#[derive(Clone, Debug)]
pub struct Hello {
    /// The implementation's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The operations and features it has.
    pub capabilities: BTreeSet<String>,
    /// The rules that it does not promise, of those that are its own to keep: it does instead what SPEC.md says of the rule
    /// left out.
    pub lacks: Vec<Rule>,
}

impl Hello {
    /// Reads the answer to `hello`.
    ///
    /// # Errors
    /// What the answer lacks, or what is unknown in it, and what would be valid.
    pub fn read(answer: &Answer) -> Result<Self, String> {
        let text = |name: &str, text: &Option<String>| {
            text.as_deref().map(printable).ok_or_else(|| format!("hello: {name:?} is missing"))
        };
        if answer.protocol != Some(VERSION) {
            let found = answer.protocol.map_or("null".into(), |version| version.to_string());
            return Err(format!("hello: protocol {found}; this kit speaks {VERSION}"));
        }
        let capabilities = answer.capabilities.clone().unwrap_or_default();
        let known = |name: &str| OPERATIONS.contains(&name) || FEATURES.contains(&name);
        if let Some(unknown) = capabilities.iter().find(|name| !known(name)) {
            let all: Vec<_> = OPERATIONS.iter().chain(FEATURES).copied().collect();
            return Err(format!("hello: no capability {unknown:?}; there are {}", all.join(", ")));
        }
        if let Some(missing) = NEEDED.iter().find(|name| !capabilities.contains(**name)) {
            let needed = NEEDED.join(", ");
            return Err(format!("hello: every adapter needs {needed}; {missing:?} is missing"));
        }
        let lacks = answer.lacks.iter().flatten().map(|id| id.parse::<Rule>());
        let lacks =
            lacks.collect::<Result<Vec<_>, _>>().map_err(|error| format!("hello: {error}"))?;
        let lacks = lacks.into_iter().filter(|rule| !KITS_OWN.contains(rule)).collect();
        let (name, version) = (text("name", &answer.name)?, text("version", &answer.version)?);
        Ok(Self { name, version, capabilities, lacks })
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

/// A text of an adapter as a terminal may be given it: what would steer the terminal is written out.
#[must_use]
pub fn printable(text: &str) -> String {
    let letter = |letter: char| {
        if letter.is_control() { letter.escape_default().to_string() } else { letter.into() }
    };
    text.chars().map(letter).collect()
}

/// What an adapter answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// It did it.
    Ok(Box<Answer>),
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
        Self::Ok(Box::default())
    }

    /// Reads a line.
    ///
    /// # Errors
    /// The line is no answer to the request `id`: what is wrong with it.
    pub fn read(line: &str, id: u64) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(line).map_err(|error| format!("no JSON: {error}"))?;
        if value.get("id").and_then(Value::as_u64) != Some(id) {
            return Err(format!("an answer with \"id\": {id} was awaited"));
        }
        if let Some(path) = null(&value) {
            return Err(format!("{path}: null; a field that an answer does not have is left out"));
        }
        let line: AnswerLine =
            serde_path_to_error::deserialize(&value).map_err(|error| error.to_string())?;
        match (line.ok, line.error) {
            (Some(mut answer), None) => {
                answer.shown = value["ok"].as_object().cloned().unwrap_or_default();
                Ok(Self::Ok(answer))
            }
            (None, Some(error)) if error.code == "unsupported" => Ok(Self::Unsupported),
            (None, Some(Failure { code, definite, text })) => {
                let definite = definite.ok_or("an error needs \"definite\": true or false")?;
                let (code, text) = (printable(&code), printable(&text.unwrap_or_default()));
                Ok(Self::Refused { code, definite, text })
            }
            _ => Err("an answer has either \"ok\", an object, or \"error\"".into()),
        }
    }

    /// Whether a positive answer says what `request` asks for.
    ///
    /// # Errors
    /// The field that is missing.
    pub fn with_what_is_asked(&self, request: &Request) -> Result<(), String> {
        let Some(answer) = self.answer() else { return Ok(()) };
        let needed = request.answered_by();
        let missing = needed.iter().find(|name| !answer.shown.contains_key(**name));
        missing.map_or(Ok(()), |name| {
            Err(format!("ok.{name}: missing, and {} asks for it", request.op()))
        })
    }

    /// What a Sync has come to.
    #[must_use]
    pub fn outcome(&self) -> Option<SyncOutcome> {
        self.answer().and_then(|answer| answer.outcome)
    }

    /// What a positive answer says.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Ok(answer) => Some(answer),
            Self::Refused { .. } | Self::Unsupported => None,
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok(answer) if answer.shown.is_empty() => f.write_str("done"),
            Self::Ok(answer) => {
                f.write_str(&printable(&Value::Object(answer.shown.clone()).to_string()))
            }
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

/// The path of a field that is null and must not be.
fn null(value: &Value) -> Option<String> {
    value.as_object()?.iter().find_map(|(name, field)| {
        if field.is_null() {
            return (name != NULLABLE).then(|| name.clone());
        }
        null(field).map(|rest| format!("{name}.{rest}"))
    })
}

/// A request without its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, IntoStaticStr, VariantNames)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "op", rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[expect(missing_docs, reason = "docs/test-your-implementation.md says what each asks for")]
pub enum Request {
    Hello {
        #[cfg_attr(feature = "schema", schemars(extend("const" = 1)))]
        protocol: u32,
    },
    Init(Init),
    Reset,
    Write {
        block: u32,
        data: Data,
        transaction: Transaction,
    },
    Read {
        volume: Volume,
    },
    Freeze {
        backup: u32,
    },
    Thaw {
        backup: u32,
    },
    Mark,
    Sync(SyncRequest),
    Arm {
        backup: u32,
    },
    Split {
        backup: u32,
    },
    Backup {
        backup: u32,
    },
    Release {
        backup: u32,
    },
    Create,
    Suspend,
    Resync,
    Delete,
    Takeover {
        force: bool,
    },
    RemoteWrite {
        block: u32,
        data: Data,
    },
    Failback,
    LinkDown,
    LinkUp,
    Send {
        seq: i128,
    },
    Deliver {
        message: LinkMessage,
    },
    Repeat {
        message: LinkMessage,
    },
    Lose {
        message: LinkMessage,
    },
    Apply,
    Report,
    Copy {
        block: u32,
    },
    PairMark,
    Fail {
        side: Side,
    },
    Crash {
        role: Crashing,
    },
    AdvanceClock {
        timer: Timer,
    },
    Status,
}

impl Request {
    /// A Sync that waits for so long, for nothing that was marked.
    #[must_use]
    pub const fn sync(timeout_ms: u64) -> Self {
        Self::Sync(SyncRequest { timeout_ms, incarnation: None, seq: None })
    }

    /// What of a transaction it is, if it is a local host's write.
    #[must_use]
    pub fn transaction(&self) -> Option<Transaction> {
        if let Self::Write { transaction, .. } = self { Some(*transaction) } else { None }
    }

    /// The operation.
    #[must_use]
    pub fn op(&self) -> &'static str {
        self.into()
    }

    /// The fields that a positive answer has to have.
    fn answered_by(&self) -> &'static [&'static str] {
        match self {
            Self::Freeze { .. } => &["frozen"],
            Self::Thaw { .. } => &["held"],
            Self::Mark => &["incarnation", "seq"],
            Self::Sync(_) => &["outcome"],
            Self::Split { .. } => &["done"],
            Self::Backup { .. } | Self::Read { .. } => &["blocks"],
            Self::Hello { .. }
            | Self::Init(_)
            | Self::Reset
            | Self::Write { .. }
            | Self::Arm { .. }
            | Self::Release { .. }
            | Self::Create
            | Self::Suspend
            | Self::Resync
            | Self::Delete
            | Self::Takeover { .. }
            | Self::RemoteWrite { .. }
            | Self::Failback
            | Self::LinkDown
            | Self::LinkUp
            | Self::Send { .. }
            | Self::Deliver { .. }
            | Self::Repeat { .. }
            | Self::Lose { .. }
            | Self::Apply
            | Self::Report
            | Self::Copy { .. }
            | Self::PairMark
            | Self::Fail { .. }
            | Self::Crash { .. }
            | Self::AdvanceClock { .. }
            | Self::Status => &[],
        }
    }

    /// The operation and its arguments.
    fn fields(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) | Err(_) => Map::new(),
        }
    }

    /// The request as a line, without its end.
    #[must_use]
    pub fn line(&self, id: u64) -> String {
        let mut line = self.fields();
        line.insert("id".into(), id.into());
        Value::Object(line).to_string()
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.op())?;
        let fields = self.fields();
        let mut arguments = fields.iter().filter(|(name, _)| *name != "op");
        arguments.try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}
