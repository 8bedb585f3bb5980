//! Signing up, in and out, and passwords.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, Drive, PASSWORD, User, shared, until_async};

async fn sign_up(client: &Client, name: &str, password: &str) -> Answer {
    client.post("/user/signup").json(&json!({ "username": name, "password": password })).send().await
}

async fn sign_in(client: &Client, name: &str, password: &str) -> Answer {
    client.post("/user/signin").json(&json!({ "username": name, "password": password })).send().await
}

#[tokio::test]
async fn a_person_signs_up_in_and_out() {
    let drive = shared();
    let client = drive.client();
    let wish = json!({ "username": "Ada.L", "password": PASSWORD, "email": "ada@example.org", "phone": "+86 10 1234" });
    let signed_up = client.post("/user/signup").json(&wish).send().await.expect(201).json();
    let session = sign_in(&client, "Ada.L", PASSWORD).await.expect(200).json();
    assert_eq!(session["username"], "Ada.L");
    assert!(session["token"].as_str().unwrap().len() >= 43, "256 bits: {session}");
    assert!(session["location"].is_string() && session["expires_at"].as_str().unwrap().ends_with('Z'), "{session}");

    let ada = client.with_token(session["token"].as_str().unwrap());
    let info = ada.get("/user/info").send().await.expect(200).json();
    assert_eq!(info["id"], signed_up["id"]);
    assert_eq!(info["signup_at"], signed_up["signup_at"]);
    assert_eq!((&info["username"], &info["email"], &info["phone"]), (&wish["username"], &wish["email"], &wish["phone"]));
    assert_eq!((&info["used_bytes"], &info["quota_bytes"]), (&json!(0), &Value::Null));
    assert!(info["last_active_at"].is_string(), "{info}");

    ada.post("/user/signout").send().await.expect(204);
    ada.get("/user/info").send().await.problem(401, "unauthorized");
}

#[tokio::test]
async fn a_name_is_taken_in_every_spelling() {
    let client = shared().client();
    sign_up(&client, "Zoe\u{308}-Taken", PASSWORD).await.expect(201);
    for same in ["Zo\u{eb}-Taken", "zoe\u{308}-taken", "ZO\u{cb}-TAKEN", "ｚｏë-taken"] {
        sign_up(&client, same, PASSWORD).await.problem(409, "username_taken");
    }
    sign_in(&client, "zo\u{eb}-TAKEN", PASSWORD).await.expect(200);
    for (first, others) in [("straße", ["STRASSE", "strasse", "Straẞe"]), ("σοφος", ["σοφοσ", "ΣΟΦΟΣ", "Σοφος"])]
    {
        sign_up(&client, first, PASSWORD).await.expect(201);
        for same in others {
            sign_up(&client, same, PASSWORD).await.problem(409, "username_taken");
            assert_eq!(sign_in(&client, same, PASSWORD).await.expect(200).json()["username"], first);
        }
    }
}

#[tokio::test]
async fn of_many_who_want_a_name_at_once_one_gets_it() {
    let client = shared().client();
    let answers = join_all((0..6).map(|_| sign_up(&client, "everybodys-darling", PASSWORD))).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    answers.iter().filter(|answer| answer.status != 201).for_each(|answer| {
        answer.problem(409, "username_taken");
    });
}

#[tokio::test]
async fn names_and_passwords_have_a_shape() {
    let client = shared().client();
    for name in ["", "ab", "a b c", "a/b", "tab\tname", "nul\0name", "right\u{202e}left", &"x".repeat(65)] {
        sign_up(&client, name, PASSWORD).await.invalid("username");
    }
    for password in ["", "1234567", "password", "shapelyshapely", &"x".repeat(257)] {
        sign_up(&client, "shapely", password).await.invalid("password");
    }
    let call = |field: &str, value: &str| {
        client.post("/user/signup").json(&json!({ "username": "shapely", "password": PASSWORD, field: value })).send()
    };
    call("email", "nowhere").await.invalid("email");
    call("phone", "call me").await.invalid("phone");
    sign_up(&client, "shapely", &"码".repeat(256)).await.expect(201);
    sign_in(&client, "shapely", &"码".repeat(256)).await.expect(200);
}

#[tokio::test]
async fn an_unknown_name_and_a_wrong_password_are_answered_alike() {
    let client = shared().client();
    sign_up(&client, "known-one", PASSWORD).await.expect(201);
    let without_request_id = |mut problem: Value| {
        problem["request_id"].take();
        problem
    };
    let wrong = sign_in(&client, "known-one", "not the password").await.problem(401, "bad_credentials");
    for name in ["unknown-one", "not a name", ""] {
        let unknown = sign_in(&client, name, "not the password").await.problem(401, "bad_credentials");
        assert_eq!(without_request_id(unknown), without_request_id(wrong.clone()));
    }
}

#[tokio::test]
async fn guessing_gets_slow() {
    let drive = Drive::with(&[("CAIRN_LIMITS__ATTEMPTS_FREE_PER_NAME", "2")]);
    let client = drive.client();
    sign_up(&client, "guessed", PASSWORD).await.expect(201);
    sign_up(&client, "left-alone", PASSWORD).await.expect(201);
    let refused = until_async("too many attempts", async || {
        let answer = sign_in(&client, "guessed", "not the password").await;
        (answer.status == 429).then_some(answer)
    })
    .await;
    refused.problem(429, "too_many_attempts");
    sign_in(&client, "Guessed", PASSWORD).await.problem(429, "too_many_attempts");
    sign_in(&client, "left-alone", PASSWORD).await.expect(200);
    until_async("the wait is over", async || (sign_in(&client, "guessed", PASSWORD).await.status == 200).then_some(())).await;
}

