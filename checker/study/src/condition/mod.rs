//! A condition on a state, over the fields that a trace in ITF prints: which text is one, what its kinds allow, and of which
//! state it is true. How a state is looked for is not known here.

mod parse;

use std::borrow::Cow;
use std::fmt;

use syncsplit_model::world::{NumberRange, State, World};
use syncsplit_search::Goal;

use crate::trace::value::Value;
use crate::trace::variables::variables;

/// A condition that is ready to be asked of states.
#[derive(Clone)]
pub struct Condition {
    text: String,
    root: Node,
}

/// As it was written: the rest follows from the text, and a checkpoint holds this.
impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Condition {
    /// The condition that `text` is, about states of `world`.
    ///
    /// # Errors
    /// The text is none: the place or the field, and what would be valid.
    pub fn parse(text: &str, world: &World) -> Result<Self, String> {
        let root = parse::condition(text)?;
        let fields = variables(world, &world.raw_initial());
        let is_renamed = world.bounds.numbers == NumberRange::Endless;
        Checker { fields: &fields, is_renamed }.node(&root)?;
        Ok(Self { text: text.trim().into(), root })
    }
}

impl Goal for Condition {
    fn is_reached(&self, world: &World, state: &State) -> bool {
        self.root.is_true(&variables(world, state))
    }
}

/// A part of a condition.
#[derive(Clone, Debug)]
enum Node {
    Any(Vec<Self>),
    All(Vec<Self>),
    Not(Box<Self>),
    /// A field that is true or false by itself.
    Is(Operand),
    Compare(Operand, Sign, Operand),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
    Has,
}

#[derive(Clone, Debug)]
enum Operand {
    Field {
        name: String,
        steps: Vec<PathStep>,
    },
    /// A word without quotes: the field of that name, or else the text.
    Word(String),
    Literal(Value),
}

/// A step from a value into it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum PathStep {
    Name(String),
    Index(usize),
    Size,
}

/// The name of the step that counts what a list or a set holds.
const SIZE: &str = "size";

impl Node {
    fn is_true(&self, fields: &[(String, Value)]) -> bool {
        match self {
            Self::Any(nodes) => nodes.iter().any(|node| node.is_true(fields)),
            Self::All(nodes) => nodes.iter().all(|node| node.is_true(fields)),
            Self::Not(node) => !node.is_true(fields),
            Self::Is(operand) => {
                operand.value(fields).is_some_and(|value| *value == Value::Bool(true))
            }
            Self::Compare(left, sign, right) => {
                let values = left.value(fields).zip(right.value(fields));
                values.is_some_and(|(left, right)| sign.is_true(&left, &right))
            }
        }
    }
}

impl Sign {
    fn is_true(self, left: &Value, right: &Value) -> bool {
        let number = |value: &Value| match value {
            Value::Number(digits) => digits.parse::<u128>().ok(),
            Value::Bool(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Tuple(_)
            | Value::Set(_)
            | Value::Record(_) => None,
        };
        let numbers = number(left).zip(number(right));
        match self {
            Self::Equal => left.is_same(right),
            Self::Unequal => !left.is_same(right),
            Self::Less => numbers.is_some_and(|(left, right)| left < right),
            Self::LessOrEqual => numbers.is_some_and(|(left, right)| left <= right),
            Self::More => numbers.is_some_and(|(left, right)| left > right),
            Self::MoreOrEqual => numbers.is_some_and(|(left, right)| left >= right),
            Self::Has => match (left, right) {
                (Value::List(items) | Value::Tuple(items) | Value::Set(items), item) => {
                    items.iter().any(|held| held.is_same(item))
                }
                (Value::Text(text), Value::Text(part)) => text.contains(part.as_str()),
                _ => false,
            },
        }
    }

    const fn is_of_numbers(self) -> bool {
        match self {
            Self::Less | Self::LessOrEqual | Self::More | Self::MoreOrEqual => true,
            Self::Equal | Self::Unequal | Self::Has => false,
        }
    }
}

impl Operand {
    /// Its value; none where the path leads to nothing, as behind the end of a list.
    fn value<'a>(&'a self, fields: &'a [(String, Value)]) -> Option<Cow<'a, Value>> {
        let field = |name: &str| fields.iter().find(|(field, _)| field == name);
        match self {
            Self::Literal(value) => Some(Cow::Borrowed(value)),
            Self::Word(word) => Some(match field(word) {
                Some((_, value)) => Cow::Borrowed(value),
                None => Cow::Owned(Value::text(word)),
            }),
            Self::Field { name, steps } => {
                let (_, value) = field(name)?;
                let [inner @ .., last] = steps.as_slice() else {
                    return Some(Cow::Borrowed(value));
                };
                let value = inner.iter().try_fold(value, |value, step| step.inner(value))?;
                if *last == PathStep::Size {
                    return Some(Cow::Owned(Value::number(items(value)?.len() as u64)));
                }
                last.inner(value).map(Cow::Borrowed)
            }
        }
    }

    /// The field that it is about, if it is about one of `fields`.
    fn field<'a>(&'a self, fields: &[(String, Value)]) -> Option<&'a str> {
        match self {
            Self::Field { name, .. } => Some(name),
            Self::Word(word) => {
                fields.iter().any(|(field, _)| field == word).then_some(word.as_str())
            }
            Self::Literal(_) => None,
        }
    }

    fn is_size(&self) -> bool {
        matches!(self, Self::Field { steps, .. } if steps.last() == Some(&PathStep::Size))
    }
}

impl PathStep {
    fn inner<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        match (self, value) {
            (Self::Name(name), Value::Record(fields)) => {
                fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
            }
            (Self::Index(index), _) => items(value)?.get(*index),
            _ => None,
        }
    }
}

