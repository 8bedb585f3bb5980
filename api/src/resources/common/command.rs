use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument;

use crate::app::App;
use crate::ask::{Ask, Done};
use crate::http::problem::Problem;

/// Does a command to its end, whether or not its client waits for it, and only once under its key.
pub(in crate::resources) fn perform<T, P>(
    app: &Arc<App>,
    ask: Ask,
    work: impl Future<Output = Result<Done<T>, P>> + Send + 'static,
) -> impl Future<Output = Result<Done<T>, P>> + Send
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    P: From<Problem> + Send + 'static,
{
    // Boxed before anything awaits: a use case is large, and each layer around it would hold it once more.
    let work = Box::pin(work);
    let app = Arc::clone(app);
    async move {
        let inner = Arc::clone(&app);
        let once = async move { inner.once(&ask, work).await };
        app.detached(once.in_current_span()).await
    }
}
