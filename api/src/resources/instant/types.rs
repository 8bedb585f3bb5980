use cairn_commands::instant::Challenge;
use cairn_domain::Timestamp;
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::resources::common::FileDocument;
use crate::resources::time::Time;

/// A content that need not be sent, if it is known.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "FastUpload", example)]
pub(super) struct OfferBody {
    /// The content's SHA-256 in hex; or `sha1` instead.
    #[oai(validator(pattern = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<String>,
    /// The content's SHA-1 in hex; or `sha256` instead.
    #[oai(validator(pattern = "^[0-9a-fA-F]{40}$"))]
    pub sha1: Option<String>,
    /// In bytes.
    pub size: u64,
    /// What the file is called, 1 to 255 bytes.
    pub name: String,
    /// The folder for the file; absent or null is the top.
    pub folder_id: Option<Uuid>,
    /// The file whose new version it is; absent or null makes a file of its own.
    pub replace_id: Option<Uuid>,
}

/// The answer to a challenge.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "FastUploadProof", example)]
pub(super) struct ProofBody {
    /// Which challenge.
    pub challenge_id: Uuid,
    /// SHA-256 of the nonce's bytes and behind them the bytes of each range in order, in hex.
    #[oai(validator(pattern = "^[0-9a-fA-F]{64}$"))]
    pub proof: String,
}

/// A question that only a holder of the content can answer, once.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[oai(rename = "FastUploadChallenge", example)]
pub(super) struct ChallengeDocument {
    /// Which question.
    pub challenge_id: Uuid,
    /// 32 random bytes in hex.
    pub nonce: String,
    /// Parts of the content, in the order of the proof. They may overlap.
    pub ranges: Vec<RangeDocument>,
    /// When it can be answered no more.
    pub expires_at: Time,
}

/// Some bytes of a content.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[oai(rename = "Range")]
pub(super) struct RangeDocument {
    /// From the start of the content, in bytes.
    pub offset: u64,
    /// In bytes.
    pub length: u64,
}

/// What is remembered of an answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Offered {
    Added(Box<FileDocument>),
    Challenge(ChallengeDocument),
}

/// What an offer is answered with.
#[derive(ApiResponse)]
pub(super) enum OfferAnswer {
    /// The caller has this content already: here is one more entry of it.
    #[oai(status = 201)]
    Added(
        Json<FileDocument>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
    /// Show that you hold the content. The answer is the same whether the drive knows it or not.
    #[oai(status = 200)]
    Challenge(Json<ChallengeDocument>),
}

/// What a proof is answered with.
#[derive(ApiResponse)]
pub(super) enum ProofAnswer {
    /// The entry is there.
    #[oai(status = 201)]
    Added(
        Json<FileDocument>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

impl From<Challenge> for ChallengeDocument {
    fn from(challenge: Challenge) -> Self {
        let ranges = challenge.ranges.iter().map(|range| RangeDocument { offset: range.offset, length: range.length });
        Self {
            challenge_id: challenge.id,
            nonce: hex::encode(challenge.nonce),
            ranges: ranges.collect(),
            expires_at: challenge.expires_at.into(),
        }
    }
}

const EXAMPLE_CHALLENGE: Uuid = Uuid::from_u128(0x0c4e_5a1d_92b7_4f63_8e0a_71d2_6b3c_9f85);

impl Example for OfferBody {
    fn example() -> Self {
        let FileDocument { sha256, size, name, .. } = FileDocument::example();
        Self { sha256: Some(sha256), sha1: None, size, name, folder_id: None, replace_id: None }
    }
}

impl Example for ProofBody {
    fn example() -> Self {
        let proof = "7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded97730";
        Self { challenge_id: EXAMPLE_CHALLENGE, proof: proof.to_owned() }
    }
}

impl Example for ChallengeDocument {
    fn example() -> Self {
        Self {
            challenge_id: EXAMPLE_CHALLENGE,
            nonce: "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c".to_owned(),
            ranges: vec![RangeDocument { offset: 0, length: 11 }],
            expires_at: Timestamp(1_767_225_660_000_000).into(),
        }
    }
}
