//! From a verb to what the adapter is asked for it. The kit is coordinator and requester itself, so that some verbs are
//! its own doing. What the answer has to be is not decided here.
use syncsplit_model::protocol::coordinator::CoordinatorState;
use syncsplit_model::protocol::primary::JournalFull;
use syncsplit_model::protocol::requester::RequesterState;
use syncsplit_model::record::Side;
use syncsplit_model::world::{ActionKind, Start, Stillness};

use crate::block::{Writer, Written};
use crate::script::{BLOCKS, Setting};
use crate::seen::Numbers;
use crate::track::{Guide, Track};
use crate::verb::{Message, MessageKind, Verb};
use crate::wire::{
    Crashing, Data, Hello, Hold, Init, JournalLimit, Level, LinkMessage, PairAtStart, Request,
    SyncRequest, Timer, Transaction,
};

/// What a verb asks of an adapter.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// This.
    This(Request),
    /// Nothing: the verb is the kit's own doing.
    Nothing,
    /// What the adapter does not have: this operation or feature.
    Lacking(&'static str),
}

/// What is needed to ask.
pub struct Asker<'a> {
    /// What the adapter can do.
    pub hello: &'a Hello,
    /// How its numbers differ.
    pub numbers: Numbers,
    /// How long a Sync may wait.
    pub sync_ms: u64,
    /// Whether marks and states are looked at.
    pub is_marked: bool,
    /// The mark that the Sync has which is on, as it was answered.
    pub mark: Option<(i128, i128)>,
}

impl Asker<'_> {
    /// What `verb` asks, in a state whose hosts are as in `track`.
    #[must_use]
    pub fn ask(&self, guide: &Guide, track: &Track, verb: &Verb, number: u32) -> Asked {
        let backup = verb.message.map_or(0, |message| message.of);
        let block = verb.block();
        let Some(kind) = verb.kind else { return Asked::Nothing };
        let request = match kind {
            ActionKind::WriteOne => write(number, block, Transaction::Whole),
            ActionKind::WriteFirst => write(number, 0, Transaction::First),
            ActionKind::WriteSecond => write(number, BLOCKS - 1, Transaction::Last),
            ActionKind::RemoteWrite => {
                let data = Written { writer: Writer::Remote, number, block }.to_string();
                Request::RemoteWrite { block, data: Data(data) }
            }
            ActionKind::Send => {
                let seq = verb.number.unwrap_or_default();
                Request::Send { seq: self.numbers.seq(seq).unwrap_or(i128::from(seq)) }
            }
            ActionKind::Deliver
            | ActionKind::DeliverReply
            | ActionKind::Lose
            | ActionKind::LoseReply => {
                let Some(message) = self.message(verb) else { return Asked::Nothing };
                if verb.is_in(ActionKind::Lose | ActionKind::LoseReply) {
                    Request::Lose { message }
                } else if verb.extra {
                    Request::Repeat { message }
                } else {
                    Request::Deliver { message }
                }
            }
            ActionKind::Apply => Request::Apply,
            ActionKind::Report => Request::Report,
            ActionKind::CopyBlock => Request::Copy { block },
            ActionKind::PairMark => Request::PairMark,
            ActionKind::Fail => Request::Fail { side: Side::Primary },
            ActionKind::SecondaryFail => Request::Fail { side: Side::Secondary },
            ActionKind::LinkDown => Request::LinkDown,
            ActionKind::LinkUp => Request::LinkUp,
            ActionKind::Create => Request::Create,
            ActionKind::Suspend => Request::Suspend,
            ActionKind::Resync => Request::Resync,
            ActionKind::Delete => Request::Delete,
            ActionKind::StartBackup => {
                let id = track.state.requester.newest.next().0;
                return self.optional(Request::Arm { backup: id });
            }
            ActionKind::DeliverHost => match verb.message_kind() {
                Some(MessageKind::Request) if is_taken_on(guide, track, verb) => {
                    Request::Freeze { backup }
                }
                Some(MessageKind::Split) => Request::Split { backup },
                _ => return Asked::Nothing,
            },
            ActionKind::SyncBegin if self.is_marked => Request::Mark,
            ActionKind::SyncBegin => Request::sync(self.sync_ms),
            ActionKind::SyncLook => self.look(track),
            ActionKind::Thaw => {
                let CoordinatorState::Thawing(id) = track.state.coordinator.state else {
                    return Asked::Nothing;
                };
                Request::Thaw { backup: id.0 }
            }
            ActionKind::LeaseExpires => Request::AdvanceClock { timer: Timer::Lease },
            ActionKind::CrashPrimary => Request::Crash { role: Crashing::Primary },
            ActionKind::CrashSecondary => Request::Crash { role: Crashing::Secondary },
            ActionKind::CrashLocalHost => Request::Crash { role: Crashing::Database },
            ActionKind::Takeover => Request::Takeover { force: verb.extra },
            ActionKind::Failback => Request::Failback,
            ActionKind::WriteFirstTo
            | ActionKind::WriteSecondTo
            | ActionKind::AnswerHost
            | ActionKind::CopyReplica
            | ActionKind::Destage
            | ActionKind::LoseHost
            | ActionKind::SyncTimeout
            | ActionKind::SuspendForBackup
            | ActionKind::CoordinatorTimeout
            | ActionKind::RequesterTimeout
            | ActionKind::FinishBackup
            | ActionKind::CrashCoordinator
            | ActionKind::CrashRemoteHost => return Asked::Nothing,
        };
        let is_whole = request.transaction().is_none_or(|part| part == Transaction::Whole);
        if !self.hello.can(request.op()) {
            Asked::Lacking(request.op())
        } else if !is_whole && !self.hello.can("transactions") {
            Asked::Lacking("transactions")
        } else {
            Asked::This(request)
        }
    }

    /// What the kit does itself as coordinator and requester once a verb has led from one state to another: end a freeze,
    /// release what was armed or split.
    #[must_use]
    pub fn consequences(&self, before: &Track, after: &Track, verb: &Verb) -> Vec<Request> {
        let mut requests = Vec::new();
        let is_crash = verb.is_in(ActionKind::CRASHES);
        let gives_up = |state| match state {
            CoordinatorState::Freezing(id)
            | CoordinatorState::Syncing(id)
            | CoordinatorState::Splitting(id) => Some(id),
            CoordinatorState::Idle | CoordinatorState::Thawing(_) => None,
        };
        let is_idle = after.state.coordinator.state == CoordinatorState::Idle;
        if let Some(id) = gives_up(before.state.coordinator.state)
            && is_idle
            && !is_crash
        {
            requests.push(Request::Thaw { backup: id.0 });
        }
        let id = match before.state.requester.state {
            RequesterState::Waiting(id) | RequesterState::Reading(id) => Some(id),
            RequesterState::Idle => None,
        };
        let is_over = after.state.requester.state == RequesterState::Idle;
        let id = id.filter(|_| is_over);
        let restarts = verb.is(ActionKind::CrashRemoteHost);
        let id = if restarts { Some(before.state.requester.newest) } else { id };
        requests.extend(id.map(|id| Request::Release { backup: id.0 }));
        requests
    }

    /// The request that reads the S-VOL, where a backup has just been permitted.
    #[must_use]
    pub fn reading(&self, before: &Track, after: &Track) -> Option<Request> {
        let RequesterState::Reading(id) = after.state.requester.state else { return None };
        let was = before.state.requester.state;
        (was != after.state.requester.state).then_some(Request::Backup { backup: id.0 })
    }

    fn look(&self, track: &Track) -> Request {
        let is_held = self.is_marked && track.state.sync.is_some();
        let (incarnation, seq) = self.mark.filter(|_| is_held).unzip();
        Request::Sync(SyncRequest { timeout_ms: self.sync_ms, incarnation, seq })
    }

    fn message(&self, verb: &Verb) -> Option<LinkMessage> {
        let Message { kind, of, seq } = verb.message?;
        let seq = seq.map(|seq| self.numbers.seq(seq).unwrap_or(i128::from(seq)));
        let incarnation = self.numbers.incarnation(of).unwrap_or(i128::from(of));
        Some(LinkMessage { kind: kind.to_string(), incarnation, seq })
    }

    fn optional(&self, request: Request) -> Asked {
        if self.hello.can(request.op()) { Asked::This(request) } else { Asked::Nothing }
    }
}

