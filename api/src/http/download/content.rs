//! The body of a download, piece by piece.

use std::{collections::VecDeque, io, ops::Range};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tracing::Span;

use super::{Piece, Source, SourceStream};

/// Opens the first range at once, so that a source which is not there is an error and not a broken answer; the others when
/// their turn comes.
pub(super) async fn open(
    source: impl Source,
    pieces: Vec<Piece>,
) -> io::Result<impl Stream<Item = io::Result<Bytes>> + Send + 'static> {
    let pieces = VecDeque::from(pieces);
    let mut opened = None;
    let first = pieces.iter().position(|piece| matches!(piece, Piece::Content(_)));
    if let Some(Piece::Content(range)) = first.and_then(|place| pieces.get(place)) {
        opened = Some(Open::new(&source, range.clone()).await?);
    }
    let state = State { source, pieces, opened, current: None, span: Span::current() };
    Ok(stream::unfold(Some(state), |state| async move {
        let mut state = state?;
        match state.next().await {
            Ok(Some(bytes)) => Some((Ok(bytes), Some(state))),
            Ok(None) => None,
            Err(error) => {
                state.span.in_scope(|| tracing::error!(%error, "a download broke off"));
                Some((Err(error), None))
            }
        }
    }))
}

struct State<S> {
    source: S,
    pieces: VecDeque<Piece>,
    /// The first range, until its turn comes.
    opened: Option<Open>,
    current: Option<Open>,
    span: Span,
}

impl<S: Source> State<S> {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(current) = &mut self.current {
                match current.next().await? {
                    Some(bytes) => return Ok(Some(bytes)),
                    None => self.current = None,
                }
            }
            match self.pieces.pop_front() {
                None => return Ok(None),
                Some(Piece::Frame(bytes)) => return Ok(Some(bytes)),
                Some(Piece::Content(range)) => {
                    self.current = Some(match self.opened.take() {
                        Some(opened) => opened,
                        None => Open::new(&self.source, range).await?,
                    });
                }
            }
        }
    }
}

/// An open range that must give exactly its length: Content-Length was promised.
struct Open {
    stream: SourceStream,
    left: u64,
}

impl Open {
    async fn new(source: &impl Source, range: Range<u64>) -> io::Result<Self> {
        let left = range.end - range.start;
        Ok(Self { stream: source.open(range).await?, left })
    }

    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        match self.stream.next().await.transpose()? {
            Some(bytes) => {
                let too_many = || io::Error::new(io::ErrorKind::InvalidData, "the source gave too many bytes");
                self.left = self.left.checked_sub(bytes.len() as u64).ok_or_else(too_many)?;
                Ok(Some(bytes))
            }
            None if self.left > 0 => Err(io::ErrorKind::UnexpectedEof.into()),
            None => Ok(None),
        }
    }
}
