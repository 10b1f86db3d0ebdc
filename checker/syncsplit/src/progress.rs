//! How a long run shows that it lives: a line that renews itself on a terminal, plain lines where asked for.
use std::cell::RefCell;
use std::io::IsTerminal;
use std::time::Duration;

use bytesize::ByteSize;
use indicatif::{ProgressBar, ProgressStyle};
use syncsplit_engine::Progress;
use syncsplit_study::words::thousands;

use crate::args::ProgressMode;
use crate::print::note;

/// Seconds between two plain lines.
const PLAIN_EVERY: f64 = 10.0;

/// Shows progress on stderr as the mode says.
pub(crate) struct Reporter {
    bar: Option<ProgressBar>,
    plain: bool,
    /// What was shown last, and at which age of its run.
    shown: RefCell<(String, f64)>,
}

impl Reporter {
    /// A reporter for `mode`; `Auto` looks whether stderr is a terminal.
    pub(crate) fn new(mode: ProgressMode) -> Self {
        let on_terminal = mode == ProgressMode::Auto && std::io::stderr().is_terminal();
        let bar = on_terminal.then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { bar, plain: mode == ProgressMode::Plain, shown: RefCell::default() }
    }

    /// Shows one glance at the search of `what`; an empty name stands for the only one.
    pub(crate) fn show(&self, what: &str, progress: &Progress) {
        self.tell(what, progress.seconds, || line(progress));
    }

    /// Shows a line about a run that is `seconds` old.
    pub(crate) fn tell(&self, what: &str, seconds: f64, line: impl FnOnce() -> String) {
        let line = || if what.is_empty() { line() } else { format!("{what}: {}", line()) };
        if let Some(bar) = &self.bar {
            bar.set_message(line());
        } else if self.plain {
            let (last, at) = &mut *self.shown.borrow_mut();
            if last != what {
                (*last, *at) = (what.to_owned(), 0.0);
            }
            if seconds - *at >= PLAIN_EVERY {
                *at = seconds;
                note(line());
            }
        }
    }

    /// Takes the line away, so that the report stands alone.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn line(progress: &Progress) -> String {
    let depth = progress.depth.map_or(String::new(), |depth| format!("depth {depth}, "));
    let queue = progress.queue.map_or(String::new(), |n| format!(", {} to expand", thousands(n)));
    let memory = progress.memory_bytes.map_or(String::new(), |n| format!(", {}", ByteSize::b(n)));
    format!(
        "{:.0} s: {depth}{} states, {}/s{queue}{memory}",
        progress.seconds,
        thousands(progress.distinct),
        thousands(progress.rate as u64),
    )
}
