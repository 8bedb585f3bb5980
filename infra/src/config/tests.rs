use std::path::Path;

use cairn_commands::ports::blobs::MovePolicy;

use super::*;

fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn nothing_said_gives_the_defaults() {
    assert_eq!(load(None, [], Overrides::default()).expect("valid"), Config::default());
}

#[test]
fn a_flag_beats_the_environment_and_that_beats_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("cairn.toml");
    let text = "[server]\nlisten = \"127.0.0.1:1\"\ndata = \"/file\"\n[limits]\nparts_max = 7\n";
    std::fs::write(&file, text).expect("written");
    let variables =
        env(&[("CAIRN_SERVER__LISTEN", "127.0.0.1:2"), ("CAIRN_SERVER__DATA", "/env"), ("CAIRN_LIMITS__PARTS_MAX", "8")]);
    let flags = Overrides { listen: Some("127.0.0.1:3".parse().expect("an address")), ..Overrides::default() };
    let config = load(Some(&file), variables, flags).expect("valid");
    assert_eq!(config.server.listen.port(), 3);
    assert_eq!(config.server.data, Path::new("/env"));
    assert_eq!(config.limits.parts_max, 8);
    assert_eq!(load(Some(&file), [], Overrides::default()).expect("valid").limits.parts_max, 7);
}

#[test]
fn a_variable_may_name_a_file_that_holds_its_value() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("data-directory");
    std::fs::write(&file, "/from/file\n").expect("written");
    let path = file.to_str().expect("a path");
    let config = load(None, env(&[("CAIRN_SERVER__DATA_FILE", path)]), Overrides::default()).expect("valid");
    assert_eq!(config.server.data, Path::new("/from/file"));
    let missing = load(None, env(&[("CAIRN_SERVER__DATA_FILE", "/nowhere")]), Overrides::default());
    assert!(matches!(missing, Err(ConfigError::ValueFile { .. })));
}

#[test]
fn lists_numbers_and_choices_come_from_the_environment_too() {
    let variables = env(&[("CAIRN_SERVER__TRUSTED_PROXIES", "10.0.0.1,::1"), ("CAIRN_TELEMETRY__FORMAT", "json")]);
    let config = load(None, variables, Overrides::default()).expect("valid");
    assert_eq!(config.server.trusted_proxies.len(), 2);
    assert_eq!(config.telemetry.format, LogFormat::Json);
}

#[test]
fn other_programs_variables_are_none_of_ours() {
    assert!(load(None, env(&[("CAIRN_TEST_URL", "x"), ("CAIRNS__A", "y")]), Overrides::default()).is_ok());
}

#[test]
fn what_can_not_be_meant_is_refused() {
    let refused = |pairs: &[(&str, &str)]| load(None, env(pairs), Overrides::default()).expect_err("refused");
    assert!(matches!(refused(&[("CAIRN_LOG__ULR", "sqlite")]), ConfigError::Invalid(_)));
    assert!(matches!(refused(&[("CAIRN_SERVER__LISTEN", "nowhere")]), ConfigError::Invalid(_)));
    assert!(matches!(refused(&[("CAIRN_LIMITS__PARTS_MAX", "0")]), ConfigError::Zero { key: "parts_max" }));
    let error = refused(&[("CAIRN_LOG__URL", "ftp://localhost")]);
    assert!(error.to_string().contains("it has: sqlite, mysql://, esdb://"), "{error}");
    assert!(matches!(refused(&[("CAIRN_SERVER__SECRET", "abc")]), ConfigError::BadSecret));
    assert!(matches!(refused(&[("CAIRN_VIEWS__REPLICAS", "mysql://u:p@h/d")]), ConfigError::NoReplicas));
}

#[test]
fn an_address_of_an_adapter_that_is_not_built_in_names_the_feature() {
    let loaded = load(None, env(&[("CAIRN_LOG__URL", "mysql://u:hunter2@h/d")]), Overrides::default());
    if cfg!(feature = "mysql") {
        assert!(!format!("{:?}", loaded.expect("valid")).contains("hunter2"));
        let error = load(None, env(&[("CAIRN_LOG__URL", "mysql://u:hunter2@h")]), Overrides::default()).expect_err("no database");
        assert!(matches!(error, ConfigError::BadAddress { .. }) && !error.to_string().contains("hunter2"), "{error}");
    } else {
        assert!(matches!(loaded, Err(ConfigError::FeatureMissing { feature: "mysql", .. })));
    }
}

