//! SIGTERM: what is under way is finished, nothing new is begun, and the exit code is 0.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use crate::harness::{Drive, RawConnection, command, content, sha256_hex, until};

fn upload_head(token: &str, size: usize) -> String {
    format!(
        "POST /file/upload?name=slow.bin HTTP/1.1\r\nHost: drive\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n"
    )
}

#[tokio::test]
async fn an_upload_and_a_download_under_way_are_finished() {
    let mut drive = Drive::start();
    let user = drive.user().await;
    let stored = content(101, 20_000_000);
    let file = user.upload("stored.bin", &stored).await;
    let token = user.token().unwrap().to_owned();

    let sent = content(102, 3_000_000);
    let mut upload = RawConnection::open(drive.address());
    upload.send(upload_head(&token, sent.len()));
    upload.send(&sent[..1_000_000]);
    until("the upload is under way", || (!drive.files_in("staging").is_empty()).then_some(()));
    let mut download = RawConnection::open(drive.address());
    download.send(format!(
        "GET /file/download?id={} HTTP/1.1\r\nHost: drive\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n",
        file.id
    ));
    let mut received = download.receive(100_000);

    drive.ask_to_stop();
    until("new connections are refused", || TcpStream::connect(drive.address()).is_err().then_some(()));
    upload.send(&sent[1_000_000..]);
    let answer = upload.answer();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(answer.contains(&sha256_hex(&sent)), "{answer}");
    received.extend(download.receive_all());
    let body = received.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(sha256_hex(&received[body..]), sha256_hex(&stored));
    let ended = drive.ended();
    assert_eq!(ended.code(), Some(0), "{ended}");

    drive.start_again();
    let names: Vec<String> = user.back_on(&drive).list("").await.into_iter().map(|file| file.name).collect();
    assert_eq!(names, ["slow.bin", "stored.bin"]);
}

#[tokio::test]
async fn who_does_not_finish_in_time_is_cut_off() {
    let mut drive = Drive::with(&[("CAIRN_SERVER__DRAIN_SECONDS_MAX", "1")]);
    let user = drive.user().await;
    let mut upload = RawConnection::open(drive.address());
    upload.send(upload_head(user.token().unwrap(), 1_000_000));
    upload.send(content(103, 500_000));
    until("the upload is under way", || (!drive.files_in("staging").is_empty()).then_some(()));
    let ended = drive.stop();
    assert_eq!(ended.code(), Some(0), "{ended}");
    drive.start_again();
    assert_eq!(user.back_on(&drive).list("").await, []);
    assert!(drive.files_in("staging").is_empty() && drive.files_in("blobs").is_empty());
}

#[test]
fn an_idle_drive_stops_at_once_also_with_idle_connections() {
    let mut drive = Drive::start();
    let mut idle = RawConnection::open(drive.address());
    idle.send("GET /livez HTTP/1.1\r\nHost: drive\r\n\r\n");
    assert!(idle.receive(1_000).starts_with(b"HTTP/1.1 200"));
    let silent = RawConnection::open(drive.address());
    let asked = std::time::Instant::now();
    let ended = drive.stop();
    assert_eq!(ended.code(), Some(0), "{ended}");
    assert!(asked.elapsed().as_secs() < 10, "{:?}", asked.elapsed());
    drop(silent);
}

/// A supervisor that reads the address and closes the pipe, for instance.
#[test]
fn a_drive_goes_on_when_nobody_listens_to_what_it_says() {
    let place = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let mut starting = command();
    starting.args(["serve", "--listen", &address, "--data"]).arg(place.path().join("data"));
    let mut drive = starting.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(drive.stdout.take());
    until("it takes connections", || TcpStream::connect(&address).ok());
    let is_ready = || {
        let mut connection = TcpStream::connect(&address).ok()?;
        connection.write_all(b"GET /readyz HTTP/1.1\r\nHost: drive\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).ok()?;
        answer.starts_with("HTTP/1.1 200 ").then_some(())
    };
    until("it is ready", is_ready);
    assert!(drive.try_wait().unwrap().is_none(), "it runs");
    drive.kill().unwrap();
    drive.wait().unwrap();
}
