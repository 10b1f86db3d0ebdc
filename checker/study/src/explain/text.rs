//! An explanation for a person: the name in one line, SPEC.md, what shows it, and the code.

use std::fmt;

use super::{Demonstration, Explanation};
use crate::trace::text::page;

impl fmt::Display for Explanation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} ({}): {}", self.name, self.kind, self.says)?;
        let mut section = "";
        for passage in &self.spec {
            if passage.section != section {
                section = &passage.section;
                writeln!(out, "\nSPEC.md, {section}")?;
            }
            writeln!(out)?;
            passage.text.lines().try_for_each(|line| writeln!(out, "  {line}"))?;
        }
        for Demonstration { says, command, trace, .. } in &self.demonstrations {
            let mut says = says.clone();
            if let Some(first) = says.get(..1).filter(|_| !says.starts_with(self.name)) {
                says = first.to_uppercase() + &says[1..];
            }
            writeln!(out, "\n{says}.")?;
            if let Some(command) = command {
                writeln!(out, "\n  {command}")?;
            }
            if let Some(trace) = trace {
                writeln!(out, "\n{}", page(trace).trim_end())?;
            }
        }
        let width = self.places.iter().map(|place| place.file.len()).max().unwrap_or(0);
        writeln!(out, "\nIn the code")?;
        let mut places = self.places.iter();
        places.try_for_each(|place| writeln!(out, "  {:width$}  {}", place.file, place.item))
    }
}
