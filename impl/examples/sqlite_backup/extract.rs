//! Turns a volume's image into ordinary files that any SQLite can open.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use syncsplit_impl::volume::Volume;

use crate::blocks::{FileId, LayoutError};
use crate::layout;

/// Why the image could not be turned into files.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExtractError {
    /// The image is damaged, or holds no database.
    #[error("the image cannot be extracted: {0}")]
    Image(#[from] LayoutError),
    /// The name is not that of a file in a directory.
    #[error("{0:?} is not a plain file name")]
    Name(String),
    /// A file could not be made.
    #[error("could not write {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The file system's own error.
        source: io::Error,
    },
}

/// Writes the main file as `dir/name` and, if the image has one, the journal as `dir/name-journal`.
/// The image must not be written meanwhile. The answer is the path of the main file.
///
/// Nothing is overwritten: a journal left by an earlier image would be taken for this one's, and
/// rolled back into it. The journal is made before the main file, so that a main file is never
/// found without it.
pub(crate) fn extract(dev: &dyn Volume, dir: &Path, name: &str) -> Result<PathBuf, ExtractError> {
    if Path::new(name).file_name().and_then(|n| n.to_str()) != Some(name) {
        return Err(ExtractError::Name(name.to_string()));
    }
    let main = layout::read_file(dev, FileId::Main)?;
    let main = main.ok_or(LayoutError::Missing(FileId::Main))?;
    let journal = layout::read_file(dev, FileId::Journal)?;
    let path = dir.join(name);
    for other in [dir.join(format!("{name}-journal")), dir.join(format!("{name}-wal"))] {
        if other.exists() {
            return Err(ExtractError::File {
                path: other,
                source: io::Error::new(io::ErrorKind::AlreadyExists, "it exists already"),
            });
        }
    }
    if let Some(journal) = journal {
        write_new(&dir.join(format!("{name}-journal")), &journal)?;
    }
    write_new(&path, &main)?;
    Ok(path)
}

fn write_new(path: &Path, contents: &[u8]) -> Result<(), ExtractError> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(contents)?;
        file.sync_all()
    };
    write().map_err(|source| ExtractError::File { path: path.to_path_buf(), source })
}
