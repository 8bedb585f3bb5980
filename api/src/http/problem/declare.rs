//! How an endpoint says which problems it can answer with.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use poem::http::{HeaderValue, header::HeaderName};
use poem_openapi::{
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};
use serde_json::Value;

use super::{CONTENT_TYPE, Document, Kind, Problem, common};

/// Declares the problems of one operation.
///
/// First come the words of [`common`](super::common) with a constructor each, then, after `+`, groups that
/// extractors answer by themselves, then the operation's own: status, code and, as the comment, the sentence.
///
/// ```
/// use cairn_api::http::problem::{Explain, problems};
///
/// problems! {
///     /// Why nobody was signed up.
///     pub SignUpProblem: invalid, unavailable + JSON_BODY;
///     /// Someone else already has this name.
///     409 username_taken;
/// }
///
/// enum SignUpError { Taken, Name(&'static str), Store(std::io::Error) }
///
/// impl From<SignUpError> for SignUpProblem {
///     fn from(error: SignUpError) -> Self {
///         match error {
///             SignUpError::Taken => Self::username_taken(),
///             SignUpError::Name(why) => Self::invalid().field("username", why),
///             SignUpError::Store(cause) => Self::unavailable().because(cause),
///         }
///     }
/// }
/// ```
///
/// The type stands as the error of the operation's `Result`: the OpenAPI document then lists exactly these.
#[macro_export]
macro_rules! problems {
    (
        $(#[$attribute:meta])*
        $visibility:vis $name:ident : $($word:ident),* $(,)? $(+ $group:ident)* ;
        $( $(#[doc = $sentence:literal])+ $status:literal $code:ident $(retry after $seconds:literal)? ; )*
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone)]
        $visibility struct $name($crate::http::problem::Problem);

        #[allow(dead_code, reason = "some words only document what an extractor answers")]
        impl $name {
            $(
                /// One of the common problems.
                #[must_use]
                $visibility const fn $word() -> Self {
                    Self($crate::http::problem::Problem::of($crate::http::problem::common::$word))
                }
            )*
            $(
                $(#[doc = $sentence])+
                #[must_use]
                $visibility const fn $code() -> Self {
                    const KIND: $crate::http::problem::Kind = $crate::http::problem::Kind::new(
                        $status,
                        stringify!($code),
                        concat!($($sentence),+).trim_ascii(),
                    )$(.retry_after($seconds))?;
                    Self($crate::http::problem::Problem::of(KIND))
                }
            )*

            fn kinds() -> Vec<$crate::http::problem::Kind> {
                #[allow(unused_mut, reason = "there may be no group")]
                let mut kinds = vec![
                    $(*Self::$word().0.kind(),)*
                    $(*Self::$code().0.kind(),)*
                ];
                $(kinds.extend_from_slice($crate::http::problem::common::$group);)*
                kinds
            }
        }

        impl $crate::http::problem::Explain for $name {
            fn detail(self, sentence: impl Into<String>) -> Self {
                Self(self.0.detail(sentence))
            }

            fn because(self, cause: impl Into<Box<dyn ::std::error::Error + Send + Sync>>) -> Self {
                Self(self.0.because(cause))
            }

            fn field(self, field: impl Into<String>, message: impl Into<String>) -> Self {
                Self(self.0.field(field, message))
            }

            fn missing(self, ranges: impl IntoIterator<Item = [u64; 2]>) -> Self {
                Self(self.0.missing(ranges))
            }

            fn retry_after(self, wait: ::std::time::Duration) -> Self {
                Self(self.0.retry_after(wait))
            }

            fn header(
                self,
                name: ::poem::http::header::HeaderName,
                value: ::poem::http::HeaderValue,
            ) -> Self {
                Self(self.0.header(name, value))
            }
        }

        /// For what extractors and shared machinery answer by themselves; their kinds stand in the groups.
        impl From<$crate::http::problem::Problem> for $name {
            fn from(problem: $crate::http::problem::Problem) -> Self {
                Self(problem)
            }
        }

        impl From<$name> for $crate::http::problem::Problem {
            fn from(declared: $name) -> Self {
                declared.0
            }
        }

        impl From<$name> for ::poem::Error {
            fn from(declared: $name) -> Self {
                declared.0.into()
            }
        }

        impl ::poem_openapi::ApiResponse for $name {
            fn meta() -> ::poem_openapi::registry::MetaResponses {
                $crate::http::problem::meta(&Self::kinds())
            }

            fn register(registry: &mut ::poem_openapi::registry::Registry) {
                $crate::http::problem::register(registry);
            }
        }
    };
}
pub use problems;

/// The particulars of one occurrence.
pub trait Explain: Sized {
    /// Says it better than the kind's own sentence. Nothing internal may stand here.
    #[must_use]
    fn detail(self, sentence: impl Into<String>) -> Self;

    /// Keeps the cause for the log; the client does not see it.
    #[must_use]
    fn because(self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self;

    /// Adds a field that is wrong.
    #[must_use]
    fn field(self, field: impl Into<String>, message: impl Into<String>) -> Self;

    /// Lists the parts that are missing, as ranges with both ends included.
    #[must_use]
    fn missing(self, ranges: impl IntoIterator<Item = [u64; 2]>) -> Self;

    /// Tells the client how long to wait, rounded up to whole seconds, at least one.
    #[must_use]
    fn retry_after(self, wait: Duration) -> Self;

    /// Adds a header field to the answer.
    #[must_use]
    fn header(self, name: HeaderName, value: HeaderValue) -> Self;
}

/// The OpenAPI responses for these kinds: one for each status, with every code that it can carry.
pub fn meta(kinds: &[Kind]) -> MetaResponses {
    let mut by_status: BTreeMap<u16, Vec<Kind>> = BTreeMap::new();
    for kind in kinds {
        let same_status = by_status.entry(kind.status).or_default();
        if !same_status.iter().any(|known| known.code == kind.code) {
            same_status.push(*kind);
        }
    }
    MetaResponses { responses: by_status.into_iter().map(|(status, kinds)| response(status, &kinds)).collect() }
}

/// Puts the problem document's schema into the OpenAPI document.
pub fn register(registry: &mut Registry) {
    <Document as Type>::register(registry);
}

fn response(status: u16, kinds: &[Kind]) -> MetaResponse {
    let lines: Vec<String> = kinds.iter().map(|kind| format!("`{}`: {}", kind.code, kind.sentence)).collect();
    let schema = MetaSchema {
        all_of: vec![<Document as Type>::schema_ref(), codes(kinds)],
        example: kinds.first().map(example),
        ..MetaSchema::ANY
    };
    MetaResponse {
        description: intern(lines.join("\n\n")),
        status: Some(status),
        status_range: None,
        content: vec![MetaMediaType { content_type: CONTENT_TYPE, schema: MetaSchemaRef::Inline(Box::new(schema)) }],
        headers: headers(status, kinds),
    }
}

/// The codes that can stand in this response, for generated clients.
fn codes(kinds: &[Kind]) -> MetaSchemaRef {
    let code = MetaSchema { enum_items: kinds.iter().map(|kind| Value::from(kind.code)).collect(), ..MetaSchema::new("string") };
    MetaSchemaRef::Inline(Box::new(MetaSchema {
        properties: vec![("code", MetaSchemaRef::Inline(Box::new(code)))],
        ..MetaSchema::new("object")
    }))
}

fn example(kind: &Kind) -> Value {
    let problem = match kind.code {
        "invalid" => Problem::of(*kind).field("name", "is required"),
        "parts_missing" => Problem::of(*kind).missing([[2, 2], [5, 9]]),
        _ => Problem::of(*kind),
    };
    serde_json::to_value(problem.document()).unwrap_or_default()
}

fn headers(status: u16, kinds: &[Kind]) -> Vec<MetaHeader> {
    let header = |name: &str, description: &str, schema: MetaSchemaRef| MetaHeader {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        required: true,
        deprecated: false,
        schema,
    };
    let mut headers = Vec::new();
    if status == common::unauthorized.status {
        headers.push(header("WWW-Authenticate", "Always `Bearer`.", String::schema_ref()));
    }
    if kinds.iter().any(|kind| kind.retry_after_seconds.is_some()) {
        headers.push(header("Retry-After", "Seconds to wait before the next try.", u32::schema_ref()));
    }
    if status == common::range_not_satisfiable.status {
        headers.push(header("Content-Range", "`bytes */<length>`.", String::schema_ref()));
    }
    headers
}

/// poem-openapi wants descriptions that live for ever. Each distinct text is kept once, and there are as many as there are
/// endpoints in the source.
fn intern(text: String) -> &'static str {
    static TEXTS: LazyLock<Mutex<BTreeSet<&'static str>>> = LazyLock::new(Mutex::default);
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = texts.get(text.as_str()) {
        return known;
    }
    let kept: &'static str = Box::leak(text.into_boxed_str());
    texts.insert(kept);
    kept
}
