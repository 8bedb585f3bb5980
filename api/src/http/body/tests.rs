use futures_util::stream as streams;
use poem::{Request, RequestBody};
use poem_openapi::payload::ParsePayload;
use proptest::prelude::*;

use super::*;

fn pieces(bytes: &[u8], size: usize) -> Body {
    let pieces: Vec<io::Result<Vec<u8>>> = bytes.chunks(size.max(1)).map(|piece| Ok(piece.to_vec())).collect();
    Body::from_bytes_stream(streams::iter(pieces))
}

async fn open(content_type: Option<&str>, body: Body, limit: u64) -> Result<UploadPart, BodyError> {
    let mut request = Request::builder();
    if let Some(content_type) = content_type {
        request = request.content_type(content_type);
    }
    let upload = UploadBody::from_request(&request.finish(), &mut RequestBody::new(body)).await.unwrap();
    upload.open(limit).await
}

async fn read(mut part: UploadPart) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::new();
    while let Some(frame) = part.content.next().await {
        bytes.extend_from_slice(&frame?);
    }
    Ok(bytes)
}

const FORM: Option<&str> = Some("multipart/form-data; boundary=XX");

fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (disposition, content) in parts {
        bytes.extend_from_slice(b"--XX\r\nContent-Disposition: form-data; ");
        bytes.extend_from_slice(disposition.as_bytes());
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes.extend_from_slice(content);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"--XX--\r\n");
    bytes
}

/// The code of the problem that reading this form ends in.
async fn refusal(bytes: Vec<u8>, limit: u64) -> Problem {
    match open(FORM, pieces(&bytes, 7), limit).await {
        Ok(part) => read(part).await.unwrap_err().into(),
        Err(error) => error.into(),
    }
}

#[tokio::test]
async fn a_body_may_have_exactly_its_limit() {
    assert_eq!(collect(pieces(&[7; 100], 30), 100).await.unwrap(), vec![7; 100]);
    assert!(matches!(collect(pieces(&[7; 101], 30), 100).await, Err(BodyError::TooLarge { limit: 100 })));
}

