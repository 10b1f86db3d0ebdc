//! Whether SQLite on a volume survives threads, and whether every prefix of its block writes does.
//!
//! Run with `cargo test --example sqlite_backup`. The seed is printed; `VFS_SEED=n` sets it.

use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Barrier, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use syncsplit_impl::volume::Volume;

use crate::blocks::{FileId, LayoutError};
use crate::dice::Dice;
use crate::extract::{ExtractError, extract};
use crate::layout;
use crate::recorder::{Recorder, Write};
use crate::vfs::{VolumeVfs, register};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const ACCOUNTS: i64 = 8;
const START: i64 = 100;
const PATIENCE: Duration = Duration::from_secs(60);

fn seed() -> u64 {
    let seed = std::env::var("VFS_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    println!("VFS_SEED={seed}");
    seed
}

fn fresh(name: &str, blocks: u32) -> Outcome<(Arc<Recorder>, VolumeVfs)> {
    let dev = Recorder::new(blocks);
    layout::format(dev.as_ref())?;
    let volume = register(name, layout::open(dev.clone())?)?;
    Ok((dev, volume))
}

fn create_bank(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch(
        "BEGIN;
         CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);
         CREATE TABLE history (n INTEGER PRIMARY KEY, source, target, amount, pad BLOB);",
    )?;
    for id in 0..ACCOUNTS {
        conn.execute("INSERT INTO account VALUES (?, ?)", params![id, START])?;
    }
    conn.execute_batch("COMMIT")
}

/// Commits transfer number `n`; a pad of random length makes the file grow and, now and then,
/// the transaction spill out of a small page cache.
fn transfer(conn: &mut Connection, dice: &mut Dice) -> rusqlite::Result<i64> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let n: i64 = tx.query_row("SELECT coalesce(max(n), 0) + 1 FROM history", [], |r| r.get(0))?;
    let source = dice.below(ACCOUNTS as u64) as i64;
    let target = dice.below(ACCOUNTS as u64) as i64;
    let amount = dice.below(50) as i64;
    let pad = if dice.below(6) == 0 { 60_000 } else { dice.below(3000) };
    tx.execute("UPDATE account SET balance = balance - ? WHERE id = ?", params![amount, source])?;
    tx.execute("UPDATE account SET balance = balance + ? WHERE id = ?", params![amount, target])?;
    tx.execute(
        "INSERT INTO history VALUES (?, ?, ?, ?, zeroblob(?))",
        params![n, source, target, amount, pad as i64],
    )?;
    // Old pads are shortened, so that pages are freed, used again, and journaled.
    tx.execute("UPDATE history SET pad = zeroblob(10) WHERE n % 4 <> 0 AND n < ?", [n - 2])?;
    tx.commit()?;
    Ok(n)
}

/// What an image holds: none before the bank was committed, else its last transfer.
fn verify(conn: &Connection) -> Outcome<Option<i64>> {
    let verdict: String = conn.query_row("PRAGMA integrity_check", [], |r| r.get(0))?;
    if verdict != "ok" {
        return Err(format!("integrity_check: {verdict}").into());
    }
    let table = "SELECT 1 FROM sqlite_schema WHERE name = 'history'";
    if conn.query_row(table, [], |_| Ok(())).optional()?.is_none() {
        return Ok(None);
    }
    let n: i64 = conn.query_row("SELECT coalesce(max(n), 0) FROM history", [], |r| r.get(0))?;
    let rows: i64 = conn.query_row("SELECT count(*) FROM history", [], |r| r.get(0))?;
    if rows != n {
        return Err(format!("{rows} transfers are recorded, the last is number {n}").into());
    }
    let wrong: i64 = conn.query_row(
        "SELECT count(*) FROM account WHERE balance <> ?1
           - (SELECT coalesce(sum(amount), 0) FROM history WHERE source = account.id)
           + (SELECT coalesce(sum(amount), 0) FROM history WHERE target = account.id)",
        [START],
        |r| r.get(0),
    )?;
    let sum: i64 = conn.query_row("SELECT sum(balance) FROM account", [], |r| r.get(0))?;
    if (wrong, sum) != (0, ACCOUNTS * START) {
        let words = format!("after transfer {n}: {wrong} accounts are wrong, the sum is {sum}");
        return Err(words.into());
    }
    Ok(Some(n))
}

