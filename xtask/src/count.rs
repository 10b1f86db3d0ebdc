//! What a test program says of its tests, read from its output.

/// One test program, one part of one, or one crate's documentation tests.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TestCount {
    /// The program and where its source is, or whose documentation it is.
    pub(crate) name: String,
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed.
    pub(crate) failed: u64,
    /// Wall-clock seconds.
    pub(crate) seconds: f64,
}

/// Each program of which `cargo test` says that it ran at least one test.
///
/// `stderr` names the programs in the order in which `stdout` has their results.
pub(crate) fn parts(stdout: &str, stderr: &str) -> Vec<TestCount> {
    let mut names = stderr.lines().filter_map(name);
    let results = stdout.lines().filter_map(|line| part("", line));
    let parts =
        results.map(|part| TestCount { name: names.next().unwrap_or_else(|| "?".into()), ..part });
    parts.filter(|part| part.passed + part.failed > 0).collect()
}

/// What a program that was run by itself says of its tests.
pub(crate) fn of_program(name: &str, stdout: &str) -> Vec<TestCount> {
    stdout.lines().filter_map(|line| part(name, line)).collect()
}

/// `     Running tests/cli.rs (target/release/deps/cli-0123456789abcdef)`, or `   Doc-tests syncsplit_model`.
fn name(line: &str) -> Option<String> {
    let line = line.trim_start();
    if let Some(package) = line.strip_prefix("Doc-tests ") {
        return Some(format!("{package}: documentation"));
    }
    let (source, program) = line.strip_prefix("Running ")?.split_once(" (")?;
    let program = program.trim_end_matches(')').rsplit(['/', '\\']).next()?;
    let program = program.rsplit_once('-').map_or(program, |(name, _)| name);
    let source = source.strip_prefix("unittests ").unwrap_or(source);
    Some(format!("{program}: {source}"))
}

/// `test result: ok. 7 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.52s`.
fn part(name: &str, line: &str) -> Option<TestCount> {
    let mut counts = line.strip_prefix("test result: ")?.split("; ");
    let passed = counts.next()?.rsplit_once(". ")?.1.strip_suffix(" passed")?.parse().ok()?;
    let failed = counts.next()?.strip_suffix(" failed")?.parse().ok()?;
    let seconds = counts.last().and_then(|last| last.strip_prefix("finished in "));
    let seconds = seconds.and_then(|text| text.trim_end().strip_suffix('s')?.parse().ok());
    Some(TestCount { name: name.into(), passed, failed, seconds: seconds.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counted_and_named() {
        let stderr = "   Compiling a v0.1.0\n     Running unittests src/lib.rs (t/deps/a_b-01ab)\n     \
                      Running tests/cli.rs (t/deps/cli-01ab)\n   Doc-tests a_b\n";
        let stdout = "running 2 tests\ntest result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; \
                      finished in 0.52s\n\ntest result: FAILED. 10 passed; 3 failed; 0 ignored; 0 measured; \
                      0 filtered out; finished in 61.00s\ntest result: ok. 0 passed; 0 failed; 0 ignored; \
                      0 measured; 0 filtered out; finished in 0.00s\n";
        let part = |name: &str, passed, failed, seconds| TestCount {
            name: name.into(),
            passed,
            failed,
            seconds,
        };
        let expected =
            [part("a_b: src/lib.rs", 2, 0, 0.52), part("cli: tests/cli.rs", 10, 3, 61.0)];
        assert_eq!(parts(stdout, stderr), expected);
        assert_eq!(of_program("x", stdout)[1], part("x", 10, 3, 61.0));
    }

    #[test]
    fn other_lines_count_nothing() {
        let stdout =
            "test result: pending\ntest result: ok. many passed; 0 failed\n 3 passed; 0 failed\n";
        assert_eq!(parts(stdout, ""), []);
    }
}
