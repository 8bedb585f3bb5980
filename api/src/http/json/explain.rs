//! serde's errors in words for people who do not write Rust.

/// The field that an error is about, as a path, and what is wrong with it.
///
/// serde reports a missing, unknown or repeated field only inside of its text; the path then ends at the object around it.
pub(super) fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> (String, String) {
    let path = match error.path().to_string() {
        root if root == "." => String::new(),
        path => path,
    };
    let text = error.inner().to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _place)| text);
    if let Some(field) = quoted_behind("missing field", text) {
        return (join(&path, field), "is required".to_owned());
    }
    if let Some(field) = quoted_behind("duplicate field", text) {
        return (join(&path, field), "is given more than once".to_owned());
    }
    if let Some(field) = quoted_behind("unknown field", text) {
        let known = text.split_once(", ").map_or("there are no fields here", |(_, known)| known);
        return (join(&path, field), format!("is not a field of this call; {known}"));
    }
    let field = if path.is_empty() { "body".to_owned() } else { path };
    (field, without_rust(text))
}

/// The name in `<words> \`name\`...`.
fn quoted_behind<'a>(words: &str, text: &'a str) -> Option<&'a str> {
    text.strip_prefix(words)?.strip_prefix(" `")?.split('`').next()
}

/// `field` inside of the object at `path`, unless the path already ends with it.
fn join(path: &str, field: &str) -> String {
    if path.is_empty() {
        return field.to_owned();
    }
    if path == field || path.ends_with(&format!(".{field}")) {
        return path.to_owned();
    }
    format!("{path}.{field}")
}

/// Names of Rust's types at the end of a message, in JSON's words.
fn without_rust(text: &str) -> String {
    let Some((found, expected)) = text.rsplit_once(", expected ") else { return text.to_owned() };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        structure if structure.starts_with("struct ") => "an object",
        other => other,
    };
    format!("{found}, expected {expected}")
}
