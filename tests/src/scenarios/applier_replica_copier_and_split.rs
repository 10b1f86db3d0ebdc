//! At the secondary: one thread applies, one copies on to the S-VOL, one splits the replica pair, reads and releases
//! (SPLIT-1, SPLIT-2, BACKUP-1). What is read is the S/P-VOL of the one moment of the split.

use syncsplit_model::protocol::BackupId;

use super::kit::{Kit, act, done};
use super::{Failure, Outcome, Size};
use crate::replay::{Hosts, Options};

pub(super) fn run(size: Size) -> Result<Outcome, Failure> {
    const ID: BackupId = BackupId(1);
    let kit = Kit::paired(size)?;
    let writes = size.writes.min(u32::try_from(size.journal)?);
    for number in 0..writes {
        kit.write(number)?;
    }
    while kit.local.send_next()?.is_some() {}
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
