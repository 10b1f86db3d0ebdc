//! The search for a run of the model that shows what the records show: depth first, from record to record.
//!
//! - A record whose event is shown whole has one step to be; of one that is not, every event that fits is tried.
//! - Of several nodes' logs the first goes on that can. Whatever a record waits for - a message, that is - stays sent once
//!   it is, so going on early with what can go on never spoils a run. What cannot go on for another reason never will.
//! - Steps that no record shows are tried where nothing else leads to the end, each as late as it can be taken: one that
//!   comes to the same behind the record is not tried before it.
//! - A state met before at the same place is not searched again. States are compared by fingerprints of 128 bits.
//!
//! The way back is kept as moves and every `SPACING`th state; a state in between is made anew from the one before it.
use std::collections::HashSet;
use std::time::Instant;

use syncsplit_model::world::Verdict;

use super::log::{Line, Log};
use super::moves::{Clues, fill, hidden};
use super::record::Record;
use super::system::{Event, System};
use super::table::print_of;
use super::trail::{Assumed, Assumption, Trail};
use super::why::{Explain, Why};

/// How many moves lie between two states that are kept.
const SPACING: usize = 64;

/// How many states of the deepest place are kept to be shown.
pub const SHOWN_MAX: usize = 8;

/// How far a search goes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most steps between two records that no record shows.
    pub hidden: u32,
    /// The most states.
    pub states: u64,
    /// When to give up.
    pub until: Option<Instant>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { hidden: 0, states: STATES_MAX, until: None }
    }
}

/// The most states, unless told otherwise.
pub const STATES_MAX: u64 = 10_000_000;

/// A state of the model, and how far it has come in the logs.
#[derive(Clone, Debug)]
pub struct Node {
    /// The model.
    pub system: System,
    /// How many records of each log have been followed.
    pub at: Vec<usize>,
    /// How many hidden steps have been taken since the last record.
    pub hidden: u32,
    /// Those steps.
    pending: Vec<Event>,
    /// What was read into the records up to here.
    pub(super) trail: Trail,
}

impl Node {
    fn new(system: System, logs: usize) -> Self {
        let (pending, trail) = (Vec::new(), Trail::default());
        Self { system, at: vec![0; logs], hidden: 0, pending, trail }
    }

    /// The next record of a log was taken: what was assumed for it is assumed for good.
    fn note_taken(&mut self, log: usize) {
        let at = self.at[log];
        let hidden = self.pending.drain(..).map(|event| Assumption::Hidden(Box::new(event)));
        let refused = self.system.read_as_refused.take().map(Assumption::Refused);
        for what in hidden.chain(refused) {
            self.trail.push(Assumed { log, at, what });
        }
        self.at[log] += 1;
        self.hidden = 0;
    }
}

/// Which limit ended a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The number of states.
    States,
    /// The time.
    Time,
    /// A write does not say to which block, and the group has more than are tried.
    Blocks,
}

/// How a search ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// A run of the model shows all that the records show; the model after it.
    Run(Box<System>),
    /// There is none.
    NoRun,
    /// A limit was reached before either was known.
    Limit(Limit),
}

impl Ending {
    /// Whether the records are of a run of the model.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Run(_) => Verdict::Holds,
            Self::NoRun => Verdict::Violated,
            Self::Limit(_) => Verdict::Undecided,
        }
    }
}

/// What a search came to, and how far.
#[derive(Clone, Debug)]
pub struct ValidationOutcome {
    /// How it ended.
    pub ending: Ending,
    /// How many states were visited.
    pub visited: u64,
    /// How many steps that no record shows are on the way to the end.
    pub hidden: u64,
    /// What was read into the records on the way to the end.
    pub(super) trail: Trail,
    /// The deepest place reached, if it is not the end: states of the model there, at most [`SHOWN_MAX`].
    pub deepest: Vec<Node>,
    /// How many states there are at the deepest place.
    pub deepest_states: u64,
}

/// A move: a record, with the event where it does not show all of it, or a step without a record.
#[derive(Clone, Debug)]
enum Move {
    Take { log: usize, event: Option<Box<Event>> },
    Hide(Box<Event>),
}