#[test]
fn a_process_does_some_or_all_of_what_the_drive_does() {
    let config = load(None, env(&[("CAIRN_SERVER__SERVICES", "upload,projector")]), Overrides::default()).expect("valid");
    assert_eq!(config.server.services.to_string(), "upload,projector");
    let flags = Overrides { services: Some("projector".parse().expect("services")), ..Overrides::default() };
    let config = load(None, env(&[("CAIRN_SERVER__SERVICES", "upload")]), flags).expect("valid");
    assert_eq!(config.server.services.to_string(), "projector");
    let refused = |services| load(None, env(&[("CAIRN_SERVER__SERVICES", services)]), Overrides::default()).expect_err("refused");
    assert!(matches!(refused("upload"), ConfigError::NoProjector { .. }));
    assert!(matches!(refused("cook"), ConfigError::Invalid(_)));
}

const CEPH: [(&str, &str); 5] = [
    ("CAIRN_STORES__CEPH__KIND", "s3"),
    ("CAIRN_STORES__CEPH__ENDPOINT", "http://127.0.0.1:7480"),
    ("CAIRN_STORES__CEPH__BUCKET", "cairn"),
    ("CAIRN_STORES__CEPH__ACCESS_KEY_ID", "0555"),
    ("CAIRN_STORES__CEPH__SECRET_ACCESS_KEY", "hunter2"),
];

#[test]
fn a_store_is_a_section_and_one_of_them_takes_uploads() {
    assert!(matches!(Config::default().landing_store(), Ok(LandingStore::Local)));
    let with = |more: &[(&str, &str)]| load(None, env(&[&CEPH, more].concat()), Overrides::default());
    let config = with(&[]).expect("valid");
    assert_eq!(config.stores.keys().collect::<Vec<_>>(), ["ceph", "local"]);
    assert!(!format!("{config:?}").contains("hunter2"));
    let Store::S3(bucket) = &config.stores["ceph"] else { panic!("{config:?}") };
    assert_eq!((bucket.access_key_id.as_str(), bucket.path_style), ("0555", false));
    let landed = with(&[("CAIRN_POLICY__LAND", "ceph"), ("CAIRN_STORES__CEPH__PATH_STYLE", "true")]);
    if cfg!(feature = "s3") {
        let Store::S3(bucket) = &landed.expect("valid").stores["ceph"] else { panic!("a bucket") };
        assert!(bucket.path_style);
    } else {
        assert!(matches!(landed, Err(ConfigError::BadStore { .. })));
    }
    assert!(matches!(with(&[("CAIRN_POLICY__LAND", "oss")]), Err(ConfigError::NoStore { key: "land", .. })));
    assert!(matches!(with(&[("CAIRN_STORES__LOCAL__KIND", "s3")]), Err(ConfigError::Invalid(_))));
    let other = load(None, env(&[("CAIRN_STORES__ATTIC__KIND", "fs")]), Overrides::default());
    assert!(matches!(other, Err(ConfigError::BadStore { .. })));
}

#[test]
fn contents_go_on_to_stores_that_are_there() {
    let stay = MovePolicy::default();
    assert_eq!(MovePolicy::from(&Config::default().policy), stay);
    let with = |more: &[(&str, &str)]| load(None, env(&[&CEPH, more].concat()), Overrides::default());
    let land = ("CAIRN_POLICY__LAND", "local");
    let to = |names| ("CAIRN_POLICY__MOVE_TO", names);
    if cfg!(feature = "s3") {
        let all = [land, to("ceph"), ("CAIRN_POLICY__AFTER_SECONDS", "60"), ("CAIRN_POLICY__BYTES_MAX", "1000")];
        let policy = MovePolicy::from(&with(&all).expect("valid").policy);
        let expected = MovePolicy { to: vec!["ceph".to_owned()], after_seconds: 60, bytes_max: Some(1000), ..stay };
        assert_eq!(policy, expected);
        assert!(matches!(with(&[to("ceph,oss")]), Err(ConfigError::NoStore { key: "move_to", name }) if name == "oss"));
        assert!(matches!(with(&[to("ceph,local")]), Err(ConfigError::Unfit { key: "policy.move_to", .. })));
        assert!(matches!(with(&[to("ceph,ceph")]), Err(ConfigError::Unfit { key: "policy.move_to", .. })));
        let crossed = with(&[to("ceph"), ("CAIRN_POLICY__BYTES_MIN", "7"), ("CAIRN_POLICY__BYTES_MAX", "6")]);
        assert!(matches!(crossed, Err(ConfigError::Unfit { key: "policy.bytes_max", .. })));
    }
    for (key, value) in
        [("CAIRN_POLICY__AFTER_SECONDS", "60"), ("CAIRN_POLICY__BYTES_MIN", "1"), ("CAIRN_POLICY__BYTES_MAX", "1000")]
    {
        let of_nothing = with(&[(key, value)]);
        assert!(matches!(of_nothing, Err(ConfigError::Unfit { key: "policy.move_to", .. })), "{key}");
    }
    let alone = load(None, env(&[to("oss")]), Overrides::default());
    assert!(matches!(alone, Err(ConfigError::NoStore { key: "move_to", .. })));
}

