//! Parts become one object.
//!
//! The upload is closed, what has come is joined, and the whole is either what was joined or put together from it and from what stands
//! aside. Each step writes down what it did before the next one relies on it, so that it can be gone on with after a crash, by any process.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use cairn_commands::ports::staging::{StagingError, Whole};
use cairn_domain::upload::Part;
use cairn_domain::{Sha1, Sha256};
use serde::{Deserialize, Serialize};
use sha2::Digest;

use super::super::keys;
use super::super::multipart::{Joining, Sent};
use super::super::trouble::Trouble;
use super::assemble::{Source, assemble, merged};
use super::layout::{LAST, Layout, OTHERS_FIRST, number};
use super::read_back::{Reader, Wrong, hash_rest};
use super::upload::{Place, Upload};
use super::{Area, nonce, note};
use crate::prefix::Prefix;

/// How often it may be written down anew what is to be joined.
const LAYOUTS_MAX: u32 = 8;

/// What was sealed last: an object that is written over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sealed {
    /// Where the whole is.
    pub(super) key: String,
    /// In bytes.
    pub(super) size: u64,
    pub(super) sha256: Sha256,
    sha1: Sha1,
    /// Of the parts that it is made of.
    parts: Sha256,
}

impl Sealed {
    fn whole(&self) -> Whole {
        Whole { size: self.size, sha256: self.sha256, sha1: self.sha1 }
    }
}

impl Area {
    pub(super) async fn seal(&self, upload: &Arc<Upload>, parts: &[(Part, Sha256)]) -> Result<Whole, StagingError> {
        let _turn = upload.turn.lock().await;
        check(upload, parts)?;
        let (before, layout) = tokio::try_join!(self.sealed(upload), self.layout(upload))?;
        if let Some(sealed) = &before
            && sealed.parts == name_of(parts)
            && self.is_whole(upload, sealed).await?
        {
            upload.state().sealed.clone_from(&before);
            return Ok(sealed.whole());
        }
        let (key, whole) = match self.make_whole(upload, layout, parts).await {
            Err(StagingError::Damaged { .. }) => return Err(self.damaged(upload).await),
            made => made?,
        };
        let sealed = Sealed { key, size: whole.size, sha256: whole.sha256, sha1: whole.sha1, parts: name_of(parts) };
        self.put_note(upload, &keys::sealed(upload.id), &sealed).await?;
        self.remove_former(upload, before, &sealed).await;
        upload.state().sealed = Some(sealed);
        Ok(whole)
    }

    async fn make_whole(
        &self,
        upload: &Arc<Upload>,
        layout: Option<Layout>,
        parts: &[(Part, Sha256)],
    ) -> Result<(String, Whole), StagingError> {
        let layout = self.joined(upload, layout, parts).await?;
        let sources = self.find(upload, &layout, parts).await?;
        let key = self.put_together(upload, &layout, &sources).await?;
        let whole = self.digest(upload, &key, parts).await?;
        Ok((key, whole))
    }

    async fn sealed(&self, upload: &Upload) -> Result<Option<Sealed>, StagingError> {
        self.rare_note(upload.id, &keys::sealed(upload.id)).await
    }

    async fn is_whole(&self, upload: &Upload, sealed: &Sealed) -> Result<bool, StagingError> {
        let head = self.bucket.head(&sealed.key).await.map_err(|trouble| trouble.of(upload.id))?;
        Ok(head.is_some_and(|head| head.size == sealed.size))
    }

    async fn put_note(&self, upload: &Upload, key: &str, value: &impl Serialize) -> Result<(), StagingError> {
        self.bucket.put_note(key, note(value)?).await.map_err(|trouble| trouble.of(upload.id))
    }

    /// What was put together before is of no use any more.
    async fn remove_former(&self, upload: &Upload, former: Option<Sealed>, sealed: &Sealed) {
        let Some(former) =
            former.filter(|former| former.key != sealed.key && former.key.starts_with(&keys::nameless(upload.id, "sealed-")))
        else {
            return;
        };
        if let Err(error) = self.bucket.delete(&former.key).await {
            tracing::warn!(%error, upload = %upload.id, "a former whole stays until the upload ends");
        }
    }

