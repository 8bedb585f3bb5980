//! `cairn events list|show|stats|tail`: the log, as people and programs see it.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::Drive;

#[tokio::test]
async fn events_are_listed_for_people_and_for_programs() {
    let drive = Drive::start();
    let user = drive.user().await;
    let file = user.upload("报告.txt", b"a").await;
    let events = drive.events();
    let positions: Vec<u64> = events.iter().map(|event| event["position"].as_u64().unwrap()).collect();
    assert!(positions.windows(2).all(|pair| pair[0] < pair[1]), "in order: {positions:?}");
    for event in &events {
        for field in ["id", "stream", "type", "time"] {
            assert!(event[field].is_string(), "{field}: {event}");
        }
        assert!(
            event["version"].is_u64() && event["schema"] == 1 && event["data"].is_object() && event["metadata"].is_object(),
            "{event}"
        );
    }
    let of_file = drive.cairn(&["events", "list", "--category", "file", "--json"]).json_lines();
    assert_eq!(of_file.len(), 1);
    assert_eq!((&of_file[0]["type"], &of_file[0]["data"]["name"]), (&json!("FileAdded"), &json!("报告.txt")));
    let stream = format!("file-{}", file.id);
    assert_eq!(drive.cairn(&["events", "list", "--stream", &stream, "--json"]).json_lines(), of_file);
    let second = positions[1].to_string();
    let limited = drive.cairn(&["events", "list", "--after", &second, "--limit", "3", "--json"]).json_lines();
    assert_eq!(limited, events[2..5]);
    let lines = drive.cairn(&["events", "list"]).success();
    assert_eq!(lines.lines().count(), events.len());
    assert!(lines.contains("FileAdded") && lines.contains(&stream), "{lines}");
}

/// The chain of causes leads from the entry back to the request, and one id binds all that it set off.
#[tokio::test]
async fn every_event_says_who_asked_and_because_of_what() {
    let drive = Drive::start();
    let user = drive.user().await;
    let call = user.raw_upload("a.txt", "a").header("x-request-id", "the-upload");
    call.send().await.expect(201);
    let events: Vec<Value> = drive.events().into_iter().filter(|event| event["metadata"]["correlation"] == "the-upload").collect();
    let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["FileMerged", "BlobStored", "BlobReferenced", "FileAdded"]);
    let cause = |event: &Value| event["metadata"]["causation"].clone();
    assert_eq!(cause(&events[0]), Value::Null);
    assert_eq!(cause(&events[1]), events[0]["id"]);
    assert_eq!(cause(&events[3]), events[1]["id"]);
    assert!(events.iter().all(|event| event["metadata"]["actor"] == user.id && event["metadata"]["client"] == "127.0.0.1"));
}

#[tokio::test]
async fn events_are_chosen_by_type_person_place_and_time() {
    let drive = Drive::start();
    let (alice, bob) = (drive.user().await, drive.user().await);
    alice.upload("a.txt", b"a").await;
    bob.upload("b.txt", b"b").await;
    let events = drive.events();
    let list = |more: &[&str]| drive.cairn(&[&["events", "list", "--json"], more].concat()).json_lines();
    let those = |has: &dyn Fn(&Value) -> bool| -> Vec<Value> { events.iter().filter(|event| has(event)).cloned().collect() };
    let types = ["FileAdded", "FileMerged"];
    let chosen = those(&|event| types.contains(&event["type"].as_str().unwrap()));
    assert_eq!((list(&["--type", "FileAdded", "--type", "FileMerged"]), chosen.len()), (chosen, 4));
    let of_alice = those(&|event| event["metadata"]["actor"] == alice.id);
    assert!(of_alice.len() > 3, "{of_alice:?}");
    assert_eq!(list(&["--actor", &alice.id]), of_alice);
    assert_eq!(list(&["--actor", &alice.name]), of_alice);
    assert_eq!(list(&["--actor", "system"]), those(&|event| event["metadata"]["actor"].is_null()));
    let (third, time) = (events[2]["position"].to_string(), events[2]["time"].as_str().unwrap());
    assert_eq!(list(&["--from", &third]), events[2..]);
    assert_eq!(list(&["--until", &third]), events[..3]);
    assert_eq!(list(&["--from", &third, "--until", &third]), events[2..3]);
    assert_eq!(list(&["--from", time]), those(&|event| event["time"].as_str().unwrap() >= time));
    assert_eq!(list(&["--until", time]), those(&|event| event["time"].as_str().unwrap() <= time));
    let (first, last) = (&events[0]["time"].as_str().unwrap()[..10], &events.last().unwrap()["time"].as_str().unwrap()[..10]);
    assert_eq!(list(&["--from", first, "--until", last]), events);
    assert_eq!(list(&["--from", "2999-01-01"]), [Value::Null; 0]);
    let misspelt = drive.cairn(&["events", "list", "--type", "FileAdder"]);
    assert!(misspelt.stderr.contains("FileAdder") && misspelt.success().is_empty());
    let nobody = drive.cairn(&["events", "list", "--actor", "nobody-at-all"]);
    assert!(nobody.code == Some(1) && nobody.stderr.contains("nobody-at-all"), "{nobody:?}");
}

