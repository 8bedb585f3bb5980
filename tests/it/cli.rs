//! The command line, beside `serve`.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::{Drive, Output, cairn, command, over};

/// Every verb, as the help texts name them, each after the one that it belongs to.
fn verbs() -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let mut next = 0;
    while let Some(verb) = all.get(next).cloned() {
        let help = help(&verb);
        let commands =
            help.split_once("\nCommands:\n").map(|(_, commands)| commands.split("\n\n").next().unwrap()).unwrap_or_default();
        let names = commands
            .lines()
            .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next().filter(|_| !line.starts_with("   ")));
        all.extend(names.filter(|name| *name != "help").map(|name| [&verb[..], &[name.to_owned()]].concat()));
        next += 1;
    }
    all
}

fn help(verb: &[String]) -> String {
    let asked: Vec<&str> = verb.iter().map(String::as_str).chain(["--help"]).collect();
    cairn(&asked).success()
}

#[test]
fn every_verb_explains_itself_with_examples() {
    let verbs = verbs();
    assert!(verbs.len() > 40 && verbs.contains(&vec!["transfer".to_owned(), "retry".to_owned()]), "{verbs:?}");
    for verb in verbs {
        let help = help(&verb);
        assert!(help.contains("Usage:"), "{verb:?}: {help}");
        assert!(help.contains("\nExample") || help.contains("\nCommands:\n"), "{verb:?}: {help}");
    }
    assert!(cairn(&["--version"]).success().starts_with("cairn "));
}

#[test]
fn shells_complete_it_and_man_explains_it() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = cairn(&["completions", shell]).success();
        assert!(script.contains("rebuild") && script.contains("follow"), "{shell}: {script}");
    }
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().to_str().unwrap();
    cairn(&["man", directory]).success();
    for verb in verbs() {
        let page = place.path().join(format!("{}.1", [&["cairn".to_owned()], &verb[..]].concat().join("-")));
        let text = fs::read_to_string(&page).unwrap_or_else(|error| panic!("{page:?}: {error}"));
        assert!(text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"), "{verb:?}: {text}");
    }
    let nowhere = format!("{directory}/absent");
    let refused = cairn(&["man", &nowhere]);
    assert!(refused.code == Some(1) && refused.stderr.contains(&nowhere), "{refused:?}");
}

/// A pipe from which nobody reads any more.
fn closed_pipe() -> Stdio {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// A device that has no room (null(4)).
fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

#[tokio::test]
async fn whoever_has_heard_enough_changes_neither_the_answer_nor_the_work() {
    let mut drive = Drive::start();
    drive.user_called("ada").await;
    let into_a_closed_pipe = |drive: &Drive, verb: &[&str]| Output::of(drive.command(verb).stdout(closed_pipe()));
    for verb in
        [&["events", "list"][..], &["events", "stats"], &["events", "export", "-"], &["projection", "list"], &["events", "audit"]]
    {
        let ended = into_a_closed_pipe(&drive, verb);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{verb:?}");
    }
    into_a_closed_pipe(&drive, &["user", "grant", "ada", "admin"]).success();
    assert!(drive.events().iter().any(|event| event["type"] == "RoleGranted"), "it was done");
    drive.stop();
    let last = drive.events().len();
    over::tamper(drive.data(), &format!("UPDATE events SET version = version + 1 WHERE position = {last}"));
    assert_eq!(into_a_closed_pipe(&drive, &["events", "audit"]).code, Some(3));
    over::tamper(drive.data(), "DELETE FROM events WHERE position > 1");
    assert_eq!(into_a_closed_pipe(&drive, &["doctor"]).code, Some(1));
    assert_eq!(into_a_closed_pipe(&drive, &["projection", "status"]).code, Some(1));
}

#[tokio::test]
async fn what_could_not_be_said_is_an_error() {
    let drive = Drive::start();
    drive.user().await;
    for verb in [
        &["events", "list"][..],
        &["events", "audit"],
        &["events", "export", "-"],
        &["projection", "verify"],
        &["config", "check"],
        &["doctor"],
    ] {
        let ended = Output::of(drive.command(verb).stdout(full()));
        assert!(ended.code == Some(1) && ended.stderr.contains("No space left"), "{verb:?}: {ended:?}");
    }
    for verb in [&["openapi"][..], &["completions", "bash"], &["--help"], &["events", "--help"]] {
        let ended = Output::of(command().args(verb).stdout(full()));
        assert!(ended.code == Some(1) && ended.stderr.contains("standard output"), "{verb:?}: {ended:?}");
    }
    let unheard = Output::of(command().args(["events", "list", "--data", "nope"]).stderr(full()));
    assert_eq!(unheard.code, Some(1), "{unheard:?}");
}

#[test]
fn who_only_looks_leaves_a_file_that_is_no_log_as_it_is() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    fs::create_dir(&data).unwrap();
    let file = data.join("events.db");
    for bytes in [&b""[..], b"some other file, and a long one"] {
        fs::write(&file, bytes).unwrap();
        for verb in [&["events", "list"][..], &["events", "audit"], &["user", "grant", "ada", "admin"]] {
            let refused = Output::of(command().args(verb).arg("--data").arg(&data));
            assert!(refused.code == Some(2) && refused.stderr.contains("events.db"), "{verb:?}: {refused:?}");
        }
        assert_eq!(fs::read(&file).unwrap(), bytes);
    }
}

