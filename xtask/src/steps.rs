//! Everything that must be green, in the order in which it is run.
//!
//! All steps build with one profile and, where they can, one selection of packages, so that nothing is built twice.

use std::fs;

use crate::run::{Outcome, Show, cargo, end_of, outcome, root};
use crate::{mutants, no_std, pinned};

/// What must be there before a step can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing but the toolchain.
    Toolchain,
    /// What Debian has to install: servers that the step runs adapters of, a language, valgrind.
    Packages,
}

/// One thing to run.
pub(crate) struct Step {
    /// The name that `--only` takes.
    pub(crate) name: &'static str,
    /// What it checks, in one line.
    pub(crate) says: &'static str,
    /// What must be there.
    pub(crate) needs: Needs,
    /// Runs it.
    pub(crate) run: fn() -> Outcome,
}

/// Every step.
pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "format",
        says: "every file is formatted",
        needs: Needs::Toolchain,
        run: || quiet(&["fmt", "--all", "--check"]),
    },
    Step {
        name: "no-std",
        says: "the protocol links without std",
        needs: Needs::Toolchain,
        run: no_std::link,
    },
    Step {
        name: "clippy",
        says: "no warning anywhere",
        needs: Needs::Toolchain,
        run: || clippy(&["--all-targets"]),
    },
    Step {
        name: "clippy-loom",
        says: "no warning with loom's primitives",
        needs: Needs::Toolchain,
        run: || clippy_races("syncsplit-tests/loom", "races_loom"),
    },
    Step {
        name: "clippy-shuttle",
        says: "no warning with shuttle's primitives",
        needs: Needs::Toolchain,
        run: || clippy_races("syncsplit-tests/shuttle", "races_shuttle"),
    },
    Step {
        name: "docs",
        says: "the documentation builds without a warning",
        needs: Needs::Toolchain,
        run: || {
            let mut command = cargo(&["doc", RELEASE, "--workspace", "--no-deps", "--keep-going"]);
            outcome(command.env("RUSTDOCFLAGS", "-Dwarnings"), 0, Show::OnFailure)
        },
    },
    Step {
        name: "test",
        says: "unit, property and integration tests, pinned checks, expected counterexamples, seeded defects, real threads and servers",
        needs: Needs::Packages,
        run: || some_tests(quiet(&["test", RELEASE, "--workspace", "--no-fail-fast"])),
    },
    Step {
        name: "loom",
        says: "every interleaving of each race, within the bounds it prints",
        needs: Needs::Toolchain,
        run: || races("syncsplit-tests/loom", "races_loom"),
    },
    Step {
        name: "shuttle",
        says: "random interleavings of each race at larger sizes",
        needs: Needs::Toolchain,
        run: || races("syncsplit-tests/shuttle", "races_shuttle"),
    },
    Step {
        name: "check",
        says: "the README's first command holds, with the pinned counts; the published protocol is violated",
        needs: Needs::Toolchain,
        run: || {
            let check = ["run", "--quiet", RELEASE, "--", "check"];
            let published = [&check[..], &["--variant", "published"]].concat();
            let holds = outcome(&mut cargo(&check), 0, Show::Stdout);
            let is_pinned = pinned::compare("ci", &holds.shown).into();
            holds.and(is_pinned).and(outcome(&mut cargo(&published), 1, Show::Stdout))
        },
    },
    Step {
        name: "example",
        says: "the README's second command backs up a real database",
        needs: Needs::Toolchain,
        run: || {
            let package = ["--package", "syncsplit-impl", "--example", "sqlite_backup"];
            let example = [&["run", "--quiet", RELEASE], &package[..]].concat();
            outcome(&mut cargo(&example), 0, Show::Stdout)
        },
    },
    Step {
        name: "valgrind",
        says: "SQLite's calls of the example's VFS touch no memory that is not theirs, and lose none",
        needs: Needs::Packages,
        run: || {
            let package = ["--package", "syncsplit-impl", "--example", "sqlite_backup"];
            let cargo = ["--config", VALGRIND, "test", RELEASE];
            some_tests(quiet(&[&cargo[..], &package, &["ffi_tests"]].concat()))
        },
    },
];

const RELEASE: &str = "--release";

