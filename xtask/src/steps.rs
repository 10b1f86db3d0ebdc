//! Everything that must be green: each step with its usual time, and which other steps it stands beside.

use crate::programs::{self, BUILD, LOOM, Program, Races, SHUTTLE, Suite};
use crate::run::{Outcome, Show, niced_cargo, outcome, some_tests};
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

/// One thing to run.
pub(crate) struct Step {
    /// The name that `--only` takes.
    pub(crate) name: &'static str,
    /// What it checks, in one line.
    pub(crate) says: &'static str,
    /// The command that runs it.
    pub(crate) within: In,
    /// When it is run.
    pub(crate) lane: Lane,
    /// Seconds it takes in a whole run from a fresh clone, on two quiet cores, beside the other lane.
    pub(crate) usual: u32,
    /// Runs it on what was built.
    pub(crate) run: fn(&[Program]) -> Outcome,
}

/// The step that comes before all that run a program; what it builds they are given.
pub(crate) const BUILT: (&str, &str, u32) = ("build", "the whole workspace, once", 375);

/// Every other step.
pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "format",
        says: "every file is formatted",
        within: In::Both,
        lane: Lane::First,
        usual: 2,
        run: |_| quiet(&["fmt", "--all", "--check"]),
    },
    Step {
        name: "no-std",
        says: "the protocol links without std",
        within: In::Both,
        lane: Lane::First,
        usual: 10,
        run: |_| no_std::link(),
    },
    Step {
        name: "tree",
        says: "imports, habits, ids of rules, and counts in pages",
        within: In::Both,
        lane: Lane::Computes,
        usual: 15,
        run: |programs| Suite::Tree.run(programs, true),
    },
    Step {
        name: "unit",
        says: "the tests inside of crates, and those of the protocol and its world",
        within: In::Both,
        lane: Lane::Computes,
        usual: 115,
        run: |programs| Suite::Unit.run(programs, true),
    },
    Step {
        name: "studies",
        says: "the small instances, every rule left out, every variant under every class of faults",
        within: In::Both,
        lane: Lane::Computes,
        usual: 20,
        run: |programs| Suite::Studies.run(programs, true),
    },
    Step {
        name: "minimal",
        says: "the smallest adapter conforms",
        within: In::Quick,
        lane: Lane::Waits,
        usual: 15,
        run: |programs| syncsplit(programs, MINIMAL, 0, false),
    },
    Step {
        name: "clippy",
        says: "no warning anywhere",
        within: In::Test,
        lane: Lane::Computes,
        usual: 80,
        run: |_| clippy(&["--all-targets"]),
    },
    Step {
        name: "clippy-loom",
        says: "no warning with loom's primitives",
        within: In::Test,
        lane: Lane::Computes,
        usual: 5,
        run: |_| clippy_races(LOOM),
    },
    Step {
        name: "clippy-shuttle",
        says: "no warning with shuttle's primitives",
        within: In::Test,
        lane: Lane::Computes,
        usual: 5,
        run: |_| clippy_races(SHUTTLE),
    },
    Step {
        name: "docs",
        says: "the documentation builds without a warning, and what it shows runs",
        within: In::Test,
        lane: Lane::Computes,
        usual: 20,
        run: |_| {
            let mut command = niced_cargo(&["doc", "--release", "--workspace", "--no-deps"]);
            let built = outcome(command.env("RUSTDOCFLAGS", "-Dwarnings"), 0, Show::OnFailure);
            built.and(quiet(&[&["test", "--doc"], BUILD].concat()))
        },
    },
    Step {
        name: "alone",
        says: "what the README's two commands build needs nothing of the rest",
        within: In::Test,
        lane: Lane::Computes,
        usual: 15,
        run: |_| {
            let check = |what: &&[&str]| quiet(&[&["check", "--release"], *what].concat());
            programs::FIRST_COMMANDS.iter().map(check).fold(Outcome::default(), Outcome::and)
        },
    },
    Step {
        name: "check",
        says: "every state of the README's first command, with the promises: it holds, with the pinned counts; the published \
               protocol is violated",
        within: In::Test,
        lane: Lane::Computes,
        usual: 140,
        run: check,
    },
    Step {
        name: "searches",
        says: "pinned checks, on any number of threads, by another engine, and with reductions",
        within: In::Test,
        lane: Lane::Computes,
        usual: 110,
        run: |programs| Suite::Searches.run(programs, true),
    },
    Step {
        name: "checker",
        says: "every other test that computes",
        within: In::Test,
        lane: Lane::Computes,
        usual: 60,
        run: |programs| Suite::Checker.run(programs, true),
    },
    Step {
        name: "loom",
        says: "every interleaving of each race, within the bounds it prints",
        within: In::Test,
        lane: Lane::Computes,
        usual: 140,
        run: |_| races(LOOM),
    },
    Step {
        name: "shuttle",
        says: "random interleavings of each race at larger sizes",
        within: In::Test,
        lane: Lane::Computes,
        usual: 105,
        run: |_| races(SHUTTLE),
    },
    Step {
        name: "sites",
        says: "races on real threads, recorded runs against the model, our own implementation through the kit, and the \
               seeded defects that docs/kill-matrix.md says are found",
        within: In::Test,
        lane: Lane::Waits,
        usual: 105,
        run: |programs| Suite::Sites.run(programs, false),
    },
    Step {
        name: "waiting",
        says: "nodes and sites, and the kit with adapters of all kinds and real servers",
        within: In::Test,
        lane: Lane::Waits,
        usual: 180,
        run: |programs| Suite::Waiting.run(programs, false),
    },
    Step {
        name: "example",
        says: "the README's second command backs up a real database",
        within: In::Test,
        lane: Lane::Waits,
        usual: 20,
        run: |programs| programs::run(programs, programs::EXAMPLE, &[], 0, false),
    },
    Step {
        name: "valgrind",
        says: "SQLite's calls of the example's VFS touch no memory that is not theirs, and lose none",
        within: In::Test,
        lane: Lane::Waits,
        usual: 5,
        run: |programs| programs::under_valgrind(programs, programs::EXAMPLE, "ffi_tests"),
    },
];

