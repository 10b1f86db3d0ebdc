//! Counterexamples as files: what `check --trace-out` writes, and what `replay` makes of it when it was edited.
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use syncsplit_model::protocol::BlockIndex;
use syncsplit_model::world::{Action, Instance, Variant, describe};
use syncsplit_study::replay::{Finding, replay};
use syncsplit_study::trace::variables::{variable, variables};
use syncsplit_study::trace::{Numbers, Subject, Trace, itf, mermaid, svg, text};

use crate::command::{refused, syncsplit};

/// A place for this test's file.
pub(crate) fn place(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("traces");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    let _ = fs::remove_file(&path);
    path
}

/// The counterexample of `smoke` with `arguments`, written to `name`.
fn counterexample(arguments: &[&str], name: &str) -> PathBuf {
    let path = place(name);
    let out = ["check", "smoke", "--trace-out", path.to_str().unwrap()];
    syncsplit(&[&out, arguments].concat()).assert().code(1);
    path
}

/// What `replay` says of a file, on stdout or stderr.
fn replayed(path: &Path, exit: i32) -> String {
    let assert = syncsplit(&["replay", path.to_str().unwrap()]).assert().code(exit);
    let output = assert.get_output();
    if exit == 2 {
        assert!(output.stdout.is_empty(), "bad input prints nothing on stdout");
    } else {
        assert!(output.stderr.is_empty(), "a verdict prints nothing on stderr");
    }
    String::from_utf8([output.stdout.clone(), output.stderr.clone()].concat()).unwrap()
}

#[test]
fn what_check_writes_is_a_run_and_violates_its_property() {
    let rules = ["XFER-2", "RESYNC-2", "SYNC-5", "SPLIT-2", "BACKUP-2", "RESYNC-4"];
    for rule in rules {
        let path = counterexample(&["--without", rule], &format!("{rule}.itf.json"));
        let says = replayed(&path, 0);
        assert!(says.starts_with("A RUN OF THE MODEL"), "{says}");
        assert!(says.contains(&format!("smoke, hardened without {rule}")), "{says}");
        assert!(says.contains(" is violated at the end."), "{says}");
    }
    let path = counterexample(&["--variant", "published"], "published.itf.json");
    assert!(replayed(&path, 0).contains("smoke, published"));
}

#[test]
fn a_counterexample_looks_as_it_was_reviewed() {
    for ending in ["itf.json", "mmd", "svg", "txt"] {
        let name = format!("smoke_without_xfer_2.{ending}");
        let seen = fs::read_to_string(counterexample(&["--without", "XFER-2"], &name)).unwrap();
        let reviewed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces").join(&name);
        if std::env::var_os("BLESS").is_some() {
            fs::write(&reviewed, &seen).unwrap();
        }
        let expected = fs::read_to_string(&reviewed).unwrap_or_default();
        let how = "look at it, then bless it by `cargo xtask bless --only traces`";
        assert!(seen == expected, "tests/traces/{name} is now, {how}:\n{seen}");
    }
}

#[test]
fn without_a_counterexample_nothing_is_written() {
    let path = place("holds.itf.json");
    let name = path.to_str().unwrap();
    let assert = syncsplit(&["check", "smoke", "--trace-out", name]).assert().code(0);
    let stderr = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert_eq!(stderr, format!("no counterexample: nothing is written to {name}\n"));
    assert!(!path.exists());
}

#[test]
fn a_name_that_says_no_format_is_refused_before_the_search() {
    let folder = place("folder.txt");
    fs::create_dir_all(&folder).unwrap();
    let folder = folder.to_str().unwrap();
    for (name, says) in [
        ("trace.json", ".itf.json, .mmd, .svg, .txt"),
        ("trace", ".itf.json, .mmd, .svg, .txt"),
        (".mmd", ".itf.json, .mmd, .svg, .txt"),
        ("no/such/folder/trace.txt", "there is no folder no/such/folder"),
        (folder, "there is a folder of that name"),
    ] {
        for command in ["check", "simulate"] {
            refused(&[command, "--trace-out", name], &[says]);
        }
    }
    fs::remove_dir(folder).unwrap();
}

/// A counterexample without XFER-2 - write, send, lose - with one thing changed.
fn edited(name: &str, edit: impl FnOnce(&mut Json)) -> PathBuf {
    let reviewed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    let text = fs::read_to_string(reviewed.join("smoke_without_xfer_2.itf.json")).unwrap();
    let mut file: Json = serde_json::from_str(&text).unwrap();
    edit(&mut file);
    let path = place(name);
    fs::write(&path, file.to_string()).unwrap();
    path
}