#[tokio::test]
async fn an_event_is_shown_with_what_led_to_it_and_what_followed() {
    let drive = Drive::start();
    let user = drive.user().await;
    let file = user.upload("a.txt", b"a").await;
    let events = drive.events();
    let named = |name: &str| events.iter().find(|event| event["type"] == name).unwrap();
    let (stored, added) = (named("BlobStored"), named("FileAdded"));
    let show = |what: &str| drive.cairn(&["events", "show", what, "--json"]).json_lines();
    let tree = show(stored["id"].as_str().unwrap());
    assert_eq!(show(&stored["position"].to_string()), tree);
    let told: Vec<_> = tree.iter().map(|event| (event["type"].as_str().unwrap(), event["depth"].as_u64().unwrap())).collect();
    assert_eq!(told, [("FileMerged", 0), ("BlobStored", 1), ("FileAdded", 2), ("BlobReferenced", 1)]);
    let asked: Vec<_> = tree.iter().filter(|event| event["asked"] == true).map(|event| &event["id"]).collect();
    assert_eq!(asked, [&stored["id"]]);
    // Of a stream the tree is the same, and another event was asked for.
    let of_stream = show(&format!("file-{}", file.id));
    let ids = |tree: &[Value]| tree.iter().map(|event| event["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&of_stream), ids(&tree));
    assert_eq!(of_stream.iter().find(|event| event["asked"] == true).unwrap()["id"], added["id"]);
    let text = drive.cairn(&["events", "show", added["id"].as_str().unwrap()]).success();
    for said in ["FileAdded, schema 1", "\"a.txt\"", user.id.as_str(), "127.0.0.1", "FileMerged"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    for absent in ["999999", "6f1f2d9a-5f0e-5c9b-9d6b-0a4f3c1e7b11", "file-6f1f2d9a-5f0e-5c9b-9d6b-0a4f3c1e7b11", "nonsense"] {
        let refused = drive.cairn(&["events", "show", absent]);
        assert!(refused.code == Some(1) && refused.stderr.contains(absent), "{refused:?}");
    }
}

#[tokio::test]
async fn what_is_on_the_log_is_counted() {
    let drive = Drive::start();
    let user = drive.user().await;
    for name in ["a.txt", "b.txt"] {
        user.upload(name, name.as_bytes()).await;
    }
    let events = drive.events();
    let mut counted = drive.cairn(&["events", "stats", "--json"]).json_lines();
    let all = counted.pop().unwrap();
    assert_eq!(all["events"], events.len());
    let sum = |field: &str| counted.iter().map(|line| line[field].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("events"), sum("streams")), (events.len() as u64, all["streams"].as_u64().unwrap()));
    assert_eq!(all["streams"], events.iter().filter(|event| event["version"] == 0).count());
    assert_eq!((&all["first"]["time"], &all["last"]["position"]), (&events[0]["time"], &events.last().unwrap()["position"]));
    let added = counted.iter().find(|line| line["type"] == "FileAdded").unwrap();
    assert_eq!((&added["events"], &added["streams"], &added["category"]), (&json!(2), &json!(2), &json!("file")));
    let of_files = drive.cairn(&["events", "stats", "--category", "file"]).success();
    assert!(of_files.contains("FileAdded") && !of_files.contains("BlobStored"), "{of_files}");
}

#[tokio::test]
async fn the_tail_of_the_log_is_followed() {
    let drive = Drive::start();
    let user = drive.user().await;
    user.upload("first.txt", b"a").await;
    let events = drive.events();
    let last = drive.cairn(&["events", "tail", "--lines", "2", "--json"]).json_lines();
    assert_eq!(last, events[events.len() - 2..]);

    let mut tail = drive.command(&["events", "tail", "-f", "--lines", "1", "--json"]);
    let mut tail = tail.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next(), *events.last().unwrap());
    user.upload("second.txt", b"b").await;
    let mut seen = next();
    while seen["type"] != "FileAdded" {
        seen = next();
    }
    assert_eq!(seen["data"]["name"], "second.txt");
    tail.kill().unwrap();
    tail.wait().unwrap();
}
