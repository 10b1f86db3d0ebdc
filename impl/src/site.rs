//! A site: its nodes, its two links, its clock, and the threads that drive them, started together and stopped
//! together. The threads decide nothing: each repeats one operation of a node until the site stops.
//!
//! | local site's thread | repeats | remote site's thread | repeats |
//! |---|---|---|---|
//! | array-send | `LocalNode::next_outgoing` | array-send | `RemoteNode::next_outgoing` |
//! | array-receive | `LocalNode::on_message` | array-receive | `RemoteNode::on_message` |
//! | coordinator | `CoordinatorNode::take_next` | applier | `RemoteNode::apply_or_wait` |
//! | | | replica | `RemoteNode::copy_replica_or_wait` |
//! | host-send, host-receive | messages between the hosts | host-send, host-receive | the same |
//! | array-dial, host-dial | `Link::run_dialer` | array-dial, host-dial | the same |
//! | clock | `LocalNode::tick`, deadlines | clock | `RemoteNode::tick`, deadlines |
//!
//! Host writers, and whoever wants a backup, are the caller's threads.

mod base;
mod config;
mod local;
mod manual;
mod remote;
mod threads;

pub use base::{ArrayNode, Host, Site};
pub use config::{
    Dialers, HostLink, LocalDialers, LocalSiteConfig, RemoteDialers, RemoteSiteConfig, SiteError,
};
pub use local::{LocalHost, LocalSite};
pub use manual::ManualSites;
pub use remote::{RemoteHost, RemoteSite, deliver};
pub use threads::ThreadErrors;
