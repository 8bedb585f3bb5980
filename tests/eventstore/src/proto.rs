//! The messages of the protocol, written by hand: what is on the wire is a field number and a type, so that is what stands here.
//!
//! Messages of the original that have the same shape share one type; fields that the double never looks at are left out, and
//! prost skips them.

mod control;
mod read;
mod rpc_status;
mod write;

pub(crate) use control::{ClusterInfo, EndPoint, MemberInfo, NODE_STATE_LEADER, SupportedMethod, SupportedMethods};
pub(crate) use read::{
    AllFrom, AllOptions, Checkpoint, Content, Count, FilterExpression, FilterKind, FilterOptions, FilterSet, FilterWindow,
    IdFormat, Log, ReadEvent, ReadReq, ReadResp, RecordedEvent, StreamFrom, StreamNotFound, StreamOptions,
    SubscriptionConfirmation,
};
pub(crate) use rpc_status::{BadRequest, Detail, MaximumAppendSizeExceeded, RpcStatus, StreamDeleted, WrongPosition};
pub(crate) use write::{
    AppendContent, AppendReq, AppendResp, AppendResult, BatchAppendReq, BatchAppendResp, BatchResult, DeleteReq, DeleteResp,
    ExpectedRevision, ProposedMessage, Target, WriteSuccess, WrongVersion,
};

/// `event_store.client.Empty` and `google.protobuf.Empty`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Empty {}

/// Every message of a commit and a prepare position.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Position {
    #[prost(uint64, tag = "1")]
    pub(crate) commit: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) prepare: u64,
}

impl Position {
    /// The double writes an event and its commit as one record, as the real server does since version 6.
    pub(crate) fn of(log_position: u64) -> Self {
        Self { commit: log_position, prepare: log_position }
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StreamIdentifier {
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) name: bytes::Bytes,
}

impl From<&str> for StreamIdentifier {
    fn from(name: &str) -> Self {
        Self { name: bytes::Bytes::copy_from_slice(name.as_bytes()) }
    }
}

/// `event_store.client.UUID`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Id {
    #[prost(oneof = "IdValue", tags = "1, 2")]
    pub(crate) value: Option<IdValue>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum IdValue {
    #[prost(message, tag = "1")]
    Structured(StructuredId),
    #[prost(string, tag = "2")]
    Text(String),
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct StructuredId {
    #[prost(int64, tag = "1")]
    pub(crate) most_significant_bits: i64,
    #[prost(int64, tag = "2")]
    pub(crate) least_significant_bits: i64,
}

impl Id {
    pub(crate) fn structured(id: uuid::Uuid) -> Self {
        let (most, least) = id.as_u64_pair();
        let value = StructuredId { most_significant_bits: most.cast_signed(), least_significant_bits: least.cast_signed() };
        Self { value: Some(IdValue::Structured(value)) }
    }

    pub(crate) fn text(id: uuid::Uuid) -> Self {
        Self { value: Some(IdValue::Text(id.to_string())) }
    }

    /// `None` if it is no UUID.
    pub(crate) fn parse(&self) -> Option<uuid::Uuid> {
        match self.value.as_ref()? {
            IdValue::Text(text) => text.parse().ok(),
            IdValue::Structured(id) => {
                Some(uuid::Uuid::from_u64_pair(id.most_significant_bits.cast_unsigned(), id.least_significant_bits.cast_unsigned()))
            }
        }
    }
}
