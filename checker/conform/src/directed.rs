//! Directed cases: for each rule the shortest way to the harm that the rule prevents, as `syncsplit ablate` finds it, and for
//! some a few scripts that show it without steering. They stand in `checker/directed.toml`, and tests compare them with the
//! model. No adapter is asked here.
use std::fmt::Write;
use std::thread::available_parallelism;

use serde::Deserialize;
use syncsplit_model::protocol::{Incarnation, Rule, Rules, Seq, ToSecondary};
use syncsplit_model::world::{Action, ActionKind, State, World};
use syncsplit_study::ablate;
use syncsplit_study::instance::{Instance, askable};
use syncsplit_study::question::{Question, Watch};

use crate::script::{Script, Setting};
use crate::verb::{Message, MessageKind, Verb};
use crate::wire::{Hello, Level, OPERATIONS};

/// The cases as they stand in the repository.
const TABLE: &str = include_str!("../../directed.toml");

/// The cases' head.
const HEAD: &str = "\
# For each rule the shortest way to the harm that it prevents: the counterexample of `syncsplit ablate`, as a script for
# `syncsplit conform`. Rewritten by `cargo xtask bless --only directed`.
";

/// The head of the scripts that need no steering.
const UNSTEERED: &str = "
# Scripts by hand for level marked, since the shortest way to the harm of SYNC-5 needs steering: a mark is given, and the
# pair leaves PAIR before what was written can have arrived, so that no look at it may come to DONE or go on waiting.
";

/// How often each script that needs no steering is done. Which step comes first is the implementation's choice, and one of
/// them may have carried everything over before the pair leaves PAIR; then the script shows nothing.
const ROUNDS: usize = 4;

/// A directed case.
#[derive(Clone, Debug, Deserialize)]
pub struct Directed {
    /// Id of the rule.
    pub rule: String,
    /// The script.
    pub script: String,
}

/// What stands in the table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DirectedTable {
    cases: Vec<Directed>,
    unsteered: Vec<Directed>,
}

fn bad(what: impl ToString) -> String {
    format!("checker/directed.toml: {}", what.to_string())
}

/// The scripts of one list of the table.
fn scripts(list: fn(DirectedTable) -> Vec<Directed>) -> Result<Vec<(Rule, Script)>, String> {
    let table: DirectedTable = toml::from_str(TABLE).map_err(bad)?;
    let read = |case: Directed| {
        Ok((case.rule.parse().map_err(bad)?, case.script.parse::<Script>().map_err(bad)?))
    };
    list(table).into_iter().map(read).collect()
}

/// For each rule the shortest way to the harm.
///
/// # Errors
/// The table is malformed: the sentence names its file and says where.
pub fn cases() -> Result<Vec<(Rule, Script)>, String> {
    scripts(|table| table.cases)
}

/// The scripts that need no steering.
///
/// # Errors
/// The table is malformed: the sentence names its file and says where.
pub fn unsteered() -> Result<Vec<(Rule, Script)>, String> {
    scripts(|table| table.unsteered)
}

/// A directed case as it is done.
#[derive(Clone, Debug)]
pub struct DirectedCase {
    /// Its id.
    pub id: String,
    /// The rule that it is about.
    pub rule: Rule,
    /// The script.
    pub script: Script,
    /// Added to the seed that the implementation's own choices begin with.
    pub beginning: u64,
}

/// Every directed case for what an adapter can do, in the order in which they are done. Where the kit steers, the shortest way
/// is exact; and a black box gives no marks, so that nothing could be asked about one that is out of date. A script that
/// needs no steering says nothing without all of it, a shortest way at least what is left of it.
///
/// # Errors
/// The table is malformed: the sentence names its file and says where.
pub fn at_level(hello: &Hello, level: Level) -> Result<Vec<DirectedCase>, String> {
    let shortest = cases()?.into_iter().map(|(rule, script)| DirectedCase {
        id: format!("directed/{rule}"),
        rule,
        script,
        beginning: 0,
    });
    let unsteered = if level == Level::Marked { unsteered()? } else { Vec::new() };
    let rounds = (0..ROUNDS).flat_map(|_| unsteered.clone()).zip(1..);
    let unsteered = rounds.map(|((rule, script), number)| DirectedCase {
        id: format!("directed/{rule}/unsteered-{number}"),
        rule,
        script,
        beginning: number,
    });
    let is_had = |case: &DirectedCase| {
        let mut kinds = case.script.verbs.iter().map(Verb::word);
        kinds.all(|kind| !OPERATIONS.contains(&kind.as_str()) || hello.can(&kind))
    };
    Ok(shortest.chain(unsteered.filter(is_had)).collect())
}

