//! What the workspace builds, by name: the only place in xtask that knows a package, a feature or a test program. What is
//! run, and when, stands in [`crate::steps`].

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::run::{
    ProgramOutput, Show, StepOutcome, cargo, end_of, held, niced, outcome, some_tests, tests, words,
};

/// One profile and one selection for all that is built, so that nothing is built twice.
pub(crate) const BUILD: &[&str] = &["--release", "--workspace"];

/// The comparison of engines.
pub(crate) const BENCH: &[&str] = &["--package", "syncsplit-search", "--bench", "engines"];

/// The package that is to link without std.
pub(crate) const PROTOCOL: &str = "syncsplit-model";

/// A model checker of threads: its feature, and its program of races.
pub(crate) type Races = (&'static str, &'static str);
pub(crate) const LOOM: Races = ("syncsplit-tests/loom", "races_loom");
pub(crate) const SHUTTLE: Races = ("syncsplit-tests/shuttle", "races_shuttle");

/// What the README's two commands build.
pub(crate) const FIRST_COMMANDS: &[&[&str]] =
    &[&[], &["--package", "syncsplit-impl", "--example", "sqlite_backup"]];

/// The command, and the example.
pub(crate) const SYNCSPLIT: &str = "syncsplit";
pub(crate) const EXAMPLE: &str = "sqlite_backup";

/// The program of everything that is about the whole.
pub(crate) const WHOLE: &str = "whole";
/// The program of the command's tests.
pub(crate) const COMMAND: &str = "command";
/// The program of the kit's directed cases.
pub(crate) const DIRECTED: &str = "directed";
/// The program of the protocol's tests.
pub(crate) const MODEL: &str = "model_tests";
/// Programs that wait for threads, links and servers more than they compute.
const WAITING: &[&str] = &["impl_tests"];
/// Programs of tests that take seconds together.
const SMALL: &[&str] = &[MODEL];

/// A program of several suites: its name, modules by suite, and the suite of its other modules.
type Shared = (&'static str, &'static [(Suite, &'static [&'static str])], Suite);

const SHARED: &[Shared] = &[
    (
        WHOLE,
        &[
            (Suite::Tree, &["architecture::", "counts::", "prose::", "spec_ids::"]),
            (Suite::Studies, &["small::", "studies::"]),
            (Suite::Searches, &["pinned::", "reductions::"]),
        ],
        Suite::Sites,
    ),
    (
        COMMAND,
        &[(Suite::Waiting, &["conform::", "cpp::", "golang::", "systems::"])],
        Suite::Checker,
    ),
];

/// A group of tests that is one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suite {
    /// The tests inside of crates, and those of the protocol and its world.
    Unit,
    /// What is said of the tree itself: imports, habits, ids, counts in pages.
    Tree,
    /// The small instances, and the studies `ablate` and `matrix`.
    Studies,
    /// Every other search that is pinned or compared.
    Searches,
    /// The rest of what computes.
    Checker,
    /// The rest of the program about the whole: threads, traces, our own adapter, seeded defects.
    Sites,
    /// What waits.
    Waiting,
}

impl Suite {
    /// What `program` is told to run of this suite; nothing if it has no part in it.
    fn arguments(self, program: &Program) -> Option<Vec<&'static str>> {
        let Some((_, parts, rest)) = SHARED.iter().find(|(name, _, _)| program.name == *name)
        else {
            return (self == program.suite()).then(Vec::new);
        };
        let all = || parts.iter().flat_map(|(_, modules)| modules.iter().copied());
        if self == *rest {
            return Some(all().flat_map(|module| ["--skip", module]).collect());
        }
        let (_, modules) = parts.iter().find(|(suite, _)| *suite == self)?;
        // A search takes all there is, whichever other waits.
        let alone = [Self::Studies, Self::Searches].contains(&self).then_some("--test-threads=1");
        Some(modules.iter().copied().chain(alone).collect())
    }

    /// Runs the suite. A program that runs no test is an error, unless it is the inside of a crate.
    pub(crate) fn run(self, programs: &[Program], is_niced: bool) -> StepOutcome {
        let parts = programs.iter().filter(|program| program.is_test);
        let parts = parts.filter_map(|program| Some((program, self.arguments(program)?)));
        let all = parts.map(|(program, arguments)| program.test(&arguments, is_niced));
        let all = all.fold(StepOutcome::default(), StepOutcome::and);
        if all.passed + all.failed == 0 { StepOutcome::failure("no test was run") } else { all }
    }
}

/// A program that was built.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    name: String,
    source: String,
    /// `lib`, `bin`, `example` or `test`.
    kind: String,
    is_test: bool,
    folder: PathBuf,
    executable: PathBuf,
}

impl Program {
    /// Reads a line of cargo's messages; most are about something else.
    fn read(line: &str) -> Option<Self> {
        let message: Value = serde_json::from_str(line).ok()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let target = message.get("target")?;
        let manifest = PathBuf::from(text(message.get("manifest_path")?)?);
        let folder = manifest.parent()?.to_path_buf();
        let source = PathBuf::from(text(target.get("src_path")?)?);
        let source = source.strip_prefix(&folder).unwrap_or(&source).display().to_string();
        Some(Self {
            name: text(target.get("name")?)?,
            source,
            kind: text(target.get("kind")?.get(0)?)?,
            is_test: message.get("profile")?.get("test")?.as_bool()?,
            folder,
            executable: text(message.get("executable")?)?.into(),
        })
    }

    fn suite(&self) -> Suite {
        let is_one_of = |names: &[&str]| names.contains(&self.name.as_str());
        if self.kind != "test" || is_one_of(SMALL) {
            Suite::Unit
        } else if is_one_of(WAITING) {
            Suite::Waiting
        } else {
            Suite::Checker
        }
    }

