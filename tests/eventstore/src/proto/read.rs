//! `event_store.client.streams.Streams/Read`: page reads and subscriptions of one stream or of `$all`.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Empty, Id, Position, StreamIdentifier};

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ReadReq {
    #[prost(message, optional, tag = "1")]
    pub(crate) options: Option<ReadOptions>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ReadOptions {
    #[prost(oneof = "Log", tags = "1, 2")]
    pub(crate) log: Option<Log>,
    /// 0 is forwards, 1 is backwards.
    #[prost(int32, tag = "3")]
    pub(crate) direction: i32,
    #[prost(oneof = "Count", tags = "5, 6")]
    pub(crate) count: Option<Count>,
    #[prost(oneof = "FilterSet", tags = "7, 8")]
    pub(crate) filter: Option<FilterSet>,
    #[prost(message, optional, tag = "9")]
    pub(crate) id_format: Option<IdOption>,
    #[prost(message, optional, tag = "10")]
    pub(crate) control: Option<ControlOption>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Log {
    #[prost(message, tag = "1")]
    Stream(StreamOptions),
    #[prost(message, tag = "2")]
    All(AllOptions),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StreamOptions {
    #[prost(message, optional, tag = "1")]
    pub(crate) stream: Option<StreamIdentifier>,
    #[prost(oneof = "StreamFrom", tags = "2, 3, 4")]
    pub(crate) from: Option<StreamFrom>,
}

#[derive(Clone, Copy, PartialEq, prost::Oneof)]
pub(crate) enum StreamFrom {
    #[prost(uint64, tag = "2")]
    Revision(u64),
    #[prost(message, tag = "3")]
    Start(Empty),
    #[prost(message, tag = "4")]
    End(Empty),
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct AllOptions {
    #[prost(oneof = "AllFrom", tags = "1, 2, 3")]
    pub(crate) from: Option<AllFrom>,
}

#[derive(Clone, Copy, PartialEq, prost::Oneof)]
pub(crate) enum AllFrom {
    #[prost(message, tag = "1")]
    Position(Position),
    #[prost(message, tag = "2")]
    Start(Empty),
    #[prost(message, tag = "3")]
    End(Empty),
}

#[derive(Clone, Copy, PartialEq, prost::Oneof)]
pub(crate) enum Count {
    #[prost(uint64, tag = "5")]
    Limit(u64),
    #[prost(message, tag = "6")]
    Subscription(Empty),
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum FilterSet {
    #[prost(message, tag = "7")]
    Filter(FilterOptions),
    #[prost(message, tag = "8")]
    None(Empty),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct FilterOptions {
    #[prost(oneof = "FilterKind", tags = "1, 2")]
    pub(crate) kind: Option<FilterKind>,
    #[prost(oneof = "FilterWindow", tags = "3, 4")]
    pub(crate) window: Option<FilterWindow>,
    #[prost(uint32, tag = "5")]
    pub(crate) checkpoint_interval_multiplier: u32,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum FilterKind {
    #[prost(message, tag = "1")]
    StreamName(FilterExpression),
    #[prost(message, tag = "2")]
    EventType(FilterExpression),
}

/// Prefixes count only if there is no regex.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct FilterExpression {
    #[prost(string, tag = "1")]
    pub(crate) regex: String,
    #[prost(string, repeated, tag = "2")]
    pub(crate) prefixes: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, prost::Oneof)]
pub(crate) enum FilterWindow {
    #[prost(uint32, tag = "3")]
    Max(u32),
    #[prost(message, tag = "4")]
    Count(Empty),
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct IdOption {
    #[prost(oneof = "IdFormat", tags = "1, 2")]
    pub(crate) format: Option<IdFormat>,
}

#[derive(Clone, Copy, PartialEq, prost::Oneof)]
pub(crate) enum IdFormat {
    #[prost(message, tag = "1")]
    Structured(Empty),
    #[prost(message, tag = "2")]
    Text(Empty),
}

/// From 1 on the client knows what the positions of the first and last event of a stream are.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct ControlOption {
    #[prost(uint32, tag = "1")]
    pub(crate) compatibility: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ReadResp {
    #[prost(oneof = "Content", tags = "1, 2, 3, 4, 5, 6, 8")]
    pub(crate) content: Option<Content>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Content {
    #[prost(message, tag = "1")]
    Event(ReadEvent),
    #[prost(message, tag = "2")]
    Confirmation(SubscriptionConfirmation),
    #[prost(message, tag = "3")]
    Checkpoint(Checkpoint),
    #[prost(message, tag = "4")]
    StreamNotFound(StreamNotFound),
    #[prost(uint64, tag = "5")]
    FirstStreamPosition(u64),
    #[prost(uint64, tag = "6")]
    LastStreamPosition(u64),
    /// Versions 23.10 and 24 send it empty; its fields came with 25.
    #[prost(message, tag = "8")]
    CaughtUp(Empty),
}

impl From<Content> for ReadResp {
    fn from(content: Content) -> Self {
        Self { content: Some(content) }
    }
}

/// Its time stamp came with version 25.
pub(crate) type Checkpoint = Position;

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SubscriptionConfirmation {
    #[prost(string, tag = "1")]
    pub(crate) subscription_id: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StreamNotFound {
    #[prost(message, optional, tag = "1")]
    pub(crate) stream: Option<StreamIdentifier>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ReadEvent {
    #[prost(message, optional, tag = "1")]
    pub(crate) event: Option<RecordedEvent>,
    /// One half of a oneof; the other half says that there is no position, and here there always is one.
    #[prost(uint64, optional, tag = "3")]
    pub(crate) commit_position: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RecordedEvent {
    #[prost(message, optional, tag = "1")]
    pub(crate) id: Option<Id>,
    #[prost(message, optional, tag = "2")]
    pub(crate) stream: Option<StreamIdentifier>,
    #[prost(uint64, tag = "3")]
    pub(crate) stream_revision: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) prepare_position: u64,
    #[prost(uint64, tag = "5")]
    pub(crate) commit_position: u64,
    /// `type`, `content-type` and `created`, the last in ticks of 100 ns since 1970.
    #[prost(btree_map = "string, string", tag = "6")]
    pub(crate) system_metadata: BTreeMap<String, String>,
    #[prost(bytes = "bytes", tag = "7")]
    pub(crate) metadata: Bytes,
    #[prost(bytes = "bytes", tag = "8")]
    pub(crate) data: Bytes,
}
