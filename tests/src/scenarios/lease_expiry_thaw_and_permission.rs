//! A backup's split, thaw and permission are on their way while the freeze's lease ends and a transaction that waited
//! for it writes (FREEZE-2, FREEZE-3, BACKUP-2). Either the freeze held and the backup reads its image, or the backup
//! is rejected.

use syncsplit_impl::error::ignore_refusal;
use syncsplit_model::protocol::database::FreezeState;
use syncsplit_model::protocol::requester::RequesterState;

use super::kit::{Kit, act, done};
use super::{Failure, Outcome, Size};
use crate::replay::{Options, Writes};

pub(super) fn run(size: Size) -> Result<Outcome, Failure> {
    let kit = Kit::paired(size)?;
    kit.gate.transaction(|| kit.write(0))??;
    kit.settle()?;
    let id = kit.requester.start()?;
    // Up to here nothing races: the request freezes the database, Sync is DONE at once, the split is on its way.
    kit.to_local()?;
    let hosts = act(&kit, move |kit| {
        kit.to_remote()?;
        kit.to_local()?;
        Ok(kit.to_remote().map(drop)?)
    });
    let lease = act(&kit, move |kit| Ok(ignore_refusal(kit.gate.lease_expired(id))?));
    let writer = act(&kit, move |kit| {
        for number in 1..=size.writes {
            kit.gate.transaction(|| kit.write(number))??;
            kit.transfer()?;
        }
        Ok(())
    });
    kit.permitted_or_rejected(id)?;
    done([hosts, lease, writer])?;
    let (freeze, requester) = (kit.gate.state()?.freeze, kit.requester.state()?.state);
    if (freeze, requester) != (FreezeState::Running, RequesterState::Idle) {
        return Err(format!("the backup ended in {freeze:?}, {requester:?}").into());
    }
    kit.outcome(Options { writes: Writes::Gated, ..Options::default() })
}
