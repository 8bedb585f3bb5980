use super::*;
use crate::projection::usage::UsageRow;
use crate::projection::users::UserToken;
use crate::table::Columns;

#[test]
fn a_table_is_made_in_each_dialect() {
    assert_eq!(
        Dialect::Sqlite.create_table(UsageRow::TABLE),
        r#"CREATE TABLE IF NOT EXISTS "tbl_usage" ( "account_id" char(36) NOT NULL PRIMARY KEY, "used_bytes" integer NOT NULL, "files" integer NOT NULL )"#
    );
    assert_eq!(
        Dialect::MySql(Place::Live).create_table(UsageRow::TABLE),
        "CREATE TABLE IF NOT EXISTS `tbl_usage` ( `account_id` char(36) NOT NULL PRIMARY KEY, `used_bytes` bigint NOT NULL, `files` bigint NOT NULL ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"
    );
}

#[test]
fn many_rows_are_one_text() {
    assert_eq!(
        Dialect::Sqlite.action(UsageRow::TABLE, &Action::Put, 2),
        r#"INSERT INTO "tbl_usage" ("account_id", "used_bytes", "files") VALUES (?, ?, ?), (?, ?, ?) ON CONFLICT ("account_id") DO UPDATE SET "used_bytes" = "excluded"."used_bytes", "files" = "excluded"."files""#
    );
    assert_eq!(
        Dialect::Sqlite.action(UserToken::TABLE, &Action::Remove, 3),
        r#"DELETE FROM "tbl_user_token" WHERE "session_id" IN (?, ?, ?)"#
    );
    assert_eq!(
        Dialect::Sqlite.action(UserToken::TABLE, &Action::Set(vec![3, 4]), 2),
        r#"UPDATE "tbl_user_token" SET "opened_at" = "given"."column1", "expires_at" = "given"."column2" FROM (VALUES (?, ?, ?), (?, ?, ?)) AS "given" WHERE "tbl_user_token"."session_id" = "given"."column3""#
    );
    assert_eq!(
        Dialect::MySql(Place::Live).action(UserToken::TABLE, &Action::Set(vec![4]), 2),
        "UPDATE `tbl_user_token` SET `expires_at` = ? WHERE `session_id` = ?;UPDATE `tbl_user_token` SET `expires_at` = ? WHERE `session_id` = ?"
    );
}

#[test]
fn adding_means_the_same_in_each_dialect() {
    assert_eq!(
        Dialect::Sqlite.action(UsageRow::TABLE, &Action::Add, 1),
        r#"INSERT INTO "tbl_usage" ("account_id", "used_bytes", "files") VALUES (?, ?, ?) ON CONFLICT ("account_id") DO UPDATE SET "used_bytes" = "used_bytes" + "excluded"."used_bytes", "files" = "files" + "excluded"."files""#
    );
    assert_eq!(
        Dialect::MySql(Place::Live).action(UsageRow::TABLE, &Action::Add, 1),
        "INSERT INTO `tbl_usage` (`account_id`, `used_bytes`, `files`) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE `used_bytes` = `used_bytes` + (VALUES(`used_bytes`)), `files` = `files` + (VALUES(`files`))"
    );
}

#[test]
fn tables_beside_the_live_ones_have_names_of_their_own() {
    let beside = Dialect::MySql(Place::Beside);
    assert_eq!(beside.action(UsageRow::TABLE, &Action::Remove, 1), "DELETE FROM `new_tbl_usage` WHERE `account_id` IN (?)");
    assert!(beside.create_table(UserToken::TABLE).starts_with("CREATE TABLE IF NOT EXISTS `new_tbl_user_token` ("));
    assert_eq!(crate::bookkeeping::checkpoints(beside).text.matches("`new_tbl_checkpoint`").count(), 1);
}
