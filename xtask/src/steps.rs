//! Everything that must be green: each step with its usual time, and which other steps it stands beside.

use clap::ValueEnum;

use crate::programs::{self, BUILD, LOOM, Program, Races, SHUTTLE, Suite};
use crate::run::{Show, StepOutcome, niced_cargo, outcome, some_tests};
use crate::{no_std, pinned};

/// When a step is run. Steps that compute and steps that wait are run side by side, those of one kind one after the other;
/// what computes leaves the processor to what waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Before all others.
    First,
    /// It takes all there is of the processor.
    Computes,
    /// It waits for threads, links, servers and timers most of the time.
    Waits,
}

/// Which command runs a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum In {
    /// `test`.
    Test,
    /// `quick`.
    Quick,
    /// Both.
    Both,
}

/// The step that comes before all that run a program, and its usual seconds; what it builds they are given.
pub(crate) const BUILT: (&str, &str, u32) = ("build", "the whole workspace, once", 375);

/// Every other step. Its name is the one that `--only` takes, and its line says what it checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// every file is formatted
    Format,
    /// the protocol links without std
    NoStd,
    /// imports, habits, ids of rules, and counts in pages
    Tree,
    /// the tests inside of crates, and those of the protocol and its world
    Unit,
    /// the small instances, every rule left out, every variant under every class of faults
    Studies,
    /// the smallest adapter conforms
    Minimal,
    /// no warning anywhere
    Clippy,
    /// no warning with loom's primitives
    ClippyLoom,
    /// no warning with shuttle's primitives
    ClippyShuttle,
    /// the documentation builds without a warning, and what it shows runs
    Docs,
    /// what the README's two commands build needs nothing of the rest
    Alone,
    /// every state of the README's first command, with the promises: it holds, with the pinned counts; the published protocol
    /// is violated
    Check,
    /// pinned checks, on any number of threads, by another engine, and with reductions
    Searches,
    /// every other test that computes
    Checker,
    /// every interleaving of each race, within the bounds it prints
    Loom,
    /// random interleavings of each race at larger sizes
    Shuttle,
    /// races on real threads, recorded runs against the model, our own implementation through the kit, and the seeded defects
    /// that docs/kill-matrix.md says are found
    Sites,
    /// nodes and sites, and the kit with adapters of all kinds and real servers
    Waiting,
    /// the README's second command backs up a real database
    Example,
    /// SQLite's calls of the example's VFS touch no memory that is not theirs, and lose none
    Valgrind,
}

impl Step {
    /// The command that runs the step, when, and the seconds that it takes in a whole run from a fresh clone, on two quiet
    /// cores, beside the other lane.
    pub(crate) const fn when(self) -> (In, Lane, u32) {
        match self {
            Self::Format => (In::Both, Lane::First, 2),
            Self::NoStd => (In::Both, Lane::First, 10),
            Self::Tree => (In::Both, Lane::Computes, 15),
            Self::Unit => (In::Both, Lane::Computes, 115),
            Self::Studies => (In::Both, Lane::Computes, 20),
            Self::Minimal => (In::Quick, Lane::Waits, 15),
            Self::Clippy => (In::Test, Lane::Computes, 80),
            Self::ClippyLoom | Self::ClippyShuttle => (In::Test, Lane::Computes, 5),
            Self::Docs => (In::Test, Lane::Computes, 20),
            Self::Alone => (In::Test, Lane::Computes, 15),
            Self::Check => (In::Test, Lane::Computes, 140),
            Self::Searches => (In::Test, Lane::Computes, 110),
            Self::Checker => (In::Test, Lane::Computes, 60),
            Self::Loom => (In::Test, Lane::Computes, 140),
            Self::Shuttle => (In::Test, Lane::Computes, 105),
            Self::Sites => (In::Test, Lane::Waits, 105),
            Self::Waiting => (In::Test, Lane::Waits, 180),
            Self::Example => (In::Test, Lane::Waits, 20),
            Self::Valgrind => (In::Test, Lane::Waits, 5),
        }
    }

