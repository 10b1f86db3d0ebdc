//! The messages of all links as one type, and the hello each side begins with. Their bytes never live here.

use std::time::Duration;

use strum::{Display, FromRepr, IntoStaticStr, VariantArray};
use syncsplit_model::protocol::{HostMessage, Item, ToPrimary, ToSecondary};

use crate::containers::BitMap;
use crate::payload::Payload;

use super::{FrameError, GROUP_NAME_MAX, Limits};

/// Anything that can be the contents of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Who speaks: the first frame each way.
    Hello(Hello),
    /// The sender lives, and has nothing to say.
    Pulse,
    /// Array link, primary to secondary.
    ToSecondary(ToSecondary<Payload>),
    /// Array link, secondary to primary.
    ToPrimary(ToPrimary<BitMap>),
    /// Host link.
    Host(HostMessage),
}

impl Message {
    /// The number under which the message travels; none for an unsequenced copy (rule RESYNC-2).
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Hello(_) => Kind::Hello,
            Self::Pulse => Kind::Pulse,
            Self::ToSecondary(ToSecondary::Frame(frame)) => match frame.entry.item {
                Item::Write { .. } => Kind::Write,
                Item::Copy { .. } => Kind::Copy,
                Item::PairMark => Kind::PairMark,
            },
            Self::ToSecondary(ToSecondary::Unsequenced { .. }) => return None,
            Self::ToSecondary(ToSecondary::Resync { .. }) => Kind::Resync,
            Self::ToSecondary(ToSecondary::Suspend { .. }) => Kind::Suspend,
            Self::ToSecondary(ToSecondary::Delete { .. }) => Kind::Delete,
            Self::ToPrimary(ToPrimary::Ack(_)) => Kind::Ack,
            Self::ToPrimary(ToPrimary::Ready { .. }) => Kind::Ready,
            Self::ToPrimary(ToPrimary::Suspended { .. }) => Kind::Suspended,
            Self::Host(HostMessage::Request(_)) => Kind::Request,
            Self::Host(HostMessage::Split(_)) => Kind::Split,
            Self::Host(HostMessage::SplitAnswer { done: true, .. }) => Kind::SplitDone,
            Self::Host(HostMessage::SplitAnswer { done: false, .. }) => Kind::SplitFailed,
            Self::Host(HostMessage::Permit(_)) => Kind::Permit,
            Self::Host(HostMessage::Reject(_)) => Kind::Reject,
        })
    }

    /// What the message is, for errors.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind().map_or("unsequenced copy", Kind::name)
    }
}

/// Between one link's messages and [`Message`]; the way back refuses what belongs to another link.
macro_rules! carried_as {
    ($($message:ty => $variant:ident),* $(,)?) => {$(
        impl From<$message> for Message {
            fn from(message: $message) -> Self {
                Self::$variant(message)
            }
        }

        impl TryFrom<Message> for $message {
            type Error = FrameError;

            fn try_from(message: Message) -> Result<Self, FrameError> {
                match message {
                    Message::$variant(message) => Ok(message),
                    other => Err(FrameError::UnexpectedKind { name: other.name() }),
                }
            }
        }
    )*};
}

carried_as! {
    Hello => Hello,
    ToSecondary<Payload> => ToSecondary,
    ToPrimary<BitMap> => ToPrimary,
    HostMessage => Host,
}

/// Which message a frame holds; the number is the header's field `kind`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Display, FromRepr, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "lowercase")]
#[repr(u16)]
pub enum Kind {
    /// [`Hello`].
    Hello = 0x0001,
    /// [`Message::Pulse`].
    Pulse = 0x0002,
    /// A host write's entry.
    Write = 0x0101,
    /// A copied block's entry.
    Copy = 0x0102,
    /// The pair mark's entry.
    #[strum(to_string = "pair mark")]
    PairMark = 0x0103,
    /// [`ToSecondary::Resync`].
    Resync = 0x0104,
    /// [`ToSecondary::Suspend`].
    Suspend = 0x0105,
    /// [`ToSecondary::Delete`].
    Delete = 0x0106,
    /// [`ToPrimary::Ack`].
    Ack = 0x0201,
    /// [`ToPrimary::Ready`].
    Ready = 0x0202,
    /// [`ToPrimary::Suspended`].
    Suspended = 0x0203,
    /// [`HostMessage::Request`].
    Request = 0x0301,
    /// [`HostMessage::Split`].
    Split = 0x0302,
    /// [`HostMessage::SplitAnswer`] that the split was executed.
    #[strum(to_string = "split done")]
    SplitDone = 0x0303,
    /// [`HostMessage::SplitAnswer`] that it was not.
    #[strum(to_string = "split failed")]
    SplitFailed = 0x0304,
    /// [`HostMessage::Permit`].
    Permit = 0x0305,
    /// [`HostMessage::Reject`].
    Reject = 0x0306,
}

