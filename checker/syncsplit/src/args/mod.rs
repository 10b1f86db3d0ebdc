//! The command line: every argument with what it means and what is valid. No argument is acted on here.

mod validate;
mod words;
mod world;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use strum::IntoStaticStr;
use syncsplit_conform::script::Script;
use syncsplit_conform::wire::Level;
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::Variant;
use syncsplit_study::explain::Topic;
use syncsplit_study::question::Engine;
use syncsplit_study::reduce::Reduction;
use syncsplit_study::trace::file::TraceFile;

pub(crate) use self::validate::ValidateArgs;
pub(crate) use self::world::WorldArgs;

/// Checks the protocol of JP 2003-099306: backing up a database from an asynchronous remote copy without ever
/// suspending the copy.
///
/// Exit codes: 0 everything holds, 1 a property is violated, 2 usage or bad input, 3 not decided since a limit of time,
/// memory or states was reached.
#[derive(Debug, Parser)]
#[command(name = "syncsplit", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What `syncsplit` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check every reachable state of an instance, for runs of any length
    Check(CheckArgs),
    /// Walk through an instance by chance, beyond what can be searched
    Simulate(SimulateArgs),
    /// Serve pages on which an instance is explored step by step
    Explore(ExploreArgs),
    /// Step a trace file through the model, and say whether it is a run of it
    Replay(ReplayArgs),
    /// Say whether a run that an implementation recorded is one of the model
    Validate(ValidateArgs),
    /// Leave out one rule after the other, and show what breaks without it
    Ablate(AblateArgs),
    /// Check every variant of the protocol under every class of faults
    Matrix(MatrixArgs),
    /// Take another implementation, behind an adapter, through scripts that come from the model
    Conform(ConformArgs),
    /// Print what a rule, property, promise, fault or action is: its text in SPEC.md, a run that shows it, its code
    Explain(ExplainArgs),
    /// Print what there is to check: instances, rules, properties, promises, faults, variants or actions
    List(ListArgs),
}

/// Arguments of `syncsplit check`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  syncsplit check                            the default instance, every rule in force
  syncsplit check --variant published        the patent's figures to the letter
  syncsplit check smoke --without SYNC-5     what goes wrong when Sync does not look at the pair again
  syncsplit check --without SYNC-5 --property backup-is-frozen-image --format json
  syncsplit check --reduce sleep             the same counts in less time: no two steps in both orders if they commute
  syncsplit check --transactions any --reduce symmetry    blocks that can be exchanged count once
  syncsplit check smoke --journal 2 --fault link-down --fault timeouts    other bounds and faults
  syncsplit check smoke --without SYNC-2 --continue    every property that breaks, not only the first
  syncsplit check smoke --reach 'replica_pair has split and not consistent'    the shortest way to such a state
  syncsplit check ./mine.toml                a world of your own; docs/instances.md says how to write it
  syncsplit check nightly --time 20m --checkpoint FILE   as far as 20 minutes go: exit code 3
  syncsplit check nightly --time 20m --resume FILE       on from there, until it is another

