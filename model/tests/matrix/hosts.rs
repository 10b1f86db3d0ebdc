//! The tables of Sync, database, coordinator and requester.

use syncsplit_model::protocol::coordinator::{
    Coordinator, CoordinatorEffect, CoordinatorEvent, CoordinatorState,
};
use syncsplit_model::protocol::database::{Database, DatabaseEffect, DatabaseEvent, FreezeState};
use syncsplit_model::protocol::requester::{
    Requester, RequesterEffect, RequesterEvent, RequesterState,
};
use syncsplit_model::protocol::sync::{PairView, Sync, SyncEffect, SyncEvent};
use syncsplit_model::protocol::{BackupId, Incarnation, PairState, QMarker, Rules, Seq};

use super::show::{host_message, option};
use super::table::{Outcome, Table, Words};

const ALL: Rules = Rules::HARDENED;
const STATES: [PairState; 5] =
    [PairState::Smpl, PairState::Copy, PairState::Pair, PairState::Psus, PairState::Psue];

const SYNC_LEGEND: &str = "\
Sync: what it answers to every view of the primary, under all rules. Reviewed; `cargo xtask bless` rewrites it.

\"begin PAIR 3/7/5\" is a Sync begun on a primary in PAIR, incarnation 3, newest 7, written 5; \"look\" is a later look
of a Sync that holds 3/7.";

const DATABASE_LEGEND: &str = "\
The database: every event in every state, under all rules. Reviewed; `cargo xtask bless` rewrites it.

\"open 2\": two transactions are begun and not committed. The number behind a freeze is the backup's.";

const COORDINATOR_LEGEND: &str = "\
The coordinator: every event in every state, under all rules. Reviewed; `cargo xtask bless` rewrites it.

The newest backup it took on is 2, unless it is none. The number behind a state is the backup's.";

const REQUESTER_LEGEND: &str = "\
The requester: every event in every state, under all rules. Reviewed; `cargo xtask bless` rewrites it.

The newest id it used is 2. The number behind a state is the backup's.";

fn view(state: PairState, incarnation: u32, newest: u64, written: u64) -> PairView {
    let newest = QMarker { incarnation: Incarnation(incarnation), seq: Seq(newest) };
    PairView { state, newest, written: Seq(written) }
}

fn view_words(view: PairView) -> String {
    let PairView { state, newest, written } = view;
    format!("{state} {}/{}/{}", newest.incarnation.0, newest.seq.0, written.0)
}

pub(crate) fn sync_table() -> Table {
    let mut table = Table::new(SYNC_LEGEND);
    for view in STATES.map(|state| view(state, 3, 7, 5)) {
        let (changes, refused) = match Sync::begin(ALL, view) {
            Ok(Sync { held }) => (format!("holds {}/{}", held.incarnation.0, held.seq.0), None),
            Err(refusal) => (String::new(), Some(refusal.to_string())),
        };
        let outcome = Outcome { changes, effects: vec![], refused };
        table.push("not begun", &format!("begin {}", view_words(view)), outcome);
    }
    let sync = Sync::begin(ALL, view(PairState::Pair, 3, 7, 5)).unwrap();
    let looks = STATES.into_iter().flat_map(|state| {
        [(3, 6), (3, 7), (3, 8), (4, 6), (4, 8)].map(|(i, written)| view(state, i, 9, written))
    });
    let events = looks.map(SyncEvent::Look).chain([SyncEvent::Timeout]);
    for happens in events {
        let step = sync.step(ALL, happens);
        assert_eq!(step.state, sync, "what is held is never renewed");
        let event = match happens {
            SyncEvent::Look(view) => format!("look {}", view_words(view)),
            SyncEvent::Timeout => "timeout".into(),
        };
        let effect = |effect: &SyncEffect| match effect {
            SyncEffect::Wait => "wait".into(),
            SyncEffect::Return(outcome) => format!("return {outcome}"),
        };
        let effects = step.effects.iter().map(effect).collect();
        table.push("holds 3/7", &event, Outcome { changes: String::new(), effects, refused: None });
    }
    table.assert_verbs(&["begin", "look", "timeout"]);
    table
}

