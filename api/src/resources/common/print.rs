use crate::app::App;
use crate::ask::Asking;
use crate::http::problem::Problem;

/// What stands for a password in the fingerprint of a keyed request; a request without a key, or without a password, needs none.
pub(in crate::resources) async fn print_of(app: &App, asking: &Asking, password: Option<&str>) -> Result<Option<String>, Problem> {
    match asking.key().zip(password) {
        Some((key, password)) => Ok(Some(app.drive.password_print(key, password).await?)),
        None => Ok(None),
    }
}
