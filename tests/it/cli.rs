//! The command line, beside `serve`.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::harness::{Drive, Output, cairn, command};

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
