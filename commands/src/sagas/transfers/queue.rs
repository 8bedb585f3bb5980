use cairn_domain::blob::Blob;
use cairn_domain::transfer::{Phase, Transfer, TransferCommand};
use cairn_domain::{CommandId, Decider, StreamName, TransferId};

use super::request::{follow_up, requested_event};
use crate::journal::Start;
use crate::ports::tasks::{QueueError, StoreKind, Task, TransferTask};
use crate::{Drive, Loaded, Trouble};

/// Puts a task for the transfer into the queue, and notes it on the log. First the task: one too many does no harm, one too few would.
/// Nothing is done when the transfer is no longer in that phase. True when there is a task more.
pub(super) async fn queue(drive: &Drive, id: TransferId, phase: Phase) -> Result<bool, Trouble> {
    let stream = StreamName::transfer(id);
    let transfer = drive.journal().load::<Transfer>(&stream).await?;
    if transfer.state.phase() != phase || transfer.state.requested().is_none() {
        return Ok(false);
    }
    let task = task_of(drive, id, &transfer).await?;
    let sha256 = task.transfer.as_ref().map(|transfer| tracing::field::display(transfer.sha256));
    drive.ports().tasks.push(&task).await.map_err(refused)?;
    let times_queued = transfer.state.times_queued();
    let command = match phase {
        Phase::Requested => TransferCommand::Queue,
        _ => TransferCommand::QueueAgain { times_queued },
    };
    let request = follow_up(id, CommandId(id.0).then(&format!("queue {times_queued}")), transfer.correlation);
    // A worker may have been faster, and be done with it.
    let decide = |transfer: &Loaded<Transfer>| Ok::<_, Trouble>(transfer.state.decide(command.clone()).unwrap_or_default());
    drive.journal().execute::<Transfer, Trouble>(&stream, Start::Load, &request, decide).await?;
    tracing::info!(transfer = %id, sha256, times_queued, causation = %requested_event(id), "a transfer is in the queue");
    Ok(true)
}

fn refused(error: QueueError) -> Trouble {
    Trouble::Unavailable(error.into())
}

async fn task_of(drive: &Drive, id: TransferId, transfer: &Loaded<Transfer>) -> Result<Task, Trouble> {
    let requested = transfer.state.requested().ok_or_else(|| Trouble::Broken(format!("there is no transfer {id}").into()))?;
    let (sha256, stores) = (requested.sha256, &drive.ports().stores);
    let blob = drive.journal().load::<Blob>(&StreamName::blob(sha256)).await?.state;
    // One that is not configured here may be at the worker; if it is not there either, the transfer fails there, and that is counted.
    let address = |name: &str| stores.get(name).map_or_else(String::new, |store| store.address(blob.key_in(name, sha256)));
    Ok(Task {
        file_hash: requested.sha1.to_string(),
        current_location: address(&requested.from),
        destination: address(&requested.to),
        destination_kind: stores.get(&requested.to).map_or(StoreKind::Oss, |store| store.kind()),
        attempt: 0,
        transfer: Some(TransferTask {
            id: id.0,
            sha256,
            from: requested.from.clone(),
            to: requested.to.clone(),
            causation: Some(requested_event(id)),
            correlation: transfer.correlation.clone(),
        }),
    })
}
