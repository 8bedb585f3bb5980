//! One drive as many processes: nobody can tell which of them answered.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Cluster, Drive, File, PASSWORD, User, until_async};

/// What answers people.
const NODE: &str = "account,upload,download,share";

/// How long the right to project outlives the process that had it.
const LEASE: Duration = Duration::from_secs(3);

/// Names on the list of a user, as one process gives it.
async fn names(user: &User) -> Vec<String> {
    user.list("limit=1000").await.into_iter().map(|file| file.name).collect()
}

/// What the caller sees when it asks for no less than that position.
async fn names_at(user: &User, position: u64) -> Vec<String> {
    let answer = user.get("/file/query").header("cairn-min-position", position).send().await.expect(200);
    answer.items().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

/// The rows are what the log means: making them anew changes nothing that anybody can see.
async fn check_rows(operator: &Drive, user: &User) {
    let before = user.list("limit=1000").await;
    operator.cairn(&["projection", "rebuild", "--all"]).success();
    assert_eq!(user.list("limit=1000").await, before);
    let stands: Vec<Value> = operator.cairn(&["projection", "list", "--json"]).json_lines();
    assert!(stands.iter().all(|one| one["lag"] == 0 && one["parked"] == 0), "{stands:?}");
}

#[tokio::test]
async fn a_session_is_one_in_every_process() {
    let cluster = Cluster::new(&[]);
    let _projector = cluster.process("projector");
    let (one, other) = (cluster.process(NODE), cluster.process(NODE));
    let user = one.user().await;
    let elsewhere = user.back_on(&other);
    assert_eq!(elsewhere.info().await["username"], user.name);
    user.post("/user/signout").send().await.expect(204);
    let signed_out = Instant::now();
    user.get("/user/info").send().await.problem(401, "unauthorized");
    until_async("the token is dead everywhere", async || (elsewhere.get("/user/info").send().await.status == 401).then_some(()))
        .await;
    assert!(signed_out.elapsed() < Duration::from_secs(1), "dead after {:?}", signed_out.elapsed());

    // A password that changes in one process ends the sessions that were begun in another.
    let session = user.another_session().await;
    let elsewhere = session.another_session().await.back_on(&other);
    assert_eq!(elsewhere.info().await["username"], user.name);
    let change = json!({ "old_password": PASSWORD, "new_password": "another correct horse" });
    session.post("/user/password").json(&change).send().await.expect(204);
    let changed = Instant::now();
    until_async("the other session is dead", async || (elsewhere.get("/user/info").send().await.status == 401).then_some(())).await;
    assert!(changed.elapsed() < Duration::from_secs(1), "dead after {:?}", changed.elapsed());
}

#[tokio::test]
async fn what_one_process_has_written_another_reads_however_far_the_replica_is_behind() {
    let cluster = Cluster::new(&[]);
    let projector = cluster.process("projector");
    let (one, other) = (cluster.process(NODE), cluster.process(NODE));
    let user = one.user().await;
    let elsewhere = user.back_on(&other);
    cluster.replica.stop_sql_thread().unwrap();
    for n in 0..20 {
        let name = format!("{n}.txt");
        let answer = user.raw_upload(&name, name.clone()).send().await.expect(201);
        assert!(names_at(&elsewhere, answer.position()).await.contains(&name), "{name} is not seen");
        // The process that has written needs no position.
        assert!(names(&user).await.contains(&name));
    }
    cluster.replica.start_sql_thread().unwrap();
    for n in 20..40 {
        let name = format!("{n}.txt");
        let answer = user.raw_upload(&name, name.clone()).send().await.expect(201);
        assert!(names_at(&elsewhere, answer.position()).await.contains(&name), "{name} is not seen");
    }
    assert_eq!(names(&elsewhere).await.len(), 40);
    check_rows(&projector, &elsewhere).await;
}

#[tokio::test]
async fn the_projector_that_stands_by_takes_over() {
    let cluster = Cluster::new(&[]);
    let mut active = cluster.process("projector");
    let standing_by = cluster.process("projector,saga,janitor");
    let (one, other) = (cluster.process(NODE), cluster.process(NODE));
    let user = one.user().await;
    let elsewhere = user.back_on(&other);
    user.upload("before.txt", b"before").await;
    active.kill();
    let killed = Instant::now();
    // Its events are on the log at once; its answer waits for the rows.
    let file: File = user.raw_upload("after.txt", "after").send().await.expect(201).read_as();
    until_async("the file is on the list", async || names(&elsewhere).await.contains(&file.name).then_some(())).await;
    let took = killed.elapsed();
    assert!(took < LEASE + Duration::from_secs(2), "the rows stood still for {took:?}");
    user.upload("later.txt", b"later").await;
    assert_eq!(names(&user).await, ["later.txt", "after.txt", "before.txt"]);
    check_rows(&standing_by, &elsewhere).await;
    active.start_again();
    user.upload("last.txt", b"last").await;
    assert_eq!(names(&elsewhere).await.len(), 4);
}

#[tokio::test]
async fn a_process_answers_only_what_it_is_there_for() {
    let cluster = Cluster::new(&[]);
    let projector = cluster.process("projector");
    let accounts = cluster.process("account");
    let files = cluster.process("upload,download");
    let user = accounts.user().await;
    let misdirected = user.get("/file/query").send().await;
    misdirected.problem(421, "misdirected");
    let at_files = user.back_on(&files);
    at_files.upload("a.txt", b"a").await;
    assert_eq!(names(&at_files).await, ["a.txt"]);
    at_files.get("/user/info").send().await.problem(421, "misdirected");
    projector.client().post("/user/signup").json(&json!({})).send().await.problem(421, "misdirected");
    for path in ["/livez", "/readyz", "/metrics", "/openapi.json"] {
        projector.client().get(path).send().await.expect(200);
    }
}
