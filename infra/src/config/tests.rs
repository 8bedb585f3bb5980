use std::path::Path;

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
    let flags = Overrides { listen: Some("127.0.0.1:3".parse().expect("an address")), data: None };
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
