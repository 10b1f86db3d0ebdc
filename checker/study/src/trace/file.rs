//! The file that a run is written to: its name says the format.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::trace::{Trace, itf, mermaid, svg, text};

/// The formats a run can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceFormat {
    /// Informal Trace Format: what `syncsplit replay` reads.
    Itf,
    /// A Mermaid sequence diagram.
    Mermaid,
    /// A sequence diagram as a picture.
    Svg,
    /// The table of the text report.
    Text,
}

impl TraceFormat {
    /// Every format.
    pub const ALL: &'static [Self] = &[Self::Itf, Self::Mermaid, Self::Svg, Self::Text];

    /// How the names of such files end.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Itf => ".itf.json",
            Self::Mermaid => ".mmd",
            Self::Svg => ".svg",
            Self::Text => ".txt",
        }
    }
}

/// A file to write a run to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceFile {
    /// Where.
    pub path: PathBuf,
    /// In which format.
    pub format: TraceFormat,
}

impl TraceFile {
    /// The file called `name`, in the format that its ending says.
    ///
    /// # Errors
    /// The name ends in no known format: the sentence says what would be valid.
    pub fn named(name: &str) -> Result<Self, String> {
        let format = TraceFormat::ALL
            .iter()
            .find(|format| name.strip_suffix(format.ending()).is_some_and(|stem| !stem.is_empty()));
        let Some(format) = format else {
            let valid: Vec<_> = TraceFormat::ALL.iter().map(|format| format.ending()).collect();
            return Err(format!("the name has to end in {}", valid.join(", ")));
        };
        let path = PathBuf::from(name);
        // Found out now, and not after the search.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(format!("there is no folder {}", folder.display()));
        }
        if path.is_dir() {
            return Err("there is a folder of that name".into());
        }
        Ok(Self { path, format: *format })
    }

    /// Writes `trace`.
    ///
    /// # Errors
    /// The file could not be written.
    pub fn write(&self, trace: &Trace) -> io::Result<()> {
        let mut out = Vec::new();
        match self.format {
            TraceFormat::Itf => itf::write(trace, &mut out)?,
            TraceFormat::Mermaid => out.extend(mermaid::diagram(trace).into_bytes()),
            TraceFormat::Svg => out.extend(svg::picture(trace).into_bytes()),
            TraceFormat::Text => out.extend(text::page(trace).into_bytes()),
        }
        fs::write(&self.path, out)
    }

    /// Writes `trace` if there is one. What the user should know besides is returned.
    ///
    /// # Errors
    /// The file could not be written: the sentence names it and says why.
    pub fn offer(&self, trace: Option<&Trace>) -> Result<Option<String>, String> {
        let path = self.path.display();
        let Some(trace) = trace else {
            return Ok(Some(format!("no counterexample: nothing is written to {path}")));
        };
        self.write(trace).map_err(|error| format!("{path} could not be written: {error}"))?;
        Ok(None)
    }
}