#[tokio::test]
async fn an_announced_length_over_the_limit_is_refused_unread() {
    let mut stream = stream(Body::from(vec![0; 101]), 100);
    assert!(matches!(stream.next().await, Some(Err(BodyError::TooLarge { .. }))));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn nothing_comes_after_an_error() {
    let broken = Body::from_bytes_stream(streams::iter([
        Ok(&b"a"[..]),
        Err(io::Error::from(io::ErrorKind::ConnectionReset)),
        Ok(&b"b"[..]),
    ]));
    let items: Vec<_> = stream(broken, 100).collect().await;
    assert_eq!(items.len(), 2);
    let problem = Problem::from(items.into_iter().nth(1).unwrap().unwrap_err());
    assert_eq!((problem.kind().status, problem.kind().code), (400, "incomplete_body"));
}

#[tokio::test]
async fn any_other_media_type_is_the_file_itself() {
    for content_type in [None, Some("image/png"), Some("multipart/mixed; boundary=XX"), Some("application/x-www-form-urlencoded")] {
        let part = open(content_type, Body::from("bytes"), 100).await.unwrap();
        assert_eq!((part.content_type.as_deref(), part.length), (content_type, Some(5)));
        assert_eq!((&part.folder_id, &part.file_name), (&None, &None));
        assert_eq!(read(part).await.unwrap(), b"bytes");
    }
}

#[tokio::test]
async fn a_form_gives_the_file_its_name_and_folder() {
    let bytes = form(&[
        ("name=\"folder_id\"", b"d290f1ee-6c54-4b01-90e6-d701748f0851"),
        ("name=\"file\"; filename=\"a%22\u{62a5}.txt\"\r\nContent-Type: text/plain", b"line\r\n--X\r\n"),
    ]);
    for size in [1, 7, 64, 100_000] {
        let part = open(FORM, pieces(&bytes, size), 100).await.unwrap();
        assert_eq!(part.folder_id.as_deref(), Some("d290f1ee-6c54-4b01-90e6-d701748f0851"));
        assert_eq!(part.file_name.as_deref(), Some("a\"\u{62a5}.txt"));
        assert_eq!(part.content_type.as_deref(), Some("text/plain"));
        assert_eq!(read(part).await.unwrap(), b"line\r\n--X\r\n");
    }
}

#[tokio::test]
async fn an_extended_name_wins() {
    let bytes = form(&[("name=\"file\"; filename=\"x\"; filename*=utf-8''%E6%8A%A5", b"")]);
    let part = open(FORM, Body::from(bytes), 100).await.unwrap();
    assert_eq!(part.file_name.as_deref(), Some("\u{62a5}"));
    assert_eq!(read(part).await.unwrap(), b"");
}

#[tokio::test]
async fn a_form_with_the_wrong_parts_is_invalid_and_names_them() {
    for (parts, field) in [
        (&[][..], "file"),
        (&[("name=\"folder_id\"", &b"x"[..])], "file"),
        (&[("name=\"other\"", b"x"), ("name=\"file\"", b"x")], "other"),
        (&[("name=\"folder_id\"", b"x"), ("name=\"folder_id\"", b"x")], "folder_id"),
        (&[("name=\"file\"", b"x"), ("name=\"folder_id\"", b"x")], "folder_id"),
        (&[("name=\"file\"", b"x"), ("name=\"file\"", b"y")], "file"),
        (&[("name=\"folder_id\"", &[b'x'; 300])], "folder_id"),
        (&[("name=\"folder_id\"", b"\xff")], "folder_id"),
        (&[("nothing", b"x")], ""),
    ] {
        let problem = refusal(form(parts), 100).await;
        assert_eq!((problem.kind().status, problem.errors()[0].field.as_str()), (422, field), "{parts:?}");
    }
}

#[tokio::test]
async fn a_form_that_ends_early_is_malformed_also_after_the_file() {
    let whole = form(&[("name=\"file\"; filename=\"a\"", b"content")]);
    let closing_line = whole.len() - 2;
    for length in 0..closing_line {
        let problem = refusal(whole[..length].to_vec(), 100).await;
        assert_eq!((problem.kind().status, problem.kind().code), (400, "malformed_multipart"), "{length} bytes");
    }
}

#[tokio::test]
async fn a_form_without_a_boundary_is_malformed() {
    for content_type in ["multipart/form-data", "multipart/form-data; boundary=", "Multipart/Form-Data; charset=utf-8"] {
        let Err(error) = open(Some(content_type), Body::from("x"), 100).await else { panic!("{content_type} was taken") };
        assert_eq!(Problem::from(error).kind().code, "malformed_multipart", "{content_type}");
    }
}

#[tokio::test]
async fn the_limit_counts_the_file_alone() {
    let fits = form(&[("name=\"file\"", &[b'x'; 100])]);
    assert_eq!(read(open(FORM, pieces(&fits, 7), 100).await.unwrap()).await.unwrap().len(), 100);
    assert_eq!(refusal(form(&[("name=\"file\"", &[b'x'; 101])]), 100).await.kind().status, 413);
}

/// A body that goes on for ever and counts what was taken of it.
fn endless(start: Vec<u8>, taken: std::sync::Arc<std::sync::atomic::AtomicU64>) -> Body {
    let filler = streams::repeat_with(|| Ok::<_, io::Error>(vec![b'x'; 8192]));
    Body::from_bytes_stream(streams::iter([Ok(start)]).chain(filler).inspect(move |piece| {
        let bytes = piece.as_ref().map_or(0, |piece| piece.len() as u64);
        taken.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
    }))
}

#[tokio::test]
async fn what_stands_between_the_parts_is_never_kept_in_memory() {
    for start in [&b""[..], b"--XX\r\nX-Header: ", b"--XX\r\nContent-Disposition: form-data; name=\"folder_id\"\r\n\r\n"] {
        let taken = std::sync::Arc::default();
        let body = endless(start.to_vec(), std::sync::Arc::clone(&taken));
        let Err(error) = open(FORM, body, u64::MAX).await else { panic!("an endless form was taken") };
        let status = Problem::from(error).kind().status;
        assert!(matches!(status, 400 | 422), "{status}");
        assert!(taken.load(std::sync::atomic::Ordering::Relaxed) < 100_000);
    }
}

#[tokio::test]
async fn a_file_is_read_no_further_ahead_than_one_piece() {
    let taken = std::sync::Arc::default();
    let start = b"--XX\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n".to_vec();
    let mut part = open(FORM, endless(start, std::sync::Arc::clone(&taken)), u64::MAX).await.unwrap();
    let mut given = 0;
    for _ in 0..1000 {
        given += part.content.next().await.unwrap().unwrap().len() as u64;
        let ahead = taken.load(std::sync::atomic::Ordering::Relaxed) - given;
        assert!(ahead < 3 * 8192, "{ahead} bytes read ahead");
    }
}

#[test]
fn the_two_shapes_are_documented() {
    use poem_openapi::ApiExtractor;
    let request = UploadBody::request_meta().unwrap();
    let types: Vec<&str> = request.content.iter().map(|content| content.content_type).collect();
    assert_eq!(types, ["multipart/form-data", "application/octet-stream"]);
}

proptest! {
    #[test]
    fn any_file_survives_a_form_cut_anywhere(
        content in prop::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'X'), any::<u8>()], 0..200),
        size in 1_usize..50,
    ) {
        prop_assume!(!content.windows(6).any(|window| window == b"\r\n--XX"));
        prop_assume!(!content.starts_with(b"--XX"));
        let bytes = form(&[("name=\"file\"", &content)]);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let received = runtime.block_on(async { read(open(FORM, pieces(&bytes, size), 1000).await.unwrap()).await.unwrap() });
        prop_assert_eq!(received, content);
    }
}
