//! What operators see and do beside the projections: transfers between stores.

use serde_json::{Value, json};

use crate::harness::{Drive, until_async};

/// An id that is nobody's.
const UNKNOWN: &str = "3d2f8a6e-07b1-5c4d-9e58-61f0a7c324db";

#[tokio::test]
async fn nothing_moves_in_a_drive_of_one_store() {
    let drive = Drive::start();
    let operator = drive.operator().await;
    operator.upload("a.bin", "bytes that stay".as_bytes()).await;
    for state in ["requested", "queued", "started", "stalled", "completed", "abandoned"] {
        let list = operator.get("/admin/transfers").query("state", state).query("limit", 1).send().await.expect(200).json();
        assert_eq!(list, json!({ "items": [], "next_cursor": null }), "{state}");
    }
}

#[tokio::test]
async fn a_wrong_question_for_transfers_is_refused_and_says_where_it_is_wrong() {
    let drive = Drive::start();
    let operator = drive.operator().await;
    for (parameter, value) in [("state", "lost"), ("limit", "0"), ("cursor", "after-1")] {
        let answer = operator.get("/admin/transfers").query(parameter, value).send().await;
        let problem = answer.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], parameter, "{problem}");
    }
}

#[tokio::test]
async fn the_log_is_asked_as_on_the_command_line() {
    let drive = Drive::start();
    let operator = drive.operator().await;
    let file = operator.upload("a.txt", b"a").await;
    let events = drive.events();
    let ids = |events: &[Value]| events.iter().map(|event| event["id"].clone()).collect::<Vec<_>>();
    let (third, stream) = (events[2]["position"].to_string(), format!("file-{}", file.id));
    for (parameters, options) in [
        (&[("type", "FileAdded"), ("type", "FileMerged")][..], &["--type", "FileAdded", "--type", "FileMerged"][..]),
        (&[("actor", operator.name.as_str())], &["--actor", operator.name.as_str()]),
        (&[("actor", operator.id.as_str())], &["--actor", operator.id.as_str()]),
        (&[("actor", "system")], &["--actor", "system"]),
        (&[("stream", stream.as_str())], &["--stream", stream.as_str()]),
        (&[("from", third.as_str())], &["--from", third.as_str()]),
        (&[("until", third.as_str())], &["--until", third.as_str()]),
        (&[("from", "2999-01-01T00:00:00Z")], &["--from", "2999-01-01"]),
    ] {
        let asked = parameters.iter().fold(operator.get("/admin/events"), |call, (name, value)| call.query(name, value));
        let listed = drive.cairn(&[&["events", "list", "--json"], options].concat()).json_lines();
        assert_eq!(ids(&asked.send().await.items()), ids(&listed), "{parameters:?}");
    }
    for (parameter, value) in [("tpye", "FileAdded"), ("type", "FileAdder"), ("actor", "nobody-at-all"), ("from", "soon")] {
        operator.get("/admin/events").query(parameter, value).send().await.invalid(parameter);
    }
}

#[tokio::test]
async fn only_a_transfer_that_is_there_is_tried_again() {
    let drive = Drive::start();
    let operator = drive.operator().await;
    let retry = |body| operator.post("/admin/transfers/retry").json(&body).send();
    retry(json!({ "id": UNKNOWN })).await.problem(404, "not_found");
    retry(json!({})).await.problem(422, "invalid");
}

/// What is under way is told step by step; and nothing at all, when nothing is.
#[tokio::test]
async fn a_rebuild_is_watched_as_it_goes_on() {
    let drive = Drive::start();
    let operator = drive.operator().await;
    let watch = async || {
        let answer = operator.get("/admin/projections/progress").send().await.expect(200);
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        String::from_utf8(answer.body).unwrap()
    };
    assert_eq!(watch().await, "event: end\ndata: {}\n\n");
    let rebuild = async || operator.post("/admin/projections/rebuild").json(&json!({})).send().await.expect(200);
    until_async("a rebuild is seen", async || {
        let (said, _) = tokio::join!(watch(), rebuild());
        assert!(said.ends_with("event: end\ndata: {}\n\n"), "{said}");
        said.starts_with("event: progress\ndata: {\"done\":").then_some(())
    })
    .await;
}
