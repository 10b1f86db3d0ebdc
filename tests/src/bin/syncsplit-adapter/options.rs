//! The command line: what the arrays reach each other by, and in a build with the feature `defects` what is wrong.

use std::env;
use std::error::Error;

use crate::link::Transport;

const USAGE: &str = if cfg!(feature = "defects") {
    "usage: syncsplit-adapter [--transport in-process|tcp] [--list | --defect NAME]"
} else {
    "usage: syncsplit-adapter [--transport in-process|tcp]"
};

/// What the command line asks for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub(crate) transport: Transport,
    #[cfg(feature = "defects")]
    pub(crate) defect: Option<syncsplit_impl::defect::Defect>,
}

/// Reads the command line; none where only a list was asked for.
pub(crate) fn read() -> Result<Option<Options>, Box<dyn Error>> {
    let mut options = Options::default();
    let mut arguments = env::args().skip(1);
    while let Some(word) = arguments.next() {
        match (word.as_str(), arguments.next().as_deref()) {
            ("--transport", Some("in-process")) => options.transport = Transport::InProcess,
            ("--transport", Some("tcp")) => options.transport = Transport::Tcp,
            #[cfg(feature = "defects")]
            ("--list", None) => return crate::defects::list().map(|()| None),
            #[cfg(feature = "defects")]
            ("--defect", Some(name)) => options.defect = Some(crate::defects::named(name)?),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(Some(options))
}
