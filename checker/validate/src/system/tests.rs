//! Steps that the model allows keep its properties, so no run alone can break them here: each test changes what has been
//! seen so far, as an error in the model or in the validator would, and sees the next record refused.
use syncsplit_model::protocol::database::FreezeState;
use syncsplit_model::protocol::replica::{Purpose, ReplicaState::Split};
use syncsplit_model::protocol::requester::RequesterState;
use syncsplit_model::protocol::{BackupId, BlockIndex, Entry, Incarnation, Item, Rules, Seq};
use syncsplit_model::world::WorldProperty;

use super::{Hosts, Image, Options, System, Volumes, Writes, properties};
use crate::containers::Dirty;
use crate::content::Content;
use crate::log::Line;
use crate::read::Reader;
use crate::record::{ModelSecondary, Record};
use crate::why::Explain;

const BACKUP: &str = include_str!("../../tests/traces/backup_and_resync.ndjson");
const LIFE: &str = include_str!("../../tests/traces/life.ndjson");

const GATED: Options = Options {
    writes: Writes::Gated,
    hosts: Hosts::Traced,
    newest_backup: BackupId(0),
    rules: Rules::HARDENED,
};

fn lines(text: &str) -> Vec<Line> {
    let mut reader = Reader::new(None);
    assert_eq!(reader.file("trace", text.as_bytes()), Ok(()));
    reader.logs().map(|mut logs| logs.remove(0).lines).unwrap_or_default()
}

/// The system after the records before the `n`th.
fn before(options: Options, lines: &[Line], n: usize) -> System {
    let mut system = System::new(options);
    system.explain = Explain::Yes;
    for line in &lines[..n] {
        assert_eq!(system.follow(line, None), Ok(()), "line {}", line.line);
    }
    system
}

fn words(system: &mut System, line: &Line) -> String {
    system.follow(line, None).err().map_or_else(|| "allowed".to_owned(), |why| why.to_string())
}

fn change_secondary(seen: &mut System, change: fn(&mut ModelSecondary)) {
    seen.secondary.iter_mut().for_each(change);
}

fn image(block: u32, digest: u32) -> Image {
    let mut image = Image::undefined(2);
    Volumes::set(&mut image, block, digest);
    image
}

#[test]
fn a_property_that_does_not_hold_is_refused() {
    type Tamper = fn(&mut System);
    let cases: [(usize, Tamper, &str); 12] = [
        (
            39,
            |seen| seen.volumes.tamper(|volumes| Volumes::set(&mut volumes.spvol, 1, 7)),
            "image-is-prefix does not hold: block 1",
        ),
        (
            60,
            |seen| seen.volumes.tamper(|volumes| Volumes::set(&mut volumes.pvol, 0, 7)),
            "allowed",
        ),
        (
            55,
            |seen| seen.volumes.tamper(|volumes| Volumes::set(&mut volumes.pvol, 0, 7)),
            "difference-is-journaled does not hold: block 0",
        ),
        (
            50,
            |seen| seen.database.freeze = FreezeState::Frozen(BackupId(1)),
            "write-means-open-gate does not hold: backup 1",
        ),
        (
            50,
            |seen| seen.database.open = 0,
            "write-means-open-gate does not hold: the P-VOL is written while no transaction",
        ),
        (
            54,
            |seen| drop(seen.frozen.insert(BackupId(1), image(0, 7))),
            "backup-is-frozen-image does not hold: backup 1",
        ),
        (54, |seen| seen.frozen.clear(), "no freeze for it is in the records"),
        (
            54,
            |seen| drop(seen.splits.insert(BackupId(1), image(1, 7))),
            "read-is-split-image does not hold: block 1",
        ),
        (
            54,
            |seen| change_secondary(seen, |state| state.replica.state = Split(Purpose::Gold)),
            "svol-still-while-read does not hold: backup 1",
        ),
        (
            55,
            |seen| seen.requester.state = RequesterState::Reading(BackupId(2)),
            "svol-still-while-read does not hold: backup 2",
        ),
        (64, |seen| seen.svol_good = false, "one-image-always does not hold: the S/P-VOL is no"),
        (
            40,
            |seen| seen.volumes.forget_before(Incarnation(9)),
            "entry 5 is written, but the primary numbered no such entry",
        ),
    ];
    let lines = lines(BACKUP);
    for (n, tamper, expected) in cases {
        let mut seen = before(GATED, &lines, n);
        tamper(&mut seen);
        let words = words(&mut seen, &lines[n]);
        assert!(words.contains(expected), "at {n}\n got: {words}\nwant: {expected}");
    }
}

/// Without a pair no difference has to be covered, and in COPY the S/P-VOL need not be an image.
#[test]
fn what_is_not_promised_is_allowed() {
    let lines = lines(BACKUP);
    let mut unpaired = before(GATED, &lines, 3);
    unpaired.primary.iter_mut().for_each(|state| state.dirty = Dirty::new(2));
    unpaired.volumes.tamper(|volumes| Volumes::set(&mut volumes.pvol, 0, 7));
    assert_eq!(words(&mut unpaired, &lines[3]), "allowed");
    let mut copying = before(GATED, &lines, 8);
    copying.volumes.tamper(|volumes| Volumes::set(&mut volumes.spvol, 1, 7));
    assert_eq!(words(&mut copying, &lines[8]), "allowed");
}

/// A difference that nothing covers is found where the step touches its block, and where it touches all.
#[test]
fn a_difference_that_nothing_covers_is_refused() {
    let lines = lines(BACKUP);
    let mut found = 0;
    for n in 20..lines.len() {
        let mut seen = before(GATED, &lines, n);
        if !matches!(lines[n].record, Record::Primary(_) | Record::Secondary(_)) {
            continue;
        }
        seen.volumes.tamper(|volumes| {
            for block in 0..2 {
                Volumes::set(&mut volumes.pvol, block, 7);
            }
        });
        let words = words(&mut seen, &lines[n]);
        found += usize::from(words.contains("difference-is-journaled does not hold"));
    }
    assert!(found >= 5, "found at {found} places");
}

