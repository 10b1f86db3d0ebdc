//! A pair is suspended and brought back, while messages of before are on their way. Takeovers and backups live elsewhere.

use syncsplit_impl::containers::BitMap;
use syncsplit_impl::error::ignore_refusal;
use syncsplit_impl::local::sync::SyncError;
use syncsplit_model::protocol::sync::SyncOutcome;
use syncsplit_model::protocol::{ToPrimary, ToSecondary};

use super::kit::{Kit, act, done, link, tries};
use super::{Failure, SceneOutcome, Size};
use crate::replay::Options;

/// The acknowledgement of a write to block 0, taken off the link.
fn acknowledged(kit: &Kit) -> Result<ToPrimary<BitMap>, Failure> {
    kit.write(0)?;
    kit.send()?;
    kit.carry_out()?;
    kit.remote.apply_next()?;
    kit.remote.report()?;
    Ok(kit.remote.take_outgoing().ok_or("nothing was reported")?)
}

/// An acknowledgement is on its way while the pair fails and is resynchronised, and a host writes (XFER-2, XFER-4,
/// RESYNC-1, RESYNC-2). The acknowledgement arrives twice, the second time when everything is over.
pub(super) fn acknowledgement_and_resync(size: Size) -> Result<SceneOutcome, Failure> {
    let kit = Kit::paired(size)?;
    let ack = acknowledged(&kit)?;
    let again = ack.clone();
    let late = act(&kit, move |kit| Ok(ignore_refusal(kit.local.on_message(ack))?));
    let operator = act(&kit, |kit| {
        kit.local.fail()?;
        kit.resync()
    });
    let writer = tries(&kit, size.blocks..size.blocks + size.writes);
    done([late, operator, writer])?;
    ignore_refusal(kit.local.on_message(again))?;
    kit.outcome(Options::default())
}

/// The secondary has left the pairing by its own judgement, over a link that works. Its report of that and an older one
/// are on their way while an operator resynchronises and a host writes (PAIR-3, XFER-4, RESYNC-1). Both arrive twice, the
/// second time when everything is over.
pub(super) fn suspended_reply_acknowledgement_and_resync(
    size: Size,
) -> Result<SceneOutcome, Failure> {
    let kit = Kit::paired(size)?;
    let ack = acknowledged(&kit)?;
    kit.remote.fail()?;
    kit.remote.report_if_due()?;
    let reply = kit.remote.take_outgoing().ok_or("nothing was told")?;
    let again = [reply.clone(), ack.clone()];
    let late = act(&kit, move |kit| Ok(ignore_refusal(kit.local.on_message(ack))?));
    let told = act(&kit, move |kit| Ok(ignore_refusal(kit.local.on_message(reply))?));
    // In PAIR there is nothing to resynchronise yet.
    let operator = act(&kit, Kit::resync);
    let writer = tries(&kit, size.blocks..size.blocks + size.writes);
    done([late, told, operator, writer])?;
    kit.recover()?;
    for message in again {
        ignore_refusal(kit.local.on_message(message))?;
    }
    kit.outcome(Options::default())
}

/// A host writes while the pair is suspended by command and brought back, and the link carries what it can (PAIR-2,
/// WRITE-3, RESYNC-1, XFER-4). The message that tells the secondary arrives among the frames, and again when everything is
/// over.
pub(super) fn suspension_handshake_and_writer(size: Size) -> Result<SceneOutcome, Failure> {
    let kit = Kit::paired(size)?;
    kit.write(0)?;
    let incarnation = kit.local.view()?.newest.incarnation;
    let operator = act(&kit, |kit| {
        kit.local.suspend()?;
        kit.carry_out()?;
        kit.resync()
    });
    let writer = tries(&kit, 1..=size.writes);
    let link = link(&kit);
    done([operator, writer, link])?;
    kit.recover()?;
    ignore_refusal(kit.remote.on_message(ToSecondary::Suspend { incarnation }))?;
    kit.outcome(Options::default())
}

/// A Sync waits for a write while the link carries it, and while the pair is suspended and resynchronised (SYNC-1 to
/// SYNC-5). It returns however the threads are interleaved, and what it says is true.
pub(super) fn sync_polling_while_suspended_and_resynced(
    size: Size,
) -> Result<SceneOutcome, Failure> {
    let kit = Kit::paired(size)?;
    kit.fill()?;
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
