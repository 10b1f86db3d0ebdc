//! The first part: backups in a row while writing goes on. Each must hold exactly what the database held at its
//! freeze, and the pair must not have noticed.

use syncsplit_impl::volume::FileVolume;
use syncsplit_model::protocol::{BackupId, PairState};

use crate::bank::{self, Bank};
use crate::control::{Answer, BLOCK_SIZE, BLOCKS, Order, RemoteProcess};
use crate::dump::{Dump, open_ordinarily};
use crate::extract::extract;
use crate::pace::BLOCKS_PER_SECOND;
use crate::primary::Primary;
use crate::traffic::{Traffic, WRITERS};
use crate::{Outcome, Scratch};

/// So many commits lie between two backups, so that no backup can pass for the one before.
const COMMITS_BETWEEN: i64 = 100;

/// Takes `count` backups; the answer says what was shown.
pub(crate) fn run(scratch: &Scratch<'_>, seed: u64, count: u32) -> Outcome<String> {
    let (directory, mut remote, primary) = Primary::with_remote(scratch, "backups", seed)?;
    println!(
        "BACKUPS: remote site in process {}; P-VOL of {BLOCKS} blocks of {BLOCK_SIZE}; {WRITERS} writers; link of \
         {BLOCKS_PER_SECOND} blocks/s",
        remote.id()
    );
    println!(
        "         pair    frozen    drain    flush     Sync    split    rows      bytes    commits   pair"
    );
    println!(
        "         before      ms       ms       ms       ms       ms                     by | while  after"
    );
    let mut bank = Bank::new(seed);
    let committed = primary.while_writing(|traffic| {
        for number in 1..=count {
            traffic.wait_for(COMMITS_BETWEEN)?;
            let image = directory.join(format!("backup-{number}.image"));
            let line = back_up(&primary, &mut remote, traffic, &mut bank, &image)
                .map_err(|error| format!("backup {number}: {}", remote.explain(error)))?;
            println!("{number:>7}  {line}");
            if !scratch.kept {
                std::fs::remove_dir_all(image.with_extension("files"))?;
                std::fs::remove_file(&image)?;
            }
        }
        Ok(traffic.answered())
    })?;
    primary.stop()?;
    println!(
        "         each opened by an ordinary connection: integrity_check ok, every row as frozen; {committed} \
         transactions in all"
    );
    Ok(format!("{count} backups row for row as frozen, the pair in PAIR throughout"))
}

/// Takes one backup and compares it; the answer is its line in the table.
fn back_up(
    primary: &Primary,
    remote: &mut RemoteProcess,
    traffic: &Traffic,
    bank: &mut Bank,
    image: &std::path::Path,
) -> Outcome<String> {
    let (before, changes) = (primary.view()?, primary.timeline.pair_changes());
    let commits_before = traffic.answered();
    let order = Order::Backup { image: image.to_owned() };
    let id = match remote.ask(&order) {
        Ok(Answer::BackedUp { id }) => id,
        Ok(other) => return Err(format!("the remote site answered {other:?}").into()),
        Err(error) => {
            let why = primary.site.coordinator().failure().map(|(_, why)| why);
            return Err(format!("{error}; the coordinator: {}", why.unwrap_or_default()).into());
        }
    };
    let commits = traffic.answered() - commits_before;
    let frozen = primary.take_frozen()?;
    let size = compare(&frozen, image, bank)?;
    traffic.wait_for(1)?;
    let (after, remote_state) = (primary.view()?, remote.state()?);
    if changes != primary.timeline.pair_changes()
        || [before.state, after.state, remote_state] != [PairState::Pair; 3]
        || before.newest.incarnation != after.newest.incarnation
    {
        let words =
            format!("the pair did not stay PAIR: {before:?}, then {after:?}, {remote_state}");
        return Err(words.into());
    }
    line(primary, id, &frozen, size, commits)
        .map(|line| line.replace("STATE", &before.state.to_string()))
}

/// The backup must open, be sound, and hold what was frozen; which must be the bank after so many commits. The answer
/// is how many rows and bytes it has.
pub(crate) fn compare(
    frozen: &Dump,
    image: &std::path::Path,
    bank: &mut Bank,
) -> Outcome<(usize, u64)> {
    let files = image.with_extension("files");
    std::fs::create_dir(&files)?;
    let volume = FileVolume::open(image, BLOCK_SIZE, BLOCKS)?;
    let path = extract(&volume, &files, "backup.db")?;
    let backup = open_ordinarily(&path)?;
    if let Some(words) = backup.difference(frozen) {
        return Err(format!("it differs from the frozen contents: {words}").into());
    }
    bank.advance(bank::commits(frozen)?);
    if let Some(words) = frozen.difference(&bank.dump()) {
        return Err(format!("the frozen contents are not those of a bank: {words}").into());
    }
    Ok((backup.rows(), std::fs::metadata(path)?.len()))
}

fn line(
    primary: &Primary,
    id: BackupId,
    frozen: &Dump,
    (rows, bytes): (usize, u64),
    commits: i64,
) -> Outcome<String> {
    let stages = primary.timeline.stages(id)?;
    let times = [stages.frozen, stages.drain, stages.flush, stages.sync, stages.split];
    let times: String =
        times.iter().map(|time| format!(" {:>8.1}", time.as_secs_f64() * 1000.0)).collect();
    let by = bank::commits(frozen)?;
    Ok(format!("STATE {times} {rows:>7} {bytes:>10} {by:>6} | {commits:<5}  STATE"))
}
