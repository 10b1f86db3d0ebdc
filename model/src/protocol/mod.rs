//! The roles of the protocol as pure transition functions, one file a role.
//!
//! Every role is a value with one entry, `step(self, rules, event) -> Step { state, effects, refused }`. An effect is
//! returned and never performed; the executor performs the effects of one step in the order given, before it takes the
//! role's next step. A refusal names its reason and leaves the state as it was. Time, chance, crashes and the order of
//! threads enter as events; no clock, thread, heap or I/O lives here.
//!
//! A write travels down this list: [`primary`] numbers it, [`message`] carries it, [`secondary`] applies it,
//! [`replica`] copies it on, [`sync`] waits for it. A backup travels along [`requester`], [`coordinator`],
//! [`database`]. [`rules`] names every rule of SPEC.md; a guard that keeps a rule asks `rules.has(Rule::...)`, so the
//! line that decides can be found by the rule's id, and the checker can leave the rule out.

pub mod containers;
pub mod coordinator;
pub mod database;
pub mod message;
pub mod primary;
pub mod replica;
pub mod requester;
pub mod rules;
pub mod secondary;
pub mod step;
pub mod sync;
pub mod takeover;
pub mod types;

pub use containers::{DirtyMap, Journal, ReorderQueue};
pub use message::{Ack, Entry, Frame, HostMessage, Item, ToPrimary, ToSecondary};
pub use rules::{Rule, Rules};
pub use step::{Broken, EFFECTS_MAX, Effects, Step};
pub use types::{BackupId, BlockIndex, Incarnation, PairState, QMarker, Seq};
