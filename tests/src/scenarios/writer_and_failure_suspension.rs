//! A host writes, the link carries what it can, and the link fails. A writer that the full journal held up goes on,
//! and what the journal held is dirty (WRITE-3, WRITE-4, PAIR-3).

use syncsplit_model::protocol::{Journal, PairState};

use super::kit::{Kit, act, done, link};
use super::{Failure, Outcome, Size};
use crate::replay::Options;

pub(super) fn run(size: Size) -> Result<Outcome, Failure> {
    let kit = Kit::paired(size)?;
    let writer =
        act(&kit, move |kit| Ok((0..size.writes).try_for_each(|number| kit.write(number))?));
    let link = link(&kit);
    let failure = act(&kit, |kit| Ok(kit.local.fail()?));
    done([writer, link, failure])?;
    let state = kit.local.state()?;
    if state.state != PairState::Psue || !Journal::is_empty(&state.journal) {
        return Err(format!("after the failure the primary is {state:?}").into());
    }
    kit.outcome(Options::default())
}
