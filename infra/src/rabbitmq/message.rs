//! What a task looks like on its way. The first four names are those of the design before; its workers pass over the others.

use cairn_commands::ports::tasks::{StoreKind, Task, TransferTask};
use cairn_domain::{EventId, Sha256};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A task is a few hundred bytes.
const BYTES_MAX: usize = 64 * 1024;

/// The storage format: fields may be added, and none ever changes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wire {
    file_hash: String,
    cur_location: String,
    dest_location: String,
    dest_store_type: u8,
    #[serde(default, skip_serializing_if = "is_zero")]
    attempt: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transfer: Option<WireTransfer>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireTransfer {
    id: Uuid,
    sha256: Sha256,
    from: String,
    to: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    causation: Option<EventId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correlation: Option<String>,
}

/// Why a message is no task. It names nothing of what the message holds.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoTask {
    #[error("it has {0} bytes, more than any task")]
    TooLarge(usize),
    #[error("it is not the JSON of a task")]
    Malformed(#[source] serde_json::Error),
    #[error("there is no DestStoreType {0}")]
    UnknownKind(u8),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The task as JSON.
pub(super) fn encode(task: &Task) -> Result<Vec<u8>, serde_json::Error> {
    let transfer = task.transfer.clone().map(|TransferTask { id, sha256, from, to, causation, correlation }| WireTransfer {
        id,
        sha256,
        from,
        to,
        causation,
        correlation,
    });
    serde_json::to_vec(&Wire {
        file_hash: task.file_hash.clone(),
        cur_location: task.current_location.clone(),
        dest_location: task.destination.clone(),
        dest_store_type: task.destination_kind.number(),
        attempt: task.attempt,
        transfer,
    })
}

/// The task that a message is, whoever wrote it.
pub(super) fn decode(bytes: &[u8]) -> Result<Task, NoTask> {
    if bytes.len() > BYTES_MAX {
        return Err(NoTask::TooLarge(bytes.len()));
    }
    let wire: Wire = serde_json::from_slice(bytes).map_err(NoTask::Malformed)?;
    let kind = StoreKind::from_number(wire.dest_store_type).ok_or(NoTask::UnknownKind(wire.dest_store_type))?;
    let transfer = wire.transfer.map(|WireTransfer { id, sha256, from, to, causation, correlation }| TransferTask {
        id,
        sha256,
        from,
        to,
        causation,
        correlation,
    });
    Ok(Task {
        file_hash: wire.file_hash,
        current_location: wire.cur_location,
        destination: wire.dest_location,
        destination_kind: kind,
        attempt: wire.attempt,
        transfer,
    })
}

#[cfg(test)]
mod tests {
    use cairn_commands::ports::tasks::contract::task;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_task_goes_there_and_back_and_an_old_worker_finds_its_four_fields() {
        let task = Task { attempt: 2, ..task(4) };
        let bytes = encode(&task).expect("JSON");
        assert_eq!(decode(&bytes).expect("a task"), task);
        let seen: Value = serde_json::from_slice(&bytes).expect("JSON");
        for (name, value) in [
            ("FileHash", json!("hash-4")),
            ("CurLocation", json!("/data/blobs/4")),
            ("DestLocation", json!("oss/blobs/4")),
            ("DestStoreType", json!(3)),
        ] {
            assert_eq!(seen[name], value);
        }
    }

    #[test]
    fn a_message_of_an_old_uploader_is_a_task() {
        let message = br#"{"FileHash":"da39a3ee","CurLocation":"/tmp/a","DestLocation":"oss/da39a3ee","DestStoreType":3}"#;
        let task = decode(message).expect("a task");
        assert_eq!((task.file_hash.as_str(), task.destination_kind, task.attempt), ("da39a3ee", StoreKind::Oss, 0));
        assert_eq!(task.transfer, None);
    }

    #[test]
    fn whatever_else_is_none() {
        for message in [&b""[..], b"{}", b"null", b"\xff\xfe", br#"{"FileHash":1}"#] {
            assert!(matches!(decode(message), Err(NoTask::Malformed(_))));
        }
        let kind = br#"{"FileHash":"a","CurLocation":"b","DestLocation":"c","DestStoreType":9}"#;
        assert!(matches!(decode(kind), Err(NoTask::UnknownKind(9))));
        assert!(matches!(decode(&vec![b' '; BYTES_MAX + 1]), Err(NoTask::TooLarge(_))));
    }
}
