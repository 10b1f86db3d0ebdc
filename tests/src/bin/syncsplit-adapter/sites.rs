//! The system under test: both sites, and the array link between them, step by step.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use syncsplit_impl::NodeError;
use syncsplit_impl::backup::{CoordinatorInbox, CoordinatorInput};
use syncsplit_impl::clock::ManualClock;
use syncsplit_impl::containers::BitMap;
use syncsplit_impl::database::{Gate, WriteThrough};
use syncsplit_impl::error::ignore_refusal;
use syncsplit_impl::local::{LocalConfig, LocalNode};
use syncsplit_impl::mailbox::Mailbox;
use syncsplit_impl::payload::Payload;
use syncsplit_impl::remote::{RemoteConfig, RemoteNode};
use syncsplit_impl::roles::Roles;
use syncsplit_impl::site::{LocalHost, LocalSiteConfig};
use syncsplit_impl::stillness::{HoldStill, Stillness};
use syncsplit_impl::trace::MemoryTrace;
use syncsplit_impl::volume::{MemoryVolume, Volume};
use syncsplit_model::protocol::coordinator::CoordinatorEvent;
use syncsplit_model::protocol::database::FreezeState;
use syncsplit_model::protocol::primary::JournalFull;
use syncsplit_model::protocol::{
    BackupId, BlockIndex, HostMessage, PairState, ToPrimary, ToSecondary,
};

use crate::alone::Chance;
use crate::link::{Transport, Wire};
use crate::options::Options;
use crate::show::{image, to_primary, to_secondary};
use crate::sync::BegunSync;
use crate::threads::Threads;
use crate::{Refused, Reply, broken};

pub(crate) const BLOCK_SIZE: usize = 64;
pub(crate) const LEASE: Duration = Duration::from_secs(3600);

/// What a system under test is told once, and keeps over a failback.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    journal_max: usize,
    journal_full: JournalFull,
    holds_writes: bool,
    /// How the arrays reach each other, and what is wrong with them.
    pub(crate) options: Options,
}

impl Setup {
    /// Both arrays.
    fn arrays(self, roles: Arc<dyn Roles>) -> (LocalConfig, RemoteConfig) {
        let Self { journal_max, journal_full, .. } = self;
        let primary = LocalConfig {
            journal_max,
            journal_full,
            roles: roles.clone(),
            ..LocalConfig::default()
        };
        (primary, RemoteConfig { queue_max: journal_max, roles, ..RemoteConfig::default() })
    }
}

/// Both sites, and what is on its way between the arrays.
pub(crate) struct Sites {
    pub(crate) volumes: [Arc<MemoryVolume>; 3],
    pub(crate) local: Arc<LocalNode>,
    pub(crate) remote: Arc<RemoteNode>,
    pub(crate) gate: Arc<Gate>,
    still: Arc<dyn Stillness>,
    inbox: Arc<CoordinatorInbox>,
    hosts: Arc<Mailbox<HostMessage>>,
    clock: Arc<ManualClock>,
    pub(crate) setup: Setup,
    pub(crate) up: bool,
    pub(crate) to_secondary: Vec<ToSecondary<Payload>>,
    pub(crate) to_primary: Vec<ToPrimary<BitMap>>,
    /// What it does by itself; none where the kit steers.
    pub(crate) alone: Option<Chance>,
    /// Syncs that were begun, each with its mark and what it returned.
    pub(crate) syncs: Vec<BegunSync>,
    /// What carries a message that the kit delivers, where that is TCP.
    pub(crate) wire: Option<Wire>,
    /// The threads that run both sites, where nobody takes steps for them.
    pub(crate) threads: Option<Threads>,
}

fn payload(text: &str) -> Payload {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(BLOCK_SIZE, 0);
    Payload::from(bytes)
}

pub(crate) fn text(request: &Value, name: &str) -> Result<String, Refused> {
    let found = request[name].as_str().map(str::to_owned);
    found.ok_or_else(|| broken(format!("{name} is missing")))
}

pub(crate) fn number(request: &Value, name: &str) -> Result<u64, Refused> {
    request[name].as_u64().ok_or_else(|| broken(format!("{name} is missing")))
}

fn backup(request: &Value) -> Result<BackupId, Refused> {
    let id = number(request, "backup")?;
    u32::try_from(id).map(BackupId).map_err(broken)
}

