//! Uploads, whole or in parts, up to the entry in the drive.

mod cancel;
mod complete;
mod expire;
mod receive_part;
mod settle;
mod start;
mod status;
mod whole;

pub use cancel::{CancelError, cancel};
pub use complete::{CompleteError, Completed, complete};
pub use expire::{expire_overdue, sweep_staging};
pub use receive_part::{PartError, PartReceived, PartSent, receive_part};
pub use settle::Stored;
pub(crate) use settle::{Merged, home_of, settle};
pub use start::{StartError, StartUpload, Started, start};
pub use status::{UploadState, UploadStatus, status, status_of};
pub use whole::{Received, WholeError, WholeUpload, discard_received, receive_whole, store_whole};

use cairn_domain::upload::Upload;
use cairn_domain::{AccountId, StreamName, UploadId};

use crate::{Drive, Loaded, Trouble};

/// The caller's own upload; somebody else's is as absent as one that never was.
async fn own_upload(drive: &Drive, owner: AccountId, upload: UploadId) -> Result<Option<Loaded<Upload>>, Trouble> {
    let loaded = drive.journal.load::<Upload>(&StreamName::upload(upload)).await?;
    Ok(Some(loaded).filter(|upload| upload.state.started().is_some_and(|started| started.owner == owner)))
}
