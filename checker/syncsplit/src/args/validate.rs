//! The arguments of `syncsplit validate`, each with what it means and what is valid.
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use syncsplit_model::protocol::Rule;
use syncsplit_validate::{Hosts, STATES_MAX, Writes};

use super::{Format, words};

/// Arguments of `syncsplit validate`.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "A record is one JSON object a line: which role took which event, why it was \
refused if it was, the role's state after it, and its effects. All but the role may be left out; what \
fits is filled in. docs/trace-format.md describes records and mappings, docs/trace.schema.json is a \
JSON Schema of them.

Records of one file, or with the same field \"node\", are one node's and are taken in their order, which \
\"n\" numbers. Several nodes' records are put in order by what causes what - a message is sent before it \
arrives -, never by clocks.

Exit codes: 0 a run of the model shows what the records show; 1 none does: the deepest place, the states \
that were possible there, and for each step that could come next the first guard that was false, with the \
rule of SPEC.md; 2 usage, or a line that is no record; 3 a limit was reached before either was known

Examples:
  syncsplit validate trace.ndjson                       one trace of both sides
  syncsplit validate local.ndjson remote.ndjson         a log of each site
  syncsplit validate trace.ndjson --hosts scripted      the arrays alone were recorded
  syncsplit validate trace.ndjson --hidden 2            up to two steps between records are missing
  syncsplit validate theirs.log --mapping theirs.toml   a foreign log"
)]
pub(crate) struct ValidateArgs {
    /// The records, one JSON object a line
    #[arg(value_name = "TRACE", required = true)]
    pub(crate) traces: Vec<PathBuf>,
    /// How a foreign log's names become ours, a TOML file
    #[arg(long, value_name = "FILE")]
    pub(crate) mapping: Option<PathBuf>,
    /// The most steps before one record that no record shows; each is put as late as it can be taken
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=64))]
    pub(crate) hidden: u32,
    /// How host writes reach the P-VOL: whether a freeze is held to its word
    #[arg(long, value_parser = words::one_of::<Writes>(), default_value = "free")]
    pub(crate) writes: Writes,
    /// Who plays the hosts
    #[arg(long, value_parser = words::one_of::<Hosts>(), default_value = "traced")]
    pub(crate) hosts: Hosts,
    /// The newest backup id that the requester had used before
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) newest_backup: u32,
    /// Hold the run to every rule but this one; may be given again. `syncsplit list rules` describes them
    #[arg(long, value_name = "RULE", value_parser = words::rule)]
    pub(crate) without: Vec<Rule>,
    /// Give up after this many states; the verdict is then `undecided`
    #[arg(long, value_name = "N", default_value_t = STATES_MAX, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) states: u64,
    /// Give up after this time, for example 90s, 5m or 1h; the verdict is then `undecided`
    #[arg(long, value_name = "DUR", value_parser = words::duration)]
    pub(crate) time: Option<Duration>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}