#[test]
fn a_step_that_the_model_refuses_is_named_with_the_guard() {
    let path = edited("guard.itf.json", |file| {
        file["states"][2]["taken"] = json!({"kind": "WriteOne", "arguments": {"#bigint": "1"}});
    });
    let says = replayed(&path, 1);
    assert!(says.starts_with("NOT A RUN OF THE MODEL"), "{says}");
    let refusal = "The model refuses step 2, \"database: transaction: write block 1, commit\": \
                   the primary refuses: the journal is full (WRITE-4).";
    assert!(says.contains(refusal), "{says}");
    assert!(!says.contains("violated"), "{says}");
}

#[test]
fn a_step_that_the_world_does_not_offer_is_named_with_what_it_offers() {
    let path = edited("offered.itf.json", |file| {
        file["states"][2]["taken"] = json!({"kind": "Send", "arguments": {"#bigint": "7"}});
    });
    let says = replayed(&path, 1);
    assert!(says.contains("The model refuses step 2, \"primary: send entry 7\""), "{says}");
    assert!(says.contains("the world does not offer the action"), "{says}");
    assert!(says.contains("It would take: primary: send entry 1."), "{says}");
}

#[test]
fn without_the_rule_put_back_a_run_is_none() {
    // With XFER-2 in force the same three steps lead elsewhere: the entry stays in the journal.
    let path = edited("rule.itf.json", |file| file["#meta"]["without"] = json!([]));
    let says = replayed(&path, 1);
    assert!(
        says.contains("State 2 differs:\n  journal: the file says [], the model has [{"),
        "{says}"
    );
}

#[test]
fn a_state_that_differs_is_named_with_the_variable() {
    let path = edited("differs.itf.json", |file| {
        file["states"][1]["written"] = json!({"#bigint": "5"});
        file["states"][1]["primary"] = json!("COPY");
    });
    let says = replayed(&path, 1);
    assert!(says.contains("State 1 differs:\n"), "{says}");
    assert!(says.contains("  written: the file says 5, the model has 0\n"), "{says}");
    assert!(says.contains("  primary: the file says \"COPY\", the model has \"PAIR\"\n"), "{says}");
    assert!(says.contains("\n     1  database"), "the step that led there is shown: {says}");
    let path = edited("first.itf.json", |file| file["states"][0]["link"] = json!("down"));
    assert!(replayed(&path, 1).contains("State 0 differs:\n  link: the file says \"down\""));
}

#[test]
fn a_step_left_out_is_found() {
    let path = edited("left_out.itf.json", |file| {
        file["states"].as_array_mut().unwrap().remove(2);
    });
    assert!(replayed(&path, 1).contains("The model refuses step 2, \"array link: lose frame"));
}

#[test]
fn a_run_that_violates_nothing_says_so() {
    let path = edited("short.itf.json", |file| {
        file["states"].as_array_mut().unwrap().truncate(3);
    });
    let says = replayed(&path, 0);
    assert!(says.contains("2 steps.\ndifference-is-covered is not violated at the end."), "{says}");
}

#[test]
fn sets_and_spelling_of_numbers_do_not_matter() {
    let path = edited("spelling.itf.json", |file| {
        file["states"][1]["known_written"] = json!({"#bigint": "-000"});
        file["#meta"]["varTypes"] = json!({"written": "Int"});
        file["params"] = json!([]);
    });
    replayed(&path, 0);
}