fn block(request: &Value) -> Result<BlockIndex, Refused> {
    let index = number(request, "block")?;
    u32::try_from(index).map(BlockIndex).map_err(broken)
}

fn volume(blocks: &Value) -> Result<Arc<MemoryVolume>, Refused> {
    let blocks = blocks.as_array().cloned().unwrap_or_default();
    let volume = MemoryVolume::new(BLOCK_SIZE, blocks.len() as u32).map_err(broken)?;
    for (index, held) in blocks.iter().enumerate() {
        let held = payload(held.as_str().unwrap_or_default());
        volume.write(BlockIndex(index as u32), &held).map_err(broken)?;
    }
    Ok(Arc::new(volume))
}

impl Sites {
    /// A new system under test, as `request` says.
    pub(crate) fn new(request: &Value, options: Options) -> Result<Self, Refused> {
        let volumes =
            [volume(&request["p_vol"])?, volume(&request["sp_vol"])?, volume(&request["sp_vol"])?];
        let suspends = request["journal_full"] == "suspend";
        let setup = Setup {
            journal_max: number(request, "journal")? as usize,
            journal_full: if suspends { JournalFull::Suspend } else { JournalFull::Hold },
            holds_writes: request["hold"] == "writes",
            options,
        };
        let (wrong, roles) = options.program();
        let (local, remote) = setup.arrays(roles);
        let is_steered = request["level"] == "steered";
        let (hosts, clock) = (Arc::new(Mailbox::new()), ManualClock::new());
        let arrays: [Arc<dyn Volume>; 3] =
            [volumes[0].clone(), options.spvol(volumes[1].clone()), volumes[2].clone()];
        let mut sites = if options.transport == Transport::Tcp && !is_steered {
            let threads = Threads::start(arrays, local, remote)?;
            let sites = Self::around(volumes, threads.nodes(), hosts, clock, setup);
            Self { threads: Some(threads), ..sites }
        } else {
            let ([pvol, spvol, svol], trace) = (arrays, Arc::new(MemoryTrace::new()));
            let local = LocalNode::new(local, pvol, clock.clone(), trace.clone());
            let remote = RemoteNode::new(remote, spvol, svol, hosts.clone(), trace)?;
            let sites = Self::around(volumes, (local, remote), hosts, clock, setup);
            Self { wire: sites.new_wire()?, ..sites }
        };
        sites.alone = if is_steered { None } else { Some(Chance(number(request, "seed")?)) };
        if request["start"] == "pair" {
            sites.make_pair()?;
        }
        // What the kit begins with is as it says: what is wrong is so from here on.
        wrong.inspect(|program| program.begin());
        Ok(sites)
    }

    /// The first pair, at rest.
    fn make_pair(&mut self) -> Result<(), Refused> {
        self.local.create()?;
        if let Some(threads) = &self.threads {
            return threads.wait_for_pair();
        }
        while self.local.state()?.state != PairState::Pair {
            self.settle()?;
        }
        while self.remote.copy_replica_next()?.is_some() {}
        Ok(())
    }

    /// Hosts around two arrays. The kit is the coordinator, so the local host's own hears of nothing.
    fn around(
        volumes: [Arc<MemoryVolume>; 3],
        (local, remote): (Arc<LocalNode>, Arc<RemoteNode>),
        hosts: Arc<Mailbox<HostMessage>>,
        clock: Arc<ManualClock>,
        setup: Setup,
    ) -> Self {
        let holds = if setup.holds_writes { HoldStill::HostWrites } else { HoldStill::Database };
        let config = LocalSiteConfig { holds, lease: LEASE, ..LocalSiteConfig::default() };
        let (hooks, outbox) = (Box::new(WriteThrough(local.clone())), Arc::new(Mailbox::new()));
        let trace = Arc::new(MemoryTrace::new());
        let LocalHost { gate, still, coordinator } =
            LocalHost::new(&local, &config, hooks, outbox, clock.clone(), trace);
        Self {
            volumes,
            local,
            remote,
            gate,
            still,
            inbox: coordinator.inbox().clone(),
            hosts,
            clock,
            setup,
            up: true,
            to_secondary: Vec::new(),
            to_primary: Vec::new(),
            alone: None,
            syncs: Vec::new(),
            wire: None,
            threads: None,
        }
    }