#[test]
fn what_cannot_be_meant_ends_with_2() {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = place.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let unknown = path("unknown.toml", "[server]\nlissen = \"127.0.0.1:1\"\n");
    let broken = path("broken.toml", "[server\n");
    let wrong = path("wrong.toml", "[limits]\nparts_max = \"many\"\n");
    let absent = place.path().join("absent.toml").to_str().unwrap().to_owned();
    for config in [&unknown, &broken, &wrong, &absent] {
        for verb in [&["config", "check"][..], &["serve"], &["events", "list"]] {
            let mut arguments = verb.to_vec();
            arguments.extend(["--config", config]);
            let refused = Output::of(command().current_dir(place.path()).args(&arguments));
            assert_eq!(refused.code, Some(2), "{arguments:?}: {refused:?}");
            assert!(refused.stderr.contains("configuration"), "{refused:?}");
        }
    }
    assert!(cairn(&["config", "check", "--config", &unknown]).stderr.contains("lissen"));
    for arguments in [
        &["nonsense"][..],
        &["serve", "--listen", "nowhere"],
        &["events", "list", "--limit", "x"],
        &["events", "stats", "--from", "soon"],
        &["user", "grant", "a", "king"],
        &["replay"],
        &["replay", "--until", "1"],
        &["replay", "--until", "soon", "--into", "x.db"],
        &["replay", "--until", "1", "--user", "ada"],
        &["replay", "--until", "1", "--list"],
        &["replay", "--until", "1", "--list", "--user", "ada", "--into", "x.db"],
        &["replay", "--until", "1", "--list", "--user", "ada", "--force"],
        &["replay", "diff", "--from", "1", "--user", "ada"],
        &["replay", "--until", "1", "diff", "--from", "1", "--until", "2", "--user", "ada"],
    ] {
        assert_eq!(cairn(arguments).code, Some(2), "{arguments:?}");
    }
    for (name, value) in
        [("CAIRN_LIMITS__PARTS_MAX", "0"), ("CAIRN_LOG__URL", "ftp://localhost"), ("CAIRN_TELEMETRY__FORMAT", "song")]
    {
        let refused = Output::of(command().env(name, value).args(["config", "check"]));
        assert_eq!(refused.code, Some(2), "{name}: {refused:?}");
    }
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 3, "nothing was made");
}

#[test]
fn the_configuration_is_explained() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("cairn.toml");
    fs::write(&file, "[server]\nlisten = \"127.0.0.1:1\"\n[limits]\nparts_max = 7\n").unwrap();
    let mut check = command();
    check.args(["config", "check", "--json", "--config", file.to_str().unwrap()]).env("CAIRN_SERVER__LISTEN", "127.0.0.1:2");
    let said = &Output::of(&mut check).json_lines()[0];
    assert_eq!((&said["server"]["listen"], &said["limits"]["parts_max"]), (&json!("127.0.0.1:2"), &json!(7)));
    assert!(cairn(&["config", "check"]).success().contains("[limits]"));
}

