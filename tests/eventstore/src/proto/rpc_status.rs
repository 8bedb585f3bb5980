//! `google.rpc.Status` with the details that the answer to a batch carries.

use bytes::Bytes;

use super::{Empty, StreamIdentifier};

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    /// The original repeats it; EventStoreDB always sends one.
    #[prost(message, optional, tag = "3")]
    pub(crate) details: Option<Any>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Any {
    #[prost(string, tag = "1")]
    pub(crate) type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) value: Bytes,
}

/// What can be packed into [`Any`].
pub(crate) trait Detail: prost::Message + Sized {
    /// Its name in the package `event_store.client`.
    const NAME: &'static str;

    fn pack(&self) -> Any {
        let type_url = format!("type.googleapis.com/event_store.client.{}", Self::NAME);
        Any { type_url, value: self.encode_to_vec().into() }
    }
}

/// The conflict of a batch: that of an append with other numbers.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct WrongPosition {
    #[prost(uint64, optional, tag = "1")]
    pub(crate) current_revision: Option<u64>,
    #[prost(message, optional, tag = "2")]
    pub(crate) current_no_stream: Option<Empty>,
    #[prost(uint64, optional, tag = "3")]
    pub(crate) expected_revision: Option<u64>,
    #[prost(message, optional, tag = "4")]
    pub(crate) expected_any: Option<Empty>,
    #[prost(message, optional, tag = "5")]
    pub(crate) expected_stream_exists: Option<Empty>,
    #[prost(message, optional, tag = "6")]
    pub(crate) expected_no_stream: Option<Empty>,
}

impl Detail for WrongPosition {
    const NAME: &'static str = "WrongExpectedVersion";
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StreamDeleted {
    #[prost(message, optional, tag = "1")]
    pub(crate) stream: Option<StreamIdentifier>,
}

impl Detail for StreamDeleted {
    const NAME: &'static str = "StreamDeleted";
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct MaximumAppendSizeExceeded {
    #[prost(uint32, tag = "1")]
    pub(crate) maximum: u32,
}

impl Detail for MaximumAppendSizeExceeded {
    const NAME: &'static str = "MaximumAppendSizeExceeded";
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BadRequest {
    #[prost(string, tag = "1")]
    pub(crate) message: String,
}

impl Detail for BadRequest {
    const NAME: &'static str = "BadRequest";
}
