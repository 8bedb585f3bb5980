//! Which events of a log somebody wants to see, as the command line and the operators' API are asked for them.

use std::fmt;
use std::str::FromStr;

use cairn_domain::{AccountId, Position, StoredEvent, StreamName, Timestamp, Username, Version};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::Journal;
use crate::account::{AccountError, find_account};
use crate::ports::event_store::{EventStore, Sifted, StoreError};

/// Events by what they are. Whatever is given must hold; what is not given is left open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Of streams of this category.
    pub category: Option<String>,
    /// Of this stream.
    pub stream: Option<StreamName>,
    /// Of one of these types; of any when there are none.
    pub types: Vec<String>,
    /// Asked for by this person; the inner none is the drive itself.
    pub actor: Option<Option<AccountId>>,
}

impl Wanted {
    /// Whether an event is wanted.
    pub fn has(&self, event: &StoredEvent) -> bool {
        let Self { category, stream, types, actor } = self;
        category.as_deref().is_none_or(|category| event.stream.category() == category)
            && stream.as_ref().is_none_or(|stream| event.stream == *stream)
            && (types.is_empty() || types.contains(&event.name))
            && actor.is_none_or(|actor| event.metadata.actor == actor)
    }

    /// Those among which the next wanted ones are, after a position (excluded), by the shortest way that the log has: it finds streams and types by
    /// itself. What else is wanted of them, [`has`](Self::has) tells.
    pub async fn next(&self, log: &dyn EventStore, after: Position, limit: usize) -> Result<Sifted, StoreError> {
        if let Some(stream) = &self.stream {
            return next_of(stream, log, after, limit).await;
        }
        if self.types.is_empty() {
            return Ok(Sifted::whole(log.read_all(after, limit).await?, after, limit));
        }
        let names: Vec<&str> = self.types.iter().map(String::as_str).collect();
        log.read_named(after, &names, limit).await
    }
}

/// A stream is read from its beginning: its versions are no positions.
async fn next_of(stream: &StreamName, log: &dyn EventStore, after: Position, limit: usize) -> Result<Sifted, StoreError> {
    let (mut events, mut from, mut is_over) = (Vec::new(), Version(0), false);
    while events.len() < limit && !is_over {
        let page = log.read_stream(stream, from, limit).await?;
        is_over = page.len() < limit;
        from = page.last().map_or(from, |last| last.version.next());
        events.extend(page.into_iter().filter(|event| event.position > after));
    }
    events.truncate(limit);
    Ok(Sifted::whole(events, after, limit))
}

/// A part of the log, its ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stretch {
    /// Where it begins; none for the beginning of the log.
    pub from: Option<Moment>,
    /// Where it ends; none for the end of the log.
    pub until: Option<Moment>,
}

impl Stretch {
    /// Behind which position to read.
    pub fn begins_after(self) -> Position {
        match self.from {
            Some(Moment::At(position)) => Position(position.0.saturating_sub(1)),
            _ => Position::START,
        }
    }

    /// Whether nothing behind a position is in it.
    pub fn is_over(self, position: Position) -> bool {
        matches!(self.until, Some(Moment::At(last)) if position >= last)
    }

    /// Whether an event is in it.
    pub fn has(self, event: &StoredEvent) -> bool {
        let begun = match self.from {
            None => true,
            Some(Moment::At(first)) => event.position >= first,
            Some(Moment::Time(first, _)) => event.time >= first,
        };
        let not_over = match self.until {
            None => true,
            Some(Moment::At(last)) => event.position <= last,
            Some(Moment::Time(_, last)) => event.time <= last,
        };
        begun && not_over
    }
}

/// A place in the log, as somebody says it. Times are those at which events were decided: neighbours may be out of order by as much as clocks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A position.
    At(Position),
    /// From the first to the last instant that the text stands for.
    Time(Timestamp, Timestamp),
}

/// The text is no place in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is neither a position, nor a time as 2026-11-30T12:00:00Z, nor a day as 2026-11-30")]
pub struct NoMoment;

impl FromStr for Moment {
    type Err = NoMoment;
    fn from_str(text: &str) -> Result<Self, NoMoment> {
        if let Ok(position) = text.parse() {
            return Ok(Self::At(Position(position)));
        }
        if let Ok(time) = text.parse::<jiff::Timestamp>() {
            let time = Timestamp(time.as_microsecond());
            return Ok(Self::Time(time, time));
        }
        // A date alone: a time without its offset would be a day, too, to a parser that takes what it can.
        let day = Date::strptime("%Y-%m-%d", text).map_err(|_| NoMoment)?;
        let first = begin_of(day)?;
        let last = begin_of(day.tomorrow().map_err(|_| NoMoment)?)?.0 - 1;
        Ok(Self::Time(first, Timestamp(last)))
    }
}

fn begin_of(day: Date) -> Result<Timestamp, NoMoment> {
    let midnight = day.to_zoned(TimeZone::UTC).map_err(|_| NoMoment)?;
    Ok(Timestamp(midnight.timestamp().as_microsecond()))
}

