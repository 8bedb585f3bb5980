use cairn_servers::{RabbitMq, RabbitMqAddress};

use crate::amqp::Connection;
use crate::life::live;

/// A persistent message in a durable queue, confirmed by the broker.
fn publish(server: &RabbitMqAddress) {
    let mut connection = Connection::open(server);
    connection.declare_durable("kept");
    connection.publish_confirmed("kept", b"data");
}

/// Without an acknowledgement the message goes back into the queue.
fn is_stored(server: &RabbitMqAddress) -> bool {
    Connection::open(server).get("kept") == b"data"
}

#[test]
fn a_rabbitmq_keeps_what_it_confirmed() {
    let server = RabbitMq::start().unwrap();
    assert_eq!(server.url(), format!("amqp://app:app@127.0.0.1:{}", server.port()));
    live(server, publish, is_stored);
}