A check in parts comes to the very verdict, counts and traces of a check in one piece. What a limit ends tells how many
states are reached in so many steps, and that none of them violates anything.")]
pub(crate) struct CheckArgs {
    /// Which world to check: a name, or the path of a TOML file
    #[arg(default_value = "ci", help = words::instance_help())]
    pub(crate) instance: String,
    /// Which world it is, where it is not the instance's own.
    #[command(flatten)]
    pub(crate) world: WorldArgs,
    /// Check only this property or promise; may be given again. `syncsplit list properties` describes them
    #[arg(long, value_name = "NAME", value_parser = words::property())]
    pub(crate) property: Vec<String>,
    /// Look for a state of which this is true, in place of properties, and print a shortest way there, for example
    /// 'primary == PSUE and journal.size > 0'. Fields are those of a trace in ITF; docs/instances.md says more
    #[arg(long, value_name = "EXPR", conflicts_with_all = ["property", "go_on", "strict"])]
    pub(crate) reach: Option<String>,
    /// Go on after a violation until every state is seen, and report each property that breaks, with a shortest way there
    #[arg(long = "continue")]
    pub(crate) go_on: bool,
    /// Exit with 3 where everything holds, but the question of some property never arose in this world
    #[arg(long)]
    pub(crate) strict: bool,
    /// Search fewer states, or take fewer steps, for the same verdicts; several with commas. docs/reductions.md says why
    /// that is sound
    #[arg(long, value_parser = words::one_of::<Reduction>(), value_delimiter = ',')]
    pub(crate) reduce: Vec<Reduction>,
    /// What is kept of each state
    #[arg(long, value_enum, default_value_t = Stored::Exact)]
    pub(crate) store: Stored,
    /// Which fingerprints `--store fingerprint` takes; another seed misses other states [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Which engine searches
    #[arg(long, value_parser = words::one_of::<Engine>(), default_value = "native")]
    pub(crate) engine: Engine,
    /// Worker threads, 1 to 256; verdict, counts and traces do not depend on them [default: all cores]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,
    /// Give up after this time, for example 90s, 5m or 1h; the verdict is then `undecided`
    #[arg(long, value_name = "DUR", value_parser = words::duration)]
    pub(crate) time: Option<Duration>,
    /// Give up before the process takes more memory than this, for example 900MB or 8GiB; the verdict is then `undecided`
    #[arg(long, value_name = "SIZE", value_parser = words::size)]
    pub(crate) memory: Option<u64>,
    /// Give up after this many distinct states; the verdict is then `undecided`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) states: Option<u64>,
    /// When a limit, Ctrl-C or SIGTERM ends the run, write to this file what it has found, so that --resume can go on
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Go on with the run in this file, and write it back if a limit ends it again. Only threads and limits may differ
    /// from the run that wrote it
    #[arg(long, value_name = "FILE")]
    pub(crate) resume: Option<PathBuf>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    pub(crate) format: CheckFormat,
    /// Write the shortest counterexample to this file; its name ends in .itf.json, .mmd, .svg or .txt. `-` is stdout, in
    /// ITF; the report goes to stderr then
    #[arg(long, value_name = "FILE", value_parser = TraceFile::named)]
    pub(crate) trace_out: Option<TraceFile>,
    /// Whether to show progress on stderr: a line on a terminal, a line every ten seconds, or nothing
    #[arg(long, value_enum, default_value_t = ProgressMode::Auto)]
    pub(crate) progress: ProgressMode,
}

/// Arguments of `syncsplit ablate`.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Without an instance each rule is searched where the table checker/ablations.toml says, and
what is found must be what the table expects: another outcome makes the exit code 1.

Examples:
  syncsplit ablate                           every rule; a few minutes
  syncsplit ablate --only SYNC-5             what goes wrong when Sync does not look at the pair again
  syncsplit ablate smoke --format markdown   every rule on one instance, as a page"
)]
pub(crate) struct AblateArgs {
    /// Search every rule on this one; nothing is expected then
    #[arg(help = format!("Search every rule on this one; nothing is expected then. {}", words::instance_help()))]
    pub(crate) instance: Option<String>,
    /// Leave the rules out of this reading of the protocol; nothing is expected then [default: hardened]
    #[arg(long, value_parser = words::variant())]
    pub(crate) variant: Option<Variant>,
    /// Leave out only this rule; may be given again
    #[arg(long, value_name = "RULE", value_parser = words::rule)]
    pub(crate) only: Vec<Rule>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = StudyFormat::Text)]
    pub(crate) format: StudyFormat,
    /// How each search is run.
    #[command(flatten)]
    pub(crate) search: SearchArgs,
}

/// Arguments of `syncsplit matrix`.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "What each cell must come to stands in checker/matrix.toml: another outcome makes the exit code 1."
)]
pub(crate) struct MatrixArgs {
    /// How to print the result
    #[arg(long, value_enum, default_value_t = StudyFormat::Text)]
    pub(crate) format: StudyFormat,
    /// How each search is run.
    #[command(flatten)]
    pub(crate) search: SearchArgs,
}

