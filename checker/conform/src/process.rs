//! The adapter's process: started in a group of its own, asked one thing at a time within a time limit, and ended with
//! everything of the group, here or by its [`Leash`]; what has left it is ended in [`orphans`]. What the questions mean is
//! not known here.

use std::collections::VecDeque;
use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::leash::Leash;
use crate::orphans;
use crate::wire::{Hello, LINE_MAX, Reply, Request, VERSION, printable};

/// How many lines of the adapter's stderr are kept.
const STDERR_LINES: usize = 20;
/// How long an adapter has to end by itself once its stdin is closed.
const LEAVE: Duration = Duration::from_secs(2);
/// How often a wait looks whether it is to be given up, or over.
const LOOK: Duration = Duration::from_millis(50);

/// The adapter failed, which says nothing about whether the implementation conforms.
#[derive(Clone, Debug)]
pub struct AdapterFailure {
    /// The request that was not answered as it should be.
    pub request: String,
    /// What went wrong.
    pub what: String,
    /// The last lines the adapter wrote on stderr.
    pub stderr: Vec<String>,
}

impl fmt::Display for AdapterFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the adapter failed at `{}`: {}", self.request, self.what)?;
        if self.stderr.is_empty() {
            return f.write_str("; it wrote nothing on stderr");
        }
        f.write_str("; the last lines of its stderr:")?;
        self.stderr.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

/// A running adapter.
pub struct Adapter {
    child: Child,
    group: Leash,
    stdin: Option<ChildStdin>,
    lines: Receiver<Result<String, String>>,
    stderr: Arc<Mutex<VecDeque<String>>>,
    limit: Duration,
    asked: u64,
    interrupt: Arc<AtomicBool>,
    hello: Hello,
    /// Every line sent and received, where somebody wants them.
    record: Option<Vec<(String, String)>>,
}

