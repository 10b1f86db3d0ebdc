//! Every test of the protocol and of its world, as one program: a module a subject, and no test here.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod cci;
mod commute;
mod matrix;
mod normal_form;
mod order;
mod rules;
mod steps;
mod symmetry;
mod worlds;