/// SYNC-3: a Sync that the primary's numbers let complete, while a write that the Sync held is missing. A later write may
/// stand in its place.
#[test]
fn a_sync_that_is_done_too_early_is_refused() {
    type Tamper = fn(&mut System);
    fn lose(seen: &mut System) {
        seen.volumes.tamper(|volumes| {
            for block in 0..2 {
                Volumes::set(&mut volumes.spvol, block, 7);
            }
        });
    }
    fn write_later(seen: &mut System) {
        lose(seen);
        for block in 0..2 {
            let item = Item::Write { block: BlockIndex(block), payload: Content::of(7) };
            let entry = Entry { seq: Seq(6 + u64::from(block)), item };
            seen.volumes.on_numbered(Incarnation(1), &entry);
        }
    }
    let cases: [(Tamper, &str); 5] = [
        (lose, "done-means-written does not hold: block 0: the S/P-VOL lacks a write"),
        (
            |seen| change_secondary(seen, |state| state.written = Seq(4)),
            "done-means-written does not hold: Sync held",
        ),
        (
            |seen| change_secondary(seen, |state| state.incarnation = Incarnation(2)),
            "done-means-written does not hold: Sync held",
        ),
        (
            |seen| {
                write_later(seen);
                change_secondary(seen, |state| state.written = Seq(6));
            },
            "done-means-written does not hold: block 1: the S/P-VOL lacks a write",
        ),
        (
            |seen| {
                write_later(seen);
                change_secondary(seen, |state| state.written = Seq(7));
            },
            "allowed",
        ),
    ];
    let lines = lines(BACKUP);
    for (tamper, expected) in cases {
        let mut seen = before(GATED, &lines, 43);
        tamper(&mut seen);
        let words = words(&mut seen, &lines[43]);
        assert!(words.contains(expected), " got: {words}\nwant: {expected}");
    }
}

/// What the validator judges otherwise than the world has a name that the world does not have.
#[test]
fn no_property_of_records_alone_has_a_name_of_the_world() {
    let own = [
        properties::DIFFERENCE_IS_JOURNALED,
        properties::DONE_MEANS_WRITTEN,
        properties::READ_IS_SPLIT_IMAGE,
        properties::WRITE_MEANS_OPEN_GATE,
    ];
    for name in own {
        assert_eq!(WorldProperty::named(name), None, "{name}");
    }
}

/// RESYNC-4: a takeover in COPY brings the image of the split back.
#[test]
fn a_gold_copy_that_is_not_the_image_of_its_split_is_refused() {
    let lines = lines(LIFE);
    let is_takeover = |line: &Line| {
        matches!(&line.record, Record::Secondary(taken)
            if format!("{:?}", taken.event).contains("Takeover"))
    };
    let at = lines.iter().position(is_takeover).unwrap_or_default();
    assert!(at > 0, "the life has a takeover");
    let options = Options { writes: Writes::Held, hosts: Hosts::Scripted, ..GATED };
    let mut seen = before(options, &lines, at);
    seen.volumes.tamper(|volumes| {
        Volumes::set(&mut volumes.svol, 1, 7);
        Volumes::set(&mut volumes.spvol, 1, 7);
    });
    let words = words(&mut seen, &lines[at]);
    assert!(words.contains("image-is-prefix does not hold: block 1"), "{words}");
}

/// QUIESCE-1: the primary holds the writes of a backup where the database would be frozen, and answers the coordinator.
#[test]
fn a_backup_that_the_primary_holds_still_for_is_followed() {
    let quiesced = BACKUP.lines().enumerate().map(|(n, line)| match n {
        31 => r#"{"n":31,"role":"primary","event":{"Quiesce":1},"effects":[{"AnswerQuiesced":1}]}"#
            .to_owned(),
        32..=46 => line.replace(r#""quiesced":null"#, r#""quiesced":1"#),
        47 => r#"{"n":47,"role":"primary","event":{"Unquiesce":1},"effects":[{"AnswerReleased":{"id":1,"held":true}}]}"#
            .to_owned(),
        _ => line.to_owned(),
    });
    let lines = lines(&quiesced.collect::<Vec<_>>().join("\n"));
    let seen = before(Options { writes: Writes::Held, ..GATED }, &lines, lines.len());
    assert!(seen.frozen.contains(&BackupId(1)));
}

/// An effect that failed leaves the block undefined.
#[test]
fn a_failed_write_leaves_its_block_undefined() {
    let text = BACKUP.lines().take(24).collect::<Vec<_>>().join("\n");
    let fault = r#"{"n":24,"role":"fault","of":23,"effect":0,"error":"planned"}"#;
    let lines = lines(&format!("{text}\n{fault}\n"));
    let seen = before(GATED, &lines, 25);
    assert_eq!(seen.volumes.pvol.digests()[0], None);
}

/// The fingerprint is made of every part that a step can change.
#[test]
fn no_two_states_of_a_run_have_one_fingerprint() {
    for (text, options) in
        [(BACKUP, GATED), (LIFE, Options { writes: Writes::Held, hosts: Hosts::Scripted, ..GATED })]
    {
        let lines = lines(text);
        let mut system = System::new(options);
        let mut prints = std::collections::HashSet::new();
        for line in &lines {
            assert_eq!(system.follow(line, None), Ok(()));
            // A look of a Sync may change nothing.
            let is_new = prints.insert(system.print());
            assert!(is_new || line.record.role() == "sync", "line {}", line.line);
        }
    }
}
