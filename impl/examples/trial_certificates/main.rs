//! Makes an authority and certificates to try a replicated pair with, so that nobody begins with a link that believes
//! everybody: `cargo run -p syncsplit-impl --example trial_certificates -- DIR NAME...`.
//!
//! The authority's key is not kept, so nobody can be added later. Those who run more than a trial have an authority of
//! their own, or take one of the tools for it.

mod authority;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::authority::Authority;

/// Makes an authority and one certificate for each name, in a directory that must not exist yet
#[derive(Parser)]
#[command(name = "trial_certificates")]
struct Options {
    /// Where the files go: authority.pem, and NAME.pem and NAME.key for each name
    directory: PathBuf,
    /// A site's name, by which its peer knows it: a DNS name or an address
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let made = std::fs::create_dir(&options.directory)
        .map_err(|error| format!("cannot create {}: {error}", options.directory.display()))
        .and_then(|()| {
            let authority = Authority::new("syncsplit trial").map_err(|error| error.to_string())?;
            options.names.iter().try_for_each(|name| {
                let files = authority.issue(&options.directory, name);
                let files = files.map_err(|error| format!("cannot make {name:?}: {error}"))?;
                println!("{name}: {} and {}", files.certificate.display(), files.key.display());
                Ok(())
            })
        });
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}
