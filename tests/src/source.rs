//! The repository's files as text, and Rust files as syntax.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use syn::{Attribute, Meta};

/// One finding: where, and what is wrong there.
pub type Finding = String;

/// A file of the repository.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path from the repository's root, with `/` between parts.
    pub path: String,
    /// What it says.
    pub text: String,
}

impl Source {
    /// A file that exists in a test only.
    #[must_use]
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// Whether it lives below `folder`.
    #[must_use]
    pub fn is_in(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether the whole file is compiled for tests only.
    #[must_use]
    pub fn is_test(&self) -> bool {
        let mut parts = self.path.split('/').rev();
        let name = parts.next().unwrap_or_default();
        name == "tests.rs" || name.ends_with("_tests.rs") || self.path.contains("/tests/")
    }

    /// The syntax tree.
    ///
    /// # Errors
    /// Where and why the text is no Rust.
    pub fn parse(&self) -> Result<syn::File, Finding> {
        syn::parse_file(&self.text)
            .map_err(|error| format!("{}:{}: {error}", self.path, error.span().start().line))
    }
}

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR");
    let here = here.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&here).join("..")
}

/// Every file of the repository whose name ends with one of `endings`, sorted by path; build output and hidden folders
/// are left out.
///
/// # Errors
/// A file cannot be read.
pub fn files(endings: &[&str]) -> Result<Vec<Source>, Finding> {
    let root = root();
    let mut found = Vec::new();
    collect(&root, &root, endings, &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn collect(
    root: &Path,
    folder: &Path,
    endings: &[&str],
    found: &mut Vec<Source>,
) -> Result<(), Finding> {
    let failed = |path: &Path, error| format!("{}: {error}", path.display());
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, error))? {
        let path = entry.map_err(|error| failed(folder, error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                collect(root, &path, endings, found)?;
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            let text = fs::read_to_string(&path).map_err(|error| failed(&path, error))?;
            let inside = path.strip_prefix(root).unwrap_or(&path);
            let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
            found.push(Source { path: parts.join("/"), text });
        }
    }
    Ok(())
}

/// Whether an item with these attributes is compiled for tests only.
#[must_use]
pub fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || matches!(&attribute.meta, Meta::List(list)
                if list.path.is_ident("cfg") && list.tokens.to_string() == "test")
    })
}
