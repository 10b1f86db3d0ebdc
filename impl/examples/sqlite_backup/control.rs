//! What the two processes of this example say to each other beside the links: one line of JSON to the remote site's
//! standard input, one line back from its standard output.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use syncsplit_impl::frame::{Hello, Role};
use syncsplit_model::protocol::sync::PairView;
use syncsplit_model::protocol::{BackupId, Incarnation, PairState, Seq};

use crate::{Outcome, Scratch};

/// Bytes in a block of every volume.
pub(crate) const BLOCK_SIZE: usize = 4096;
/// Blocks in every volume: room for a database of 3.7 MB and its journal.
pub(crate) const BLOCKS: u32 = 2048;
/// The group's name.
pub(crate) const GROUP: &str = "bank";

/// What a side says when a link comes up.
pub(crate) fn hello(role: Role) -> Hello {
    Hello {
        role,
        group: GROUP.to_owned(),
        block_size: BLOCK_SIZE as u32,
        blocks: BLOCKS,
        silence_ms: Hello::USUAL_SILENCE_MS,
    }
}

/// What the remote site is asked to do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Take a backup, and copy the S-VOL to this file while it is permitted.
    Backup { image: PathBuf },
    /// The primary is cut off: wait until nothing more can be applied, and copy the S/P-VOL to this file.
    Image { image: PathBuf },
    /// The pair is in COPY: copy the gold copy on the S-VOL to this file.
    Gold { image: PathBuf },
    /// Take the S/P-VOL over, and copy it to this file.
    TakeOver { image: PathBuf },
    /// The primary's side has handed over: go on as the primary, call these addresses, and bring the pair back to PAIR.
    FailBack { newest: Incarnation, array: String, host: String },
    /// Commit so many transactions of a bank with this seed, on whatever volume the hosts over there may write.
    Commit { seed: u64, count: u32 },
    /// As the primary: wait until everything written is written remotely, and copy the P-VOL to this file.
    Synced { image: PathBuf },
    /// Say how things are.
    State,
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// It listens.
    Ready { array: String, host: String },
    /// The S-VOL was read and released.
    BackedUp { id: BackupId },
    /// The S/P-VOL was copied; `written` is the last entry in it.
    Copied { written: Seq, state: PairState },
    /// The S/P-VOL was taken over, and copied.
    TakenOver,
    /// The pair is in PAIR, with this process's side as the primary.
    FailedBack { view: PairView },
    /// The transactions were committed; the number of the last.
    Committed { newest: i64 },
    /// How things are.
    State { state: PairState, troubles: Vec<String> },
    /// What was asked for was not done.
    Failed { reason: String },
}

/// Writes one line.
pub(crate) fn say(to: &mut impl Write, what: &impl Serialize) -> Outcome {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    to.write_all(&line)?;
    Ok(to.flush()?)
}

/// Reads one line; none at the end.
pub(crate) fn hear<T: DeserializeOwned>(from: &mut impl BufRead) -> Outcome<Option<T>> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let heard = serde_json::from_str(&line);
    Ok(Some(heard.map_err(|error| format!("{:?} is no message: {error}", line.trim_end()))?))
}

/// The remote site's process. It is ended when this is dropped.
pub(crate) struct RemoteProcess {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// The addresses that the array link and the host link call.
    pub(crate) array: String,
    pub(crate) host: String,
}

impl RemoteProcess {
    /// Starts this program once more, with its volumes in `directory`.
    pub(crate) fn start(scratch: &Scratch<'_>, directory: &Path) -> Outcome<RemoteProcess> {
        std::fs::create_dir(directory)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("remote-site").arg(directory);
        if !scratch.kept {
            command.arg("--sweep").arg(scratch.root);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // Out of reach of the terminal's Ctrl-C: when this process dies of it, the other one finds its standard input
        // closed, removes the files and ends.
        command.process_group(0);
        let mut child = command.spawn()?;
        let orders = child.stdin.take().ok_or("the remote site has no standard input")?;
        let answers = child.stdout.take().ok_or("the remote site has no standard output")?;
        let answers = BufReader::new(answers);
        let (array, host) = (String::new(), String::new());
        let mut remote = RemoteProcess { child, orders, answers, array, host };
        match remote.answer()? {
            Answer::Ready { array, host } => {
                (remote.array, remote.host) = (array, host);
                Ok(remote)
            }
            other => Err(format!("the remote site began with {other:?}").into()),
        }
    }

    /// The operating system's number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks, and waits for the answer; a failure over there is one here.
    pub(crate) fn ask(&mut self, order: &Order) -> Outcome<Answer> {
        say(&mut self.orders, order)
            .map_err(|error| format!("the remote site takes no orders: {error}"))?;
        match self.answer()? {
            Answer::Failed { reason } => Err(format!("the remote site: {reason}").into()),
            answer => Ok(answer),
        }
    }

    fn answer(&mut self) -> Outcome<Answer> {
        match hear(&mut self.answers)? {
            Some(answer) => Ok(answer),
            None => Err(format!("the remote site's process ended: {}", self.child.wait()?).into()),
        }
    }

    /// `error`, unless it comes of the other process having ended.
    pub(crate) fn explain(&mut self, error: impl std::fmt::Display) -> String {
        match self.child.try_wait() {
            Ok(Some(status)) => format!("the remote site's process ended: {status}; {error}"),
            _ => error.to_string(),
        }
    }

    /// How things are over there: the pair's state, unless something went wrong.
    pub(crate) fn state(&mut self) -> Outcome<PairState> {
        match self.ask(&Order::State)? {
            Answer::State { state, troubles } if troubles.is_empty() => Ok(state),
            other => Err(format!("the remote site is in trouble: {other:?}").into()),
        }
    }
}

impl Drop for RemoteProcess {
    fn drop(&mut self) {
        // It has nothing to lose, and may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
