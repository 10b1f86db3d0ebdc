//! Sync as the kit asks for it: begun by a mark, and looked at as often as it likes.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use syncsplit_impl::local::sync::SyncTicket;
use syncsplit_model::protocol::sync::SyncOutcome;

use crate::sites::{Sites, number};
use crate::{Refused, Reply, broken};

/// How far apart looks are where threads bring Sync forward.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A Sync that was begun: its mark, and what it returned.
pub(crate) struct BegunSync {
    incarnation: u64,
    seq: u64,
    ticket: SyncTicket,
    outcome: Option<SyncOutcome>,
}

impl Sites {
    pub(crate) fn mark(&mut self) -> Reply {
        loop {
            let view = self.local.view()?;
            let begun = self.local.begin_sync();
            let ticket = begun.map_err(|error| Refused::Code("not-pair", error.to_string()))?;
            // Threads may have brought the pair forward between the two, and then it is not this mark that is held.
            if self.local.view()?.newest != view.newest {
                continue;
            }
            let (incarnation, seq) = (u64::from(view.newest.incarnation.0), view.newest.seq.0);
            self.syncs.push(BegunSync { incarnation, seq, ticket, outcome: None });
            return Ok(json!({ "incarnation": incarnation, "seq": seq }));
        }
    }

    pub(crate) fn sync(&mut self, request: &Value) -> Reply {
        if request.get("seq").is_none() {
            self.mark()?;
        }
        let timeout = number(request, "timeout_ms")?;
        let deadline = Instant::now() + Duration::from_millis(timeout);
        let mut looks_left = timeout / 10;
        loop {
            if let Some(outcome) = self.outcome(request)? {
                return Ok(json!({ "outcome": outcome.to_string() }));
            }
            let is_over = match self.threads {
                Some(_) => Instant::now() >= deadline,
                None => looks_left == 0,
            };
            if is_over {
                // One that goes on waiting is not told of a timeout: the next request looks at it again.
                return Ok(json!({ "outcome": "TIMEOUT" }));
            }
            if self.threads.is_some() {
                sleep(LOOK_EVERY);
            } else {
                looks_left -= 1;
                self.work()?;
            }
        }
    }

    /// What the newest Sync on the mark that is asked about has returned.
    fn outcome(&mut self, request: &Value) -> Result<Option<SyncOutcome>, Refused> {
        let is_it = |begun: &&mut BegunSync| {
            let is_named =
                request["incarnation"] == begun.incarnation && request["seq"] == begun.seq;
            is_named || request.get("seq").is_none()
        };
        let found = self.syncs.iter_mut().rev().find(is_it);
        let begun = found.ok_or_else(|| broken("no such mark"))?;
        if begun.outcome.is_none() {
            let report = self.local.try_sync(begun.ticket).map_err(broken)?;
            begun.outcome = report.map(|report| report.outcome);
        }
        Ok(begun.outcome)
    }
}
