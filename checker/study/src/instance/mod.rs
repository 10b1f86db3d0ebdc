//! What a check is asked: a world and what is to be true of it, by name or from a TOML file. docs/instances.md is the
//! page for whoever writes one. No check is run here.

mod contradictions;
mod parse;
mod schema;
mod small;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::MAIN_SEPARATOR;

pub use parse::{CACHE, JOURNAL_FULL, START, STILLNESS};
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{self, Bounds, INSTANCES, PROMISES, Variant, WorldProperty};

/// The longest file that is read, in bytes.
const FILE_MAX: u64 = 1 << 20;

/// A world, and what is asked about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The name or the path under which it was asked for.
    pub name: String,
    /// What it is for.
    pub says: String,
    /// How large the world is, and which faults it has.
    pub bounds: Bounds,
    /// The reading of the protocol, unless the command line names one.
    pub variant: Variant,
    /// The rules left out.
    pub without: Vec<Rule>,
    /// The properties and promises to check by name; all properties when empty.
    pub properties: Vec<&'static str>,
    /// Whether the promises that apply are checked beside all properties.
    pub promises: bool,
    /// What the check must come to, if that is known.
    pub expected: Option<Expected>,
    /// Whether its bounds are others than those of the instance whose name it has.
    pub is_changed: bool,
}

/// What a check must come to. What is none is not compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Whether everything holds.
    pub holds: bool,
    /// Distinct states.
    pub states: Option<u64>,
    /// Transitions.
    pub transitions: Option<u64>,
    /// Depth.
    pub depth: Option<u32>,
    /// Every `always` that is violated, in any order.
    pub violated: Option<Vec<&'static str>>,
    /// Steps of the shortest counterexample.
    pub steps: Option<usize>,
}

impl From<&world::Instance> for Instance {
    fn from(named: &world::Instance) -> Self {
        Self {
            name: named.name.into(),
            says: named.says.into(),
            bounds: named.bounds,
            variant: Variant::default(),
            without: Vec::new(),
            properties: Vec::new(),
            promises: named.promises,
            expected: None,
            is_changed: false,
        }
    }
}

impl Instance {
    /// Every instance that has a name: those of the model, then the small ones.
    ///
    /// # Errors
    /// The table of small instances is malformed.
    pub fn all() -> Result<Vec<Self>, Refused> {
        let small = small::all()?.iter().cloned();
        Ok(INSTANCES.iter().map(Self::from).chain(small).collect())
    }

    /// The named instance, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().ok()?.into_iter().find(|instance| instance.name == name)
    }

    /// Whether it has a name of its own: it is no file, and nothing in it was changed.
    #[must_use]
    pub fn is_named(&self) -> bool {
        !Self::is_path(&self.name) && !self.is_changed
    }

    /// The rules that are left out when `more` are left out as well.
    #[must_use]
    pub fn without_also(&self, more: &[Rule]) -> Vec<Rule> {
        let more = more.iter().filter(|rule| !self.without.contains(rule));
        self.without.iter().chain(more).copied().collect()
    }

    /// Whether `text` is a path rather than a name.
    #[must_use]
    pub fn is_path(text: &str) -> bool {
        text.ends_with(".toml") || text.contains('/') || text.contains(MAIN_SEPARATOR)
    }

    /// The instance that the command line speaks of: a name, or the path of a file.
    ///
    /// # Errors
    /// The name is unknown, or the file is no instance: the place, the value, and what would be valid.
    pub fn load(text: &str) -> Result<Self, Refused> {
        if !Self::is_path(text) {
            let named = Self::all()?.into_iter().find(|instance| instance.name == text);
            return named.ok_or_else(|| Refused::unknown(text));
        }
        let mut toml = String::new();
        File::open(text)
            .and_then(|file| file.take(FILE_MAX + 1).read_to_string(&mut toml))
            .map_err(|error| Refused::at(text, None, format!("cannot be read: {error}")))?;
        if toml.len() as u64 > FILE_MAX {
            let message = format!("longer than {FILE_MAX} bytes, which no instance is");
            return Err(Refused::at(text, None, message));
        }
        Self::parse(text, &toml)
    }

    /// The instance that the text of a file describes; `name` is the file's.
    ///
    /// # Errors
    /// The text is no instance: the place, the value, and what would be valid.
    pub fn parse(name: &str, toml: &str) -> Result<Self, Refused> {
        parse::instance(name, toml)
    }
}

/// The names of all that can be asked: properties, then promises.
pub fn askable() -> impl Iterator<Item = &'static str> {
    let properties = WorldProperty::ALL.iter().map(|property| property.name());
    properties.chain(PROMISES.iter().map(|promise| promise.name))
}

/// Why there is no such instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The name or the path.
    pub name: String,
    /// Line and column in the file, counted from 1, where they are known.
    pub place: Option<(usize, usize)>,
    /// What is wrong, and what would be valid.
    pub message: String,
}

impl Refused {
    fn at(name: &str, place: Option<(usize, usize)>, message: String) -> Self {
        Self { name: name.into(), place, message }
    }

    fn unknown(name: &str) -> Self {
        let names: Vec<_> = INSTANCES.iter().map(|instance| instance.name).collect();
        let message = format!(
            "no instance is called {name:?}; there are {}, the small ones of `syncsplit list instances`, or the path of \
             a file such as ./mine.toml",
            names.join(", ")
        );
        Self::at(name, None, message)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {}", self.name, self.message),
            None if !Instance::is_path(&self.name) => f.write_str(&self.message),
            None => write!(f, "{}: {}", self.name, self.message),
        }
    }
}

impl std::error::Error for Refused {}
