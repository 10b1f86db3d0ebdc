//! Studies as text: for a person at a terminal, as a page of the documentation, and for a CI server. Nothing is searched
//! here.

pub mod junit;
pub mod markdown;
pub mod text;
