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

/// The name that stands for stdout.
const STDOUT: &str = "-";

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
        if name == STDOUT {
            return Ok(Self { path: name.into(), format: TraceFormat::Itf });
        }
        let format = TraceFormat::ALL
            .iter()
            .find(|format| name.strip_suffix(format.ending()).is_some_and(|stem| !stem.is_empty()));
        let Some(format) = format else {
            let valid: Vec<_> = TraceFormat::ALL.iter().map(|format| format.ending()).collect();
            return Err(format!("the name has to end in {}, or is `-`", valid.join(", ")));
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

    /// Whether the run goes to stdout, in ITF, in place of a file.
    #[must_use]
    pub fn is_stdout(&self) -> bool {
        self.path.as_os_str() == STDOUT
    }

    /// `trace` in the format of the file.
    ///
    /// # Errors
    /// A value of the run is none of the format.
    pub fn text(&self, trace: &Trace) -> io::Result<String> {
        Ok(match self.format {
            TraceFormat::Itf => {
                let mut out = Vec::new();
                itf::write(trace, &mut out)?;
                String::from_utf8_lossy(&out).into_owned()
            }
            TraceFormat::Mermaid => mermaid::diagram(trace),
            TraceFormat::Svg => svg::picture(trace),
            TraceFormat::Text => text::page(trace),
        })
    }

    /// Writes `trace`.
    ///
    /// # Errors
    /// The file could not be written.
    pub fn write(&self, trace: &Trace) -> io::Result<()> {
        fs::write(&self.path, self.text(trace)?)
    }

    /// Writes `trace` if there is one. What the user should know besides is returned.
    ///
    /// # Errors
    /// The file could not be written: the sentence names it and says why.
    pub fn offer(&self, trace: Option<&Trace>) -> Result<Option<String>, String> {
        let path = if self.is_stdout() { "stdout".into() } else { self.path.display().to_string() };
        let Some(trace) = trace else {
            return Ok(Some(format!("no counterexample: nothing is written to {path}")));
        };
        self.write(trace).map_err(|error| format!("{path} could not be written: {error}"))?;
        Ok(None)
    }
}
