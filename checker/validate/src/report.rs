//! What a validation came to, in words and in JSON. Nothing is decided here.
use std::collections::BTreeSet;
use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use syncsplit_model::protocol::coordinator::CoordinatorEvent;
use syncsplit_model::protocol::database::DatabaseEvent;
use syncsplit_model::protocol::requester::RequesterEvent;
use syncsplit_model::protocol::{Rule, ToPrimary, ToSecondary};
use syncsplit_model::record::{Blocks, PrimaryAfter, SecondaryAfter, SyncTaken, variants};

use super::content::Content;
use super::log::Log;
use super::moves;
use super::part::filled;
use super::pattern::{as_json, form, shown_json};
use super::record::Record;
use super::search::{Ending, Limit, Limits, Node, ValidationOutcome};
use super::system::{Event, System};
use super::trail::{Assumption, Trail};
use super::why::Explain;
use super::{Options, search};

/// How many fillings-in of one record, and how many assumptions of one kind, are shown.
const CANDIDATES_MAX: usize = 12;

/// A record that could come next, as one of the events that it can be, and why it does not follow.
pub(super) struct Stuck {
    node: String,
    file: usize,
    line: usize,
    role: &'static str,
    event: String,
    reason: String,
    rules: Vec<Rule>,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} ({} {}): {}", self.line, self.role, self.event, self.reason)
    }
}

/// Why no record follows at `node`.
pub(super) fn reasons(node: &Node, logs: &[Log], limits: Limits) -> Vec<Stuck> {
    let found = search::reasons(node, logs, limits.hidden).into_iter();
    let stuck = found.filter_map(|(log, event, why)| {
        let line = logs[log].lines.get(node.at[log])?;
        let reason = why.reason()?;
        let shown = event_of(&line.record);
        let event = event.map_or(shown, |event| {
            let words = moves::words(&event);
            words.split_once(' ').map_or(words.clone(), |(_, event)| event.to_owned())
        });
        Some(Stuck {
            node: logs[log].node.clone(),
            file: line.file,
            line: line.line,
            role: line.record.role(),
            event,
            reason: reason.to_string(),
            rules: reason.rules.clone(),
        })
    });
    stuck.collect()
}

fn event_of(record: &Record) -> String {
    let event = match record {
        Record::Start(start) => as_json(start),
        Record::Fault(fault) => as_json(fault),
        Record::Primary(taken) => shown_json(&taken.event),
        Record::Secondary(taken) => shown_json(&taken.event),
        Record::Sync(taken) => shown_json(&taken.event),
        Record::Database(taken) => shown_json(&taken.event),
        Record::Coordinator(taken) => shown_json(&taken.event),
        Record::Requester(taken) => shown_json(&taken.event),
    };
    event.to_string()
}

/// What a role could do in this state: each kind of event, possible or with the first guard that is false.
struct Offer {
    kind: String,
    /// Nothing if it is possible.
    reason: Option<(String, Vec<Rule>)>,
}

fn offers(system: &System, role: &str) -> Vec<Offer> {
    let clues = moves::Clues::default();
    let events = moves::hidden(system, &clues);
    macro_rules! of {
        ($variant:ident, $samples:expr) => {{
            let mut all: Vec<(Event, Value)> = Vec::new();
            for event in events {
                if let Event::$variant(one) = &event {
                    all.push((event.clone(), as_json(one)));
                }
            }
            for one in $samples {
                let shown = as_json(&one);
                all.push((Event::$variant(one), shown));
            }
            all
        }};
    }
    let candidates = match role {
        "primary" => of!(Primary, samples::<_, ToPrimary<Blocks>>()),
        "secondary" => of!(Secondary, samples::<_, ToSecondary<Content>>()),
        "database" => of!(Database, samples::<DatabaseEvent, ()>()),
        "coordinator" => of!(Coordinator, samples::<CoordinatorEvent, ()>()),
        "requester" => of!(Requester, samples::<RequesterEvent, ()>()),
        "sync" => {
            let syncs = events.into_iter().filter_map(|event| match event {
                Event::Sync(_, one) => Some((event, as_json::<SyncTaken>(&one))),
                Event::Primary(_)
                | Event::Secondary(_)
                | Event::Database(_)
                | Event::Coordinator(_)
                | Event::Requester(_) => None,
            });
            syncs.collect()
        }
        _ => Vec::new(),
    };
    let mut offers: Vec<Offer> = Vec::new();
    for (event, shown) in candidates {
        let Some(kind) = form(&shown).map(str::to_owned) else { continue };
        let mut tried = system.clone();
        tried.explain = Explain::Yes;
        let reason = tried
            .hide(&event)
            .err()
            .and_then(|why| why.reason().map(|reason| (reason.to_string(), reason.rules.clone())));
        match offers.iter_mut().find(|offer| offer.kind == kind) {
            Some(offer) if reason.is_none() => offer.reason = None,
            Some(_) => {}
            None => offers.push(Offer { kind, reason }),
        }
    }
    offers
}

