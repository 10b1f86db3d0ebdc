//! The SQLite VFS over a volume's file table: names, modes of opening, error codes.
//! Where bytes lie on the volume is `layout`'s business, who may write them is `locks`'s, and C is `ffi`'s.
//!
//! # Which settings a consistent prefix needs
//!
//! Every `xWrite` reaches the volume before it returns, and the volume keeps the order. So
//! SQLite's own order of writes - journal, then database, then the journal's removal - is the order
//! of the image, whatever `synchronous` says, and every prefix is recoverable:
//! - `synchronous=OFF`: the journal header is written with nRec = 0xffffffff ("as many records as
//!   the size says"). That is safe here since the journal's size is published after its contents,
//!   and both before the first page of the database is written.
//! - `NORMAL`, `FULL`: nRec starts at 0 and is set between two syncs. A sync becomes `flush`, which
//!   an ordered remote copy does not need.
//!
//! `connect` sets `FULL`, the careful choice: it adds the count of records to what protects the
//! image, and flushes the local volume, at three flushes a transaction. What no setting makes up
//! for is a volume that loses the order, be it the local one at a power loss: the journal's region
//! is used again and again, so a size that survives without its contents uncovers an older journal.
//!
//! # Which device characteristics are claimed
//!
//! - `POWERSAFE_OVERWRITE`, yes: a partial write is a read-modify-write of whole blocks, each of
//!   them atomic, so bytes beside the written ones never change.
//! - `SEQUENTIAL` and `SAFE_APPEND`, no: true of an ordered volume, but they make SQLite leave out
//!   syncs (the first) or the count of records (the second), and with them what `FULL` is for.
//! - `ATOMIC4K`, no: true of a page that is one block, but it lets SQLite skip the journal, and
//!   nobody promises that the growth of the file falls under it. The bundled SQLite is built
//!   without that path anyway.

use std::collections::BTreeSet;
use std::ffi::{CString, c_int};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::ffi as codes;
use rusqlite::{Connection, OpenFlags};

use crate::blocks::{FileId, LayoutError};
use crate::ffi::{self, Answer, FileKind, OpenMode, Vfs};
use crate::layout::Layout;
use crate::lock;
use crate::locks::{LockLevel, LockTable};

/// The one database name a volume knows; its journal has SQLite's name for it.
pub(crate) const DATABASE_NAME: &str = "volume.db";
const JOURNAL_NAME: &str = "volume.db-journal";

/// Why a volume could not be made a VFS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegisterError {
    /// The name is empty, has a NUL in it, or is taken.
    #[error("{0:?} is no VFS name, or is taken")]
    Name(String),
    /// SQLite refused.
    #[error("SQLite refused the VFS with code {0}")]
    Sqlite(c_int),
}

/// Makes `layout` a VFS that every connection of this process can name.
///
/// SQLite keeps a VFS until the process ends, and the volume with it: a name is used once.
pub(crate) fn register(name: &str, layout: Layout) -> Result<VolumeVfs, RegisterError> {
    static NAMES: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let refused = || RegisterError::Name(name.to_string());
    let c_name = CString::new(name).map_err(|_| refused())?;
    // SQLite would let a second VFS of that name hide the first.
    if name.is_empty() || !lock(&NAMES).insert(name.to_string()) {
        return Err(refused());
    }
    let shared = Arc::new(Shared { layout, locks: LockTable::default(), error: Mutex::default() });
    ffi::register(c_name, Files(shared.clone())).map_err(RegisterError::Sqlite)?;
    Ok(VolumeVfs { name: name.to_string(), shared })
}

/// A registered volume.
#[derive(Clone)]
pub(crate) struct VolumeVfs {
    name: String,
    shared: Arc<Shared>,
}

impl VolumeVfs {
    /// Opens a connection with the settings the head of this file argues for.
    pub(crate) fn connect(&self, busy_timeout: Duration) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags_and_vfs(DATABASE_NAME, flags, self.name.as_str())?;
        conn.busy_timeout(busy_timeout)?;
        conn.pragma_update(None, "temp_store", "MEMORY")?;
        conn.pragma_update(None, "journal_mode", "DELETE")?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        Ok(conn)
    }

    /// An error of SQLite's, with the volume's own words.
    pub(crate) fn explain(&self, error: rusqlite::Error) -> String {
        self.last_error().map_or_else(|| error.to_string(), |words| format!("{error}: {words}"))
    }

    /// The last error of the volume in words, since SQLite passes on only a code.
    pub(crate) fn last_error(&self) -> Option<String> {
        lock(&self.shared.error).clone()
    }
}

