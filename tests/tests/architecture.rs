//! Imports flow one way, and files keep the habits a reader relies on; each check is shown to catch what it is for.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use syncsplit_tests::floors::{CRATES, Crate};
use syncsplit_tests::source::{Source, files, root};
use syncsplit_tests::tidy::LINES_MAX;
use syncsplit_tests::{imports, literals, tidy};

/// What each package of the workspace declares.
fn packages() -> Vec<Value> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    let output = command.current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn dependencies<'a>(packages: &'a [Value], of: &str) -> &'a [Value] {
    let package = packages.iter().find(|package| package["name"] == of);
    let package = package.unwrap_or_else(|| panic!("the workspace has no package {of}"));
    package["dependencies"].as_array().unwrap()
}

/// Names of the dependencies of one kind: `null` for ordinary ones.
fn names(dependencies: &[Value], kind: Option<&str>) -> BTreeSet<String> {
    let of_kind = dependencies.iter().filter(|dependency| dependency["kind"].as_str() == kind);
    of_kind.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect()
}

/// Every crate some package depends on, as source names it.
fn crates(packages: &[Value]) -> Vec<String> {
    let all = packages.iter().flat_map(|package| package["dependencies"].as_array().unwrap());
    let names = all.map(|dependency| dependency["name"].as_str().unwrap().replace('-', "_"));
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

#[test]
fn imports_flow_one_way() {
    let crates = crates(&packages());
    let sources = files(&[".rs"]).unwrap();
    assert!(sources.iter().any(|source| source.path == "model/src/protocol/primary.rs"));
    let findings: Vec<_> = sources.iter().flat_map(|s| imports::broken(s, &crates)).collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn packages_depend_one_way() {
    let packages = packages();
    for package in &packages {
        let manifest = package["manifest_path"].as_str().unwrap().replace('\\', "/");
        let is_here = |home: &&Crate| manifest.ends_with(&format!("/{}/Cargo.toml", home.folder));
        let Some(home) = CRATES.iter().find(is_here) else {
            let above = ["syncsplit-tests", "xtask"];
            assert!(above.contains(&package["name"].as_str().unwrap()), "{manifest} has no place");
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let name = dependency["name"].as_str().unwrap().replace('-', "_");
            let is_lawful = !name.starts_with("syncsplit") || home.sees.contains(&name.as_str());
            assert!(is_lawful, "{} must not depend on {name}", home.folder);
        }
    }
    let model = names(dependencies(&packages, "syncsplit-model"), None);
    let allowed = ["arrayvec", "enumset", "schemars", "serde", "serde_json", "stateright", "strum"];
    let allowed = allowed.map(String::from);
    assert!(model.is_subset(&BTreeSet::from(allowed)), "model depends on {model:?}");
}

#[test]
fn impl_sees_the_protocol_without_the_world() {
    let packages = packages();
    let all = dependencies(&packages, "syncsplit-impl");
    for model in all.iter().filter(|dependency| dependency["name"] == "syncsplit-model") {
        assert_eq!(model["uses_default_features"], false, "default features bring the world in");
        let features: Vec<_> = model["features"].as_array().unwrap().iter().collect();
        assert!(features.iter().all(|feature| *feature == "record"), "{features:?}");
    }
}

#[test]
fn protocol_needs_neither_std_nor_serde() {
    let packages = packages();
    let kept = ["arrayvec", "enumset", "strum"];
    for dependency in dependencies(&packages, "syncsplit-model") {
        let name = dependency["name"].as_str().unwrap();
        let bare = dependency["uses_default_features"] == false;
        let always = dependency["optional"] == false && dependency["kind"].is_null();
        assert!(!always || kept.contains(&name), "{name} must be optional");
        assert!(bare || !kept.contains(&name) && name != "serde", "{name} must go without std");
    }
}

#[test]
fn files_are_tidy() {
    let sources = files(&[".rs"]).unwrap();
    let findings: Vec<_> = sources.iter().flat_map(tidy::broken).collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

/// The paths of all files that a target begins with.
fn targets(packages: &[Value]) -> Vec<String> {
    let root = root().canonicalize().unwrap();
    let all = packages.iter().flat_map(|package| package["targets"].as_array().unwrap());
    let paths = all.map(|target| Path::new(target["src_path"].as_str().unwrap()));
    paths.map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn no_file_is_left_out() {
    let targets = targets(&packages());
    let mut sources = files(&[".rs"]).unwrap();
    let findings = tidy::orphans(&sources, &targets);
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
    for path in
        ["model/tests/forgotten.rs", "impl/tests/common/forgotten.rs", "impl/src/local/f.rs"]
    {
        sources.push(Source::new(path, "//! F."));
        assert_eq!(tidy::orphans(&sources, &targets).len(), 1, "{path}");
        sources.pop();
    }
}

fn is_caught(path: &str, text: &str) -> bool {
    let crates = ["stateright", "loom", "arrayvec", "serde", "clap", "indicatif"].map(String::from);
    !imports::broken(&Source::new(path, text), &crates).is_empty()
}

#[test]
fn a_broken_import_is_caught() {
    let protocol = "model/src/protocol/primary.rs";
    let cases = [
        (protocol, "use crate::world::State;"),
        (protocol, "use crate::{protocol::Rule, world};"),
        (protocol, "use crate::record::Blocks;"),
        ("model/src/record/mod.rs", "use crate::world::State;"),
        (protocol, "use super::super::world::state;"),
        (protocol, "fn f() { let s = crate::world::State::default(); }"),
        (protocol, "use std::collections::HashMap;"),
        (protocol, "extern crate std;"),
        (protocol, "extern crate alloc as heap;"),
        (protocol, "fn f(s: &mut u8) -> u8 { std::mem::take(s) }"),
        (protocol, "fn f() { assert!(std::env::args().count() > 0); }"),
        (protocol, "macro_rules! m { () => { alloc::vec::Vec::<u8>::new() }; }"),
        (protocol, "#[derive(stateright::Rewrite)] struct S;"),
        (protocol, "use stateright::Model;"),
        (protocol, "fn f() { loom::model(|| {}); }"),
        (protocol, "#[cfg(test)] mod tests { use crate::world::State; }"),
        ("model/src/world/mod.rs", "use syncsplit_study::question;"),
        ("model/src/world/step.rs", "fn f() { syncsplit_impl::site::start(); }"),
        ("model/src/world/state.rs", "use super::action::Action;"),
        ("model/src/world/fault.rs", "use crate::world::instance::Bounds;"),
        ("model/src/record/after.rs", "use crate::record::flat::Flat;"),
        ("checker/search/src/pack.rs", "use crate::space::SearchSpace;"),
        ("model/src/protocol/types.rs", "use super::primary::Primary;"),
        ("model/src/protocol/message.rs", "fn f() { crate::protocol::takeover::take(); }"),
        ("model/src/protocol/new.rs", "//! A module without a room."),
        ("impl/src/local.rs", "use syncsplit_model::world::State;"),
        ("impl/src/local.rs", "use syncsplit_model::{protocol::Rule, world::State};"),
        ("impl/src/local.rs", "use syncsplit_model::*;"),
        ("impl/src/local.rs", "use syncsplit_model as model;"),
        ("impl/src/local.rs", "fn f() -> syncsplit_model::world::State { loop {} }"),
        ("impl/src/local.rs", "use stateright::Model;"),
        ("impl/src/clock.rs", "use crate::site::Site;"),
        ("impl/src/roles.rs", "use crate::local::LocalNode;"),
        ("impl/src/stillness.rs", "use crate::local::LocalNode;"),
        ("impl/src/local/hold.rs", "use super::sync::SyncReport;"),
        ("impl/src/site/config.rs", "use super::base::Site;"),
        ("impl/tests/sites.rs", "use syncsplit_model::world::World;"),
        ("impl/examples/demo.rs", "use syncsplit_study::question;"),
        ("checker/engine/src/crew.rs", "use syncsplit_model::protocol::Rule;"),
        ("checker/engine/src/crew.rs", "use syncsplit_search::SearchSpace;"),
        ("checker/engine/src/limits.rs", "use crate::liveness::Live;"),
        ("checker/engine/src/limits.rs", "fn f() { eprintln!(\"slow\"); }"),
        ("checker/search/src/space.rs", "use syncsplit_study::question::Question;"),
        ("checker/study/src/question.rs", "use syncsplit_conform::wire::Level;"),
        ("checker/study/src/question.rs", "use crate::report::Report;"),
        ("checker/study/src/instance/parse.rs", "use crate::{question::Question, words};"),
        ("checker/study/src/instance/parse.rs", "fn f() { super::super::case::verdict(); }"),
        ("checker/study/src/case.rs", "mod deep { use super::super::ablate; }"),
        ("checker/study/src/report/mod.rs", "#[cfg(test)] mod tests { use crate::pages::text; }"),
        ("checker/study/src/trace/value.rs", "use super::itf;"),
        ("checker/study/src/question.rs", "#[derive(clap::ValueEnum)] enum Engine {}"),
        ("checker/study/src/case.rs", "use std::process::ExitCode;"),
        ("checker/study/src/case.rs", "fn f() { std::process::exit(3); }"),
        ("checker/study/src/report/text.rs", "use std::io; fn f() { let _ = io::stdout(); }"),
        ("checker/study/src/report/text.rs", "fn f() { println!(\"HOLDS\"); }"),
        ("checker/validate/src/search.rs", "use syncsplit_study::words;"),
        ("checker/validate/src/search.rs", "use indicatif::ProgressBar;"),
        ("checker/validate/src/record.rs", "use super::search::Search;"),
        ("checker/conform/src/wire.rs", "use crate::campaign::CampaignPlan;"),
        ("checker/conform/src/wire.rs", "use syncsplit_engine::Limits;"),
        ("checker/syncsplit/src/check.rs", "use syncsplit_impl::site;"),
        ("checker/syncsplit/src/args/mod.rs", "use crate::check;"),
        ("checker/syncsplit/tests/cli.rs", "#[test] fn t() { syncsplit_impl::site::start(); }"),
    ];
    for (path, text) in cases {
        assert!(is_caught(path, text), "not caught in {path}: {text}");
    }
}

#[test]
fn a_lawful_import_is_not_caught() {
    let cases = [
        (
            "model/src/protocol/primary.rs",
            "use arrayvec::ArrayVec; use core::fmt; use super::Rule;",
        ),
        (
            "model/src/protocol/primary.rs",
            "//! std::mem and crate::world\nfn f() -> &'static str { \"std::mem\" }",
        ),
        ("model/src/protocol/primary.rs", "#[cfg(test)] mod tests { use std::vec::Vec; }"),
        (
            "model/src/protocol/primary.rs",
            "#[cfg_attr(feature = \"serde\", derive(serde::Serialize))] struct S;",
        ),
        (
            "model/src/world/mod.rs",
            "use crate::protocol::Rule; use stateright::Model; use std::fmt;",
        ),
        ("impl/src/local.rs", "use syncsplit_model::protocol::{Rule, primary::Primary};"),
        ("checker/study/src/report/mod.rs", "use crate::{bounds, question::Question, trace};"),
        ("checker/study/src/case.rs", "mod deep { use super::Case; use super::super::report; }"),
        ("checker/study/src/lib.rs", "pub use pages::text; pub use crate::case::StudyCase;"),
        ("checker/syncsplit/src/print.rs", "use std::io; fn f() { println!(); io::stdout(); }"),
        (
            "checker/conform/tests/directed.rs",
            "fn f() { println!(\"{}\", syncsplit_conform::VERSION); }",
        ),
        ("tests/tests/races.rs", "use syncsplit_impl::site; use syncsplit_model::world::World;"),
    ];
    for (path, text) in cases {
        assert!(!is_caught(path, text), "caught in {path}: {text}");
    }
}

fn untidy(path: &str, text: &str) -> Vec<String> {
    tidy::broken(&Source::new(path, text))
}

#[test]
fn an_untidy_file_is_caught() {
    let unfinished = format!("//! F.\nfn f() {{ {}!() }}", "todo");
    let nested =
        format!("//! F.\nfn f() {{ println!(\"{{}}\", {}!(\"later\")) }}", "unimplemented");
    let long = format!("//! F.\n{}", "// line\n".repeat(LINES_MAX));
    let cases = [
        ("impl/src/a.rs", "fn f() {}", "opens with"),
        ("impl/src/a.rs", unfinished.as_str(), "unfinished"),
        ("impl/src/a.rs", nested.as_str(), "unfinished"),
        ("impl/src/a.rs", long.as_str(), "at most"),
        ("impl/src/a.rs", "//! F.\n#[test]\n#[ignore]\nfn f() {}", "without a reason"),
        ("impl/src/a.rs", "//! F.\n#[allow(dead_code)]\nfn f() {}", "without a reason"),
        ("impl/src/a.rs", "//! F.\n#![expect(clippy::panic)]", "without a reason"),
        ("model/src/a.rs", "//! F.\nfn f(p: *const u8) -> u8 { unsafe { *p } }", "stands nowhere"),
        ("checker/src/a.rs", "//! F.\nunsafe impl Send for S {}", "stands nowhere"),
        ("checker/tests/a.rs", "//! F.\nmacro_rules! m { () => { unsafe {} }; }", "stands nowhere"),
    ];
    for (path, text, says) in cases {
        let found = untidy(path, text);
        assert!(found.iter().any(|finding| finding.contains(says)), "{path}: {text}: {found:?}");
    }
}

#[test]
fn a_tidy_file_is_not_caught() {
    let cases = [
        ("model/src/a.rs", "//! No unsafe here.\n#![forbid(unsafe_code)]\nfn f() {}"),
        ("impl/src/a.rs", "//! F.\nfn f(p: *const u8) -> u8 { unsafe { *p } }"),
        ("impl/src/a.rs", "//! F.\n#[test]\n#[ignore = \"needs a terminal\"]\nfn f() {}"),
        ("impl/src/a.rs", "//! F.\n#[allow(dead_code, reason = \"shown only\")]\nfn f() {}"),
    ];
    for (path, text) in cases {
        assert_eq!(untidy(path, text), Vec::<String>::new(), "{path}: {text}");
    }
}

#[test]
fn nothing_is_decided_by_the_name_of_an_action_or_by_a_list_without_a_name() {
    let sources = files(&[".rs"]).unwrap();
    let findings: Vec<_> = sources.iter().flat_map(literals::broken).collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn a_name_or_a_list_is_caught() {
    let place = "checker/conform/src/finish.rs";
    let cases = [
        (place, "const BACKUP: &[&str] = &[\"Thaw\"];"),
        (place, "fn f(kind: &str) -> bool { matches!(kind, \"Send\") }"),
        (place, "fn f() -> String { format!(\"{}\", g(\"LinkUp\")) }"),
        (place, "fn f(a: Action) -> bool { matches!(a, Action::Apply | Action::Report) }"),
        (place, "fn f(a: Action) -> bool { matches!(a, world::Action::Send(_) | Action::Report) }"),
        (place, "fn f(a: R) -> bool { matches!(a, Err(WhyNot::NoRoom | WhyNot::Nothing)) }"),
        (
            place,
            "fn f(m: M) -> bool { matches!(m, ToPrimary::Ready { .. } | ToPrimary::Ack(_) if x) }",
        ),
        ("model/src/world/fault.rs", "fn f(k: &str) { match k { \"Fail\" => {} _ => {} } }"),
        ("impl/src/link.rs", "fn f() -> bool { g(\"Apply\") }"),
    ];
    for (path, text) in cases {
        let findings = literals::broken(&Source::new(path, text));
        assert_eq!(findings.len(), 1, "{path}: {text}: {findings:?}");
    }
    let lawful = [
        (place, "// \"Thaw\"\nconst WORD: &str = \"thaw\";"),
        (place, "fn f(a: Action) -> bool { matches!(a, Action::Apply) }"),
        (place, "fn f(s: PairState) -> bool { matches!(s, PairState::Copy | PairState::Pair) }"),
        (place, "#[cfg(test)]\nmod tests { const NAME: &str = \"Thaw\"; }"),
        ("tests/src/replay.rs", "const NAME: &str = \"Apply\";"),
    ];
    for (path, text) in lawful {
        assert_eq!(literals::broken(&Source::new(path, text)), Vec::<String>::new());
    }
}