    /// The program as cargo would run it.
    fn command(&self, is_niced: bool) -> Command {
        let mut command = if is_niced { niced(&self.executable) } else { held(&self.executable) };
        command.current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder);
        command
    }

    fn test(&self, arguments: &[&str], is_niced: bool) -> StepOutcome {
        let mut command = self.command(is_niced);
        let name = format!("{}: {}", self.name, self.source);
        let outcome = tests(command.args(arguments), &name);
        if self.kind == "test" { some_tests(outcome) } else { outcome }
    }
}

/// Builds everything once.
///
/// # Errors
/// The build failed, in cargo's words.
pub(crate) fn build() -> Result<Vec<Program>, String> {
    let mut programs = built(&[&["test", "--no-run"], BUILD].concat())?;
    // An example with tests is built for them alone, unless it is asked for.
    programs.extend(built(&[&["build"], BUILD, &["--example", EXAMPLE]].concat())?);
    let is_there = |name: &&&str| programs.iter().any(|program| program.name == **name);
    let named = [WAITING, SMALL, &[WHOLE, COMMAND, DIRECTED, SYNCSPLIT, EXAMPLE]].concat();
    match named.iter().find(|name| !is_there(name)) {
        Some(name) => {
            Err(format!("no program is called {name}, which xtask/src/programs.rs names\n"))
        }
        None => Ok(programs),
    }
}

/// The programs that a command of cargo builds.
fn built(arguments: &[&str]) -> Result<Vec<Program>, String> {
    let mut command = cargo(&[arguments, &["--message-format=json-render-diagnostics"]].concat());
    let ProgramOutput { code, stdout, stderr } = end_of(&mut command)?;
    if code == Some(0) {
        Ok(stdout.lines().filter_map(Program::read).collect())
    } else {
        Err(format!("{}\n{stderr}", words(&command)))
    }
}

/// Runs the tests of a module of a program under valgrind, which fails them for any finding.
pub(crate) fn under_valgrind(programs: &[Program], name: &str, module: &str) -> StepOutcome {
    let is_wanted = |program: &&Program| program.name == name && program.is_test;
    let Some(program) = programs.iter().find(is_wanted) else {
        return StepOutcome::failure(format!("the tests of {name} were not built"));
    };
    let mut command = held("valgrind");
    command.args(["--quiet", "--error-exitcode=9", "--leak-check=full"]);
    command.args(["--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"]);
    command.arg(&program.executable).arg(module).current_dir(&program.folder);
    some_tests(tests(&mut command, &format!("{name}: valgrind")))
}

/// Runs a program that is no test.
pub(crate) fn run(
    programs: &[Program],
    name: &str,
    arguments: &[&str],
    expected: i32,
    is_niced: bool,
) -> StepOutcome {
    let is_wanted = |program: &&Program| program.name == name && !program.is_test;
    match programs.iter().find(is_wanted) {
        Some(program) => {
            let mut command = program.command(is_niced);
            command.current_dir(crate::run::root()).args(arguments);
            outcome(&mut command, expected, Show::Stdout)
        }
        None => StepOutcome::failure(format!("{name} was not built")),
    }
}

/// Builds the protocol into `folder`, without all that is optional.
pub(crate) fn protocol_alone(folder: &Path) -> StepOutcome {
    let folder = folder.to_string_lossy();
    let arguments =
        ["build", "--package", PROTOCOL, "--no-default-features", "--target-dir", &folder];
    outcome(&mut cargo(&arguments), 0, Show::OnFailure)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "a failing test panics")]
    use super::*;

    fn program(name: &str, kind: &str) -> Program {
        let line = format!(
            "{{\"reason\": \"compiler-artifact\", \"manifest_path\": \"/r/a/Cargo.toml\", \"target\": {{\"kind\": \
             [\"{kind}\"], \"name\": \"{name}\", \"src_path\": \"/r/a/tests/{name}.rs\"}}, \"profile\": {{\"test\": \
             true}}, \"executable\": \"/r/t/{name}-01\"}}"
        );
        Program::read(&line).unwrap_or_else(|| panic!("{line}"))
    }

    const ALL: [Suite; 7] = [
        Suite::Unit,
        Suite::Tree,
        Suite::Studies,
        Suite::Searches,
        Suite::Checker,
        Suite::Sites,
        Suite::Waiting,
    ];

    fn suites(program: &Program) -> Vec<Suite> {
        ALL.into_iter().filter(|suite| suite.arguments(program).is_some()).collect()
    }

    #[test]
    fn every_test_is_in_one_suite() {
        assert_eq!(suites(&program("syncsplit_model", "lib")), [Suite::Unit]);
        assert_eq!(suites(&program(MODEL, "test")), [Suite::Unit]);
        assert_eq!(suites(&program("impl_tests", "test")), [Suite::Waiting]);
        assert_eq!(suites(&program("one_that_is_new", "test")), [Suite::Checker]);
        assert_eq!(suites(&program(COMMAND, "test")), [Suite::Checker, Suite::Waiting]);
        for (name, parts, rest) in SHARED {
            let skipped = rest.arguments(&program(name, "test")).unwrap_or_default();
            for (suite, modules) in *parts {
                let told = suite.arguments(&program(name, "test")).unwrap_or_default();
                let is_split = modules.iter().all(|m| told.contains(m) && skipped.contains(m));
                assert!(is_split, "{name}: {suite:?}");
            }
        }
    }

    #[test]
    fn a_message_about_something_else_is_no_program() {
        for line in ["", "{}", "{\"reason\": \"build-finished\", \"success\": true}"] {
            assert!(Program::read(line).is_none(), "{line}");
        }
    }
}
