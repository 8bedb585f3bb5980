//! The filters of reads of `$all`.

use fancy_regex::Regex;
use tonic::Status;

use crate::proto::{FilterExpression, FilterKind, FilterOptions, FilterWindow};
use crate::store::Record;

/// What the server reads at once, and how far it looks for matches if the client sets no other window.
pub(crate) const PAGE_EVENTS: usize = 32;

pub(crate) struct Filter {
    subject: Subject,
    test: Test,
    /// How many events one page looks at, matching or not.
    pub(crate) window: usize,
    /// After how many events that were looked at a subscription sends a checkpoint.
    pub(crate) checkpoint_interval: usize,
}

enum Subject {
    StreamName,
    EventType,
}

/// The server runs on .NET, whose expressions look ahead and behind; clients send such expressions to leave out system events.
enum Test {
    Regex(Box<Regex>),
    Prefixes(Vec<String>),
}

impl Filter {
    pub(crate) fn parse(options: FilterOptions) -> Result<Self, Status> {
        let (subject, expression) = match options.kind {
            Some(FilterKind::StreamName(expression)) => (Subject::StreamName, expression),
            Some(FilterKind::EventType(expression)) => (Subject::EventType, expression),
            None => return Err(Status::invalid_argument("a filter needs an expression")),
        };
        let window = match options.window {
            Some(FilterWindow::Max(events)) => events as usize,
            Some(FilterWindow::Count(_)) => PAGE_EVENTS,
            None => return Err(Status::invalid_argument("a filter needs a window")),
        };
        let checkpoint_interval = window * options.checkpoint_interval_multiplier as usize;
        Ok(Self { subject, test: Test::parse(expression)?, window: window.max(1), checkpoint_interval })
    }

    pub(crate) fn accepts(&self, record: &Record) -> bool {
        let text = match self.subject {
            Subject::StreamName => &record.stream,
            Subject::EventType => record.event.kind.as_str(),
        };
        match &self.test {
            // An expression that gives up on backtracking matches nothing.
            Test::Regex(regex) => regex.is_match(text).unwrap_or(false),
            Test::Prefixes(prefixes) => prefixes.iter().any(|prefix| text.starts_with(prefix)),
        }
    }
}

impl Test {
    fn parse(expression: FilterExpression) -> Result<Self, Status> {
        if expression.regex.is_empty() {
            return Ok(Self::Prefixes(expression.prefixes));
        }
        let regex = Regex::new(&expression.regex).map_err(|error| Status::invalid_argument(error.to_string()))?;
        Ok(Self::Regex(Box::new(regex)))
    }
}
