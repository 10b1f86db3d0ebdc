//! The SQLite VFS over a volume's file table: names, locks, error codes.
//! Where bytes lie on the volume is `layout`'s business, who may write them is `locks`'s.
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
//!   without that path anyway. (The crate's default claims `ATOMIC` for writes of any size, which
//!   is false here: that default must not be inherited.)

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fmt;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use sqlite_plugin::flags::ShmLockMode;
use sqlite_plugin::flags::{AccessFlags, CreateMode, LockLevel, OpenKind, OpenMode, OpenOpts};
use sqlite_plugin::vars;
use sqlite_plugin::vfs::register_static;
use sqlite_plugin::vfs::{Pragma, PragmaErr, RegisterOpts, Vfs, VfsHandle, VfsResult};

use crate::layout::{FileId, Layout, LayoutError};
use crate::locks::LockTable;

/// The one database name a volume knows; its journal has SQLite's name for it.
pub(crate) const DATABASE_NAME: &str = "volume.db";
const JOURNAL_NAME: &str = "volume.db-journal";

/// Why a volume could not be made a VFS.
#[derive(Debug)]
pub(crate) enum RegisterError {
    /// The name is empty, has a NUL in it, or is taken.
    Name(String),
    /// SQLite refused.
    Sqlite(i32),
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegisterError::Name(name) => write!(f, "{name:?} is no VFS name, or is taken"),
            RegisterError::Sqlite(code) => write!(f, "SQLite refused the VFS with code {code}"),
        }
    }
}

impl std::error::Error for RegisterError {}

/// Makes `layout` a VFS that every connection of this process can name.
///
/// SQLite keeps a VFS until the process ends, and the volume with it: a name is used once.
pub(crate) fn register(name: &str, layout: Layout) -> Result<VolumeVfs, RegisterError> {
    static NAMES: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let refused = || RegisterError::Name(name.to_string());
    let c_name = CString::new(name).map_err(|_| refused())?;
    // SQLite would let a second VFS of that name hide the first.
    if name.is_empty() || !guard(&NAMES).insert(name.to_string()) {
        return Err(refused());
    }
    let shared = Arc::new(Shared { layout, locks: LockTable::default(), error: Mutex::default() });
    register_static(c_name, Files(shared.clone()), RegisterOpts { make_default: false })
        .map_err(RegisterError::Sqlite)?;
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

    /// The last error of the volume in words, since SQLite passes on only a code.
    pub(crate) fn last_error(&self) -> Option<String> {
        guard(&self.shared.error).clone()
    }
}

struct Shared {
    layout: Layout,
    locks: LockTable,
    error: Mutex<Option<String>>,
}

impl Shared {
    /// Keeps the words and answers with the code: `SQLITE_FULL`, or else `code`.
    fn note<T>(&self, result: Result<T, LayoutError>, code: i32) -> VfsResult<T> {
        result.map_err(|error| {
            *guard(&self.error) = Some(error.to_string());
            match error {
                LayoutError::Full { .. } => vars::SQLITE_FULL,
                _ => code,
            }
        })
    }
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these mutexes hold is replaced whole, so a panic elsewhere leaves it usable.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An open file.
enum Handle {
    /// The database, with this connection's lock on it.
    Main { level: LockLevel, readonly: bool },
    /// The rollback journal; SQLite guards it by the locks on the database.
    Journal { readonly: bool },
    /// A temporary file of one connection, never on the volume.
    Temp(Vec<u8>),
}

impl Handle {
    fn on_volume(&self) -> Option<FileId> {
        match self {
            Handle::Main { .. } => Some(FileId::Main),
            Handle::Journal { .. } => Some(FileId::Journal),
            Handle::Temp(_) => None,
        }
    }
}

impl VfsHandle for Handle {
    fn readonly(&self) -> bool {
        matches!(self, Handle::Main { readonly: true, .. } | Handle::Journal { readonly: true })
    }

