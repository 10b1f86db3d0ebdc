//! Runs that show less than everything: fields, events or whole records are missing, or the order between nodes.

use serde_json::{Map, Value};
use syncsplit_validate::{Ending, Hosts, Limits, Options, Reader, explain, validate};

use super::Edit;
use super::{GOOD, changed, doctored, gated, hidden, judge};

fn allowed(text: &str, limits: Limits) -> u64 {
    let (outcome, words) = judge(text, gated(), limits);
    assert_eq!(words, "allowed");
    outcome.visited
}

#[test]
fn states_and_effects_may_be_left_out() {
    for fields in [&["after"][..], &["effects"], &["refused"], &["after", "effects"]] {
        let text = changed(|record| {
            if record["role"] != "sync" {
                fields.iter().for_each(|field| drop(record.remove(*field)));
            }
        });
        assert_eq!(allowed(&text, Limits::default()), GOOD.lines().count() as u64, "{fields:?}");
    }
}

#[test]
fn a_part_of_a_state_is_enough_and_is_judged() {
    let text = changed(|record| {
        if let Some(Value::Object(after)) = record.get_mut("after") {
            after.retain(|field, _| field == "written" || field == "id");
        }
    });
    allowed(&text, Limits::default());
    let wrong = text.replacen(r#""after":{"written":3}"#, r#""after":{"written":2}"#, 1);
    let at = wrong.lines().zip(text.lines()).position(|(one, other)| one != other).unwrap();
    let (_, words) = judge(&wrong, gated(), Limits::default());
    assert!(words.contains(&format!("line {} ", at + 1)), "{words}");
}

/// A field that is left out is not one that holds nothing.
#[test]
fn a_field_that_can_hold_nothing_may_be_left_out() {
    for field in ["mark", "pending", "quiesced", "armed", "newest", "held"] {
        let text = changed(|record| {
            if let Some(Value::Object(after)) = record.get_mut("after") {
                after.remove(field);
            }
        });
        allowed(&text, Limits::default());
    }
}

/// Every payload is left out, at the first place and at the last: the contents are followed all the same.
#[test]
fn payloads_may_be_left_out() {
    let text = changed(without_payloads);
    allowed(&text, Limits::default());
    // What arrives is then the first to show contents; they have to be the same at every place.
    let shown = changed(|record| {
        let event = record.get("event").cloned().unwrap_or_default();
        let is_arrival = event.get("Frame").is_some();
        if !is_arrival {
            without_payloads(record);
        }
    });
    allowed(&shown, Limits::default());
    // A repeat of a frame has to bring what the frame brought.
    let is_write =
        |line: &&str| line.contains(r#""event":{"Frame":"#) && line.contains(r#""item":{"Write":"#);
    let frame = shown.lines().find(is_write).unwrap();
    let n = shown.lines().count();
    let mut again: Value = serde_json::from_str(frame).unwrap();
    for field in ["after", "effects", "refused"] {
        again.as_object_mut().unwrap().remove(field);
    }
    again["n"] = n.into();
    let right = format!("{shown}{again}\n");
    let (_, words) = judge(&right, gated(), Limits::default());
    assert_eq!(words, "allowed");
    again["event"]["Frame"]["entry"]["item"]["Write"]["payload"] = "99999999".into();
    let wrong = format!("{shown}{again}\n");
    let (_, words) = judge(&wrong, gated(), Limits::default());
    assert!(words.contains(&format!("line {}", n + 1)) && words.contains("not sent"), "{words}");
}

fn without_payloads(record: &mut Map<String, Value>) {
    fn strip(value: &mut Value) {
        if let Some(fields) = value.as_object_mut() {
            fields.remove("payload");
            fields.values_mut().for_each(strip);
        } else if let Some(list) = value.as_array_mut() {
            list.iter_mut().for_each(strip);
        }
    }
    for field in ["event", "effects"] {
        if let Some(value) = record.get_mut(field) {
            strip(value);
        }
    }
}

/// Only the names of events are left: what they were about is filled in.
#[test]
fn parameters_may_be_left_out() {
    let text = changed(|record| {
        record.remove("effects");
        if let Some(Value::Object(event)) = record.get("event").cloned() {
            let name = event.keys().next().cloned().unwrap();
            record.insert("event".into(), name.into());
        }
    });
    let visited = allowed(&text, Limits::default());
    assert!(visited < 4 * GOOD.lines().count() as u64, "{visited} states");
    // Without the states as well, events alone, some order of causes is still found.
    let bare = changed(|record| {
        if record["role"] == "start" {
            return;
        }
        ["effects", "after", "refused"].iter().for_each(|field| drop(record.remove(*field)));
        if let Some(Value::Object(event)) = record.get("event").cloned() {
            let name = event.keys().next().cloned().unwrap();
            record.insert("event".into(), name.into());
        }
    });
    allowed(&bare, Limits::default());
}

#[test]
fn a_record_without_its_event_is_filled_in() {
    let mut lines: Vec<String> = GOOD.lines().map(str::to_owned).collect();
    for n in [5, 23, 36, 43, 50] {
        let mut record: Value = serde_json::from_str(&lines[n]).unwrap();
        record.as_object_mut().unwrap().remove("event");
        lines[n] = record.to_string();
    }
    allowed(&(lines.join("\n") + "\n"), Limits::default());
}

/// Records are missing: refused, and accepted where as many hidden steps are allowed.
#[test]
fn missing_records_need_hidden_steps() {
    for n in 2..GOOD.lines().count() {
        let text = doctored(&[Edit::Drop(n)]);
        let (with, words) = judge(&text, gated(), hidden(1));
        assert_eq!(words, "allowed", "record {n}");
        let (without, _) = judge(&text, gated(), hidden(0));
        let is_run = matches!(without.ending, Ending::Run(_));
        // A repeat, or the last record, changes nothing for what follows.
        assert!(!is_run || with.hidden == 0, "record {n}");
    }
    // What was sent, and that it arrived.
    let two = doctored(&[Edit::Drop(52), Edit::Drop(53)]);
    assert!(!matches!(judge(&two, gated(), hidden(1)).0.ending, Ending::Run(_)));
    let (outcome, words) = judge(&two, gated(), hidden(2));
    assert_eq!((words.as_str(), outcome.hidden), ("allowed", 2));
}

#[test]
fn a_gap_in_the_numbers_is_told() {
    let lines: Vec<&str> = GOOD.lines().collect();
    let text = [&lines[..7], &lines[8..]].concat().join("\n");
    let (_, words) = judge(&text, gated(), Limits::default());
    assert!(words.contains("line 8 "), "{words}");
    assert!(words.contains("number 6: 1 missing; with --hidden 1"), "{words}");
    assert_eq!(judge(&text, gated(), hidden(1)).1, "allowed");
    let text = [&lines[..6], &[lines[7], lines[6]], &lines[8..]].concat().join("\n");
    let (_, words) = judge(&text, gated(), hidden(1));
    assert!(words.contains("number 7: this one is out of place"), "{words}");
}

/// What is wrong stays wrong, however many steps may be hidden, and is found at the same place.
#[test]
fn hidden_steps_excuse_no_wrong_state() {
    let edit = Edit::Change(37, "c514cfad", "00000001");
    let (outcome, words) = judge(&doctored(&[edit]), gated(), hidden(1));
    assert!(words.contains("line 38 "), "{words}");
    assert!(outcome.visited < 20_000, "{} states", outcome.visited);
}

fn is_remote(record: &Value) -> bool {
    record["side"] == "secondary" || record["role"] == "secondary" || record["role"] == "requester"
}

/// The good run as the logs of two sites, each with its own numbers.
fn two_sites(change: impl Fn(&mut Value)) -> [String; 2] {
    let mut logs = [(String::new(), 0), (String::new(), 0)];
    for line in GOOD.lines() {
        let mut record: Value = serde_json::from_str(line).unwrap();
        let (text, n) = &mut logs[usize::from(is_remote(&record))];
        record["n"] = (*n).into();
        *n += 1;
        change(&mut record);
        *text += &format!("{record}\n");
    }
    logs.map(|(text, _)| text)
}

fn sites(files: &[(&str, &str)]) -> String {
    let mut reader = Reader::new(None);
    for (name, text) in files {
        reader.file(name, text.as_bytes()).unwrap();
    }
    let logs = match reader.logs() {
        Ok(logs) => logs,
        Err(bad) => return bad.to_string(),
    };
    let outcome = validate(&logs, Options::default(), Limits::default());
    if matches!(outcome.ending, Ending::Run(_)) {
        "allowed".into()
    } else {
        explain(&outcome, &logs, Limits::default()).join("; ")
    }
}

#[test]
fn several_nodes_logs_are_ordered_by_causes() {
    let [local, remote] = two_sites(|_| {});
    assert_eq!(sites(&[("local", &local), ("remote", &remote)]), "allowed");
    assert_eq!(sites(&[("remote", &remote), ("local", &local)]), "allowed");
    // In one file, node by node, whatever stands first.
    let named = |name: &str, text: &str| {
        text.replace(r#"{"after""#, &format!(r#"{{"node":"{name}","after""#))
            .replace(r#"{"block_size""#, &format!(r#"{{"node":"{name}","block_size""#))
    };
    let both = named("b", &remote) + &named("a", &local);
    assert_eq!(sites(&[("both", &both)]), "allowed");
    // The secondary's report is gone: the primary waits for it for ever.
    let lines: Vec<&str> = remote.lines().collect();
    let report = lines.iter().position(|line| line.contains(r#""event":"Report""#)).unwrap();
    let mut value: Vec<Value> =
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    value.remove(report);
    let renumbered = value.into_iter().enumerate().map(|(n, mut record)| {
        record["n"] = n.into();
        format!("{record}\n")
    });
    let remote: String = renumbered.collect();
    let words = sites(&[("local", &local), ("remote", &remote)]);
    assert!(words.contains("Ack") && words.contains("was not sent"), "{words}");
}

#[test]
fn payloads_left_out_at_one_site_are_bound_by_the_other() {
    let [local, remote] = two_sites(|record| {
        if !is_remote(record) {
            without_payloads(record.as_object_mut().unwrap());
        }
    });
    assert_eq!(sites(&[("local", &local), ("remote", &remote)]), "allowed");
}

#[test]
fn a_site_whose_records_see_each_other_is_one_log() {
    let [local, remote] = two_sites(|_| {});
    let (syncs, rest): (Vec<&str>, Vec<&str>) =
        local.lines().partition(|line| line.contains(r#""role":"sync""#));
    let [syncs, rest] = [syncs, rest].map(|lines| lines.join("\n"));
    let words = sites(&[("local", &rest), ("sync", &syncs), ("remote", &remote)]);
    assert!(words.contains("primary, sync and coordinator have to be in one"), "{words}");
}

#[test]
fn a_limit_leaves_it_undecided() {
    let limits = Limits { states: 10, ..Limits::default() };
    let (outcome, _) = judge(GOOD, gated(), limits);
    assert!(matches!(outcome.ending, Ending::Limit(_)));
}

/// The arrays alone were recorded.
#[test]
fn hosts_need_not_be_recorded() {
    let arrays: String = GOOD
        .lines()
        .filter(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            ["start", "primary", "secondary"].iter().any(|role| record["role"] == *role)
        })
        .map(|line| {
            let mut record: Value = serde_json::from_str(line).unwrap();
            record.as_object_mut().unwrap().remove("n");
            format!("{record}\n")
        })
        .collect();
    let scripted = Options { hosts: Hosts::Scripted, ..Options::default() };
    assert_eq!(judge(&arrays, scripted, Limits::default()).1, "allowed");
    let (_, words) = judge(&arrays, Options::default(), Limits::default());
    assert!(words.contains("was not sent"), "{words}");
}

/// A run that is none stays one however much is hidden, and that is known soon: a write while the database is frozen,
/// which only a freeze taken twice would explain, in a log that does not show the states there.
#[test]
fn a_step_that_nothing_explains_is_refused_soon() {
    let write = r#"{"n":0,"role":"primary","event":{"HostWrite":{"block":0,"payload":"aaaaaaaa"}},"refused":null}"#;
    let begin = r#"{"n":0,"role":"database","event":"Begin","refused":null}"#;
    let commit = r#"{"n":0,"role":"database","event":"Commit"}"#;
    let edits = [begin, write, commit].map(|line| Edit::Insert(46, line));
    for options in [gated(), Options::default()] {
        let text: String =
            doctored(&edits).lines().take(52).map(|line| format!("{line}\n")).collect();
        let (outcome, words) = judge(&text, options, hidden(1));
        assert!(words.contains("database"), "{words}");
        assert!(outcome.visited < 300_000, "{} states", outcome.visited);
    }
}
