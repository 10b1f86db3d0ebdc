//! The remote host takes the volume over while the copies of a resync arrive and are applied (RESYNC-3, RESYNC-4,
//! TAKEOVER-1). In COPY the gold copy is brought back; once the pair mark is applied the S/P-VOL is the image. A failback
//! brings home what the remote host wrote.

use syncsplit_impl::error::ignore_refusal;
use syncsplit_model::protocol::{BlockIndex, PairState};

use super::kit::{Kit, act, done};
use super::watched::payload;
use super::{Failure, Outcome, Size};
use crate::replay::Options;

const WRITTEN: BlockIndex = BlockIndex(0);

pub(super) fn run(size: Size) -> Result<Outcome, Failure> {
    let kit = Kit::paired(size)?;
    kit.write(0)?;
    kit.settle()?;
    kit.local.fail()?;
    for number in size.blocks..size.blocks + size.writes {
        kit.write(number)?;
    }
    kit.local.resync()?;
    kit.carry_out()?;
    kit.carry_back()?;
    // Everything is in the journal, the mark included if there is room, and on its way.
    while kit.copy()? {}
    while kit.local.send_next()?.is_some() {}
    let link = act(&kit, |kit| {
        kit.carry_out()?;
        Ok(())
    });
    let applier = act(&kit, |kit| {
        while kit.remote.apply_next()? {}
        Ok(())
    });
    let copier = act(&kit, |kit| {
        kit.remote.copy_replica_next()?;
        Ok(())
    });
    let remote_host = act(&kit, |kit| {
        kit.remote.takeover(false)?;
        Ok(kit.remote.write(WRITTEN, payload(1000))?)
    });
    for actor in [link, applier, copier, remote_host] {
        done(actor)?;
    }
    kit.settle()?;
    let fenced = kit.local.view()?.state;
    if fenced != PairState::Psue {
        return Err(format!("the old primary is in {fenced} after all that was reported").into());
    }
    ignore_refusal(kit.try_write(1))?;
    let home = kit.fail_back()?;
    home.recover()?;
    if home.local.read(WRITTEN)? != payload(1000) || home.remote.read(WRITTEN)? != payload(1000) {
        return Err("the remote host's write was not brought home".into());
    }
    home.outcome(Options::default())
}
