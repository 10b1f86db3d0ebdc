//! What can be explained, by its name. What is said of it is not decided here.

use std::fmt;

use syncsplit_model::protocol::{Rule, Rules};
use syncsplit_model::world::{ActionKind, Fault, PROMISES, PromiseInfo, WorldProperty};

use crate::words::expectation;

/// How alike two names are at least, from 0 to 1, that one is offered for the other.
const ALIKE: f64 = 0.8;

/// Something that has a name in SPEC.md and in reports.
#[derive(Clone, Copy, Debug)]
pub enum Topic {
    /// A rule of section 5.
    Rule(Rule),
    /// A property of section 7.1, or its twin.
    Property(WorldProperty),
    /// A promise of section 7.2.
    Promise(&'static PromiseInfo),
    /// A fault of section 8.5.
    Fault(Fault),
    /// A kind of action of section 8.4.3.
    Action(ActionKind),
}

impl Topic {
    /// Every topic, in the order of SPEC.md.
    pub fn all() -> impl Iterator<Item = Self> {
        let rules = Rule::ALL.iter().copied().map(Self::Rule);
        let properties = WorldProperty::ALL.iter().copied().map(Self::Property);
        let promises = PROMISES.iter().map(Self::Promise);
        let faults = Fault::ALL.iter().copied().map(Self::Fault);
        let actions = ActionKind::ALL.iter().copied().map(Self::Action);
        rules.chain(properties).chain(promises).chain(faults).chain(actions)
    }

    /// The topic called `name`; case counts only where two names differ in nothing else.
    ///
    /// # Errors
    /// Nothing has the name.
    pub fn named(name: &str) -> Result<Self, UnknownTopic> {
        let exact = Self::all().find(|topic| topic.name() == name);
        let loose = || Self::all().find(|topic| topic.name().eq_ignore_ascii_case(name));
        exact.or_else(loose).ok_or_else(|| UnknownTopic { name: name.into() })
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rule(rule) => rule.id(),
            Self::Property(property) => property.name(),
            Self::Promise(promise) => promise.name,
            Self::Fault(fault) => fault.name(),
            Self::Action(kind) => kind.name(),
        }
    }

    /// What kind of thing it is.
    #[must_use]
    pub fn kind(self) -> String {
        match self {
            Self::Rule(rule) if Rules::HARDENING.contains(rule) => "rule, a hardening".into(),
            Self::Rule(_) => "rule".into(),
            Self::Property(property) => format!("property, {}", expectation(&property.kind())),
            Self::Promise(_) => "promise".into(),
            Self::Fault(fault) => format!("fault, of the class {}", fault.class().name()),
            Self::Action(_) => "action".into(),
        }
    }

    /// It in one line.
    #[must_use]
    pub fn says(self) -> &'static str {
        match self {
            Self::Rule(rule) => rule.says(),
            Self::Property(property) => property.says(),
            Self::Promise(promise) => promise.says,
            Self::Fault(fault) => fault.says(),
            Self::Action(kind) => kind.says(),
        }
    }
}

/// A name that nothing has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownTopic {
    name: String,
}

impl fmt::Display for UnknownTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = self.name.to_lowercase();
        let likeness = |topic: &Topic| strsim::jaro_winkler(&asked, &topic.name().to_lowercase());
        let mut near: Vec<_> = Topic::all().map(|topic| (likeness(&topic), topic.name())).collect();
        near.retain(|(likeness, _)| *likeness >= ALIKE);
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        let near: Vec<_> = near.iter().take(3).map(|(_, name)| *name).collect();
        write!(f, "nothing is called {:?}", self.name)?;
        if !near.is_empty() {
            write!(f, "; near it are {}", near.join(", "))?;
        }
        f.write_str(
            "; valid is the name of a rule, a property, a promise, a fault or an action, \
             as `syncsplit list rules` prints them, and so on",
        )
    }
}

impl std::error::Error for UnknownTopic {}
