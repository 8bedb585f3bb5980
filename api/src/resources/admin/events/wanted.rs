use cairn_commands::chosen::{Moment, Stretch, Wanted};
use cairn_domain::event::CATALOGUE;
use cairn_domain::{AccountId, StreamName};

use crate::resources::common::Fields;

/// Which events are meant, as the query says it.
#[derive(Debug, Default)]
pub(in crate::resources::admin) struct Filters {
    pub(in crate::resources::admin) category: Option<String>,
    pub(in crate::resources::admin) stream: Option<String>,
    pub(in crate::resources::admin) types: Vec<String>,
    pub(in crate::resources::admin) from: Option<String>,
    pub(in crate::resources::admin) until: Option<String>,
}

impl Filters {
    /// Tells the fields of everything that is not acceptable. Who is meant by `actor` was looked up before.
    pub(super) fn read(self, actor: Option<Option<AccountId>>, fields: &mut Fields) -> Option<(Wanted, Stretch)> {
        let Self { category, stream, types, from, until } = self;
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
        Some((Wanted { category, stream: stream?, types, actor }, Stretch { from: from?, until: until? }))
    }
}

/// Whether an event may be left out because of what it is, and not of where it stands.
pub(super) fn chooses(wanted: &Wanted, stretch: Stretch) -> bool {
    let by_time = [stretch.from, stretch.until].into_iter().any(|end| matches!(end, Some(Moment::Time(..))));
    *wanted != Wanted::default() || by_time
}
