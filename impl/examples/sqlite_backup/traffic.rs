//! The bank's customers: threads that commit transactions on the P-VOL until told to stop, each transaction passed
//! through the gate so that a freeze holds it.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use syncsplit_impl::database::Gate;
use syncsplit_impl::local::LocalNode;
use syncsplit_model::protocol::QMarker;
use syncsplit_model::protocol::sync::PairView;

use crate::dice::Dice;
use crate::vfs::VolumeVfs;
use crate::{Outcome, bank, lock};

/// How many threads write.
pub(crate) const WRITERS: u64 = 4;
/// The longest pause of a writer, in lengths of the transaction before it. The pause grows with what the transaction
/// took, so that on any machine the link carries on average more than is written, and the journal drains.
const PAUSE_MAX: u64 = 12;
/// How long a commit may be waited for, and how long a writer waits for the other writers' locks.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the writers share.
pub(crate) struct Traffic {
    seed: u64,
    gate: Arc<Gate>,
    node: Arc<LocalNode>,
    volume: VolumeVfs,
    stopping: AtomicBool,
    /// The highest number of a commit that SQLite was asked for.
    begun: AtomicI64,
    /// The highest number of a commit that SQLite has answered.
    answered: AtomicI64,
    rolled_back: AtomicU64,
    /// Each answered commit, with the newest write by then: all of its own writes, and perhaps some of the next one's.
    commits: Mutex<Vec<(i64, QMarker)>>,
    trouble: Mutex<Option<String>>,
}

impl Traffic {
    pub(crate) fn new(
        seed: u64,
        gate: &Arc<Gate>,
        node: &Arc<LocalNode>,
        volume: VolumeVfs,
    ) -> Self {
        Traffic {
            seed,
            gate: gate.clone(),
            node: node.clone(),
            volume,
            stopping: AtomicBool::new(false),
            begun: AtomicI64::new(0),
            answered: AtomicI64::new(0),
            rolled_back: AtomicU64::new(0),
            commits: Mutex::default(),
            trouble: Mutex::default(),
        }
    }

    /// Runs `body` while all writers write. `on_failure` has to end what they may be waiting for.
    pub(crate) fn while_writing<T>(
        &self,
        body: impl FnOnce() -> Outcome<T>,
        on_failure: impl FnOnce(),
    ) -> Outcome<T> {
        thread::scope(|scope| {
            for writer in 1..=WRITERS {
                scope.spawn(move || {
                    if let Err(error) = self.write(writer)
                        && !self.stopping.load(Ordering::SeqCst)
                    {
                        *lock(&self.trouble) = Some(format!("writer {writer}: {error}"));
                    }
                });
            }
            let outcome = body();
            self.stopping.store(true, Ordering::SeqCst);
            if outcome.is_err() {
                on_failure();
            }
            outcome
        })
    }

    /// The highest number of a commit that SQLite was asked for.
    pub(crate) fn begun(&self) -> i64 {
        self.begun.load(Ordering::SeqCst)
    }

    /// The highest number of a commit that SQLite has answered.
    pub(crate) fn answered(&self) -> i64 {
        self.answered.load(Ordering::SeqCst)
    }

    /// How many transactions were rolled back.
    pub(crate) fn rolled_back(&self) -> u64 {
        self.rolled_back.load(Ordering::SeqCst)
    }

    /// The highest number of a commit that the primary has been told is written remotely.
    pub(crate) fn known_remote(&self, view: &PairView) -> i64 {
        let commits = lock(&self.commits);
        let remote = commits
            .iter()
            .filter(|(_, at)| at.incarnation == view.newest.incarnation && at.seq <= view.written);
        remote.map(|(n, _)| *n).max().unwrap_or(0)
    }

    /// Waits until so many more transactions have been committed.
    pub(crate) fn wait_for(&self, more: i64) -> Outcome {
        let wanted = self.answered() + more;
        let deadline = Instant::now() + PATIENCE;
        while self.answered() < wanted {
            if let Some(trouble) = lock(&self.trouble).clone() {
                return Err(trouble.into());
            }
            if Instant::now() > deadline {
                let got = self.answered();
                return Err(
                    format!("commit {wanted} was not seen in {PATIENCE:?}, only {got}").into()
                );
            }
            thread::sleep(Duration::from_micros(200));
        }
        Ok(())
    }

    fn write(&self, writer: u64) -> Outcome {
        let mut dice = Dice(self.seed ^ writer);
        let mut conn = self.volume.connect(PATIENCE)?;
        // SQLite's own waiting grows to a tenth of a second, and whoever has just committed wins most of the time.
        conn.busy_handler(Some(|times| {
            thread::sleep(Duration::from_millis(1));
            times < 60_000
        }))?;
        // So small a cache spills: pages reach the main file before the commit.
        conn.pragma_update(None, "cache_size", 16)?;
        // Every other writer never flushes: the order of the writes has to do. Its journal is hot from its first block on.
        if writer.is_multiple_of(2) {
            conn.pragma_update(None, "synchronous", "OFF")?;
        }
        while !self.stopping.load(Ordering::SeqCst) {
            let give_up = dice.below(16) == 0;
            let took = self.gate.transaction(|| self.transact(&mut conn, give_up))??;
            let sixteenths = dice.below(PAUSE_MAX * 16) as u32;
            thread::sleep(took / 16 * sixteenths);
        }
        Ok(())
    }

    /// Runs one transaction; the answer is how long it took.
    fn transact(&self, conn: &mut Connection, give_up: bool) -> Outcome<Duration> {
        let from = Instant::now();
        let begun = |n| {
            self.begun.fetch_max(n, Ordering::SeqCst);
        };
        let committed = bank::transact(conn, self.seed, give_up, begun)
            .map_err(|error| self.volume.explain(error))?;
        match committed {
            Some(n) => {
                lock(&self.commits).push((n, self.node.view()?.newest));
                self.answered.fetch_max(n, Ordering::SeqCst);
            }
            None => {
                self.rolled_back.fetch_add(1, Ordering::SeqCst);
            }
        }
        Ok(from.elapsed())
    }
}