    /// What is to be joined, or was, if the upload was closed before: what was written down last.
    async fn layout(&self, upload: &Upload) -> Result<Option<Layout>, StagingError> {
        let known = upload.state().layout.clone();
        if known.is_some() || upload.joining().is_none() {
            return Ok(known);
        }
        let mut last = None;
        for number in 0..LAYOUTS_MAX {
            match self.rare_note(upload.id, &keys::layout(upload.id, number)).await? {
                None => break,
                there => last = there,
            }
        }
        Ok(last)
    }

    /// Closes the upload and joins whatever has come.
    async fn joined(&self, upload: &Upload, layout: Option<Layout>, parts: &[(Part, Sha256)]) -> Result<Layout, StagingError> {
        let Some(joining) = upload.joining() else { return Ok(Layout::default()) };
        if let Some(layout) = upload.state().layout.clone() {
            return Ok(layout);
        }
        let was_closed = layout.is_some();
        let mut layout = match layout {
            Some(layout) => layout,
            None => self.close(upload, parts).await?,
        };
        let is_joined = layout.pieces.is_empty() || was_closed && self.is_joined(upload, &joining, &layout).await?;
        if !is_joined {
            while let Err(trouble) = self.bucket.join(&joining, &layout.sent()).await {
                layout = match trouble {
                    Trouble::OtherParts => self.lay_out_anew(upload, &joining, &layout, parts).await?,
                    // Another process has joined them meanwhile, and may have laid them out anew before.
                    Trouble::Absent => self.later(upload, &layout).await?,
                    trouble => return Err(trouble.of(upload.id)),
                };
            }
        }
        let mut state = upload.state();
        state.alone &= layout.number == 0;
        state.layout = Some(layout.clone());
        drop(state);
        Ok(layout)
    }

    async fn later(&self, upload: &Upload, before: &Layout) -> Result<Layout, StagingError> {
        let last = self.layout(upload).await?;
        last.filter(|last| last.number > before.number).ok_or(StagingError::Absent(upload.id))
    }

    async fn is_joined(&self, upload: &Upload, joining: &Joining, layout: &Layout) -> Result<bool, StagingError> {
        let head = self.bucket.head(&joining.key).await.map_err(|trouble| trouble.of(upload.id))?;
        Ok(head.is_some_and(|head| head.size == layout.size()))
    }

    /// Nothing that comes after this counts as being in place. What comes before is seen.
    async fn close(&self, upload: &Upload, parts: &[(Part, Sha256)]) -> Result<Layout, StagingError> {
        let Some(joining) = upload.joining() else { return Ok(Layout::default()) };
        upload.state().closing = true;
        let sent = self.closed(upload, &joining).await;
        self.lay_out(upload, 0, sent, parts).await
    }

    /// A part has come since it was looked which ones there are: it was on its way when the upload was closed. Nobody has joined the parts
    /// without it, and nobody can.
    async fn lay_out_anew(
        &self,
        upload: &Upload,
        joining: &Joining,
        before: &Layout,
        parts: &[(Part, Sha256)],
    ) -> Result<Layout, StagingError> {
        let number = before.number + 1;
        if number == LAYOUTS_MAX {
            return Err(StagingError::Unavailable("parts come and come".into()));
        }
        let sent = self.bucket.parts(joining).await;
        self.lay_out(upload, number, sent, parts).await
    }

