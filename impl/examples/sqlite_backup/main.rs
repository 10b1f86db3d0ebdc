//! Backs up a real database from its remote copy while the pair stays a pair: the example's options, and its verdict.
//!
//! ```text
//! cargo run --release -p syncsplit-impl --example sqlite_backup [-- --seed N --backups N --moments N --keep DIR]
//! ```
//!
//! This process is the local site. It starts itself once more as the remote site, and the two talk over TCP. SQLite
//! runs on the P-VOL through a VFS, main file and rollback journal both, and four threads commit transactions on it
//! throughout.
//!
//! | file | is |
//! |---|---|
//! | `backups`, `moments`, `outage`, `homecoming` | the parts, and what each demands |
//! | `primary`, `traffic`, `timeline` | the local site, its writers, the times it notes |
//! | `control`, `remote` | the other process: what is asked of it, what it does |
//! | `bank`, `dump` | what the database ought to hold, what a database does hold |
//! | `ffi`, `vfs`, `locks`, `layout`, `headers`, `blocks`, `device`, `extract` | SQLite on a volume, and off it again |
//! | `pace`, `dice` | a link that takes time, chance that can be repeated |
#![deny(unsafe_code)]

#[path = "../trial_certificates/authority.rs"]
mod authority;
mod backups;
mod bank;
mod blocks;
mod certificates;
mod control;
mod device;
mod dice;
mod dump;
mod extract;
#[expect(unsafe_code, reason = "SQLite's interface to files is C")]
mod ffi;
#[cfg(test)]
mod ffi_tests;
mod headers;
mod homecoming;
mod layout;
#[cfg(test)]
mod layout_tests;
mod locks;
mod moments;
mod outage;
mod pace;
mod primary;
#[cfg(test)]
mod recorder;
mod remote;
mod timeline;
mod traffic;
mod vfs;
#[cfg(test)]
mod vfs_tests;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::{Parser, Subcommand};

/// What fails says why, in a sentence.
type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Backs up an SQLite database from its remote copy, in two processes, without suspending the pair.
#[derive(Parser)]
#[command(name = "sqlite_backup", subcommand_negates_reqs = true)]
struct Options {
    /// Repeats the chance of an earlier run: what is written, and when the primary is cut off
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many backups to take in a row
    #[arg(long, value_name = "N", default_value_t = 3,
        value_parser = clap::value_parser!(u32).range(1..=100))]
    backups: u32,
    /// At how many random moments to cut the primary off
    #[arg(long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=1000))]
    moments: u32,
    /// Keeps volumes, images and extracted databases in this directory, which must not exist yet
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Subcommand)]
enum Role {
    /// The second process: the remote site, commanded over its standard input.
    #[command(hide = true)]
    RemoteSite {
        /// Where its volumes go.
        directory: PathBuf,
        /// What to remove if the first process disappears.
        #[arg(long)]
        sweep: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    let options = Options::parse();
    let outcome = match &options.role {
        Some(Role::RemoteSite { directory, sweep }) => remote::run(directory, sweep.clone()),
        None => demonstrate(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The lock, whoever panicked in it: what the example's mutexes hold is changed whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the files go.
pub(crate) struct Scratch<'a> {
    /// An existing directory.
    pub(crate) root: &'a Path,
    /// Whether the files are wanted afterwards.
    pub(crate) kept: bool,
}

fn demonstrate(options: &Options) -> Outcome {
    let began = Instant::now();
    let seed = match options.seed {
        Some(seed) => seed,
        // Any number will do, and a short one is easier to type again.
        None => SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros() as u64 % 1_000_000,
    };
    let temporary;
    let scratch = match &options.keep {
        Some(root) => {
            std::fs::create_dir(root)
                .map_err(|error| format!("--keep {}: {error}", root.display()))?;
            Scratch { root, kept: true }
        }
        None => {
            temporary = tempfile::Builder::new().prefix("sqlite_backup-").tempdir()?;
            Scratch { root: temporary.path(), kept: false }
        }
    };
    println!("seed {seed} (--seed {seed} repeats what is written and when the link is cut)");
    let again = |error| format!("{error} (seed {seed})");
    let backups = backups::run(&scratch, seed, options.backups).map_err(again)?;
    println!();
    let moments = moments::run(&scratch, seed, options.moments).map_err(again)?;
    println!();
    let outage = outage::run(&scratch, seed).map_err(again)?;
    println!();
    let homecoming = homecoming::run(&scratch, seed).map_err(again)?;
    println!();
    let took = began.elapsed().as_secs_f64();
    println!("shown in {took:.0} s: {backups}; {moments}; {outage}; {homecoming}");
    Ok(())
}
