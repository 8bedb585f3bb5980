use std::sync::Arc;

use futures_util::future::BoxFuture;

/// How something that is open is given back.
#[derive(Clone)]
pub(crate) struct Closing(Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>);

impl Closing {
    pub(super) fn of<T, F>(open: Arc<T>, close: impl Fn(Arc<T>) -> F + Send + Sync + 'static) -> Self
    where
        T: Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(close(Arc::clone(&open)))))
    }

    /// There is nothing to give back.
    pub(super) fn nothing() -> Self {
        Self(Arc::new(|| Box::pin(std::future::ready(()))))
    }

    pub(crate) async fn close(&self) {
        (self.0)().await;
    }
}