    fn in_memory(&self) -> bool {
        // Of the database this would tell SQLite to take no locks.
        false
    }
}

/// The VFS itself; SQLite owns it.
struct Files(Arc<Shared>);

impl Files {
    fn open_on_volume(&self, file: FileId, mode: &OpenMode) -> VfsResult<()> {
        let layout = &self.0.layout;
        match (layout.size(file), mode) {
            (Some(_), OpenMode::ReadWrite { create: CreateMode::MustCreate }) => {
                Err(vars::SQLITE_CANTOPEN)
            }
            (Some(_), _) => Ok(()),
            (None, OpenMode::ReadWrite { create: CreateMode::Create | CreateMode::MustCreate }) => {
                self.0.note(layout.create(file), vars::SQLITE_CANTOPEN)
            }
            (None, _) => Err(vars::SQLITE_CANTOPEN),
        }
    }
}

impl Vfs for Files {
    type Handle = Handle;

    fn open(&self, path: Option<&str>, opts: OpenOpts) -> VfsResult<Handle> {
        let mode = opts.mode();
        let readonly = mode.is_readonly();
        match (opts.kind(), path) {
            (OpenKind::MainDb, Some(DATABASE_NAME)) => {
                self.open_on_volume(FileId::Main, &mode)?;
                Ok(Handle::Main { level: LockLevel::Unlocked, readonly })
            }
            (OpenKind::MainJournal, Some(JOURNAL_NAME)) => {
                self.open_on_volume(FileId::Journal, &mode)?;
                Ok(Handle::Journal { readonly })
            }
            // A journal of statements may outgrow SQLite's memory even with temp_store=MEMORY.
            (
                OpenKind::TempDb
                | OpenKind::TempJournal
                | OpenKind::TransientDb
                | OpenKind::SubJournal,
                _,
            ) => Ok(Handle::Temp(Vec::new())),
            // A write-ahead log, a super-journal of several databases, or a database of another
            // name: the volume has no place where they would be part of the image.
            _ => Err(vars::SQLITE_CANTOPEN),
        }
    }

    fn delete(&self, path: &str) -> VfsResult<()> {
        match path {
            JOURNAL_NAME if self.0.layout.size(FileId::Journal).is_some() => {
                self.0.note(self.0.layout.remove(FileId::Journal), vars::SQLITE_IOERR_DELETE)
            }
            DATABASE_NAME => Err(vars::SQLITE_IOERR_DELETE),
            _ => Err(vars::SQLITE_IOERR_DELETE_NOENT),
        }
    }

    fn access(&self, path: &str, _flags: AccessFlags) -> VfsResult<bool> {
        Ok(match path {
            DATABASE_NAME => self.0.layout.size(FileId::Main).is_some(),
            JOURNAL_NAME => self.0.layout.size(FileId::Journal).is_some(),
            _ => false,
        })
    }

    fn file_size(&self, handle: &mut Handle) -> VfsResult<usize> {
        match (handle.on_volume(), handle) {
            (Some(file), _) => {
                let size = self.0.layout.size(file).ok_or(LayoutError::Missing(file));
                let size = self.0.note(size, vars::SQLITE_IOERR_FSTAT)?;
                usize::try_from(size).map_err(|_| vars::SQLITE_IOERR_FSTAT)
            }
            (None, Handle::Temp(bytes)) => Ok(bytes.len()),
            (None, _) => Err(vars::SQLITE_IOERR_FSTAT),
        }
    }

    fn truncate(&self, handle: &mut Handle, size: usize) -> VfsResult<()> {
        if handle.readonly() {
            return Err(vars::SQLITE_READONLY);
        }
        match (handle.on_volume(), handle) {
            (Some(file), _) => {
                let result = self.0.layout.resize(file, size as u64);
                self.0.note(result, vars::SQLITE_IOERR_TRUNCATE)
            }
            (None, Handle::Temp(bytes)) => {
                bytes.resize(size, 0);
                Ok(())
            }
            (None, _) => Err(vars::SQLITE_IOERR_TRUNCATE),
        }
    }

    fn write(&self, handle: &mut Handle, offset: usize, data: &[u8]) -> VfsResult<usize> {
        if handle.readonly() {
            return Err(vars::SQLITE_READONLY);
        }
        match (handle.on_volume(), handle) {
            (Some(file), _) => {
                let result = self.0.layout.write(file, offset as u64, data);
                self.0.note(result, vars::SQLITE_IOERR_WRITE)?;
            }
            (None, Handle::Temp(bytes)) => {
                let end = offset.checked_add(data.len()).ok_or(vars::SQLITE_FULL)?;
                bytes.resize(bytes.len().max(end), 0);
                bytes[offset..end].copy_from_slice(data);
            }
            (None, _) => return Err(vars::SQLITE_IOERR_WRITE),
        }
        Ok(data.len())
    }

