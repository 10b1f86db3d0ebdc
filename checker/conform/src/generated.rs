//! Generated cases: ways through the model that together take every class of steps - a kind of action, the pair states on
//! both sides, and whether it is taken or refused - that small worlds reach. No adapter is asked here.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;
use stateright::Model;
use syncsplit_model::world::{
    Action, ActionKind, Bounds, Cache, Fault, NumberRange, Start, State, Stillness, Transactions,
    Variant, World,
};

use crate::class::Class;
use crate::directed::translate;
use crate::finish::{INTERNAL, is_useful};
use crate::random::is_the_kits;
use crate::request::has_setting;
use crate::script::{BLOCKS, Script, Setting};
use crate::verb::Verb;
use crate::wire::{Hello, Level};

/// How many states of each world are looked at.
const STATES: usize = 40_000;

/// What is generated.
#[derive(Clone, Debug, Default)]
pub struct Generated {
    /// The scripts, each with the class that it was made for.
    pub scripts: Vec<(Class, Script)>,
    /// Every class that these worlds reach.
    pub classes: Vec<Class>,
    /// Each command in each pair state that these worlds reach, whether or not an operator would give it there: what is asked
    /// where, in words with hyphens, and the script.
    pub commands: Vec<(String, Script)>,
}

/// The worlds that an adapter can be taken through.
fn worlds(hello: &Hello, level: Level) -> Vec<World> {
    let is_steered = level == Level::Steered;
    let mut groups: Vec<Vec<Fault>> = Vec::new();
    let link = hello.can("link-down").then_some(Fault::LinkDown);
    let mut group = |faults: &[Option<Fault>]| {
        groups.push(faults.iter().flatten().copied().collect());
    };
    group(&[link]);
    group(&[link, hello.can("suspend").then_some(Fault::OperatorSuspend)]);
    group(&[
        hello.can("suspend").then_some(Fault::OperatorSuspend),
        hello.can("delete").then_some(Fault::OperatorDelete),
    ]);
    group(&[link, hello.can("takeover").then_some(Fault::Takeover)]);
    group(&[Some(Fault::Timeouts), hello.can("advance-clock").then_some(Fault::LeaseExpiry)]);
    group(&[is_steered.then_some(Fault::ArrayLoss), is_steered.then_some(Fault::ArrayRepeat)]);
    group(&[hello.can("fail").then_some(Fault::FalseSuspicion)]);
    group(&[
        hello.can("crash").then_some(Fault::CrashPrimary),
        hello.can("crash").then_some(Fault::CrashSecondary),
        hello.can("crash").then_some(Fault::CrashLocalHost),
    ]);
    let mut worlds = Vec::new();
    for faults in groups {
        for (start, stillness, journal_full) in [
            (Start::Pair, Stillness::Freeze, Setting::default().journal_full),
            (Start::Smpl, Stillness::Freeze, Setting::default().journal_full),
            (Start::Pair, Stillness::Quiesce, Setting::default().journal_full),
            (
                Start::Pair,
                Stillness::Freeze,
                syncsplit_model::protocol::primary::JournalFull::Suspend,
            ),
        ] {
            let setting = Setting { start, stillness, journal_full, journal: 1, is_hasty: false };
            if !has_setting(hello, setting) {
                continue;
            }
            let bounds = Bounds {
                blocks: BLOCKS,
                volumes: 1,
                journal: 1,
                frames: 1,
                acks: 1,
                host_messages: 1,
                journal_full,
                cache: Cache::NonVolatile,
                stillness,
                start,
                transactions: Transactions::default(),
                numbers: NumberRange::default(),
                faults: faults.iter().copied().collect(),
            };
            worlds.push(World::new(bounds, Variant::Hardened, &hello.lacks));
        }
    }
    worlds
}

/// A state as it was first reached, and the actions that lead there from another.
struct Reached {
    from: Option<(usize, Vec<Action>)>,
    state: State,
}

/// Generates scripts for what an adapter can do.
#[must_use]
pub fn generate(hello: &Hello, level: Level) -> Generated {
    // For each class the shortest way to it over all worlds, and the length of the way.
    let mut ways: BTreeMap<Class, Script> = BTreeMap::new();
    for world in worlds(hello, level) {
        for (class, script) in classes(&world, level) {
            let is_shorter = |known: &Script| script.verbs.len() < known.verbs.len();
            if ways.get(&class).is_none_or(is_shorter) {
                ways.insert(class, script);
            }
        }
    }
    let classes: Vec<Class> = ways.keys().copied().collect();
    let commands = commands(hello, &ways);
    // A way that another begins with is taken with that one.
    let mut longest: Vec<(Class, Script)> = ways.into_iter().collect();
    longest.sort_by(|(a, x), (b, y)| (y.verbs.len(), a).cmp(&(x.verbs.len(), b)));
    let mut scripts: Vec<(Class, Script)> = Vec::new();
    for (class, script) in longest {
        let is_taken = |(_, other): &(Class, Script)| {
            other.setting == script.setting && other.verbs.starts_with(&script.verbs)
        };
        if !scripts.iter().any(is_taken) {
            scripts.push((class, script));
        }
    }
    scripts.reverse();
    Generated { scripts, classes, commands }
}

