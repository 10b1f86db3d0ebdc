//! The roles among volumes, links and each other: what an effect does there, and what must hold. How the volumes and
//! links are kept is for those to say who keep them: the closed world, and the validator of recorded runs.

mod deed;
pub mod view;

pub use deed::{Deed, Notice, Volume};
pub use view::{Judgement, View, Witness};
