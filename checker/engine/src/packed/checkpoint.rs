//! The file in which a search is kept: how it is laid out, written and read.
//!
//! Never here: a search, or the question whether a limit has ended one.
//!
//! ```text
//! syncsplit checkpoint\nformat 1\n     what the file is
//! length, 8 bytes                      of the header; all numbers begin with their lowest byte
//! header                               JSON: what the run is about, what it has counted
//! checksum, 8 bytes                    XXH3 of all so far
//! states                               packed, in the order of the queue
//! parents                              one byte for each state
//! marks                                four bytes for each block of parents
//! checksum, 16 bytes                   XXH3 of all so far
//! ```
//!
//! The table is not kept: it takes less time to make it anew than to read it. A file is used only
//! when every byte of it is accounted for, and no memory is asked for that the length of the file
//! does not vouch for.

use super::pack::Words;
use super::rehash;
use super::snapshot::{Snapshot, known_contradiction};
use super::store::{Known, Place, SHARDS, States};
use super::table::Demand;
use crate::limits::{MARGIN, resident_bytes};
use crate::{CheckpointError, Difference, Spoilt, Written};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::iter::once;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::Xxh3Default;

/// What every checkpoint begins with.
const MAGIC: &str = "syncsplit checkpoint\n";
/// The layout above. Another one has another number.
const FORMAT: &str = "format 1\n";
/// The bytes of the two checksums.
const HEADER_SUM: usize = size_of::<u64>();
const SUM: usize = size_of::<u128>();
/// Bytes read or written at once.
const BUFFER: usize = 1 << 16;
/// The mean of a shard may be exceeded by this factor, and by this many states besides. Where the
/// states of a file lie closer, the table would be many times larger than they are.
const CROWD: usize = 2;
const CROWD_ALONE: usize = 1 << 12;

/// What stands at the front of a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    about: About,
    /// Bytes of a state.
    stride: usize,
    /// Blocks of parents.
    marks: u32,
    search: Snapshot,
}

/// What a search is about: names and values of all that decides what it finds.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    /// In a few words.
    pub(super) title: String,
    /// The settings of the command that runs the search, by name.
    pub(super) given: Vec<(String, String)>,
    /// What the engine sees. It mostly follows from the settings. It stands apart from them so that a
    /// difference is reported once.
    pub(super) own: Vec<(String, String)>,
}

/// What may be in the way of writing `file`, found out before a long search and not after it.
///
/// # Errors
///
/// The file cannot be created or written, or is a folder or a device.
pub fn try_out(file: &Path) -> Result<(), CheckpointError> {
    let tried = target_of(file).and_then(|target| {
        let partial = partial_of(&target);
        File::create(&partial)?;
        fs::remove_file(partial)
    });
    tried.map_err(|error| unwritable(file, &error))
}

/// Writes a search to a file beside `file`, which takes its place once all is on disk.
pub(super) fn write<P: Words>(
    file: &Path,
    about: &About,
    search: &Snapshot,
    known: &Known<P>,
) -> Result<Written, CheckpointError> {
    let put = |target: PathBuf| {
        let partial = partial_of(&target);
        let written = write_all(&partial, about, search, known).and_then(|bytes| {
            fs::rename(&partial, &target)?;
            Ok(bytes)
        });
        if written.is_err() {
            // The error is the one that is told; what is left of the attempt is only in the way.
            let _ = fs::remove_file(&partial);
        }
        // That the name has changed is on disk once the folder is. Not every system can be asked
        // for that, and the file is whole either way.
        if let Some(Ok(folder)) = target.parent().map(File::open) {
            let _ = folder.sync_all();
        }
        written
    };
    let bytes = target_of(file).and_then(put).map_err(|error| unwritable(file, &error))?;
    Ok(Written { states: u64::from(search.states), bytes })
}

fn write_all<P: Words>(
    partial: &Path,
    about: &About,
    search: &Snapshot,
    known: &Known<P>,
) -> io::Result<u64> {
    let len = search.states as usize;
    // A slice that was left half checked has marks, and its states do not count.
    let marks = known.first_children.partition_point(|first| *first < search.states);
    let marks = known.first_children.get(..marks).unwrap_or_default();
    let header = serde_json::to_vec_pretty(&Header {
        about: about.clone(),
        stride: known.layout.stride(),
        marks: marks.len() as u32,
        search: search.clone(),
    })?;
    let mut out = Summed::new(BufWriter::with_capacity(BUFFER, File::create(partial)?));
    out.put(MAGIC.as_bytes())?;
    out.put(FORMAT.as_bytes())?;
    out.put(&(header.len() as u64).to_le_bytes())?;
    out.put(&header)?;
    let sum = out.sum.digest();
    out.put(&sum.to_le_bytes())?;
    known.states.written(len).try_for_each(|bytes| out.put(bytes))?;
    known.parents.written(len).try_for_each(|bytes| out.put(bytes))?;
    marks.iter().try_for_each(|mark| out.put(&mark.to_le_bytes()))?;
    let sum = out.sum.digest128();
    out.put(&sum.to_le_bytes())?;
    let file = out.inner.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(out.bytes)
}

