//! Where contents are.

use std::sync::Arc;

use anyhow::Context;
use cairn_commands::ports::blobs::{BlobStore, MovePolicy, Stores};
use cairn_commands::ports::staging::Staging;
use cairn_infra::config::{Config, LandingStore, LogAdapter, Store};
use cairn_infra::fs::{FsBlobs, FsStaging};

use crate::data::DataDirectory;
#[cfg(feature = "s3")]
use crate::unusable::Unusable;

/// The contents, and those on their way in.
pub(crate) struct OpenStores {
    pub(crate) stores: Stores,
    pub(crate) staging: Arc<dyn Staging>,
    /// Whether other processes may be at uploads in the same place.
    pub(crate) shared: bool,
}

/// The store that takes uploads.
struct Landing {
    blobs: Arc<dyn BlobStore>,
    staging: Arc<dyn Staging>,
    shared: bool,
    #[cfg(feature = "s3")]
    bucket: Option<s3::Named>,
}

/// Opens every store that is configured.
pub(crate) async fn open_stores(config: &Config, data: &DataDirectory) -> anyhow::Result<OpenStores> {
    let landing = landing(config, data).await?;
    let others = others(config, data, &landing).await?;
    let Landing { blobs, staging, shared, .. } = landing;
    Ok(OpenStores { stores: Stores::new(blobs, others).moving(MovePolicy::from(&config.policy)), staging, shared })
}

#[cfg_attr(not(feature = "s3"), expect(clippy::unused_async, reason = "a directory need not be connected to"))]
async fn landing(config: &Config, data: &DataDirectory) -> anyhow::Result<Landing> {
    match config.landing_store()? {
        LandingStore::Local => local(data),
        #[cfg(feature = "s3")]
        LandingStore::S3 { name, bucket } => {
            no_uploads_at(data).await?;
            let store = s3::connect(&name, &bucket).await?;
            let staging = store.staging().await.with_context(|| format!("[stores.{name}] can't be used")).context(Unusable)?;
            let blobs = Arc::new(store.blobs(&name));
            Ok(Landing { blobs, staging: Arc::new(staging), shared: true, bucket: Some((name, store)) })
        }
    }
}

fn local(data: &DataDirectory) -> anyhow::Result<Landing> {
    let staging = FsStaging::open_dir(data.path()).context("the directories for blobs and uploads can't be used")?;
    Ok(Landing {
        blobs: Arc::new(FsBlobs::open_dir(data.path())),
        staging: Arc::new(staging),
        shared: false,
        #[cfg(feature = "s3")]
        bucket: None,
    })
}

/// A store of contents in a directory of its own, which is no drive: for backups.
pub(crate) fn directory_of_blobs(directory: &std::path::Path) -> anyhow::Result<Arc<dyn BlobStore>> {
    FsStaging::open_dir(directory).with_context(|| format!("no contents can be put into {}", directory.display()))?;
    Ok(Arc::new(FsBlobs::open_dir(directory)))
}

/// Uploads that began where another store took them have to end there.
#[cfg(feature = "s3")]
async fn no_uploads_at(data: &DataDirectory) -> anyhow::Result<()> {
    let left =
        local(data)?.staging.list(std::time::Duration::ZERO).await.context("the uploads in the data directory can't be listed")?;
    if left.is_empty() {
        return Ok(());
    }
    let (count, directory) = (left.len(), data.path().display());
    let message = format!("{count} uploads are under way in {directory}: run with policy.land = \"local\" until they have ended");
    Err(anyhow::Error::msg(message).context(crate::unusable::Unusable))
}

