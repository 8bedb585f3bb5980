//! Parts become one file: whatever does not stand in place is copied there, whatever was not hashed is read.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Weak};

use cairn_commands::ports::staging::{StagingError, Whole};
use cairn_domain::upload::Part;
use cairn_domain::{Sha256, UploadId};

use super::Area;
use super::read_back::hash;
use super::upload::{InPlace, State, Upload};
use crate::fs::durable::trouble;
use crate::prefix::Prefix;

impl Area {
    /// May be interrupted at any moment, by a crash or by an error, and done again: versions aside stay where they are, and
    /// the saved hashes are forgotten before bytes that they cover are changed. Only for whoever has the upload's turn.
    pub(super) fn seal(&self, upload: UploadId, parts: &[(Part, Sha256)]) -> Result<Whole, StagingError> {
        let upload = self.load(upload)?;
        let _sealing = upload.begin_sealing()?;
        let (mut prefix, covered) = upload.hashed_of(parts)?;
        let mut work =
            Work { data: upload.open_data().map_err(trouble)?, upload: &upload, read_back: &self.bytes_read_back, copied: false };
        for (part, sha256) in &parts[covered..] {
            if part.offset != prefix.position() {
                return Err(StagingError::Damaged { upload: upload.id });
            }
            work.bring_into_place(*part, *sha256, &mut prefix)?;
            prefix.end_part(*part, *sha256);
        }
        if prefix.position() != upload.size {
            return Err(StagingError::Damaged { upload: upload.id });
        }
        if work.copied {
            work.data.sync_data().map_err(trouble)?;
        }
        upload.sealed(parts, prefix)
    }
}

impl Upload {
    /// The whole-file hashes as far as they are of these parts, and of how many. Otherwise they are forgotten, durably.
    fn hashed_of(&self, parts: &[(Part, Sha256)]) -> Result<(Prefix, usize), StagingError> {
        let mut state = self.open_state()?;
        if let Some(covered) = state.prefix.reached.covered(parts) {
            return Ok((state.prefix.reached.clone(), covered));
        }
        state.prefix.reset();
        self.record.forget().map_err(trouble)?;
        Ok((Prefix::default(), 0))
    }

    /// Everything is in place, durably.
    fn sealed(&self, parts: &[(Part, Sha256)], prefix: Prefix) -> Result<Whole, StagingError> {
        let whole = prefix.whole();
        let mut state = self.open_state()?;
        for (part, sha256) in parts {
            let entry = state.parts.entry(part.offset).or_default();
            entry.length = part.length;
            entry.in_place = InPlace::Holds(*sha256);
        }
        // What promoting after a restart goes by, so it has to be durable, too.
        self.record.save(&prefix).and_then(|()| self.record.sync()).map_err(trouble)?;
        state.prefix.reached = prefix;
        Ok(whole)
    }

    /// The hashes have got further.
    pub(super) fn advance(&self, state: &mut State, prefix: Prefix) {
        if let Err(error) = self.record.save(&prefix) {
            // Nothing is lost but time: after a restart these bytes are read again.
            tracing::warn!(%error, upload = %self.id, "the state of the whole-file hashes could not be saved");
        }
        state.prefix.reached = prefix;
    }

    /// True when a part is in place that the hashes have not seen and nobody is at it.
    pub(super) fn can_follow(&self) -> bool {
        let state = self.state();
        !state.closed && !state.sealing && state.prefix.lease.is_none() && state.next_to_hash().is_some()
    }

    /// Takes the hashes further by reading back, part by part, until there is a gap or somebody else has to go first.
    pub(super) fn follow(&self, area: &Weak<Area>) {
        while let Some(area) = area.upgrade()
            && self.follow_one(&area.bytes_read_back)
        {}
    }

