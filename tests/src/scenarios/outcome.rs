//! What a scene leaves behind, and whether the model allows it.

use syncsplit_impl::trace::TraceRecord;
use syncsplit_model::protocol::BackupId;

use super::Failure;
use crate::replay::{Image, Options, image, replay};

/// What a thread that was permitted to has read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The backup it read for.
    pub id: BackupId,
    /// What it read.
    pub image: Image,
}

/// What a scene leaves behind.
#[derive(Clone, Debug)]
pub struct SceneOutcome {
    /// How its trace is to be replayed.
    pub options: Options,
    /// Its trace.
    pub trace: Vec<TraceRecord>,
    /// The P-VOL, as the medium holds it.
    pub pvol: Image,
    /// The S/P-VOL.
    pub spvol: Image,
    /// The S-VOL.
    pub svol: Image,
    /// What was read of the S-VOL while it was split.
    pub readings: Vec<Reading>,
}

impl SceneOutcome {
    /// Replays the trace, and compares what the replay ends with to what the media hold: effects that were recorded
    /// have to have been performed, in the order of the records.
    ///
    /// # Errors
    /// The first record that the model does not allow, or a medium that holds something else.
    pub fn verify(self) -> Result<(), Failure> {
        let system = replay(self.options, &self.trace)?;
        let volumes = system.volumes();
        let media = [
            ("P-VOL", &self.pvol, image(&volumes.pvol)),
            ("S/P-VOL", &self.spvol, image(&volumes.spvol)),
            ("S-VOL", &self.svol, image(&volumes.svol)),
        ];
        for (name, medium, replayed) in media {
            if *medium != replayed {
                return Err(
                    format!("the {name} holds {medium:?}, its trace makes {replayed:?}").into()
                );
            }
        }
        // Every scene ends with the pair in PAIR and nothing on its way.
        if self.pvol != self.spvol {
            let (pvol, spvol) = (self.pvol, self.spvol);
            return Err(format!("P-VOL {pvol:?} and S/P-VOL {spvol:?} differ in the end").into());
        }
        for Reading { id, image: read } in self.readings {
            let split = system.split_image(id).map(image);
            if split.as_ref() != Some(&read) {
                let id = id.0;
                return Err(
                    format!("backup {id} has read {read:?}, the split made {split:?}").into()
                );
            }
        }
        Ok(())
    }
}