/// How the searches of a study are run.
#[derive(Args, Clone, Debug)]
pub(crate) struct SearchArgs {
    /// Worker threads, 1 to 256; outcomes do not depend on them [default: all cores]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,
    /// Give each search up after this time, for example 90s, 5m or 1h; it is then `undecided`
    #[arg(long, value_name = "DUR", value_parser = words::duration)]
    pub(crate) time: Option<Duration>,
    /// Give each search up at this much memory, for example 900MB or 8GiB; it is then `undecided`
    #[arg(long, value_name = "SIZE", value_parser = words::size)]
    pub(crate) memory: Option<u64>,
    /// Give each search up after this many distinct states; it is then `undecided`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) states: Option<u64>,
    /// Whether to show progress on stderr: a line on a terminal, a line every ten seconds, or nothing
    #[arg(long, value_enum, default_value_t = ProgressMode::Auto)]
    pub(crate) progress: ProgressMode,
}

/// Arguments of `syncsplit simulate`.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Exit codes: 0 no violation was found in these runs, which says nothing about others; 1 a \
property is violated; 2 usage or bad input; 3 ended by Ctrl-C

Examples:
  syncsplit simulate ci --blocks 3 --journal 3 --frames 2 --acks 2 --host-messages 2
  syncsplit simulate --without SYNC-5 --seed 7 --trace-out found.itf.json"
)]
pub(crate) struct SimulateArgs {
    /// Which world to walk through; `syncsplit list instances` describes them
    #[arg(default_value = "ci", help = words::instance_help())]
    pub(crate) instance: String,
    /// Which world it is, where it is not the instance's own.
    #[command(flatten)]
    pub(crate) world: WorldArgs,
    /// Where chance begins; the same seed gives the same runs on any machine [default: any, and it is printed]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// The most steps of a run
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) steps: u64,
    /// How many runs
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) runs: u64,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Write the run that was found to this file; its name ends in .itf.json, .mmd, .svg or .txt. `-` is stdout, in
    /// ITF; the report goes to stderr then
    #[arg(long, value_name = "FILE", value_parser = TraceFile::named)]
    pub(crate) trace_out: Option<TraceFile>,
}

/// Arguments of `syncsplit explore`.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "The page shows the state at hand, each property's truth of this state alone, and the steps out of it; \
`syncsplit check` says what holds of every state. It is served to this host alone."
)]
pub(crate) struct ExploreArgs {
    /// Which world to explore; `syncsplit list instances` describes them
    #[arg(default_value = "smoke", help = words::instance_help())]
    pub(crate) instance: String,
    /// Which reading of the protocol to explore [default: what the instance says]
    #[arg(long, value_parser = words::variant())]
    pub(crate) variant: Option<Variant>,
    /// Leave a rule out; may be given again. `syncsplit list rules` describes them
    #[arg(long, value_name = "RULE", value_parser = words::rule)]
    pub(crate) without: Vec<Rule>,
    /// The port on this host to serve at; 0 takes any free one
    #[arg(long, value_name = "N", default_value_t = 3000)]
    pub(crate) port: u16,
}

