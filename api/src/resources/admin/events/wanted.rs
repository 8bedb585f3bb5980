use std::str::FromStr;

use cairn_domain::event::CATALOGUE;
use cairn_domain::{AccountId, Position, StoredEvent, StreamName, Timestamp, Username};

use crate::resources::common::Fields;
use crate::resources::time::Time;

/// Which events are meant, as the query says it.
#[derive(Debug, Default)]
pub(in crate::resources::admin) struct Filters {
    pub(in crate::resources::admin) category: Option<String>,
    pub(in crate::resources::admin) stream: Option<String>,
    pub(in crate::resources::admin) types: Vec<String>,
    pub(in crate::resources::admin) from: Option<String>,
    pub(in crate::resources::admin) until: Option<String>,
}

/// The same, as the log knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Wanted {
    category: Option<String>,
    stream: Option<StreamName>,
    types: Vec<String>,
    /// Whose events; the inner none is the system itself.
    actor: Option<Option<AccountId>>,
    from: Option<Moment>,
    until: Option<Moment>,
}

/// A place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    At(Position),
    Time(Timestamp),
}

/// Who is meant by `actor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::resources::admin) enum Actor {
    /// Nobody asked for it.
    System,
    /// Somebody, by the id of the account.
    Account(AccountId),
    /// Somebody, by name.
    Named(Username),
}

/// What `actor` calls the drive itself. A person of that name is meant by their id.
const SYSTEM: &str = "system";

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let position = text.parse().map(|position| Self::At(Position(position)));
        let moment = position.or_else(|_| text.parse::<Time>().map(|Time(time)| Self::Time(time)));
        moment.map_err(|_| "is a position, or a time as in RFC 3339, such as 2026-01-31T12:00:00Z")
    }
}

impl FromStr for Actor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == SYSTEM {
            return Ok(Self::System);
        }
        let account = text.parse().map(Self::Account);
        let actor = account.or_else(|_| text.parse().map(Self::Named));
        actor.map_err(|_: <Username as FromStr>::Err| "is the id of an account, a user name, or \"system\"")
    }
}

impl Wanted {
    /// Tells the fields of everything that is not acceptable. Who is meant by `actor` was looked up before.
    pub(super) fn read(filters: Filters, actor: Option<Option<AccountId>>, fields: &mut Fields) -> Option<Self> {
        let Filters { category, stream, types, from, until } = filters;
        if category.as_ref().is_some_and(|category| !CATALOGUE.iter().any(|(known, _, _)| known == category)) {
            fields.refuse::<()>("category", "is not one that the log has");
        }
        if types.iter().any(|name| !CATALOGUE.iter().any(|(_, known, _)| known == name)) {
            fields.refuse::<()>("type", "is not one that this program knows");
        }
        let stream = match stream.map(StreamName::try_from).transpose() {
            Ok(stream) => Some(stream),
            Err(_) => fields.refuse("stream", "is the name of a stream, as <category>-<id>"),
        };
        let (from, until) = (fields.read_optional("from", from.as_deref()), fields.read_optional("until", until.as_deref()));
        Some(Self { category, stream: stream?, types, actor, from: from?, until: until? })
    }

    /// After which position reading begins.
    pub(super) fn begins_after(&self) -> Position {
        match self.from {
            Some(Moment::At(position)) => Position(position.0.saturating_sub(1)),
            _ => Position::START,
        }
    }

    /// Whether nothing that stands at the position, or behind it, is wanted.
    pub(super) fn is_past(&self, position: Position) -> bool {
        matches!(self.until, Some(Moment::At(last)) if position > last)
    }

    pub(super) fn has(&self, event: &StoredEvent) -> bool {
        let begun = match self.from {
            Some(Moment::At(position)) => event.position >= position,
            Some(Moment::Time(first)) => event.time >= first,
            None => true,
        };
        let over = self.is_past(event.position) || matches!(self.until, Some(Moment::Time(last)) if event.time > last);
        begun
            && !over
            && self.category.as_deref().is_none_or(|category| event.stream.category() == category)
            && self.stream.as_ref().is_none_or(|stream| event.stream == *stream)
            && (self.types.is_empty() || self.types.contains(&event.name))
            && self.actor.is_none_or(|actor| event.metadata.actor == actor)
    }

    /// Whether an event may be left out because of what it is, not of where it stands.
    pub(super) fn chooses(&self) -> bool {
        let Self { category, stream, types, actor, from, until } = self;
        let by_time = [from, until].into_iter().any(|moment| matches!(moment, Some(Moment::Time(_))));
        category.is_some() || stream.is_some() || !types.is_empty() || actor.is_some() || by_time
    }
}
