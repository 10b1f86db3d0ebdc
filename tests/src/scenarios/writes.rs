//! Hosts write at the primary: beside each other, and while the link fails. What is done with a suspended pair lives elsewhere.

use syncsplit_impl::error::ignore_refusal;
use syncsplit_model::protocol::{Journal, PairState, ToPrimary};

use super::kit::{Kit, act, done, link};
use super::{Failure, SceneOutcome, Size};
use crate::replay::Options;

/// Two hosts write, a third thread sends, a fourth applies and acknowledges. The journal is short, so that a writer
/// waits for the acknowledgement of the other's write (WRITE-1, WRITE-4, XFER-2).
pub(super) fn two_host_writers_and_the_sender(size: Size) -> Result<SceneOutcome, Failure> {
    let kit = Kit::paired(size)?;
    let before = kit.local.view()?.newest.seq;
    let all = 2 * size.writes;
    let writers = [0, 1].map(|writer| {
        act(&kit, move |kit| {
            // Both writers write every block.
            let mut numbers = (0..size.writes).map(|write| writer * size.writes + write);
            Ok(numbers.try_for_each(|number| kit.write(number))?)
        })
    });
    let sender = act(&kit, move |kit| {
        // Nothing is sent twice unless somebody asks for it, so there are as many frames as writes.
        for _ in 0..all {
            let message = kit.local.next_outgoing()?.ok_or("the sender was stopped")?;
            ignore_refusal(kit.remote.on_message(message))?;
        }
        Ok(())
    });
    let applier = act(&kit, move |kit| {
        let mut written = before;
        while written.0 < before.0 + u64::from(all) {
            kit.remote.apply_or_wait()?;
            while let Some(message) = kit.remote.take_outgoing() {
                if let ToPrimary::Ack(ack) = &message {
                    written = ack.written;
                }
                kit.local.on_message(message)?;
            }
        }
        Ok(())
    });
    done(writers.into_iter().chain([sender, applier]))?;
    let view = kit.local.view()?;
    if view.newest.seq.0 != before.0 + u64::from(all) || view.written != view.newest.seq {
        return Err(format!("after {all} writes the pair shows {view:?}").into());
    }
    kit.outcome(Options::default())
}

/// A host writes, the link carries what it can, and the link fails. A writer that the full journal held up goes on,
/// and what the journal held is dirty (WRITE-3, WRITE-4, PAIR-3).
pub(super) fn writer_and_failure_suspension(size: Size) -> Result<SceneOutcome, Failure> {
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
