//! Where the model's code names a topic. The table is made when this crate is built, from the code itself.

use serde::Serialize;

use super::topic::Topic;

/// What is named, the file and the item, in rising order.
const PLACES: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/places.rs"));

/// A place in the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file, from the repository's root.
    pub file: &'static str,
    /// The function, constant or enum in it; behind an arrow the function that an arm of it calls.
    pub item: &'static str,
}

/// Every place that names `topic`, in the order of files.
#[must_use]
pub fn places(topic: Topic) -> Vec<Place> {
    let key = match topic {
        Topic::Rule(rule) => format!("Rule::{rule:?}"),
        Topic::Property(property) => format!("WorldProperty::{property:?}"),
        Topic::Promise(promise) => promise.name.into(),
        Topic::Fault(fault) => format!("Fault::{fault:?}"),
        Topic::Action(kind) => format!("Action::{kind:?}"),
    };
    let named = PLACES.iter().filter(|(what, _, _)| *what == key);
    named.map(|(_, file, item)| Place { file, item }).collect()
}