    fn follow_one(&self, read_back: &AtomicU64) -> bool {
        let (lease, mut prefix, part, sha256) = {
            let mut state = self.state();
            if state.closed || state.sealing || state.prefix.lease.is_some() {
                return false;
            }
            let Some((part, sha256)) = state.next_to_hash() else { return false };
            let (lease, prefix) = state.prefix.lease(true);
            (lease, prefix, part, sha256)
        };
        // When it fails, sealing will, and tell.
        let hashed =
            self.open_data().and_then(|data| hash(&data, (part.offset, part.length), Some(&mut prefix), read_back, |_, _| Ok(())));
        let good = hashed.is_ok_and(|hashed| hashed == sha256);
        let mut state = self.state();
        let present = state.prefix.end(lease);
        if present && good {
            prefix.end_part(part, sha256);
            self.advance(&mut state, prefix);
        }
        self.wake_sealer();
        present && good
    }
}

/// Sealing, part by part.
struct Work<'a> {
    data: File,
    upload: &'a Arc<Upload>,
    read_back: &'a AtomicU64,
    copied: bool,
}

/// Where the version that the log names may be found.
enum Where {
    InPlace,
    Aside,
    Nowhere,
}

impl Work<'_> {
    fn bring_into_place(&mut self, part: Part, sha256: Sha256, prefix: &mut Prefix) -> Result<(), StagingError> {
        let hashed = match self.find(part, sha256)? {
            Where::InPlace => {
                let hashed = hash(&self.data, (part.offset, part.length), Some(prefix), self.read_back, |_, _| Ok(()));
                hashed.map_err(trouble)?
            }
            Where::Aside => {
                self.move_aside(part, sha256)?;
                self.copy_into_place(part, sha256, prefix)?
            }
            Where::Nowhere => return Err(self.damaged(part)),
        };
        if hashed == sha256 { Ok(()) } else { Err(self.damaged(part)) }
    }

    fn find(&self, part: Part, sha256: Sha256) -> Result<Where, StagingError> {
        let state = self.upload.open_state()?;
        let Some(entry) = state.parts.get(&part.offset) else { return Ok(Where::InPlace) };
        Ok(match entry.in_place {
            InPlace::Holds(there) if there == sha256 => Where::InPlace,
            _ if entry.aside.contains(&sha256) => Where::Aside,
            InPlace::Unknown => Where::InPlace,
            InPlace::Holds(_) | InPlace::Writing(_) => Where::Nowhere,
        })
    }

    /// Saves the version that stands in place for the wanted one: whoever wrote it may yet record it.
    fn move_aside(&self, part: Part, wanted: Sha256) -> Result<(), StagingError> {
        let there = match self.upload.open_state()?.parts.get(&part.offset) {
            Some(entry) => match entry.in_place {
                InPlace::Holds(there) if !entry.aside.contains(&there) => there,
                InPlace::Unknown | InPlace::Writing(_) | InPlace::Holds(_) => return Ok(()),
            },
            None => return Ok(()),
        };
        let file = self.upload.create_unfinished(part.length)?;
        let copy = |bytes: &[u8], at| file.file().write_all_at(bytes, at);
        let hashed = hash(&self.data, (part.offset, part.length), None, self.read_back, copy).map_err(trouble)?;
        if hashed == there {
            self.upload.keep_aside(file, part.offset, there, Some(wanted))?;
        }
        Ok(())
    }

    fn forget_place(&self, part: Part) -> Result<(), StagingError> {
        self.upload.open_state()?.parts.entry(part.offset).or_default().in_place = InPlace::Unknown;
        Ok(())
    }

    fn copy_into_place(&mut self, part: Part, sha256: Sha256, prefix: &mut Prefix) -> Result<Sha256, StagingError> {
        let aside = File::open(self.upload.part_path(part.offset, sha256)).map_err(trouble)?;
        self.forget_place(part)?;
        self.copied = true;
        let copy = |bytes: &[u8], at| self.data.write_all_at(bytes, part.offset + at);
        hash(&aside, (0, part.length), Some(prefix), self.read_back, copy).map_err(trouble)
    }

    fn damaged(&self, part: Part) -> StagingError {
        self.upload.state().parts.entry(part.offset).or_default().damaged = true;
        StagingError::Damaged { upload: self.upload.id }
    }
}