struct Shared {
    layout: Layout,
    locks: LockTable,
    error: Mutex<Option<String>>,
}

impl Shared {
    /// Keeps the words and answers with the code: `SQLITE_FULL`, or else `code`.
    fn note<T>(&self, result: Result<T, LayoutError>, code: c_int) -> Answer<T> {
        result.map_err(|error| {
            *lock(&self.error) = Some(error.to_string());
            match error {
                LayoutError::Full { .. } => codes::SQLITE_FULL,
                LayoutError::Volume(_)
                | LayoutError::Geometry(_)
                | LayoutError::Corrupt { .. }
                | LayoutError::Missing(_) => code,
            }
        })
    }
}

/// An open file.
enum Handle {
    /// The database or its journal. Invariant: the level is of the database; SQLite guards the journal by it.
    OnVolume { file: FileId, level: LockLevel, is_readonly: bool },
    /// A temporary file of one connection, never on the volume.
    Temporary(Vec<u8>),
}

/// The VFS itself; SQLite owns it.
struct Files(Arc<Shared>);

impl Files {
    fn open_on_volume(&self, file: FileId, mode: OpenMode) -> Answer {
        match (self.0.layout.size(file), mode) {
            (Some(_), OpenMode::CreateNew) | (None, OpenMode::Read | OpenMode::Write) => {
                Err(codes::SQLITE_CANTOPEN)
            }
            (Some(_), OpenMode::Read | OpenMode::Write | OpenMode::Create) => Ok(()),
            (None, OpenMode::Create | OpenMode::CreateNew) => {
                self.0.note(self.0.layout.create(file), codes::SQLITE_CANTOPEN)
            }
        }
    }
}

impl Vfs for Files {
    type File = Handle;

    fn open(&self, path: Option<&str>, kind: FileKind, mode: OpenMode) -> Answer<Handle> {
        let file = match (kind, path) {
            (FileKind::Main, Some(DATABASE_NAME)) => FileId::Main,
            (FileKind::Journal, Some(JOURNAL_NAME)) => FileId::Journal,
            // A journal of statements may outgrow SQLite's memory even with temp_store=MEMORY.
            (FileKind::Temporary, _) => return Ok(Handle::Temporary(Vec::new())),
            // A write-ahead log, a super-journal of several databases, or a database of another
            // name: the volume has no place where they would be part of the image.
            (FileKind::Main | FileKind::Journal | FileKind::Other, _) => {
                return Err(codes::SQLITE_CANTOPEN);
            }
        };
        self.open_on_volume(file, mode)?;
        let is_readonly = mode == OpenMode::Read;
        Ok(Handle::OnVolume { file, level: LockLevel::Unlocked, is_readonly })
    }

    fn delete(&self, path: &str) -> Answer {
        match path {
            JOURNAL_NAME if self.0.layout.size(FileId::Journal).is_some() => {
                self.0.note(self.0.layout.remove(FileId::Journal), codes::SQLITE_IOERR_DELETE)
            }
            DATABASE_NAME => Err(codes::SQLITE_IOERR_DELETE),
            _ => Err(codes::SQLITE_IOERR_DELETE_NOENT),
        }
    }

    fn exists(&self, path: &str) -> Answer<bool> {
        Ok(match path {
            DATABASE_NAME => self.0.layout.size(FileId::Main).is_some(),
            JOURNAL_NAME => self.0.layout.size(FileId::Journal).is_some(),
            _ => false,
        })
    }

    fn close(&self, mut handle: Handle) -> Answer {
        self.unlock(&mut handle, LockLevel::Unlocked)
    }

