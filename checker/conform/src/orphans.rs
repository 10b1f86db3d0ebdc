//! Processes that an adapter has started and that have left its process group, as a daemon does: where the system is Linux
//! they become children of this process when their parent ends, and are ended here. What an adapter is is not known here.

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// How long they have to end by themselves, as a server that notices its adapter's end has to clear up.
const LEAVE: Duration = Duration::from_secs(10);
/// How long is waited, after they were killed, until they are gone.
const KILLED: Duration = Duration::from_secs(2);
/// How often they are looked for meanwhile.
const LOOK: Duration = Duration::from_millis(10);

/// The children that this process had when it began to adopt orphans; none while it does not.
static BEFORE: OnceLock<BTreeSet<i32>> = OnceLock::new();

/// From now on this process becomes the parent of whatever its adapters leave behind. For a program that runs one adapter
/// at a time and has no other children: those would be ended as well.
pub fn adopt() {
    #[cfg(target_os = "linux")]
    if nix::sys::prctl::set_child_subreaper(true).is_ok() {
        BEFORE.get_or_init(|| children().into_iter().map(|(child, _)| child).collect());
    }
}

/// Ends every orphan that there is, once the adapter itself was ended and reaped; `group` is who watched over its group.
pub(crate) fn end(group: u32) {
    let begin = Instant::now();
    while begin.elapsed() < LEAVE + KILLED {
        let (running, ended) = orphans(&[group]);
        if running.is_empty() && ended.is_empty() {
            return;
        }
        // What one of them had started is an orphan once it has ended, and is found the next time.
        ended.into_iter().for_each(reap);
        if begin.elapsed() >= LEAVE {
            running.into_iter().for_each(kill);
        }
        thread::sleep(LOOK);
    }
}

/// Forgets the orphans that have ended, while the adapter runs: the system keeps a number for each until then. `known` are the
/// adapter and who watches over its group.
pub(crate) fn reap_ended(known: [u32; 2]) {
    let (_, ended) = orphans(&known);
    ended.into_iter().for_each(reap);
}

/// The orphans that run, and those that have ended and are not reaped.
fn orphans(known: &[u32]) -> (Vec<i32>, Vec<i32>) {
    let Some(before) = BEFORE.get() else { return (Vec::new(), Vec::new()) };
    let is_known = |child| u32::try_from(child).is_ok_and(|child| known.contains(&child));
    let is_own = |child: &i32| before.contains(child) || is_known(*child);
    let orphans = children().into_iter().filter(|(child, _)| !is_own(child));
    let (running, ended): (Vec<_>, Vec<_>) = orphans.partition(|(_, is_running)| *is_running);
    let numbers = |orphans: Vec<(i32, bool)>| orphans.into_iter().map(|(child, _)| child).collect();
    (numbers(running), numbers(ended))
}

/// The children of this process, each with whether it runs: one that does not has ended and is not reaped.
fn children() -> Vec<(i32, bool)> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let me = std::process::id();
    let child = |process: std::fs::DirEntry| {
        let number = process.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(process.path().join("stat")).ok()?;
        // "number (name) state parent ...", and the name may hold anything.
        let (_, rest) = stat.rsplit_once(')')?;
        let mut words = rest.split_whitespace();
        let (state, parent) = (words.next()?, words.next()?);
        (parent.parse() == Ok(me)).then_some((number, state != "Z"))
    };
    processes.flatten().filter_map(child).collect()
}

#[cfg(unix)]
fn kill(child: i32) {
    // Fails when it has ended meanwhile, which is what is wanted.
    let _ = nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(child),
        nix::sys::signal::Signal::SIGKILL,
    );
}

#[cfg(unix)]
fn reap(child: i32) {
    use nix::sys::wait::{WaitPidFlag, waitpid};
    let _ = waitpid(nix::unistd::Pid::from_raw(child), Some(WaitPidFlag::WNOHANG));
}

#[cfg(not(unix))]
fn kill(_: i32) {}

#[cfg(not(unix))]
fn reap(_: i32) {}
