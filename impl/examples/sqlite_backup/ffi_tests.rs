//! Whether SQLite's calls arrive as they were meant, and whether a panic in any of them is an error and no more.
//! Volumes are not known here. `cargo xtask test` runs these tests under valgrind as well.

#![allow(clippy::unwrap_used, reason = "a failing test panics")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::ffi::{CString, c_int};
use std::sync::{Arc, Mutex};

use rusqlite::ffi as codes;
use rusqlite::{Connection, OpenFlags};

use crate::ffi::{Answer, FileKind, OpenMode, Vfs, register};
use crate::locks::{LockLevel, LockTable};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Every call of [`Vfs`].
const CALLS: [&str; 15] = [
    "open",
    "delete",
    "exists",
    "close",
    "read",
    "write",
    "truncate",
    "sync",
    "size",
    "lock",
    "unlock",
    "is_reserved",
    "pragma",
    "sector_size",
    "characteristics",
];

/// Files in memory: they note which calls came, and panic in one of them when told to.
#[derive(Default)]
struct Memory {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    locks: LockTable,
    came: Mutex<BTreeSet<&'static str>>,
    panics_in: Mutex<&'static str>,
}

impl Memory {
    fn register(name: &str) -> Outcome<Arc<Self>> {
        let memory = Arc::<Self>::default();
        register(CString::new(name)?, memory.clone()).map_err(|code| format!("code {code}"))?;
        Ok(memory)
    }

    fn comes(&self, call: &'static str) {
        assert!(CALLS.contains(&call));
        self.came.lock().unwrap().insert(call);
        let panics = *self.panics_in.lock().unwrap() == call;
        if panics {
            // No hook is asked, so that nothing is printed.
            std::panic::resume_unwind(Box::new(()));
        }
    }

    fn of<T>(&self, file: &File, look: impl FnOnce(&mut Vec<u8>) -> T) -> Answer<T> {
        self.files.lock().unwrap().get_mut(&file.path).map(look).ok_or(codes::SQLITE_IOERR)
    }
}

struct File {
    path: String,
    level: LockLevel,
    is_main: bool,
}

impl Vfs for Arc<Memory> {
    type File = File;

    fn open(&self, path: Option<&str>, kind: FileKind, mode: OpenMode) -> Answer<File> {
        self.comes("open");
        let mut files = self.files.lock().unwrap();
        let path = path.map_or_else(|| format!("temporary {}", files.len()), str::to_owned);
        assert_eq!(kind == FileKind::Temporary, path.starts_with("temporary"), "{path}");
        match (files.contains_key(&path), mode) {
            (false, OpenMode::Read | OpenMode::Write) | (true, OpenMode::CreateNew) => {
                return Err(codes::SQLITE_CANTOPEN);
            }
            (false, OpenMode::Create | OpenMode::CreateNew) => {
                files.insert(path.clone(), Vec::new());
            }
            (true, OpenMode::Read | OpenMode::Write | OpenMode::Create) => {}
        }
        Ok(File { path, level: LockLevel::Unlocked, is_main: kind == FileKind::Main })
    }

    fn delete(&self, path: &str) -> Answer {
        self.comes("delete");
        let removed = self.files.lock().unwrap().remove(path);
        removed.map(|_| ()).ok_or(codes::SQLITE_IOERR_DELETE_NOENT)
    }

    fn exists(&self, path: &str) -> Answer<bool> {
        self.comes("exists");
        Ok(self.files.lock().unwrap().contains_key(path))
    }

    fn close(&self, mut file: File) -> Answer {
        self.locks.unlock(&mut file.level, LockLevel::Unlocked);
        self.comes("close");
        Ok(())
    }

    fn read(&self, file: &mut File, offset: u64, data: &mut [u8]) -> Answer<usize> {
        self.comes("read");
        self.of(file, |bytes| {
            let rest = bytes.get(offset as usize..).unwrap_or(&[]);
            let len = rest.len().min(data.len());
            data[..len].copy_from_slice(&rest[..len]);
            len
        })
    }

    fn write(&self, file: &mut File, offset: u64, data: &[u8]) -> Answer {
        self.comes("write");
        self.of(file, |bytes| {
            let (begin, end) = (offset as usize, offset as usize + data.len());
            bytes.resize(bytes.len().max(end), 0);
            bytes[begin..end].copy_from_slice(data);
        })
    }

    fn truncate(&self, file: &mut File, size: u64) -> Answer {
        self.comes("truncate");
        self.of(file, |bytes| bytes.resize(size as usize, 0))
    }

    fn sync(&self, _: &mut File) -> Answer {
        self.comes("sync");
        Ok(())
    }

    fn size(&self, file: &mut File) -> Answer<u64> {
        self.comes("size");
        self.of(file, |bytes| bytes.len() as u64)
    }

    fn lock(&self, file: &mut File, level: LockLevel) -> Answer {
        self.comes("lock");
        assert!(file.is_main);
        self.locks.lock(&mut file.level, level).map_err(|_| codes::SQLITE_BUSY)
    }

    fn unlock(&self, file: &mut File, level: LockLevel) -> Answer {
        self.comes("unlock");
        self.locks.unlock(&mut file.level, level);
        Ok(())
    }

