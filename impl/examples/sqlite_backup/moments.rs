//! The second part: the primary is cut off at random moments, and the S/P-VOL's image alone must recover to a
//! committed prefix. It is cut off only in PAIR: during COPY the image is not consistent, and says so (RESYNC-3).

use std::path::Path;
use std::thread;
use std::time::Duration;

use syncsplit_impl::volume::FileVolume;
use syncsplit_model::protocol::PairState;

use crate::bank::{self, Bank};
use crate::control::{Answer, BLOCK_SIZE, BLOCKS, Order, RemoteProcess};
use crate::dice::Dice;
use crate::dump::open_ordinarily;
use crate::extract::extract;
use crate::primary::Primary;
use crate::traffic::Traffic;
use crate::{Outcome, Scratch};

/// What the images were like.
#[derive(Default)]
pub(crate) struct ImageCounts {
    /// In the middle of a transaction.
    torn: usize,
    /// With a hot journal: one that SQLite has to roll back before it reads.
    hot: usize,
    /// Whose main file had to be put back by that journal.
    put_back: usize,
    /// How many answered commits each lacked.
    lags: Vec<i64>,
    /// How often the pair was suspended by the cut, and brought back.
    resyncs: usize,
}

/// What was known at the moment of the cut.
pub(crate) struct KnownCommits {
    /// The highest commit that the primary had been told is written remotely.
    pub(crate) remote: i64,
    /// The highest commit that the bank's customers had an answer to.
    pub(crate) answered: i64,
}

/// Cuts the primary off at `count` moments; the answer says what was shown.
pub(crate) fn run(scratch: &Scratch<'_>, seed: u64, count: u32) -> Outcome<String> {
    let (directory, mut remote, primary) = Primary::with_remote(scratch, "moments", seed)?;
    println!("MOMENTS: remote site in process {}; {count} times the link is cut", remote.id());
    let (mut seen, mut bank, mut newest) = (ImageCounts::default(), Bank::new(seed), 0);
    let mut dice = Dice(!seed);
    let (committed, rolled_back) = primary.while_writing(|traffic| {
        for moment in 1..=count {
            let image = directory.join(format!("moment-{moment}.image"));
            let known = cut_off(&primary, &mut remote, traffic, &mut dice, &image, &mut seen)
                .and_then(|known| {
                    let k = recover(&image, &mut bank, newest, &mut seen)?;
                    check(k, &known, traffic.begun())?;
                    seen.lags.push((known.answered - k).max(0));
                    newest = k;
                    Ok(())
                });
            known.map_err(|error| format!("moment {moment}: {}", remote.explain(error)))?;
            if !scratch.kept {
                std::fs::remove_dir_all(image.with_extension("files"))?;
                std::fs::remove_file(&image)?;
            }
        }
        Ok((traffic.answered(), traffic.rolled_back()))
    })?;
    remote.state()?;
    primary.stop()?;
    report(&mut seen, count, committed, rolled_back);
    Ok(format!("{count} cut-off images all a committed prefix"))
}

fn report(seen: &mut ImageCounts, count: u32, committed: i64, rolled_back: u64) {
    println!(
        "         every image recovered, integrity_check ok, equal to the bank after its first k commits"
    );
    println!(
        "         cut in mid-transaction: {} of {count}; hot journal: {}; main file put back by it: {}",
        seen.torn, seen.hot, seen.put_back
    );
    seen.lags.sort_unstable();
    if let (Some(min), Some(max)) = (seen.lags.first(), seen.lags.last()) {
        let median = seen.lags[seen.lags.len() / 2];
        println!(
            "         answered commits not in the image: min {min}, median {median}, max {max}"
        );
    }
    println!(
        "         {committed} transactions committed, {rolled_back} rolled back; {} cuts suspended the pair (PSUE), \
         resynced",
        seen.resyncs
    );
}

/// Cuts the link at a random moment, has the S/P-VOL copied, and mends the link. One cut in eight lasts so long that
/// the pair is suspended; it is then back in PAIR when this returns.
fn cut_off(
    primary: &Primary,
    remote: &mut RemoteProcess,
    traffic: &Traffic,
    dice: &mut Dice,
    image: &Path,
    seen: &mut ImageCounts,
) -> Outcome<KnownCommits> {
    traffic.wait_for(1 + dice.below(8) as i64)?;
    thread::sleep(Duration::from_micros(dice.below(10_000)));
    let view = primary.view()?;
    if view.state != PairState::Pair {
        return Err(format!("the pair is in {}, not in PAIR", view.state).into());
    }
    let known = KnownCommits { remote: traffic.known_remote(&view), answered: traffic.answered() };
    primary.site.array_link().cut();
    match remote.ask(&Order::Image { image: image.to_owned() })? {
        Answer::Copied { state: PairState::Pair, written } if written >= view.written => {}
        other => return Err(format!("{other:?}, when {view:?} was known").into()),
    }
    let (node, link) = (primary.site.node(), primary.site.array_link());
    if dice.below(8) == 0 {
        node.fail()?;
        traffic.wait_for(1 + dice.below(8) as i64)?;
        link.mend();
        node.resync()?;
        primary.wait_for(|view| view.state == PairState::Pair)?;
        seen.resyncs += 1;
    } else {
        let newest = primary.view()?.newest;
        link.mend();
        // Only once the image has moved on is the next moment another one.
        primary.wait_for(|view| view.written >= newest.seq)?;
    }
    Ok(known)
}

/// Opens the image as anyone would; the answer is how many commits it holds. It may not hold fewer than the image
/// before it.
pub(crate) fn recover(
    image: &Path,
    bank: &mut Bank,
    before: i64,
    seen: &mut ImageCounts,
) -> Outcome<i64> {
    let files = image.with_extension("files");
    std::fs::create_dir(&files)?;
    let volume = FileVolume::open(image, BLOCK_SIZE, BLOCKS)?;
    let path = extract(&volume, &files, "image.db")?;
    let journal = files.join("image.db-journal");
    let journal = if journal.exists() { Some(std::fs::read(&journal)?) } else { None };
    let main = std::fs::read(&path)?;
    let dump = open_ordinarily(&path)?;
    seen.torn += usize::from(journal.is_some());
    // SQLite takes a journal for hot if its first byte is not zero; with synchronous=FULL it stays zero until the first
    // page of the main file is about to be written.
    seen.hot += usize::from(journal.is_some_and(|bytes| bytes.first().is_some_and(|b| *b != 0)));
    seen.put_back += usize::from(main != std::fs::read(&path)?);
    let k = bank::commits(&dump)?;
    if k < before {
        return Err(format!("the image holds {k} commits, the one before it {before}").into());
    }
    bank.advance(k);
    match dump.difference(&bank.dump()) {
        Some(words) => Err(format!("the image is not the bank after {k} commits: {words}").into()),
        None => Ok(k),
    }
}

/// The image holds what was known to be in it, and nothing that nobody asked for.
pub(crate) fn check(k: i64, known: &KnownCommits, begun: i64) -> Outcome {
    let KnownCommits { remote, .. } = known;
    if k < *remote {
        let words = format!("the image holds {k} commits, but {remote} were known to be remote");
        return Err(words.into());
    }
    if k > begun {
        return Err(format!("the image holds {k} commits, but only {begun} were begun").into());
    }
    Ok(())
}
