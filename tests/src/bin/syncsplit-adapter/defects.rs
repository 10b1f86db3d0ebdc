//! The seeded defect that the command line names: `--defect NAME`; `--list` names them all. What each does is in
//! `impl/src/defect.rs`.

use std::error::Error;
use std::io::{Write, stdout};

use syncsplit_impl::defect::Defect;

use crate::sites::Sites;

/// Prints every defect there is.
pub(crate) fn list() -> Result<(), Box<dyn Error>> {
    let mut out = stdout().lock();
    for defect in Defect::ALL {
        writeln!(out, "{:30} {} ({})", defect.name(), defect.says(), defect.rule())?;
    }
    Ok(())
}

/// The defect of a name.
pub(crate) fn named(name: &str) -> Result<Defect, Box<dyn Error>> {
    let found = Defect::ALL.iter().find(|defect| defect.name() == name);
    Ok(*found.ok_or_else(|| format!("no defect {name:?}; --list names them"))?)
}

impl Sites {
    /// Tells every node of its defect; those that are new since a failback too.
    pub(crate) fn seed(&self, defect: Option<Defect>) {
        let Some(defect) = defect else { return };
        self.local.seed(defect);
        self.remote.seed(defect);
        self.gate.seed(defect);
    }
}
