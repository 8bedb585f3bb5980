use poem::http::{HeaderMap, HeaderName, HeaderValue, header};
use proptest::prelude::*;

use super::*;

fn headers(name: &HeaderName, lines: &[&str]) -> HeaderMap {
    lines.iter().map(|line| (name.clone(), HeaderValue::from_str(line).unwrap())).collect()
}

#[test]
fn if_none_match_compares_weakly_over_lists_and_lines() {
    for (lines, holds) in [
        (&["\"abc\""][..], true),
        (&["W/\"abc\""], true),
        (&["*"], true),
        (&["\"x\", \"abc\""], true),
        (&["\"x\",,W/\"y\" ,\t\"abc\","], true),
        (&["\"x\"", "\"abc\""], true),
        (&["\"a,b\", \"abc\""], true),
        (&["\"ABC\""], false),
        (&["abc"], false),
        (&["\"abc"], false),
        (&["\"x\" \"abc\""], false),
        (&["w/\"abc\""], false),
        (&["\"a b\", \"abc\""], false),
        (&[""], false),
        (&[], false),
    ] {
        assert_eq!(none_match_holds_current(&headers(&header::IF_NONE_MATCH, lines), "abc"), holds, "{lines:?}");
    }
}

#[test]
fn if_range_wants_the_one_strong_tag() {
    for (lines, applies) in [
        (&[][..], true),
        (&["\"abc\""], true),
        (&[" \"abc\" "], true),
        (&["W/\"abc\""], false),
        (&["\"x\""], false),
        (&["\"abc\", \"x\""], false),
        (&["Wed, 21 Oct 2015 07:28:00 GMT"], false),
        (&["abc"], false),
        (&["\"abc\"", "\"abc\""], false),
    ] {
        assert_eq!(range_applies(&headers(&header::IF_RANGE, lines), "abc"), applies, "{lines:?}");
    }
}

#[test]
fn if_match_reads_versions() {
    for (lines, expected) in [
        (&[][..], IfMatch::Absent),
        (&["*"], IfMatch::Any),
        (&["\"3\""], IfMatch::OneOf(vec![3])),
        (&["\"3\", \"5\"", "\"7\""], IfMatch::OneOf(vec![3, 5, 7])),
        (&["W/\"3\""], IfMatch::OneOf(vec![])),
        (&["\"abc\""], IfMatch::OneOf(vec![])),
    ] {
        assert_eq!(IfMatch::read(&headers(&header::IF_MATCH, lines)).unwrap(), expected, "{lines:?}");
    }
    for malformed in ["3", "", "\"3", "\"3\" \"4\"", "3\""] {
        let problem = IfMatch::read(&headers(&header::IF_MATCH, &[malformed])).unwrap_err();
        assert_eq!(problem.kind().code, "malformed", "{malformed:?}");
    }
}

#[test]
fn if_match_allows_the_versions_it_names() {
    assert!(IfMatch::Absent.allows(1) && IfMatch::Any.allows(1));
    assert!(IfMatch::OneOf(vec![1, 2]).allows(2));
    assert!(!IfMatch::OneOf(vec![1, 2]).allows(3));
    assert!(!IfMatch::OneOf(vec![]).allows(0));
}

#[test]
fn tags_are_written_in_quotes() {
    assert_eq!(entity_tag("abc"), "\"abc\"");
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "[ -~]{0,40}") {
        let map = headers(&header::IF_NONE_MATCH, &[&text]);
        let _ = none_match_holds_current(&map, "abc");
        let _ = IfMatch::read(&headers(&header::IF_MATCH, &[&text]));
    }

    #[test]
    fn a_tag_in_a_list_is_found(before in "[!#-~]{0,9}", behind in "[!#-~]{0,9}") {
        let list = format!("\"{before}\", W/\"abc\", \"{behind}\"");
        prop_assert!(none_match_holds_current(&headers(&header::IF_NONE_MATCH, &[&list]), "abc"));
    }
}
