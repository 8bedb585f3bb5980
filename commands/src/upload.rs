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
pub(crate) use cancel::{GivenUp, give_up};
pub use complete::{CompleteError, Completed, complete};
pub(crate) use complete::{complete_any, finish_merged};
pub(crate) use expire::lose;
pub use expire::{expire_overdue, sweep_staging};
pub(crate) use receive_part::take_part;
pub use receive_part::{PartError, PartReceived, PartSent, receive_part};
pub use settle::Stored;
pub(crate) use settle::{Merged, home_of, settle};
pub use start::{StartError, StartUpload, Started, start};
pub use status::{UploadState, UploadStatus, status, status_of};
pub(crate) use whole::commit;
pub use whole::{Received, WholeError, WholeUpload, discard_received, receive_whole, store_whole};

use cairn_domain::upload::Upload;
use cairn_domain::{AccountId, StreamName, UploadId};

use crate::{Drive, Loaded, Trouble};

/// The caller's own upload; somebody else's is as absent as one that never was, and so is one whose parts the drive itself fetches.
async fn own_upload(drive: &Drive, owner: AccountId, upload: UploadId) -> Result<Option<Loaded<Upload>>, Trouble> {
    let loaded = drive.journal.load::<Upload>(&StreamName::upload(upload)).await?;
    let is_own =
        |upload: &Loaded<Upload>| upload.state.started().is_some_and(|started| started.owner == owner && started.offline.is_none());
    Ok(Some(loaded).filter(is_own))
}
