//! A host writes while the pair is suspended by command and brought back, and the link carries what it can (PAIR-2,
//! WRITE-3, RESYNC-1, XFER-4). The message that tells the secondary arrives among the frames, and again when everything is
//! over.

use syncsplit_impl::error::ignore_refusal;
use syncsplit_model::protocol::ToSecondary;

use super::kit::{Kit, act, done, link};
use super::{Failure, Outcome, Size};
use crate::replay::Options;

pub(super) fn run(size: Size) -> Result<Outcome, Failure> {
    let kit = Kit::paired(size)?;
    kit.write(0)?;
    let incarnation = kit.local.view()?.newest.incarnation;
    let operator = act(&kit, |kit| {
        kit.local.suspend()?;
        kit.carry_out()?;
        kit.resync()
    });
    let writer = act(&kit, move |kit| {
        // A full journal would wait for an acknowledgement that nobody brings before the threads are joined.
        let mut numbers = 1..=size.writes;
        Ok(numbers.try_for_each(|number| ignore_refusal(kit.try_write(number)))?)
    });
    let link = link(&kit);
    done([operator, writer, link])?;
    kit.recover()?;
    ignore_refusal(kit.remote.on_message(ToSecondary::Suspend { incarnation }))?;
    kit.outcome(Options::default())
}