impl Adapter {
    /// Starts `command` by the shell, and asks it who it is.
    ///
    /// # Errors
    /// It cannot be started, or does not answer as an adapter does.
    pub fn start(
        command: &str,
        limit: Duration,
        interrupt: &Arc<AtomicBool>,
        record: bool,
    ) -> Result<Self, AdapterFailure> {
        let failed =
            |what: String| AdapterFailure { request: "start".into(), what, stderr: Vec::new() };
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(command);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let group = Leash::new().map_err(|error| failed(format!("sh: {error}")))?;
        group.hold(&mut shell);
        let mut child = shell.spawn().map_err(|error| failed(format!("sh: {error}")))?;
        let stderr = Arc::new(Mutex::new(VecDeque::new()));
        let (stdin, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // One answer is awaited at a time; a second line waits in the pipe, and is found when the next is awaited.
        let (told, lines) = sync_channel(1);
        if let Some(out) = out {
            thread::spawn(move || {
                let mut out = BufReader::new(out);
                while let Some(line) = read_line(&mut out) {
                    let is_over = line.is_err();
                    if told.send(line).is_err() || is_over {
                        break;
                    }
                }
            });
        }
        if let Some(err) = err {
            let kept = Arc::clone(&stderr);
            thread::spawn(move || keep_last(err, &kept));
        }
        let hello = Hello {
            name: String::new(),
            version: String::new(),
            capabilities: std::collections::BTreeSet::new(),
            lacks: Vec::new(),
        };
        let interrupt = Arc::clone(interrupt);
        let record = record.then(Vec::new);
        let mut adapter =
            Self { child, group, stdin, lines, stderr, limit, asked: 0, interrupt, hello, record };
        let request = Request::Hello { protocol: VERSION };
        adapter.hello = match adapter.ask(&request)? {
            Reply::Ok(ok) => Hello::read(&ok).map_err(|what| adapter.trouble(&request, what))?,
            other @ (Reply::Refused { .. } | Reply::Unsupported) => {
                return Err(adapter.trouble(&request, format!("it answers {other}")));
            }
        };
        Ok(adapter)
    }

    /// Who the adapter says it is.
    #[must_use]
    pub const fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Asks one thing.
    ///
    /// # Errors
    /// The adapter has ended, is silent for longer than the limit, or answers what is no answer.
    pub fn ask(&mut self, request: &Request) -> Result<Reply, AdapterFailure> {
        self.asked += 1;
        if matches!(request, Request::Init(_)) {
            orphans::reap_ended([self.child.id(), self.group.id()]);
        }
        let line = request.line(self.asked);
        let sent = self.stdin.as_mut().map(|stdin| writeln!(stdin, "{line}"));
        if !matches!(sent, Some(Ok(()))) {
            return Err(self.trouble(request, self.ending()));
        }
        let answer = self.next_line(request)?;
        if let Some(record) = &mut self.record {
            record.push((line, answer.clone()));
        }
        let reply = Reply::read(&answer, self.asked);
        let reply = reply.and_then(|reply| reply.with_what_is_asked(request).map(|()| reply));
        reply.map_err(|what| {
            let shown: String = answer.chars().take(200).collect();
            self.trouble(request, format!("{what}; it answered {shown:?}"))
        })
    }

    /// The lines sent and received so far, if they are kept.
    pub fn take_record(&mut self) -> Vec<(String, String)> {
        self.record.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// A failure of the adapter at `request`.
    #[must_use]
    pub fn trouble(&self, request: &Request, what: String) -> AdapterFailure {
        // What it wrote before it failed may still be on its way.
        thread::sleep(LOOK);
        let stderr = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        AdapterFailure {
            request: request.to_string(),
            what: printable(&what),
            stderr: stderr.iter().cloned().collect(),
        }
    }

    fn next_line(&self, request: &Request) -> Result<String, AdapterFailure> {
        let begin = Instant::now();
        loop {
            match self.lines.recv_timeout(LOOK) {
                Ok(Ok(line)) => return Ok(line),
                Ok(Err(what)) => return Err(self.trouble(request, what)),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.trouble(request, self.ending()));
                }
                Err(RecvTimeoutError::Timeout) if self.interrupt.load(Ordering::Relaxed) => {
                    return Err(self.trouble(request, "interrupted".into()));
                }
                Err(RecvTimeoutError::Timeout) if begin.elapsed() >= self.limit => {
                    let limit = humantime::format_duration(self.limit);
                    return Err(self.trouble(request, format!("no answer within {limit}")));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn ending(&self) -> String {
        "it has ended, or closed its stdin or stdout".into()
    }

    /// Whether the shell has ended; it is not reaped.
    fn has_ended(&mut self) -> bool {
        #[cfg(unix)]
        {
            use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
            let Ok(id) = i32::try_from(self.child.id()) else { return true };
            let id = Id::Pid(nix::unistd::Pid::from_raw(id));
            let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
            !matches!(waitid(id, flags), Ok(WaitStatus::StillAlive))
        }
        #[cfg(not(unix))]
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let begin = Instant::now();
        // Its stdout may hold an answer that nobody awaits; taken out, it does not keep the adapter from ending.
        while begin.elapsed() < LEAVE && !self.interrupt.load(Ordering::Relaxed) {
            let _ = self.lines.recv_timeout(Duration::from_millis(2));
            if self.has_ended() {
                break;
            }
        }
        self.group.end();
        let _ = self.child.kill();
        let _ = self.child.wait();
        orphans::end(self.group.id());
    }
}

/// The next line; none at the end of the stream.
fn read_line(from: &mut impl BufRead) -> Option<Result<String, String>> {
    let mut line = Vec::new();
    match from.take(LINE_MAX + 1).read_until(b'\n', &mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) if line.len() as u64 > LINE_MAX => {
            Some(Err(format!("a line longer than {LINE_MAX} bytes")))
        }
        Ok(_) => Some(String::from_utf8(line).map_err(|_| "a line that is no UTF-8".into())),
    }
}

fn keep_last(from: impl Read, kept: &Mutex<VecDeque<String>>) {
    let mut from = BufReader::new(from);
    loop {
        let mut line = Vec::new();
        // A longer line is cut into several, so that no adapter can fill the memory.
        match (&mut from).take(4096).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == STDERR_LINES {
            kept.pop_front();
        }
        kept.push_back(printable(String::from_utf8_lossy(&line).trim_end()));
    }
}