    /// Writes down what is to be joined; whoever does so first is right.
    async fn lay_out(
        &self,
        upload: &Upload,
        number: u32,
        sent: Result<Vec<Sent>, Trouble>,
        parts: &[(Part, Sha256)],
    ) -> Result<Layout, StagingError> {
        let key = keys::layout(upload.id, number);
        let sent = match sent {
            Ok(sent) => sent,
            // Another process has joined them just now, or the upload is given up.
            Err(Trouble::Absent) => return self.note(upload.id, &key).await?.ok_or(StagingError::Absent(upload.id)),
            Err(trouble) => return Err(trouble.of(upload.id)),
        };
        let all: Vec<_> = parts.iter().map(|(part, _)| *part).collect();
        let mut layout = Layout { number, ..Layout::of(sent, &all) };
        upload.tell(&mut layout);
        match self.bucket.put_new(&key, &note(&layout)?).await {
            Ok(()) => Ok(layout),
            Err(Trouble::Exists) => {
                let there = self.note(upload.id, &key).await?;
                there.ok_or_else(|| StagingError::Unavailable("the layout is there and is not".into()))
            }
            Err(trouble) => Err(trouble.of(upload.id)),
        }
    }

    /// Closes it, and tells what has come by then. Whoever claims a slot after that sends nothing that counts.
    async fn closed(&self, upload: &Upload, joining: &Joining) -> Result<Vec<Sent>, Trouble> {
        self.bucket.put_note(&keys::closed(upload.id), Bytes::new()).await?;
        if let Some(all) = upload.all_held()
            && self.bucket.head(&keys::slot(upload.id, OTHERS_FIRST)).await?.is_none()
        {
            upload.state().alone = true;
            return Ok(all);
        }
        self.bucket.parts(joining).await
    }

    /// Where each part is.
    async fn find(&self, upload: &Upload, layout: &Layout, parts: &[(Part, Sha256)]) -> Result<Vec<Source>, StagingError> {
        let is_joined = |layout: &Layout| parts.iter().all(|(part, sha256)| layout.find(part.offset, *sha256).is_some());
        let learned;
        let layout = if layout.is_known() || is_joined(layout) {
            layout
        } else {
            learned = self.learn(upload, layout.clone()).await?;
            &learned
        };
        let aside = if is_joined(layout) { HashMap::new() } else { self.aside(upload).await? };
        let mut sources = Vec::with_capacity(parts.len());
        for (part, sha256) in parts {
            let length = part.length;
            if let Some(at) = layout.find(part.offset, *sha256) {
                sources.push(Source { key: keys::data(upload.id), at, length });
            } else if let Some(key) = aside.get(&(part.offset, *sha256)) {
                sources.push(Source { key: key.clone(), at: 0, length });
            } else {
                return Err(StagingError::Damaged { upload: upload.id });
            }
        }
        Ok(sources)
    }

    /// What others have put among the parts nobody here knows, so all of it is read.
    async fn learn(&self, upload: &Upload, mut layout: Layout) -> Result<Layout, StagingError> {
        let mut reader = Reader::open(&self.bucket, upload.id, &keys::data(upload.id), (0, layout.size())).await?;
        let mut prefix = Prefix::default();
        for piece in &mut layout.pieces {
            let follows = piece.offset == prefix.position();
            let sha256 = reader.part(piece.length, follows.then_some(&mut prefix)).await?;
            if follows {
                prefix.end_part(Part { offset: piece.offset, length: piece.length }, sha256);
            }
            piece.sha256 = Some(sha256);
        }
        self.put_note(upload, &keys::layout(upload.id, layout.number), &layout).await?;
        let mut state = upload.state();
        if prefix.position() > state.prefix.position() {
            state.prefix = prefix;
        }
        state.layout = Some(layout.clone());
        Ok(layout)
    }

    /// The versions in objects of their own.
    async fn aside(&self, upload: &Upload) -> Result<HashMap<(u64, Sha256), String>, StagingError> {
        let names = self.bucket.list(&keys::versions(upload.id)).await.map_err(|trouble| trouble.of(upload.id))?;
        let place = |name: &String| Some((keys::parse_version(upload.id, name)?, keys::bytes_of(upload.id, name)));
        Ok(names.iter().filter_map(place).collect())
    }

