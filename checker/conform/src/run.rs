//! A script from beginning to end with an adapter, and how a failing one is made shorter. Where scripts come from is not
//! known here.

use std::collections::{BTreeSet, HashSet};

use syncsplit_model::protocol::Rule;
use syncsplit_study::ddmin::ddmin;

use crate::class::Class;
use crate::finish::{Ending, finish};
use crate::left_out::LeftOut;
use crate::process::{Adapter, AdapterFailure};
use crate::script::Script;
use crate::session::{AdapterOptions, Failure, Session, VerbOutcome};
use crate::verb::Verb;
use crate::wire::Level;

/// What a script came to.
#[derive(Clone, Debug)]
pub struct ScriptOutcome {
    /// What it was judged to break; none if nothing.
    pub failure: Option<Failure>,
    /// What was done, the ending not included.
    pub done: Vec<Verb>,
    /// The rules that were seen to be kept: without one of them something else would have been seen.
    pub shown: BTreeSet<Rule>,
    /// The classes of steps that were certainly taken.
    pub classes: BTreeSet<Class>,
    /// What was asked and answered, in words, by verb.
    pub log: Vec<(String, Vec<String>)>,
    /// Whether the last backup came.
    pub is_finished: bool,
    /// Whether the oracle lost the implementation: too many states may explain it.
    pub is_lost: bool,
    /// Verbs that were left out.
    pub left_out: Vec<LeftOut>,
}

/// Does the verbs one by one, as `next` gives them, and then what every script ends with. None where the adapter does not
/// have the setting.
///
/// # Errors
/// The adapter has ended, is silent for too long, or gives an answer that is none.
pub fn run(
    adapter: &mut Adapter,
    how: AdapterOptions,
    script: &Script,
    watched: &[Rule],
    next: &mut dyn FnMut(&Session<'_>, usize) -> Option<Verb>,
) -> Result<Option<ScriptOutcome>, AdapterFailure> {
    let begun = Session::begin(adapter, how, script.setting, watched)?;
    let Some(mut session) = begun else { return Ok(None) };
    let (mut done, mut failure, mut left_out) = (Vec::new(), None, Vec::new());
    let mut at = 0;
    while let Some(verb) = next(&session, at) {
        at += 1;
        match session.perform(&verb)? {
            VerbOutcome::Done => done.push(verb),
            VerbOutcome::LeftOut(why) => left_out.push(LeftOut { place: at, verb, why }),
            VerbOutcome::Failed(found) => {
                done.push(verb);
                failure = Some(*found);
                break;
            }
        }
    }
    let mut is_finished = false;
    if failure.is_none() {
        match finish(&mut session, how.level)? {
            Ending::Backup => is_finished = true,
            Ending::NoWay => {}
            Ending::Failed(found) => failure = Some(*found),
        }
    }
    let outcome = ScriptOutcome {
        failure,
        done,
        shown: session.shown.clone(),
        classes: session.classes.clone(),
        log: session.log.clone(),
        is_finished,
        is_lost: session.is_lost,
        left_out,
    };
    session.close()?;
    Ok(Some(outcome))
}

/// A script as it stands.
///
/// # Errors
/// The adapter has ended, is silent for too long, or gives an answer that is none.
pub fn script(
    adapter: &mut Adapter,
    how: AdapterOptions,
    script: &Script,
    watched: &[Rule],
) -> Result<Option<ScriptOutcome>, AdapterFailure> {
    run(adapter, how, script, watched, &mut |_, at| script.verbs.get(at).copied())
}

/// A script for which an implementation that runs by itself is given time: before each verb it is waited for until both pair
/// states are known, or some looks in a row show nothing new. Without the status nothing would be known any sooner.
///
/// # Errors
/// The adapter has ended, is silent for too long, or gives an answer that is none.
pub fn patient_script(
    adapter: &mut Adapter,
    how: AdapterOptions,
    script: &Script,
    watched: &[Rule],
) -> Result<Option<ScriptOutcome>, AdapterFailure> {
    let (mut looks, mut in_vain, mut pairs) = (0, 0, HashSet::new());
    let mut verbs = script.verbs.iter();
    run(adapter, how, script, watched, &mut |session, _| {
        if how.level == Level::Marked {
            let now = session.pairs();
            in_vain = if now == pairs { in_vain + 1 } else { 0 };
            pairs = now;
            if pairs.len() > 1 && in_vain < LOOKS_IN_VAIN && looks < LOOKS_BEFORE {
                looks += 1;
                session.pause(looks);
                return Some(Verb::WAIT);
            }
        }
        (looks, in_vain) = (0, 0);
        verbs.next().copied()
    })
}

/// How often an implementation is looked at before a verb.
const LOOKS_BEFORE: usize = 15;
/// How many looks in a row that show nothing new are enough: a link that is down may be noticed at any time, or never.
const LOOKS_IN_VAIN: usize = 3;

/// The most runs that making a script shorter takes.
const TRIES: usize = 400;

/// Makes a failing script shorter, as long as it fails: whole stretches of verbs first, then single ones. What is left fails
/// no more if any one verb is taken out, unless 400 runs are not enough.
///
/// # Errors
/// The adapter has ended, is silent for too long, or gives an answer that is none.
pub fn shrink(
    adapter: &mut Adapter,
    how: AdapterOptions,
    failing: &Script,
    first: ScriptOutcome,
) -> Result<(Script, ScriptOutcome), AdapterFailure> {
    let (setting, verbs, mut outcome) = (failing.setting, first.done.clone(), first);
    let (size, mut tries) = (verbs.len(), 0);
    let verbs = ddmin(verbs, size, |verbs| {
        if tries == TRIES {
            return Ok(None);
        }
        tries += 1;
        let shorter = Script { setting, verbs: verbs.to_vec() };
        let found = script(adapter, how, &shorter, &[])?.filter(|found| found.failure.is_some());
        Ok(found.map(|found| {
            outcome = found;
            outcome.done.clone()
        }))
    })?;
    Ok((Script { setting, verbs }, outcome))
}
