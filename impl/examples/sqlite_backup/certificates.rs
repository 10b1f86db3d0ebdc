//! Who the two sites are to each other: an authority and two certificates, made anew for each part of the example.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use syncsplit_impl::transport::tls::{Identity, IdentityFiles, Security};

use crate::Outcome;
use crate::authority::Authority;

/// The names in the certificates of the two processes. A failback changes what a process does, and not who it is.
const NAMES: [&str; 2] = ["first.example", "second.example"];

/// One of the two processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Process {
    /// The one that was started by hand.
    First,
    /// The one that it has started.
    Second,
}

fn files(part: &Path) -> PathBuf {
    part.join("certificates")
}

/// Makes the certificates of both processes, in the folder of this part of the example.
pub(crate) fn make(part: &Path) -> Outcome {
    std::fs::create_dir(files(part))?;
    let authority = Authority::new("sqlite_backup")?;
    for name in NAMES {
        authority.issue(&files(part), name)?;
    }
    Ok(())
}

/// How `process` protects its links.
pub(crate) fn of(part: &Path, process: Process) -> Outcome<Security> {
    let [first, second] = NAMES;
    let (own, peer) = match process {
        Process::First => (first, second),
        Process::Second => (second, first),
    };
    let folder = files(part);
    let files = IdentityFiles {
        authority: folder.join("authority.pem"),
        certificate: folder.join(format!("{own}.pem")),
        key: folder.join(format!("{own}.key")),
    };
    Ok(Security::Tls(Arc::new(Identity::load(files, peer)?)))
}
