/// Why a command to an account was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountRejection {
    /// There is no such account.
    NotRegistered,
    /// The account is there already, and differently.
    AlreadyRegistered,
    /// The password was changed while the old one was being checked: check again.
    PasswordChangedMeanwhile,
}
