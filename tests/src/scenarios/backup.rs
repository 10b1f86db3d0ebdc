//! The secondary is split for a backup, and what holds still for it may not last. The pair itself stays as it is.

use syncsplit_impl::error::ignore_refusal;
use syncsplit_model::protocol::BackupId;
use syncsplit_model::protocol::database::FreezeState;
use syncsplit_model::protocol::requester::RequesterState;

use super::kit::{Kit, act, done};
use super::{Failure, SceneOutcome, Size};
use crate::replay::{Hosts, Options, Writes};

/// At the secondary: one thread applies, one copies on to the S-VOL, one splits the replica pair, reads and releases
/// (SPLIT-1, SPLIT-2, BACKUP-1). What is read is the S/P-VOL of the one moment of the split.
pub(super) fn applier_replica_copier_and_split(size: Size) -> Result<SceneOutcome, Failure> {
    const ID: BackupId = BackupId(1);
    let kit = Kit::paired(size)?;
    let writes = size.writes.min(u32::try_from(size.journal)?);
    for number in 0..writes {
        kit.write(number)?;
    }
    kit.send()?;
    kit.carry_out()?;
    kit.remote.arm(ID)?;
    let applier = act(&kit, |kit| {
        while kit.remote.apply_next()? {}
        Ok(())
    });
    let copier = act(&kit, move |kit| {
        for _ in 0..writes {
            kit.remote.copy_replica_next()?;
        }
        Ok(())
    });
    let splitter = act(&kit, |kit| {
        kit.remote.split(ID)?;
        kit.read(ID)?;
        Ok(kit.remote.release(ID)?)
    });
    done([applier, copier, splitter])?;
    kit.remote.report()?;
    kit.outcome(Options { hosts: Hosts::Scripted, ..Options::default() })
}

/// A backup's split, thaw and permission are on their way while the freeze's lease ends and a transaction that waited
/// for it writes (FREEZE-2, FREEZE-3, BACKUP-2). Either the freeze held and the backup reads its image, or the backup
/// is rejected.
pub(super) fn lease_expiry_thaw_and_permission(size: Size) -> Result<SceneOutcome, Failure> {
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

/// A backup without a database: host writes are held, and its split, release and permission are on their way while the
/// hold's lease ends and a host that waited for it writes (QUIESCE-1, FREEZE-2, FREEZE-3, BACKUP-2). Either the hold lasted
/// and the backup reads its image, or the backup is rejected.
pub(super) fn hold_lease_writer_and_permission(size: Size) -> Result<SceneOutcome, Failure> {
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
