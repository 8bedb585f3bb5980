//! Lists of objects in pages.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use cairn_oss_double::{Operation, OssDouble};

use crate::client::{BUCKET, refused, started};
use crate::support::{content, etag};

async fn with_objects(keys: &[&str]) -> (OssDouble, Client) {
    let (double, client) = started();
    for key in keys {
        client.put_object().bucket(BUCKET).key(*key).body(content(10, 1).into()).send().await.unwrap();
    }
    (double, client)
}

fn keys(list: &ListObjectsV2Output) -> Vec<&str> {
    list.contents().iter().filter_map(|object| object.key()).collect()
}

fn prefixes(list: &ListObjectsV2Output) -> Vec<&str> {
    list.common_prefixes().iter().filter_map(|prefix| prefix.prefix()).collect()
}

const TREE: &[&str] = &["a", "b/1", "b/2", "b/c/3", "b0", "d/4", "e & <f>"];

#[tokio::test]
async fn all_objects_are_listed_in_order() {
    let (_double, client) = with_objects(TREE).await;
    let list = client.list_objects_v2().bucket(BUCKET).send().await.unwrap();
    assert_eq!(keys(&list), TREE);
    assert_eq!((list.key_count(), list.is_truncated()), (Some(7), Some(false)));
    let first = &list.contents()[0];
    assert_eq!((first.size(), first.e_tag()), (Some(10), Some(etag(&content(10, 1)).as_str())));
    assert!(first.last_modified().is_some());
}

#[tokio::test]
async fn a_prefix_and_a_delimiter_make_directories() {
    let (_double, client) = with_objects(TREE).await;
    let list = |prefix: &str| client.list_objects_v2().bucket(BUCKET).prefix(prefix);
    assert_eq!(keys(&list("b/").send().await.unwrap()), ["b/1", "b/2", "b/c/3"]);
    assert_eq!(keys(&list("nothing").send().await.unwrap()), [""; 0]);

    let top = list("").delimiter("/").send().await.unwrap();
    assert_eq!((keys(&top), prefixes(&top)), (vec!["a", "b0", "e & <f>"], vec!["b/", "d/"]));
    assert_eq!(top.key_count(), Some(5), "directories count");
    let below = list("b/").delimiter("/").send().await.unwrap();
    assert_eq!((keys(&below), prefixes(&below)), (vec!["b/1", "b/2"], vec!["b/c/"]));
}

#[tokio::test]
async fn pages_join_to_the_whole_list() {
    let (double, client) = with_objects(TREE).await;
    for (delimiter, expected) in [(None, TREE.to_vec()), (Some("/"), vec!["a", "b/", "b0", "d/", "e & <f>"])] {
        for max in 1..=8 {
            let list = client.list_objects_v2().bucket(BUCKET).set_delimiter(delimiter.map(str::to_owned)).max_keys(max);
            let before = double.requests(Operation::ListObjectsV2);
            let mut pages = list.into_paginator().send();
            let mut found = Vec::new();
            while let Some(page) = pages.next().await {
                let page = page.unwrap();
                let mut on_page = [keys(&page), prefixes(&page)].concat();
                on_page.sort_unstable();
                found.extend(on_page.into_iter().map(str::to_owned));
            }
            assert_eq!(found, expected, "{max} a page");
            let requests = double.requests(Operation::ListObjectsV2) - before;
            assert_eq!(requests, expected.len().div_ceil(usize::try_from(max).unwrap()), "{max} a page");
        }
    }
}

#[tokio::test]
async fn a_page_has_a_hundred_keys_if_nobody_asks_for_more() {
    let (_double, client) = started();
    for number in 0..101 {
        client.put_object().bucket(BUCKET).key(format!("{number:03}")).send().await.unwrap();
    }
    let list = client.list_objects_v2().bucket(BUCKET).send().await.unwrap();
    assert_eq!((list.contents().len(), list.is_truncated()), (100, Some(true)));
    let list = client.list_objects_v2().bucket(BUCKET).max_keys(1000).send().await.unwrap();
    assert_eq!((list.contents().len(), list.is_truncated()), (101, Some(false)));
}

#[tokio::test]
async fn a_list_can_begin_after_a_key() {
    let (_double, client) = with_objects(TREE).await;
    let list = client.list_objects_v2().bucket(BUCKET).start_after("b/2").send().await.unwrap();
    assert_eq!(keys(&list), ["b/c/3", "b0", "d/4", "e & <f>"]);
}

#[tokio::test]
async fn a_page_has_a_thousand_keys_at_most_and_a_bucket_must_be_there() {
    let (_double, client) = started();
    let invalid = (400, "InvalidArgument".to_owned());
    let list = || client.list_objects_v2();
    assert_eq!(refused(list().bucket(BUCKET).max_keys(1001).send().await), invalid);
    assert_eq!(refused(list().bucket(BUCKET).continuation_token("nonsense").send().await), invalid);
    assert_eq!(refused(list().bucket("elsewhere").send().await), (404, "NoSuchBucket".to_owned()));
}
