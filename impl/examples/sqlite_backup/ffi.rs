//! SQLite's C interface to files over a safe trait: tables of functions, pointers, error codes, panics.
//! Which files there are, and where their bytes lie, is not known here. This is the example's one file with `unsafe`.
//!
//! # What is relied on
//!
//! All of it is promised by SQLite's page "OS Interface Object" and its neighbours:
//! 1. A table of a VFS that was registered is used until the process ends. So it is leaked, with all that it points to.
//! 2. The memory of a `sqlite3_file` has `szOsFile` bytes, is aligned to 8, and is SQLite's own: what lies there is not
//!    moved, and is given up when `xClose` returns. A method is called only between a successful `xOpen` and `xClose`.
//! 3. One connection makes one call at a time, so nobody else looks at a file during a call on it.
//! 4. Names are null or end in NUL, buffers have the length that comes with them, and places for results are not null.
//!
//! A panic below a call is caught in it, and is an I/O error to SQLite, which rolls back: C's frames are never unwound.

use std::borrow::Cow;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

use rusqlite::ffi;

use crate::locks::LockLevel;

/// A result, or an error code of SQLite's.
pub(crate) type Answer<T = ()> = Result<T, c_int>;

/// What a file is to SQLite.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// A database that has a name.
    Main,
    /// Its rollback journal.
    Journal,
    /// What its connection alone sees, and only until it is closed.
    Temporary,
    /// A write-ahead log, or a super-journal of several databases.
    Other,
}

/// How a file is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenMode {
    /// It must be there, and is not written.
    Read,
    /// It must be there.
    Write,
    /// It is created if it is not there.
    Create,
    /// It must not be there, and is created.
    CreateNew,
}

/// Files as SQLite wants them.
pub(crate) trait Vfs: Send + Sync + 'static {
    /// An open file.
    type File: Send;

    fn open(&self, path: Option<&str>, kind: FileKind, mode: OpenMode) -> Answer<Self::File>;
    fn delete(&self, path: &str) -> Answer;
    fn exists(&self, path: &str) -> Answer<bool>;
    fn close(&self, file: Self::File) -> Answer;
    /// How many bytes were there to be read, up to as many as `data` has.
    fn read(&self, file: &mut Self::File, offset: u64, data: &mut [u8]) -> Answer<usize>;
    fn write(&self, file: &mut Self::File, offset: u64, data: &[u8]) -> Answer;
    fn truncate(&self, file: &mut Self::File, size: u64) -> Answer;
    fn sync(&self, file: &mut Self::File) -> Answer;
    fn size(&self, file: &mut Self::File) -> Answer<u64>;
    fn lock(&self, file: &mut Self::File, level: LockLevel) -> Answer;
    fn unlock(&self, file: &mut Self::File, level: LockLevel) -> Answer;
    fn is_reserved(&self, file: &mut Self::File) -> Answer<bool>;
    /// Refuses a pragma, in words; SQLite goes on with any other.
    fn pragma(&self, file: &mut Self::File, name: &str, value: Option<&str>) -> Result<(), String>;
    /// The bytes that a power loss during a write may change beside the written ones.
    fn sector_size(&self, file: &mut Self::File) -> c_int;
    /// `SQLITE_IOCAP_` flags.
    fn characteristics(&self, file: &mut Self::File) -> c_int;
}

