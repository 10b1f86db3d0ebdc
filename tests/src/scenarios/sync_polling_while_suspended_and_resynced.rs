//! A Sync waits for a write while the link carries it, and while the pair is suspended and resynchronised (SYNC-1 to
//! SYNC-5). It returns however the threads are interleaved, and what it says is true.

use syncsplit_impl::local::sync::SyncError;
use syncsplit_model::protocol::sync::SyncOutcome;

use super::kit::{Kit, act, done, link};
use super::{Failure, Outcome, Size};
use crate::replay::Options;

pub(super) fn run(size: Size) -> Result<Outcome, Failure> {
    let kit = Kit::paired(size)?;
    for number in 0..size.writes.min(u32::try_from(size.journal)?) {
        kit.write(number)?;
    }
    while kit.local.send_next()?.is_some() {}
    let waiter = act(&kit, |kit| {
        let ticket = match kit.local.begin_sync() {
            Err(SyncError::NotPair(_)) => return Ok(()),
            begun => begun?,
        };
        let report = kit.local.wait_sync(ticket)?;
        if report.outcome == SyncOutcome::Timeout {
            return Err(format!("no timeout was taken, and Sync returned {report}").into());
        }
        Ok(())
    });
    let operator = act(&kit, |kit| {
        kit.local.fail()?;
        kit.resync()
    });
    let link = link(&kit);
    done([operator, link])?;
    kit.recover()?;
    done([waiter])?;
    kit.outcome(Options::default())
}