#[test]
fn the_files_for_the_roles_of_a_drive_are_good() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/roles");
    let files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 4, "{files:?}");
    let mut services = Vec::new();
    for file in files {
        let said = cairn(&["config", "check", "--json", "--config", file.to_str().unwrap()]).json_lines().remove(0);
        let its: Vec<String> = serde_json::from_value(said["server"]["services"].clone()).unwrap();
        services.extend(its);
        assert_eq!((&said["policy"]["land"], &said["server"]["migrate"]), (&json!("ceph"), &json!(false)), "{file:?}");
    }
    services.sort();
    let all = ["account", "download", "janitor", "offline", "projector", "relay", "saga", "share", "transfer", "upload"];
    assert_eq!(services, all, "each service is in one role");
}

#[test]
fn verbs_over_a_drive_that_is_not_there_say_so_and_make_none() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    for verb in [
        &["events", "list"][..],
        &["events", "audit"],
        &["events", "export", "-"],
        &["backup", "nowhere"],
        &["events", "show", "1"],
        &["events", "stats"],
        &["events", "tail"],
        &["projection", "list"],
        &["projection", "status"],
        &["projection", "verify"],
        &["projection", "rebuild", "--all"],
        &["projection", "parked"],
        &["projection", "retry"],
        &["replay", "--until", "1", "--user", "ada", "--list"],
        &["replay", "--until", "1", "--into", "then.db"],
        &["replay", "diff", "--from", "1", "--until", "2", "--user", "ada"],
        &["user", "grant", "ada", "admin"],
    ] {
        let refused = Output::of(command().current_dir(place.path()).args(verb).arg("--data").arg(&data));
        assert_eq!(refused.code, Some(1), "{verb:?}: {refused:?}");
        assert!(refused.stderr.contains("--data"), "{refused:?}");
    }
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
}

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

#[tokio::test]
async fn projections_are_listed() {
    let drive = Drive::start();
    drive.user().await.upload("a.txt", b"a").await;
    let head = drive.events().last().unwrap()["position"].clone();
    let list = drive.cairn(&["projection", "list", "--json"]).json_lines();
    assert!(list.len() >= 3, "{list:?}");
    for projection in &list {
        assert!(projection["name"].is_string() && projection["version"].is_u64(), "{projection}");
        assert_eq!((&projection["position"], &projection["lag"], &projection["parked"]), (&head, &json!(0), &json!(0)));
    }
    assert!(drive.cairn(&["projection", "list"]).success().contains(list[0]["name"].as_str().unwrap()));
}

#[tokio::test]
async fn roles_are_granted_to_people_who_are_there() {
    let drive = Drive::start();
    drive.user_called("ada").await;
    let granted = drive.cairn(&["user", "grant", "ADA", "admin", "--json"]).json_lines();
    assert_eq!((&granted[0]["role"], &granted[0]["granted"]), (&json!("admin"), &json!(true)));
    drive.cairn(&["user", "grant", "ada", "admin"]).success();
    let events = drive.events();
    assert_eq!(events.iter().filter(|event| event["type"] == "RoleGranted").count(), 1);
    let refused = drive.cairn(&["user", "grant", "nobody", "admin"]);
    assert_eq!((refused.code, refused.stderr.contains("nobody")), (Some(1), true), "{refused:?}");
    assert_eq!(drive.cairn(&["user", "revoke", "ada", "admin", "--json"]).json_lines()[0]["granted"], false);
}

#[test]
fn a_schema_is_made_and_said_to_be() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let migrated = cairn(&["migrate", "--json", "--data", data.to_str().unwrap()]);
    assert_eq!(migrated.json_lines(), [json!({ "migrated": true })]);
    assert!(data.join("events.db").exists());
}

#[test]
fn two_drives_do_not_share_a_directory() {
    let drive = Drive::start();
    let mut second = command();
    second.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(drive.data());
    let refused = Output::of(&mut second);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("running"), "{refused:?}");
}

#[test]
fn an_address_that_is_taken_is_said_so() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = tempfile::tempdir().unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut serve = command();
    serve.args(["serve", "--listen", &address, "--data"]).arg(place.path().join("data"));
    let refused = Output::of(&mut serve);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains(&address), "{refused:?}");
}