fn freeze_words(freeze: FreezeState) -> String {
    match freeze {
        FreezeState::Running => "Running".into(),
        FreezeState::Freezing(id) => format!("Freezing({})", id.0),
        FreezeState::Frozen(id) => format!("Frozen({})", id.0),
    }
}

fn database_event(event: &DatabaseEvent) -> String {
    match event {
        DatabaseEvent::Begin => "begin".into(),
        DatabaseEvent::Write => "write".into(),
        DatabaseEvent::Commit => "commit".into(),
        DatabaseEvent::Freeze(id) => format!("freeze {}", id.0),
        DatabaseEvent::LeaseExpired => "lease expired".into(),
        DatabaseEvent::Thaw(id) => format!("thaw {}", id.0),
        DatabaseEvent::Restart => "restart".into(),
    }
}

fn database_effect(effect: &DatabaseEffect) -> String {
    match effect {
        DatabaseEffect::Flush => "flush".into(),
        DatabaseEffect::AnswerFrozen(id) => format!("answer frozen {}", id.0),
        DatabaseEffect::AnswerThawed { id, held } => {
            format!("answer thawed {} {}", id.0, if *held { "held" } else { "not held" })
        }
    }
}

pub(crate) fn database_table() -> Table {
    use DatabaseEvent::{Begin, Commit, Freeze, LeaseExpired, Restart, Thaw, Write};
    let mut table = Table::new(DATABASE_LEGEND);
    let (one, two) = (BackupId(1), BackupId(2));
    let states = [
        (FreezeState::Running, 0),
        (FreezeState::Running, 1),
        (FreezeState::Running, 2),
        (FreezeState::Freezing(one), 1),
        (FreezeState::Freezing(one), 2),
        (FreezeState::Frozen(one), 0),
    ];
    let events = [Begin, Write, Commit, Freeze(one), Freeze(two), LeaseExpired, Thaw(one)];
    let words = Words {
        fields: |database: &Database| {
            [("state", freeze_words(database.freeze)), ("open", database.open.to_string())]
        },
        event: database_event,
        effect: database_effect,
    };
    for (freeze, open) in states {
        let before = Database { freeze, open };
        let step = |before: &Database, happens| {
            let step = before.step(ALL, happens);
            assert_eq!(step.state.check(), Ok(()));
            step
        };
        let state = format!("{}, open {open}", freeze_words(freeze));
        let events = events.into_iter().chain([Thaw(two), Restart]);
        table.push_steps((&state, &before), events, step, &words);
    }
    table.assert_verbs(&["begin", "write", "commit", "freeze", "lease", "thaw", "restart"]);
    table
}

fn coordinator_words(state: CoordinatorState) -> String {
    match state {
        CoordinatorState::Idle => "Idle".into(),
        CoordinatorState::Freezing(id) => format!("Freezing({})", id.0),
        CoordinatorState::Syncing(id) => format!("Syncing({})", id.0),
        CoordinatorState::Splitting(id) => format!("Splitting({})", id.0),
        CoordinatorState::Thawing(id) => format!("Thawing({})", id.0),
    }
}

fn coordinator_event(event: &CoordinatorEvent) -> String {
    match event {
        CoordinatorEvent::Request(id) => format!("request {}", id.0),
        CoordinatorEvent::Frozen(id) => format!("frozen {}", id.0),
        CoordinatorEvent::Synced { done } => if *done { "synced" } else { "synced not" }.into(),
        CoordinatorEvent::SplitAnswer { id, done } => {
            format!("split-answer {} {}", id.0, if *done { "done" } else { "not done" })
        }
        CoordinatorEvent::Thawed { id, held } => {
            format!("thawed {} {}", id.0, if *held { "held" } else { "not held" })
        }
        CoordinatorEvent::Timeout => "timeout".into(),
        CoordinatorEvent::Restart => "restart".into(),
    }
}

fn coordinator_effect(effect: &CoordinatorEffect) -> String {
    match effect {
        CoordinatorEffect::Freeze(id) => format!("freeze {}", id.0),
        CoordinatorEffect::BeginSync(id) => format!("begin Sync {}", id.0),
        CoordinatorEffect::Thaw(id) => format!("thaw {}", id.0),
        CoordinatorEffect::Send(message) => host_message(message),
    }
}

