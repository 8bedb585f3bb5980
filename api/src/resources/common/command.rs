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
pub(in crate::resources) fn perform<T, P>(
    app: &Arc<App>,
    ask: &Ask,
    call: &'static str,
    wish: &impl Serialize,
    work: impl Future<Output = Result<Done<T>, P>> + Send + 'static,
) -> impl Future<Output = Result<Done<T>, P>> + Send
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    P: From<Problem> + Send + 'static,
{
    // Boxed before anything awaits: a use case is large, and each layer around it would hold it once more.
    let work = Box::pin(work);
    let (app, ask, wish) = (Arc::clone(app), ask.clone(), canonical(wish));
    async move {
        let inner = Arc::clone(&app);
        let once = async move { inner.once(&ask, &[call.as_bytes(), &wish], work).await };
        app.detached(once.in_current_span()).await
    }
}