/// Extracts an image and opens it as anyone would; says how many headers its journal
/// had as well: one or more and it was hot, several and the transaction had spilled.
fn recover_ordinarily(image: &dyn Volume, dir: &Path) -> Outcome<(Option<i64>, usize)> {
    let path = match extract(image, dir, "backup.db") {
        Ok(path) => path,
        // Before the first connection there is no main file.
        Err(ExtractError::Image(LayoutError::Missing(FileId::Main))) => return Ok((None, 0)),
        Err(other) => return Err(other.into()),
    };
    let journal = dir.join("backup.db-journal");
    let bytes = if journal.exists() { std::fs::read(&journal)? } else { Vec::new() };
    let headers = bytes.chunks(512).filter(|sector| sector.starts_with(JOURNAL_MAGIC)).count();
    let conn = Connection::open(&path)?;
    conn.pragma_update(None, "synchronous", "OFF")?;
    let found = verify(&conn)?;
    drop(conn);
    for file in [path, journal] {
        if file.exists() {
            std::fs::remove_file(file)?;
        }
    }
    Ok((found, headers))
}

/// The first bytes of each header in a rollback journal.
const JOURNAL_MAGIC: &[u8] = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7";

/// When a commit was answered: its number and the count of writes answered by then.
type Commits = Vec<(i64, usize)>;

/// What the prefixes of a log were like.
#[derive(Debug, Default)]
struct PrefixCounts {
    prefixes: usize,
    /// With a hot journal.
    hot: usize,
    /// With a hot journal of several headers.
    spilled: usize,
}

/// Recovers sampled prefixes of `log`. Each must hold whole transactions, no fewer than the prefix
/// before it, and no fewer than had been answered when its last write was.
fn check_prefixes(
    blocks: u32,
    first: usize,
    log: &[Write],
    commits: &Commits,
    mut sampled: impl FnMut(usize) -> bool,
) -> Outcome<PrefixCounts> {
    let dir = tempfile::tempdir()?;
    let image = Recorder::new(blocks);
    let (mut seen, mut last) = (PrefixCounts::default(), None);
    for len in 0..=log.len() {
        if len > 0 {
            let (block, payload) = &log[len - 1];
            image.write(*block, payload)?;
        }
        if len < first || !sampled(len) {
            continue;
        }
        let (found, headers) = recover_ordinarily(image.as_ref(), dir.path())
            .map_err(|error| format!("prefix of {len} of {} writes: {error}", log.len()))?;
        let promised = commits.iter().filter(|(_, at)| *at <= len).map(|(n, _)| *n).max();
        if found < promised || found < last {
            let words =
                format!("prefix of {len}: {found:?}, promised {promised:?}, before {last:?}");
            return Err(words.into());
        }
        last = found;
        seen.prefixes += 1;
        seen.hot += usize::from(headers > 0);
        seen.spilled += usize::from(headers > 1);
    }
    Ok(seen)
}

/// One connection, every shape of transaction, and the log of it.
fn run_alone(
    name: &str,
    (mode, sync, page): (&str, &str, u32),
    seed: u64,
) -> Outcome<(Arc<Recorder>, usize, Commits)> {
    let (dev, volume) = fresh(name, BLOCKS)?;
    let formatted = dev.writes();
    let mut conn = volume.connect(PATIENCE)?;
    conn.pragma_update(None, "page_size", page)?;
    conn.pragma_update(None, "journal_mode", mode)?;
    conn.pragma_update(None, "synchronous", sync)?;
    // So small a cache spills, which gives a journal several headers.
    conn.pragma_update(None, "cache_size", 10)?;
    create_bank(&conn)?;
    let mut commits = vec![(0, dev.writes())];
    let mut dice = Dice(seed);
    for round in 1..=TRANSFERS {
        let n = transfer(&mut conn, &mut dice)?;
        commits.push((n, dev.writes()));
        if round % 10 == 5 {
            // A rollback writes too: the database is put back before the journal goes.
            conn.execute_batch(
                "BEGIN; DELETE FROM history WHERE n % 2; UPDATE history SET pad = zeroblob(9000);
                 SAVEPOINT s; UPDATE account SET balance = 0; ROLLBACK TO s; ROLLBACK",
            )?;
        }
        if round % 20 == 0 {
            conn.execute_batch("VACUUM")?;
        }
    }
    assert_eq!(verify(&conn)?, Some(TRANSFERS));
    Ok((dev, formatted, commits))
}

/// What `connect` sets, with SQLite's usual page size.
const CONNECT: (&str, &str, u32) = ("DELETE", "FULL", 4096);
const BLOCKS: u32 = 700;
const TRANSFERS: i64 = 40;

