//! SQLite's five lock levels between the connections of one process.
//! Only the table lives here: no files, no waiting (SQLite's busy handler waits and asks again).

use std::sync::{Mutex, MutexGuard};

use crate::lock;

/// How far a connection has locked the database; each level has all that those before it have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LockLevel {
    /// Neither reads nor writes.
    Unlocked,
    /// Reads, beside other readers.
    Shared,
    /// Is the one that will write, beside readers that may still come.
    Reserved,
    /// Waits for the last reader to leave; none may come.
    Pending,
    /// Writes, alone.
    Exclusive,
}

/// The lock could not be taken now; SQLite may ask again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Busy;

/// The locks on one database file. Each connection keeps its own level and passes it in.
#[derive(Default)]
pub(crate) struct LockTable {
    holders: Mutex<Holders>,
}

/// Invariant: `reserved` and `pending`, if set, belong to connections counted in `shared`; they
/// belong to one connection if both are set.
#[derive(Default)]
struct Holders {
    /// Connections at SHARED or above.
    shared: usize,
    /// Some connection took RESERVED and has not gone below it.
    reserved: bool,
    /// Some connection is at PENDING or EXCLUSIVE: no new SHARED.
    pending: bool,
}

impl LockTable {
    /// Raises `level` to `wanted`. On `Busy` it may have risen to PENDING, which is then kept, so
    /// that a stream of readers cannot keep a writer out for ever.
    pub(crate) fn lock(&self, level: &mut LockLevel, wanted: LockLevel) -> Result<(), Busy> {
        let mut holders = self.holders();
        if *level >= wanted {
            return Ok(());
        }
        if *level == LockLevel::Unlocked {
            if holders.pending {
                return Err(Busy);
            }
            holders.shared += 1;
            *level = LockLevel::Shared;
        }
        if wanted == LockLevel::Shared {
            return Ok(());
        }
        // Someone else is the writer, or is rolling a hot journal back.
        let reserved_by_other = holders.reserved && *level < LockLevel::Reserved;
        let pending_by_other = holders.pending && *level < LockLevel::Pending;
        if reserved_by_other || pending_by_other {
            return Err(Busy);
        }
        if wanted == LockLevel::Reserved {
            holders.reserved = true;
            *level = LockLevel::Reserved;
            return Ok(());
        }
        holders.pending = true;
        *level = LockLevel::Pending;
        if wanted == LockLevel::Exclusive {
            if holders.shared > 1 {
                return Err(Busy);
            }
            *level = LockLevel::Exclusive;
        }
        Ok(())
    }

    /// Lowers `level` to `wanted`, which SQLite has be SHARED or UNLOCKED.
    pub(crate) fn unlock(&self, level: &mut LockLevel, wanted: LockLevel) {
        let mut holders = self.holders();
        if *level <= wanted {
            return;
        }
        if *level >= LockLevel::Pending {
            // A rollback of a hot journal comes here without RESERVED. Nobody else can hold it: the
            // step to PENDING was refused while another did, and PENDING refuses it since.
            holders.pending = false;
            holders.reserved = false;
        }
        if *level == LockLevel::Reserved {
            holders.reserved = false;
        }
        if wanted == LockLevel::Unlocked {
            holders.shared -= 1;
        }
        *level = wanted;
    }

    /// Whether a live writer owns the journal, which is then not hot.
    ///
    /// PENDING without RESERVED must not count, although SQLite's Unix VFS counts it:
    /// 1. An image with a hot journal is opened; connections A and B both take SHARED.
    /// 2. A finds the journal hot and asks for EXCLUSIVE: it gets PENDING, and is busy due to B.
    /// 3. B asks this question. Were the answer yes, B would take the journal for a live writer's
    ///    and read the unrecovered database.
    pub(crate) fn is_reserved(&self) -> bool {
        self.holders().reserved
    }

    fn holders(&self) -> MutexGuard<'_, Holders> {
        lock(&self.holders)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LockLevel::{Exclusive, Pending, Reserved, Shared, Unlocked};

    #[test]
    fn one_writer_beside_readers_then_alone() {
        let table = LockTable::default();
        let (mut a, mut b, mut c) = (Unlocked, Unlocked, Unlocked);
        assert_eq!(table.lock(&mut a, Shared), Ok(()));
        assert_eq!(table.lock(&mut b, Shared), Ok(()));
        assert_eq!(table.lock(&mut a, Reserved), Ok(()));
        assert_eq!(table.lock(&mut b, Reserved), Err(Busy));
        assert!(table.is_reserved());
        assert_eq!(table.lock(&mut c, Shared), Ok(()));
        assert_eq!((table.lock(&mut a, Exclusive), a), (Err(Busy), Pending));
        table.unlock(&mut c, Unlocked);
        assert_eq!(table.lock(&mut c, Shared), Err(Busy));
        table.unlock(&mut b, Unlocked);
        assert_eq!((table.lock(&mut a, Exclusive), a), (Ok(()), Exclusive));
        table.unlock(&mut a, Shared);
        assert!(!table.is_reserved());
        assert_eq!(table.lock(&mut c, Shared), Ok(()));
        assert_eq!(table.lock(&mut c, Reserved), Ok(()));
        table.unlock(&mut a, Unlocked);
        table.unlock(&mut c, Unlocked);
        assert_eq!(table.holders().shared, 0);
    }

    #[test]
    fn a_recovering_connection_does_not_look_like_a_writer() {
        let table = LockTable::default();
        let (mut a, mut b) = (Unlocked, Unlocked);
        assert_eq!(table.lock(&mut a, Shared), Ok(()));
        assert_eq!(table.lock(&mut b, Shared), Ok(()));
        assert_eq!((table.lock(&mut a, Exclusive), a), (Err(Busy), Pending));
        assert!(!table.is_reserved());
        assert_eq!((table.lock(&mut b, Exclusive), b), (Err(Busy), Shared));
        table.unlock(&mut b, Unlocked);
        assert_eq!(table.lock(&mut a, Exclusive), Ok(()));
        table.unlock(&mut a, Unlocked);
        assert_eq!(table.lock(&mut b, Shared), Ok(()));
    }
}
