//! `syncsplit validate` on what the implementation records: a long run, the logs of two sites, and the schema of records.

use std::error::Error;
use std::sync::Arc;

use jsonschema::Validator;
use serde_json::Value;
use syncsplit_impl::clock::ManualClock;
use syncsplit_impl::error::ignore_refusal;
use syncsplit_impl::local::{LocalConfig, LocalNode};
use syncsplit_impl::mailbox::Mailbox;
use syncsplit_impl::payload::Payload;
use syncsplit_impl::remote::{RemoteConfig, RemoteNode};
use syncsplit_impl::trace::{MemoryTrace, TraceRecord};
use syncsplit_impl::volume::MemoryVolume;
use syncsplit_model::protocol::BlockIndex;
use syncsplit_tests::replay::{Hosts, Options, by_site, judge, logs};
use syncsplit_tests::scenarios::{LARGE, SCENARIOS};
use syncsplit_tests::source::root;
use syncsplit_validate::{Ending, Limits, validate};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

const BLOCKS: u32 = 4096;
const JOURNAL: usize = 1024;

/// A long life of a pair of thousands of blocks: writes come in hundreds, are sent, delivered and applied.
fn long_life(writes: u64) -> Result<Vec<TraceRecord>, Box<dyn Error + Send + Sync>> {
    let volume = || MemoryVolume::new(8, BLOCKS).map(Arc::new);
    let (clock, trace) = (ManualClock::new(), Arc::new(MemoryTrace::new()));
    let here = LocalConfig { journal_max: JOURNAL, ..LocalConfig::default() };
    let there = RemoteConfig { queue_max: JOURNAL, ..RemoteConfig::default() };
    let local = LocalNode::new(here, volume()?, clock, trace.clone());
    let host = Arc::new(Mailbox::new());
    let remote = RemoteNode::new(there, volume()?, volume()?, host, trace.clone())?;
    let carry = || -> Outcome {
        while local.send_next()?.is_some() {}
        while let Some(message) = local.take_outgoing() {
            ignore_refusal(remote.on_message(message))?;
        }
        while remote.apply_next()? {}
        while remote.copy_replica_next()?.is_some() {}
        ignore_refusal(remote.report())?;
        while let Some(message) = remote.take_outgoing() {
            ignore_refusal(local.on_message(message))?;
        }
        Ok(())
    };
    local.create()?;
    carry()?;
    for _ in 0..12 {
        for _ in 0..500 {
            if !matches!(local.copy_next(), Ok(Some(_))) {
                ignore_refusal(local.pair_mark())?;
                break;
            }
        }
        carry()?;
    }
    for number in 0..writes {
        let block = BlockIndex((number.wrapping_mul(2_654_435_761) % u64::from(BLOCKS)) as u32);
        local.write(block, Payload::from(&(number + 1).to_le_bytes()[..]))?;
        if number % 300 == 299 {
            carry()?;
        }
    }
    carry()?;
    Ok(trace.records())
}

/// Whoever wants to know how long 100,000 records take: `SYNCSPLIT_TRACE_WRITES=21000`, and see the seconds.
#[test]
fn a_long_run_is_followed_one_state_a_record() -> Outcome {
    let told = std::env::var("SYNCSPLIT_TRACE_WRITES").ok().and_then(|text| text.parse().ok());
    let records = long_life(told.unwrap_or(600))?;
    let scripted = Options { hosts: Hosts::Scripted, ..Options::default() };
    for (logs, name) in [(logs(&records)?, "one log"), (by_site(&records)?, "a log of each site")] {
        for hidden in [0, 1] {
            let begun = std::time::Instant::now();
            let limits = Limits { hidden, ..Limits::default() };
            let outcome = validate(&logs, scripted, limits);
            let (count, seconds) = (records.len(), begun.elapsed().as_secs_f64());
            println!("{count} records, {name}, {hidden} hidden: {seconds:.1} s");
            assert!(matches!(outcome.ending, Ending::Run(_)), "{name}, {hidden} hidden");
            assert_eq!(outcome.visited, records.len() as u64, "{name}, {hidden} hidden");
        }
    }
    Ok(())
}

fn schema() -> Result<Validator, Box<dyn Error + Send + Sync>> {
    let text = std::fs::read_to_string(root().join("docs/trace.schema.json"))?;
    let schema: Value = serde_json::from_str(&text)?;
    jsonschema::validator_for(&schema).map_err(|error| error.to_string().into())
}

