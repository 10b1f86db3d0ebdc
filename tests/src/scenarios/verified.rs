//! Outcomes that were verified, so that none is verified twice: most interleavings end in a few outcomes. What an outcome
//! has to be is not said here.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use xxhash_rust::xxh3::Xxh3;

use super::{Failure, SceneOutcome};

/// What was verified so far, by a fingerprint of 128 bits over all that is looked at. `std`'s lock, since it counts over
/// all executions and is no part of any.
#[derive(Default)]
pub struct Verified(Mutex<HashSet<u128>>);

impl Verified {
    /// Verifies an outcome, unless one like it was verified before.
    ///
    /// # Errors
    /// As [`SceneOutcome::verify`].
    pub fn verify(&self, outcome: SceneOutcome) -> Result<(), Failure> {
        let print = print(&outcome)?;
        let seen = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen().contains(&print) {
            return Ok(());
        }
        outcome.verify()?;
        seen().insert(print);
        Ok(())
    }

    /// How many outcomes there were that differ.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// The fingerprint of all that an outcome is: no field is left out.
fn print(outcome: &SceneOutcome) -> Result<u128, Failure> {
    let SceneOutcome { options, trace, pvol, spvol, svol, readings } = outcome;
    let readings: Vec<_> = readings.iter().map(|reading| (reading.id.0, &reading.image)).collect();
    let mut print = Xxh3::new();
    let all = (format!("{options:?}"), trace, pvol, spvol, svol, readings);
    serde_json::to_writer(&mut print, &all).map_err(|error| error.to_string())?;
    Ok(print.digest128())
}
