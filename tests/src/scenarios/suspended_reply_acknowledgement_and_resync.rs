//! The secondary has left the pairing by its own judgement, over a link that works. Its report of that and an older one
//! are on their way while an operator resynchronises and a host writes (PAIR-3, XFER-4, RESYNC-1). Both arrive twice, the
//! second time when everything is over.

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
    kit.remote.fail()?;
    kit.remote.report_if_due()?;
    let reply = kit.remote.take_outgoing().ok_or("nothing was told")?;
    let again = [reply.clone(), ack.clone()];
    let late = act(&kit, move |kit| Ok(ignore_refusal(kit.local.on_message(ack))?));
    let told = act(&kit, move |kit| Ok(ignore_refusal(kit.local.on_message(reply))?));
    let operator = act(&kit, |kit| {
        // In PAIR there is nothing to resynchronise yet.
        kit.resync()
    });
    let writer = act(&kit, move |kit| {
        let mut numbers = size.blocks..size.blocks + size.writes;
        Ok(numbers.try_for_each(|number| ignore_refusal(kit.try_write(number)))?)
    });
    done([late, told, operator, writer])?;
    kit.recover()?;
    for message in again {
        ignore_refusal(kit.local.on_message(message))?;
    }
    kit.outcome(Options::default())
}