pub(crate) fn coordinator_table() -> Table {
    use CoordinatorEvent as Event;
    let mut table = Table::new(COORDINATOR_LEGEND);
    let [one, two, three] = [1, 2, 3].map(BackupId);
    let states = [
        CoordinatorState::Freezing(two),
        CoordinatorState::Syncing(two),
        CoordinatorState::Splitting(two),
        CoordinatorState::Thawing(two),
    ];
    let states = [(CoordinatorState::Idle, None), (CoordinatorState::Idle, Some(two))]
        .into_iter()
        .chain(states.map(|state| (state, Some(two))));
    let events = [
        Event::Request(one),
        Event::Request(two),
        Event::Request(three),
        Event::Frozen(one),
        Event::Frozen(two),
        Event::Synced { done: true },
        Event::Synced { done: false },
        Event::SplitAnswer { id: one, done: true },
        Event::SplitAnswer { id: two, done: true },
        Event::SplitAnswer { id: two, done: false },
        Event::Thawed { id: one, held: true },
        Event::Thawed { id: two, held: true },
        Event::Thawed { id: two, held: false },
        Event::Timeout,
        Event::Restart,
    ];
    let words = Words {
        fields: |coordinator: &Coordinator| {
            let newest = option(coordinator.newest, |id| id.0.to_string());
            [("state", coordinator_words(coordinator.state)), ("newest", newest)]
        },
        event: coordinator_event,
        effect: coordinator_effect,
    };
    for (state, newest) in states {
        let before = Coordinator { state, newest };
        let none = if newest.is_none() { ", newest none" } else { "" };
        let state = format!("{}{none}", coordinator_words(state));
        let step = |before: &Coordinator, happens| before.step(ALL, happens);
        table.push_steps((&state, &before), events, step, &words);
    }
    let verbs = ["request", "frozen", "synced", "split-answer", "thawed", "timeout", "restart"];
    table.assert_verbs(&verbs);
    table
}

fn requester_words(state: RequesterState) -> String {
    match state {
        RequesterState::Idle => "Idle".into(),
        RequesterState::Waiting(id) => format!("Waiting({})", id.0),
        RequesterState::Reading(id) => format!("Reading({})", id.0),
    }
}

fn requester_event(event: &RequesterEvent) -> String {
    match event {
        RequesterEvent::Start => "start".into(),
        RequesterEvent::Permit(id) => format!("permit {}", id.0),
        RequesterEvent::Reject(id) => format!("reject {}", id.0),
        RequesterEvent::Finish => "finish".into(),
        RequesterEvent::Timeout => "timeout".into(),
        RequesterEvent::Restart => "restart".into(),
    }
}

fn requester_effect(effect: &RequesterEffect) -> String {
    match effect {
        RequesterEffect::Arm(id) => format!("arm {}", id.0),
        RequesterEffect::Send(message) => host_message(message),
        RequesterEffect::Read(id) => format!("read {}", id.0),
        RequesterEffect::Release(id) => format!("release {}", id.0),
    }
}

pub(crate) fn requester_table() -> Table {
    use RequesterEvent::{Finish, Permit, Reject, Restart, Start, Timeout};
    let mut table = Table::new(REQUESTER_LEGEND);
    let [one, two] = [1, 2].map(BackupId);
    let states = [RequesterState::Idle, RequesterState::Waiting(two), RequesterState::Reading(two)];
    let events = [Start, Permit(one), Permit(two), Reject(one), Reject(two), Finish, Timeout];
    let words = Words {
        fields: |requester: &Requester| {
            let newest = requester.newest.0.to_string();
            [("state", requester_words(requester.state)), ("newest", newest)]
        },
        event: requester_event,
        effect: requester_effect,
    };
    for state in states {
        let before = Requester { state, newest: two };
        let step = |before: &Requester, happens| before.step(ALL, happens);
        let events = events.into_iter().chain([Restart]);
        table.push_steps((&requester_words(state), &before), events, step, &words);
    }
    table.assert_verbs(&["start", "permit", "reject", "finish", "timeout", "restart"]);
    table
}
