//! The command line: what the arrays reach each other by, and what is wrong with the program.

use std::env;
use std::error::Error;
use std::io::{Write, stdout};
use std::sync::Arc;

use strum::IntoEnumIterator;
use syncsplit_impl::roles::{Protocol, Roles};
use syncsplit_impl::volume::{MemoryVolume, Volume};
use syncsplit_tests::defects::{Defect, Program};

use crate::link::Transport;

const USAGE: &str =
    "usage: syncsplit-adapter [--transport in-process|tcp] [--list | --defect NAME]";

/// What the command line asks for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub(crate) transport: Transport,
    pub(crate) defect: Option<Defect>,
}

impl Options {
    /// What is wrong, if something is, and the roles that the arrays run.
    pub(crate) fn program(self) -> (Option<Arc<Program>>, Arc<dyn Roles>) {
        match self.defect.map(|defect| Arc::new(Program::of(defect))) {
            Some(program) => (Some(program.clone()), program),
            None => (None, Arc::new(Protocol)),
        }
    }

    /// The S/P-VOL as the remote array uses it.
    pub(crate) fn spvol(self, spvol: Arc<MemoryVolume>) -> Arc<dyn Volume> {
        match self.defect {
            Some(defect) => defect.spvol(spvol),
            None => spvol,
        }
    }
}

/// Reads the command line; none where only a list was asked for.
pub(crate) fn read() -> Result<Option<Options>, Box<dyn Error>> {
    let mut options = Options::default();
    let mut arguments = env::args().skip(1);
    while let Some(word) = arguments.next() {
        match (word.as_str(), arguments.next().as_deref()) {
            ("--transport", Some("in-process")) => options.transport = Transport::InProcess,
            ("--transport", Some("tcp")) => options.transport = Transport::Tcp,
            ("--list", None) => return list().map(|()| None),
            ("--defect", Some(name)) => options.defect = Some(named(name)?),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(Some(options))
}

/// Prints every defect there is.
fn list() -> Result<(), Box<dyn Error>> {
    let mut out = stdout().lock();
    for defect in Defect::iter() {
        writeln!(out, "{:30} {} ({})", defect.name(), defect.says(), defect.rule())?;
    }
    Ok(())
}

fn named(name: &str) -> Result<Defect, String> {
    name.parse().map_err(|_| format!("no defect {name:?}; --list names them"))
}
