//! The remote host takes the volume over and writes, while frames arrive and are applied (TAKEOVER-1, TAKEOVER-2, XFER-3).
//! The old primary is fenced and writes a little more by itself; a failback then brings the remote writes home.

use syncsplit_impl::error::ignore_refusal;
use syncsplit_model::protocol::{BlockIndex, PairState};

use super::kit::{Kit, act, done};
use super::watched::payload;
use super::{Failure, Outcome, Size};
use crate::replay::Options;

const WRITTEN: BlockIndex = BlockIndex(0);

pub(super) fn run(size: Size) -> Result<Outcome, Failure> {
    let kit = Kit::paired(size)?;
    for number in 0..size.writes.min(u32::try_from(size.journal)?) {
        kit.write(number)?;
    }
    while kit.local.send_next()?.is_some() {}
    let link = act(&kit, |kit| {
        kit.carry_out()?;
        Ok(())
    });
    let applier = act(&kit, |kit| {
        while kit.remote.apply_next()? {}
        ignore_refusal(kit.remote.report())?;
        kit.carry_back()?;
        Ok(())
    });
    let remote_host = act(&kit, |kit| {
        kit.remote.takeover(false)?;
        Ok(kit.remote.write(WRITTEN, payload(1000))?)
    });
    for actor in [link, applier, remote_host] {
        done(actor)?;
    }
    // The old primary hears of it by the next report, whatever it has or has not to send.
    kit.settle()?;
    let fenced = kit.local.view()?.state;
    if fenced != PairState::Psue {
        return Err(format!("the old primary is in {fenced} after all that was reported").into());
    }
    kit.write(0)?;
    let home = kit.fail_back()?;
    home.recover()?;
    if home.local.read(WRITTEN)? != payload(1000) || home.remote.read(WRITTEN)? != payload(1000) {
        return Err("the remote host's write was not brought home".into());
    }
    home.outcome(Options::default())
}
