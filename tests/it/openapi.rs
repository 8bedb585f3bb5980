//! The OpenAPI document: committed, served and complete.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::{cairn, shared};

fn document() -> Value {
    serde_json::from_str(&cairn(&["openapi", "--format", "json"]).success()).unwrap()
}

/// Each operation with a name for messages.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        all.extend(methods.as_object().unwrap().iter().map(|(method, operation)| (format!("{method} {path}"), operation)));
    }
    all
}

#[test]
fn the_committed_document_is_the_present_one() {
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/cairn.yaml")).unwrap();
    let present = cairn(&["openapi"]).success();
    assert!(committed == present, "write it again: cairn openapi > openapi/cairn.yaml");
}

#[tokio::test]
async fn the_served_documents_are_the_printed_ones() {
    let client = shared().client();
    let json = client.get("/openapi.json").send().await.expect(200);
    assert!(json.header("content-type").unwrap().starts_with("application/json"), "{json:?}");
    assert_eq!(json.json(), document());
    let yaml = client.get("/openapi.yaml").send().await.expect(200);
    assert_eq!(String::from_utf8(yaml.body).unwrap().trim_end(), cairn(&["openapi"]).success().trim_end());
}

#[test]
fn every_operation_is_described_with_an_example_and_its_errors() {
    let document = document();
    let mut ids = BTreeSet::new();
    let mut wrong = Vec::new();
    for (name, operation) in operations(&document) {
        let mut need = |what: &str, fine: bool| {
            if !fine {
                wrong.push(format!("{name}: {what}"));
            }
        };
        let text = |field: &str| operation[field].as_str().is_some_and(|text| text.len() > 3);
        need("a summary", text("summary"));
        need("a description", text("description"));
        need("an operation id", text("operationId") && ids.insert(operation["operationId"].to_string()));
        need("a tag", operation["tags"].as_array().is_some_and(|tags| !tags.is_empty()));
        let responses = operation["responses"].as_object().unwrap();
        need("a success", responses.keys().any(|status| status.starts_with('2')));
        need(
            "its errors",
            name.contains("livez") || responses.keys().any(|status| status.starts_with('4') || status.starts_with('5')),
        );
        need(
            "every response described",
            responses.values().all(|response| response["description"].as_str().is_some_and(|text| !text.is_empty())),
        );
        need("an example", has_example(&document, operation));
        for (status, response) in responses.iter().filter(|(status, _)| status.starts_with(['4', '5'])) {
            need(&format!("{status} as a problem"), response["content"]["application/problem+json"].is_object());
        }
        if operation["security"].as_array().is_some_and(|schemes| !schemes.is_empty()) {
            need("401", responses.contains_key("401"));
        }
    }
    assert!(wrong.is_empty(), "missing:\n{}", wrong.join("\n"));
}

/// An example in the request, in a successful response, in one of their schemas, or in a parameter. What has no body in
/// either direction has nothing to show.
fn has_example(document: &Value, operation: &Value) -> bool {
    let responses = operation["responses"].as_object().into_iter().flatten().filter(|(status, _)| status.starts_with('2'));
    let mut parts: Vec<&Value> = responses.map(|(_, response)| response).collect();
    parts.push(&operation["requestBody"]);
    let bare = parts.iter().all(|part| part["content"].is_null());
    parts.push(&operation["parameters"]);
    bare || parts.iter().any(|part| mentions_example(document, part, 6))
}

fn mentions_example(document: &Value, value: &Value, depth: usize) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, value)| match name.as_str() {
            "example" | "examples" => true,
            "$ref" => {
                depth > 0
                    && value
                        .as_str()
                        .and_then(|path| document.pointer(&path[1..]))
                        .is_some_and(|schema| mentions_example(document, schema, depth - 1))
            }
            _ => mentions_example(document, value, depth),
        }),
        Value::Array(items) => items.iter().any(|item| mentions_example(document, item, depth)),
        _ => false,
    }
}

#[test]
fn every_call_of_the_contract_is_described() {
    let document = document();
    let described: BTreeSet<String> = operations(&document).into_iter().map(|(name, _)| name).collect();
    let contract = [
        "post /user/signup",
        "post /user/signin",
        "post /user/signout",
        "get /user/info",
        "post /user/password",
        "post /file/upload",
        "get /file/query",
        "get /file/meta",
        "get /file/download",
        "post /file/downloadurl",
        "post /file/update",
        "post /file/delete",
        "post /file/restore",
        "get /file/history",
        "post /folder/create",
        "post /folder/update",
        "post /folder/delete",
        "post /folder/restore",
        "get /folder/query",
        "post /file/fastupload",
        "post /file/fastupload/prove",
        "post /file/mpupload/init",
        "post /file/mpupload/uppart",
        "put /file/mpupload/uppart",
        "get /file/mpupload/status",
        "get /file/mpupload/query",
        "post /file/mpupload/complete",
        "post /file/mpupload/cancel",
        "post /offline/create",
        "get /offline/query",
        "get /offline/status",
        "post /offline/cancel",
        "get /livez",
        "get /readyz",
        "get /metrics",
        "get /admin/projections",
        "get /admin/events",
        "get /admin/transfers",
        "post /admin/transfers/retry",
    ];
    let missing: Vec<&&str> = contract.iter().filter(|call| !described.contains(**call)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
