//! What a check says about itself in a checkpoint, and what became of the file. What such a file is, and how
//! it is written, is the engine's.
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use syncsplit_engine::{Keep, KeptOutcome, Store, packed};
use syncsplit_model::world::Fault;

use crate::question::{Engine, Question};
use crate::words::thousands;

/// The version of the product, and which model it was built with.
const VERSION: &str = env!("CARGO_PKG_VERSION");
const MODEL: &str = env!("SYNCSPLIT_MODEL");

/// The files of one check.
#[derive(Clone, Debug, Default)]
pub struct Checkpoint {
    about: Vec<(&'static str, String)>,
    besides: String,
    title: String,
    resume: Option<PathBuf>,
    write: Option<PathBuf>,
}

impl Checkpoint {
    /// The check of `question` kept in `file`, which `resumes` says whether it goes on with; it is written back then.
    ///
    /// # Errors
    /// The file is not one of this check, or cannot be written; that is known before any search has begun.
    pub fn new(question: &Question, file: &Path, resumes: bool) -> Result<Self, String> {
        if question.engine != Engine::Native {
            let engine = question.engine.name();
            return Err(format!(
                "the engine {engine} keeps no checkpoint; --checkpoint and --resume need native"
            ));
        }
        if question.store != Store::Exact {
            return Err(
                "--store fingerprint keeps no checkpoint: the states that it would have to \
                        hold are given up once they are expanded; --checkpoint and --resume need \
                        --store exact"
                    .into(),
            );
        }
        // A file that is not there is better said to be missing than made and taken away.
        if !resumes || file.exists() {
            packed::try_out(file).map_err(|error| error.to_string())?;
        }
        Ok(Self {
            about: about(question),
            // Whatever a world may come to have besides what is named.
            besides: format!("{:?}", question.space()),
            title: title(question),
            resume: resumes.then(|| file.into()),
            write: Some(file.into()),
        })
    }

    /// The same for the engine.
    #[must_use]
    pub fn keep(&self) -> Keep<'_> {
        Keep {
            about: &self.about,
            besides: &self.besides,
            title: &self.title,
            resume: self.resume.as_deref(),
            write: self.write.as_deref(),
        }
    }

    /// Where the run began, if it went on with a file.
    #[must_use]
    pub fn resumed<A, S>(&self, kept: &KeptOutcome<A, S>) -> Option<String> {
        let (file, resumed) = self.resume.as_ref().zip(kept.resumed)?;
        let states = thousands(resumed.states);
        let depth = resumed.depth.map_or(String::new(), |depth| format!(", at depth {depth}"));
        Some(format!("resumed from {}: {states} states{depth}", file.display()))
    }

    /// What was written, if a file was asked for.
    ///
    /// # Errors
    /// The file could not be written; the sentence names the file.
    pub fn written<A, S>(&self, kept: &KeptOutcome<A, S>) -> Result<Option<String>, String> {
        let Some(file) = &self.write else { return Ok(None) };
        let file = file.display();
        match &kept.written {
            None => Ok(Some(format!("no limit was reached: nothing is written to {file}"))),
            Some(Ok(written)) => Ok(Some(format!(
                "checkpoint in {file}: {} states, {}; the same check with --resume goes on from there",
                thousands(written.states),
                ByteSize::b(written.bytes)
            ))),
            Some(Err(error)) => Err(error.to_string()),
        }
    }
}

/// What the check is, in a few words.
fn title(question: &Question) -> String {
    let without: String = question.without.iter().map(|r| format!(" without {}", r.id())).collect();
    format!("{}, {}{without}", question.instance.name, question.variant.name())
}

/// All that decides what the check finds. The name of an instance is not among it: a world is the same under any name.
fn about(question: &Question) -> Vec<(&'static str, String)> {
    let bounds = &question.instance.bounds;
    let names = |names: Vec<&str>| if names.is_empty() { "none".into() } else { names.join(", ") };
    let mut without: Vec<_> = question.without.iter().map(|rule| rule.id()).collect();
    without.sort_unstable();
    without.dedup();
    let promises = question.asked_promises().iter().map(|promise| promise.name).collect();
    vec![
        ("version", VERSION.into()),
        ("model", MODEL.into()),
        ("variant", question.variant.name().into()),
        ("without", names(without)),
        ("reductions", names(question.reduce.iter().map(|reduction| reduction.name()).collect())),
        ("blocks", bounds.blocks.to_string()),
        ("volumes", bounds.volumes.to_string()),
        ("journal", bounds.journal.to_string()),
        ("frames", bounds.frames.to_string()),
        ("acks", bounds.acks.to_string()),
        ("host_messages", bounds.host_messages.to_string()),
        ("journal_full", format!("{:?}", bounds.journal_full)),
        ("cache", format!("{:?}", bounds.cache)),
        ("stillness", format!("{:?}", bounds.stillness)),
        ("start", format!("{:?}", bounds.start)),
        ("faults", names(bounds.faults.iter().map(Fault::name).collect())),
        ("promises", names(promises)),
        ("stop", format!("{:?}", question.stop)),
    ]
}
