use proptest::prelude::*;

use super::*;

fn text(name: &str) -> String {
    attachment(name).to_str().unwrap().to_owned()
}

#[test]
fn a_plain_name_stands_there_twice() {
    assert_eq!(text("a b.txt"), "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt");
}

#[test]
fn other_scripts_have_a_fallback() {
    assert_eq!(text("报告.pdf"), "attachment; filename=\"__.pdf\"; filename*=UTF-8''%E6%8A%A5%E5%91%8A.pdf");
}

#[test]
fn nothing_escapes_from_the_quotes() {
    assert_eq!(
        text("a\"; filename=\"b\\c/../d%41\r\nX: y"),
        "attachment; filename=\"a_; filename=_b_c_.._d_41__X: y\"; \
         filename*=UTF-8''a%22%3B%20filename%3D%22b%5Cc%2F..%2Fd%2541%0D%0AX%3A%20y"
    );
}

#[test]
fn an_extended_name_is_decoded() {
    for (value, name) in [
        ("form-data; name=\"file\"; filename*=UTF-8''%E6%8A%A5.pdf", Some("报.pdf")),
        ("form-data; filename=\"x\"; FileName* = utf-8'en'a%20b", Some("a b")),
        ("form-data; name=\"file\"; filename=\"x\"", None),
        ("form-data; filename*=iso-8859-1''%E4", None),
        ("form-data; filename*=UTF-8''%FF", None),
        ("form-data; filename*=x", None),
    ] {
        assert_eq!(extended_file_name(value.as_bytes()).as_deref(), name, "{value}");
    }
}

proptest! {
    #[test]
    fn any_name_survives(name in any::<String>()) {
        let value = attachment(&name);
        let text = value.to_str().unwrap();
        prop_assert_eq!(text.matches('"').count(), 2);
        prop_assert_eq!(extended_file_name(text.split_once("; filename*").map(|(_, tail)| format!("filename*{tail}")).unwrap().as_bytes()), Some(name));
    }
}
