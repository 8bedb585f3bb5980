use serde_json::Value;

use super::*;

#[test]
fn the_document_is_the_same_every_time() {
    assert_eq!(openapi_yaml(), openapi_yaml());
    assert_eq!(openapi_json(), openapi_json());
}

fn operations() -> Vec<(String, Value)> {
    let document: Value = serde_json::from_str(&openapi_json()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths").clone();
    let named = |(path, methods): (String, Value)| {
        let methods = methods.as_object().expect("methods").clone();
        methods.into_iter().map(move |(method, operation)| (format!("{method} {path}"), operation)).collect::<Vec<_>>()
    };
    paths.into_iter().flat_map(named).collect()
}

/// The schema behind a reference, as far as this document has it.
fn has_example(document: &Value, schema: &Value) -> bool {
    let reference = schema["$ref"].as_str().and_then(|name| name.strip_prefix("#/components/schemas/"));
    let schema = reference.map_or(schema, |name| &document["components"]["schemas"][name]);
    schema.get("example").is_some()
}

#[test]
fn every_operation_is_described() {
    for (name, operation) in operations() {
        for part in ["summary", "description", "operationId"] {
            assert!(operation[part].as_str().is_some_and(|text| !text.is_empty()), "{name} has no {part}");
        }
        assert!(operation["tags"].as_array().is_some_and(|tags| tags.len() == 1), "{name} has no tag");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].as_str().is_some(), "{name}: {} is not described", parameter["name"]);
        }
    }
}

#[test]
fn every_json_body_has_an_example() {
    let document: Value = serde_json::from_str(&openapi_json()).expect("JSON");
    for (name, operation) in operations() {
        let responses = operation["responses"].as_object().expect("responses").values();
        let contents = responses.chain([&operation["requestBody"]]).filter_map(|body| body["content"].as_object());
        for (media_type, content) in contents.flatten().filter(|(media_type, _)| media_type.contains("json")) {
            assert!(has_example(&document, &content["schema"]), "{name} has no example of its {media_type}");
        }
    }
}

#[test]
fn every_operation_tells_its_errors() {
    for (name, operation) in operations().into_iter().filter(|(name, _)| name != "get /livez") {
        let responses = operation["responses"].as_object().expect("responses");
        assert!(responses.keys().any(|status| status.as_str() >= "400"), "{name} tells no error");
        if operation["security"].is_array() {
            assert!(responses.contains_key("401"), "{name} does not tell of 401");
        }
    }
}

#[test]
fn whoever_wants_to_try_can_authorize() {
    let document: Value = serde_json::from_str(&openapi_json()).expect("JSON");
    for scheme in ["SignedIn", "Operator"] {
        assert_eq!(document["components"]["securitySchemes"][scheme]["scheme"], "bearer", "{scheme}");
    }
}

#[test]
fn what_may_be_null_is_said_to_be() {
    let document: Value = serde_json::from_str(&openapi_json()).expect("JSON");
    let properties = &document["components"]["schemas"]["UserInfo"]["properties"];
    assert_eq!((&properties["email"]["nullable"], &properties["username"]["nullable"]), (&Value::Bool(true), &Value::Null));
}