/// Makes `vfs` one that every connection of this process can name.
pub(crate) fn register<V: Vfs>(name: CString, vfs: V) -> Answer {
    // SAFETY: null asks for the default VFS, and no other VFS is ever removed by this program.
    let system = unsafe { ffi::sqlite3_vfs_find(ptr::null()) };
    if system.is_null() {
        return Err(ffi::SQLITE_ERROR);
    }
    let size = size_of::<OpenFile<V>>();
    let table = ffi::sqlite3_vfs {
        iVersion: 2,
        szOsFile: c_int::try_from(size).map_err(|_| ffi::SQLITE_ERROR)?,
        mxPathname: 512,
        pNext: ptr::null_mut(),
        zName: name.into_raw(),
        pAppData: ptr::from_mut(Box::leak(Box::new(Registered { vfs, system }))).cast(),
        xOpen: Some(x_open::<V>),
        xDelete: Some(x_delete::<V>),
        xAccess: Some(x_access::<V>),
        xFullPathname: Some(x_full_pathname),
        xDlOpen: Some(x_dl_open),
        xDlError: Some(x_dl_error),
        // Both are asked only of a library that was opened.
        xDlSym: None,
        xDlClose: None,
        xRandomness: Some(x_randomness::<V>),
        xSleep: Some(x_sleep::<V>),
        // The one below is preferred.
        xCurrentTime: None,
        xGetLastError: None,
        xCurrentTimeInt64: Some(x_current_time::<V>),
        xSetSystemCall: None,
        xGetSystemCall: None,
        xNextSystemCall: None,
    };
    // SAFETY: the table, the name and the data live until the process ends (1).
    match unsafe { ffi::sqlite3_vfs_register(Box::leak(Box::new(table)), 0) } {
        ffi::SQLITE_OK => Ok(()),
        code => Err(code),
    }
}

/// What the table of a VFS points to.
struct Registered<V> {
    vfs: V,
    /// The system's own VFS, for chance and time.
    system: *mut ffi::sqlite3_vfs,
}

/// What lies in the memory that SQLite has for an open file.
///
/// Invariant: the methods are those of `V`.
#[repr(C)]
struct OpenFile<V: Vfs> {
    base: ffi::sqlite3_file,
    vfs: &'static V,
    file: V::File,
}

/// The methods of `V`'s open files.
struct Methods<V>(PhantomData<V>);

impl<V: Vfs> Methods<V> {
    /// Version 1: no shared memory, which is for write-ahead logs alone. A database that was put into that mode elsewhere
    /// fails to open instead of being read without its log.
    const TABLE: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
        iVersion: 1,
        xClose: Some(x_close::<V>),
        xRead: Some(x_read::<V>),
        xWrite: Some(x_write::<V>),
        xTruncate: Some(x_truncate::<V>),
        xSync: Some(x_sync::<V>),
        xFileSize: Some(x_file_size::<V>),
        xLock: Some(x_lock::<V>),
        xUnlock: Some(x_unlock::<V>),
        xCheckReservedLock: Some(x_check_reserved_lock::<V>),
        xFileControl: Some(x_file_control::<V>),
        xSectorSize: Some(x_sector_size::<V>),
        xDeviceCharacteristics: Some(x_device_characteristics::<V>),
        xShmMap: None,
        xShmLock: None,
        xShmBarrier: None,
        xShmUnmap: None,
        xFetch: None,
        xUnfetch: None,
    };
}

/// Does what a call is for; a panic ends here.
fn caught<T>(call: impl FnOnce() -> Answer<T>) -> Answer<T> {
    // What a panic leaves half done is undone by SQLite's rollback, or is behind a mutex that says so.
    catch_unwind(AssertUnwindSafe(call)).unwrap_or(Err(ffi::SQLITE_IOERR))
}

/// The code that a call ends with.
fn code(call: impl FnOnce() -> Answer) -> c_int {
    caught(call).err().unwrap_or(ffi::SQLITE_OK)
}

fn unsigned<T: TryInto<u64>>(number: T) -> Answer<u64> {
    number.try_into().map_err(|_| ffi::SQLITE_IOERR)
}

/// # Safety
/// `table` is that of a registered `V`.
unsafe fn registered<V: Vfs>(table: *mut ffi::sqlite3_vfs) -> &'static Registered<V> {
    // SAFETY: `register` made it point to that, and never frees it (1).
    unsafe { &*(*table).pAppData.cast::<Registered<V>>() }
}

/// # Safety
/// `file` is open, has the methods of `V`, and is used by nobody else during `'a`.
unsafe fn opened<'a, V: Vfs>(file: *mut ffi::sqlite3_file) -> (&'static V, &'a mut V::File) {
    // SAFETY: `x_open` has put it there.
    let OpenFile { vfs, file, .. } = unsafe { &mut *file.cast::<OpenFile<V>>() };
    (vfs, file)
}