    /// Where the whole is: it may be there already.
    async fn put_together(&self, upload: &Upload, layout: &Layout, sources: &[Source]) -> Result<String, StagingError> {
        let sources = merged(sources.iter().cloned());
        if let [one] = sources.as_slice()
            && one.at == 0
            && (one.key != keys::data(upload.id) || one.length == layout.size())
        {
            return Ok(one.key.clone());
        }
        let key = keys::nameless(upload.id, &format!("sealed-{}", nonce()));
        assemble(&self.bucket, upload.id, &key, &sources).await?;
        Ok(key)
    }

    /// What was not hashed as it came is read back, and so is whatever was put together.
    async fn digest(&self, upload: &Arc<Upload>, key: &str, parts: &[(Part, Sha256)]) -> Result<Whole, StagingError> {
        upload.caught_up().await;
        let prefix = upload.state().prefix.clone();
        let is_assembled = key.starts_with(&keys::nameless(upload.id, "sealed-"));
        let (prefix, covered) = match prefix.covered(parts) {
            Some(covered) if !is_assembled => (prefix, covered),
            _ => (Prefix::default(), 0),
        };
        match hash_rest(&self.bucket, upload.id, key, (parts, covered), prefix).await? {
            Ok(prefix) => Ok(prefix.whole()),
            Err(wrong) => Err(self.unmask(upload, key, wrong).await),
        }
    }

    /// A part is not what it was taken for: it must not be taken for it again.
    async fn unmask(&self, upload: &Upload, key: &str, Wrong(part, actual): Wrong) -> StagingError {
        if key == keys::data(upload.id) {
            let layout = {
                let mut state = upload.state();
                state.prefix = Prefix::default();
                let pieces = state.layout.iter_mut().flat_map(|layout| &mut layout.pieces);
                pieces.filter(|piece| piece.offset == part.offset).for_each(|piece| piece.sha256 = Some(actual));
                state.layout.clone()
            };
            if let Some(layout) = layout
                && let Err(error) = self.put_note(upload, &keys::layout(upload.id, layout.number), &layout).await
            {
                return error;
            }
        }
        StagingError::Damaged { upload: upload.id }
    }

    /// Every process is told that what the log has may not be there.
    async fn damaged(&self, upload: &Upload) -> StagingError {
        upload.state().damaged = true;
        match self.bucket.put_note(&keys::damaged(upload.id), Bytes::new()).await {
            Ok(()) => StagingError::Damaged { upload: upload.id },
            Err(trouble) => trouble.of(upload.id),
        }
    }
}

impl Upload {
    /// What this process knows of the pieces, since it has sent them. A number is used for one content only.
    fn tell(&self, layout: &mut Layout) {
        let state = self.state();
        let slot = self.slot.get().copied().flatten();
        for piece in &mut layout.pieces {
            let part = Part { offset: piece.offset, length: piece.length };
            let mine = slot.and_then(|slot| number(part, self.plan.size, slot)) == Some(piece.number) && piece.number != LAST;
            piece.sha256 = match state.places.get(&piece.offset) {
                Some(Place::Holds(sha256)) if mine || piece.number == LAST => Some(*sha256),
                Some(Place::Sent(sha256)) if mine => Some(*sha256),
                _ => None,
            };
        }
    }
}

/// The parts must fill the file.
fn check(upload: &Upload, parts: &[(Part, Sha256)]) -> Result<(), StagingError> {
    let mut end = 0;
    for (part, _) in parts {
        if part.offset != end {
            return Err(StagingError::Damaged { upload: upload.id });
        }
        end += part.length;
    }
    if end == upload.plan.size { Ok(()) } else { Err(StagingError::Damaged { upload: upload.id }) }
}

/// A name for exactly these versions of these parts.
fn name_of(parts: &[(Part, Sha256)]) -> Sha256 {
    let mut name = sha2::Sha256::new();
    for (part, sha256) in parts {
        name.update(part.offset.to_be_bytes());
        name.update(part.length.to_be_bytes());
        name.update(sha256.0);
    }
    Sha256(name.finalize().into())
}
