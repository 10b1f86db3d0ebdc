//! Wrong programs that no seam of the implementation expresses stand as patches, and each still fits the tree. That the tests
//! they name find them is seen by `cargo xtask nightly`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use syncsplit_tests::source::{files, root};

fn patches() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("tests/mutants")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn each_patch_applies() {
    let patches = patches();
    assert!(patches.len() >= 5, "{patches:?}");
    for patch in patches {
        let mut git = Command::new("git");
        let (patch, root) = (patch.canonicalize().unwrap(), root().canonicalize().unwrap());
        git.args(["apply", "--check"]).arg(patch).current_dir(&root);
        // A copy inside of another repository is looked at all the same.
        git.env("GIT_CEILING_DIRECTORIES", root.parent().unwrap());
        let checked = git.output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    }
}

#[test]
fn each_patch_says_what_is_wrong_and_names_a_test_of_the_implementation() {
    let tests = files(&["rs"]).unwrap();
    for patch in patches() {
        let text = fs::read_to_string(&patch).unwrap();
        let mut lines = text.lines();
        assert!(lines.next().is_some_and(|says| says.contains(' ')), "{}", patch.display());
        let found_by = lines.next().and_then(|line| line.strip_prefix("Found by: syncsplit-impl "));
        let named = format!("fn {}(", found_by.unwrap_or("no test"));
        let is_there =
            tests.iter().any(|file| file.is_in("impl/tests") && file.text.contains(&named));
        assert!(is_there, "{}: {named}", patch.display());
    }
}