/// Reads the search that `keep` names into `states`, which has none yet.
pub(super) fn read<P: Words>(
    file: &Path,
    about: &About,
    properties: usize,
    states: &mut States<P>,
    memory: Option<u64>,
    threads: NonZeroUsize,
) -> Result<Snapshot, CheckpointError> {
    let mut reading = Reading::open(file)?;
    let Header { about: found, stride, marks, search } = reading.header()?;
    for (found_some, asked) in [(&found.given, &about.given), (&found.own, &about.own)] {
        let differences = differences(found_some, asked);
        if !differences.is_empty() {
            return Err(reading.spoilt(Spoilt::Differs { title: found.title, differences }));
        }
    }
    let body = |stride: usize| {
        let each = u128::from(search.states) * (stride as u128 + 1);
        each + u128::from(marks) * size_of::<u32>() as u128 + SUM as u128
    };
    reading.ends_after(body(stride))?;
    if stride != states.known.layout.stride() {
        return Err(reading.contradicts("states of another size"));
    }
    if let Some(what) = search.contradiction(properties) {
        return Err(reading.contradicts(what));
    }
    let needed = needed(&states.known, search.states as usize, marks as usize);
    if let Some(limit) = memory.filter(|limit| needed > *limit) {
        return Err(reading.spoilt(Spoilt::NoRoom { needed, limit }));
    }
    reading.states(&mut states.known, &search, marks)?;
    if let Some(what) = known_contradiction(&states.known) {
        return Err(reading.contradicts(what));
    }
    let demand = demand(&states.known);
    let fullest = demand.more.iter().max().copied().unwrap_or(0);
    if fullest > CROWD * (search.states as usize / SHARDS) + CROWD_ALONE {
        return Err(reading.contradicts("the same state again and again"));
    }
    let size = states.table.size_for(&demand).unwrap_or(states.table.size());
    rehash::rehash(states, size, threads);
    Ok(search)
}

/// In what the two differ, in the order of what is asked.
fn differences(found: &[(String, String)], asked: &[(String, String)]) -> Vec<Difference> {
    let value = |about: &[(String, String)], name: &str| {
        about.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    };
    let unasked = found.iter().filter(|(name, _)| value(asked, name).is_none());
    let names = asked.iter().chain(unasked).map(|(name, _)| name);
    let both = names.map(|name| Difference {
        name: name.clone(),
        found: value(found, name),
        asked: value(asked, name),
    });
    both.filter(|difference| difference.found != difference.asked).collect()
}

/// The memory that so many states take, with a table that is as full as it may be and the little
/// that a search cannot do without.
fn needed<P: Words>(known: &Known<P>, len: usize, marks: usize) -> u64 {
    let table = len * size_of::<u32>() * 9 / 8;
    let own = known.bytes_for(len) + marks * size_of::<u32>() + table + rehash::BYTES;
    resident_bytes().unwrap_or(0) + own as u64 + MARGIN
}

fn demand<P: Words>(known: &Known<P>) -> Demand {
    let mut more = vec![0; SHARDS];
    for number in 0..known.len {
        more[Place::of(known.hash_of(number)).shard % SHARDS] += 1;
    }
    Demand { more, number_last: known.len }
}

/// The file itself where a name leads to it over links, so that the links stay.
fn target_of(file: &Path) -> io::Result<PathBuf> {
    match fs::metadata(file) {
        Ok(found) if !found.is_file() => {
            Err(io::Error::other("it is a folder or a device, and a plain file is needed"))
        }
        Ok(_) => fs::canonicalize(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(file.to_path_buf()),
        Err(error) => Err(error),
    }
}

/// In the same folder, since only there can it take the other's place in one step.
fn partial_of(target: &Path) -> PathBuf {
    let mut name = OsString::from(target);
    name.push(".partial");
    name.into()
}

fn unwritable(file: &Path, error: &io::Error) -> CheckpointError {
    CheckpointError { file: file.into(), why: Spoilt::Unwritable(error.to_string()) }
}

/// Bytes on their way to a file, summed up.
struct Summed<W> {
    inner: W,
    sum: Box<Xxh3Default>,
    bytes: u64,
}

impl<W> Summed<W> {
    fn new(inner: W) -> Self {
        Self { inner, sum: Box::new(Xxh3Default::new()), bytes: 0 }
    }
}

impl<W: Write> Summed<W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_all(bytes)?;
        self.sum.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// A file that is being read from its front.
struct Reading<'a> {
    file: &'a Path,
    from: BufReader<File>,
    sum: Box<Xxh3Default>,
    /// How long the file is, and how much of it was read.
    bytes: u64,
    taken: u64,
}

