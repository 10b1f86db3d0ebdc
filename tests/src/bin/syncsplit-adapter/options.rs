//! The command line: what the arrays reach each other by, what is wrong with the program, and the liberty it takes.

use std::env;
use std::error::Error;
use std::io::{Write, stdout};
use std::str::FromStr;
use std::sync::Arc;

use strum::IntoEnumIterator;
use syncsplit_impl::roles::{Protocol, Roles};
use syncsplit_impl::volume::{MemoryVolume, Volume};
use syncsplit_tests::defects::{Defect, Program};
use syncsplit_tests::liberties::{CoarseMaps, Liberty};

use crate::link::Transport;

const USAGE: &str = "usage: syncsplit-adapter [--transport in-process|tcp] [--list | --defect NAME | --liberty NAME]";

/// What the command line asks for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub(crate) transport: Transport,
    pub(crate) defect: Option<Defect>,
    /// What it does though it need not, where the kit does not steer it.
    pub(crate) liberty: Option<Liberty>,
}

impl Options {
    /// What is wrong, if something is, and the roles that the arrays run.
    pub(crate) fn program(self) -> (Option<Arc<Program>>, Arc<dyn Roles>) {
        match self.defect.map(|defect| Arc::new(Program::of(defect))) {
            Some(program) => (Some(program.clone()), program),
            None if self.liberty == Some(Liberty::MarksMore) => (None, Arc::new(CoarseMaps)),
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
            ("--liberty", Some(name)) => options.liberty = Some(named(name)?),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(Some(options))
}

/// Prints every defect and every liberty.
fn list() -> Result<(), Box<dyn Error>> {
    let mut out = stdout().lock();
    for defect in Defect::iter() {
        writeln!(out, "{:30} {} ({})", defect.name(), defect.says(), defect.rule())?;
    }
    for liberty in Liberty::iter() {
        writeln!(out, "{:30} {}", liberty.name(), liberty.says())?;
    }
    Ok(())
}

fn named<T: FromStr>(name: &str) -> Result<T, String> {
    name.parse().map_err(|_| format!("nothing is named {name:?}; --list names all"))
}