    /// One round of everything, nothing being lost: how the first pair is made.
    fn settle(&mut self) -> Result<(), Refused> {
        match self.local.copy_next() {
            Ok(Some(_)) => {}
            Ok(None) => ignore_refusal(self.local.pair_mark())?,
            Err(error) => ignore_refusal(Err(error))?,
        }
        while self.local.send_next()?.is_some() {}
        self.collect();
        for message in std::mem::take(&mut self.to_secondary) {
            self.carry_there(message)?;
        }
        while self.remote.apply_next()? {}
        ignore_refusal(self.remote.report())?;
        self.collect();
        for message in std::mem::take(&mut self.to_primary) {
            self.carry_back(message)?;
        }
        Ok(())
    }

    /// Takes what both arrays have sent on to the link; it is lost while that is down.
    pub(crate) fn collect(&mut self) {
        if self.threads.is_some() {
            return;
        }
        while let Some(message) = self.local.take_outgoing() {
            if self.up && !self.to_secondary.contains(&message) {
                self.to_secondary.push(message);
            }
        }
        while let Some(message) = self.remote.take_outgoing() {
            if self.up && !self.to_primary.contains(&message) {
                self.to_primary.push(message);
            }
        }
    }

    fn write(&self, request: &Value) -> Reply {
        let (at, held) = (block(request)?, payload(&text(request, "data")?));
        let kind = text(request, "transaction")?;
        if kind != "last" {
            self.gate.try_begin()?;
        }
        self.gate.write_permitted()?;
        let written = self.local.try_write(at, held);
        let ends = if written.is_ok() { kind != "first" } else { kind != "last" };
        if ends {
            self.gate.commit()?;
        }
        written?;
        Ok(json!({}))
    }

    fn freeze(&self, request: &Value) -> Reply {
        self.still.freeze(backup(request)?)?;
        let is_held = self.local.state()?.quiesced.is_some();
        let is_frozen = matches!(self.gate.state()?.freeze, FreezeState::Frozen(_));
        Ok(json!({ "frozen": if self.setup.holds_writes { is_held } else { is_frozen } }))
    }

    fn thaw(&self, request: &Value) -> Reply {
        self.inbox.clear();
        self.still.thaw(backup(request)?)?;
        while let Some(input) = self.inbox.try_take() {
            if let CoordinatorInput::Event(CoordinatorEvent::Thawed { held, .. }) = input {
                return Ok(json!({ "held": held }));
            }
        }
        Err(broken("the thaw was not answered"))
    }

    /// Sends an entry, for the first time or again; others that the sender would send first are not put on the link.
    fn send(&mut self, request: &Value) -> Reply {
        let seq = number(request, "seq")?;
        self.local.resend()?;
        let mut sent = self.local.send_next()?;
        while sent.is_some_and(|sent| sent.0 < seq) {
            sent = self.local.send_next()?;
        }
        let is_it = |message: &ToSecondary<Payload>| matches!(message, ToSecondary::Frame(frame) if frame.entry.seq.0 == seq);
        let mut found = false;
        while let Some(message) = self.local.take_outgoing() {
            let wanted = is_it(&message);
            found |= wanted;
            if wanted && self.up && !self.to_secondary.contains(&message) {
                self.to_secondary.push(message);
            }
        }
        if found { Ok(json!({})) } else { Err(Refused::Code("not-now", String::new())) }
    }

    fn on_link(&mut self, op: &str, request: &Value) -> Reply {
        let message = &request["message"];
        let missing = || Err(Refused::Code("no-such-message", String::new()));
        let there = self.to_secondary.iter().position(|m| to_secondary(m) == *message);
        let back = self.to_primary.iter().position(|m| to_primary(m) == *message);
        if op != "lose" && !self.up {
            return missing();
        }
        match (there, back) {
            (Some(at), _) => {
                let held = self.to_secondary[at].clone();
                if op != "repeat" {
                    self.to_secondary.remove(at);
                }
                if op != "lose" {
                    self.carry_there(held)?;
                }
            }
            (None, Some(at)) => {
                let held = self.to_primary[at].clone();
                if op != "repeat" {
                    self.to_primary.remove(at);
                }
                if op != "lose" {
                    self.carry_back(held)?;
                }
            }
            (None, None) => return missing(),
        }
        Ok(json!({}))
    }

