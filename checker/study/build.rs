//! Tells the checker which model it is built with: a number that changes with the source, so that a checkpoint is never
//! taken up by a model that would have found other states; and where that source names what `explain` explains. Nothing else
//! is decided at build time.

#[path = "build/places.rs"]
mod places;

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What the states of a checkpoint, their order and the groups of actions depend on. The engine's own files are not
/// among them: how it lays out what it keeps has a number of its own.
const SOURCES: &[&str] = &["../../model/src", "../search/src", "src/coverage.rs"];

/// Whose code says where a rule, a property, a fault or an action stands, from the repository's root.
const NAMING: &str = "model/src";

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut sum = FNV_BASIS;
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
        let mut files = Vec::new();
        collect(&root.join(source), &mut files)?;
        // The system lists a folder in any order.
        files.sort();
        for file in files {
            let name = file.strip_prefix(&root).unwrap_or(&file).to_string_lossy().into_owned();
            add(&mut sum, name.as_bytes());
            add(&mut sum, &fs::read(&file)?);
        }
    }
    println!("cargo::rustc-env=SYNCSPLIT_MODEL={sum:016x}");
    write_places(&root)
}

/// Writes the table of places in the model's code.
fn write_places(root: &Path) -> io::Result<()> {
    println!("cargo::rerun-if-changed=build");
    let top = root.join("../..");
    let mut files = Vec::new();
    collect(&top.join(NAMING), &mut files)?;
    let names = files.iter().map(|file| {
        let parts = file.strip_prefix(&top).unwrap_or(file).iter();
        let parts: Vec<_> = parts.map(|part| part.to_string_lossy()).collect();
        (parts.join("/"), file.as_path())
    });
    let table = places::table(&names.collect::<Vec<_>>())?;
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("places.rs"), table)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        files.push(path.into());
        return Ok(());
    }
    fs::read_dir(path)?.try_for_each(|entry| collect(&entry?.path(), files))
}

const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// FNV-1a: short enough to stand here, and no one has to be kept from forging it. The length keeps what is one file's
/// from being taken for the next one's.
fn add(sum: &mut u64, bytes: &[u8]) {
    let length = (bytes.len() as u64).to_le_bytes();
    for byte in length.iter().chain(bytes) {
        *sum = (*sum ^ u64::from(*byte)).wrapping_mul(FNV_PRIME);
    }
}
