//! The arguments that say which world is meant, where it is not the instance's own: one set for each command that takes a
//! world. Which sizes are possible is not known here.

use clap::Args;
use syncsplit_model::protocol::Rule;
use syncsplit_model::protocol::primary::JournalFull;
use syncsplit_model::world::{Cache, Faults, NumberRange, Start, Stillness, Transactions, Variant};
use syncsplit_study::instance;

use super::words;

/// The heading of these arguments in the help.
const HEADING: &str = "World, in place of what the instance says";

/// What is asked of a world in place of what its instance says.
#[derive(Args, Clone, Debug)]
pub(crate) struct WorldArgs {
    /// Which reading of the protocol [default: what the instance says]
    #[arg(long, value_parser = words::variant())]
    pub(crate) variant: Option<Variant>,
    /// Leave a rule out; may be given again. `syncsplit list rules` describes them
    #[arg(long, value_name = "RULE", value_parser = words::rule)]
    pub(crate) without: Vec<Rule>,
    /// A fault that can happen, or `all` or `none`; may be given again. `syncsplit list faults` describes them
    #[arg(long, value_name = "FAULT", value_parser = words::faults(), help_heading = HEADING)]
    pub(crate) fault: Vec<Faults>,
    /// Blocks of the group
    #[arg(long, value_name = "N", help_heading = HEADING)]
    pub(crate) blocks: Option<u32>,
    /// Volumes that the blocks are dealt out to
    #[arg(long, value_name = "N", help_heading = HEADING)]
    pub(crate) volumes: Option<u32>,
    /// Entries the journal holds
    #[arg(long, value_name = "N", help_heading = HEADING)]
    pub(crate) journal: Option<usize>,
    /// Messages in flight from primary to secondary
    #[arg(long, value_name = "N", help_heading = HEADING)]
    pub(crate) frames: Option<usize>,
    /// Messages in flight from secondary to primary
    #[arg(long, value_name = "N", help_heading = HEADING)]
    pub(crate) acks: Option<usize>,
    /// Messages in flight between the hosts
    #[arg(long, value_name = "N", help_heading = HEADING)]
    pub(crate) host_messages: Option<usize>,
    /// What a full journal does
    #[arg(long, value_name = "WHAT", value_parser = words::named(instance::JOURNAL_FULL), help_heading = HEADING)]
    pub(crate) journal_full: Option<JournalFull>,
    /// What becomes of the secondary's cache in a crash
    #[arg(long, value_name = "WHICH", value_parser = words::named(instance::CACHE), help_heading = HEADING)]
    pub(crate) cache: Option<Cache>,
    /// What a backup holds still
    #[arg(long, value_name = "HOW", value_parser = words::named(instance::STILLNESS), help_heading = HEADING)]
    pub(crate) stillness: Option<Stillness>,
    /// Where a run begins
    #[arg(long, value_name = "WHERE", value_parser = words::named(instance::START), help_heading = HEADING)]
    pub(crate) start: Option<Start>,
    /// Which blocks a transaction of two writes takes
    #[arg(long, value_name = "WHICH", value_parser = words::named(Transactions::WORDS), help_heading = HEADING)]
    pub(crate) transactions: Option<Transactions>,
    /// Whether numbers go on without end
    #[arg(long, value_name = "WHICH", value_parser = words::named(NumberRange::WORDS), help_heading = HEADING)]
    pub(crate) numbers: Option<NumberRange>,
}