#[test]
fn every_prefix_recovers_with_the_settings_of_connect() -> Outcome {
    let (dev, first, commits) = run_alone("every", CONNECT, seed())?;
    let (log, flushes) = dev.with(|(_, log, flushes)| (log.clone(), *flushes));
    let seen = check_prefixes(BLOCKS, first, &log, &commits, |_| true)?;
    println!("{seen:?}, {flushes} flushes");
    assert_eq!(seen.prefixes, log.len() + 1 - first);
    assert!(seen.hot > seen.prefixes / 10, "too few prefixes cut a transaction");
    assert!(seen.spilled > 0, "no transaction spilled");
    Ok(())
}

#[test]
fn sampled_prefixes_recover_in_every_allowed_mode() -> Outcome {
    let seed = seed();
    for mode in ["DELETE", "TRUNCATE", "PERSIST"] {
        // A page of 16384 bytes is four block writes, one of 512 an eighth of a block.
        for (sync, page) in [("OFF", 4096), ("NORMAL", 4096), ("FULL", 16_384), ("FULL", 512)] {
            let name = format!("sampled-{mode}-{sync}-{page}");
            let (dev, first, commits) = run_alone(&name, (mode, sync, page), seed)?;
            let log = dev.with(|(_, log, _)| log.clone());
            let (mut dice, end) = (Dice(seed), log.len());
            let sampled = |len| len == end || dice.below(16) == 0;
            let seen = check_prefixes(BLOCKS, first, &log, &commits, sampled)
                .map_err(|error| format!("{name}: {error}"))?;
            println!("{name}: {seen:?} of {end}");
            assert!(seen.hot > 0);
        }
    }
    Ok(())
}

/// The canary: were the order lost, the check above must notice.
#[test]
fn a_log_out_of_order_is_caught() -> Outcome {
    let (dev, _, commits) = run_alone("canary", CONNECT, seed())?;
    let mut log = dev.with(|(_, log, _)| log.clone());
    let first = commits[0].1;
    // Each run of four writes is applied backwards, as a copy without order might. No commit is
    // promised here, so that what is caught is a torn transaction and not merely a late one.
    log[first..].chunks_mut(4).for_each(<[Write]>::reverse);
    let verdict = check_prefixes(BLOCKS, first, &log, &Vec::new(), |_| true);
    let Err(found) = verdict else {
        return Err("disorder went unnoticed".into());
    };
    println!("caught: {found}");
    Ok(())
}

/// Four connections on four threads; the log of all of them is cut at sampled places.
#[test]
fn four_threads_keep_the_sum_and_so_does_every_prefix() -> Outcome {
    let seed = seed();
    let blocks = 2000;
    let (dev, volume) = fresh("threads", blocks)?;
    let first = dev.writes();
    create_bank(&volume.connect(PATIENCE)?)?;
    let commits = Mutex::new(vec![(0, dev.writes())]);
    thread::scope(|scope| {
        let work = |thread: u64| {
            let (volume, dev, commits) = (&volume, &dev, &commits);
            scope.spawn(move || -> Outcome {
                let mut dice = Dice(seed ^ thread);
                let mut conn = volume.connect(PATIENCE)?;
                for _ in 0..25 {
                    let n = transfer(&mut conn, &mut dice)?;
                    let at = dev.writes();
                    commits.lock().unwrap_or_else(PoisonError::into_inner).push((n, at));
                    let total = "SELECT sum(balance) FROM account";
                    let sum: i64 = conn.query_row(total, [], |r| r.get(0))?;
                    assert_eq!(sum, ACCOUNTS * START);
                }
                Ok(())
            })
        };
        let threads: Vec<_> = (1..=4).map(work).collect();
        threads.into_iter().try_for_each(|t| t.join().map_err(|_| "a thread panicked")?)
    })?;
    assert_eq!(verify(&volume.connect(PATIENCE)?)?, Some(100));
    let log = dev.with(|(_, log, _)| log.clone());
    let commits = commits.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (mut dice, end) = (Dice(seed), log.len());
    let sampled = |len| len == end || dice.below(20) == 0;
    let seen = check_prefixes(blocks, first, &log, &commits, sampled)?;
    println!("{seen:?} of {end}");
    assert!(seen.hot > 0);
    Ok(())
}

