//! `event_store.client.server_features` and `event_store.client.gossip`.

use super::Id;

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SupportedMethods {
    #[prost(message, repeated, tag = "1")]
    pub(crate) methods: Vec<SupportedMethod>,
    #[prost(string, tag = "2")]
    pub(crate) server_version: String,
}

/// Method and service names are in lower case.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SupportedMethod {
    #[prost(string, tag = "1")]
    pub(crate) method_name: String,
    #[prost(string, tag = "2")]
    pub(crate) service_name: String,
    #[prost(string, repeated, tag = "3")]
    pub(crate) features: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ClusterInfo {
    #[prost(message, repeated, tag = "1")]
    pub(crate) members: Vec<MemberInfo>,
}

/// The value of `MemberInfo.VNodeState` for the one member that there is.
pub(crate) const NODE_STATE_LEADER: i32 = 8;

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct MemberInfo {
    #[prost(message, optional, tag = "1")]
    pub(crate) instance_id: Option<Id>,
    /// In ticks of 100 ns since 1970.
    #[prost(int64, tag = "2")]
    pub(crate) time_stamp: i64,
    #[prost(int32, tag = "3")]
    pub(crate) state: i32,
    #[prost(bool, tag = "4")]
    pub(crate) is_alive: bool,
    #[prost(message, optional, tag = "5")]
    pub(crate) http_end_point: Option<EndPoint>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct EndPoint {
    #[prost(string, tag = "1")]
    pub(crate) address: String,
    #[prost(uint32, tag = "2")]
    pub(crate) port: u32,
}