/// Cargo runs what it has built under valgrind, which fails it for any finding.
const VALGRIND: &str = "target.'cfg(all())'.runner = ['valgrind', '--quiet', '--error-exitcode=9', \
    '--leak-check=full', '--show-leak-kinds=definite', '--errors-for-leak-kinds=definite']";

/// Rewrites the kill matrix, or its rows of some implementations and levels: every case about each seeded defect until one
/// finds it.
pub(crate) fn kills(of: &[String], levels: &[String]) -> Outcome {
    let tests = ["test", RELEASE, "--workspace", "--test", "kills", "--", "--ignored"];
    let mut command = cargo(&tests);
    let asked =
        [("BLESS", "1".into()), ("KILLS_OF", of.join(",")), ("KILLS_LEVEL", levels.join(","))];
    some_tests(outcome(command.envs(asked), 0, Show::Stdout))
}

/// Rewrites what is pinned, one search after the other: the answers of the checks, the tables of `ablate` and
/// `matrix`, and the pages written from them.
pub(crate) fn pin() -> Outcome {
    let tests = ["test", RELEASE, "--workspace", "--test", "pinned", "--test", "studies"];
    let every = ["--", "comes_to_what_is_pinned", "--include-ignored", "--test-threads=1"];
    let arguments = [&tests[..], &every].concat();
    outcome(cargo(&arguments).env("BLESS", "1"), 0, Show::Stdout)
}

/// The checks that `test` has no time for: `nightly` against what is pinned, and reductions of what is large.
pub(crate) fn nightly(pin: bool) -> Outcome {
    let test = ["test", RELEASE, "--package", "syncsplit-tests", "--test", "pinned"];
    let more: &[&str] = if pin { &[] } else { &["--test", "reductions"] };
    let mut command = cargo(&[&test[..], more, &["--", "--ignored", "--nocapture"]].concat());
    if pin {
        command.env("BLESS", "1");
    }
    let checked = some_tests(outcome(&mut command, 0, Show::Stdout));
    if pin { checked } else { checked.and(mutants::are_found()) }
}

/// The commands whose output is a page of the documentation.
const PAGES: &[(&str, &str)] = &[("ablate", "docs/ablation.md"), ("matrix", "docs/matrix.md")];

/// Rewrites the pages that commands write. A command whose outcome is not the expected one writes none.
pub(crate) fn docs_generate() -> Outcome {
    PAGES
        .iter()
        .map(|(command, path)| page(command, path).into())
        .fold(Outcome::default(), |all, one: Outcome| all.and(one))
}

fn page(command: &str, path: &str) -> Result<String, String> {
    let syncsplit = ["run", "--quiet", RELEASE, "--package", "syncsplit", "--"];
    let arguments = [&syncsplit[..], &[command, "--format", "markdown"]].concat();
    let ended = end_of(&mut cargo(&arguments))?;
    if ended.code != Some(0) {
        let code = ended.code.map_or("a signal".into(), |code| format!("exit code {code}"));
        let hint = format!("syncsplit {command} ended by {code}; `syncsplit {command}` says why");
        return Err(format!("{hint}\n{}", ended.stderr));
    }
    fs::write(root().join(path), ended.stdout).map_err(|error| format!("{path}: {error}"))?;
    Ok(format!("{path} is written\n"))
}

fn quiet(arguments: &[&str]) -> Outcome {
    outcome(&mut cargo(arguments), 0, Show::OnFailure)
}

fn clippy_races(feature: &str, test: &str) -> Outcome {
    clippy(&["--lib", "--test", test, "--features", feature])
}

fn clippy(targets: &[&str]) -> Outcome {
    let clippy = ["clippy", RELEASE, "--workspace", "--keep-going"];
    quiet(&[&clippy[..], targets, &["--", "-Dwarnings"]].concat())
}

/// Races print how many executions each explored; whoever reads the log sees them.
fn races(feature: &str, test: &str) -> Outcome {
    let targets = ["--workspace", "--test", test, "--features", feature];
    let arguments = [&["test", RELEASE], &targets[..], &["--", "--show-output"]].concat();
    some_tests(outcome(&mut cargo(&arguments), 0, Show::Stdout))
}

/// A suite that has become empty says nothing, so it is no success.
fn some_tests(outcome: Outcome) -> Outcome {
    let is_empty = outcome.parts.is_empty() && outcome.failed == 0;
    if is_empty { Outcome::failure("no test was run") } else { outcome }
}