fn items(value: &Value) -> Option<&[Value]> {
    match value {
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => Some(items),
        Value::Bool(_) | Value::Text(_) | Value::Number(_) | Value::Record(_) => None,
    }
}

/// What kind of value it is, in words.
const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "true or false",
        Value::Text(_) => "a text",
        Value::Number(_) => "a number",
        Value::List(_) => "a list",
        Value::Tuple(_) => "a tuple",
        Value::Set(_) => "a set",
        Value::Record(_) => "a record",
    }
}

/// Fields whose numbers stay what they are when the search renames numbers: counts and blocks.
const TRUE_NUMBERS: &[&str] = &["open_transactions", "dirty", "dirty_at_secondary"];

/// Holds a condition against the fields that there are.
struct Checker<'a> {
    fields: &'a [(String, Value)],
    is_renamed: bool,
}

impl Checker<'_> {
    fn node(&self, node: &Node) -> Result<(), String> {
        match node {
            Node::Any(nodes) | Node::All(nodes) => nodes.iter().try_for_each(|one| self.node(one)),
            Node::Not(node) => self.node(node),
            Node::Is(operand) => match self.operand(operand)? {
                Some("true or false") | None => Ok(()),
                Some(kind) => {
                    let name = operand.field(self.fields).unwrap_or_default();
                    Err(format!("{name} is {kind}, and no condition; valid is {name} == VALUE"))
                }
            },
            Node::Compare(left, sign, right) => {
                let kinds = (self.operand(left)?, self.operand(right)?);
                self.kinds(left, *sign, right, kinds)?;
                self.names(left, *sign, right)?;
                self.names(right, *sign, left)
            }
        }
    }

    /// The kind of an operand, if it is known before a state is.
    fn operand(&self, operand: &Operand) -> Result<Option<&'static str>, String> {
        let name = match operand {
            Operand::Literal(value) => return Ok(Some(kind(value))),
            Operand::Word(word) => {
                let found = self.fields.iter().find(|(field, _)| field == word);
                return Ok(Some(found.map_or("a text", |(_, value)| kind(value))));
            }
            Operand::Field { name, .. } => name,
        };
        let Operand::Field { steps, .. } = operand else { return Ok(None) };
        let found = self.fields.iter().find(|(field, _)| field == name);
        let mut value = &found.ok_or_else(|| self.unknown(name))?.1;
        for step in steps {
            match (step, value) {
                (PathStep::Name(part), Value::Record(parts)) => {
                    let found = parts.iter().find(|(field, _)| field == part);
                    let refused = || {
                        let valid: Vec<_> = parts.iter().map(|(part, _)| part.as_str()).collect();
                        format!("{name} has no {part:?}; valid are {}", valid.join(", "))
                    };
                    value = &found.ok_or_else(refused)?.1;
                }
                (PathStep::Size, value) if items(value).is_some() => return Ok(Some("a number")),
                // What a list holds is known when a state is.
                (PathStep::Index(_), value) if items(value).is_some() => return Ok(None),
                (PathStep::Name(_) | PathStep::Index(_) | PathStep::Size, value) => {
                    let kind = kind(value);
                    return Err(format!("{name} is {kind}: nothing of it has a place or a size"));
                }
            }
        }
        Ok(Some(kind(value)))
    }

    fn kinds(
        &self,
        left: &Operand,
        sign: Sign,
        right: &Operand,
        kinds: (Option<&'static str>, Option<&'static str>),
    ) -> Result<(), String> {
        let name = |operand: &Operand| match operand {
            Operand::Field { name, .. } => name.clone(),
            Operand::Word(word) => word.clone(),
            Operand::Literal(value) => value.to_string(),
        };
        let (Some(of_left), Some(of_right)) = kinds else { return Ok(()) };
        let (left, right) = (name(left), name(right));
        if sign == Sign::Has {
            let holds = ["a list", "a set", "a tuple", "a text"].contains(&of_left);
            let valid = "valid is a list, a set or a text on the left of `has`";
            return if holds { Ok(()) } else { Err(format!("{left} is {of_left}; {valid}")) };
        }
        if of_left != of_right {
            return Err(format!(
                "{left} is {of_left}, and {right} is {of_right}: they are never equal"
            ));
        }
        if sign.is_of_numbers() && of_left != "a number" {
            let valid = "only numbers are less or more; valid are == and !=";
            return Err(format!("{left} is {of_left}: {valid}"));
        }
        Ok(())
    }

    /// Refuses to hold a field against a number that it never has, since the search renames it.
    fn names(&self, field: &Operand, sign: Sign, other: &Operand) -> Result<(), String> {
        let Some(name) = field.field(self.fields).filter(|_| self.is_renamed) else {
            return Ok(());
        };
        let is_true = TRUE_NUMBERS.contains(&name) || field.is_size();
        let digit = |text: &str| text.contains(|letter: char| letter.is_ascii_digit());
        let is_number = match other {
            Operand::Literal(Value::Number(_)) => true,
            Operand::Literal(Value::Text(text)) => digit(text),
            Operand::Word(word) => other.field(self.fields).is_none() && digit(word),
            Operand::Field { .. } | Operand::Literal(_) => false,
        };
        if is_true || !is_number {
            return Ok(());
        }
        let valid = if sign == Sign::Has {
            "a text without the number"
        } else {
            "another field in place of the number, as in `written < newest.seq`, or `has` and a text without it"
        };
        Err(format!(
            "{name} has numbers that the search renames, so that it never has a certain one; valid is {valid}; with \
             --numbers ending none is renamed"
        ))
    }

    fn unknown(&self, name: &str) -> String {
        let valid: Vec<_> = self.fields.iter().map(|(field, _)| field.as_str()).collect();
        format!("there is no field {name:?}; valid are {}", valid.join(", "))
    }
}