/// # Safety
/// `text` is null, or ends in NUL and outlives `'a`.
unsafe fn text<'a>(text: *const c_char) -> Option<Cow<'a, str>> {
    // SAFETY: it is not null here.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy())
}

const fn kind(flags: c_int) -> FileKind {
    const TEMPORARY: c_int = ffi::SQLITE_OPEN_TEMP_DB
        | ffi::SQLITE_OPEN_TEMP_JOURNAL
        | ffi::SQLITE_OPEN_TRANSIENT_DB
        | ffi::SQLITE_OPEN_SUBJOURNAL;
    if flags & ffi::SQLITE_OPEN_MAIN_DB != 0 {
        FileKind::Main
    } else if flags & ffi::SQLITE_OPEN_MAIN_JOURNAL != 0 {
        FileKind::Journal
    } else if flags & TEMPORARY != 0 {
        FileKind::Temporary
    } else {
        FileKind::Other
    }
}

const fn mode(flags: c_int) -> OpenMode {
    if flags & ffi::SQLITE_OPEN_READWRITE == 0 {
        OpenMode::Read
    } else if flags & ffi::SQLITE_OPEN_CREATE == 0 {
        OpenMode::Write
    } else if flags & ffi::SQLITE_OPEN_EXCLUSIVE == 0 {
        OpenMode::Create
    } else {
        OpenMode::CreateNew
    }
}

unsafe extern "C" fn x_open<V: Vfs>(
    table: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    // SQLite is not to close what failed to open.
    // SAFETY: the memory is SQLite's for this file (2).
    unsafe { (*file).pMethods = ptr::null() };
    code(|| {
        // SAFETY: the table is ours, since it has this function.
        let vfs = unsafe { &registered::<V>(table).vfs };
        // SAFETY: a name is null or ends in NUL (4).
        let path = unsafe { text(path) };
        let opened = vfs.open(path.as_deref(), kind(flags), mode(flags))?;
        let base = ffi::sqlite3_file { pMethods: &Methods::<V>::TABLE };
        const { assert!(align_of::<OpenFile<V>>() <= 8, "SQLite's memory is aligned to 8") };
        // SAFETY: the memory has the size that the table asks for, is aligned (2), and holds nothing that is to be dropped.
        unsafe { file.cast::<OpenFile<V>>().write(OpenFile { base, vfs, file: opened }) };
        if !flags_out.is_null() {
            // SAFETY: it is not null.
            unsafe { *flags_out = flags };
        }
        Ok(())
    })
}

unsafe extern "C" fn x_delete<V: Vfs>(
    table: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    _sync_folder: c_int,
) -> c_int {
    code(|| {
        // SAFETY: the table is ours, since it has this function.
        let vfs = unsafe { &registered::<V>(table).vfs };
        // SAFETY: a name is null or ends in NUL (4).
        let path = unsafe { text(path) }.ok_or(ffi::SQLITE_IOERR_DELETE)?;
        vfs.delete(&path)
    })
}

unsafe extern "C" fn x_access<V: Vfs>(
    table: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    _flags: c_int,
    result: *mut c_int,
) -> c_int {
    code(|| {
        // SAFETY: the table is ours, since it has this function.
        let vfs = unsafe { &registered::<V>(table).vfs };
        // SAFETY: a name is null or ends in NUL (4).
        let path = unsafe { text(path) }.ok_or(ffi::SQLITE_IOERR_ACCESS)?;
        let exists = vfs.exists(&path)?;
        // SAFETY: a place for a result is not null (4).
        unsafe { *result = c_int::from(exists) };
        Ok(())
    })
}

/// A name is whole as it is.
unsafe extern "C" fn x_full_pathname(
    _table: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    size: c_int,
    result: *mut c_char,
) -> c_int {
    code(|| {
        // SAFETY: the name ends in NUL (4).
        let path = unsafe { CStr::from_ptr(path) }.to_bytes_with_nul();
        if usize::try_from(size).map_or(true, |size| path.len() > size) {
            return Err(ffi::SQLITE_CANTOPEN);
        }
        // SAFETY: `result` has `size` bytes (4), and is not the name.
        unsafe { ptr::copy_nonoverlapping(path.as_ptr(), result.cast(), path.len()) };
        Ok(())
    })
}