/// Who has asked for something, as somebody says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The drive itself.
    System,
    /// Somebody, by the id of the account.
    Account(AccountId),
    /// Somebody, by name.
    Named(Username),
}

/// What the drive itself is called. A person of that name is meant by their id.
const SYSTEM: &str = "system";

/// The text is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is neither a user name, nor the id of an account, nor \"system\"")]
pub struct NoActor;

impl FromStr for Actor {
    type Err = NoActor;
    fn from_str(text: &str) -> Result<Self, NoActor> {
        if text == SYSTEM {
            return Ok(Self::System);
        }
        let account = text.parse().map(Self::Account);
        account.or_else(|_| text.parse().map(Self::Named)).map_err(|_| NoActor)
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str(SYSTEM),
            Self::Account(id) => id.fmt(f),
            Self::Named(name) => name.fmt(f),
        }
    }
}

impl Actor {
    /// Looks up who that is; none is the drive itself.
    pub async fn find(&self, journal: &Journal) -> Result<Option<AccountId>, AccountError> {
        match self {
            Self::System => Ok(None),
            Self::Account(id) => Ok(Some(*id)),
            Self::Named(name) => find_account(journal, name).await.map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use cairn_domain::Expected;

    use super::*;
    use crate::ports::event_store::MemoryEventStore;
    use crate::ports::event_store::contract::some_event;

    #[test]
    fn a_moment_is_a_position_a_time_or_a_day() {
        assert_eq!("42".parse(), Ok(Moment::At(Position(42))));
        let second = Timestamp(1_000_000);
        assert_eq!("1970-01-01T00:00:01Z".parse(), Ok(Moment::Time(second, second)));
        assert_eq!("1970-01-01T01:00:01+01:00".parse(), Ok(Moment::Time(second, second)));
        assert_eq!("1970-01-01".parse(), Ok(Moment::Time(Timestamp(0), Timestamp(86_400_000_000 - 1))));
        for nonsense in ["", "-1", "soon", "2026-13-01", "2026-11-30T25:00:00Z", "2026-11-30T12:00:00"] {
            assert_eq!(nonsense.parse::<Moment>(), Err(NoMoment), "{nonsense}");
        }
    }

    #[test]
    fn a_stretch_has_its_ends() {
        let part = Stretch { from: Some(Moment::At(Position(3))), until: Some(Moment::At(Position(5))) };
        assert_eq!(part.begins_after(), Position(2));
        assert_eq!([4, 5, 6].map(|position| part.is_over(Position(position))), [false, true, true]);
        assert!(!Stretch::default().is_over(Position(u64::MAX)));
    }

    #[tokio::test]
    async fn the_shortest_way_leads_to_the_same_events() {
        let log = MemoryEventStore::default();
        let streams = ["file-one", "blob-two", "file-three"].map(|name| StreamName::try_from(name.to_owned()).unwrap());
        for number in 0..40 {
            let id = cairn_domain::CommandId(uuid::Uuid::from_u128(number as u128)).event("x", 0);
            log.append(&streams[number % 7 % 3], Expected::Any, vec![some_event(id)]).await.unwrap();
        }
        let all = log.read_all(Position::START, usize::MAX).await.unwrap();
        let wishes = [
            Wanted::default(),
            Wanted { stream: Some(streams[0].clone()), ..Wanted::default() },
            Wanted { stream: Some("file-none".to_owned().try_into().unwrap()), ..Wanted::default() },
            Wanted { types: vec!["FileAdded".to_owned()], category: Some("blob".to_owned()), ..Wanted::default() },
            Wanted { types: vec!["Other".to_owned()], ..Wanted::default() },
        ];
        for (wanted, begin, limit) in wishes
            .iter()
            .flat_map(|wish| [0, 5, 39, 41].map(|begin| (wish, begin)))
            .flat_map(|(wish, begin)| [1, 2, 6, 100].map(|limit| (wish, Position(begin), limit)))
        {
            let (mut found, mut after) = (Vec::new(), begin);
            loop {
                let next = wanted.next(&log, after, limit).await.unwrap();
                assert!(next.events.len() <= limit);
                after = next.reached;
                found.extend(next.events.into_iter().filter(|event| wanted.has(event)));
                if next.last {
                    break;
                }
            }
            let expected: Vec<_> = all.iter().filter(|event| event.position > begin && wanted.has(event)).cloned().collect();
            assert_eq!(found, expected, "{wanted:?} after {begin}, {limit} at a time");
        }
    }

    #[test]
    fn somebody_is_said_by_name_or_id() {
        let id = AccountId(uuid::Uuid::from_u128(1));
        let said = |text: &str| text.parse::<Actor>().unwrap();
        assert_eq!(said(&id.to_string()), Actor::Account(id));
        assert_eq!(said("system"), Actor::System);
        assert!(matches!(said("alice"), Actor::Named(_)));
        for text in [&id.to_string(), "system", "alice"] {
            assert_eq!(said(text).to_string(), *text);
        }
        assert_eq!("a b/c".parse::<Actor>(), Err(NoActor));
    }
}