/// What an operator of either site can ask for.
const COMMANDS: [Verb; 8] = [
    Verb::bare(ActionKind::Create),
    Verb::bare(ActionKind::Suspend),
    Verb::bare(ActionKind::Resync),
    Verb::bare(ActionKind::Delete),
    Verb::bare(ActionKind::Takeover),
    Verb { extra: true, ..Verb::bare(ActionKind::Takeover) },
    Verb::bare(ActionKind::Failback),
    Verb { number: Some(0), ..Verb::bare(ActionKind::RemoteWrite) },
];

/// Each command at the end of the shortest way to each pair state.
fn commands(hello: &Hello, ways: &BTreeMap<Class, Script>) -> Vec<(String, Script)> {
    let mut pairs: BTreeMap<String, Script> = BTreeMap::new();
    for (class, script) in ways {
        let mut way = script.clone();
        way.verbs.pop();
        let is_shorter = |known: &Script| way.verbs.len() < known.verbs.len();
        if pairs.get(&class.pair()).is_none_or(is_shorter) {
            pairs.insert(class.pair(), way);
        }
    }
    let had = || COMMANDS.into_iter().filter(|command| hello.can(&command.word()));
    let case = |(pair, way): (String, Script)| {
        had().map(move |command| {
            let mut script = way.clone();
            script.verbs.push(command);
            (format!("{command} {pair}").replace(' ', "-"), script)
        })
    };
    pairs.into_iter().flat_map(case).collect()
}

/// Each class that a world reaches within [`STATES`] states, with a shortest way to it.
///
/// Where the implementation is not steered, these are the classes of steps that are the kit's to take, in states in which
/// the implementation has nothing to do: how far it is in between nobody can tell for certain.
fn classes(world: &World, level: Level) -> Vec<(Class, Script)> {
    let mut found: BTreeMap<Class, (usize, Action)> = BTreeMap::new();
    let mut seen: HashMap<State, usize, FixedState> = HashMap::default();
    let mut reached: Vec<Reached> = Vec::new();
    for state in world.init_states() {
        seen.insert(state, 0);
        reached.push(Reached { from: None, state });
    }
    let mut at = 0;
    let mut actions = Vec::new();
    while at < reached.len() {
        let state = reached[at].state;
        actions.clear();
        world.actions(&state, &mut actions);
        let is_asked = |action: &Action| level == Level::Steered || is_the_kits(action, level);
        for action in actions.drain(..).filter(is_asked) {
            let attempt = world.attempt(&state, action);
            let is_taken = match attempt {
                Ok(_) => true,
                Err(why) if why.is_refusal() => false,
                Err(_) => continue,
            };
            found.entry(Class::of(action.kind(), &state, is_taken)).or_insert((at, action));
            let Ok(after) = attempt else { continue };
            let mut way = vec![action];
            let state =
                if level == Level::Steered { after } else { at_rest(world, after, &mut way) };
            if reached.len() < STATES && !seen.contains_key(&state) {
                seen.insert(state, reached.len());
                reached.push(Reached { from: Some((at, way)), state });
            }
        }
        at += 1;
    }
    let script = |(at, action): (usize, Action)| {
        let mut actions = vec![];
        let mut begin = at;
        while let Some((before, way)) = &reached[begin].from {
            actions.extend(way.iter().rev().copied());
            begin = *before;
        }
        let mut path = vec![(None, reached[begin].state)];
        for action in actions.into_iter().rev() {
            let Some((_, before)) = path.last() else { break };
            let Ok(after) = world.attempt(before, action) else { break };
            path.push((Some(action), after));
        }
        let concrete = world.concrete(&path);
        let mut script = translate(world, &concrete);
        script.verbs.retain(|verb| level == Level::Steered || !verb.is_in(ActionKind::OWN_STEPS));
        // The last step may be refused, so that it leads nowhere; its numbers are those of the state before it.
        script.verbs.extend(
            concrete.last().and_then(|(_, raw)| last(world, raw, &reached[at].state, &action)),
        );
        script
    };
    found.into_iter().map(|(class, way)| (class, script(way))).collect()
}

/// The most steps that an implementation takes by itself until it is at rest; a safeguard, since each gets it further.
const STEPS_MAX: usize = 100;

/// The state that an implementation comes to by itself, where nothing of what it does gets it any further; the steps are
/// added to `way`.
fn at_rest(world: &World, mut state: State, way: &mut Vec<Action>) -> State {
    let mut actions = Vec::new();
    while way.len() < STEPS_MAX {
        actions.clear();
        world.actions(&state, &mut actions);
        let lost: &[ActionKind] =
            if state.link_up { &[] } else { &[ActionKind::Lose, ActionKind::LoseReply] };
        let step = lost.iter().chain(INTERNAL).find_map(|kind| {
            let verbs = actions.iter().map(|action| (action, Verb::of(action)));
            let mut useful = verbs.filter(|(_, v)| v.is(*kind) && !v.extra && is_useful(v, &state));
            useful.find_map(|(action, _)| Some((*action, world.attempt(&state, *action).ok()?)))
        });
        let Some((action, after)) = step else { break };
        way.push(action);
        state = after;
    }
    state
}

/// The verb of an action of a state in its normal form, with true numbers: the one at the same place among those offered.
fn last(world: &World, raw: &State, normal: &State, action: &Action) -> Option<Verb> {
    let (mut there, mut here) = (Vec::new(), Vec::new());
    world.actions(normal, &mut there);
    world.actions(raw, &mut here);
    let same: Vec<_> = here.iter().filter(|other| other.kind() == action.kind()).collect();
    let place = there
        .iter()
        .filter(|other| other.kind() == action.kind())
        .position(|other| other == action)?;
    same.get(place).map(|action| Verb::of(action))
}
