//! The command itself, run as a user runs it. What it is asked is in the other modules.

use assert_cmd::Command;
use serde_json::Value;

/// `syncsplit` with these arguments.
pub(crate) fn syncsplit(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("syncsplit").unwrap();
    command.args(arguments);
    command
}

/// What it prints on stdout, ending with this exit code.
pub(crate) fn stdout(arguments: &[&str], exit: i32) -> String {
    let assert = syncsplit(arguments).assert().code(exit);
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

/// The one JSON object that it prints, and nothing behind it.
pub(crate) fn json(arguments: &[&str], exit: i32) -> Value {
    let arguments = [arguments, &["--format", "json"]].concat();
    serde_json::from_str(&stdout(&arguments, exit)).unwrap()
}

/// It refuses with exit code 2: nothing on stdout, and each of these on stderr.
pub(crate) fn refused(arguments: &[&str], says: &[&str]) {
    let assert = syncsplit(arguments).assert().code(2).stdout("");
    let stderr = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    for word in says {
        assert!(stderr.contains(word), "{arguments:?} does not say {word:?}:\n{stderr}");
    }
}
