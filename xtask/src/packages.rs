//! Installs Debian packages, where that is possible.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::end_of;

/// What Debian asks before it starts a service: a program that says no, by this exit code.
const POLICY: (&str, &str) = ("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n");

/// As [`install`], of packages with services that are not to be started: a test starts what it needs itself.
///
/// # Errors
/// As [`install`].
pub(crate) fn install_unstarted(packages: &[&str], why: &str) -> Result<String, String> {
    let (path, text) = POLICY;
    let is_ours = user_id().as_deref() == Some("0") && !Path::new(path).exists();
    if is_ours {
        let written =
            fs::write(path, text).map(|()| end_of(Command::new("chmod").args(["755", path])));
        written.map_err(|error| format!("{path}: {error}"))??;
    }
    let installed = install(packages, why);
    if is_ours {
        fs::remove_file(path).map_err(|error| format!("{path}: {error}"))?;
    }
    installed
}

/// Installs `packages`; `why` says what they are for.
///
/// # Errors
/// A sentence that names the packages and says why they could not be installed.
pub(crate) fn install(packages: &[&str], why: &str) -> Result<String, String> {
    let names = packages.join(" ");
    let by_hand = format!("{why}: install it by hand, on Debian with `apt-get install -y {names}`");
    if user_id().as_deref() != Some("0") {
        return Err(format!("{by_hand} (not tried: only root can install)"));
    }
    let install = || {
        let mut command = apt(&["install", "-y", "--no-install-recommends"]);
        end_of(command.args(packages))
    };
    let refused = |why: String| format!("{by_hand} ({why})");
    let first = install().map_err(refused)?;
    if first.code == Some(0) {
        return Ok(format!("installed {names}"));
    }
    // A fresh machine has no lists, an old one lists of packages that are gone.
    end_of(&mut apt(&["update"])).map_err(refused)?;
    let second = install().map_err(refused)?;
    if second.code == Some(0) {
        return Ok(format!("installed {names}"));
    }
    Err(format!("{by_hand} (tried:\n{}{})", second.stdout, second.stderr))
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command.args(["-o", "DPkg::Lock::Timeout=120"]).args(arguments);
    command
}

fn user_id() -> Option<String> {
    let id = end_of(Command::new("id").arg("-u")).ok()?;
    Some(id.stdout.trim().to_owned())
}
