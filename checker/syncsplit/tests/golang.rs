//! The kit against the starting point in Go, built without a network and without a cache.

use std::path::PathBuf;
use std::process::Command;

use crate::conform::{adapters, code, conform_by, json};

/// A copy of the adapter's folder, which is there as long as the value.
struct GoFolder(PathBuf);

impl GoFolder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("syncsplit-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let folder = Self(folder);
        for file in std::fs::read_dir(adapters().join("go")).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), folder.0.join(file.file_name())).unwrap();
        }
        folder
    }

    /// What a command of Go prints, which has to end well.
    fn go(&self, program: &str, arguments: &[&str]) -> String {
        let mut go = Command::new(program);
        go.current_dir(&self.0).args(arguments);
        go.env("GOFLAGS", "-mod=mod").env("GOPROXY", "off").env("GOENV", "off");
        go.env("GOCACHE", self.0.join("cache")).env("GOPATH", self.0.join("path"));
        let output = go.output().unwrap_or_else(|why| panic!("{program}: {why}"));
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        said
    }

    /// The command that starts the adapter.
    fn build(&self, more: &[&str]) -> String {
        self.go("go", &[&["build", "-o", "adapter"], more].concat());
        self.0.join("adapter").display().to_string()
    }
}

impl Drop for GoFolder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

const SOME: [&str; 6] = ["--only", "directed", "--only", "random", "--seed", "11"];

/// Its replicator goes on by itself between the requests, on goroutines of its own.
#[test]
fn the_adapter_in_go_conforms_at_both_levels() {
    let folder = GoFolder::new("go");
    assert_eq!(folder.go("gofmt", &["-l", "."]), "", "not formatted");
    assert_eq!(folder.go("go", &["vet", "."]), "");
    // Whoever copies it has nothing to fetch.
    let module = std::fs::read_to_string(folder.0.join("go.mod")).unwrap();
    assert!(!module.contains("require"), "{module}");
    let adapter = folder.build(&[]);
    for (level, cases) in [("marked", "50"), ("black-box", "15")] {
        let more = ["--level", level, "--cases", cases, "--format", "json"];
        let output = conform_by(&adapter, &[&SOME[..], &more].concat());
        let report = json(&output);
        assert_eq!(code(&output), 0, "{level}: {report:#}");
        assert!(report["finished"].as_u64().unwrap() > 40, "{level}: {report:#}");
    }
}

/// The first race ends the adapter, which is exit code 3.
#[test]
fn the_adapter_in_go_has_no_race() {
    let folder = GoFolder::new("go-race");
    let adapter = format!("GORACE=halt_on_error=1 {}", folder.build(&["-race"]));
    let more = ["--level", "marked", "--cases", "20", "--format", "json"];
    let output = conform_by(&adapter, &[&SOME[..], &more].concat());
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_mistake_in_go_is_found_and_named() {
    let folder = GoFolder::new("go-mistake");
    let (right, wrong) = ("r.written >= mark.Seq:", "r.written >= mark.Seq-1:");
    let file = folder.0.join("replicator.go");
    let source = std::fs::read_to_string(&file).unwrap();
    assert_eq!(source.matches(right).count(), 1, "{right}");
    std::fs::write(&file, source.replace(right, wrong)).unwrap();
    let more = ["--cases", "30", "--format", "json"];
    let report = json(&conform_by(&folder.build(&[]), &[&SOME[..], &more].concat()));
    let rules = report["rules"].as_array().unwrap();
    let row = rules.iter().find(|row| row["rule"] == "SYNC-3").unwrap();
    assert_eq!(row["verdict"], "fail", "{report:#}");
}
