//! What a client asks a server about itself before it uses it.

use std::net::SocketAddr;

use crate::proto::{ClusterInfo, EndPoint, Id, MemberInfo, NODE_STATE_LEADER, SupportedMethod, SupportedMethods};
use crate::shared::ticks_now;

/// The version that the double behaves like.
const SERVER_VERSION: &str = "24.10.0";

const STREAMS: &str = "event_store.client.streams.streams";

pub(crate) fn supported_methods() -> SupportedMethods {
    let methods = [
        (STREAMS, "read", &["position", "events"][..]),
        (STREAMS, "append", &[]),
        (STREAMS, "batchappend", &["deadline_duration"]),
        (STREAMS, "delete", &[]),
        (STREAMS, "tombstone", &[]),
        ("event_store.client.gossip.gossip", "read", &[]),
        ("event_store.client.server_features.serverfeatures", "getsupportedmethods", &[]),
    ];
    let methods = methods.map(|(service, method, features)| SupportedMethod {
        method_name: method.to_owned(),
        service_name: service.to_owned(),
        features: features.iter().map(|&feature| feature.to_owned()).collect(),
    });
    SupportedMethods { methods: methods.into(), server_version: SERVER_VERSION.to_owned() }
}

/// A cluster of one, which leads.
pub(crate) fn cluster(address: SocketAddr) -> ClusterInfo {
    let member = MemberInfo {
        instance_id: Some(Id::structured(uuid::Uuid::from_u128(u128::from(address.port())))),
        time_stamp: ticks_now().cast_signed(),
        state: NODE_STATE_LEADER,
        is_alive: true,
        http_end_point: Some(EndPoint { address: address.ip().to_string(), port: address.port().into() }),
    };
    ClusterInfo { members: vec![member] }
}
