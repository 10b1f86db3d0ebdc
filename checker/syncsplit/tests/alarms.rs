//! No false alarm: what SPEC.md permits though few do it passes, and the true defect beside it fails. The implementations are
//! those of `adapters/peculiar.py`.
use crate::conform::{code, json, peculiar};

/// Each of `permitted` passes at both levels, and each of `defects` fails at one of them, with these options.
fn judged(permitted: &[&str], defects: &[&str], options: &[&str]) {
    let all = ["--only", "directed", "--only", "random", "--cases", "25", "--format", "json"];
    let run = |peculiarity: &str, level: &str, options: &[&str]| {
        let output = peculiar(peculiarity, &[&all[..], &["--level", level], options].concat());
        (code(&output), json(&output))
    };
    for peculiarity in permitted {
        for level in ["marked", "black-box"] {
            let (code, report) = run(peculiarity, level, options);
            let failed = report["cases"].as_array().unwrap().iter();
            let failed: Vec<_> = failed.filter(|case| case["verdict"] == "fail").collect();
            assert_eq!(code, 0, "{peculiarity}, {level}: {failed:#?}");
        }
    }
    for peculiarity in defects {
        let first = [options, &["--fail-fast"]].concat();
        let mut levels = ["marked", "black-box"].iter();
        let is_found = levels.any(|level| run(peculiarity, level, &first).0 == 1);
        assert!(is_found, "{peculiarity} passes");
    }
}

#[test]
fn an_answer_may_leave_open_whether_a_request_was_done() {
    judged(&["Complete", "Indefinite", "IndefiniteLast"], &["DefiniteAndDone"], &[]);
}

/// SPEC.md, 5.8: the coordinator begins Sync once it was told that the database is frozen, and not before.
#[test]
fn no_sync_is_begun_before_the_freeze_is_told() {
    let script = "begin pair journal 2; write-first; start-backup; deliver-host request 1; write-second; sync-begin";
    let report = json(&peculiar("IndefiniteLast", &["--format", "json", "--script", script]));
    assert_eq!(report["cases"][0]["verdict"], "pass", "{report:#}");
    let unmet = report["unmet"][0].as_str().unwrap();
    assert!(unmet.contains("`sync-begin`, is left out"), "{unmet}");
}

#[test]
fn a_command_that_is_lost_is_given_again() {
    judged(&["LosesCommands"], &[], &[]);
    let create = ["--level", "black-box", "--script", "begin smpl journal 1; create"];
    for seed in ["1", "2", "3", "4", "5", "6"] {
        let output = peculiar("LosesCommands", &[&create[..], &["--seed", seed]].concat());
        assert_eq!(code(&output), 0, "{seed}: {}", String::from_utf8_lossy(&output.stdout));
    }
    assert_eq!(code(&peculiar("ForgetsCommands", &create)), 1);
}

#[test]
fn a_link_that_works_may_be_suspected() {
    judged(&["Suspects"], &["SuspectsUnmarked"], &[]);
}

#[test]
fn a_status_may_leave_out_whatever_it_likes() {
    judged(&["ShowsNoPrimary", "ShowsNoNumbers"], &["ShowsNoPrimarySyncEarly"], &[]);
}

#[test]
fn a_lease_that_has_lasted_long_enough_may_end_by_itself() {
    judged(&["LeaseEnds"], &["LeaseEndsUntold"], &["--lease", "1us"]);
    judged(&[], &["LeaseEnds"], &[]);
}

#[test]
fn more_may_be_marked_than_need_be_where_that_is_declared() {
    judged(&["MarksMore"], &["MarksMoreAndLess", "MarksMoreUndeclared"], &[]);
}