/// A place with moves that have not been tried.
struct Open {
    depth: usize,
    /// The last is tried first.
    moves: Vec<Move>,
    /// The record that was followed from here, its event being shown whole.
    taken: Option<Move>,
    hid: bool,
    /// The roles whose records do not follow for a reason of their own; nothing once another reason was met.
    own: Option<Vec<&'static str>>,
}

/// The search.
pub(super) struct Search<'a> {
    logs: &'a [Log],
    limits: Limits,
    clues: Clues,
    path: Vec<Move>,
    saved: Vec<(usize, Node)>,
    opens: Vec<Open>,
    seen: HashSet<u128>,
    visited: u64,
    deepest: Vec<Node>,
    deepest_at: usize,
    deepest_prints: HashSet<u128>,
    /// Whether some write had more blocks than are tried.
    pub(super) capped: bool,
}

impl<'a> Search<'a> {
    pub(super) fn new(logs: &'a [Log], limits: Limits) -> Self {
        Self {
            logs,
            limits,
            clues: Clues::of(logs),
            path: Vec::new(),
            saved: Vec::new(),
            opens: Vec::new(),
            seen: HashSet::new(),
            visited: 0,
            deepest: Vec::new(),
            deepest_at: 0,
            deepest_prints: HashSet::new(),
            capped: false,
        }
    }

    pub(super) fn run(mut self, system: System) -> ValidationOutcome {
        let mut node = Some(Node::new(system, self.logs.len()));
        let mut trail = Trail::default();
        let ending = loop {
            if let Some(limit) = self.limit() {
                break Ending::Limit(limit);
            }
            node = match node {
                Some(here) if self.is_end(&here) => {
                    trail = here.trail;
                    break Ending::Run(Box::new(here.system));
                }
                Some(here) => self.enter(here),
                None if self.opens.is_empty() && self.capped => {
                    break Ending::Limit(Limit::Blocks);
                }
                None if self.opens.is_empty() => break Ending::NoRun,
                None => self.go_back(),
            };
        };
        let is_run = matches!(ending, Ending::Run(_));
        if is_run {
            self.deepest.clear();
        }
        let is_hidden = |assumed: &&&Assumed| matches!(assumed.what, Assumption::Hidden(_));
        let hidden = trail.list().iter().filter(is_hidden).count() as u64;
        ValidationOutcome {
            ending,
            visited: self.visited,
            hidden,
            trail,
            deepest: self.deepest,
            deepest_states: if is_run { 0 } else { self.deepest_prints.len() as u64 },
        }
    }

    fn limit(&self) -> Option<Limit> {
        if self.visited >= self.limits.states {
            return Some(Limit::States);
        }
        let asks = self.visited.is_multiple_of(256);
        let late = |until: Instant| Instant::now() >= until;
        self.limits.until.filter(|until| asks && late(*until)).map(|_| Limit::Time)
    }

    fn is_end(&self, node: &Node) -> bool {
        node.at.iter().zip(self.logs).all(|(at, log)| *at == log.lines.len())
    }

