//! `cargo xtask bless`: what stands in the repository as it was found is rewritten by what is found now. Each part is a test
//! that compares, or writes with `BLESS` set in its environment - to `1`, or to what alone is wanted of the kill matrix.

use crate::programs::{BUILD, COMMAND, DIRECTED, MODEL, WHOLE};
use crate::run::{Outcome, Show, cargo, outcome, some_tests};

/// One part of what is rewritten.
pub(crate) struct Part {
    /// The name that `--only` takes.
    pub(crate) name: &'static str,
    /// The files.
    pub(crate) says: &'static str,
    /// Seconds it takes by itself, on two quiet cores, once everything is built.
    pub(crate) usual: u32,
    /// Whether it is done only when it is named.
    pub(crate) by_name: bool,
    /// The test program, and which of its tests.
    tests: (&'static str, &'static [&'static str]),
}

/// Every part, each after those whose tables it reads.
pub(crate) const PARTS: &[Part] = &[
    Part {
        name: "matrix-of-events",
        says: "model/tests/matrix/*.txt: every event of every role in every state",
        usual: 1,
        by_name: false,
        tests: (MODEL, &["matrix::"]),
    },
    Part {
        name: "schemas",
        says: "docs/*.schema.json: what a record is, and a line of the adapter protocol, by their types",
        usual: 1,
        by_name: false,
        tests: (WHOLE, &["schemas::"]),
    },
    Part {
        name: "small",
        says: "checker/instances/small.toml: the small instances",
        usual: 5,
        by_name: false,
        tests: (WHOLE, &["small::"]),
    },
    Part {
        name: "pinned",
        says: "tests/pinned.toml: every check but those of `nightly`",
        usual: 220,
        by_name: false,
        tests: (WHOLE, &["pinned::the_", "pinned::leaving_", "pinned::a_reduced_"]),
    },
    Part {
        name: "nightly",
        says: "tests/pinned.toml: the instance `nightly`, and large reduced spaces; an hour and 10 GiB",
        usual: 3_600,
        by_name: true,
        tests: (WHOLE, &["pinned::nightly_"]),
    },
    Part {
        name: "ablation",
        says: "checker/ablations.toml, docs/ablation.md: every rule left out",
        usual: 10,
        by_name: false,
        tests: (WHOLE, &["studies::the_ablation_"]),
    },
    Part {
        name: "matrix",
        says: "checker/matrix.toml, docs/matrix.md: every variant under every class of faults",
        usual: 5,
        by_name: false,
        tests: (WHOLE, &["studies::the_matrix_"]),
    },
    Part {
        name: "directed",
        says: "checker/directed.toml: the kit's directed cases, by the table of ablations",
        usual: 120,
        by_name: false,
        tests: (DIRECTED, &["the_table_can_be_derived_anew"]),
    },
    Part {
        name: "traces",
        says: "checker/syncsplit/tests/traces: a counterexample in every format",
        usual: 5,
        by_name: false,
        tests: (COMMAND, &["traces::a_counterexample_looks_"]),
    },
    Part {
        name: "life",
        says: "checker/validate/tests/traces/life.ndjson: a recorded life of two nodes",
        usual: 2,
        by_name: false,
        tests: (WHOLE, &["lives::the_good_life_"]),
    },
    Part {
        name: "pages",
        says: "counts between markers in README.md, SPEC.md and docs",
        usual: 1,
        by_name: false,
        tests: (WHOLE, &["counts::counts_in_pages_"]),
    },
    Part {
        name: "kills",
        says: "tests/kills.toml, docs/kill-matrix.md: every case about each seeded defect; ten minutes",
        usual: 600,
        by_name: true,
        tests: (WHOLE, &["kills::the_whole_matrix_"]),
    },
];

impl Part {
    /// Rewrites the part; of those that can be rewritten in part, what `of` names.
    pub(crate) fn run(&self, of: &str) -> Outcome {
        let (program, filters) = self.tests;
        let every = ["--include-ignored", "--test-threads=1"];
        let test = [&["test"], BUILD, &["--test", program, "--"], filters, &every].concat();
        some_tests(outcome(cargo(&test).env("BLESS", of), 0, Show::OnFailure))
    }
}
