//! A file that cannot be trusted is refused: it was altered, or it is about something else.
//!
//! Never here: what a file that is accepted leads to; see `resume.rs`.

use super::models::{Graph, Grid};
use super::resume::{file, keep};
use super::with_threads;
use serde_json::Value;
use std::fs;
use std::path::Path;
use syncsplit_engine::packed::{run_kept, try_out};
use syncsplit_engine::{
    CheckpointError, EngineError, Keep, KeptRun, Limits, Options, Spoilt, StopAt,
};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// Chance that a printed seed repeats.
struct Chance(u64);

impl Chance {
    /// Another one for every process. Cargo shows what a failing test has printed.
    fn new() -> Self {
        let seed = u64::from(std::process::id());
        println!("seed {seed}");
        Self(seed)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) % most.max(1)
    }
}

const MODEL: Graph = Graph { nodes: 900, seed: 5 };

fn kind(edge: &u64) -> usize {
    *edge as usize
}

fn options(states: u64) -> Options<'static, u64> {
    let limits = Limits { states: Some(states), ..Limits::default() };
    Options { limits, kind: Some(kind as fn(&u64) -> usize), ..with_threads(1) }
}

/// A file of a run that was left, and its bytes.
fn left(file: &Path) -> Vec<u8> {
    let keep = Keep { write: Some(file), ..Keep::default() };
    run_kept(&MODEL, &options(60), &keep).unwrap().written.unwrap().unwrap();
    fs::read(file).unwrap()
}

/// What becomes of a run that goes on with these bytes.
fn resumed(file: &Path, bytes: &[u8]) -> KeptRun<Graph> {
    fs::write(file, bytes).unwrap();
    run_kept(&MODEL, &options(2_000), &Keep { resume: Some(file), ..Keep::default() })
}

fn why(result: KeptRun<Graph>, file: &Path) -> Option<Spoilt> {
    match result {
        Ok(_) => None,
        Err(EngineError::Checkpoint(CheckpointError { file: named, why })) => {
            assert_eq!(named, file);
            Some(why)
        }
        Err(other) => panic!("another error: {other}"),
    }
}

#[test]
fn a_byte_that_was_altered_anywhere_is_found_out() {
    let file = file("altered");
    let mut chance = Chance::new();
    let bytes = left(&file);
    assert_eq!(why(resumed(&file, &bytes), &file), None);
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1 + chance.below(255) as u8;
        let why = why(resumed(&file, &altered), &file);
        let is_told = matches!(
            why,
            Some(
                Spoilt::NotACheckpoint { .. }
                    | Spoilt::Format { .. }
                    | Spoilt::Length { .. }
                    | Spoilt::Altered { .. }
            )
        );
        assert!(is_told, "byte {at} of {}: {why:?}", bytes.len());
    }
}

#[test]
fn a_file_that_is_cut_short_or_goes_on_is_found_out() {
    let file = file("cut");
    let bytes = left(&file);
    for length in 0..bytes.len() {
        let why = why(resumed(&file, &bytes[..length]), &file);
        let is_told = matches!(why, Some(Spoilt::Length { .. } | Spoilt::NotACheckpoint { .. }));
        assert!(is_told, "{length} of {} bytes: {why:?}", bytes.len());
    }
    for more in [1, 4, 16, 40_000] {
        let longer = [bytes.as_slice(), &vec![0; more]].concat();
        let why = why(resumed(&file, &longer), &file);
        assert!(matches!(why, Some(Spoilt::Length { .. })), "{more} more bytes: {why:?}");
    }
}

/// Where the header begins: behind what the file is and the header's length.
const HEADER_AT: usize = 38;

/// Puts a header and a body together, with checksums that are right.
fn forged(magic: &[u8], header: &Value, body: &[u8]) -> Vec<u8> {
    let header = serde_json::to_vec(header).unwrap();
    let mut bytes = magic.to_vec();
    bytes.extend((header.len() as u64).to_le_bytes());
    bytes.extend(header);
    bytes.extend(xxh3_64(&bytes).to_le_bytes());
    bytes.extend(body);
    bytes.extend(xxh3_128(&bytes).to_le_bytes());
    bytes
}

