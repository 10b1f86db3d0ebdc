//! Links the protocol into a program without std, so that a use of std anywhere in it, or in what it depends on, is an error
//! of the compiler.
//!
//! std brings a panic handler along, and a program has one; so one that has its own is refused as soon as std is linked to
//! it (E0152). That takes no target but the one there is. The refusal itself is tried each time.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::programs::protocol_alone;
use crate::run::{StepOutcome, end_of, target_dir};

/// A program without std that links the protocol, and nothing else.
const PROGRAM: &str = "\
#![no_std]
extern crate syncsplit_model;

#[panic_handler]
fn handle(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
";

/// What has it link std as well.
const USES_STD: &str = "extern crate std;\n";

/// The error that says so.
const REFUSED: &str = "error[E0152]";

/// Runs the step.
pub(crate) fn link() -> StepOutcome {
    let folder = target_dir().join("no-std");
    let built = protocol_alone(&folder);
    if built.failed > 0 {
        return built;
    }
    linked(&folder).into()
}

fn linked(folder: &Path) -> Result<String, String> {
    compile(folder, PROGRAM)
        .map_err(|why| format!("the protocol does not link without std:\n{why}"))?;
    match compile(folder, &[PROGRAM, USES_STD].concat()) {
        Err(why) if why.contains(REFUSED) => Ok(String::new()),
        Err(why) => Err(format!("a use of std is refused, but not as one:\n{why}")),
        Ok(()) => Err("a program that uses std is not refused, so that nothing was shown\n".into()),
    }
}

/// Compiles a program that links what was built in `folder`.
///
/// # Errors
/// The program is refused, in the compiler's words.
fn compile(folder: &Path, program: &str) -> Result<(), String> {
    let built = folder.join("debug");
    let source = folder.join("program.rs");
    let failed = |error| format!("{}: {error}", source.display());
    std::fs::write(&source, program).map_err(failed)?;
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args([
        "--edition",
        "2024",
        "--crate-type",
        "staticlib",
        "-C",
        "panic=abort",
        "--out-dir",
    ]);
    rustc.arg(folder).arg("-L").arg(format!("dependency={}", built.join("deps").display()));
    let protocol = built.join("libsyncsplit_model.rlib");
    rustc.arg("--extern").arg(format!("syncsplit_model={}", protocol.display())).arg(&source);
    let ended = end_of(&mut rustc)?;
    if ended.code == Some(0) { Ok(()) } else { Err(ended.stderr) }
}
