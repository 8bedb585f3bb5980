use std::collections::BTreeMap;

use cairn_commands::ports::blobs::MovePolicy;
use serde::{Deserialize, Deserializer, Serialize, de};

use super::{ConfigError, Hidden};

/// Where contents are kept, by the name that events and answers give the store.
pub type Stores = BTreeMap<String, Store>;

/// The name of the store that is always there.
pub(super) const LOCAL: &str = "local";

/// A place for contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Store {
    /// The directories `blobs` and `staging` of the data directory.
    Fs {},
    /// A bucket of an object store.
    S3(Bucket),
}

/// A bucket, and who may use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// `https://host:port` of the object store, without the bucket.
    pub endpoint: String,
    /// The bucket. It must be there.
    pub bucket: String,
    /// As the object store wants it; many don't care.
    #[serde(default = "region")]
    pub region: String,
    /// Half of what proves who asks.
    pub access_key_id: String,
    /// The other half.
    pub secret_access_key: Hidden,
    /// Whether the bucket's name stands in the path of a URL rather than in its host.
    #[serde(default, deserialize_with = "truth")]
    pub path_style: bool,
    /// Whose manners it has.
    #[serde(default)]
    pub flavor: StoreFlavor,
    /// `https://host` under which people reach the store: then links for downloads lead to it, and not to the drive.
    #[serde(default)]
    pub public_endpoint: Option<String>,
    /// What stands before the name of every object, so that several drives can share a bucket.
    #[serde(default)]
    pub prefix: String,
}

fn region() -> String {
    "us-east-1".to_owned()
}

/// A variable of the environment is a text.
fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Said {
        Truth(bool),
        Text(String),
    }
    match Said::deserialize(deserializer)? {
        Said::Truth(truth) => Ok(truth),
        Said::Text(text) => text.parse().map_err(de::Error::custom),
    }
}

/// Whose manners an object store has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreFlavor {
    /// Amazon's.
    #[default]
    S3,
    /// Those of Ceph's RADOS Gateway.
    Ceph,
    /// Those of Aliyun OSS.
    Oss,
}

/// Which content goes where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// The store that takes uploads.
    pub land: String,
    /// The stores that shall have every content in the end; none, and contents stay where they landed.
    pub move_to: Vec<String>,
    /// How long a content stays where it landed, in seconds.
    pub after_seconds: u64,
    /// The smallest content that goes on, in bytes.
    pub bytes_min: u64,
    /// The largest content that goes on, in bytes; none for no limit.
    pub bytes_max: Option<u64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { land: LOCAL.to_owned(), move_to: Vec::new(), after_seconds: 0, bytes_min: 0, bytes_max: None }
    }
}

impl From<&Policy> for MovePolicy {
    fn from(policy: &Policy) -> Self {
        let Policy { land: _, move_to, after_seconds, bytes_min, bytes_max } = policy.clone();
        Self { to: move_to, after_seconds, bytes_min, bytes_max }
    }
}

impl Policy {
    /// Whether contents can go where they shall.
    pub(super) fn check_moves(&self, stores: &Stores) -> Result<(), ConfigError> {
        let unfit = |key, what| Err(ConfigError::Unfit { key, what });
        if let Some(name) = self.move_to.iter().find(|name| !stores.contains_key(*name)) {
            return Err(ConfigError::NoStore { key: "move_to", name: name.clone() });
        }
        if self.move_to.contains(&self.land) {
            return unfit("policy.move_to", "names the store that takes uploads: what landed there is there");
        }
        if (1..self.move_to.len()).any(|at| self.move_to[..at].contains(&self.move_to[at])) {
            return unfit("policy.move_to", "names a store twice");
        }
        let Self { land, move_to, .. } = self.clone();
        if self.move_to.is_empty() && *self != (Self { land, move_to, ..Self::default() }) {
            return unfit(
                "policy.move_to",
                "is empty, so after_seconds, bytes_min and bytes_max concern no content: set it, or leave them out",
            );
        }
        if self.bytes_max.is_some_and(|bytes_max| bytes_max < self.bytes_min) {
            return unfit("policy.bytes_max", "must not be less than policy.bytes_min");
        }
        Ok(())
    }
}

/// What a drive has when nothing is said.
pub(super) fn stores_default() -> Stores {
    Stores::from([(LOCAL.to_owned(), Store::Fs {})])
}