/// A database opens no libraries.
extern "C" fn x_dl_open(_: *mut ffi::sqlite3_vfs, _: *const c_char) -> *mut c_void {
    ptr::null_mut()
}

/// SQLite has words of its own for a library that does not open.
extern "C" fn x_dl_error(_: *mut ffi::sqlite3_vfs, _: c_int, _: *mut c_char) {}

unsafe extern "C" fn x_randomness<V: Vfs>(
    table: *mut ffi::sqlite3_vfs,
    size: c_int,
    bytes: *mut c_char,
) -> c_int {
    // SAFETY: the table is ours, and what it asks of the system's VFS is what is asked of it.
    unsafe {
        let system = registered::<V>(table).system;
        (*system).xRandomness.map_or(0, |randomness| randomness(system, size, bytes))
    }
}

unsafe extern "C" fn x_sleep<V: Vfs>(table: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    // SAFETY: the table is ours, and what it asks of the system's VFS is what is asked of it.
    unsafe {
        let system = registered::<V>(table).system;
        (*system).xSleep.map_or(0, |sleep| sleep(system, microseconds))
    }
}

unsafe extern "C" fn x_current_time<V: Vfs>(
    table: *mut ffi::sqlite3_vfs,
    milliseconds: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the table is ours, and what it asks of the system's VFS is what is asked of it.
    unsafe {
        let system = registered::<V>(table).system;
        (*system).xCurrentTimeInt64.map_or(ffi::SQLITE_ERROR, |time| time(system, milliseconds))
    }
}

unsafe extern "C" fn x_close<V: Vfs>(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: `x_open` has put it there, and after this call SQLite takes the file for closed (2).
    let OpenFile { vfs, file, .. } = unsafe { file.cast::<OpenFile<V>>().read() };
    code(|| vfs.close(file))
}

unsafe extern "C" fn x_read<V: Vfs>(
    file: *mut ffi::sqlite3_file,
    data: *mut c_void,
    size: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the file is open and ours, since it has this method; nobody else uses it now (3).
    let (vfs, file) = unsafe { opened::<V>(file) };
    code(|| {
        let size = usize::try_from(size).map_err(|_| ffi::SQLITE_IOERR_READ)?;
        // SAFETY: the buffer has that length (4). SQLite may not have written to it yet, so it is filled first.
        let data = unsafe {
            data.cast::<u8>().write_bytes(0, size);
            slice::from_raw_parts_mut(data.cast::<u8>(), size)
        };
        // What was not there to be read has to be zeros, which it is.
        let read = vfs.read(file, unsigned(offset)?, data)?;
        if read < size { Err(ffi::SQLITE_IOERR_SHORT_READ) } else { Ok(()) }
    })
}

unsafe extern "C" fn x_write<V: Vfs>(
    file: *mut ffi::sqlite3_file,
    data: *const c_void,
    size: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the file is open and ours, since it has this method; nobody else uses it now (3).
    let (vfs, file) = unsafe { opened::<V>(file) };
    code(|| {
        let size = usize::try_from(size).map_err(|_| ffi::SQLITE_IOERR_WRITE)?;
        // SAFETY: the buffer has that length, and nobody writes to it during the call (4).
        let data = unsafe { slice::from_raw_parts(data.cast(), size) };
        vfs.write(file, unsigned(offset)?, data)
    })
}

unsafe extern "C" fn x_truncate<V: Vfs>(
    file: *mut ffi::sqlite3_file,
    size: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the file is open and ours, since it has this method; nobody else uses it now (3).
    let (vfs, file) = unsafe { opened::<V>(file) };
    code(|| vfs.truncate(file, unsigned(size)?))
}

unsafe extern "C" fn x_sync<V: Vfs>(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: the file is open and ours, since it has this method; nobody else uses it now (3).
    let (vfs, file) = unsafe { opened::<V>(file) };
    code(|| vfs.sync(file))
}

unsafe extern "C" fn x_file_size<V: Vfs>(
    file: *mut ffi::sqlite3_file,
    result: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the file is open and ours, since it has this method; nobody else uses it now (3).
    let (vfs, file) = unsafe { opened::<V>(file) };
    code(|| {
        let size = vfs.size(file)?.try_into().map_err(|_| ffi::SQLITE_IOERR_FSTAT)?;
        // SAFETY: a place for a result is not null (4).
        unsafe { *result = size };
        Ok(())
    })
}

