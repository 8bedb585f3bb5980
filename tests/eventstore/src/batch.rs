//! `Streams/BatchAppend`: many appends over one call, each answered by itself.

use std::collections::HashMap;

use tokio::sync::mpsc;
use tonic::{Status, Streaming};
use uuid::Uuid;

use crate::call::{Call, success};
use crate::fault::Method;
use crate::proto::{BatchAppendReq, BatchAppendResp, BatchResult, Id, RpcStatus};
use crate::refusal;
use crate::request;
use crate::store::{Expected, NewEvent};

type Answers = mpsc::Sender<Result<BatchAppendResp, Status>>;

/// A batch of which not all parts have come yet.
struct Batch {
    stream: String,
    expected: Expected,
    events: Vec<NewEvent>,
    size_bytes: usize,
}

/// Answers batches in the order in which their last parts come, until the client ends the call or a fault does.
pub(crate) async fn run(call: Call, mut requests: Streaming<BatchAppendReq>, answers: Answers) {
    let mut unfinished = HashMap::new();
    while let Ok(Some(part)) = requests.message().await {
        let Some(answer) = handle(&call, &mut unfinished, part).await else {
            continue;
        };
        let is_over = answer.is_err();
        if answers.send(answer).await.is_err() || is_over {
            return;
        }
    }
}

/// `None` if more parts are to come. An error ends the call, not only the batch.
async fn handle(
    call: &Call,
    unfinished: &mut HashMap<Uuid, Batch>,
    part: BatchAppendReq,
) -> Option<Result<BatchAppendResp, Status>> {
    let correlation_id = part.correlation_id.clone();
    let id = correlation_id.as_ref().and_then(Id::parse).unwrap_or_default();
    let is_final = part.is_final;
    let stream = part.options.as_ref().and_then(|options| options.stream.clone());
    let stream = stream.or_else(|| unfinished.get(&id).map(|batch| batch.stream.as_str().into()));
    let result = match collect(unfinished, id, part) {
        Err(status) => {
            unfinished.remove(&id);
            Ok(BatchResult::Error(status))
        }
        Ok(()) if !is_final => return None,
        Ok(()) => {
            let batch = unfinished.remove(&id)?;
            call.with_faults(Method::BatchAppend, async { Ok(append(call, batch)) }).await
        }
    };
    Some(result.map(|result| BatchAppendResp { correlation_id, result: Some(result), stream }))
}

/// Adds a part to its batch, unless that was refused before: then the rest of it is ignored.
fn collect(unfinished: &mut HashMap<Uuid, Batch>, id: Uuid, part: BatchAppendReq) -> Result<(), RpcStatus> {
    if part.options.is_some() {
        let (stream, expected) = request::target(part.options).map_err(|status| refusal::bad_batch(&status))?;
        unfinished.entry(id).or_insert(Batch { stream, expected, events: Vec::new(), size_bytes: 0 });
    }
    let Some(batch) = unfinished.get_mut(&id) else {
        return Ok(());
    };
    for message in part.proposed_messages {
        let event = request::new_event(message).map_err(|status| refusal::bad_batch(&status))?;
        batch.size_bytes += event.size_bytes();
        batch.events.push(event);
    }
    if batch.size_bytes > refusal::APPEND_BYTES_MAX {
        return Err(refusal::batch_too_big());
    }
    Ok(())
}

fn append(call: &Call, batch: Batch) -> BatchResult {
    let Batch { stream, expected, events, .. } = batch;
    match call.shared.write(|store, ticks| store.append(&stream, expected, events, ticks)) {
        Ok(written) => BatchResult::Success(success(written)),
        Err(refusal) => BatchResult::Error(refusal::batch(&stream, expected, refusal)),
    }
}
