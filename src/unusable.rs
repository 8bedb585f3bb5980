/// Marks an error as one of the command line, the configuration, or what it names.
#[derive(Debug, thiserror::Error)]
#[error("cairn can't run like this")]
pub(crate) struct Unusable;
