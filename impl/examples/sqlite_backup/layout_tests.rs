//! Whether the file table names damage, refuses what does not fit, and keeps stale bytes hidden.

use std::error::Error;

use crate::blocks::{FileId, LayoutError};
use crate::extract::{ExtractError, extract};
use crate::layout;
use crate::recorder::{BLOCK, Recorder};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

fn formatted() -> Outcome<Vec<u8>> {
    let dev = Recorder::new(64);
    layout::format(dev.as_ref())?;
    Ok(dev.with(|(image, _, _)| image.clone()))
}

#[test]
fn damage_is_named() -> Outcome {
    let complaint = |image: Vec<u8>| match layout::open(Recorder::with_image(image)) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    let good = formatted()?;
    assert_eq!(complaint(good.clone()), "");
    assert!(complaint(vec![0; 64 * BLOCK]).contains("was it formatted?"));
    let mut bad = good.clone();
    bad[20] ^= 1;
    assert_eq!(complaint(bad), "block 0 is corrupt: the superblock's crc32c does not match");
    let mut bad = good.clone();
    bad[2 * BLOCK + 16] ^= 1;
    assert_eq!(complaint(bad), "block 2 is corrupt: no valid header of the journal");
    let mut longer = good;
    longer.extend(vec![0; BLOCK]);
    let words =
        "block 0 is corrupt: formatted as 64 blocks of 4096 bytes, the volume has 65 of 4096";
    assert_eq!(complaint(longer), words);
    assert!(complaint(vec![0; 8 * BLOCK]).contains("it has 8 blocks, fewer than 64"));
    Ok(())
}

#[test]
fn holes_and_regrown_files_read_as_zero() -> Outcome {
    let files = layout::open(Recorder::with_image(formatted()?))?;
    let file = FileId::Main;
    assert!(matches!(files.write(file, 0, b"x"), Err(LayoutError::Missing(FileId::Main))));
    files.create(file)?;
    files.write(file, 0, &[7; 3 * BLOCK])?;
    files.resize(file, 10)?;
    files.write(file, 2 * BLOCK as u64 + 5, b"end")?;
    let mut all = vec![1; 3 * BLOCK];
    let len = files.read(file, 0, &mut all)?;
    assert_eq!(len, 2 * BLOCK + 8);
    assert!(all[..10].iter().all(|b| *b == 7) && all[10..len - 3].iter().all(|b| *b == 0));
    assert_eq!(&all[len - 3..len], b"end");
    let end = files.capacity(file);
    assert!(matches!(files.write(file, end, b"x"), Err(LayoutError::Full { .. })));
    assert_eq!(files.size(file), Some(len as u64));
    Ok(())
}

#[test]
fn extraction_overwrites_nothing() -> Outcome {
    let dev = Recorder::with_image(formatted()?);
    let dir = tempfile::tempdir()?;
    layout::open(dev.clone())?.create(FileId::Main)?;
    for name in ["", ".", "..", "a/b", "/etc/x"] {
        assert!(matches!(extract(dev.as_ref(), dir.path(), name), Err(ExtractError::Name(_))));
    }
    std::fs::write(dir.path().join("b.db-journal"), b"old")?;
    assert!(matches!(extract(dev.as_ref(), dir.path(), "b.db"), Err(ExtractError::File { .. })));
    assert!(!dir.path().join("b.db").exists());
    extract(dev.as_ref(), dir.path(), "c.db")?;
    assert!(extract(dev.as_ref(), dir.path(), "c.db").is_err());
    Ok(())
}
