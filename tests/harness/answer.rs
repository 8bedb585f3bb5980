//! An answer and what every answer of a kind must be like.

use std::fmt;

use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> reqwest::Result<Self> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Self { status, headers, body: response.bytes().await?.into() })
    }

    /// This answer, which must have that status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        self.read_as()
    }

    #[track_caller]
    pub(crate) fn read_as<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The problem document (RFC 9457) in this answer, which must be a whole one of that status and code.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "expected {code}: {self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{self:?}");
        assert_eq!(problem["status"], status, "{self:?}");
        for member in ["type", "title", "detail"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member} is missing: {self:?}");
        }
        assert_eq!(self.header("www-authenticate"), (status == 401).then_some("Bearer"), "{self:?}");
        if matches!(status, 429 | 503) {
            assert!(self.number("retry-after").is_some_and(|seconds| seconds > 0), "{self:?}");
        }
        problem
    }

    /// The problem `invalid`, which must name this field.
    #[track_caller]
    pub(crate) fn invalid(&self, field: &str) {
        let problem = self.problem(422, "invalid");
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        let named = |error: &Value| error["field"] == field && error["message"].as_str().is_some_and(|text| !text.is_empty());
        assert!(errors.iter().any(named), "{field} is not named: {self:?}");
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.parse().ok()
    }

    /// Where the log stood when the command was done.
    #[track_caller]
    pub(crate) fn position(&self) -> u64 {
        self.number("cairn-position").unwrap_or_else(|| panic!("no Cairn-Position: {self:?}"))
    }

    /// The items of a list that must be complete.
    #[track_caller]
    pub(crate) fn items(&self) -> Vec<Value> {
        let list = self.json();
        assert!(list["next_cursor"].is_null(), "{self:?}");
        list["items"].as_array().unwrap_or_else(|| panic!("no items: {self:?}")).clone()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.body[..self.body.len().min(2000)];
        write!(f, "{} {:?} {}", self.status, self.headers, String::from_utf8_lossy(shown))
    }
}
