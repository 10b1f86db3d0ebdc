//! Ctrl-C and SIGTERM end a long run, not its report.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::print::note;

/// A flag that Ctrl-C and SIGTERM raise.
pub(crate) fn flag() -> Arc<AtomicBool> {
    let interrupt = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&interrupt);
    if let Err(error) = ctrlc::set_handler(move || raised.store(true, Ordering::Relaxed)) {
        note(format_args!("warning: Ctrl-C will end the run without a report: {error}"));
    }
    interrupt
}

/// Ctrl-C and SIGTERM end the process as a success.
pub(crate) fn ends_the_process() {
    if let Err(error) = ctrlc::set_handler(|| process::exit(0)) {
        note(format_args!("warning: Ctrl-C will end the server by a signal: {error}"));
    }
}