#[test]
fn a_file_that_cannot_be_read_says_where_and_what_would_be_valid() {
    type Edit = fn(&mut Json);
    let cases: &[(Edit, &[&str])] = &[
        (
            |f| f["states"][1]["written"] = json!(3),
            &["states[1].written", "found 3", "{\"#bigint\": \"3\"}"],
        ),
        (|f| f["states"][1]["written"] = json!(null), &["states[1].written", "found nothing"]),
        (
            |f| f["states"][1]["written"] = json!({"#bigint": "1e3"}),
            &["states[1].written.#bigint", "\"1e3\""],
        ),
        (|f| f["states"][1]["dirty"] = json!({"#set": 3}), &["states[1].dirty.#set", "a list"]),
        (
            |f| f["states"][1]["dirty"] = json!({"#bag": []}),
            &["states[1].dirty.#bag", "#bigint, #tup, #set"],
        ),
        (
            |f| f["states"][1]["journal"][0]["seq"] = json!(1),
            &["states[1].journal[0].seq", "found 1"],
        ),
        (
            |f| {
                f["states"][1].as_object_mut().unwrap().remove("link");
            },
            &["states[1]", "\"link\" is missing"],
        ),
        (|f| f["states"][1]["lnik"] = json!("up"), &["states[1].lnik", "no such key", "link"]),
        (|f| f["states"][1] = json!(7), &["states[1]", "found 7"]),
        (|f| f["states"] = json!([]), &["states", "at least one state"]),
        (
            |f| {
                f.as_object_mut().unwrap().remove("states");
            },
            &["states: this key is missing"],
        ),
        (
            |f| {
                f.as_object_mut().unwrap().remove("#meta");
            },
            &["#meta: this key is missing"],
        ),
        (|f| f["lop"] = json!(0), &["lop: no such key", "loop"]),
        (|f| f["loop"] = json!(3), &["loop: found 3", "before the last of 4"]),
        (|f| f["vars"][3] = json!("spvol"), &["vars[3]", "\"spvol\"", "sp_vol"]),
        (
            |f| {
                f["vars"].as_array_mut().unwrap().pop();
            },
            &["vars", "is missing"],
        ),
        (
            |f| f["states"][1]["taken"]["kind"] = json!("WriteFrist"),
            &["states[1].taken", "WriteFrist", "WriteFirst"],
        ),
        (|f| f["states"][2]["taken"]["arguments"] = json!("one"), &["states[2].taken", "one"]),
        (
            |f| f["states"][3]["taken"]["arguments"]["Frame"]["incarnations"] = json!(true),
            &["states[3].taken", "incarnation"],
        ),
        (
            |f| f["states"][0]["taken"] = f["states"][1]["taken"].clone(),
            &["states[0].taken", "Init"],
        ),
        (
            |f| f["#meta"]["bounds"]["blocks"] = json!(9),
            &["#meta.bounds.blocks", "found 9", "2 to 3"],
        ),
        (|f| f["#meta"]["bounds"]["journal"] = json!(0), &["#meta.bounds.journal", "found 0"]),
        (
            |f| f["#meta"]["bounds"]["frame"] = json!(1),
            &["#meta.bounds.frame", "unknown field", "frames"],
        ),
        (
            |f| f["#meta"]["bounds"]["cache"] = json!("warm"),
            &["#meta.bounds.cache", "warm", "non-volatile"],
        ),
        (
            |f| f["#meta"]["bounds"]["faults"][0] = json!("flood"),
            &["#meta.bounds.faults[0]", "flood", "link-down"],
        ),
        (
            |f| f["#meta"]["variant"] = json!("soft"),
            &["#meta.variant", "soft", "hardened, published"],
        ),
        (|f| f["#meta"]["without"][0] = json!("RULE"), &["#meta.without[0]", "RULE", "XFER-2"]),
        (
            |f| f["#meta"]["property"] = json!("luck"),
            &["#meta.property", "luck", "image-is-prefix"],
        ),
        (|f| f["#meta"]["numbers"] = json!("roman"), &["#meta.numbers", "roman", "renamed"]),
        (|f| *f = json!([]), &["the file", "one JSON object"]),
    ];
    for (index, (edit, says)) in cases.iter().enumerate() {
        let path = edited(&format!("malformed_{index}.itf.json"), edit);
        let stderr = replayed(&path, 2);
        for word in *says {
            assert!(stderr.contains(word), "case {index} does not say {word:?}: {stderr}");
        }
    }
    let path = place("text.itf.json");
    fs::write(&path, "{\"states\": [}").unwrap();
    assert!(replayed(&path, 2).contains("not JSON"));
    fs::remove_file(&path).unwrap();
    assert!(replayed(&path, 2).contains("No such file"));
}

fn smoke() -> Subject {
    let instance = Instance::named("smoke").unwrap();
    Subject {
        instance: instance.name.into(),
        bounds: instance.bounds,
        variant: Variant::Hardened,
        without: Vec::new(),
    }
}

/// The run of `smoke` that takes `actions`.
fn run(actions: &[Action], loop_from: Option<usize>) -> Trace {
    let subject = smoke();
    let world = subject.world();
    let mut path = vec![(None, world.normal(world.raw_initial()))];
    for action in actions {
        let (_, state) = path.last().unwrap();
        path.push((Some(*action), world.attempt(state, *action).unwrap()));
    }
    Trace::new(subject, None, &path, loop_from)
}

