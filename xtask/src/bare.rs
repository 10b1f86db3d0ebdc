//! Builds the protocol for a target that has no std, so that a use of std is an error of the compiler.
//!
//! A toolchain with such a target is used as it is (`rustup target add x86_64-unknown-none`). One with the standard
//! library's source builds `core` itself. Where there is neither, Debian's packages of both are installed. A tool that
//! is missing is a failure, never a step left out.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::packages;
use crate::run::{Outcome, Show, cargo, end_of, outcome, target_dir};

/// Targets without std, the first one preferred.
const TARGETS: &[&str] = &["x86_64-unknown-none", "thumbv7em-none-eabi"];

/// Debian's compiler, beside the one that `cargo` uses.
const DEBIAN: &str = "/usr/bin/rustc";

/// Debian's packages of a current compiler and of the standard library's source.
const PACKAGES: &[&str] = &["rustc-web", "rust-web-src"];

/// The oldest compiler that takes this workspace: `rust-version` of `Cargo.toml`.
const OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");

/// How `core` for a bare target is come by.
enum Recipe {
    /// The toolchain has the target.
    Installed(&'static str),
    /// This compiler's toolchain has the library's source.
    FromSource(PathBuf),
}

/// Runs the step.
pub(crate) fn build() -> Outcome {
    let own = PathBuf::from(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let debian = PathBuf::from(DEBIAN);
    let found = recipe(&own).or_else(|| recipe(&debian));
    let (recipe, shown) = match found {
        Some(recipe) => (recipe, String::new()),
        None => match install(&debian) {
            Ok(found) => found,
            Err(why) => return Outcome::failure(why),
        },
    };
    let folder = target_dir().join("bare");
    let folder = folder.to_string_lossy();
    let mut arguments = vec!["build", "--package", "syncsplit-model", "--no-default-features"];
    arguments.extend(["--target-dir", &folder, "--target"]);
    let mut command = match recipe {
        Recipe::Installed(target) => {
            arguments.push(target);
            cargo(&arguments)
        }
        Recipe::FromSource(rustc) => {
            arguments.extend([TARGETS[0], "-Zbuild-std=core"]);
            let mut command = cargo(&arguments);
            command.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1");
            // The libraries of the toolchain that runs us are not this compiler's.
            command.env_remove("LD_LIBRARY_PATH");
            command
        }
    };
    Outcome { shown, ..outcome(&mut command, 0, Show::OnFailure) }
}

fn install(debian: &Path) -> Result<(Recipe, String), String> {
    let why = "the protocol must build without std, and no target without std is installed \
               (`rustup target add x86_64-unknown-none` gives one)";
    let shown = packages::install(PACKAGES, why)?;
    let found = recipe(debian).ok_or_else(|| {
        format!("{why}: {} are installed, and {DEBIAN} still builds no core", PACKAGES.join(", "))
    })?;
    Ok((found, shown))
}

fn recipe(rustc: &Path) -> Option<Recipe> {
    let version = asked(rustc, "--version")?;
    if number(version.split_whitespace().nth(1)?) < number(OLDEST) {
        return None;
    }
    let libraries = Path::new(&asked(rustc, "--print=sysroot")?).join("lib/rustlib");
    let installed = TARGETS.iter().find(|target| libraries.join(target).join("lib").is_dir());
    let source = libraries.join("src/rust/library/Cargo.lock");
    match installed {
        // Cargo finds the target only by the compiler it uses itself.
        Some(target) if rustc != Path::new(DEBIAN) => Some(Recipe::Installed(target)),
        _ => source.is_file().then(|| Recipe::FromSource(rustc.to_path_buf())),
    }
}

fn asked(rustc: &Path, question: &str) -> Option<String> {
    let mut command = Command::new(rustc);
    if rustc == Path::new(DEBIAN) {
        command.env_remove("LD_LIBRARY_PATH");
    }
    let ended = end_of(command.arg(question)).ok()?;
    (ended.code == Some(0)).then(|| ended.stdout.trim().to_owned())
}

/// Major and minor number: (1, 95) of `1.95.0`.
fn number(version: &str) -> (u32, u32) {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}
