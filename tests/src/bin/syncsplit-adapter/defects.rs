//! The seeded defect that the command line names: `--defect NAME`; `--list` names them all. What each does is in
//! `impl/src/defect.rs`.

use std::env;
use std::error::Error;
use std::io::{Write, stdout};

use syncsplit_impl::defect::Defect;

use crate::sites::Sites;

/// The defect to have, if any; nothing where only a list was asked for.
pub(crate) fn told() -> Result<Option<Option<Defect>>, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [] => Ok(Some(None)),
        ["--list"] => {
            let mut out = stdout().lock();
            for defect in Defect::ALL {
                writeln!(out, "{:30} {} ({})", defect.name(), defect.says(), defect.rule())?;
            }
            Ok(None)
        }
        ["--defect", name] => {
            let found = Defect::ALL.iter().find(|defect| defect.name() == name);
            let found = found.ok_or_else(|| format!("no defect {name:?}; --list names them"))?;
            Ok(Some(Some(*found)))
        }
        _ => Err("usage: syncsplit-adapter [--list | --defect NAME]".into()),
    }
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
