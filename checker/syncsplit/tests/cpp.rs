//! The kit against the starting point in C++: threads of its own, steered as well as by itself, and with seeded defects.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::conform::{adapters, code, conform_by, json};

const SOME: [&str; 6] = ["--only", "directed", "--only", "random", "--seed", "11"];

/// Builds what is in `sources`, and gives the program's place.
fn make(sources: &Path, name: &str, more: &[&str]) -> String {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut make = Command::new("make");
    make.arg("-C").arg(sources).arg(format!("OUT={}", out.display())).args(more);
    let output = make.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out.join("adapter").display().to_string()
}

fn sources() -> PathBuf {
    adapters().join("cpp")
}

/// It conforms at these levels, in this many random runs.
fn conforms(adapter: &str, levels: &[(&str, &str)]) {
    for (level, cases) in levels {
        let more = ["--level", level, "--cases", cases, "--format", "json"];
        let output = conform_by(adapter, &[&SOME[..], &more].concat());
        let report = json(&output);
        assert_eq!(code(&output), 0, "{level}: {report:#}");
        assert!(report["finished"].as_u64().unwrap() > 40, "{level}: {report:#}");
    }
}

#[test]
fn the_adapter_in_cpp_conforms_at_each_level() {
    let adapter = make(&sources(), "cpp", &[]);
    conforms(&adapter, &[("steered", "100"), ("marked", "40"), ("black-box", "15")]);
}

/// The first race, leak or wrong access ends the adapter, which is exit code 3.
#[test]
fn the_adapter_in_cpp_is_clean_under_sanitizers() {
    for (sanitizers, options) in [
        ("thread", "TSAN_OPTIONS=halt_on_error=1"),
        ("address,undefined", "UBSAN_OPTIONS=halt_on_error=1"),
    ] {
        let name = format!("cpp-{sanitizers}");
        let adapter = make(&sources(), &name, &[&format!("SANITIZE={sanitizers}")]);
        let adapter = format!("{options} {adapter}");
        conforms(&adapter, &[("steered", "20"), ("marked", "20")]);
    }
}

/// What a stranger copies: the sources without the defects.
#[test]
fn without_its_defects_it_is_the_same_and_conforms() {
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cpp-without-defects-sources");
    std::fs::create_dir_all(&copy).unwrap();
    for file in std::fs::read_dir(sources()).unwrap() {
        let file = file.unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        let kept = text.lines().filter(|line| !line.contains("seeded"));
        let kept: String = kept.map(|line| format!("{line}\n")).collect();
        let place = copy.join(file.file_name());
        // A file that has not changed is not built again.
        if file.file_name() != "defects.hpp"
            && std::fs::read_to_string(&place).ok() != Some(kept.clone())
        {
            std::fs::write(place, kept).unwrap();
        }
    }
    let adapter = make(&copy, "cpp-without-defects", &[]);
    conforms(&adapter, &[("steered", "20"), ("marked", "20")]);
}

#[test]
fn a_defect_in_cpp_is_found_and_a_stranger_refused() {
    let adapter = make(&sources(), "cpp", &[]);
    for (defect, case) in
        [("sync-one-early", "directed/SYNC-2"), ("remote-write-unmarked", "directed/TAKEOVER-2")]
    {
        let more = ["--only", case, "--format", "json"];
        let output = conform_by(&format!("{adapter} {defect}"), &more);
        assert_eq!(code(&output), 1, "{defect}: {:#}", json(&output));
    }
    let output = Command::new(&adapter).arg("no-such-defect").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--list"));
}