    /// Runs the step on what was built.
    pub(crate) fn run(self, programs: &[Program]) -> StepOutcome {
        match self {
            Self::Format => quiet(&["fmt", "--all", "--check"]),
            Self::NoStd => no_std::link(),
            Self::Tree => Suite::Tree.run(programs, true),
            Self::Unit => Suite::Unit.run(programs, true),
            Self::Studies => Suite::Studies.run(programs, true),
            Self::Minimal => syncsplit(programs, MINIMAL, 0, false),
            Self::Clippy => clippy(&["--all-targets"]),
            Self::ClippyLoom => clippy_races(LOOM),
            Self::ClippyShuttle => clippy_races(SHUTTLE),
            Self::Docs => docs(),
            Self::Alone => {
                let check = |what: &&[&str]| quiet(&[&["check", "--release"], *what].concat());
                programs::FIRST_COMMANDS
                    .iter()
                    .map(check)
                    .fold(StepOutcome::default(), StepOutcome::and)
            }
            Self::Check => check(programs),
            Self::Searches => Suite::Searches.run(programs, true),
            Self::Checker => Suite::Checker.run(programs, true),
            Self::Loom => races(LOOM),
            Self::Shuttle => races(SHUTTLE),
            Self::Sites => Suite::Sites.run(programs, false),
            Self::Waiting => Suite::Waiting.run(programs, false),
            Self::Example => programs::run(programs, programs::EXAMPLE, &[], 0, false),
            Self::Valgrind => programs::under_valgrind(programs, programs::EXAMPLE, "ffi_tests"),
        }
    }
}

const MINIMAL: &[&str] = &["conform", "--adapter", "python3 checker/adapters/minimal.py"];

fn syncsplit(
    programs: &[Program],
    arguments: &[&str],
    expected: i32,
    is_niced: bool,
) -> StepOutcome {
    programs::run(programs, programs::SYNCSPLIT, arguments, expected, is_niced)
}

/// `ci` and `all-promises` are one space of states, so it is searched once.
fn check(programs: &[Program]) -> StepOutcome {
    let holds = syncsplit(programs, &["check", "all-promises"], 0, true);
    let pinned = |name| StepOutcome::from(pinned::compare(name, &holds.shown));
    let pinned = pinned("all-promises").and(pinned("ci"));
    // By itself the first command has no argument; a few states show that it asks about `ci`.
    let first = syncsplit(programs, &["check", "--states", "1000"], 3, true);
    let published = syncsplit(programs, &["check", "--variant", "published"], 1, true);
    holds.and(pinned).and(first).and(published)
}

fn quiet(arguments: &[&str]) -> StepOutcome {
    outcome(&mut niced_cargo(arguments), 0, Show::OnFailure)
}

fn docs() -> StepOutcome {
    let mut command = niced_cargo(&["doc", "--release", "--workspace", "--no-deps"]);
    let built = outcome(command.env("RUSTDOCFLAGS", "-Dwarnings"), 0, Show::OnFailure);
    built.and(quiet(&[&["test", "--doc"], BUILD].concat()))
}

fn clippy(targets: &[&str]) -> StepOutcome {
    quiet(&[&["clippy"], BUILD, &["--keep-going"], targets, &["--", "-Dwarnings"]].concat())
}

/// What else the workspace has was looked at before, and is not anew.
fn clippy_races((feature, test): Races) -> StepOutcome {
    clippy(&["--lib", "--test", test, "--features", feature])
}

/// Races print how many executions each explored; a reader of the log sees them.
fn races((feature, test): Races) -> StepOutcome {
    let targets = ["--test", test, "--features", feature, "--", "--show-output"];
    let mut command = niced_cargo(&[&["test"], BUILD, &targets].concat());
    some_tests(outcome(&mut command, 0, Show::Stdout))
}
