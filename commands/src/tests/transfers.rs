use cairn_domain::transfer::{Phase, Transfer, TransferCommand, TransferRejection, TransferRequested};
use cairn_domain::{Decider, Sha1, Sha256, StreamName, TransferId};
use uuid::Uuid;

use super::stage::{Stage, keyed, stage};
use crate::journal::Start;
use crate::transfer::{TransferError, abandon, retry};
use crate::{Loaded, Trouble};

const ID: TransferId = TransferId(Uuid::from_u128(7));

fn request() -> TransferCommand {
    let (from, to) = ("memory".to_owned(), "far".to_owned());
    let (sha256, sha1) = (Sha256([1; 32]), Sha1([2; 20]));
    TransferCommand::Request(TransferRequested { sha256, sha1, size: 3, from, to, along_with: Vec::new() })
}

/// What the saga and a worker do to it.
async fn is_told(stage: &Stage, commands: impl IntoIterator<Item = TransferCommand>) {
    for command in commands {
        let decide = |transfer: &Loaded<Transfer>| -> Result<_, Trouble> {
            let refused = |rejection: TransferRejection| Trouble::Broken(format!("{rejection:?}").into());
            transfer.state.decide(command.clone()).map_err(refused)
        };
        let stream = StreamName::transfer(ID);
        stage.drive.journal.execute(&stream, Start::Load, &stage.request(), decide).await.expect("decided");
    }
}

async fn stalls(stage: &Stage) {
    let fail = TransferCommand::Fail { reason: "no answer".to_owned(), failures_max: 1 };
    is_told(stage, [TransferCommand::Queue, TransferCommand::Start { worker: "one".to_owned() }, fail]).await;
}

#[tokio::test]
async fn a_transfer_that_rests_is_tried_again_once_for_each_request() {
    let stage = stage();
    is_told(&stage, [request()]).await;
    stalls(&stage).await;
    let again = keyed(&stage.request());
    let transfer = retry(&stage.drive.journal, &again, ID).await.expect("retried");
    assert_eq!((transfer.state.phase(), transfer.state.failures()), (Phase::Requested, 0));
    stalls(&stage).await;
    let repeated = retry(&stage.drive.journal, &again, ID).await.expect("answered");
    assert_eq!(repeated.state.phase(), Phase::Stalled, "the same request does its work once");
}

#[tokio::test]
async fn a_retry_changes_nothing_while_a_transfer_is_under_way() {
    let stage = stage();
    is_told(&stage, [request(), TransferCommand::Queue]).await;
    let transfer = retry(&stage.drive.journal, &stage.request(), ID).await.expect("no error");
    assert_eq!(transfer.state.phase(), Phase::Queued);
    assert_eq!(stage.names().await, ["TransferRequested", "TransferQueued"]);
}

#[tokio::test]
async fn what_is_absent_done_or_given_up_is_not_tried_again() {
    let (stage, other) = (stage(), stage());
    let refused = async || retry(&stage.drive.journal, &stage.request(), ID).await.expect_err("refused");
    assert!(matches!(refused().await, TransferError::Absent));
    is_told(&stage, [request()]).await;
    abandon(&stage.drive.journal, &stage.request(), ID, "not wanted".to_owned()).await.expect("given up");
    assert!(matches!(refused().await, TransferError::Abandoned));
    is_told(&other, [request(), TransferCommand::Complete]).await;
    assert!(matches!(retry(&other.drive.journal, &other.request(), ID).await, Err(TransferError::Completed)));
    let late = abandon(&other.drive.journal, &other.request(), ID, "not wanted".to_owned()).await;
    assert!(matches!(late, Err(TransferError::Completed)));
}