/// Stores that take no uploads, but have contents that landed elsewhere or before. They may be away.
#[cfg_attr(not(feature = "s3"), expect(unused_variables, reason = "one directory is apart from nothing"))]
async fn others(config: &Config, data: &DataDirectory, landing: &Landing) -> anyhow::Result<Vec<Arc<dyn BlobStore>>> {
    let mut others: Vec<Arc<dyn BlobStore>> = Vec::new();
    #[cfg(feature = "s3")]
    let mut buckets: Vec<s3::Named> = landing.bucket.clone().into_iter().collect();
    for (name, store) in config.stores.iter().filter(|(name, _)| **name != config.policy.land) {
        match store {
            Store::Fs {} => {
                let local = FsBlobs::open_dir(data.path());
                if is_ours(config, &local).await? {
                    others.push(Arc::new(local));
                }
            }
            #[cfg(feature = "s3")]
            Store::S3(bucket) => {
                let store = s3::connect_if_there(name, bucket).await?;
                others.push(Arc::new(store.blobs(name)));
                buckets.push((name.clone(), store));
            }
            #[cfg(not(feature = "s3"))]
            Store::S3(_) => anyhow::bail!("[stores.{name}] needs the feature `s3`"),
        }
    }
    #[cfg(feature = "s3")]
    s3::check_apart(&buckets).await?;
    Ok(others)
}

/// The directory is always configured. One process of many that never had a content there must not take those of another for lost.
async fn is_ours(config: &Config, local: &FsBlobs) -> anyhow::Result<bool> {
    let alone = matches!(config.log_adapter()?, LogAdapter::Sqlite);
    if alone || config.policy.move_to.iter().any(|name| name == local.name()) {
        return Ok(true);
    }
    Ok(!local.list(None, 1).await.context("the contents in the data directory can't be listed")?.is_empty())
}

#[cfg(feature = "s3")]
mod s3 {
    use anyhow::Context;
    use cairn_infra::config::{Bucket, StoreFlavor};
    use cairn_infra::s3::{Flavor, S3Settings, S3Store};

    use crate::unusable::Unusable;

    /// A bucket, and what the configuration calls it.
    pub(super) type Named = (String, S3Store);

    /// One bucket under two addresses would be its own source: what moves from one name to the other is then removed.
    pub(super) async fn check_apart(buckets: &[Named]) -> anyhow::Result<()> {
        for (index, (name, store)) in buckets.iter().enumerate() {
            for (other_name, other) in &buckets[..index] {
                match store.is_same_place(other).await {
                    Ok(false) => {}
                    Ok(true) => {
                        let message = format!("[stores.{other_name}] and [stores.{name}] are the same bucket under two addresses");
                        return Err(anyhow::Error::msg(message).context(Unusable));
                    }
                    Err(error) => {
                        let error = &*error as &dyn std::error::Error;
                        tracing::warn!(
                            error,
                            store = name,
                            other = other_name,
                            "whether two stores are one can't be found out just now"
                        );
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) async fn connect(name: &str, bucket: &Bucket) -> anyhow::Result<S3Store> {
        S3Store::connect(settings(bucket)).await.with_context(|| format!("[stores.{name}] can't be used")).context(Unusable)
    }

    pub(super) async fn connect_if_there(name: &str, bucket: &Bucket) -> anyhow::Result<S3Store> {
        let connected = S3Store::connect_if_there(settings(bucket)).await;
        let (store, away) = connected.with_context(|| format!("[stores.{name}] can't be used")).context(Unusable)?;
        if let Some(error) = away {
            tracing::warn!(%error, store = name, "a store is away: what lies only there can't be read until it is back");
        }
        Ok(store)
    }

    fn settings(bucket: &Bucket) -> S3Settings {
        S3Settings {
            endpoint: bucket.endpoint.clone(),
            region: bucket.region.clone(),
            bucket: bucket.bucket.clone(),
            access_key_id: bucket.access_key_id.clone(),
            secret_access_key: bucket.secret_access_key.expose().to_owned(),
            path_style: bucket.path_style,
            flavor: match bucket.flavor {
                StoreFlavor::S3 => Flavor::S3,
                StoreFlavor::Ceph => Flavor::Ceph,
                StoreFlavor::Oss => Flavor::Oss,
            },
            public_endpoint: bucket.public_endpoint.clone(),
            prefix: bucket.prefix.clone(),
        }
    }
}
