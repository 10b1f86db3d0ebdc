//! The adapter of our own implementation, as an example. In one process and without threads, so that steered nothing happens
//! but what the kit asks for, and otherwise what chance draws; with `--transport tcp` over TCP: steered a message that is
//! delivered travels through a connection, and otherwise both sites run with all their threads.
//!
//! What is asked is known from docs/test-your-implementation.md; the system under test is in `sites` and `threads`, the link
//! in `link`, what it does by itself in `alone`, what it shows in `show`. With `--defect NAME` it is a wrong program, as
//! [`syncsplit_tests::defects`] says; with `--liberty NAME` it is a right one that does what hardly any other does, as
//! [`syncsplit_tests::liberties`] says. Nothing is judged here.

#![deny(clippy::wildcard_enum_match_arm)]
mod alone;
mod liberty;
mod link;
mod options;
mod show;
mod sites;
mod sync;
mod threads;

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};

use serde_json::{Value, json};
use syncsplit_conform::wire::{FEATURES, OPERATIONS};
use syncsplit_impl::NodeError;
use syncsplit_tests::liberties::Liberty;

use crate::options::Options;
use crate::sites::Sites;

/// Why a request was not done.
pub(crate) enum Refused {
    /// The implementation says no.
    Code(&'static str, String),
    /// Nobody knows whether it was done.
    Perhaps,
    /// The adapter itself cannot go on.
    Broken(Box<dyn Error>),
}

impl From<NodeError> for Refused {
    fn from(error: NodeError) -> Self {
        if error.is_refusal() {
            Self::Code("refused", error.to_string())
        } else {
            Self::Broken(Box::new(error))
        }
    }
}

pub(crate) type Reply = Result<Value, Refused>;

pub(crate) fn broken(what: impl Into<Box<dyn Error>>) -> Refused {
    Refused::Broken(what.into())
}

/// Every operation, and every feature that the program has: two are liberties.
fn capabilities(options: Options) -> Vec<&'static str> {
    let all = OPERATIONS.iter().chain(FEATURES).copied();
    let is_there = |name: &&str| match *name {
        "marks-more" => options.liberty == Some(Liberty::MarksMore),
        "suspects-link" => options.liberty == Some(Liberty::Suspects),
        _ => true,
    };
    all.filter(is_there).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let Some(options) = options::read()? else { return Ok(()) };
    let mut sites: Option<Sites> = None;
    for line in stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let op = request["op"].as_str().unwrap_or_default().to_owned();
        let done = match op.as_str() {
            "hello" => Ok(json!({
                "protocol": 1, "name": "syncsplit-impl", "version": env!("CARGO_PKG_VERSION"),
                "capabilities": capabilities(options),
            })),
            "init" => Sites::new(&request, options).map(|new| {
                sites = Some(new);
                json!({})
            }),
            "reset" => {
                sites = None;
                Ok(json!({}))
            }
            _ => match &mut sites {
                Some(sites) => {
                    let done = sites.take_freely(&op, &request);
                    sites.collect();
                    // Who only looks gives it more time than who asks for something.
                    let steps = if matches!(op.as_str(), "status" | "sync") { 24 } else { 6 };
                    sites.work_up_to(steps)?;
                    done
                }
                None => Err(Refused::Code("no-system", "init comes first".into())),
            },
        };
        let id = &request["id"];
        let answer = match done {
            Ok(ok) => json!({ "id": id, "ok": ok }),
            Err(Refused::Code(code, text)) => {
                json!({ "id": id, "error": { "code": code, "definite": true, "text": text } })
            }
            Err(Refused::Perhaps) => {
                json!({ "id": id, "error": { "code": "no-answer", "definite": false } })
            }
            Err(Refused::Broken(error)) => return Err(error),
        };
        writeln!(stdout(), "{answer}")?;
    }
    Ok(())
}
