//! A group of processes that ends with this process, whatever ends this process. What runs in the group is not known here.
//!
//! The group's first process holds one end of a pipe, and ends the group when it finds the other end closed. The system closes
//! that when this process is no more. A process that is being started holds that end too, until it is in the group and runs
//! its program: so there is no moment at which one can be missed.

use std::io;
use std::process::{Child, Command, Stdio};

/// A group of processes, ended when this is dropped and when this process ends. Where there are no such groups it holds
/// nothing.
pub struct Leash {
    /// Its stdin is the pipe. The group has its number, which is nobody else's until it is reaped.
    guard: Child,
}

impl Leash {
    /// A group that holds nothing yet.
    ///
    /// # Errors
    /// There is no shell, or no more processes can be started.
    pub fn new() -> io::Result<Self> {
        let mut guard = Command::new("sh");
        // Whoever in the group ends its own group in a gentler way does not end the guard.
        guard.args(["-c", "trap '' HUP INT QUIT TERM; read -r line; kill -s KILL 0"]);
        guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut guard, 0);
        Ok(Self { guard: guard.spawn()? })
    }

    /// Has `command` start in the group.
    pub fn hold(&self, command: &mut Command) {
        #[cfg(unix)]
        if let Ok(group) = i32::try_from(self.guard.id()) {
            std::os::unix::process::CommandExt::process_group(command, group);
        }
    }

    /// The number of the process that watches over the group, a child of this one.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.guard.id()
    }

    /// Ends whatever is in the group.
    pub fn end(&mut self) {
        #[cfg(unix)]
        if let Ok(group) = i32::try_from(self.guard.id()) {
            let group = nix::unistd::Pid::from_raw(group);
            // Fails when nothing of the group is left, which is what is wanted.
            let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
        }
        let _ = self.guard.kill();
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        self.end();
        let _ = self.guard.wait();
    }
}
