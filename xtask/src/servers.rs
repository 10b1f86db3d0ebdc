//! What Debian has to install: the servers that adapters of the conformance kit are for, Redis, PostgreSQL and QEMU's
//! storage daemon, the language of one adapter, and valgrind.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::packages;
use crate::run::end_of;

/// A package, and how it is told that it is there.
type Package = (&'static str, fn() -> bool);

const PACKAGES: &[Package] = &[
    ("redis-server", || is_program("redis-server")),
    ("postgresql", has_postgres),
    ("qemu-system-common", || is_program("qemu-storage-daemon")),
    ("python3-libnbd", has_libnbd),
    ("nodejs", || is_program("node")),
    ("valgrind", || is_program("valgrind")),
];

/// Finds the packages, or installs those that are missing.
///
/// # Errors
/// A sentence that says what to install.
pub(crate) fn ensure() -> Result<String, String> {
    // The adapters end their servers by a call that only Linux has; elsewhere their test is empty.
    let missing = || PACKAGES.iter().filter(|(_, is_there)| !is_there()).map(|(name, _)| *name);
    if !cfg!(target_os = "linux") || missing().next().is_none() {
        return Ok(String::new());
    }
    let why = "the conformance kit is tried on real servers and by an adapter in JavaScript, the example under valgrind";
    let wanted: Vec<&str> = missing().collect();
    let installed = packages::install_unstarted(&wanted, why)?;
    let still: Vec<&str> = missing().collect();
    if still.is_empty() {
        Ok(installed)
    } else {
        Err(format!("{why}: {} was installed and is still not found", still.join(" ")))
    }
}

fn is_program(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// Debian keeps the server's programs out of PATH, in a folder for each version.
fn has_postgres() -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let has = |name: &str, folder: &Path| folder.join(name).is_file();
    folders.iter().any(|folder| has("postgres", folder) && has("initdb", folder))
}

/// The package is for the system's Python, whichever comes first in PATH.
fn has_libnbd() -> bool {
    let asked = end_of(Command::new("/usr/bin/python3").args(["-c", "import nbd"]));
    asked.is_ok_and(|ended| ended.code == Some(0))
}