#[tokio::test]
async fn whoever_signs_in_rightly_many_times_at_once_is_let_in_each_time() {
    let drive = shared();
    let user = drive.user().await;
    let client = drive.client();
    let answers = join_all((0..24).map(|_| sign_in(&client, &user.name, PASSWORD))).await;
    for answer in answers {
        answer.expect(200);
    }
}

#[tokio::test]
async fn a_new_password_ends_every_other_session() {
    let drive = shared();
    let user = drive.user().await;
    let other = user.another_session().await;
    let change =
        |old: &str, new: &str| user.post("/user/password").json(&json!({ "old_password": old, "new_password": new })).send();
    change("not the password", "a new password").await.problem(401, "bad_credentials");
    change(PASSWORD, "short").await.invalid("new_password");
    change(PASSWORD, "12345678").await.invalid("new_password");
    other.get("/user/info").send().await.expect(200);

    change(PASSWORD, "a new password").await.expect(204);
    user.get("/user/info").send().await.expect(200);
    other.get("/user/info").send().await.problem(401, "unauthorized");
    let client = drive.client();
    sign_in(&client, &user.name, PASSWORD).await.problem(401, "bad_credentials");
    sign_in(&client, &user.name, "a new password").await.expect(200);
}

#[tokio::test]
async fn signing_out_ends_one_session() {
    let user = shared().user().await;
    let other = user.another_session().await;
    user.post("/user/signout").send().await.expect(204);
    user.get("/user/info").send().await.problem(401, "unauthorized");
    user.post("/user/signout").send().await.problem(401, "unauthorized");
    other.get("/user/info").send().await.expect(200);
}

#[tokio::test]
async fn tokens_end_by_themselves_and_the_oldest_make_room() {
    let drive = Drive::with(&[("CAIRN_LIMITS__SESSION_EXPIRES_SECONDS", "3"), ("CAIRN_LIMITS__SESSIONS_MAX", "2")]);
    let first = drive.user().await;
    let second = first.another_session().await;
    let third = first.another_session().await;
    first.get("/user/info").send().await.problem(401, "unauthorized");
    second.get("/user/info").send().await.expect(200);
    until_async("the token expires", async || (third.get("/user/info").send().await.status == 401).then_some(())).await;
}

#[tokio::test]
async fn only_bearer_tokens_count() {
    let drive = shared();
    let user = drive.user().await;
    let token = user.token().unwrap().to_owned();
    let anonymous = drive.client();
    for header in [
        format!("Basic {token}"),
        "Bearer".to_owned(),
        format!("Bearer {token}0"),
        format!("Bearer {}", "0".repeat(64)),
        token.clone(),
    ] {
        anonymous.get("/user/info").header("authorization", header).send().await.problem(401, "unauthorized");
    }
    anonymous.get("/user/info").query("token", &token).send().await.problem(401, "unauthorized");
    // The scheme's name is case-insensitive (RFC 9110 section 11.1).
    anonymous.get("/user/info").header("authorization", format!("bearer {token}")).send().await.expect(200);
}

#[tokio::test]
async fn what_is_stored_counts_once_per_entry() {
    let user = shared().user().await;
    let file = user.upload("a.bin", &[7; 1000]).await;
    user.upload("b.bin", &[7; 1000]).await;
    assert_eq!(user.info().await["used_bytes"], 2000);
    user.post("/file/delete").json(&json!({ "id": file.id, "purge": true })).send().await.expect(204);
    assert_eq!(user.info().await["used_bytes"], 1000);
}

#[tokio::test]
async fn the_pages_are_html_and_load_nothing_from_elsewhere() {
    let client = shared().client();
    for path in ["/user/signup", "/user/signin", "/home"] {
        let page = client.get(path).send().await.expect(200);
        assert!(page.header("content-type").unwrap().starts_with("text/html"), "{page:?}");
        let text = String::from_utf8(page.body).unwrap();
        assert!(text.contains("<html"), "{path}");
        assert!(!text.contains("src=\"http") && !text.contains("href=\"http"), "{path}");
    }
}

#[tokio::test]
async fn no_secret_is_stored_or_logged() {
    let drive = Drive::start();
    let user = drive.user().await;
    let file = user.upload("a.txt", b"a").await;
    let link = user.post("/file/downloadurl").json(&json!({ "id": file.id })).send().await.expect(200).json();
    let query = link["url"].as_str().unwrap().split_once('?').unwrap().1.to_owned();
    user.get(link["url"].as_str().unwrap()).send().await.expect(200);
    let signature =
        query.split('&').map(|pair| pair.split_once('=').unwrap().1).max_by_key(|value| value.len()).unwrap().to_owned();
    let secrets = [PASSWORD.to_owned(), user.token().unwrap().to_owned(), signature];
    assert_absent(&secrets, "the log", drive.log().as_bytes());
    for path in drive.files_in("").iter().filter(|path| path.file_name().unwrap() != "secret") {
        assert_absent(&secrets, &path.display().to_string(), &std::fs::read(path).unwrap());
    }
}

fn assert_absent(secrets: &[String], place: &str, bytes: &[u8]) {
    for secret in secrets {
        let there = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!there, "a secret stands in {place}");
    }
}

#[tokio::test]
async fn a_users_session_survives_a_restart() {
    let mut drive = Drive::start();
    let user: User = drive.user().await;
    assert!(drive.stop().success());
    drive.start_again();
    user.back_on(&drive).get("/user/info").send().await.expect(200);
}
