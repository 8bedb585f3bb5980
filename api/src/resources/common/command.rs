use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument;

use crate::app::App;
use crate::ask::{Ask, Done, canonical};
use crate::http::problem::Problem;

/// Does a command to its end, whether or not its client waits for it, and only once under its key.
///
/// `call` and `wish` are everything that decides about the effect: whoever comes back with the same key and anything else is refused.
pub(in crate::resources) async fn perform<T, P>(
    app: &Arc<App>,
    ask: &Ask,
    call: &'static str,
    wish: &impl Serialize,
    work: impl Future<Output = Result<Done<T>, P>> + Send + 'static,
) -> Result<Done<T>, P>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    P: From<Problem> + Send + 'static,
{
    let (inner, ask, wish) = (Arc::clone(app), ask.clone(), canonical(wish));
    let once = async move { inner.once(&ask, &[call.as_bytes(), &wish], work).await };
    app.detached(once.in_current_span()).await
}
