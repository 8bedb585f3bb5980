//! Somebody with an account, and what they do all day.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Digest;

use super::answer::Answer;
use super::client::{Call, Client};
use super::drive::{Drive, SharedDrive};
use super::wait::until_async;

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A person with a fresh account, signed in. It can be called like a client.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    client: Client,
}

/// `File` of the API.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct File {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) sha256: String,
    pub(crate) sha1: String,
    pub(crate) content_type: String,
    pub(crate) folder_id: Option<String>,
    pub(crate) version: u64,
    pub(crate) status: String,
    pub(crate) stored_in: String,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

/// `Upload` of the API.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names are those of the API")]
pub(crate) struct Upload {
    pub(crate) upload_id: String,
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) part_size: u64,
    pub(crate) part_count: u64,
    pub(crate) received: Vec<[u64; 2]>,
    pub(crate) missing: Vec<[u64; 2]>,
    pub(crate) state: String,
    pub(crate) expires_at: String,
    pub(crate) file: Option<File>,
}

static USERS: AtomicU64 = AtomicU64::new(1);

impl Drive {
    /// A new user of this drive.
    pub(crate) async fn user(&self) -> User {
        let number = USERS.fetch_add(1, Ordering::Relaxed);
        self.user_called(&format!("user{number}")).await
    }

    /// A new user of that name.
    pub(crate) async fn user_called(&self, name: &str) -> User {
        User::sign_up(&self.client(), name).await
    }

    /// A new user who is an operator.
    pub(crate) async fn operator(&self) -> User {
        let operator = self.user_called("operator").await;
        self.cairn(&["user", "grant", "operator", "admin"]).success();
        let let_in = async || (operator.get("/admin/transfers").send().await.status == 200).then_some(());
        until_async("the role counts", let_in).await;
        operator
    }
}

impl SharedDrive {
    /// A new user of the shared drive.
    pub(crate) async fn user(&self) -> User {
        let number = USERS.fetch_add(1, Ordering::Relaxed);
        User::sign_up(&self.client(), &format!("user{number}")).await
    }
}

impl Deref for User {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl User {
    async fn sign_up(client: &Client, name: &str) -> Self {
        let wish = json!({ "username": name, "password": PASSWORD });
        let account = client.post("/user/signup").json(&wish).send().await.expect(201).json();
        let id = account["id"].as_str().expect("an id").to_owned();
        let token = Self::sign_in(client, name, PASSWORD).await;
        Self { id, name: name.to_owned(), client: client.with_token(&token) }
    }

    /// A new session's token.
    pub(crate) async fn sign_in(client: &Client, name: &str, password: &str) -> String {
        let session = client.post("/user/signin").json(&json!({ "username": name, "password": password })).send().await;
        session.expect(200).json()["token"].as_str().expect("a token").to_owned()
    }

    /// The same person in another session.
    pub(crate) async fn another_session(&self) -> Self {
        let token = Self::sign_in(&self.client.anonymous(), &self.name, PASSWORD).await;
        Self { client: self.client.with_token(&token), ..self.clone() }
    }

    /// The same session with a drive that was started again.
    pub(crate) fn back_on(&self, drive: &Drive) -> Self {
        let token = self.token().expect("a token").to_owned();
        Self { client: drive.client().with_token(&token), ..self.clone() }
    }

    pub(crate) fn raw_upload(&self, name: &str, bytes: impl Into<reqwest::Body>) -> Call {
        self.post("/file/upload").query("name", name).header("content-type", "application/octet-stream").body(bytes)
    }

    pub(crate) async fn upload(&self, name: &str, bytes: &[u8]) -> File {
        self.raw_upload(name, bytes.to_vec()).send().await.expect(201).read_as()
    }

    /// Every entry that a query finds, over all pages.
    pub(crate) async fn list(&self, query: &str) -> Vec<File> {
        self.pages(&format!("/file/query?{query}")).await
    }

    /// All items of a list, page by page. The path ends with a query.
    pub(crate) async fn pages<T: serde::de::DeserializeOwned>(&self, path: &str) -> Vec<T> {
        let mut items = Vec::new();
        let mut cursor = None::<String>;
        loop {
            let call = self.get(path);
            let call = match &cursor {
                Some(cursor) => call.query("cursor", cursor),
                None => call,
            };
            let page = call.send().await.expect(200).json();
            items.extend(
                page["items"]
                    .as_array()
                    .expect("items")
                    .iter()
                    .map(|item| serde_json::from_value::<T>(item.clone()).unwrap_or_else(|error| panic!("{error}: {item}"))),
            );
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return items,
            }
        }
    }

    pub(crate) async fn download(&self, id: &str) -> Vec<u8> {
        self.get("/file/download").query("id", id).send().await.expect(200).body
    }

    pub(crate) async fn info(&self) -> Value {
        self.get("/user/info").send().await.expect(200).json()
    }

    pub(crate) async fn init(&self, wish: &Value) -> Upload {
        self.post("/file/mpupload/init").json(wish).send().await.expect(201).read_as()
    }

    pub(crate) fn part(&self, upload: &str, index: u64, bytes: impl Into<reqwest::Body>) -> Call {
        let call = self.call(Method::PUT, "/file/mpupload/uppart").query("upload_id", upload).query("index", index);
        call.header("content-type", "application/octet-stream").body(bytes)
    }

    pub(crate) async fn status(&self, upload: &str) -> Upload {
        self.get("/file/mpupload/status").query("upload_id", upload).send().await.expect(200).read_as()
    }

    pub(crate) async fn complete(&self, upload: &str) -> Answer {
        self.post("/file/mpupload/complete").json(&json!({ "upload_id": upload })).send().await
    }

    pub(crate) async fn cancel(&self, upload: &str) -> Answer {
        self.post("/file/mpupload/cancel").json(&json!({ "upload_id": upload })).send().await
    }

    pub(crate) async fn open_uploads(&self) -> Vec<Upload> {
        self.pages("/file/mpupload/query?limit=1000").await
    }
}

/// The value of `Content-Digest` and `Repr-Digest` for these bytes (RFC 9530).
pub(crate) fn digest_field(bytes: &[u8]) -> String {
    format!("sha-256=:{}:", BASE64_STANDARD.encode(sha2::Sha256::digest(bytes)))
}
