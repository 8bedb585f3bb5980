//! What a client asks for, checked: only the combinations that the server knows.

use tonic::Status;

use crate::filter::Filter;
use crate::proto::{
    AllFrom, AllOptions, Count, ExpectedRevision, FilterSet, IdFormat, Log, ReadReq, StreamFrom, StreamOptions, Target,
};
use crate::proto::{ProposedMessage, StreamIdentifier};
use crate::refusal;
use crate::store::{Expected, NewEvent};

pub(crate) struct Read {
    pub(crate) source: Source,
    pub(crate) from: Origin,
    pub(crate) mode: Mode,
    pub(crate) ids_as_text: bool,
    /// Whether the client knows the messages with a stream's first and last position.
    pub(crate) knows_positions: bool,
}

pub(crate) enum Source {
    Stream(String),
    All(Option<Filter>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Start,
    End,
    /// A revision in a stream, a commit position in `$all`.
    At(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Page { backwards: bool, limit: u64 },
    Subscription,
}

impl Read {
    pub(crate) fn parse(request: ReadReq) -> Result<Self, Status> {
        let options = request.options.ok_or_else(|| missing("options"))?;
        let id_format = options.id_format.ok_or_else(|| missing("uuidOption"))?;
        let filter = match options.filter.ok_or_else(|| missing("filterOption"))? {
            FilterSet::Filter(filter) => Some(Filter::parse(filter)?),
            FilterSet::None(_) => None,
        };
        let mode = mode(options.count, options.direction)?;
        let (source, from) = match options.log {
            Some(Log::Stream(_)) if filter.is_some() => return Err(Status::invalid_argument("a stream can't be filtered")),
            Some(Log::Stream(stream)) => stream_source(stream)?,
            Some(Log::All(all)) => (Source::All(filter), all_from(all)?),
            None => return Err(missing("streamOption")),
        };
        Ok(Self {
            source,
            from,
            mode,
            ids_as_text: matches!(id_format.format, Some(IdFormat::Text(_))),
            knows_positions: options.control.is_some_and(|control| control.compatibility >= 1),
        })
    }
}

fn mode(count: Option<Count>, direction: i32) -> Result<Mode, Status> {
    let backwards = direction == 1;
    match count {
        Some(Count::Limit(limit)) => Ok(Mode::Page { backwards, limit }),
        Some(Count::Subscription(_)) if backwards => Err(Status::invalid_argument("a subscription can't go backwards")),
        Some(Count::Subscription(_)) => Ok(Mode::Subscription),
        None => Err(missing("countOption")),
    }
}

fn stream_source(options: StreamOptions) -> Result<(Source, Origin), Status> {
    let from = match options.from.ok_or_else(|| missing("revisionOption"))? {
        StreamFrom::Start(_) => Origin::Start,
        StreamFrom::End(_) => Origin::End,
        StreamFrom::Revision(revision) => Origin::At(revision),
    };
    Ok((Source::Stream(stream_name(options.stream)?), from))
}

fn all_from(options: AllOptions) -> Result<Origin, Status> {
    Ok(match options.from.ok_or_else(|| missing("allOption"))? {
        AllFrom::Start(_) => Origin::Start,
        AllFrom::End(_) => Origin::End,
        AllFrom::Position(position) => Origin::At(position.commit),
    })
}

/// The stream that a write goes to, and where the client expects it to be.
pub(crate) fn target(target: Option<Target>) -> Result<(String, Expected), Status> {
    let target = target.ok_or_else(|| missing("options"))?;
    let expected = match target.expected.ok_or_else(|| missing("expectedStreamRevision"))? {
        ExpectedRevision::Revision(revision) => Expected::Exact(revision),
        ExpectedRevision::NoStream(_) => Expected::NoStream,
        ExpectedRevision::Any(_) => Expected::Any,
        ExpectedRevision::StreamExists(_) => Expected::StreamExists,
    };
    Ok((stream_name(target.stream)?, expected))
}

pub(crate) fn new_event(message: ProposedMessage) -> Result<NewEvent, Status> {
    let property = |name| message.system_metadata.get(name).ok_or_else(|| refusal::metadata_missing(name));
    let (kind, content_type) = (property("type")?, property("content-type")?);
    let id = message.id.as_ref().and_then(crate::proto::Id::parse).ok_or_else(|| missing("id"))?;
    Ok(NewEvent {
        id,
        kind: kind.clone(),
        is_json: content_type == "application/json",
        data: message.data,
        metadata: message.metadata,
    })
}

fn stream_name(stream: Option<StreamIdentifier>) -> Result<String, Status> {
    let name = stream.ok_or_else(|| missing("streamIdentifier"))?.name;
    String::from_utf8(name.into()).map_err(|_| Status::invalid_argument("a stream name is UTF-8"))
}

fn missing(argument: &str) -> Status {
    Status::invalid_argument(format!("'{argument}' is a required argument"))
}
