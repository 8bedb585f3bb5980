//! An append on its way to the writer, and its answer.

use cairn_commands::ports::event_store::{Append, Appended, StoreError, check_size};
use cairn_domain::{EventId, Expected, NewEvent, StreamName, Timestamp, codec};
use tokio::sync::oneshot;

use super::judge::Verdict;
use super::queue::Queue;

/// Appends of which each is only made if those before it are.
#[derive(Debug)]
pub(crate) struct AppendJob {
    pub(crate) appends: Vec<EncodedAppend>,
    answer: oneshot::Sender<Result<Vec<Appended>, StoreError>>,
}

impl AppendJob {
    /// Nobody waits for its answer any more.
    #[cfg(feature = "mysql")]
    pub(crate) fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }
}

#[derive(Debug)]
pub(crate) struct EncodedAppend {
    pub(crate) stream: StreamName,
    pub(crate) expected: Expected,
    pub(crate) events: Vec<Encoded>,
}

/// An event as it is stored, but for its place.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) id: EventId,
    pub(crate) time: Timestamp,
    pub(crate) name: &'static str,
    pub(crate) schema: u16,
    pub(crate) metadata: String,
    pub(crate) data: String,
}

/// Queues appends and waits for what becomes of them. Events are encoded here, by whoever appends them: the writer has better things to do.
pub(crate) async fn append<J: From<AppendJob>>(queue: &Queue<J>, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
    if appends.is_empty() {
        return Ok(Vec::new());
    }
    let appends: Vec<_> = appends.into_iter().map(EncodedAppend::new).collect::<Result<_, _>>()?;
    let bytes = appends.iter().flat_map(|append| &append.events).map(Encoded::size).sum();
    let job = |answer| AppendJob { appends, answer }.into();
    queue.ask(bytes, job).await.map_err(|error| StoreError::Unavailable(error.into()))?
}

/// Tells everybody what became of their appends.
pub(crate) fn answer(jobs: Vec<AppendJob>, verdicts: Vec<Vec<Verdict>>) {
    for (job, verdicts) in jobs.into_iter().zip(verdicts) {
        verdicts.iter().for_each(count);
        // Whoever asked may have gone away; the append stands all the same.
        let _ = job.answer.send(verdicts.into_iter().map(Verdict::into_result).collect());
    }
}

/// Tells everybody that the group failed.
pub(crate) fn refuse(jobs: Vec<AppendJob>, error: impl Fn() -> StoreError) {
    let appends: usize = jobs.iter().map(|job| job.appends.len()).sum();
    metrics::counter!("cairn_log_appends_total", "outcome" => "failed").increment(appends as u64);
    for job in jobs {
        let _ = job.answer.send(Err(error()));
    }
}

fn count(verdict: &Verdict) {
    let outcome = match verdict {
        Verdict::Appended(_) => "appended",
        Verdict::Repeated(_) => "repeated",
        Verdict::Refused(StoreError::Conflict { .. }) => "conflict",
        Verdict::Refused(_) => "refused",
    };
    metrics::counter!("cairn_log_appends_total", "outcome" => outcome).increment(1);
}

impl Verdict {
    fn into_result(self) -> Result<Appended, StoreError> {
        match self {
            Self::Appended(appended) | Self::Repeated(appended) => Ok(appended),
            Self::Refused(error) => Err(error),
        }
    }
}

impl EncodedAppend {
    fn new(append: Append) -> Result<Self, StoreError> {
        let events = append.events.iter().map(encode).collect::<Result<Vec<_>, _>>();
        let events = events.map_err(|error| StoreError::Unavailable(error.into()))?;
        check_size(events.iter().map(Encoded::size))?;
        Ok(Self { stream: append.stream, expected: append.expected, events })
    }
}

impl Encoded {
    fn size(&self) -> usize {
        self.name.len() + self.metadata.len() + self.data.len()
    }
}

fn encode(new: &NewEvent) -> serde_json::Result<Encoded> {
    Ok(Encoded {
        id: new.id,
        time: new.time,
        name: new.event.name(),
        schema: new.event.schema(),
        metadata: serde_json::to_string(&new.metadata)?,
        data: codec::encode(&new.event),
    })
}