impl<'a> Reading<'a> {
    fn open(file: &'a Path) -> Result<Self, CheckpointError> {
        let spoilt = |why| CheckpointError { file: file.into(), why };
        let unreadable = |error: io::Error| spoilt(Spoilt::Unreadable(error.to_string()));
        // Before it is opened, which for a pipe would wait.
        if !fs::metadata(file).map_err(unreadable)?.is_file() {
            return Err(spoilt(Spoilt::NotAFile));
        }
        let opened = File::open(file).map_err(unreadable)?;
        let bytes = opened.metadata().map_err(unreadable)?.len();
        let from = BufReader::with_capacity(BUFFER, opened);
        Ok(Self { file, from, sum: Box::new(Xxh3Default::new()), bytes, taken: 0 })
    }

    fn spoilt(&self, why: Spoilt) -> CheckpointError {
        CheckpointError { file: self.file.into(), why }
    }

    fn contradicts(&self, what: &'static str) -> CheckpointError {
        self.spoilt(Spoilt::Contradicts { what })
    }

    fn left(&self) -> u64 {
        self.bytes - self.taken
    }

    /// Whether the file has so many bytes left at least.
    fn has(&self, more: u64) -> Result<(), CheckpointError> {
        if more > self.left() {
            let valid = self.taken.saturating_add(more);
            return Err(self.spoilt(Spoilt::Length { found: self.bytes, valid }));
        }
        Ok(())
    }

    /// Whether the file has so many bytes left and no more.
    fn ends_after(&self, more: u128) -> Result<(), CheckpointError> {
        if more != u128::from(self.left()) {
            let valid = u64::try_from(more + u128::from(self.taken)).unwrap_or(u64::MAX);
            return Err(self.spoilt(Spoilt::Length { found: self.bytes, valid }));
        }
        Ok(())
    }

    fn take(&mut self, bytes: &mut [u8]) -> Result<(), CheckpointError> {
        self.has(bytes.len() as u64)?;
        let read = self.from.read_exact(bytes);
        read.map_err(|error| self.spoilt(Spoilt::Unreadable(error.to_string())))?;
        self.sum.update(bytes);
        self.taken += bytes.len() as u64;
        Ok(())
    }

    /// Takes a checksum of what was read so far, and whether it is right.
    fn sum<const N: usize>(
        &mut self,
        sum: [u8; N],
        part: &'static str,
    ) -> Result<(), CheckpointError> {
        let mut found = [0; N];
        self.take(&mut found)?;
        if found == sum { Ok(()) } else { Err(self.spoilt(Spoilt::Altered { part })) }
    }

    fn header(&mut self) -> Result<Header, CheckpointError> {
        let mut magic = [0; MAGIC.len()];
        let most = self.bytes.min(MAGIC.len() as u64) as usize;
        self.take(&mut magic[..most])?;
        if magic != MAGIC.as_bytes() {
            let begins = format!("{:?}", String::from_utf8_lossy(&magic[..most]));
            return Err(self.spoilt(Spoilt::NotACheckpoint { begins }));
        }
        let mut format = [0; FORMAT.len()];
        self.take(&mut format)?;
        if format != FORMAT.as_bytes() {
            let found = String::from_utf8_lossy(&format).trim_end().into();
            let valid = FORMAT.trim_end().into();
            return Err(self.spoilt(Spoilt::Format { found, valid }));
        }
        let mut len = [0; size_of::<u64>()];
        self.take(&mut len)?;
        let len = u64::from_le_bytes(len);
        self.has(len.saturating_add((HEADER_SUM + SUM) as u64))?;
        let mut header = vec![0; len as usize];
        self.take(&mut header)?;
        self.sum(self.sum.digest().to_le_bytes(), "its header")?;
        let header = serde_json::from_slice(&header);
        header.map_err(|_| self.contradicts("its header is not one"))
    }

    /// Takes all states, and whether they are as they were written.
    fn states<P: Words>(
        &mut self,
        known: &mut Known<P>,
        search: &Snapshot,
        marks: u32,
    ) -> Result<(), CheckpointError> {
        let len = search.states as usize;
        for arena in [&mut known.states, &mut known.parents] {
            arena.make_room(len);
            for piece in arena.pieces(0, once(len)).into_iter().flatten() {
                self.take(piece)?;
            }
        }
        known.first_children = Vec::with_capacity(marks as usize);
        for _ in 0..marks {
            let mut mark = [0; size_of::<u32>()];
            self.take(&mut mark)?;
            known.first_children.push(u32::from_le_bytes(mark));
        }
        (known.len, known.roots) = (search.states, search.roots);
        self.sum(self.sum.digest128().to_le_bytes(), "its contents")
    }
}
