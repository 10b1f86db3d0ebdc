//! What the system does by itself where the kit does not steer it: steps of its threads and of the link, one at a time and
//! by chance, so that a seed repeats them. What each step does is in [`crate::sites`].

use std::thread::sleep;
use std::time::Duration;

use syncsplit_impl::NodeError;
use syncsplit_impl::error::ignore_refusal;

use syncsplit_tests::liberties::Liberty;

use crate::liberty::Transit;
use crate::sites::Sites;
use crate::threads::PATIENCE;

/// Long enough for a message to arrive.
const A_MOMENT: Duration = Duration::from_millis(1);

/// Where chance stands (SplitMix64).
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }
}

impl Sites {
    /// A few steps after a request, as threads get to take them.
    pub(crate) fn work_up_to(&mut self, most: usize) -> Result<(), NodeError> {
        let steps = self.draw(most);
        (0..steps).try_for_each(|_| self.work())
    }

    /// One step by chance; none where the kit takes every step itself.
    pub(crate) fn work(&mut self) -> Result<(), NodeError> {
        if self.alone.is_none() {
            return Ok(());
        }
        if self.threads.is_some() {
            return self.pass_time();
        }
        self.suspect()?;
        match self.draw(9) {
            0 | 1 => ignore_refusal(self.local.send_next().map(drop))?,
            2 | 3 => self.carry()?,
            4 => ignore_refusal(self.remote.apply_next().map(drop))?,
            5 => ignore_refusal(self.remote.report())?,
            6 => match self.local.copy_next() {
                Ok(None) => ignore_refusal(self.local.pair_mark())?,
                other => ignore_refusal(other.map(drop))?,
            },
            7 => ignore_refusal(self.remote.copy_replica_next().map(drop))?,
            _ => self.tick()?,
        }
        self.collect();
        Ok(())
    }

    /// What threads do takes time, and so does a link that stays down: either side's patience may end.
    fn pass_time(&mut self) -> Result<(), NodeError> {
        match self.draw(12) {
            0 if !self.up => (0..PATIENCE).try_for_each(|_| self.local.tick().map(drop)),
            1 if !self.up => (0..PATIENCE).try_for_each(|_| self.remote.tick()),
            2 => {
                sleep(A_MOMENT);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn draw(&mut self, bound: usize) -> usize {
        self.alone.as_mut().map_or(0, |chance| chance.below(bound))
    }

    /// Delivers any one message, in whichever direction, as far as the link pleases.
    fn carry(&mut self) -> Result<(), NodeError> {
        let (there, back) = (self.to_secondary.len(), self.to_primary.len());
        if !self.up || there + back == 0 {
            return Ok(());
        }
        let at = self.draw(there + back);
        let Transit { arrives, stays } = self.transit();
        if at < there {
            let message = self.to_secondary.remove(at);
            if stays {
                self.to_secondary.push(message.clone());
            }
            if arrives {
                return ignore_refusal(self.remote.on_message(message));
            }
        } else {
            let message = self.to_primary.remove(at - there);
            if stays {
                self.to_primary.push(message.clone());
            }
            if arrives {
                return ignore_refusal(self.local.on_message(message));
            }
        }
        Ok(())
    }

    /// The clock of both nodes, which ends their patience with a link that is down. While it is up nothing is overdue but
    /// what a full queue refused, and a request that was not answered.
    fn tick(&mut self) -> Result<(), NodeError> {
        let asks_again = self.setup.options.liberty != Some(Liberty::Loses);
        if !self.up || asks_again && self.local.state()?.pending.is_some() {
            self.local.tick()?;
            return self.remote.tick();
        }
        self.local.resend()
    }
}
