//! Files elsewhere, by their URLs.

use async_trait::async_trait;
use cairn_domain::offline::SourceUrl;

use super::{BoxError, ByteStream};

mod memory;

pub use memory::{MemoryFetch, MemorySource};

/// Asks servers that somebody else names, and nobody else: whoever gives a URL must not reach with it what only the drive can reach.
///
/// - Only `http` and `https`. Every address to which a name leads is judged before anything is sent, and the connection is made to an address
///   that was judged, so that a name can't lead elsewhere in between. The same for every URL that a redirect names.
/// - Nothing of the drive goes along: no token, no cookie, no address of the page before, no name or password from the URL.
/// - Connecting, and every wait for more bytes, end in time. How long the whole may take is the caller's business, as is how much may come.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// The URL in the one form in which it is kept, if it may be asked just now. Nothing is sent to it.
    async fn check(&self, url: &str) -> Result<SourceUrl, FetchError>;

    /// Asks for the content; from some byte on, if it is still the one of which the earlier bytes are. A source that has another one by now,
    /// or gives no part of it alone, gives all of what it has: [`Source::offset`] says which.
    async fn open(&self, url: &SourceUrl, from: Option<&Resume>) -> Result<Source, FetchError>;
}

/// Where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// Bytes that are there already.
    pub offset: u64,
    /// Of the whole, in bytes.
    pub size: u64,
    /// What told the content from others.
    pub validator: String,
}

/// A source that gives its bytes.
pub struct Source {
    /// Where the bytes came from in the end, after redirects.
    pub url: SourceUrl,
    /// The first byte that comes: what was asked for, or 0.
    pub offset: u64,
    /// Of the whole, in bytes, if the source told it.
    pub size: Option<u64>,
    /// What tells this content from others; none when the source gives no part of it alone.
    pub validator: Option<String>,
    /// The field `Content-Disposition`, as it came.
    pub disposition: Option<String>,
    /// The field `Content-Type`, as it came.
    pub content_type: Option<String>,
    /// The bytes from the offset on.
    pub body: ByteStream,
}

/// Why a source gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It is not asked, for this reason.
    #[error("the URL is refused: {0}")]
    Refused(&'static str),
    /// It leads from one URL to the next without an end.
    #[error("the source leads to another more than {limit} times")]
    TooManyRedirects {
        /// How often it may.
        limit: u32,
    },
    /// It has answered that it does not give it. Asking again would not help.
    #[error("the source answered {status}")]
    Denied {
        /// The HTTP status.
        status: u16,
    },
    /// It did not answer, or not now: try again later.
    #[error("the source did not answer")]
    Unavailable(#[source] BoxError),
}