    /// The next record of a log.
    fn line(&self, node: &Node, log: usize) -> Option<&'a Line> {
        self.logs[log].lines.get(node.at[log])
    }

    /// A place that has just been reached: goes on from it, or to nowhere if it cannot or has been here before.
    fn enter(&mut self, here: Node) -> Option<Node> {
        let depth = self.path.len();
        let mut moves = self.moves(&here);
        moves.reverse();
        let forced = self.limits.hidden == 0 && moves.len() == 1 && self.opens.is_empty();
        if !forced && !self.seen.insert(key(&here)) {
            return None;
        }
        self.visited += 1;
        let kept = self.saved.last().map_or(0, |(depth, _)| *depth);
        if depth == 0 || depth >= kept + SPACING {
            self.saved.push((depth, here.clone()));
        }
        if forced {
            let mut next = here;
            let only = moves.pop()?;
            let taken = self.apply(&mut next, &only);
            return if taken.is_ok() {
                self.path.push(only);
                Some(next)
            } else {
                let here = self.node(depth);
                self.note(&here);
                None
            };
        }
        self.opens.push(Open { depth, moves, taken: None, hid: false, own: Some(Vec::new()) });
        self.go_on(&here)
    }

    /// The last open place: tries what is left there, or leaves it.
    fn go_back(&mut self) -> Option<Node> {
        let depth = self.opens.last()?.depth;
        self.path.truncate(depth);
        while self.saved.last().is_some_and(|(saved, _)| *saved > depth) {
            self.saved.pop();
        }
        let here = self.node(depth);
        if self.saved.last().is_none_or(|(saved, _)| *saved < depth) {
            self.saved.push((depth, here.clone()));
        }
        let next = self.go_on(&here);
        if next.is_none() {
            self.opens.pop();
        }
        next
    }

    /// Tries the moves that are left at the last open place, which is `here`, until one can be made.
    fn go_on(&mut self, here: &Node) -> Option<Node> {
        let first = self.opens.last().is_some_and(|open| open.taken.is_none() && !open.hid);
        loop {
            let open = self.opens.last_mut()?;
            let Some(way) = open.moves.pop() else {
                if open.hid || here.hidden >= self.limits.hidden {
                    break;
                }
                open.hid = true;
                let (taken, own) = (open.taken.take(), open.own.take());
                if taken.is_none() {
                    self.note(here);
                }
                let is_last = here.hidden + 1 == self.limits.hidden;
                let own = own.filter(|own| is_last && taken.is_none() && !own.is_empty());
                let moves = self.hidden_moves(here, taken.as_ref(), own.as_deref());
                self.opens.last_mut()?.moves = moves;
                continue;
            };
            let mut next = here.clone();
            let outcome = self.apply(&mut next, &way);
            let open = self.opens.last_mut()?;
            let is_whole = matches!(way, Move::Take { event: None, .. });
            match outcome {
                Ok(()) => {
                    if is_whole {
                        open.moves.clear();
                        open.taken = Some(way.clone());
                    }
                    self.path.push(way);
                    return Some(next);
                }
                Err(why) => {
                    match (&way, &mut open.own) {
                        (Move::Take { log, .. }, Some(own)) if why.is_own => {
                            own.extend(self.logs[*log].lines.get(here.at[*log]).map(Line::role));
                        }
                        (_, own) => *own = None,
                    }
                    // No other node's record can make it possible.
                    if is_whole && !why.waits {
                        open.moves.clear();
                    }
                }
            }
        }
        if first {
            self.note(here);
        }
        None
    }

    /// The state at this depth of the path.
    fn node(&self, depth: usize) -> Node {
        let (from, mut node) = match self.saved.iter().rev().find(|(saved, _)| *saved <= depth) {
            Some((from, node)) => (*from, node.clone()),
            None => return self.saved[0].1.clone(),
        };
        for way in &self.path[from..depth] {
            // It could be made before, so it can be made again.
            let _ = self.apply(&mut node, way);
        }
        node
    }

    fn apply(&self, node: &mut Node, way: &Move) -> Result<(), Why> {
        match way {
            Move::Take { log, event } => {
                follow(node, self.logs, *log, event.as_deref(), self.limits.hidden)
            }
            Move::Hide(event) => {
                node.hidden += 1;
                node.pending.push(Event::clone(event));
                node.system.hide(event)
            }
        }
    }

    /// The records that can come next.
    fn moves(&mut self, here: &Node) -> Vec<Move> {
        let mut moves = Vec::new();
        for log in 0..self.logs.len() {
            let Some(line) = self.line(here, log) else { continue };
            match fill(&here.system, &line.record, &self.clues) {
                None => moves.push(Move::Take { log, event: None }),
                Some(events) => {
                    self.capped |= events.len() >= super::moves::BLOCKS_TRIED as usize;
                    let boxed = events.into_iter().map(|event| Some(Box::new(event)));
                    moves.extend(boxed.map(|event| Move::Take { log, event }));
                }
            }
        }
        moves
    }

    /// The steps without a record that can lead further than the record alone, in the order of trying from the end.
    /// Where the records do not follow by the state of their `own` roles alone, and one step is left, it is a step of those.
    fn hidden_moves(
        &mut self,
        here: &Node,
        taken: Option<&Move>,
        own: Option<&[&'static str]>,
    ) -> Vec<Move> {
        let print = here.system.print();
        let behind = taken.and_then(|way| {
            let mut behind = here.clone();
            self.apply(&mut behind, way).ok().map(|()| behind)
        });
        let mut moves = Vec::new();
        let helps = |event: &Event| own.is_none_or(|own| own.contains(&event.role()));
        for event in hidden(&here.system, &self.clues).into_iter().filter(helps) {
            let way = Move::Hide(Box::new(event));
            let mut before = here.clone();
            if self.apply(&mut before, &way).is_err() || before.system.print() == print {
                continue;
            }
            if let (Some(behind), Some(taken)) = (&behind, taken) {
                let mut later = behind.clone();
                let is_later = self.apply(&mut later, &way).is_ok();
                let is_first = self.apply(&mut before, taken).is_ok();
                if is_later && is_first && later.system.print() == before.system.print() {
                    continue;
                }
            }
            moves.push(way);
        }
        self.capped |= moves.len() >= super::moves::BLOCKS_TRIED as usize;
        moves.reverse();
        moves
    }

    /// No record can follow here; it is shown if no other place is deeper.
    fn note(&mut self, here: &Node) {
        let at = here.at.iter().sum();
        if at > self.deepest_at || self.deepest.is_empty() {
            self.deepest_at = at;
            self.deepest.clear();
            self.deepest_prints.clear();
        }
        if at < self.deepest_at || !self.deepest_prints.insert(here.system.print()) {
            return;
        }
        if self.deepest.len() < SHOWN_MAX {
            self.deepest.push(here.clone());
        }
    }
}