fn write(number: u32, block: u32, transaction: Transaction) -> Request {
    let data = Written { writer: Writer::Local, number, block }.to_string();
    Request::Write { block, data: Data(data), transaction }
}

/// Whether the kit's coordinator begins the backup that a request asks for.
fn is_taken_on(guide: &Guide, track: &Track, verb: &Verb) -> bool {
    let is_idle = track.state.coordinator.state == CoordinatorState::Idle;
    let after = guide.take(track, verb, 0);
    is_idle && after.is_ok_and(|after| after.state.coordinator.state != CoordinatorState::Idle)
}

/// Whether the adapter has what a setting asks for.
#[must_use]
pub fn has_setting(hello: &Hello, setting: Setting) -> bool {
    let start = setting.start == Start::Pair || hello.can("start-smpl");
    let full = setting.journal_full == JournalFull::Hold || hello.can("suspend-when-full");
    let holds = setting.stillness == Stillness::Freeze || hello.can("hold-writes");
    start && full && holds
}

/// The request for a new system under test.
pub(crate) fn init(setting: Setting, level: Level, seed: u64) -> Request {
    let image = |writer| -> Vec<String> {
        (0..BLOCKS).map(|block| Written { writer, number: 0, block }.to_string()).collect()
    };
    let is_paired = setting.start == Start::Pair;
    let remote = if is_paired { Writer::Begin } else { Writer::Other };
    Request::Init(Init {
        blocks: BLOCKS,
        journal: setting.journal,
        journal_full: match setting.journal_full {
            JournalFull::Hold => JournalLimit::Hold,
            JournalFull::Suspend => JournalLimit::Suspend,
        },
        hold: match setting.stillness {
            Stillness::Freeze => Hold::Database,
            Stillness::Quiesce => Hold::Writes,
        },
        start: if is_paired { PairAtStart::Pair } else { PairAtStart::Smpl },
        p_vol: image(Writer::Begin),
        sp_vol: image(remote),
        level,
        seed,
    })
}
