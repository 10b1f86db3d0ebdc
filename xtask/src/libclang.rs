//! libclang, which the bindings generator of the example's SQLite VFS loads while it builds.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::packages;
use crate::run::end_of;

/// Finds libclang, or installs it.
///
/// # Errors
/// A sentence that says what to install.
pub(crate) fn ensure() -> Result<String, String> {
    // Elsewhere it comes with the system's compiler, in places of its own; a build without it says so.
    if !cfg!(target_os = "linux") || folders().iter().any(|folder| has_libclang(folder)) {
        return Ok(String::new());
    }
    let why = "the example's SQLite VFS needs libclang to build";
    let installed = packages::install(&["libclang-dev"], why)?;
    if folders().iter().any(|folder| has_libclang(folder)) {
        Ok(installed)
    } else {
        Err(format!(
            "{why}: it was installed and is still not found; set LIBCLANG_PATH to its folder"
        ))
    }
}

/// The folders that the bindings generator looks into.
fn folders() -> Vec<PathBuf> {
    if let Some(path) = env::var_os("LIBCLANG_PATH") {
        return vec![path.into()];
    }
    let mut folders: Vec<PathBuf> =
        ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64"].map(PathBuf::from).into();
    // /usr/lib/llvm-14/lib, and /usr/lib/x86_64-linux-gnu.
    for entry in fs::read_dir("/usr/lib").into_iter().flatten().flatten() {
        folders.push(entry.path());
        folders.push(entry.path().join("lib"));
    }
    if let Ok(config) = end_of(Command::new("llvm-config").arg("--libdir")) {
        folders.push(config.stdout.trim().into());
    }
    folders
}

/// `libclang.so`, `libclang-14.so`, either with a version behind; not `libclang-cpp`, which is another library.
fn has_libclang(folder: &Path) -> bool {
    if folder.is_file() {
        return folder.file_name().is_some_and(|name| is_libclang(&name.to_string_lossy()));
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    // A link without its file is no library.
    let mut names = entries.filter(|entry| entry.path().exists()).map(|entry| entry.file_name());
    names.any(|name| is_libclang(&name.to_string_lossy()))
}

fn is_libclang(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("libclang") else { return false };
    let Some((version, after)) = rest.split_once(".so") else { return false };
    let version = version.strip_prefix('-').unwrap_or(version);
    let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '.');
    is_number(version) && is_number(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libclang_is_told_from_its_neighbours() {
        for name in ["libclang.so", "libclang.so.1", "libclang-14.so", "libclang-14.so.14.0.6"] {
            assert!(is_libclang(name), "{name}");
        }
        for name in
            ["libclang-cpp.so.14", "libclangBasic.a", "libclang_rt.so", "libLLVM-14.so", "libclang"]
        {
            assert!(!is_libclang(name), "{name}");
        }
    }
}