const MINIMAL: &[&str] = &["conform", "--adapter", "python3 checker/adapters/minimal.py"];

fn syncsplit(programs: &[Program], arguments: &[&str], expected: i32, is_niced: bool) -> Outcome {
    programs::run(programs, programs::SYNCSPLIT, arguments, expected, is_niced)
}

/// `ci` and `all-promises` are one space of states, so it is searched once.
fn check(programs: &[Program]) -> Outcome {
    let holds = syncsplit(programs, &["check", "all-promises"], 0, true);
    let pinned = |name| Outcome::from(pinned::compare(name, &holds.shown));
    let pinned = pinned("all-promises").and(pinned("ci"));
    // By itself the first command has no argument; a few states show that it asks about `ci`.
    let first = syncsplit(programs, &["check", "--states", "1000"], 3, true);
    let published = syncsplit(programs, &["check", "--variant", "published"], 1, true);
    holds.and(pinned).and(first).and(published)
}

fn quiet(arguments: &[&str]) -> Outcome {
    outcome(&mut niced_cargo(arguments), 0, Show::OnFailure)
}

fn clippy(targets: &[&str]) -> Outcome {
    quiet(&[&["clippy"], BUILD, &["--keep-going"], targets, &["--", "-Dwarnings"]].concat())
}

/// What else the workspace has was looked at before, and is not anew.
fn clippy_races((feature, test): Races) -> Outcome {
    clippy(&["--lib", "--test", test, "--features", feature])
}

/// Races print how many executions each explored; a reader of the log sees them.
fn races((feature, test): Races) -> Outcome {
    let targets = ["--test", test, "--features", feature, "--", "--show-output"];
    let mut command = niced_cargo(&[&["test"], BUILD, &targets].concat());
    some_tests(outcome(&mut command, 0, Show::Stdout))
}
