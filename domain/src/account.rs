//! A person: password, sessions, roles and quota.

mod command;
mod event;
mod rejection;
mod state;

pub use command::AccountCommand;
pub use event::{
    AccountEvent, AccountRegistered, PasswordChanged, QuotaChanged, Role, RoleGranted, RoleRevoked, SessionClosed, SessionEnd,
    SessionOpened,
};
pub use rejection::AccountRejection;
pub use state::{Account, Registered, Session};

#[cfg(test)]
mod tests;
