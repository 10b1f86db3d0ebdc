//! An acknowledgement is on its way while the pair fails and is resynchronised, and a host writes (XFER-2, XFER-4,
//! RESYNC-1, RESYNC-2). The acknowledgement arrives twice, the second time when everything is over.

use syncsplit_impl::error::ignore_refusal;

use super::kit::{Kit, act, done};
use super::{Failure, Outcome, Size};
use crate::replay::Options;

pub(super) fn run(size: Size) -> Result<Outcome, Failure> {
    let kit = Kit::paired(size)?;
    kit.write(0)?;
    while kit.local.send_next()?.is_some() {}
    kit.carry_out()?;
    kit.remote.apply_next()?;
    kit.remote.report()?;
    let ack = kit.remote.take_outgoing().ok_or("nothing was reported")?;
    let again = ack.clone();
    let late = act(&kit, move |kit| Ok(ignore_refusal(kit.local.on_message(ack))?));
    let operator = act(&kit, |kit| {
        kit.local.fail()?;
        kit.resync()
    });
    let writer = act(&kit, move |kit| {
        // The first goes to the block that is dirty if the acknowledgement comes too late, so it races its copy. A
        // full journal would wait for an acknowledgement that nobody brings before the threads are joined.
        let mut numbers = size.blocks..size.blocks + size.writes;
        Ok(numbers.try_for_each(|number| ignore_refusal(kit.try_write(number)))?)
    });
    done([late, operator, writer])?;
    ignore_refusal(kit.local.on_message(again))?;
    kit.outcome(Options::default())
}