#[test]
fn an_address_of_a_cache_chooses_it() {
    let with = |url: &str| load(None, env(&[("CAIRN_CACHE__URL", url)]), Overrides::default());
    assert!(with("process").is_ok());
    assert!(with("memcached://h").expect_err("unknown").to_string().contains("it has: process, redis://, rediss://"));
    if cfg!(feature = "redis") {
        for url in ["redis://h", "redis://u:hunter2@h:1/3", "rediss://:hunter2@h"] {
            let config = with(url).expect("valid");
            let CacheAdapter::Redis(server) = config.cache_adapter().expect("valid") else { panic!("{url}") };
            assert!(!format!("{config:?} {server} {server:?}").contains("hunter2"), "{server}");
        }
        for url in ["redis://:hunter2@h/x", "redis://:hunter2@:1", "redis://"] {
            let error = with(url).expect_err("refused");
            let source = std::error::Error::source(&error).map(|source| format!("{source} {source:?}"));
            assert!(matches!(error, ConfigError::BadAddress { key: "cache.url", .. }), "{error:?}");
            assert!(!format!("{error} {error:?} {source:?}").contains("hunter2"), "{error:?}");
        }
    } else {
        assert!(matches!(with("redis://h"), Err(ConfigError::FeatureMissing { feature: "redis", .. })));
    }
}

#[test]
fn every_name_of_eventstoredb_means_its_adapter() {
    for scheme in ["esdb", "esdb+discover", "kurrentdb", "kurrentdb+discover", "kurrent", "kdb"] {
        let loaded = load(None, env(&[("CAIRN_LOG__URL", &format!("{scheme}://u:hunter2@h:2113"))]), Overrides::default());
        if cfg!(feature = "eventstore") {
            assert!(!format!("{:?}", loaded.expect("valid").log_adapter()).contains("hunter2"));
            let wrong = format!("{scheme}://u:hunter2@h:2113?tls=perhaps");
            let error = load(None, env(&[("CAIRN_LOG__URL", &wrong)]), Overrides::default()).expect_err("no such choice");
            assert!(matches!(error, ConfigError::BadAddress { .. }) && !error.to_string().contains("hunter2"), "{error}");
        } else {
            assert!(matches!(loaded, Err(ConfigError::FeatureMissing { feature: "eventstore", .. })));
        }
    }
}

#[test]
fn networks_that_are_asked_although_they_are_not_public_are_a_list() {
    let config = load(None, env(&[("CAIRN_OFFLINE__ALLOW", "10.0.0.0/8,fd00::/8")]), Overrides::default()).expect("valid");
    assert_eq!(config.offline.allow.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.0/8", "fd00::/8"]);
    let one = load(None, env(&[("CAIRN_OFFLINE__ALLOW", "127.0.0.1")]), Overrides::default()).expect("valid");
    assert_eq!(one.offline.allow.len(), 1);
    let refused = |pairs: &[(&str, &str)]| load(None, env(pairs), Overrides::default()).expect_err("refused");
    assert!(matches!(refused(&[("CAIRN_OFFLINE__ALLOW", "localhost")]), ConfigError::Invalid(_)));
    assert!(matches!(refused(&[("CAIRN_TRANSFERS__AT_ONCE", "0")]), ConfigError::Unfit { key: "transfers.at_once", .. }));
    assert!(matches!(refused(&[("CAIRN_OFFLINE__AT_ONCE", "0")]), ConfigError::Unfit { key: "offline.at_once", .. }));
}
