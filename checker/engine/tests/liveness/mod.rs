//! What the engine says about promises, on models where it is known whether they are kept.
//!
//! Never here: the protocol. These tests would hold for any model.

mod classics;
mod endings;
mod net;
mod oracle;
mod random;
mod traps;
mod verify;

use std::fmt::Debug;
use syncsplit_engine::liveness::{self, Live};
use syncsplit_engine::packed::Pack;
use syncsplit_engine::{Ending, Options, SearchOutcome, Verdict};

type OutcomeOf<M> =
    SearchOutcome<<M as stateright::Model>::Action, <M as stateright::Model>::State>;

fn with_threads<A>(threads: usize) -> Options<'static, A> {
    Options { threads, ..Options::default() }
}

/// A complete run whose every lasso has passed the verifier.
fn verified<M>(model: &M, threads: usize) -> OutcomeOf<M>
where
    M: Live + Pack + Sync,
    M::State: Clone + Eq + Debug + Send + Sync,
    M::Action: Clone + PartialEq + Debug + Send + Sync,
{
    let outcome = liveness::run(model, &with_threads(threads)).unwrap();
    assert_eq!(outcome.ending, Ending::Complete);
    let promises = model.promises();
    assert_eq!(outcome.promises.len(), promises.len());
    for (result, promise) in outcome.promises.iter().zip(&promises) {
        assert_eq!((result.name, result.faults), (promise.name, promise.faults));
        assert_eq!(result.lasso.is_some(), result.verdict == Verdict::Violated);
        if let Some(lasso) = &result.lasso {
            verify::lasso(model, promise, lasso).unwrap_or_else(|wrong| {
                panic!("the lasso of {:?} is none: {wrong}\n{lasso:#?}", promise.name)
            });
        }
    }
    outcome
}

/// The outcome without what differs between any two runs.
fn timeless<A, S>(outcome: SearchOutcome<A, S>) -> SearchOutcome<A, S> {
    SearchOutcome { seconds: 0.0, peak_bytes: None, ..outcome }
}

fn verdicts<A, S>(outcome: &SearchOutcome<A, S>) -> Vec<Verdict> {
    outcome.promises.iter().map(|promise| promise.verdict).collect()
}