/// An event of each kind, of those that are events `E` and of those that are messages `M`.
fn samples<E: DeserializeOwned, M: DeserializeOwned>() -> Vec<E> {
    let names = [variants::<E>(), variants::<M>()].concat();
    names.iter().filter_map(|name| filled(&json!(name)).ok()).map(|(_, event)| event).collect()
}

/// An assumption in words and in JSON.
type ToldAssumption = (String, Value);

/// All that is told of a validation.
pub struct Report<'a> {
    /// The names of the files that the records stand in.
    pub files: &'a [String],
    /// The records.
    pub logs: &'a [Log],
    /// What could not be read from them.
    pub options: Options,
    /// What ended the search early.
    pub limits: Limits,
    /// What the search came to.
    pub outcome: &'a ValidationOutcome,
    /// How long it took.
    pub seconds: f64,
}

impl Report<'_> {
    fn records(&self) -> usize {
        self.logs.iter().map(|log| log.lines.len()).sum()
    }

    fn followed(&self) -> usize {
        let deepest = self.outcome.deepest.first();
        deepest.map_or(0, |node| node.at.iter().sum())
    }

    /// The roles whose records could come next.
    fn roles(&self, node: &Node) -> BTreeSet<&'static str> {
        let next = self.logs.iter().zip(&node.at).filter_map(|(log, at)| log.lines.get(*at));
        next.map(|line| line.record.role()).collect()
    }

    fn place(&self, stuck: &Stuck) -> String {
        let file = self.files.get(stuck.file).map_or("", String::as_str);
        let Stuck { line, role, event, .. } = stuck;
        let node = if self.logs.len() > 1 { format!("{} ", stuck.node) } else { String::new() };
        format!("{file}:{line}: {node}{role} {event}")
    }

    /// What was read into the records, of one kind each: the record, and the step or the reason.
    fn assumed(&self, trail: &Trail) -> (Vec<ToldAssumption>, Vec<ToldAssumption>) {
        let (mut hidden, mut refused) = (Vec::new(), Vec::new());
        for assumed in trail.list() {
            let log = &self.logs[assumed.log];
            let Some(line) = log.lines.get(assumed.at) else { continue };
            let file = self.files.get(line.file).map_or("", String::as_str);
            let (number, node) = (line.line, &log.node);
            let mut value = json!({ "file": file, "line": number, "node": node });
            let (role, event) = (line.record.role(), event_of(&line.record));
            match &assumed.what {
                Assumption::Hidden(step) => {
                    let step = moves::words(step);
                    let text = format!("before {file}:{number}: {step}");
                    value["step"] = step.into();
                    hidden.push((text, value));
                }
                Assumption::Refused(reason) => {
                    let text = format!("{file}:{number}: {role} {event}: {reason}");
                    (value["role"], value["event"]) = (role.into(), event.into());
                    value["reason"] = reason.clone().into();
                    refused.push((text, value));
                }
            }
        }
        (hidden, refused)
    }

    /// What was read into the records, for a person.
    fn assumed_text(&self, trail: &Trail, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hidden, refused) = self.assumed(trail);
        let kinds = [
            (hidden, "Steps that no record shows, and that were assumed:"),
            (refused, "Records that do not say so, and that were read as refused:"),
        ];
        for (all, title) in kinds.iter().filter(|(all, _)| !all.is_empty()) {
            writeln!(out, "\n{title}")?;
            for (text, _) in all.iter().take(CANDIDATES_MAX) {
                writeln!(out, "  {text}")?;
            }
            if all.len() > CANDIDATES_MAX {
                writeln!(out, "  and {} more", all.len() - CANDIDATES_MAX)?;
            }
        }
        Ok(())
    }

    /// One JSON object.
    #[must_use]
    pub fn json(&self) -> Value {
        let deepest = self.outcome.deepest.iter().map(|node| {
            let stuck = reasons(node, self.logs, self.limits);
            let next = stuck.iter().take(CANDIDATES_MAX).map(|stuck| {
                json!({
                    "file": self.files.get(stuck.file),
                    "line": stuck.line,
                    "node": stuck.node,
                    "role": stuck.role,
                    "event": stuck.event,
                    "reason": stuck.reason,
                    "rules": ids(&stuck.rules),
                })
            });
            let candidates: Vec<Value> = next.collect();
            let offered: Vec<Value> = self
                .roles(node)
                .into_iter()
                .flat_map(|role| {
                    offers(&node.system, role).into_iter().map(move |offer| {
                        let (reason, rules) = offer.reason.unzip();
                        json!({
                            "role": role,
                            "event": offer.kind,
                            "possible": reason.is_none(),
                            "reason": reason,
                            "rules": ids(&rules.unwrap_or_default()),
                        })
                    })
                })
                .collect();
            let (hidden, refused) = self.assumed(&node.trail);
            json!({
                "hidden_steps": values(hidden),
                "read_as_refused": values(refused),
                "state": state(&node.system),
                "candidates": candidates,
                "candidates_more": stuck.len().saturating_sub(CANDIDATES_MAX),
                "offered": offered,
            })
        });
        let (hidden, refused) = self.assumed(&self.outcome.trail);
        json!({
            "verdict": self.outcome.ending.verdict(),
            "files": self.files,
            "without": without(self.options),
            "records": self.records(),
            "followed": if matches!(self.outcome.ending, Ending::Run(_)) {
                self.records()
            } else {
                self.followed()
            },
            "hidden": self.outcome.hidden,
            "hidden_steps": values(hidden),
            "read_as_refused": values(refused),
            "states": self.outcome.visited,
            "seconds": self.seconds,
            "ended": match self.outcome.ending {
                Ending::Limit(limit) => Some(limit_name(limit)),
                Ending::Run(_) | Ending::NoRun => None,
            },
            "deepest": deepest.collect::<Vec<_>>(),
            "deepest_states": self.outcome.deepest_states,
        })
    }

    fn text(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let says = match self.outcome.ending {
            Ending::Run(_) => "A RUN OF THE MODEL",
            Ending::NoRun => "NO RUN OF THE MODEL",
            Ending::Limit(_) => "UNDECIDED",
        };
        let without = without(self.options);
        let rules = if without.is_empty() {
            "every rule in force".to_owned()
        } else {
            format!("without {}", without.join(", "))
        };
        writeln!(out, "{says}: {}, {rules}", self.files.join(", "))?;
        let (records, nodes) = (self.records(), self.logs.len());
        writeln!(out, "  records   {records}, of {nodes} node(s)")?;
        writeln!(out, "  states    {}", self.outcome.visited)?;
        writeln!(out, "  seconds   {:.1}", self.seconds)?;
        match &self.outcome.ending {
            Ending::Run(_) if self.outcome.hidden > 0 => {
                let (taken, most) = (self.outcome.hidden, self.limits.hidden);
                writeln!(
                    out,
                    "  hidden    {taken} step(s) that no record shows, {most} between two records at most"
                )?;
            }
            Ending::Run(_) | Ending::NoRun => {}
            Ending::Limit(limit) => {
                writeln!(out, "  ended     by the limit of {}", limit_name(*limit))?;
            }
        }
        self.assumed_text(&self.outcome.trail, out)?;
        for (at, node) in self.outcome.deepest.iter().enumerate() {
            self.deepest(at, node, out)?;
        }
        let more = self.outcome.deepest_states.saturating_sub(self.outcome.deepest.len() as u64);
        if more > 0 {
            writeln!(out, "\n{more} more state(s) at the same place are not shown.")?;
        }
        Ok(())
    }

    fn deepest(&self, at: usize, node: &Node, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if at == 0 {
            let (followed, states) = (self.followed(), self.outcome.deepest_states);
            writeln!(out, "\n{followed} record(s) could be followed, to {states} state(s).")?;
        }
        writeln!(out, "\nIn state {}:", at + 1)?;
        if let Value::Object(roles) = state(&node.system) {
            for (role, fields) in roles.iter().filter(|(_, fields)| !fields.is_null()) {
                writeln!(out, "  {role:<12} {fields}")?;
            }
        }
        self.assumed_text(&node.trail, out)?;
        writeln!(out, "\nWhat comes next does not follow:")?;
        let stuck = reasons(node, self.logs, self.limits);
        for one in stuck.iter().take(CANDIDATES_MAX) {
            writeln!(out, "  {}\n    {}", self.place(one), one.reason)?;
        }
        if stuck.len() > CANDIDATES_MAX {
            writeln!(out, "  and {} more ways to fill it in", stuck.len() - CANDIDATES_MAX)?;
        }
        if stuck.is_empty() {
            writeln!(out, "  nothing that it can be fits what it shows")?;
        }
        for role in self.roles(node) {
            let offers = offers(&node.system, role);
            if !offers.is_empty() {
                writeln!(out, "\nWhat the {role} could do there:")?;
            }
            for Offer { kind, reason } in offers {
                let reason = reason.map_or("possible".to_owned(), |(reason, _)| reason);
                writeln!(out, "  {kind:<12} {reason}")?;
            }
        }
        Ok(())
    }
}

/// For a person.
impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text(f)
    }
}

fn values(all: Vec<ToldAssumption>) -> Vec<Value> {
    all.into_iter().map(|(_, value)| value).collect()
}

fn ids(rules: &[Rule]) -> Vec<&'static str> {
    rules.iter().map(|rule| rule.id()).collect()
}

fn without(options: Options) -> Vec<&'static str> {
    let left_out = Rule::ALL.iter().filter(|rule| !options.rules.has(**rule));
    left_out.map(|rule| rule.id()).collect()
}

const fn limit_name(limit: Limit) -> &'static str {
    match limit {
        Limit::States => "states",
        Limit::Time => "time",
        Limit::Blocks => "blocks tried",
    }
}

/// The roles' states, as records show them.
fn state(system: &System) -> Value {
    json!({
        "primary": system.primary().map(|state| as_json(&PrimaryAfter::from(state))),
        "secondary": system.secondary().map(|state| as_json(&SecondaryAfter::from(state))),
        "database": as_json(&system.database),
        "coordinator": as_json(&system.coordinator),
        "requester": as_json(&system.requester),
    })
}
