//! How a long run shows that it lives: a line that renews itself on a terminal, plain lines where asked for.

use std::cell::Cell;
use std::io::IsTerminal;
use std::time::Duration;

use bytesize::ByteSize;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::ProgressMode;
use crate::report::thousands;
use syncsplit_engine::Progress;

/// Seconds between two plain lines.
const PLAIN_EVERY: f64 = 10.0;

/// Shows progress on stderr as the mode says.
pub struct Reporter {
    what: String,
    bar: Option<ProgressBar>,
    plain: bool,
    shown: Cell<f64>,
}

impl Reporter {
    /// A reporter for `mode`; `Auto` looks whether stderr is a terminal.
    #[must_use]
    pub fn new(mode: ProgressMode) -> Self {
        Self::named(mode, "")
    }

    /// A reporter that says what it shows the progress of.
    #[must_use]
    pub fn named(mode: ProgressMode, what: &str) -> Self {
        let on_terminal = mode == ProgressMode::Auto && std::io::stderr().is_terminal();
        let bar = on_terminal.then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        let what = if what.is_empty() { String::new() } else { format!("{what}: ") };
        Self { what, bar, plain: mode == ProgressMode::Plain, shown: Cell::new(0.0) }
    }

    /// Shows one glance at the run.
    pub fn show(&self, progress: &Progress) {
        self.tell(progress.seconds, || line(progress));
    }

    /// Shows a line about a run that is `seconds` old.
    pub fn tell(&self, seconds: f64, line: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{}{}", self.what, line()));
        } else if self.plain && seconds - self.shown.get() >= PLAIN_EVERY {
            self.shown.set(seconds);
            eprintln!("{}{}", self.what, line());
        }
    }

    /// Takes the line away, so that the report stands alone.
    pub fn finish(&self) {
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
