//! What the kit writes into a block, so that an image says by itself which writes it holds: writer, number, block and
//! checksum. No judgement is passed here.

use std::fmt;

/// One write of the kit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Written {
    /// Who wrote it.
    pub writer: Writer,
    /// Which write it was, counted through one script; 0 is what a block holds before the first.
    pub number: u32,
    /// The block it was for.
    pub block: u32,
}

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Writer {
    /// Nobody: the contents that a script begins with, at the local site.
    Begin,
    /// Nobody: the contents that a script begins with, at the remote site, where they differ.
    Other,
    /// The database on the local host.
    Local,
    /// The remote host, after a takeover.
    Remote,
}

impl Writer {
    const ALL: [Self; 4] = [Self::Begin, Self::Other, Self::Local, Self::Remote];

    const fn name(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Other => "other",
            Self::Local => "local",
            Self::Remote => "remote",
        }
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = format!("{}:{}:{}", self.writer.name(), self.number, self.block);
        write!(f, "{body}:{:08x}", crc32c::crc32c(body.as_bytes()))
    }
}

impl Written {
    /// Reads a block.
    ///
    /// # Errors
    /// The text is no block: the sentence says why.
    pub fn read(text: &str) -> Result<Self, String> {
        let not_ours = || format!("{text:?} was written by nobody");
        let (body, sum) = text.rsplit_once(':').ok_or_else(not_ours)?;
        if sum != format!("{:08x}", crc32c::crc32c(body.as_bytes())) {
            return Err(format!("{text:?} has a wrong checksum"));
        }
        let mut parts = body.split(':');
        let (writer, number, block) = (parts.next(), parts.next(), parts.next());
        let writer = Writer::ALL.into_iter().find(|known| Some(known.name()) == writer);
        let number = number.and_then(|number| number.parse().ok());
        let block = block.and_then(|block| block.parse().ok());
        match (writer, number, block, parts.next()) {
            (Some(writer), Some(number), Some(block), None) => Ok(Self { writer, number, block }),
            _ => Err(not_ours()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing test panics")]
    use super::{Writer, Written};

    #[test]
    fn a_block_is_read_as_it_was_written() {
        for writer in Writer::ALL {
            let written = Written { writer, number: 17, block: 2 };
            assert_eq!(Written::read(&written.to_string()), Ok(written));
        }
    }

    #[test]
    fn whatever_else_a_block_holds_is_found_out() {
        let good = Written { writer: Writer::Local, number: 17, block: 2 }.to_string();
        let torn = good.replace("17", "18");
        for (text, says) in
            [("", "nobody"), ("local:17:2", "checksum"), (&torn, "checksum"), ("a:b", "checksum")]
        {
            assert!(Written::read(text).unwrap_err().contains(says), "{text}");
        }
    }
}
