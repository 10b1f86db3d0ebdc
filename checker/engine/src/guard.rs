//! From a panic of the model to an error.
//!
//! Never here: the state in which it panicked; each search knows that for itself.

use crate::{Doing, EngineError};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a piece of the model for which there is no state to name.
pub(crate) fn guard<T, A, S>(
    doing: Doing,
    piece: impl FnOnce() -> T,
) -> Result<T, EngineError<A, S>> {
    catch_unwind(AssertUnwindSafe(piece)).map_err(|payload| EngineError::ModelPanicked {
        message: message_of(payload.as_ref()),
        doing,
        trace: Vec::new(),
        action: None,
    })
}

pub(crate) fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