fn written(trace: &Trace) -> String {
    let mut out = Vec::new();
    itf::write(trace, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_loop_is_written_read_and_drawn() {
    let write = Action::WriteOne(BlockIndex(0));
    let trace = run(&[write, Action::LinkDown, Action::LinkUp], Some(1));
    assert_eq!(trace.numbers, Numbers::True);
    let read = itf::read(&written(&trace)).unwrap();
    assert_eq!(read.loop_from, Some(1));
    assert_eq!(replay(&read).finding, Finding::Run);
    let page = text::page(&trace);
    let closing =
        "After step 3 the run goes on with step 2 for ever: it is in state 1 again, up to names.";
    assert!(page.ends_with(&format!("{closing}\n")), "{page}");
    let drawn = mermaid::diagram(&trace);
    let lines: Vec<&str> = drawn.lines().collect();
    let opens = lines.iter().position(|line| line.trim() == "loop for ever").unwrap();
    assert!(lines[opens + 1].contains("2. goes down"), "{drawn}");
    let last = lines.len() - 1;
    assert_eq!(lines[last - 1].trim(), "end");
    assert!(lines[last].ends_with(closing), "{drawn}");
    assert!(svg::picture(&trace).contains("for ever"));
}

/// What an attribute holds in each element of `svg` that begins so.
fn attributes<'a>(svg: &'a str, element: &str, name: &str) -> Vec<&'a str> {
    let elements = svg.split('<').filter(|text| text.starts_with(element));
    let held = elements.filter_map(|text| text.split(&format!(" {name}=\"")).nth(1));
    held.filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn a_picture_is_drawn_by_attributes_alone_and_tells_parties_steps_and_faults_apart() {
    let write = Action::WriteOne(BlockIndex(0));
    let quiet = svg::picture(&run(&[write, Action::StartBackup], None));
    let broken = svg::picture(&run(&[write, Action::StartBackup, Action::LinkDown], None));
    for svg in [&quiet, &broken] {
        for word in ["var(", "style", "class="] {
            assert!(!svg.contains(word), "{word} in {svg}");
        }
        for element in svg.split('<').filter(|text| !text.starts_with('/')) {
            let is_shape = ["rect", "path", "text"].iter().any(|name| element.starts_with(name));
            assert!(!is_shape || element.contains(" fill=\""), "no fill: {element}");
        }
    }
    let red = "#d1242f";
    assert!(!quiet.contains(red) && broken.contains(&format!("stroke=\"{red}\"")), "{broken}");
    let lifelines = attributes(&quiet, "path d=\"M95 52", "stroke");
    assert_eq!(lifelines.len(), 1, "{quiet}");
    let mut boxes = attributes(&broken, "rect x=", "fill");
    boxes.retain(|fill| fill.starts_with('#') && *fill != "#ffffff");
    let parties = broken.matches("text-anchor=\"middle\"").count();
    boxes.sort_unstable();
    boxes.dedup();
    assert_eq!(boxes.len(), parties, "a party without a colour of its own: {boxes:?}");
    let lasso = svg::picture(&run(&[write, Action::LinkDown, Action::LinkUp], Some(1)));
    let back = attributes(&lasso, "path d=\"M21", "d");
    assert!(back.iter().any(|way| way.contains(" H6 V")), "no way back: {lasso}");
}

#[test]
fn a_loop_that_does_not_close_is_found() {
    let write = Action::WriteOne(BlockIndex(0));
    let trace = run(&[Action::LinkDown, Action::LinkUp, write], Some(0));
    let Finding::NoLoop { from: 0, variables } =
        replay(&itf::read(&written(&trace)).unwrap()).finding
    else {
        panic!("a write does not lead back");
    };
    assert!(variables.iter().any(|(name, _, _)| name == "journal"), "{variables:?}");
}

#[test]
fn every_field_has_a_variable_of_its_own() {
    let world = smoke().world();
    let state = world.raw_initial();
    let fields = describe::fields(&world, &state);
    let mut names: Vec<_> = variables(&world, &state).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), fields.len());
    assert!(names.contains(&variable("S/P-VOL")) && names.contains(&"sp_vol".to_owned()));
    names.sort();
    names.dedup();
    assert_eq!(names.len(), fields.len(), "two fields have one variable");
}