impl Kind {
    /// Its name in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Which end of which link a side is; the number is that of a hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, FromRepr, VariantArray)]
#[strum(serialize_all = "lowercase")]
#[repr(u32)]
pub enum Role {
    /// The local array's end of the array link.
    Primary = 1,
    /// The remote array's end of the array link.
    Secondary = 2,
    /// The local host's end of the host link (figure 2: 201).
    Coordinator = 3,
    /// The remote host's end of the host link (figure 2: 202).
    Requester = 4,
}

impl Role {
    /// The role at the other end of the link.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Primary => Self::Secondary,
            Self::Secondary => Self::Primary,
            Self::Coordinator => Self::Requester,
            Self::Requester => Self::Coordinator,
        }
    }
}

/// Who a side is and what it works on. Its version is in the header of its frame, as in every frame's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Which end of which link.
    pub role: Role,
    /// The group's name: 1 to [`GROUP_NAME_MAX`] bytes without control characters.
    pub group: String,
    /// Bytes in a block of the group's volumes.
    pub block_size: u32,
    /// Blocks in each of the group's volumes.
    pub blocks: u32,
    /// How long this side bears to hear nothing, in milliseconds, before it takes the peer for gone: within
    /// [`SILENCE_MS`](super::SILENCE_MS).
    pub silence_ms: u32,
}

impl Hello {
    /// The silence that a side bears unless it is told otherwise, in milliseconds.
    pub const USUAL_SILENCE_MS: u32 = 10_000;

    /// How long this side bears to hear nothing.
    #[must_use]
    pub fn silence(&self) -> Duration {
        Duration::from_millis(u64::from(self.silence_ms))
    }

    /// The geometry that every later frame on the link is held to.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { block_size: self.block_size, blocks: self.blocks }
    }

    /// Whether a group may have this name.
    #[must_use]
    pub fn is_group_name(name: &str) -> bool {
        !name.is_empty() && name.len() <= GROUP_NAME_MAX && !name.chars().any(char::is_control)
    }

    /// Checks that `peer` is the other end of this side's link. Both sides compare the same two hellos, so they come
    /// to the same verdict without another message.
    ///
    /// # Errors
    /// The first thing the two disagree about.
    pub fn check_peer(&self, peer: &Self) -> Result<(), HelloMismatch> {
        if peer.role != self.role.peer() {
            return Err(HelloMismatch::Role { got: peer.role, want: self.role.peer() });
        }
        if peer.group != self.group {
            return Err(HelloMismatch::Group { got: peer.group.clone(), want: self.group.clone() });
        }
        if peer.block_size != self.block_size {
            return Err(HelloMismatch::BlockSize { got: peer.block_size, want: self.block_size });
        }
        if peer.blocks != self.blocks {
            return Err(HelloMismatch::Blocks { got: peer.blocks, want: self.blocks });
        }
        Ok(())
    }
}

/// What two hellos disagree about: what the peer says, and what this side wants.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HelloMismatch {
    /// The peer is another end than this link's.
    #[error("it is a {got}; this link needs a {want}")]
    Role {
        /// The peer's role.
        got: Role,
        /// The role that belongs here.
        want: Role,
    },
    /// The peer works on another group.
    #[error("it serves group {got:?}; this side serves group {want:?}")]
    Group {
        /// The peer's group.
        got: String,
        /// This side's group.
        want: String,
    },
    /// The peer's blocks have another size.
    #[error("its blocks have {got} bytes; this side's have {want}")]
    BlockSize {
        /// The peer's block size in bytes.
        got: u32,
        /// This side's block size in bytes.
        want: u32,
    },
    /// The peer's volumes have another number of blocks.
    #[error("its volumes have {got} blocks; this side's have {want}")]
    Blocks {
        /// The peer's number of blocks.
        got: u32,
        /// This side's number of blocks.
        want: u32,
    },
}
