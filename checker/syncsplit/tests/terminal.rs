//! What a terminal gets and a pipe does not, and how the text of a check ends in both.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{stdout, syncsplit};

/// The text less its cost, which no two runs share.
fn without_cost(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains("  cost  "));
    lines.flat_map(|line| [line.trim_end(), "\n"]).collect()
}

/// What the command prints on a terminal of so many columns.
#[cfg(unix)]
fn on_terminal(arguments: &[&str], columns: u16, variables: &[(&str, &str)]) -> String {
    use std::io::Read;
    use std::process::{Command, Stdio};

    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    use nix::pty::{Winsize, openpty};

    let leash = syncsplit_conform::leash::Leash::new().unwrap();
    let size = Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let terminal = openpty(Some(&size), None).unwrap();
    // Whatever another test starts meanwhile must not keep the terminal open.
    for end in [&terminal.master, &terminal.slave] {
        fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
    }
    let mut command = Command::new(std::env!("CARGO_BIN_EXE_syncsplit"));
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).stdout(terminal.slave);
    command.env_remove("NO_COLOR").env("TERM", "xterm").envs(variables.iter().copied());
    leash.hold(&mut command);
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut screen = Vec::new();
    let mut part = [0; 4096];
    // Linux answers with an error once nobody has the other end open.
    let mut master = fs::File::from(terminal.master);
    while let Ok(length @ 1..) = master.read(&mut part) {
        screen.extend_from_slice(&part[..length]);
    }
    child.wait().unwrap();
    String::from_utf8(screen).unwrap().replace("\r\n", "\n")
}

#[cfg(unix)]
#[test]
fn a_terminal_gets_colour_and_lines_that_fit_and_a_pipe_gets_neither() {
    let violated = ["check", "smoke", "--without", "XFER-2"];
    let holds = ["check", "small"];
    for arguments in [&violated[..], &holds, &["list", "faults"], &["explain", "link-down"]] {
        let coloured = on_terminal(arguments, 90, &[]);
        let plain = on_terminal(arguments, 90, &[("NO_COLOR", "1")]);
        assert!(!plain.contains('\u{1b}'), "{plain:?}");
        let stripped = anstream::adapter::strip_str(&coloured).to_string();
        assert_eq!(without_cost(&stripped), without_cost(&plain));
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let fits = |line: &str| line.chars().count() <= 90 || line.split_whitespace().count() == 1;
        assert!(plain.lines().all(fits), "{plain}");
        let piped = syncsplit(arguments).env("CLICOLOR_FORCE", "1").output().unwrap().stdout;
        let piped = String::from_utf8(piped).unwrap();
        assert!(!piped.contains('\u{1b}'), "{piped:?}");
        if arguments[0] == "check" {
            assert!(coloured.contains("\u{1b}["), "{coloured:?}");
            assert_eq!(words(&without_cost(&piped)), words(&without_cost(&plain)));
        }
    }
}

/// A folder that a command may write to, gone at the end.
struct TempFolder(PathBuf);

impl TempFolder {
    fn new() -> Self {
        let name = format!("syncsplit-next-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn a_check_ends_with_its_verdict_and_commands_that_work() {
    let folder = TempFolder::new();
    for (arguments, ends, advice) in [
        (
            &["check", "small", "--without", "SYNC-2"][..],
            "VIOLATED: small, hardened without SYNC-2; exit code 1",
            &["syncsplit explain ", "--continue", "run.svg", "run.itf.json"][..],
        ),
        (
            &["check", "waits", "--without", "FREEZE-2"],
            "VIOLATED: waits, hardened without FREEZE-2; exit code 1",
            &["syncsplit explain frozen-leads-to-thawed", "run.svg"],
        ),
        (
            &["check", "small"],
            "HOLDS: small, hardened; exit code 0",
            &["syncsplit ablate", "syncsplit check promises"],
        ),
        (
            &["check", "small", "--fault", "crash-primary"],
            "HOLDS: small with faults crash-primary, hardened; exit code 0",
            &["syncsplit explain "],
        ),
        (
            &["check", "ci", "--states", "100"],
            "UNDECIDED: ci, hardened; exit code 3",
            &["--checkpoint FILE"],
        ),
    ] {
        let code = ends.rsplit(' ').next().unwrap().parse().unwrap();
        let text = stdout(arguments, code);
        let (report, closing) = text.rsplit_once(&format!("\n{ends}\n")).unwrap();
        let (first, _) = ends.split_once(';').unwrap();
        assert!(report.starts_with(first), "{text}");
        let lines: Vec<_> = closing.lines().skip(1).collect();
        assert!(closing.starts_with("next:\n") && !lines.is_empty(), "{text}");
        for part in advice {
            assert!(closing.contains(part), "no {part:?} in {closing}");
        }
        for line in lines {
            let command = line.trim_start().split("  ").next().unwrap();
            let words: Vec<_> = command.split(' ').skip(1).collect();
            if ["ablate", "check promises"].contains(&words.join(" ").as_str()) {
                continue;
            }
            let output = syncsplit(&words).current_dir(&folder.0).output().unwrap();
            assert_ne!(output.status.code(), Some(2), "{command}: {output:?}");
        }
    }
}

#[test]
fn a_run_on_stdout_stands_alone_and_is_the_one_of_a_file() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("beside.itf.json");
    let path = file.to_str().unwrap();
    let simulate = ["simulate", "small", "--without", "SYNC-2", "--seed", "1"];
    for arguments in [&["check", "small", "--without", "SYNC-2"][..], &simulate] {
        let report = stdout(&[arguments, &["--trace-out", path]].concat(), 1);
        let assert = syncsplit(&[arguments, &["--trace-out", "-"]].concat()).assert().code(1);
        let output = assert.get_output();
        assert_eq!(String::from_utf8_lossy(&output.stdout), fs::read_to_string(&file).unwrap());
        let aside = String::from_utf8_lossy(&output.stderr);
        let table =
            |text: &str| text.split_once("step  who").unwrap().1.lines().next().map(str::to_owned);
        assert_eq!(aside.lines().next(), report.lines().next());
        assert_eq!(table(&aside), table(&report));
    }
    let none = syncsplit(&["check", "small", "--trace-out", "-"]).assert().code(0).stdout("");
    let aside = String::from_utf8_lossy(&none.get_output().stderr).into_owned();
    assert!(
        aside.starts_with("HOLDS") && aside.contains("nothing is written to stdout"),
        "{aside}"
    );
}