    fn is_reserved(&self, _: &mut File) -> Answer<bool> {
        self.comes("is_reserved");
        Ok(self.locks.is_reserved())
    }

    fn pragma(&self, _: &mut File, name: &str, value: Option<&str>) -> Result<(), String> {
        self.comes("pragma");
        if name == "refused" {
            Err(format!("{value:?} is refused with 100 % of words"))
        } else {
            Ok(())
        }
    }

    fn sector_size(&self, _: &mut File) -> c_int {
        self.comes("sector_size");
        512
    }

    fn characteristics(&self, _: &mut File) -> c_int {
        self.comes("characteristics");
        0
    }
}

fn connect(vfs: &str) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags_and_vfs("bank", OpenFlags::default(), vfs)?;
    // A journal that stays is one that every transaction has to look at.
    conn.pragma_update(None, "journal_mode", "PERSIST")?;
    Ok(conn)
}

/// A transaction that is rolled back, one that is not, and what they leave.
fn use_it(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch(
        "PRAGMA cache_size = 5;
         CREATE TABLE IF NOT EXISTS row (n INTEGER PRIMARY KEY, pad BLOB);
         BEGIN; INSERT INTO row (pad) VALUES (zeroblob(70000)); ROLLBACK;
         BEGIN; INSERT INTO row (pad) VALUES (randomblob(10001)); COMMIT;
         PRAGMA journal_mode = DELETE; UPDATE row SET pad = randomblob(20001) WHERE n = 1;
         PRAGMA journal_mode = PERSIST; VACUUM;",
    )
}

#[test]
fn every_call_arrives_and_what_was_written_is_read() -> Outcome {
    let memory = Memory::register("memory-calls")?;
    let conn = connect("memory-calls")?;
    (0..4).try_for_each(|_| use_it(&conn))?;
    conn.execute_batch(
        "PRAGMA temp_store = FILE; CREATE TEMP TABLE wide (pad BLOB);
         INSERT INTO wide SELECT zeroblob(3000000) FROM row;",
    )?;
    let length = "SELECT sum(length(pad)) FROM temp.wide";
    assert_eq!(conn.query_row(length, [], |row| row.get::<_, i64>(0))?, 4 * 3_000_000);
    let refused =
        conn.execute_batch("PRAGMA refused = 'a word'").err().ok_or("it is not refused")?;
    assert!(refused.to_string().contains("Some(\"a word\") is refused with 100 % of words"));
    // Time and chance are the system's.
    let now: i64 = conn.query_row("SELECT unixepoch('now')", [], |row| row.get(0))?;
    let real = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs() as i64;
    assert!((real - 5..=real).contains(&now), "{now}, and it is {real}");
    let chance = || conn.query_row("SELECT randomblob(16)", [], |row| row.get::<_, Vec<u8>>(0));
    assert_ne!(chance()?, chance()?);
    let other = connect("memory-calls")?;
    let sound: String = other.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    assert_eq!(sound, "ok");
    let rows: (i64, i64) =
        other.query_row("SELECT count(*), min(length(pad)) FROM row", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    assert_eq!(rows, (4, 10_001));
    drop((conn, other));
    assert_eq!(*memory.came.lock().unwrap(), BTreeSet::from(CALLS));
    Ok(())
}

#[test]
fn a_panic_in_any_call_is_an_error_and_the_next_transaction_is_done() -> Outcome {
    for call in CALLS {
        let name = format!("memory-panic-{call}");
        let memory = Memory::register(&name)?;
        use_it(&connect(&name)?)?;
        memory.came.lock().unwrap().clear();
        *memory.panics_in.lock().unwrap() = call;
        let outcome = connect(&name).and_then(|conn| use_it(&conn));
        assert!(memory.came.lock().unwrap().contains(call), "{call} was not called");
        *memory.panics_in.lock().unwrap() = "";
        // SQLite goes on where nothing depends on the answer.
        let is_ignored = ["close", "sector_size", "characteristics"].contains(&call);
        assert_eq!(outcome.is_ok(), is_ignored, "{call}: {outcome:?}");
        let conn = connect(&name)?;
        let sound: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        assert_eq!(sound, "ok", "{call}");
        use_it(&conn).map_err(|error| format!("{call}: {error}"))?;
    }
    Ok(())
}

#[test]
fn names_that_are_too_long_and_databases_with_a_write_ahead_log_do_not_open() -> Outcome {
    let memory = Memory::register("memory-refused")?;
    use_it(&connect("memory-refused")?)?;
    let long = "x".repeat(4000);
    let flags = OpenFlags::default();
    let opened = Connection::open_with_flags_and_vfs(&long, flags, "memory-refused");
    assert_eq!(
        opened.err().and_then(|e| e.sqlite_error_code()),
        Some(rusqlite::ErrorCode::CannotOpen)
    );
    // The two bytes by which a database says that it is read with its log.
    memory.files.lock().unwrap().get_mut("bank").ok_or("no database")?[18..20].fill(2);
    let conn = Connection::open_with_flags_and_vfs("bank", flags, "memory-refused")?;
    let read = conn.query_row("SELECT count(*) FROM row", [], |row| row.get::<_, i64>(0));
    assert_eq!(
        read.err().and_then(|e| e.sqlite_error_code()),
        Some(rusqlite::ErrorCode::CannotOpen)
    );
    Ok(())
}
