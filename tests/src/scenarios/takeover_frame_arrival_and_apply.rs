//! The remote host takes the volume over and writes, while frames arrive and are applied (TAKEOVER-1, TAKEOVER-2, XFER-3).
//! The old primary is fenced and writes a little more by itself; a failback then brings the remote writes home.

use syncsplit_impl::error::ignore_refusal;

use super::kit::{Kit, act, done};
use super::{Failure, Outcome, Size};

pub(super) fn run(size: Size) -> Result<Outcome, Failure> {
    let kit = Kit::paired(size)?;
    for number in 0..size.writes.min(u32::try_from(size.journal)?) {
        kit.write(number)?;
    }
    while kit.local.send_next()?.is_some() {}
    let link = act(&kit, |kit| Ok(kit.carry_out().map(drop)?));
    let applier = act(&kit, |kit| {
        while kit.remote.apply_next()? {}
        ignore_refusal(kit.remote.report())?;
        kit.carry_back()?;
        Ok(())
    });
    let remote_host = act(&kit, Kit::take_over);
    done([link, applier, remote_host])?;
    kit.brought_home(0)
}
