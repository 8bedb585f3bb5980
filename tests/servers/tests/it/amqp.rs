//! As much of AMQP 0-9-1 as the tests need, on channel 1. Numbers are those of section 1.3 of its reference.

use std::io::{Read, Write};
use std::net::TcpStream;

use cairn_servers::RabbitMqAddress;

const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;
const FRAME_END: u8 = 0xCE;
const BASIC: u16 = 60;

pub(crate) struct Connection {
    stream: TcpStream,
}

impl Connection {
    /// Logs in and opens channel 1.
    pub(crate) fn open(server: &RabbitMqAddress) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        stream.write_all(b"AMQP\x00\x00\x09\x01").unwrap();
        let mut connection = Self { stream };
        connection.expect((10, 10));
        let login = format!("\0{}\0{}", server.user(), server.password());
        connection.send(0, (10, 11), &[&[0; 4], &short("PLAIN")[..], &long(login.as_bytes()), &short("en_US")].concat());
        let offered = connection.expect((10, 30));
        connection.send(0, (10, 31), &offered);
        connection.send(0, (10, 40), &[1, b'/', 0, 0]);
        connection.expect((10, 41));
        connection.send(1, (20, 10), &[0]);
        connection.expect((20, 11));
        connection
    }

    pub(crate) fn declare_durable(&mut self, queue: &str) {
        self.send(1, (50, 10), &[&[0, 0], &short(queue)[..], &[0b10], &[0; 4]].concat());
        self.expect((50, 11));
    }

    /// Publishes a persistent message and waits for the broker's word that it has it.
    pub(crate) fn publish_confirmed(&mut self, queue: &str, body: &[u8]) {
        self.send(1, (85, 10), &[0]);
        self.expect((85, 11));
        self.send(1, (BASIC, 40), &[&[0, 0], &short("")[..], &short(queue), &[0]].concat());
        // The only property is the delivery mode, 2 for persistent.
        let size = (body.len() as u64).to_be_bytes();
        self.send_frame(1, HEADER, &[&BASIC.to_be_bytes()[..], &[0, 0], &size, &[0b1_0000, 0, 2]].concat());
        self.send_frame(1, BODY, body);
        self.expect((BASIC, 80));
    }

    /// Takes the first message out of the queue, for as long as this connection lasts. An empty queue panics.
    pub(crate) fn get(&mut self, queue: &str) -> Vec<u8> {
        self.send(1, (BASIC, 70), &[&[0, 0], &short(queue)[..], &[0]].concat());
        self.expect((BASIC, 71));
        assert_eq!(self.read_frame().0, HEADER);
        let (kind, body) = self.read_frame();
        assert_eq!(kind, BODY);
        body
    }

    fn send(&mut self, channel: u16, (class, method): (u16, u16), arguments: &[u8]) {
        let payload = [&class.to_be_bytes()[..], &method.to_be_bytes(), arguments].concat();
        self.send_frame(channel, METHOD, &payload);
    }

    fn send_frame(&mut self, channel: u16, kind: u8, payload: &[u8]) {
        let frame = [&[kind], &channel.to_be_bytes()[..], &long(payload), &[FRAME_END]].concat();
        self.stream.write_all(&frame).unwrap();
    }

    /// Reads this method and gives its arguments.
    fn expect(&mut self, (class, method): (u16, u16)) -> Vec<u8> {
        let (kind, payload) = self.read_frame();
        let expected = [class.to_be_bytes(), method.to_be_bytes()].concat();
        assert!(kind == METHOD && payload.starts_with(&expected), "{class}.{method} expected: {payload:?}");
        payload[4..].to_vec()
    }

    fn read_frame(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 7];
        self.stream.read_exact(&mut head).unwrap();
        let size = u32::from_be_bytes(head[3..].try_into().unwrap()) as usize;
        let mut payload = vec![0; size + 1];
        self.stream.read_exact(&mut payload).unwrap();
        assert_eq!(payload.pop(), Some(FRAME_END));
        (head[0], payload)
    }
}

fn short(text: &str) -> Vec<u8> {
    [&[text.len() as u8], text.as_bytes()].concat()
}

fn long(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}