/// The table's text for these scripts.
#[must_use]
pub fn table(cases: &[(Rule, Script)], unsteered: &[(Rule, Script)]) -> String {
    let mut text = HEAD.to_owned();
    let mut list = |head: &str, name: &str, scripts: &[(Rule, Script)]| {
        text.push_str(head);
        for (rule, script) in scripts {
            let _ = write!(text, "\n[[{name}]]\nrule = \"{rule}\"\nscript = \"{script}\"\n");
        }
    };
    list("", "cases", cases);
    list(UNSTEERED, "unsteered", unsteered);
    text
}

/// Scripts for the rules whose absence breaks nothing that is checked; a script shows them all the same.
const BY_HAND: &[(Rule, &str)] = &[
    // A Sync asked for out of PAIR has to be refused.
    (
        Rule::Sync1,
        "begin pair journal 1; link-down; fail; start-backup; deliver-host request 1; sync-begin; sync-look",
    ),
    // The secondary hears that the pair is no more.
    (Rule::Pair4, "begin pair journal 1; write-one 0; delete; deliver delete 1"),
];

/// The rules that a script can show: no implementation is begun at the last numbers there are.
pub fn showable() -> impl Iterator<Item = Rule> {
    Rule::ALL.iter().copied().filter(|rule| !Rules::OF_ENDS.contains(*rule))
}

/// The script written by hand for `rule`, if there is one.
#[must_use]
pub fn by_hand(rule: Rule) -> Option<&'static str> {
    BY_HAND.iter().find(|(of, _)| *of == rule).map(|(_, script)| *script)
}

/// Searches the shortest counterexample without `rule`, where `checker/ablations.toml` says, as a script. Of a promise
/// that is never kept it is the way to the loop.
///
/// # Errors
/// The search finds no counterexample, or the table has no row for the rule.
pub fn derive(rule: Rule) -> Result<Script, String> {
    if let Some(text) = by_hand(rule) {
        return text.parse();
    }
    let rows = ablate::table()?;
    let row = rows.iter().find(|row| row.rule == rule.id());
    let row = row.ok_or_else(|| format!("no row for {rule} in checker/ablations.toml"))?;
    let instance = Instance::load(&row.instance).map_err(|refused| refused.to_string())?;
    let property = row.shown.property().map(str::to_owned);
    let threads = available_parallelism().map_or(1, usize::from);
    let mut question = Question::about(instance, threads);
    question.without.push(rule);
    question.properties = askable().filter(|name| Some(*name) == property.as_deref()).collect();
    let outcome = question.ask(Watch::default()).map_err(|error| error.to_string())?;
    let name = property.unwrap_or_default();
    let trace = outcome.discovery(&name).map(|found| found.trace.clone());
    let stem = outcome.promises.iter().find(|promise| promise.name == name);
    let stem = stem.and_then(|promise| promise.lasso.as_ref()).map(|lasso| lasso.stem.clone());
    let path = trace.or(stem).ok_or_else(|| format!("nothing breaks without {rule}"))?;
    let world = question.world();
    Ok(translate(&world, &world.concrete(&path)))
}

/// A path of a world as a script. Where a message of the secondary arrives in the step that sends it, the script delivers
/// it in a step of its own.
#[must_use]
pub fn translate(world: &World, path: &[(Option<Action>, State)]) -> Script {
    let mut verbs = Vec::new();
    for pair in path.windows(2) {
        let [(_, before), (Some(action), after)] = pair else { continue };
        verbs.push(Verb::of(action));
        if world.bounds.acks == 0 {
            verbs.extend(reply(before, action, after));
        }
    }
    Script { setting: Setting::of(&world.bounds), verbs }
}

/// The delivery of what the secondary sent in a step.
fn reply(before: &State, action: &Action, after: &State) -> Option<Verb> {
    let (was, is) = (&before.secondary, &after.secondary);
    let (Incarnation(of), Seq(written)) = (is.incarnation, is.written);
    let resync = ToSecondary::Resync { incarnation: is.incarnation };
    let is_asked =
        [false, true].map(|again| Action::Deliver { message: resync, again }).contains(action);
    let message = if *action == Action::Report && was.state.is_linked() {
        Message { kind: MessageKind::Ack, of, seq: Some(written) }
    } else if *action == Action::Report {
        Message { kind: MessageKind::Suspended, of, seq: None }
    } else if is_asked && is.state.is_linked() {
        Message { kind: MessageKind::Ready, of, seq: Some(written) }
    } else {
        return None;
    };
    Some(Verb { message: Some(message), ..Verb::bare(ActionKind::DeliverReply) })
}
