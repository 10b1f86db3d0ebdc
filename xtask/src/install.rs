//! What tests and comparisons need of the system beside the toolchain: one list, installed by one call where that can be
//! done. Nothing is started here: a test starts what it needs itself.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::end_of;

/// What is done with a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Everything.
    All,
    /// Steps of `test` that run servers and other programs.
    Test,
    /// `bench`.
    Bench,
}

/// A Debian package, who needs it, and how it is told that it is there.
type Package = (&'static str, Purpose, fn() -> bool);

const PACKAGES: &[Package] = &[
    ("python3", Purpose::All, || is_program("python3")),
    ("nodejs", Purpose::Test, || is_program("node")),
    ("golang-go", Purpose::Test, || is_program("go") && is_program("gofmt")),
    ("g++", Purpose::Test, || is_program("g++")),
    ("make", Purpose::Test, || is_program("make")),
    ("nlohmann-json3-dev", Purpose::Test, || Path::new("/usr/include/nlohmann/json.hpp").exists()),
    ("redis-server", Purpose::Test, || is_program("redis-server")),
    ("postgresql", Purpose::Test, has_postgres),
    ("qemu-system-common", Purpose::Test, || is_program("qemu-storage-daemon")),
    ("python3-libnbd", Purpose::Test, has_libnbd),
    // The calls of the example's VFS are run under it.
    ("valgrind", Purpose::Test, || is_program("valgrind")),
    ("spin", Purpose::Bench, || is_program("spin")),
    ("gcc", Purpose::Bench, || is_program("gcc")),
];

/// What Debian asks before it starts a service: a program that says no, by this exit code.
const POLICY: (&str, &str) = ("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n");

/// Finds what `purpose` needs, or installs what is missing.
///
/// # Errors
/// Packages are missing: the sentence names them, and says why they could not be installed.
pub(crate) fn ensure(purpose: Purpose) -> Result<String, String> {
    let missing = || {
        let is_wanted = |of| of == Purpose::All || of == purpose;
        let wanted = PACKAGES.iter().filter(|(_, of, is_there)| is_wanted(*of) && !is_there());
        wanted.map(|(name, _, _)| *name).collect::<Vec<_>>()
    };
    let names = missing();
    if names.is_empty() {
        return Ok(String::new());
    }
    let by_hand = format!("missing; on Debian `apt-get install -y {}`", names.join(" "));
    let is_root = end_of(Command::new("id").arg("-u")).is_ok_and(|id| id.stdout.trim() == "0");
    if !is_root {
        return Err(format!("{by_hand} (not tried: only root can install)\n"));
    }
    unstarted(&names).map_err(|why| format!("{by_hand} (tried: {why})\n"))?;
    let still = missing();
    if still.is_empty() {
        Ok(format!("installed {}\n", names.join(" ")))
    } else {
        Err(format!("{} installed, and still not found\n", still.join(" ")))
    }
}

/// Installs packages whose services are not to be started.
fn unstarted(names: &[&str]) -> Result<(), String> {
    let (path, text) = POLICY;
    let failed = |error| format!("{path}: {error}");
    let is_ours = !Path::new(path).exists();
    if is_ours {
        fs::write(path, text).map_err(failed)?;
        end_of(Command::new("chmod").args(["755", path]))?;
    }
    let installed = install(names);
    if is_ours {
        fs::remove_file(path).map_err(failed)?;
    }
    installed
}

fn install(names: &[&str]) -> Result<(), String> {
    let install = || end_of(apt(&["install", "-y", "--no-install-recommends"]).args(names));
    if install()?.code == Some(0) {
        return Ok(());
    }
    // A fresh machine has no lists, an old one lists of packages that are gone.
    end_of(&mut apt(&["update"]))?;
    let second = install()?;
    if second.code == Some(0) { Ok(()) } else { Err(second.stdout + &second.stderr) }
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command.args(["-o", "DPkg::Lock::Timeout=120"]).args(arguments);
    command
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
