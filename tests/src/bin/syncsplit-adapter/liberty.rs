//! The liberties that the link, either side's clock and the answers take where the kit does not steer: each by chance, so
//! that a seed repeats it. Which there are is said by [`Liberty`].

use serde_json::{Value, json};
use syncsplit_impl::NodeError;
use syncsplit_impl::error::ignore_refusal;
use syncsplit_tests::liberties::Liberty;

use crate::sites::Sites;
use crate::{Refused, Reply};

/// What the link does with a message whose turn it is.
pub(crate) struct Transit {
    /// Whether the message is delivered.
    pub(crate) arrives: bool,
    /// Whether the link holds it from now on, too.
    pub(crate) stays: bool,
}

/// What the kit does around an implementation, and asks of it without doing anything.
const HARNESS: &[&str] =
    &["reset", "status", "link-down", "link-up", "fail", "crash", "advance-clock"];

impl Sites {
    fn takes(&self, liberty: Liberty) -> bool {
        self.alone.is_some() && self.setup.options.liberty == Some(liberty)
    }

    /// What becomes of the next message.
    pub(crate) fn transit(&mut self) -> Transit {
        let (arrives, stays) = if self.takes(Liberty::Loses) && self.draw(4) == 0 {
            (false, false)
        } else if self.takes(Liberty::Delays) && self.draw(3) > 0 {
            (false, true)
        } else {
            (true, self.takes(Liberty::Repeats) && self.draw(3) == 0)
        };
        Transit { arrives, stays }
    }

    /// Either side may take a link that works for failed.
    pub(crate) fn suspect(&mut self) -> Result<(), NodeError> {
        if !self.takes(Liberty::Suspects) || !self.up {
            return Ok(());
        }
        match self.draw(200) {
            0 => ignore_refusal(self.local.fail()),
            1 => ignore_refusal(self.remote.fail()),
            _ => Ok(()),
        }
    }

    /// Takes a request, and answers it as it likes.
    pub(crate) fn take_freely(&mut self, op: &str, request: &Value) -> Reply {
        if self.takes(Liberty::Indefinite) && !HARNESS.contains(&op) {
            match self.draw(16) {
                0 => return Err(Refused::Perhaps),
                1 => return self.take(op, request).and(Err(Refused::Perhaps)),
                _ => {}
            }
        }
        let reply = self.take(op, request);
        if op == "status" && self.takes(Liberty::PartialStatus) {
            return reply.map(|status| self.part_of(status));
        }
        reply
    }

    /// Three parts of four, and of each half the fields.
    fn part_of(&mut self, status: Value) -> Value {
        let Value::Object(mut parts) = status else { return status };
        parts.retain(|_, _| self.draw(4) > 0);
        for fields in parts.values_mut() {
            if let Value::Object(fields) = fields {
                fields.retain(|_, _| self.draw(2) == 0);
            }
        }
        json!(parts)
    }
}
