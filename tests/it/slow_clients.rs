//! Clients that hold a connection without using it are let go, and hurt nobody else meanwhile.

use crate::harness::{Drive, RawConnection, content, until};

const IMPATIENT: &[(&str, &str)] = &[("CAIRN_SERVER__HEADER_SECONDS_MAX", "1"), ("CAIRN_SERVER__IDLE_SECONDS_MAX", "1")];

#[tokio::test]
async fn half_a_header_and_a_trickled_one_are_closed() {
    let drive = Drive::with(IMPATIENT);
    let mut half = RawConnection::open(drive.address());
    half.send("GET /livez HTTP/1.1\r\nHost: dri");
    let mut trickle = RawConnection::open(drive.address());
    trickle.send("GET /livez HTTP/1.1\r\nHost: drive\r\nX: ");
    until("the trickle is closed", || (!trickle.try_send("x")).then_some(()));
    half.receive_all();
    drive.client().get("/livez").send().await.expect(200);
}

#[tokio::test]
async fn a_body_that_stops_is_given_up_and_leaves_nothing() {
    let drive = Drive::with(IMPATIENT);
    let user = drive.user().await;
    let mut stalled = RawConnection::open(drive.address());
    stalled.send(format!(
        "POST /file/upload?name=a HTTP/1.1\r\nHost: drive\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: 1000000\r\n\r\n",
        user.token().unwrap()
    ));
    stalled.send(content(111, 300_000));
    let answer = stalled.answer();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("request_timeout"), "{answer}");
    until("nothing is left of it", || drive.files_in("staging").is_empty().then_some(()));
    assert_eq!(user.list("").await, []);
}

#[tokio::test]
async fn a_download_that_nobody_reads_is_given_up() {
    let drive = Drive::with(IMPATIENT);
    let user = drive.user().await;
    let file = user.upload("large.bin", &content(112, 30_000_000)).await;
    let mut unread = RawConnection::open(drive.address());
    unread.send(format!(
        "GET /file/download?id={} HTTP/1.1\r\nHost: drive\r\nAuthorization: Bearer {}\r\n\r\n",
        file.id,
        user.token().unwrap()
    ));
    until("the drive has given up", || drive.log().contains("cut off").then_some(()));
    assert!(unread.receive_all().len() < 30_000_000);
}

#[tokio::test]
async fn many_silent_connections_do_not_stand_in_the_way() {
    let drive = Drive::start();
    let silent: Vec<RawConnection> = (0..200).map(|_| RawConnection::open(drive.address())).collect();
    drive.client().get("/livez").send().await.expect(200);
    drop(silent);
}