fn level(level: c_int) -> Answer<LockLevel> {
    match level {
        ffi::SQLITE_LOCK_NONE => Ok(LockLevel::Unlocked),
        ffi::SQLITE_LOCK_SHARED => Ok(LockLevel::Shared),
        ffi::SQLITE_LOCK_RESERVED => Ok(LockLevel::Reserved),
        ffi::SQLITE_LOCK_PENDING => Ok(LockLevel::Pending),
        ffi::SQLITE_LOCK_EXCLUSIVE => Ok(LockLevel::Exclusive),
        _ => Err(ffi::SQLITE_IOERR_LOCK),
    }
}

unsafe extern "C" fn x_lock<V: Vfs>(file: *mut ffi::sqlite3_file, wanted: c_int) -> c_int {
    // SAFETY: the file is open and ours, since it has this method; nobody else uses it now (3).
    let (vfs, file) = unsafe { opened::<V>(file) };
    code(|| vfs.lock(file, level(wanted)?))
}

unsafe extern "C" fn x_unlock<V: Vfs>(file: *mut ffi::sqlite3_file, wanted: c_int) -> c_int {
    // SAFETY: the file is open and ours, since it has this method; nobody else uses it now (3).
    let (vfs, file) = unsafe { opened::<V>(file) };
    code(|| vfs.unlock(file, level(wanted)?))
}

unsafe extern "C" fn x_check_reserved_lock<V: Vfs>(
    file: *mut ffi::sqlite3_file,
    result: *mut c_int,
) -> c_int {
    // SAFETY: the file is open and ours, since it has this method; nobody else uses it now (3).
    let (vfs, file) = unsafe { opened::<V>(file) };
    code(|| {
        let is_reserved = vfs.is_reserved(file)?;
        // SAFETY: a place for a result is not null (4).
        unsafe { *result = c_int::from(is_reserved) };
        Ok(())
    })
}

unsafe extern "C" fn x_file_control<V: Vfs>(
    file: *mut ffi::sqlite3_file,
    operation: c_int,
    argument: *mut c_void,
) -> c_int {
    if operation != ffi::SQLITE_FCNTL_PRAGMA {
        return ffi::SQLITE_NOTFOUND;
    }
    // SAFETY: the file is open and ours, since it has this method; nobody else uses it now (3).
    let (vfs, file) = unsafe { opened::<V>(file) };
    code(|| {
        // A place for the answer, the pragma's name, its value.
        let words: *mut *mut c_char = argument.cast();
        // SAFETY: this operation's argument has these places, and both texts are null or end in NUL (4).
        let (name, value) = unsafe { (text(*words.add(1)), text(*words.add(2))) };
        let name = name.ok_or(ffi::SQLITE_NOTFOUND)?;
        let Err(refusal) = vfs.pragma(file, &name, value.as_deref()) else {
            return Err(ffi::SQLITE_NOTFOUND);
        };
        let refusal = CString::new(refusal).map_err(|_| ffi::SQLITE_ERROR)?;
        // SAFETY: the format takes one text that ends in NUL; SQLite frees the copy that is put in the answer's place.
        unsafe { *words = ffi::sqlite3_mprintf(c"%s".as_ptr(), refusal.as_ptr()) };
        Err(ffi::SQLITE_ERROR)
    })
}

unsafe extern "C" fn x_sector_size<V: Vfs>(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: the file is open and ours, since it has this method; nobody else uses it now (3).
    let (vfs, file) = unsafe { opened::<V>(file) };
    // SQLite takes a size of its own for 0.
    caught(|| Ok(vfs.sector_size(file))).unwrap_or(0)
}

unsafe extern "C" fn x_device_characteristics<V: Vfs>(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: the file is open and ours, since it has this method; nobody else uses it now (3).
    let (vfs, file) = unsafe { opened::<V>(file) };
    caught(|| Ok(vfs.characteristics(file))).unwrap_or(0)
}
