//! Whatever is started here ends with this process, whatever ends this process. What is started is not known here.
//!
//! A guard holds the reading end of a pipe, and ends its group of processes when it finds the other end closed. The system
//! closes that when this process is no more.

use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// Has `command` start in the guard's group. Where there is no shell, or no such groups, nothing holds it.
pub(crate) fn hold(command: &mut Command) {
    static GUARD: OnceLock<Option<Child>> = OnceLock::new();
    if let Some(guard) = GUARD.get_or_init(guard) {
        group(command, guard.id());
    }
}

/// Its stdin stays open as long as this process is there.
fn guard() -> Option<Child> {
    let mut guard = Command::new("sh");
    guard.args(["-c", "trap '' HUP INT QUIT TERM; read -r line; kill -s KILL 0"]);
    guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    group(&mut guard, 0);
    guard.spawn().ok()
}

/// Has `command` start in a group; 0 is its own.
fn group(command: &mut Command, group: u32) {
    #[cfg(unix)]
    if let Ok(group) = i32::try_from(group) {
        std::os::unix::process::CommandExt::process_group(command, group);
    }
}