/// What stands before the length of the header, the header, and what stands between the sums.
fn taken_apart(bytes: &[u8]) -> (Vec<u8>, Value, Vec<u8>) {
    let length = u64::from_le_bytes(bytes[HEADER_AT - 8..HEADER_AT].try_into().unwrap()) as usize;
    let header = serde_json::from_slice(&bytes[HEADER_AT..HEADER_AT + length]).unwrap();
    let body = bytes[HEADER_AT + length + 8..bytes.len() - 16].to_vec();
    (bytes[..HEADER_AT - 8].to_vec(), header, body)
}

/// The numbers of a header, each to be changed.
fn numbers(value: &mut Value, visit: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Number(_) => visit(value),
        Value::Array(values) => values.iter_mut().for_each(|value| numbers(value, visit)),
        Value::Object(values) => values.values_mut().for_each(|value| numbers(value, visit)),
        _ => {}
    }
}

/// Somebody who computes the checksums anew can lie, and still not make a run panic, go on for
/// ever or ask for absurd memory.
#[test]
fn a_lie_with_the_right_checksums_does_no_harm() {
    let file = file("forged");
    let mut chance = Chance::new();
    let (magic, header, body) = taken_apart(&left(&file));
    assert_eq!(why(resumed(&file, &forged(&magic, &header, &body)), &file), None);
    let mut count = 0;
    numbers(&mut header.clone(), &mut |_| count += 1);
    assert!(count > 20, "{count} numbers");
    let mut refused = 0;
    let values = [0, 1, 7, 61, 255, 1_000_000, u64::from(u32::MAX), 1 << 40, u64::MAX];
    for which in 0..count {
        for value in values {
            let (mut lie, mut at) = (header.clone(), 0);
            numbers(&mut lie, &mut |number| {
                if at == which {
                    *number = Value::from(value);
                }
                at += 1;
            });
            let result = resumed(&file, &forged(&magic, &lie, &body));
            refused += u32::from(result.is_err());
        }
    }
    let all = count * values.len() as u32;
    assert!(refused * 10 > all * 8, "{refused} of {all} lies were refused");
    for _ in 0..3_000 {
        let mut lie = body.clone();
        for _ in 0..=chance.below(4) {
            let at = chance.below(body.len() as u64) as usize;
            lie[at] = chance.below(256) as u8;
        }
        // Whatever comes of it, it comes to an end.
        let _ = resumed(&file, &forged(&magic, &header, &lie));
    }
    let again = body[..24].repeat(body.len() / 24 + 1);
    let _ = resumed(&file, &forged(&magic, &header, &again[..body.len()]));
}

#[test]
fn states_beyond_all_memory_are_refused_before_any_is_asked_for() {
    let file = file("beyond");
    let (magic, mut header, body) = taken_apart(&left(&file));
    header["search"]["states"] = Value::from(4_000_000_000_u32);
    let why = why(resumed(&file, &forged(&magic, &header, &body)), &file);
    assert!(matches!(why, Some(Spoilt::Length { .. })), "{why:?}");
}

#[test]
fn what_is_no_checkpoint_is_refused() {
    let file = file("none");
    for (bytes, begins) in [("", "\"\""), ("{}", "\"{}\""), ("syncsplit trace\n", "\"syncsplit t")]
    {
        let why = why(resumed(&file, bytes.as_bytes()), &file);
        let Some(Spoilt::NotACheckpoint { begins: found }) = why else { panic!("{why:?}") };
        assert!(found.starts_with(begins), "{found}");
    }
    let bytes = left(&file);
    let newer = String::from_utf8_lossy(&bytes[..30]).replace('1', "2").into_bytes();
    let newer = [newer.as_slice(), &bytes[30..]].concat();
    let format = Spoilt::Format { found: "format 2".into(), valid: "format 1".into() };
    assert_eq!(why(resumed(&file, &newer), &file), Some(format));
    fs::remove_file(&file).unwrap();
    let gone = run_kept(&MODEL, &options(9), &Keep { resume: Some(&file), ..Keep::default() });
    assert!(matches!(why(gone, &file), Some(Spoilt::Unreadable(_))));
    let folder = file.parent().unwrap();
    let taken = run_kept(&MODEL, &options(9), &Keep { resume: Some(folder), ..Keep::default() });
    assert_eq!(why(taken, folder), Some(Spoilt::NotAFile));
}

