//! The remote host takes the volume over while the copies of a resync arrive and are applied (RESYNC-3, RESYNC-4,
//! TAKEOVER-1). In COPY the gold copy is brought back; once the pair mark is applied the S/P-VOL is the image. A failback
//! brings home what the remote host wrote.

use super::kit::{Kit, act, done};
use super::{Failure, Outcome, Size};

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
    let link = act(&kit, |kit| Ok(kit.carry_out().map(drop)?));
    let applier = act(&kit, |kit| {
        while kit.remote.apply_next()? {}
        Ok(())
    });
    let copier = act(&kit, |kit| Ok(kit.remote.copy_replica_next().map(drop)?));
    let remote_host = act(&kit, Kit::take_over);
    done([link, applier, copier, remote_host])?;
    kit.brought_home(1)
}
