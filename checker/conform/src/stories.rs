//! Stories: scripts by hand that need no steering, each for a mistake that no shortest way to a rule's harm meets. They stand in
//! `checker/stories.toml`. No adapter is asked here.

use serde::Deserialize;

use crate::script::Script;
use crate::verb::Verb;
use crate::wire::{Hello, Level, OPERATIONS};

/// The stories as they stand in the repository.
const TABLE: &str = include_str!("../../stories.toml");

/// The most rounds of a story: one defect in fifty runs is found with a probability of 99 %.
pub const ROUNDS_MAX: u64 = 228;

/// A script that is done some times.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    /// Its name, in words with hyphens.
    pub name: String,
    /// What the protocol does there, with the rules.
    pub says: String,
    /// How often it is done, each time with another seed.
    pub rounds: u64,
    /// The script.
    pub script: String,
}

/// What stands in the table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoryTable {
    stories: Vec<Story>,
}

/// Every story with its script.
///
/// # Errors
/// The table is malformed: the sentence names its file and says where.
pub fn all() -> Result<Vec<(Story, Script)>, String> {
    let bad = |what: String| format!("checker/stories.toml: {what}");
    let table: StoryTable = toml::from_str(TABLE).map_err(|error| bad(error.to_string()))?;
    let read = |story: Story| {
        let script =
            story.script.parse().map_err(|error| bad(format!("{}: {error}", story.name)))?;
        if (1..=ROUNDS_MAX).contains(&story.rounds) {
            Ok((story, script))
        } else {
            Err(bad(format!(
                "{}: {} rounds; valid are 1 to {ROUNDS_MAX}",
                story.name, story.rounds
            )))
        }
    };
    table.stories.into_iter().map(read).collect()
}

/// The stories for what an adapter can do, round by round: the number of the round, from 1. Where the kit steers nothing goes
/// on by itself, so that they say nothing.
///
/// # Errors
/// As [`all`].
pub fn at_level(hello: &Hello, level: Level) -> Result<Vec<(Story, Script, u64)>, String> {
    let is_had = |script: &Script| {
        let mut words = script.verbs.iter().map(Verb::operation);
        words.all(|word| !OPERATIONS.contains(&word.as_str()) || hello.can(&word))
    };
    let wanted = all()?.into_iter().filter(|(_, script)| level != Level::Steered && is_had(script));
    let rounds = wanted.flat_map(|(story, script)| {
        (1..=story.rounds).map(move |round| (story.clone(), script.clone(), round))
    });
    Ok(rounds.collect())
}
