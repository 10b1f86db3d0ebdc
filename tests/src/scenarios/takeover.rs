//! The remote host takes the volume over, and a failback brings its writes home.

use syncsplit_impl::error::ignore_refusal;

use super::kit::{Kit, act, done};
use super::{Failure, SceneOutcome, Size};

/// The remote host takes the volume over and writes, while frames arrive and are applied (TAKEOVER-1, TAKEOVER-2, XFER-3).
/// The old primary is fenced and writes a little more by itself; a failback then brings the remote writes home.
pub(super) fn takeover_frame_arrival_and_apply(size: Size) -> Result<SceneOutcome, Failure> {
    let kit = Kit::paired(size)?;
    kit.fill()?;
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

/// The remote host takes the volume over while the copies of a resync arrive and are applied (RESYNC-3, RESYNC-4,
/// TAKEOVER-1). In COPY the gold copy is brought back; once the pair mark is applied the S/P-VOL is the image. A failback
/// brings home what the remote host wrote.
pub(super) fn takeover_in_copy_and_gold_copy(size: Size) -> Result<SceneOutcome, Failure> {
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
    kit.send()?;
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
