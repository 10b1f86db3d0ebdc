//! A backup without a database: host writes are held, and its split, release and permission are on their way while the
//! hold's lease ends and a host that waited for it writes (QUIESCE-1, FREEZE-2, FREEZE-3, BACKUP-2). Either the hold lasted
//! and the backup reads its image, or the backup is rejected.

use syncsplit_impl::error::ignore_refusal;
use syncsplit_model::protocol::requester::RequesterState;

use super::kit::{Kit, act, done};
use super::{Failure, Outcome, Size};
use crate::replay::{Options, Writes};

pub(super) fn run(size: Size) -> Result<Outcome, Failure> {
    let kit = Kit::holding(size)?;
    kit.write(0)?;
    kit.settle()?;
    let id = kit.requester.start()?;
    // Up to here nothing races: the request holds the writes, Sync is DONE at once, the split is on its way.
    kit.to_local()?;
    let hosts = act(&kit, |kit| {
        kit.to_remote()?;
        kit.to_local()?;
        Ok(kit.to_remote().map(drop)?)
    });
    let lease = act(&kit, move |kit| Ok(ignore_refusal(kit.local.hold_expired(id))?));
    let writer = act(&kit, move |kit| {
        for number in 1..=size.writes {
            kit.write(number)?;
            kit.transfer()?;
        }
        Ok(())
    });
    kit.permitted_or_rejected(id)?;
    done([hosts, lease, writer])?;
    let (held, requester) = (kit.local.state()?.quiesced, kit.requester.state()?.state);
    if (held, requester) != (None, RequesterState::Idle) {
        return Err(format!("the backup ended in {requester:?}, writes held for {held:?}").into());
    }
    kit.outcome(Options { writes: Writes::Held, ..Options::default() })
}