/// Arguments of `syncsplit replay`.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Exit codes: 0 the trace is a run of the model, 1 the model refuses a step or comes to another \
state, 2 the file cannot be read as a trace"
)]
pub(crate) struct ReplayArgs {
    /// A trace in ITF, as `--trace-out FILE.itf.json` writes it; world and rules stand in it
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Arguments of `syncsplit conform`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  syncsplit conform --adapter 'python3 checker/adapters/minimal.py'    one that conforms; copy it, and put yours in
  syncsplit conform --adapter 'python3 checker/adapters/defective.py out-of-order'    what a failure looks like
  syncsplit conform --adapter ./mine --cases 1000 --seed 7    more random runs, others than the day before
  syncsplit conform --adapter ./mine --only directed/XFER-3   one case; --only XFER-3 or --only directed take several
  syncsplit conform --adapter ./mine --script 'begin pair journal 2; write-one 0; write-one 1'    what a report repeats
  syncsplit conform --adapter ./mine --known-failures known.txt --format junit    in CI

An adapter is a program that reads one JSON object a line and answers one a line; docs/test-your-implementation.md says
what it is asked. Exit codes: 0 nothing was seen that the protocol does not do, 1 something was, 2 usage or bad input, 3 the
adapter crashed, hung or answered what is no answer, or no rule was shown to be kept, or less than was demanded.")]
pub(crate) struct ConformArgs {
    /// The command that starts the adapter; the shell runs it
    #[arg(long, value_name = "COMMAND")]
    pub(crate) adapter: String,
    /// How much of the implementation is seen and steered [default: what the adapter can do]
    #[arg(long, value_parser = words::one_of::<Level>())]
    pub(crate) level: Option<Level>,
    /// Only this case, these of a kind or of a rule: an id, `directed`, `generated`, `random`, or XFER-3; may be given again
    #[arg(long, value_name = "ID")]
    pub(crate) only: Vec<String>,
    /// Only this script; a failure's report prints it
    #[arg(long, value_name = "TEXT", long_help = words::script_help())]
    pub(crate) script: Option<Script>,
    /// Where chance begins; the adapter is told it too
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many random runs
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) cases: u64,
    /// A list of cases that are known to fail, one a line; another failure, or one of them passing, makes the exit code 1
    #[arg(long, value_name = "FILE", conflicts_with = "script")]
    pub(crate) known_failures: Option<PathBuf>,
    /// Rules that have to be shown to be kept, joined by commas; the exit code is 3 otherwise
    #[arg(long, value_name = "RULE", value_delimiter = ',', value_parser = words::rule)]
    pub(crate) require: Vec<Rule>,
    /// How many of a hundred classes of steps have to be taken; the exit code is 3 otherwise
    #[arg(
        long,
        value_name = "PERCENT",
        conflicts_with = "script",
        value_parser = clap::value_parser!(u8).range(1..=100)
    )]
    pub(crate) min_coverage: Option<u8>,
    /// List the cases, and do none
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Stop at the first case that fails
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// How long the adapter may take for one answer
    #[arg(long, value_name = "DUR", default_value = "10s", value_parser = words::duration)]
    pub(crate) time_limit: Duration,
    /// How long a Sync may wait where the implementation is not steered
    #[arg(long, value_name = "DUR", default_value = "1s", value_parser = words::duration)]
    pub(crate) sync_timeout: Duration,
    /// The shortest lease of a freeze: one that has lasted so long may end by itself
    #[arg(long, value_name = "DUR", default_value = "10s", value_parser = words::duration)]
    pub(crate) lease: Duration,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    pub(crate) format: CheckFormat,
    /// Whether to show progress on stderr: a line on a terminal, a line every ten seconds, or nothing
    #[arg(long, value_enum, default_value_t = ProgressMode::Auto)]
    pub(crate) progress: ProgressMode,
}

/// Arguments of `syncsplit explain`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  syncsplit explain SYNC-5                   a rule: what breaks without it, in the fewest steps
  syncsplit explain image-is-prefix          a property: what breaks it, and when its question arises
  syncsplit explain frozen-leads-to-thawed   a promise
  syncsplit explain crash-coordinator        a fault: what it breaks, and how it happens
  syncsplit explain Failback                 an action")]
pub(crate) struct ExplainArgs {
    /// The name; `syncsplit list rules`, and so on, prints those that there are
    #[arg(value_name = "RULE|PROPERTY|PROMISE|FAULT|ACTION", value_parser = Topic::named)]
    pub(crate) topic: Topic,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// Arguments of `syncsplit list`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ListArgs {
    /// What to list
    #[arg(value_enum)]
    pub(crate) what: Listing,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// What `syncsplit list` lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Listing {
    /// Worlds by name, with their bounds
    Instances,
    /// The protocol's rules by id
    Rules,
    /// What must be true, and what must be reached
    Properties,
    /// What must come to pass
    Promises,
    /// What can go wrong, and which instances have it
    Faults,
    /// Readings of the protocol, and the rules that each leaves out
    Variants,
    /// What can happen in a world
    Actions,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a person
    Text,
    /// One JSON object
    Json,
}

/// How a check is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For a person
    Text,
    /// One JSON object
    Json,
    /// JUnit XML: each property a test case
    Junit,
}

/// How a study is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StudyFormat {
    /// For a person
    Text,
    /// One JSON object
    Json,
    /// A page, without times or memory, so that it changes only with the outcome
    Markdown,
    /// JUnit XML: each search a test case
    Junit,
}

/// What is kept of each state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stored {
    /// The state: what holds, holds
    Exact,
    /// 64 bits: states may be missed, and the report says how likely that is. For what is too large otherwise
    Fingerprint,
}

/// Whether progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressMode {
    /// A line on a terminal, nothing in a pipe
    Auto,
    /// A line every ten seconds
    Plain,
    /// Nothing
    None,
}
