//! The table of which crate may use which, held over what cargo knows.

use std::collections::{BTreeSet, VecDeque};

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Package};

/// Crates that reach outside: databases, networks, runtimes' drivers.
const DRIVERS: &[&str] = &[
    "sqlx",
    "sqlx-core",
    "sqlx-sqlite",
    "sqlx-mysql",
    "libsqlite3-sys",
    "rusqlite",
    "async-nats",
    "lapin",
    "redis",
    "kurrentdb",
    "eventstore",
    "aws-config",
    "aws-sdk-s3",
    "reqwest",
    "rustix",
];

/// Crates that speak HTTP.
const WEB: &[&str] = &["poem", "poem-openapi", "hyper", "hyper-util", "axum"];

/// Those that serve it. Clients of servers speak HTTP, too.
const SERVING: &[&str] = &["poem", "poem-openapi"];

struct Rule {
    name: &'static str,
    /// Of Cairn's own crates, these may be used.
    own: &'static [&'static str],
    /// These must not be used, not even through another crate.
    never: &'static [&'static [&'static str]],
}

const RULES: &[Rule] = &[
    Rule { name: "cairn-domain", own: &[], never: &[DRIVERS, WEB, &["tokio", "jiff", "sea-query", "tracing"]] },
    Rule { name: "cairn-commands", own: &["cairn-domain"], never: &[DRIVERS, WEB, &["sea-query"]] },
    Rule { name: "cairn-projections", own: &["cairn-domain"], never: &[DRIVERS, WEB] },
    Rule { name: "cairn-api", own: &["cairn-domain", "cairn-commands", "cairn-projections"], never: &[] },
    Rule { name: "cairn-infra", own: &["cairn-domain", "cairn-commands", "cairn-projections", "cairn-digest"], never: &[SERVING] },
    Rule { name: "cairn-servers", own: &[], never: &[WEB] },
    Rule { name: "cairn-eventstore-double", own: &[], never: &[SERVING] },
    Rule { name: "cairn-oss-double", own: &[], never: &[SERVING] },
    Rule { name: "cairn-digest", own: &[], never: &[DRIVERS, WEB, &["tokio"]] },
];

/// All that the domain may name.
const DOMAIN: &[&str] = &["serde", "serde_json", "thiserror", "unicode-normalization", "uuid"];

/// The REST interface is given its ports; HTTP needs tokio and its sockets, so only what it names itself is looked at.
const API_NEVER: &[&[&str]] = &[DRIVERS, &["sea-query"]];

fn metadata() -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).features(CargoOpt::AllFeatures);
    let platform = format!("--filter-platform={}-unknown-linux-gnu", std::env::consts::ARCH);
    command.other_options(["--offline".to_owned(), platform]);
    command.exec().expect("cargo knows the workspace")
}

fn package<'a>(metadata: &'a Metadata, name: &str) -> &'a Package {
    let found = metadata.workspace_packages().into_iter().find(|package| *package.name == name);
    found.unwrap_or_else(|| panic!("there is no crate {name}"))
}

/// What a crate needs to be built and to run, by its manifest.
fn named(package: &Package) -> BTreeSet<&str> {
    let normal = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
    normal.map(|dependency| dependency.name.as_str()).collect()
}

/// The same, with whatever these crates need in turn.
fn needed(metadata: &Metadata, package: &Package) -> BTreeSet<String> {
    let graph = metadata.resolve.as_ref().expect("cargo resolves the workspace");
    let mut seen = BTreeSet::new();
    let mut to_see = VecDeque::from([&package.id]);
    while let Some(id) = to_see.pop_front() {
        let node = graph.nodes.iter().find(|node| node.id == *id).expect("a node for each crate");
        let normal = node.deps.iter().filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal));
        to_see.extend(normal.map(|dep| &dep.pkg).filter(|id| seen.insert((*id).clone())));
    }
    seen.iter().map(|id| metadata[id].name.to_string()).collect()
}

#[test]
fn every_crate_uses_only_what_the_design_allows() {
    let metadata = metadata();
    for rule in RULES {
        let package = package(&metadata, rule.name);
        let own: BTreeSet<&str> = named(package).into_iter().filter(|name| name.starts_with("cairn")).collect();
        let allowed: BTreeSet<&str> = rule.own.iter().copied().collect();
        assert!(own.is_subset(&allowed), "{} uses {own:?}, allowed are {allowed:?}", rule.name);
        let needed = needed(&metadata, package);
        let wrong: Vec<&&str> = rule.never.iter().copied().flatten().filter(|name| needed.contains(**name)).collect();
        assert!(wrong.is_empty(), "{} must not need {wrong:?}", rule.name);
    }
}

#[test]
fn the_domain_names_five_crates_at_most() {
    let metadata = metadata();
    let named = named(package(&metadata, "cairn-domain"));
    assert!(named.iter().all(|name| DOMAIN.contains(name)), "{named:?}");
}

#[test]
fn the_rest_interface_names_no_client_of_anything() {
    let metadata = metadata();
    let named = named(package(&metadata, "cairn-api"));
    let wrong: Vec<&&str> = API_NEVER.iter().copied().flatten().filter(|name| named.contains(**name)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn nothing_depends_on_the_binary_and_every_crate_has_a_rule() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        assert!(package.dependencies.iter().all(|dependency| dependency.name != "cairn"), "{}", package.name);
        let known = package.name == "cairn" || RULES.iter().any(|rule| *package.name == rule.name);
        assert!(known, "{} has no rule here", package.name);
    }
}