    fn read(&self, handle: &mut Handle, offset: u64, data: &mut [u8]) -> Answer<usize> {
        match handle {
            Handle::OnVolume { file, .. } => {
                let result = self.0.layout.read(*file, offset, data);
                self.0.note(result, codes::SQLITE_IOERR_READ)
            }
            Handle::Temporary(bytes) => {
                let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..));
                let rest = rest.unwrap_or(&[]);
                let len = rest.len().min(data.len());
                data[..len].copy_from_slice(&rest[..len]);
                Ok(len)
            }
        }
    }

    fn write(&self, handle: &mut Handle, offset: u64, data: &[u8]) -> Answer {
        match handle {
            Handle::OnVolume { is_readonly: true, .. } => Err(codes::SQLITE_READONLY),
            Handle::OnVolume { file, .. } => {
                let result = self.0.layout.write(*file, offset, data);
                self.0.note(result, codes::SQLITE_IOERR_WRITE)
            }
            Handle::Temporary(bytes) => {
                let offset = usize::try_from(offset).map_err(|_| codes::SQLITE_FULL)?;
                let end = offset.checked_add(data.len()).ok_or(codes::SQLITE_FULL)?;
                bytes.resize(bytes.len().max(end), 0);
                bytes[offset..end].copy_from_slice(data);
                Ok(())
            }
        }
    }

    fn truncate(&self, handle: &mut Handle, size: u64) -> Answer {
        match handle {
            Handle::OnVolume { is_readonly: true, .. } => Err(codes::SQLITE_READONLY),
            Handle::OnVolume { file, .. } => {
                let result = self.0.layout.resize(*file, size);
                self.0.note(result, codes::SQLITE_IOERR_TRUNCATE)
            }
            Handle::Temporary(bytes) => {
                bytes.resize(usize::try_from(size).map_err(|_| codes::SQLITE_FULL)?, 0);
                Ok(())
            }
        }
    }

    fn sync(&self, handle: &mut Handle) -> Answer {
        match handle {
            Handle::OnVolume { .. } => {
                self.0.note(self.0.layout.flush(), codes::SQLITE_IOERR_FSYNC)
            }
            Handle::Temporary(_) => Ok(()),
        }
    }

    fn size(&self, handle: &mut Handle) -> Answer<u64> {
        match handle {
            Handle::OnVolume { file, .. } => {
                let size = self.0.layout.size(*file).ok_or(LayoutError::Missing(*file));
                self.0.note(size, codes::SQLITE_IOERR_FSTAT)
            }
            Handle::Temporary(bytes) => Ok(bytes.len() as u64),
        }
    }

    fn lock(&self, handle: &mut Handle, wanted: LockLevel) -> Answer {
        match handle {
            Handle::OnVolume { file: FileId::Main, level, .. } => {
                self.0.locks.lock(level, wanted).map_err(|_| codes::SQLITE_BUSY)
            }
            Handle::OnVolume { file: FileId::Journal, .. } | Handle::Temporary(_) => Ok(()),
        }
    }

    fn unlock(&self, handle: &mut Handle, wanted: LockLevel) -> Answer {
        if let Handle::OnVolume { file: FileId::Main, level, .. } = handle {
            self.0.locks.unlock(level, wanted);
        }
        Ok(())
    }

    fn is_reserved(&self, handle: &mut Handle) -> Answer<bool> {
        let is_main = matches!(handle, Handle::OnVolume { file: FileId::Main, .. });
        Ok(is_main && self.0.locks.is_reserved())
    }

    /// Refuses the journal modes whose commits leave no rollback journal on the volume.
    fn pragma(&self, handle: &mut Handle, name: &str, value: Option<&str>) -> Result<(), String> {
        let is_main = matches!(handle, Handle::OnVolume { file: FileId::Main, .. });
        let Some(mode) = value.filter(|_| is_main && name.eq_ignore_ascii_case("journal_mode"))
        else {
            return Ok(());
        };
        if JOURNAL_MODES.iter().any(|known| mode.eq_ignore_ascii_case(known)) {
            return Ok(());
        }
        Err(format!("journal_mode {mode} is refused on a volume; use one of {JOURNAL_MODES:?}"))
    }

    fn sector_size(&self, _: &mut Handle) -> c_int {
        // Format allows no block of more than 64 KiB.
        c_int::try_from(self.0.layout.block_size()).unwrap_or(0)
    }

    fn characteristics(&self, _: &mut Handle) -> c_int {
        codes::SQLITE_IOCAP_POWERSAFE_OVERWRITE
    }
}

const JOURNAL_MODES: [&str; 3] = ["DELETE", "TRUNCATE", "PERSIST"];
