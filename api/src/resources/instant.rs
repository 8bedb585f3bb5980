//! Instant upload: a content that the drive has already becomes a file without being sent.

mod problems;
mod types;

use std::sync::Arc;

use cairn_commands::instant::{FastUpload, Offer, offer, prove};
use cairn_commands::ports::views::ContentHash;
use cairn_domain::{FileId, FolderId, Sha1, Sha256};
use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::payload::Json;

use self::problems::{OfferProblem, ProofProblem};
use self::types::{OfferAnswer, OfferBody, Offered, ProofAnswer, ProofBody};
use super::Tag;
use super::common::{Fields, document_of, perform};
use crate::app::App;
use crate::ask::{Done, IdempotencyKey};
use crate::auth::SignedIn;
use crate::http::json::JsonBody;
use crate::http::problem::Problem;

/// Instant upload.
pub struct InstantApi;

#[OpenApi(tag = "Tag::Instant")]
impl InstantApi {
    /// Offer a content by its hash
    ///
    /// Makes a file at once when the caller has this content in another file. Otherwise asks for a proof that the caller holds the
    /// bytes, because a hash alone never yields a file; whether the drive knows the content can't be told from the answer.
    #[oai(path = "/file/fastupload", method = "post", operation_id = "file_fastupload")]
    async fn offer(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<OfferBody>,
    ) -> Result<OfferAnswer, OfferProblem> {
        let wish = wish(&body.0)?;
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /file/fastupload", &body.0);
        let (drive, asked) = (Arc::clone(&app.drive), ask.request.clone());
        let work = async move {
            Ok::<_, OfferProblem>(match offer(&drive, &asked, &caller, wish).await? {
                Offer::Added(added) => {
                    let body = Offered::Added(Box::new(document_of(&drive, added.id, &added.file).await?));
                    Done { status: 201, position: Some(added.file.position), body }
                }
                Offer::Challenge(challenge) => Done { status: 200, position: None, body: Offered::Challenge(challenge.into()) },
            })
        };
        let done = perform(&app, ask, work).await?;
        Ok(match done.body {
            Offered::Added(file) => OfferAnswer::Added(Json(*file), done.position.map(|position| position.0)),
            Offered::Challenge(challenge) => OfferAnswer::Challenge(Json(challenge)),
        })
    }

    /// Prove to hold a content
    ///
    /// One try for each challenge, within 60 seconds. Unknown content, wrong proof, used or ended challenge: all are answered alike,
    /// and then the bytes must be sent.
    #[oai(path = "/file/fastupload/prove", method = "post", operation_id = "file_fastupload_prove")]
    async fn prove(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<ProofBody>,
    ) -> Result<ProofAnswer, ProofProblem> {
        let mut fields = Fields::default();
        let proof = fields.read::<Sha256>("proof", &body.0.proof);
        let proof = fields.finish(proof)?;
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /file/fastupload/prove", &body.0);
        let (drive, asked, challenge) = (Arc::clone(&app.drive), ask.request.clone(), body.0.challenge_id);
        let work = async move {
            let added = prove(&drive, &asked, &caller, challenge, proof).await?;
            let body = document_of(&drive, added.id, &added.file).await?;
            Ok::<_, ProofProblem>(Done { status: 201, position: Some(added.file.position), body })
        };
        let done = perform(&app, ask, work).await?;
        Ok(ProofAnswer::Added(Json(done.body), done.position.map(|position| position.0)))
    }
}

fn wish(body: &OfferBody) -> Result<FastUpload, Problem> {
    let mut fields = Fields::default();
    let name = fields.read("name", &body.name);
    let content = match (&body.sha256, &body.sha1) {
        (Some(sha256), None) => fields.read::<Sha256>("sha256", sha256).map(ContentHash::Sha256),
        (None, Some(sha1)) => fields.read::<Sha1>("sha1", sha1).map(ContentHash::Sha1),
        (None, None) => fields.refuse("sha256", "is required, or sha1 instead"),
        (Some(_), Some(_)) => fields.refuse("sha1", "can't stand beside sha256; give one of them"),
    };
    let (name, content) = fields.finish(name.zip(content))?;
    let (folder, replaces) = (body.folder_id.map(FolderId), body.replace_id.map(FileId));
    Ok(FastUpload { content, size: body.size, name, folder, replaces })
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::Example;

    use super::*;

    #[test]
    fn exactly_one_hash_is_needed() {
        let fields = |sha256: Option<&str>, sha1: Option<&str>| {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let body = OfferBody { sha256: text(sha256), sha1: text(sha1), ..OfferBody::example() };
            wish(&body).map_or_else(|problem| problem.errors().iter().map(|error| error.field.clone()).collect(), |_| Vec::new())
        };
        let (long, short) = ("a".repeat(64), "a".repeat(40));
        assert_eq!(fields(Some(&long), None), Vec::<String>::new());
        assert_eq!(fields(None, Some(&short)), Vec::<String>::new());
        assert_eq!(fields(None, None), ["sha256"]);
        assert_eq!(fields(Some(&long), Some(&short)), ["sha1"]);
        assert_eq!(fields(Some(&short), None), ["sha256"]);
    }
}