    fn copy(&self) -> Reply {
        match self.local.copy_next()? {
            Some(block) => Ok(json!({ "block": block.0 })),
            None => Err(Refused::Code("not-now", String::new())),
        }
    }

    fn advance_clock(&self) -> Reply {
        match (self.gate.state()?.freeze, self.local.state()?.quiesced) {
            (FreezeState::Freezing(id) | FreezeState::Frozen(id), None) => {
                self.gate.lease_expired(id)?;
            }
            (_, Some(id)) => self.local.hold_expired(id)?,
            (FreezeState::Running, None) => {}
        }
        Ok(json!({}))
    }

    fn fail_back(&mut self) -> Reply {
        let (taken_over, old) = match &self.threads {
            Some(threads) => threads.hand_over()?,
            None => (self.remote.hand_over()?, self.local.hand_over()?),
        };
        let (wrong, roles) = self.setup.options.program();
        wrong.inspect(|program| program.begin());
        let (local, remote) = self.setup.arrays(roles);
        let [pvol, spvol, _] = self.volumes.clone();
        let svol = volume(&json!(image(&pvol)))?;
        let (hosts, clock) = (Arc::new(Mailbox::new()), self.clock.clone());
        let (nodes, threads) = if self.threads.is_some() {
            let threads = Threads::go_on(taken_over, old, &svol, local, remote)?;
            (threads.nodes(), Some(threads))
        } else {
            let (newest, trace) = (old.incarnation_newest(), Arc::new(MemoryTrace::new()));
            let (timer, sink) = (clock.clone(), trace.clone());
            let local = LocalNode::from_taken_over(local, taken_over, newest, timer, sink)?;
            let (hosts, svol) = (hosts.clone(), svol.clone());
            ((local, RemoteNode::from_old_primary(remote, old, svol, hosts, trace)?), None)
        };
        let sites = Self::around([spvol, pvol, svol], nodes, hosts, clock, self.setup);
        *self = Self { alone: self.alone.take(), threads, ..sites };
        if self.threads.is_none() {
            self.wire = self.new_wire()?;
        }
        Ok(json!({}))
    }

    pub(crate) fn take(&mut self, op: &str, request: &Value) -> Reply {
        let done = |outcome: Result<(), NodeError>| outcome.map(|()| json!({})).map_err(Into::into);
        match op {
            "write" => self.write(request),
            "read" => self.read(request),
            "freeze" => self.freeze(request),
            "thaw" => self.thaw(request),
            "mark" => self.mark(),
            "sync" => self.sync(request),
            "arm" => done(self.remote.arm(backup(request)?)),
            "split" => {
                let split = self.remote.split(backup(request)?);
                self.hosts.clear();
                let is_done = split.is_ok();
                ignore_refusal(split)?;
                Ok(json!({ "done": is_done }))
            }
            "backup" => Ok(json!({ "blocks": image(&self.volumes[2]) })),
            "release" => done(self.remote.release(backup(request)?)),
            "create" => done(self.local.create()),
            "suspend" => done(self.local.suspend()),
            "resync" => done(self.local.resync()),
            "delete" => done(self.local.delete()),
            "takeover" => done(self.remote.takeover(request["force"] == true)),
            "remote-write" => {
                let held = payload(&text(request, "data")?);
                done(self.remote.write(block(request)?, held))
            }
            "failback" => self.fail_back(),
            "link-down" | "link-up" => self.set_link(op == "link-up"),
            "send" => self.send(request),
            "deliver" | "repeat" | "lose" => self.on_link(op, request),
            "apply" => match self.remote.apply_next()? {
                true => Ok(json!({})),
                false => Err(Refused::Code("not-now", String::new())),
            },
            "report" => done(self.remote.report()),
            "copy" => self.copy(),
            "pair-mark" => done(self.local.pair_mark()),
            "fail" if request["side"] == "primary" => done(self.local.fail()),
            "fail" => done(self.remote.fail()),
            "crash" => match text(request, "role")?.as_str() {
                "primary" => done(self.local.restart()),
                "secondary" => done(self.remote.restart()),
                _ => done(self.gate.restart()),
            },
            "advance-clock" => self.advance_clock(),
            "status" => self.status(),
            _ => Err(Refused::Code("unsupported", op.to_owned())),
        }
    }
}
