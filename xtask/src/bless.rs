//! `cargo xtask bless`: what stands in the repository as it was found is rewritten by what is found now. Each part is a test
//! that compares, or writes with `BLESS` set in its environment - to `1`, or to what alone is wanted of the kill matrix.

use clap::ValueEnum;

use crate::programs::{BUILD, COMMAND, DIRECTED, MODEL, WHOLE};
use crate::run::{Show, StepOutcome, cargo, outcome, some_tests};

/// One part of what is rewritten, each after those whose tables it reads. Its name is the one that `--only` takes, and its
/// line names the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Blessing {
    /// model/tests/matrix/*.txt: every event of every role in every state
    MatrixOfEvents,
    /// docs/*.schema.json: what a record is, and a line of the adapter protocol, by their types
    Schemas,
    /// checker/instances/small.toml: the small instances
    Small,
    /// tests/pinned.toml: every check but those of `nightly`
    Pinned,
    /// tests/pinned.toml: the instance `nightly`, and large reduced spaces; an hour and 10 GiB
    Nightly,
    /// checker/ablations.toml, docs/ablation.md: every rule left out
    Ablation,
    /// checker/matrix.toml, docs/matrix.md: every variant under every class of faults
    Matrix,
    /// checker/directed.toml: the kit's directed cases, by the table of ablations
    Directed,
    /// checker/syncsplit/tests/traces: a counterexample in every format
    Traces,
    /// checker/validate/tests/traces/life.ndjson: a recorded life of two nodes
    Life,
    /// counts between markers in README.md, SPEC.md and docs
    Pages,
    /// tests/kills.toml, docs/kill-matrix.md: every case about each seeded defect; ten minutes
    Kills,
}

impl Blessing {
    /// Seconds that the part takes by itself, on two quiet cores, once everything is built; the test program, and which of its
    /// tests.
    const fn test(self) -> (u32, &'static str, &'static [&'static str]) {
        match self {
            Self::MatrixOfEvents => (1, MODEL, &["matrix::"]),
            Self::Schemas => (1, WHOLE, &["schemas::"]),
            Self::Small => (5, WHOLE, &["small::"]),
            Self::Pinned => {
                (220, WHOLE, &["pinned::the_", "pinned::leaving_", "pinned::a_reduced_"])
            }
            Self::Nightly => (3_600, WHOLE, &["pinned::nightly_"]),
            Self::Ablation => (10, WHOLE, &["studies::the_ablation_"]),
            Self::Matrix => (5, WHOLE, &["studies::the_matrix_"]),
            Self::Directed => (120, DIRECTED, &["the_table_can_be_derived_anew"]),
            Self::Traces => (5, COMMAND, &["traces::a_counterexample_looks_"]),
            Self::Life => (2, WHOLE, &["lives::the_good_life_"]),
            Self::Pages => (1, WHOLE, &["counts::counts_in_pages_"]),
            Self::Kills => (600, WHOLE, &["kills::the_whole_matrix_"]),
        }
    }

    /// Seconds that the part usually takes.
    pub(crate) const fn usual(self) -> u32 {
        self.test().0
    }

    /// Whether the part is rewritten only when it is named.
    pub(crate) const fn is_by_name(self) -> bool {
        matches!(self, Self::Nightly | Self::Kills)
    }

    /// Rewrites the part; of those that can be rewritten in part, what `of` names.
    pub(crate) fn run(self, of: &str) -> StepOutcome {
        let (_, program, filters) = self.test();
        let every = ["--include-ignored", "--test-threads=1"];
        let test = [&["test"], BUILD, &["--test", program, "--"], filters, &every].concat();
        some_tests(outcome(cargo(&test).env("BLESS", of), 0, Show::OnFailure))
    }
}
