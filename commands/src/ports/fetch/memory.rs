use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use cairn_domain::offline::SourceUrl;
use futures_util::{StreamExt, stream};

use super::{Fetch, FetchError, Resume, Source};

/// The twin: sources that are said beforehand. Every other URL is refused.
#[derive(Clone, Default)]
pub struct MemoryFetch(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    sources: BTreeMap<String, MemorySource>,
    /// From which byte on somebody asked, each time.
    asked: Vec<u64>,
}

/// What stands behind a URL.
#[derive(Debug, Clone, Default)]
pub struct MemorySource {
    /// The content.
    pub bytes: Vec<u8>,
    /// Whether it gives parts alone, and what then tells the content from others.
    pub validator: Option<String>,
    /// Whether it tells the size beforehand.
    pub tells_size: bool,
    /// The field `Content-Disposition`.
    pub disposition: Option<String>,
    /// After how many bytes each answer breaks off, one after the other; those behind come whole.
    pub breaks: VecDeque<usize>,
    /// The status with which it answers instead.
    pub denies: Option<u16>,
    /// Whether an answer stops in the middle without an end, after its break.
    pub hangs: bool,
}

impl MemoryFetch {
    /// From now on this stands behind the URL.
    pub fn put(&self, url: &str, source: MemorySource) {
        self.state().sources.insert(url.to_owned(), source);
    }

    /// From which byte on somebody asked, each time.
    pub fn asked(&self) -> Vec<u64> {
        self.state().asked.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Fetch for MemoryFetch {
    async fn check(&self, url: &str) -> Result<SourceUrl, FetchError> {
        let known = self.state().sources.contains_key(url);
        let parsed = url.parse().map_err(|_| FetchError::Refused("it is no URL of the web"));
        if known { parsed } else { Err(FetchError::Refused("it leads nowhere")) }
    }

    async fn open(&self, url: &SourceUrl, from: Option<&Resume>) -> Result<Source, FetchError> {
        let mut state = self.state();
        let source = state.sources.get_mut(url.as_str()).ok_or(FetchError::Refused("it leads nowhere"))?;
        if let Some(status) = source.denies {
            return Err(FetchError::Denied { status });
        }
        let size = source.bytes.len() as u64;
        let same = |from: &&Resume| source.validator.as_ref() == Some(&from.validator) && from.size == size;
        let offset = from.filter(same).map_or(0, |from| from.offset);
        let broken = source.breaks.pop_front();
        let opened = Source {
            url: url.clone(),
            offset,
            size: source.tells_size.then_some(size),
            validator: source.validator.clone(),
            disposition: source.disposition.clone(),
            content_type: None,
            body: body(source, usize::try_from(offset).unwrap_or(usize::MAX), broken),
        };
        state.asked.push(offset);
        Ok(opened)
    }
}

fn body(source: &MemorySource, offset: usize, broken: Option<usize>) -> super::ByteStream {
    let rest = source.bytes.get(offset..).unwrap_or_default();
    let given = &rest[..broken.unwrap_or(rest.len()).min(rest.len())];
    let pieces: Vec<_> = given.chunks(3).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let pieces = stream::iter(pieces);
    match broken {
        None => pieces.boxed(),
        Some(_) if source.hangs => pieces.chain(stream::pending()).boxed(),
        Some(_) => pieces.chain(stream::once(async { Err(std::io::ErrorKind::ConnectionReset.into()) })).boxed(),
    }
}
