//! Wrong programs that no seam of the implementation expresses: patches of `tests/mutants`, each with the test that finds it.
//! They are applied to a copy of the tree, one at a time, and built there. Which mistakes there are stands in the patches.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Show, StepOutcome, cargo, end_of, outcome, root, target_dir};

/// Where the patches stand.
const FOLDER: &str = "tests/mutants";

/// What the line of a patch begins with that names the package and the test by which the mistake is found.
const FOUND_BY: &str = "Found by: ";

/// Cargo's exit code when a test failed, and not when something did not build: that was built before.
const TEST_FAILED: i32 = 101;

/// Applies each patch to a copy of the tree and sees the test fail that is said to find it.
pub(crate) fn are_found() -> StepOutcome {
    let folder = target_dir().join("mutants");
    let patches = copy(&folder.join("tree")).and_then(|()| patches());
    let patches = match patches {
        Ok(patches) if !patches.is_empty() => patches,
        Ok(_) => return StepOutcome::failure(format!("{FOLDER} has no patch")),
        Err(why) => return StepOutcome::failure(why),
    };
    patches
        .iter()
        .map(|patch| is_found(patch, &folder))
        .fold(StepOutcome::default(), StepOutcome::and)
}

fn patches() -> Result<Vec<PathBuf>, String> {
    let failed = |error| format!("{FOLDER}: {error}");
    let entries = fs::read_dir(root().join(FOLDER)).map_err(failed)?;
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut patches = paths.map_err(failed)?;
    patches.retain(|path| path.extension() == Some(OsStr::new("patch")));
    patches.sort();
    Ok(patches)
}

/// Copies every file that is not ignored.
fn copy(tree: &Path) -> Result<(), String> {
    if tree.exists() {
        fs::remove_dir_all(tree).map_err(|error| format!("{}: {error}", tree.display()))?;
    }
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]).current_dir(root());
    let listed = succeeded(&mut git)?;
    for name in listed.split_terminator('\0') {
        let (from, to) = (root().join(name), tree.join(name));
        // A file that is removed and still listed is not there to be copied.
        if from.is_file() {
            let made = to.parent().map_or(Ok(()), fs::create_dir_all);
            let copied = made.and_then(|()| fs::copy(&from, &to));
            copied.map_err(|error| format!("{}: {error}", to.display()))?;
        }
    }
    Ok(())
}

fn is_found(patch: &Path, folder: &Path) -> StepOutcome {
    match wrong_program(patch, folder) {
        Ok(mut test) => {
            let mut found = outcome(&mut test, TEST_FAILED, Show::OnFailure);
            // The tests that failed are what was to be seen; a run without one has found nothing.
            let has_failed = found.parts.iter().any(|part| part.failed > 0);
            (found.passed, found.failed) = if has_failed { (1, 0) } else { (0, 1) };
            found.parts.clear();
            found.shown = format!("{} is found\n", patch.display());
            found.and(
                apply(patch, folder, &["--reverse"])
                    .map_or_else(StepOutcome::failure, |_| StepOutcome::default()),
            )
        }
        Err(why) => StepOutcome::failure(format!("{}: {why}", patch.display())),
    }
}

/// Applies the patch, builds what it makes, and returns the test that is to fail.
fn wrong_program(patch: &Path, folder: &Path) -> Result<Command, String> {
    let text = fs::read_to_string(patch).map_err(|error| error.to_string())?;
    let found_by = text.lines().find_map(|line| line.strip_prefix(FOUND_BY));
    let (package, test) = found_by
        .and_then(|words| words.split_once(' '))
        .ok_or_else(|| format!("no line {FOUND_BY}PACKAGE TEST"))?;
    apply(patch, folder, &[])?;
    let run = |more: &[&str]| {
        let mut command =
            cargo(&[&["test", "--package", package, "--test", "*", test], more].concat());
        command.current_dir(folder.join("tree"));
        command.env("CARGO_TARGET_DIR", folder.join("target"));
        command
    };
    succeeded(&mut run(&["--no-run"]))?;
    Ok(run(&[]))
}

fn apply(patch: &Path, folder: &Path, more: &[&str]) -> Result<String, String> {
    let mut git = Command::new("git");
    git.arg("apply").args(more).arg(patch).current_dir(folder.join("tree"));
    // Inside of another repository git would pass over every path.
    succeeded(git.env("GIT_CEILING_DIRECTORIES", folder))
}

fn succeeded(command: &mut Command) -> Result<String, String> {
    let ended = end_of(command)?;
    if ended.code == Some(0) { Ok(ended.stdout) } else { Err(ended.stderr) }
}