/// The remote host opens the image on the volume itself, several connections at once: whoever
/// comes first recovers, and nobody reads the database before that.
#[test]
fn connections_that_race_to_a_hot_journal_all_read_recovered_data() -> Outcome {
    let seed = seed();
    let (dev, first, _) = run_alone("race-source", CONNECT, seed)?;
    let log = dev.with(|(_, log, _)| log.clone());
    let mut dice = Dice(seed);
    let (dir, mut hot) = (tempfile::tempdir()?, 0);
    for race in 0..RACES {
        let len = first + dice.below((log.len() - first) as u64) as usize;
        let image = Recorder::new(BLOCKS);
        log[..len].iter().try_for_each(|(block, payload)| image.write(*block, payload))?;
        let (expected, headers) = recover_ordinarily(image.as_ref(), dir.path())?;
        hot += usize::from(headers > 0);
        let volume = register(&format!("race-{race}"), layout::open(image)?)?;
        let start = Barrier::new(READERS);
        let read = || -> Outcome {
            let conn = volume.connect(PATIENCE);
            start.wait();
            let found = verify(&conn?)?;
            if found == expected {
                Ok(())
            } else {
                Err(format!("{found:?}, not {expected:?}").into())
            }
        };
        thread::scope(|scope| -> Outcome {
            let threads: Vec<_> = (0..READERS).map(|_| scope.spawn(read)).collect();
            threads.into_iter().try_for_each(|t| t.join().map_err(|_| "a thread panicked")?)
        })
        .map_err(|error| format!("prefix of {len}: {error}; {:?}", volume.last_error()))?;
    }
    println!("{hot} of {RACES} images had a hot journal");
    assert!(hot > 0);
    Ok(())
}

const RACES: usize = 40;
const READERS: usize = 4;

#[test]
fn readers_pass_a_writer_and_writers_wait_for_it() -> Outcome {
    let (_, volume) = fresh("wait", 64)?;
    let writer = volume.connect(PATIENCE)?;
    create_bank(&writer)?;
    // With OFF the journal of a live writer looks hot at once; only its lock says that it is not.
    writer.pragma_update(None, "synchronous", "OFF")?;
    writer.execute_batch("BEGIN IMMEDIATE; UPDATE account SET balance = balance + 1")?;
    let other = volume.connect(Duration::ZERO)?;
    assert_eq!(verify(&other)?, Some(0));
    let refused = other.execute_batch("BEGIN IMMEDIATE").err().and_then(|e| e.sqlite_error_code());
    assert_eq!(refused, Some(rusqlite::ErrorCode::DatabaseBusy));
    other.busy_timeout(PATIENCE)?;
    thread::scope(|scope| {
        let waiting = scope.spawn(move || other.execute_batch("BEGIN IMMEDIATE; COMMIT"));
        thread::sleep(Duration::from_millis(50));
        writer.execute_batch("ROLLBACK")?;
        waiting.join().map_err(|_| "a thread panicked")??;
        Ok(())
    })
}

#[test]
fn a_full_volume_rolls_back_and_goes_on() -> Outcome {
    let (dev, volume) = fresh("full", 64)?;
    let mut conn = volume.connect(PATIENCE)?;
    create_bank(&conn)?;
    transfer(&mut conn, &mut Dice(1))?;
    let refused = conn.execute("INSERT INTO history VALUES (99, 0, 0, 0, zeroblob(900000))", []);
    let code = refused.err().and_then(|error| error.sqlite_error_code());
    assert_eq!(code, Some(rusqlite::ErrorCode::DiskFull));
    let words = volume.last_error().ok_or("no words for the error")?;
    assert!(words.starts_with("the main file is full: "), "{words}");
    assert_eq!(verify(&conn)?, Some(1));
    conn.execute_batch("DELETE FROM history")?;
    drop(conn);
    let image = Recorder::with_image(dev.with(|(image, _, _)| image.clone()));
    let dir = tempfile::tempdir()?;
    assert!(recover_ordinarily(image.as_ref(), dir.path()).is_err(), "transfer 1 is gone");
    Ok(())
}

#[test]
fn modes_without_a_journal_on_the_volume_are_refused() -> Outcome {
    let (dev, volume) = fresh("modes", 64)?;
    let conn = volume.connect(PATIENCE)?;
    for mode in ["WAL", "MEMORY", "OFF"] {
        let refused = conn.pragma_update(None, "journal_mode", mode);
        let words = refused.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(words.contains("is refused on a volume"), "{mode}: {words:?}");
    }
    let mode: String = conn.query_row("PRAGMA journal_mode", [], |r| r.get(0))?;
    assert_eq!(mode, "delete");
    assert!(conn.execute_batch("ATTACH 'other.db' AS other").is_err());
    assert!(register("modes", layout::open(dev)?).is_err(), "the name is taken");
    Ok(())
}