/// Every record of every race is one by the schema, and every race is a run of the model by each site's own log.
#[test]
fn what_the_implementation_records_is_what_the_schema_says() -> Outcome {
    let schema = schema()?;
    let mut roles = std::collections::BTreeSet::new();
    for scenario in SCENARIOS {
        let outcome = (scenario.run)(LARGE)?;
        for record in &outcome.trace {
            let value = serde_json::to_value(record)?;
            if let Some(error) = schema.iter_errors(&value).next() {
                return Err(format!("{}: {value}: {error}", scenario.name).into());
            }
            roles.insert(value["role"].to_string());
        }
        let options = Options { hosts: outcome.options.hosts, ..Options::default() };
        judge(options, &by_site(&outcome.trace)?)
            .map_err(|why| format!("{}: {why}", scenario.name))?;
    }
    for name in [
        "checker/validate/tests/traces/backup_and_resync.ndjson",
        "checker/validate/tests/traces/life.ndjson",
    ] {
        for line in std::fs::read_to_string(root().join(name))?.lines() {
            let value: Value = serde_json::from_str(line)?;
            assert!(schema.is_valid(&value), "{name}: {line}");
            roles.insert(value["role"].to_string());
        }
    }
    assert_eq!(roles.len(), 7, "{roles:?}");
    Ok(())
}

/// What the schema refuses is what the validator refuses to read, and the other way round.
#[test]
fn schema_and_validator_agree_on_what_a_record_is() -> Outcome {
    let schema = schema()?;
    let from = |mark: &str| {
        format!(
            r#"{{"role":"start","side":"primary","blocks":1,"from":{{"Primary":{{"state":"SMPL",
            "incarnation":0,"newest":0,"written":0,"journal":[],"dirty":[],"pending":null,
            "quiesced":null{mark}}}}}}}"#
        )
    };
    let cases = [
        (r#"{"role":"primary"}"#, true),
        (r#"{"role":"primary","event":"HostWrite"}"#, true),
        (r#"{"role":"primary","event":{"HostWrite":{"block":1}},"after":{"state":"PAIR"}}"#, true),
        (r#"{"role":"secondary","event":{"Frame":{"entry":{"seq":2}}}}"#, true),
        (r#"{"role":"secondary","refused":{"Replica":{"WrongState":{"Split":"Gold"}}}}"#, true),
        (r#"{"role":"primary","effects":[{"Send":"Frame"}]}"#, true),
        (r#"{"role":"fault","of":1,"effect":0}"#, true),
        (r#"{"role":"start","side":"primary","blocks":1}"#, true),
        (r#"{"role":"start","side":"primary","blocks":0}"#, false),
        (r#"{"role":"primary","event":"HostWrit"}"#, false),
        (r#"{"role":"primary","event":{"HostWrite":{"blok":1}}}"#, false),
        (r#"{"role":"primary","event":{"HostWrite":{"payload":"0"}}}"#, false),
        (r#"{"role":"primary","after":{"state":"PAR"}}"#, false),
        (r#"{"role":"primary","after":{"sate":"PAIR"}}"#, false),
        (r#"{"role":"primary","effects":["AnswerHst"]}"#, false),
        (r#"{"role":"nobody"}"#, false),
        (r#"{"n":1.5,"role":"primary"}"#, false),
        (r#"{"role":"primary","more":1}"#, false),
        (r#"{"role":"primary","event":{}}"#, false),
        (r#"{"role":"primary","event":{"PairMark":null}}"#, false),
        (r#"{"role":"primary","event":{"HostWrite":{"block":null}}}"#, false),
        (r#"{"role":"secondary","event":"Ready"}"#, false),
        (r#"{"role":"coordinator","effects":[{"Send":"SplitAnswer"}]}"#, true),
        (&from(r#","mark":null"#), true),
        (&from(""), false),
    ];
    for (text, valid) in cases {
        let value: Value = serde_json::from_str(text)?;
        assert_eq!(schema.is_valid(&value), valid, "schema: {text}");
        let mut reader = syncsplit_validate::Reader::new(None);
        assert_eq!(reader.record("trace", (0, 1), text).is_ok(), valid, "validator: {text}");
    }
    Ok(())
}
