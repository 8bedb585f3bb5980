//! `event_store.client.streams.Streams/{Append, BatchAppend, Delete, Tombstone}`.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Empty, Id, Position, RpcStatus, StreamIdentifier};

/// The options of all four calls: the stream, and where the caller expects it to be.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Target {
    #[prost(message, optional, tag = "1")]
    pub(crate) stream: Option<StreamIdentifier>,
    #[prost(oneof = "ExpectedRevision", tags = "2, 3, 4, 5")]
    pub(crate) expected: Option<ExpectedRevision>,
}

#[derive(Clone, Copy, PartialEq, prost::Oneof)]
pub(crate) enum ExpectedRevision {
    #[prost(uint64, tag = "2")]
    Revision(u64),
    #[prost(message, tag = "3")]
    NoStream(Empty),
    #[prost(message, tag = "4")]
    Any(Empty),
    #[prost(message, tag = "5")]
    StreamExists(Empty),
}

/// First one with the options, then one per event.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AppendReq {
    #[prost(oneof = "AppendContent", tags = "1, 2")]
    pub(crate) content: Option<AppendContent>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum AppendContent {
    #[prost(message, tag = "1")]
    Options(Target),
    #[prost(message, tag = "2")]
    ProposedMessage(ProposedMessage),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ProposedMessage {
    #[prost(message, optional, tag = "1")]
    pub(crate) id: Option<Id>,
    /// Must hold `type` and `content-type`.
    #[prost(btree_map = "string, string", tag = "2")]
    pub(crate) system_metadata: BTreeMap<String, String>,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) metadata: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    pub(crate) data: Bytes,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct AppendResp {
    #[prost(oneof = "AppendResult", tags = "1, 2")]
    pub(crate) result: Option<AppendResult>,
}

#[derive(Clone, Copy, PartialEq, prost::Oneof)]
pub(crate) enum AppendResult {
    #[prost(message, tag = "1")]
    Success(WriteSuccess),
    #[prost(message, tag = "2")]
    WrongVersion(WrongVersion),
}

/// Of an append and of one batch alike. The halves of a oneof are optional fields here, since the double only ever sends one of them.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct WriteSuccess {
    #[prost(uint64, optional, tag = "1")]
    pub(crate) current_revision: Option<u64>,
    #[prost(message, optional, tag = "2")]
    pub(crate) no_stream: Option<Empty>,
    #[prost(message, optional, tag = "3")]
    pub(crate) position: Option<Position>,
}

/// The conflict of an append. It has five more fields for clients from before version 20.6.1.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct WrongVersion {
    #[prost(uint64, optional, tag = "6")]
    pub(crate) current_revision: Option<u64>,
    #[prost(message, optional, tag = "7")]
    pub(crate) current_no_stream: Option<Empty>,
    #[prost(uint64, optional, tag = "8")]
    pub(crate) expected_revision: Option<u64>,
    #[prost(message, optional, tag = "9")]
    pub(crate) expected_any: Option<Empty>,
    #[prost(message, optional, tag = "10")]
    pub(crate) expected_stream_exists: Option<Empty>,
    #[prost(message, optional, tag = "11")]
    pub(crate) expected_no_stream: Option<Empty>,
}

/// One part of a batch; the first part has the options, the last one is final.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BatchAppendReq {
    #[prost(message, optional, tag = "1")]
    pub(crate) correlation_id: Option<Id>,
    #[prost(message, optional, tag = "2")]
    pub(crate) options: Option<Target>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) proposed_messages: Vec<ProposedMessage>,
    #[prost(bool, tag = "4")]
    pub(crate) is_final: bool,
}

/// The real server leaves the expected position out of its answer too.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BatchAppendResp {
    #[prost(message, optional, tag = "1")]
    pub(crate) correlation_id: Option<Id>,
    #[prost(oneof = "BatchResult", tags = "2, 3")]
    pub(crate) result: Option<BatchResult>,
    #[prost(message, optional, tag = "4")]
    pub(crate) stream: Option<StreamIdentifier>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum BatchResult {
    #[prost(message, tag = "2")]
    Error(RpcStatus),
    #[prost(message, tag = "3")]
    Success(WriteSuccess),
}

/// Of a delete and of a tombstone.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DeleteReq {
    #[prost(message, optional, tag = "1")]
    pub(crate) options: Option<Target>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct DeleteResp {
    #[prost(message, optional, tag = "1")]
    pub(crate) position: Option<Position>,
}
