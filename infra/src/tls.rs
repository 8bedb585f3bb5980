//! The one cryptographic provider of TLS.

/// Makes aws-lc-rs the provider of every TLS client in this process. Two providers are compiled in, and rustls refuses to choose between them. May
/// be called any number of times; whatever was installed first stays.
pub fn install() {
    let _was_installed_before = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
