//! Wrong databases, Syncs and holds: each takes the protocol's step but for what its name says.

use syncsplit_impl::roles::{DatabaseStep, SyncStep};
use syncsplit_model::protocol::Rules;
use syncsplit_model::protocol::database::{
    Database, DatabaseEffect, DatabaseEvent, DatabaseRefusal,
};
use syncsplit_model::protocol::primary::{PrimaryEffect, PrimaryEvent};
use syncsplit_model::protocol::sync::{PairView, Sync, SyncEvent};

use super::program::{Parts, passed_over};

pub(super) fn sync_off_by_one(sync: Sync, rules: Rules, event: SyncEvent) -> SyncStep {
    let event = match event {
        SyncEvent::Look(view) => SyncEvent::Look(PairView { written: view.written.next(), ..view }),
        SyncEvent::Timeout => event,
    };
    sync.step(rules, event)
}

pub(super) fn write_while_frozen(
    database: Database,
    rules: Rules,
    event: DatabaseEvent,
) -> DatabaseStep {
    let mut step = database.step(rules, event);
    if let Some(DatabaseRefusal::Frozen(_)) = step.refused {
        step.refused = None;
        step.state.open += u32::from(event == DatabaseEvent::Begin);
    }
    step
}

pub(super) fn lease_ignored() -> Parts {
    Parts {
        primary: |primary, rules, event| {
            let ignored = event == PrimaryEvent::LeaseExpired;
            if ignored { passed_over(primary) } else { primary.step(rules, event) }
        },
        database: |database, rules, event| {
            let ignored = event == DatabaseEvent::LeaseExpired;
            if ignored { passed_over(database) } else { database.step(rules, event) }
        },
        ..Parts::default()
    }
}

pub(super) fn thaw_always_held() -> Parts {
    Parts {
        primary: |primary, rules, event| {
            let mut step = primary.step(rules, event);
            for effect in &mut step.effects {
                if let PrimaryEffect::AnswerReleased { held, .. } = effect {
                    *held = true;
                }
            }
            step
        },
        database: |database, rules, event| {
            let mut step = database.step(rules, event);
            for effect in &mut step.effects {
                if let DatabaseEffect::AnswerThawed { held, .. } = effect {
                    *held = true;
                }
            }
            step
        },
        ..Parts::default()
    }
}

pub(super) fn restart_keeps_freeze(
    database: Database,
    rules: Rules,
    event: DatabaseEvent,
) -> DatabaseStep {
    if event == DatabaseEvent::Restart {
        return passed_over(database);
    }
    database.step(rules, event)
}
