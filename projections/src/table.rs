//! What a table looks like, said once for every SQL dialect.

use sea_query::{
    Alias, ColumnDef, Index as Indexes, IndexCreateStatement, Table as Tables, TableAlterStatement, TableCreateStatement,
};

/// A table whose rows are found by one key: its first column.
///
/// One key column, and no unique index beside it, is what lets statements about different keys be reordered and joined (see
/// [`statement`](crate::statement)), and what makes "insert or replace" mean the same in SQLite and MySQL.
#[derive(Debug)]
pub struct Table {
    /// As the database knows it.
    pub name: &'static str,
    /// The key first.
    pub columns: &'static [Column],
    /// What queries need beside the key.
    pub indexes: &'static [Index],
}

/// One column.
#[derive(Debug)]
pub struct Column {
    /// As the database knows it.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// What a column holds. Lengths are bounded, as a key of MySQL must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A UUID in its usual form of 36 characters.
    Id,
    /// An id, or nothing.
    MaybeId,
    /// A SHA-256 in 64 hexadecimal digits.
    Sha256,
    /// A SHA-256, or nothing.
    MaybeSha256,
    /// A SHA-1 in 40 hexadecimal digits.
    Sha1,
    /// A SHA-1, or nothing.
    MaybeSha1,
    /// A number: a size in bytes, a count, a time in microseconds since 1970, a position.
    Integer,
    /// A number, or nothing.
    MaybeInteger,
    /// A text of at most that many characters.
    Text(u32),
    /// A text, or nothing.
    MaybeText(u32),
}

/// An index over some columns.
#[derive(Debug)]
pub struct Index {
    /// Unique in the database.
    pub name: &'static str,
    /// In order.
    pub columns: &'static [&'static str],
}

/// The columns of one table as a type, so that a statement can't name one that is not there.
pub trait Columns: Copy + 'static {
    /// The table.
    const TABLE: &'static Table;

    /// The number of the column, 0 for the key.
    fn number(self) -> usize;
}

impl Table {
    /// The statement that makes the table under this name, if it is not there.
    pub fn create(&self, name: Alias) -> TableCreateStatement {
        let mut create = Tables::create();
        create.table(name).if_not_exists();
        for (number, column) in self.columns.iter().enumerate() {
            let mut definition = column.definition();
            if number == 0 {
                definition.primary_key();
            }
            create.col(definition);
        }
        create.take()
    }

    /// The statement that adds a column to the table of this name.
    pub fn add_column(&self, name: Alias, column: &Column) -> TableAlterStatement {
        Tables::alter().table(name).add_column(column.definition()).take()
    }

    /// The columns that a table lacks which has only these, if they are such that rows can do without them; none if not.
    pub fn lacking(&self, there: &[String]) -> Option<Vec<&Column>> {
        let lacking: Vec<_> = self.columns.iter().filter(|column| !there.iter().any(|name| name == column.name)).collect();
        lacking.iter().all(|column| column.kind.may_be_nothing()).then_some(lacking)
    }

    /// The statements that make its indexes, if they are not there. They come after the rows when a table is filled anew: sorting once
    /// is cheaper than inserting everywhere.
    pub fn create_indexes(&self) -> Vec<IndexCreateStatement> {
        self.indexes.iter().map(|index| index.create(self.name)).collect()
    }
}

impl Index {
    fn create(&self, table: &'static str) -> IndexCreateStatement {
        let mut create = Indexes::create();
        create.name(self.name).table(table).if_not_exists();
        for column in self.columns {
            create.col(*column);
        }
        create.take()
    }
}

impl Column {
    fn definition(&self) -> ColumnDef {
        let mut definition = ColumnDef::new(self.name);
        match self.kind {
            Kind::Id | Kind::MaybeId => definition.char_len(36),
            Kind::Sha256 | Kind::MaybeSha256 => definition.char_len(64),
            Kind::Sha1 | Kind::MaybeSha1 => definition.char_len(40),
            Kind::Integer | Kind::MaybeInteger => definition.big_integer(),
            Kind::Text(characters) | Kind::MaybeText(characters) => definition.string_len(characters),
        };
        if !self.kind.may_be_nothing() {
            definition.not_null();
        }
        definition
    }
}

impl Kind {
    const fn may_be_nothing(self) -> bool {
        matches!(self, Self::MaybeId | Self::MaybeSha256 | Self::MaybeSha1 | Self::MaybeInteger | Self::MaybeText(_))
    }
}

/// Declares a table: its columns as an enum that sea-query takes as names, and its indexes.
macro_rules! table {
    (
        $(#[$doc:meta])*
        $columns:ident = $table:literal {
            $($(#[$column_doc:meta])* $column:ident = $name:literal: $kind:expr,)+
        }
        indexes { $($index:literal: [$($indexed:ident),+],)* }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $columns {
            $(
                $(#[$column_doc])*
                #[doc = concat!("Column `", $name, "`.")]
                $column,
            )+
        }

        impl $columns {
            /// The column's name in the database.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$column => $name,)+
                }
            }
        }

        impl $crate::table::Columns for $columns {
            const TABLE: &'static $crate::table::Table = &$crate::table::Table {
                name: $table,
                columns: &[$($crate::table::Column {
                    name: $name,
                    kind: { #[allow(unused_imports, reason = "not every table has every kind")] use $crate::table::Kind::*; $kind },
                },)+],
                indexes: &[$($crate::table::Index { name: $index, columns: &[$(Self::$indexed.name()),+] },)*],
            };

            fn number(self) -> usize {
                self as usize
            }
        }

        impl sea_query::Iden for $columns {
            fn quoted(&self) -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed((*self).name())
            }

            fn unquoted(&self) -> &str {
                (*self).name()
            }
        }
    };
}
