//! Files elsewhere, over HTTP.
//!
//! Whoever names a URL must not reach with it what only the drive can reach (server-side request forgery). So there is one place where a URL is
//! read (`url.rs`), one that says which addresses are asked ([`address`]), and every address is judged twice: before anything is noted, and in the
//! resolver of the client that connects, which then has no other. Redirects are followed here, each as if it were the first URL. There is no proxy, no
//! cookie, no `Referer`, no compression.

pub mod address;
mod answer;
mod network;
mod resolver;
mod rules;
mod url;

#[cfg(test)]
mod tests;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use ::url::Url;
use async_trait::async_trait;
use cairn_commands::ports::BoxError;
use cairn_commands::ports::fetch::{Fetch, FetchError, Resume, Source};
use cairn_domain::offline::SourceUrl;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderValue, IF_RANGE, LOCATION, RANGE, USER_AGENT};
use reqwest::{Client, Response, StatusCode};

pub use self::network::{BadNetwork, Network};
pub use self::resolver::{Lookup, SystemLookup};

use self::answer::{Given, given};
use self::resolver::Guarded;
use self::rules::{NameError, Refused, Rules};

/// How sources are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchSettings {
    /// Networks that are asked although they are not public.
    pub allow: Vec<Network>,
    /// Networks that are not asked although they are public, or allowed.
    pub refuse: Vec<Network>,
    /// How often one source may lead to another.
    pub redirects_max: u32,
    /// How long it may take to connect.
    pub connect_max: Duration,
    /// How long a source may say nothing.
    pub idle_max: Duration,
}

/// Asks sources over HTTP.
pub struct HttpFetch {
    client: Client,
    rules: Rules,
    redirects_max: u32,
    connect_max: Duration,
}

impl HttpFetch {
    /// Finds names by that lookup.
    pub fn new(settings: FetchSettings, lookup: Arc<dyn Lookup>) -> Result<Self, BoxError> {
        crate::tls::install();
        let FetchSettings { allow, refuse, redirects_max, connect_max, idle_max } = settings;
        let rules = Rules::new(allow, refuse, lookup);
        let client = Client::builder()
            .use_rustls_tls()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .http1_only()
            .dns_resolver(Arc::new(Guarded(rules.clone())))
            // A connection is as good as the look at its address, so none is kept.
            .pool_max_idle_per_host(0)
            .connect_timeout(connect_max)
            .read_timeout(idle_max)
            .default_headers(headers())
            .build()?;
        Ok(Self { client, rules, redirects_max, connect_max })
    }

    async fn ask(&self, url: &Url, from: Option<&Resume>) -> Result<Response, FetchError> {
        // The client asks its resolver for names only.
        self.rules.judge_literal(url).map_err(refused)?;
        let mut request = self.client.get(url.clone());
        if let Some(from) = from {
            request = request.header(RANGE, format!("bytes={}-", from.offset)).header(IF_RANGE, &from.validator);
        }
        request.send().await.map_err(|error| match refused_in(&error) {
            Some(why) => refused(why),
            // It goes into the log of the operator, whom the secrets in somebody's URL do not concern.
            None => FetchError::Unavailable(error.without_url().into()),
        })
    }

    /// The answer of whoever gives the content in the end.
    async fn follow(&self, mut url: Url, from: Option<&Resume>) -> Result<(Url, Response), FetchError> {
        for _ in 0..=self.redirects_max {
            let response = self.ask(&url, from).await?;
            match redirected(&url, &response)? {
                None => return Ok((url, response)),
                Some(next) => url = next,
            }
        }
        Err(FetchError::TooManyRedirects { limit: self.redirects_max })
    }
}

fn headers() -> HeaderMap {
    let all = [
        (USER_AGENT, concat!("cairn/", env!("CARGO_PKG_VERSION"))),
        (ACCEPT, "*/*"),
        // The bytes as they are: those of the digest, and those of which ranges are.
        (ACCEPT_ENCODING, "identity"),
    ];
    all.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
}

/// Where the answer leads, if it leads elsewhere.
fn redirected(url: &Url, response: &Response) -> Result<Option<Url>, FetchError> {
    let leads_on = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let Some(location) = response.headers().get(LOCATION).filter(|_| leads_on) else { return Ok(None) };
    // Some servers write names in it as they are.
    let location = std::str::from_utf8(location.as_bytes());
    let location = location.map_err(|_| FetchError::Refused("it leads to something that is no URL"))?;
    url::follow(url, location).map(Some).map_err(refused)
}

fn refused(Refused(reason): Refused) -> FetchError {
    FetchError::Refused(reason)
}

/// The refusal of the resolver, wherever in the chain of causes it stands.
fn refused_in(error: &reqwest::Error) -> Option<Refused> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return Some(*refused);
        }
        cause = error.source();
    }
    None
}

#[async_trait]
impl Fetch for HttpFetch {
    async fn check(&self, text: &str) -> Result<SourceUrl, FetchError> {
        let url = url::parse(text).map_err(refused)?;
        let judged = tokio::time::timeout(self.connect_max, self.rules.judge(&url)).await;
        judged.unwrap_or(Err(NameError::Refused(rules::NO_ADDRESS))).map_err(|error| match error {
            NameError::Refused(why) => refused(why),
            NameError::Lookup(error) => FetchError::Unavailable(error.into()),
        })?;
        url::source_url(&url).map_err(refused)
    }

    async fn open(&self, source: &SourceUrl, from: Option<&Resume>) -> Result<Source, FetchError> {
        let url = url::parse(source.as_str()).map_err(refused)?;
        let (found, response) = self.follow(url.clone(), from).await?;
        // A source that has another content by now may say so like this, or give a range of it all the same.
        let (found, response) = match (from, given(&response, from)) {
            (Some(_), Given::Other) => self.follow(url, None).await?,
            _ => (found, response),
        };
        answer::source(url::source_url(&found).map_err(refused)?, response, from)
    }
}

/// Whether asking again may help (RFC 9110 section 15).
fn is_transient(status: StatusCode) -> bool {
    match status.as_u16() {
        408 | 421 | 425 | 429 => true,
        501 | 505 => false,
        status => status >= 500,
    }
}