    fn read(&self, handle: &mut Handle, offset: usize, data: &mut [u8]) -> VfsResult<usize> {
        match (handle.on_volume(), handle) {
            (Some(file), _) => {
                let result = self.0.layout.read(file, offset as u64, data);
                self.0.note(result, vars::SQLITE_IOERR_READ)
            }
            (None, Handle::Temp(bytes)) => {
                let rest = bytes.get(offset..).unwrap_or(&[]);
                let len = rest.len().min(data.len());
                data[..len].copy_from_slice(&rest[..len]);
                Ok(len)
            }
            (None, _) => Err(vars::SQLITE_IOERR_READ),
        }
    }

    fn lock(&self, handle: &mut Handle, wanted: LockLevel) -> VfsResult<()> {
        match handle {
            Handle::Main { level, .. } => {
                self.0.locks.lock(level, wanted).map_err(|_| vars::SQLITE_BUSY)
            }
            Handle::Journal { .. } | Handle::Temp(_) => Ok(()),
        }
    }

    fn unlock(&self, handle: &mut Handle, wanted: LockLevel) -> VfsResult<()> {
        if let Handle::Main { level, .. } = handle {
            self.0.locks.unlock(level, wanted);
        }
        Ok(())
    }

    fn check_reserved_lock(&self, handle: &mut Handle) -> VfsResult<bool> {
        Ok(matches!(handle, Handle::Main { .. }) && self.0.locks.is_reserved())
    }

    fn sync(&self, handle: &mut Handle) -> VfsResult<()> {
        match handle.on_volume() {
            Some(_) => self.0.note(self.0.layout.flush(), vars::SQLITE_IOERR_FSYNC),
            None => Ok(()),
        }
    }

    fn close(&self, mut handle: Handle) -> VfsResult<()> {
        self.unlock(&mut handle, LockLevel::Unlocked)
    }

    /// Refuses the journal modes whose commits leave no rollback journal on the volume.
    fn pragma(&self, handle: &mut Handle, pragma: Pragma<'_>) -> Result<Option<String>, PragmaErr> {
        let Some(mode) = pragma.arg else {
            return Err(PragmaErr::NotFound);
        };
        let is_ours = matches!(handle, Handle::Main { .. });
        if !is_ours || !pragma.name.eq_ignore_ascii_case("journal_mode") {
            return Err(PragmaErr::NotFound);
        }
        if JOURNAL_MODES.iter().any(|known| mode.eq_ignore_ascii_case(known)) {
            return Err(PragmaErr::NotFound);
        }
        let words =
            format!("journal_mode {mode} is refused on a volume; use one of {JOURNAL_MODES:?}");
        Err(PragmaErr::Fail(vars::SQLITE_ERROR, Some(words)))
    }

    fn sector_size(&self, _handle: &mut Handle) -> VfsResult<i32> {
        i32::try_from(self.0.layout.block_size()).map_err(|_| vars::SQLITE_IOERR)
    }

    fn device_characteristics(&self, _handle: &mut Handle) -> VfsResult<i32> {
        Ok(vars::SQLITE_IOCAP_POWERSAFE_OVERWRITE)
    }

    /// Shared memory exists for write-ahead logs alone. A database file that was put into that mode
    /// elsewhere fails to open here instead of being read without its log.
    fn shm_map(
        &self,
        _handle: &mut Handle,
        _region_idx: usize,
        _region_size: usize,
        _extend: bool,
    ) -> VfsResult<Option<NonNull<u8>>> {
        Err(vars::SQLITE_IOERR_SHMMAP)
    }

    fn shm_lock(&self, _: &mut Handle, _: u32, _: u32, _: ShmLockMode) -> VfsResult<()> {
        Err(vars::SQLITE_IOERR_SHMLOCK)
    }
}

const JOURNAL_MODES: [&str; 3] = ["DELETE", "TRUNCATE", "PERSIST"];
