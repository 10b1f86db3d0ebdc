//! What a site is told once, and what makes its connections. What is done with either lives beside it.

use std::time::Duration;

use syncsplit_model::protocol::{BackupId, HostMessage, ToPrimary, ToSecondary};

use crate::backup::CoordinatorConfig;
use crate::containers::BitMap;
use crate::error::NodeError;
use crate::link::{Dialer, Link};
use crate::local::LocalConfig;
use crate::payload::Payload;
use crate::remote::RemoteConfig;
use crate::stillness::HoldStill;

/// The host link, the same from both sides.
pub type HostLink = Link<HostMessage, HostMessage>;

/// What makes a site's connections.
pub struct Dialers<Out, In> {
    /// The array link's.
    pub array: Box<dyn Dialer<Out, In>>,
    /// The host link's.
    pub host: Box<dyn Dialer<HostMessage, HostMessage>>,
}

/// What makes the local site's connections.
pub type LocalDialers = Dialers<ToSecondary<Payload>, ToPrimary<BitMap>>;

/// What makes the remote site's connections.
pub type RemoteDialers = Dialers<ToPrimary<BitMap>, ToSecondary<Payload>>;

/// What a local site is told once.
#[derive(Clone, Debug)]
pub struct LocalSiteConfig {
    /// The array's part.
    pub array: LocalConfig,
    /// The coordinator's part.
    pub coordinator: CoordinatorConfig,
    /// What a backup holds still.
    pub holds: HoldStill,
    /// How long it is held still at most (FREEZE-2); it is the array's [`LocalConfig::hold_lease`] too.
    pub lease: Duration,
    /// How far apart the clock's ticks are.
    pub tick: Duration,
}

impl LocalSiteConfig {
    /// The array's part. A freeze of the database and a hold of host writes have one lease: the site's.
    pub(super) fn array_config(&self) -> LocalConfig {
        LocalConfig { hold_lease: self.lease, ..self.array.clone() }
    }
}

impl Default for LocalSiteConfig {
    fn default() -> Self {
        Self {
            array: LocalConfig::default(),
            coordinator: CoordinatorConfig::default(),
            holds: HoldStill::default(),
            lease: Duration::from_secs(120),
            tick: Duration::from_millis(100),
        }
    }
}

/// What a remote site is told once.
#[derive(Clone, Debug)]
pub struct RemoteSiteConfig {
    /// The array's part.
    pub array: RemoteConfig,
    /// How long the requester waits for the coordinator's answer: longer than freeze, Sync, split and thaw may take
    /// together, or it gives up backups that would have come.
    pub answer_timeout: Duration,
    /// The newest backup id used before (BACKUP-4).
    pub newest_backup: BackupId,
    /// How far apart the clock's ticks are.
    pub tick: Duration,
}

impl Default for RemoteSiteConfig {
    fn default() -> Self {
        Self {
            array: RemoteConfig::default(),
            answer_timeout: Duration::from_secs(180),
            newest_backup: BackupId(0),
            tick: Duration::from_millis(100),
        }
    }
}

/// Why a site was not started.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The nodes cannot be made of these volumes.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The operating system starts no more threads.
    #[error("cannot start the site's threads: {0}")]
    Threads(#[from] std::io::Error),
}
