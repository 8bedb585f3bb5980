//! The stream of all events: declared as often as somebody likes, and what it says about its end.

use std::time::Duration;

use async_nats::jetstream::context::{Context, GetStreamError, GetStreamErrorKind, RequestError, RequestErrorKind};
use async_nats::jetstream::stream::{
    Config, DiscardPolicy, Info, LastRawMessageErrorKind, RetentionPolicy, StorageType, Stream as Handle,
};
use async_nats::jetstream::{ErrorCode, message::StreamMessage};
use cairn_commands::ports::BoxError;
use cairn_commands::ports::bus::{BusError, Reached, Tip};

use super::connect::{OpenError, Server};
use super::message;

/// How much of the events the stream keeps. What is older goes, whoever has seen it or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// All messages together, in bytes.
    pub bytes_max: u64,
    /// How long a message is kept.
    pub age_max: Duration,
    /// On how many servers of a cluster each message lies.
    pub replicas: usize,
}

/// The smallest largest message with which an event's headers and names always fit.
const PAYLOAD_BYTES_MIN: usize = 4_096;

/// A stream by its name, on the server or still to be made there.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub(super) server: Server,
    pub(super) name: String,
    pub(super) limits: Limits,
}

impl Stream {
    /// Makes the stream, or brings the limits of the one that is there up to these. What else an operator has set stays.
    pub(super) async fn declare(&self, context: &Context) -> Result<(), OpenError> {
        let payload = context.client().server_info().max_payload;
        if payload < PAYLOAD_BYTES_MIN {
            let what = format!("its max_payload of {payload} bytes is less than {PAYLOAD_BYTES_MIN}");
            return Err(self.unusable(what.into()));
        }
        match self.find(context).await? {
            None => self.create(context).await,
            Some(found) => self.update(context, found.cached_info()).await,
        }
    }

    async fn find(&self, context: &Context) -> Result<Option<Handle>, OpenError> {
        match context.get_stream(&self.name).await {
            Ok(found) => Ok(Some(found)),
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(said) if said.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
                GetStreamErrorKind::JetStream(said) if is_without_jetstream(said.error_code()) => Err(self.no_jetstream(error)),
                // Nobody answers such a question at all where JetStream is off.
                GetStreamErrorKind::Request if is_unanswered(&error) => Err(self.no_jetstream(error)),
                _ => Err(self.unusable(error.into())),
            },
        }
    }

    async fn create(&self, context: &Context) -> Result<(), OpenError> {
        let Err(error) = context.create_stream(self.limited(self.new_config())).await else { return Ok(()) };
        // Another process may have been faster, with limits of its own.
        match self.find(context).await? {
            Some(found) => self.update(context, found.cached_info()).await,
            None => Err(self.unusable(error.into())),
        }
    }

    async fn update(&self, context: &Context, info: &Info) -> Result<(), OpenError> {
        self.check(&info.config)?;
        let wanted = self.limited(info.config.clone());
        if wanted == info.config {
            return Ok(());
        }
        context.update_stream(wanted).await.map(drop).map_err(|error| self.unusable(error.into()))
    }

    fn new_config(&self) -> Config {
        Config {
            name: self.name.clone(),
            description: Some("Every event of a drive, in the order of its log".to_owned()),
            subjects: vec![message::subjects(&self.name)],
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::Old,
            storage: StorageType::File,
            ..Config::default()
        }
    }

    fn limited(&self, config: Config) -> Config {
        Config {
            max_bytes: i64::try_from(self.limits.bytes_max).unwrap_or(i64::MAX),
            max_age: self.limits.age_max,
            num_replicas: self.limits.replicas,
            // The server's own limit is obeyed; one of the stream would stop everything behind the first event above it.
            max_message_size: -1,
            ..config
        }
    }

    /// Another program's stream is not to be written to, nor its limits to be changed.
    fn check(&self, config: &Config) -> Result<(), OpenError> {
        let ours = self.new_config();
        let what = if config.subjects != ours.subjects {
            format!("it takes {} instead of {}", config.subjects.join(", "), ours.subjects.join(", "))
        } else if config.retention != ours.retention {
            "messages leave it when they are read".to_owned()
        } else if config.discard != ours.discard {
            "it refuses new messages when it is full".to_owned()
        } else {
            return Ok(());
        };
        Err(OpenError::OtherStream { server: self.server.clone(), stream: self.name.clone(), what })
    }

    fn unusable(&self, source: BoxError) -> OpenError {
        OpenError::Unusable { server: self.server.clone(), stream: self.name.clone(), source }
    }

    fn no_jetstream(&self, error: impl Into<BoxError>) -> OpenError {
        OpenError::NoJetStream { server: self.server.clone(), source: error.into() }
    }

    /// What its last message is; none when there is no stream.
    pub(super) async fn end(&self, context: &Context) -> Result<Option<Reached>, BusError> {
        let handle = match context.get_stream(&self.name).await {
            Ok(handle) => handle,
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(said) if said.error_code() == ErrorCode::STREAM_NOT_FOUND => return Ok(None),
                _ => return Err(BusError::Unavailable(error.into())),
            },
        };
        self.check(&handle.cached_info().config).map_err(|error| BusError::Foreign(error.into()))?;
        let state = &handle.cached_info().state;
        let tip = Tip(state.last_sequence);
        if state.last_sequence == 0 {
            return Ok(Some(Reached::Empty(tip)));
        }
        if state.messages == 0 {
            return Ok(Some(Reached::Forgotten(tip)));
        }
        let Some(last) = self.last_message(&handle, state.last_sequence).await? else { return Ok(Some(Reached::Forgotten(tip))) };
        let (position, event) = message::identity(&last.headers).ok_or_else(|| {
            BusError::Foreign(format!("message {} of the stream {} is no event of a drive", last.sequence, self.name).into())
        })?;
        Ok(Some(Reached::At { position, event, tip }))
    }

    /// The last one may just have expired; or somebody has removed it, and the one before tells as much as there is to know.
    async fn last_message(&self, handle: &Handle, sequence: u64) -> Result<Option<StreamMessage>, BusError> {
        for by_number in [true, false] {
            let asked = if by_number {
                handle.get_raw_message(sequence).await
            } else {
                handle.get_last_raw_message_by_subject(&message::subjects(&self.name)).await
            };
            match asked {
                Ok(message) => return Ok(Some(message)),
                Err(error) if matches!(error.kind(), LastRawMessageErrorKind::NoMessageFound) => {}
                Err(error) => return Err(BusError::Unavailable(error.into())),
            }
        }
        Ok(None)
    }
}

fn is_without_jetstream(code: ErrorCode) -> bool {
    [ErrorCode::JETSTREAM_NOT_ENABLED, ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT].contains(&code)
}

/// Errors of this client do not tell their cause's kind but by its type.
fn is_unanswered(error: &GetStreamError) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<RequestError>());
    cause.is_some_and(|cause| cause.kind() == RequestErrorKind::NoResponders)
}
