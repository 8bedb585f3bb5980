//! Who may do what. Every door asks here: tokens of sessions, signed links, tokens of shares, pages and commands.
//!
//! What is not allowed is as if it were not there, so there is one way to say no.

use std::collections::BTreeSet;

use crate::account::Role;
use crate::{AccountId, FileId};

/// Who stands at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker<'a> {
    /// Somebody who is signed in.
    Account {
        /// Who.
        id: AccountId,
        /// What they may do beside owning their drive.
        roles: &'a BTreeSet<Role>,
    },
    /// Whoever holds a link to this entry that the drive has signed and that has not ended.
    Link(FileId),
    /// Whoever holds the token of a share of this entry that can be used, and knows its password if it asks for one.
    Share(FileId),
}

/// What they want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// To have the present content of an entry.
    Read,
    /// Everything else that can be done with an entry: its earlier contents, its history, its name and place, sharing it, its end.
    Own,
}

/// An entry, as far as it decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// Which.
    pub id: FileId,
    /// Whose it is.
    pub owner: AccountId,
    /// Whether it is in use, and so are the folders that it stands in.
    pub in_use: bool,
    /// Whether it only holds a version of another entry.
    pub holds_version: bool,
}

/// Whether they may.
pub fn allows(asker: Asker<'_>, act: Act, subject: Subject) -> bool {
    if subject.holds_version {
        return false;
    }
    match asker {
        // Also what is in the trash: it is still theirs. To be an operator opens nobody's files.
        Asker::Account { id, .. } => id == subject.owner,
        Asker::Link(entry) | Asker::Share(entry) => act == Act::Read && entry == subject.id && subject.in_use,
    }
}

/// Whether they may see and operate the drive as a whole.
pub fn may_operate(asker: Asker<'_>) -> bool {
    match asker {
        Asker::Account { roles, .. } => roles.contains(&Role::Admin),
        Asker::Link(_) | Asker::Share(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const OWNER: AccountId = AccountId(Uuid::from_u128(1));
    const OTHER: AccountId = AccountId(Uuid::from_u128(2));
    const ENTRY: FileId = FileId(Uuid::from_u128(3));
    const ANOTHER: FileId = FileId(Uuid::from_u128(4));

    /// In use, in the trash, and one that only holds a version of another.
    const SUBJECTS: [Subject; 3] = [
        Subject { id: ENTRY, owner: OWNER, in_use: true, holds_version: false },
        Subject { id: ENTRY, owner: OWNER, in_use: false, holds_version: false },
        Subject { id: ENTRY, owner: OWNER, in_use: true, holds_version: true },
    ];

    #[test]
    fn everybody_may_what_the_table_says() {
        let (nothing, admin) = (BTreeSet::new(), BTreeSet::from([Role::Admin]));
        let table = [
            (Asker::Account { id: OWNER, roles: &nothing }, Act::Read, [true, true, false]),
            (Asker::Account { id: OWNER, roles: &nothing }, Act::Own, [true, true, false]),
            (Asker::Account { id: OTHER, roles: &nothing }, Act::Read, [false, false, false]),
            (Asker::Account { id: OTHER, roles: &nothing }, Act::Own, [false, false, false]),
            (Asker::Account { id: OTHER, roles: &admin }, Act::Read, [false, false, false]),
            (Asker::Account { id: OTHER, roles: &admin }, Act::Own, [false, false, false]),
            (Asker::Link(ENTRY), Act::Read, [true, false, false]),
            (Asker::Link(ENTRY), Act::Own, [false, false, false]),
            (Asker::Link(ANOTHER), Act::Read, [false, false, false]),
            (Asker::Share(ENTRY), Act::Read, [true, false, false]),
            (Asker::Share(ENTRY), Act::Own, [false, false, false]),
            (Asker::Share(ANOTHER), Act::Read, [false, false, false]),
        ];
        for (asker, act, expected) in table {
            assert_eq!(SUBJECTS.map(|subject| allows(asker, act, subject)), expected, "{asker:?} {act:?}");
        }
    }

    #[test]
    fn only_operators_operate() {
        let (nothing, admin) = (BTreeSet::new(), BTreeSet::from([Role::Admin]));
        assert!(may_operate(Asker::Account { id: OTHER, roles: &admin }));
        assert!(!may_operate(Asker::Account { id: OTHER, roles: &nothing }));
        assert!(!may_operate(Asker::Link(ENTRY)) && !may_operate(Asker::Share(ENTRY)));
    }
}