fn key(node: &Node) -> u128 {
    node.system.print().wrapping_add(print_of(&(&node.at, node.hidden)))
}

/// Follows the next record of a log.
fn follow(
    node: &mut Node,
    logs: &[Log],
    log: usize,
    event: Option<&Event>,
    hidden_max: u32,
) -> Result<(), Why> {
    let Some(line) = logs[log].lines.get(node.at[log]) else { return Ok(()) };
    let explain = node.system.explain;
    if let (Some(before), Some(n)) = (line.before, line.n) {
        let missing = n.checked_sub(before.saturating_add(1));
        if missing.is_none_or(|missing| missing > u64::from(hidden_max)) {
            return Err(explain.why(&[], || out_of_order(before, n)));
        }
    }
    let changes_sides =
        |line: &Line| matches!(&line.record, Record::Start(start) if start.from.is_some());
    if changes_sides(line) {
        // TAKEOVER-2: both sides are at rest.
        let rests = |(at, log): (&usize, &Log)| log.lines.get(*at).is_none_or(changes_sides);
        let is_second = node.system.is_changing_sides();
        if !is_second && !node.at.iter().zip(logs).all(rests) {
            let why = explain.why(&[], || "the other side goes on in its old role".into());
            return Err(Why { waits: true, ..why });
        }
    }
    node.system.follow(line, event)?;
    node.note_taken(log);
    Ok(())
}

fn out_of_order(before: u64, n: u64) -> String {
    match n.checked_sub(before.saturating_add(1)) {
        Some(missing) if missing > 0 => format!(
            "the record before was number {before}: {missing} missing; with --hidden {missing} \
             steps are looked for in their place"
        ),
        _ => format!("the record before was number {before}: this one is out of place"),
    }
}

/// Every reason why the records that come next at `node` do not follow: log, event if it was filled in, and reason.
pub(super) fn reasons(
    node: &Node,
    logs: &[Log],
    hidden_max: u32,
) -> Vec<(usize, Option<Event>, Why)> {
    let clues = Clues::of(logs);
    let mut found = Vec::new();
    for (log, lines) in logs.iter().enumerate() {
        let Some(line) = lines.lines.get(node.at[log]) else { continue };
        let events = match fill(&node.system, &line.record, &clues) {
            None => vec![None],
            Some(events) => events.into_iter().map(Some).collect(),
        };
        for event in events {
            let mut tried = node.clone();
            tried.system.explain = Explain::Yes;
            if let Err(why) = follow(&mut tried, logs, log, event.as_ref(), hidden_max) {
                found.push((log, event, why));
            }
        }
    }
    found
}