#[test]
fn a_file_about_something_else_is_refused_with_what_differs() {
    let file = file("else");
    let about = [("world", "one".to_owned()), ("rules", "all".to_owned())];
    let kept = Keep { about: &about, title: "a test", write: Some(&file), ..Keep::default() };
    run_kept(&MODEL, &options(60), &kept).unwrap().written.unwrap().unwrap();
    let differs = |about: &[(&'static str, String)], options: &Options<'_, u64>| {
        let keep = Keep { about, resume: Some(&file), ..Keep::default() };
        match why(run_kept(&MODEL, options, &keep), &file) {
            Some(Spoilt::Differs { title, differences }) => {
                assert_eq!(title, "a test");
                differences.into_iter().map(|d| (d.name, d.found, d.asked)).collect()
            }
            None => Vec::new(),
            Some(other) => panic!("{other:?}"),
        }
    };
    let said = |text: &str| Some(text.to_owned());
    assert_eq!(differs(&about, &options(2_000)), []);
    let other = [("world", "two".to_owned()), ("rules", "all".to_owned())];
    let world = ("world".to_owned(), said("one"), said("two"));
    assert_eq!(differs(&other, &options(2_000)), [world]);
    let rules = ("rules".to_owned(), said("all"), None);
    assert_eq!(differs(&about[..1], &options(2_000)), [rules]);
    let more = [about.as_slice(), &[("day", "fair".to_owned())]].concat();
    assert_eq!(differs(&more, &options(2_000)), [("day".to_owned(), None, said("fair"))]);
    let stop = Options { stop: StopAt::FirstViolation, ..options(2_000) };
    let stops = ("stop".to_owned(), said("Exhaust"), said("FirstViolation"));
    assert_eq!(differs(&about, &stop), [stops]);
    let uncounted = Options { kind: None, ..options(2_000) };
    let counts = ("counts by action".to_owned(), said("true"), said("false"));
    assert_eq!(differs(&about, &uncounted), [counts]);
    let nameless = Keep { about: &about, besides: "new", resume: Some(&file), ..Keep::default() };
    let error = run_kept(&MODEL, &options(2_000), &nameless).unwrap_err().to_string();
    assert!(error.contains(r#"what has no name is "" there and "new" here"#), "{error}");
    let grid = Grid::<2> { top: 2, ..Grid::default() };
    let keep = Keep { about: &about, resume: Some(&file), ..Keep::default() };
    let error = run_kept(&grid, &with_threads(1), &keep).unwrap_err().to_string();
    for word in ["packed-else", "a test", "properties", "not a multiple of 97", "bytes of a state"]
    {
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_told_and_leaves_what_was_there() {
    let nowhere = file("nowhere").join("file");
    let tried = try_out(&nowhere).unwrap_err();
    assert!(matches!(tried.why, Spoilt::Unwritable(_)) && tried.file == nowhere);
    let kept = run_kept(&MODEL, &options(60), &keep(&nowhere)).unwrap();
    assert_eq!(kept.written, Some(Err(tried)), "and the outcome is there all the same");
    let folder = file("nowhere");
    let folder = folder.parent().unwrap();
    assert!(try_out(folder).unwrap_err().to_string().contains("plain file"));
    let good = file("stays");
    let bytes = left(&good);
    // Where the new file is to be built stands a folder.
    let partial = file("stays.partial");
    fs::create_dir_all(&partial).unwrap();
    let kept = run_kept(&MODEL, &options(200), &keep(&good)).unwrap();
    fs::remove_dir(&partial).unwrap();
    assert!(kept.written.unwrap().is_err());
    assert_eq!(fs::read(&good).unwrap(), bytes);
    assert_eq!(try_out(&good), Ok(()));
    assert_eq!(fs::read(&good).unwrap(), bytes, "trying leaves it alone");
}

/// Where a name leads to the file over a link, the link stays.
#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let (target, link) = (file("target"), file("link"));
    left(&target);
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let before = fs::metadata(&target).unwrap().len();
    run_kept(&MODEL, &options(200), &keep(&link)).unwrap().written.unwrap().unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::metadata(&target).unwrap().len() > before);
}

#[test]
fn too_little_memory_for_what_is_kept_is_told() {
    let file = file("memory-little");
    left(&file);
    let limits = Limits { memory_bytes: Some(1 << 20), ..Limits::default() };
    let result = run_kept(&MODEL, &Options { limits, ..options(60) }, &keep(&file));
    let why = why(result, &file);
    let Some(Spoilt::NoRoom { needed, limit }) = why else { panic!("{why:?}") };
    assert!(needed > limit && limit == 1 << 20);
}
