//! The rights that docs/operations.md names are enough for a drive over MySQL, and no more are needed where it says so.

use cairn_servers::shared;

use crate::harness::Drive;

/// As in docs/operations.md.
const WORKS: &str = "GRANT SELECT, INSERT, UPDATE, DELETE ON granted.* TO cairn@'%'";
const CHANGES_TABLES: &str = "GRANT CREATE, ALTER, DROP, INDEX ON granted.* TO cairn@'%'";
const READS_A_COPY: &str = "GRANT SELECT ON granted.* TO reader@'%'";

#[tokio::test]
async fn the_documented_grants_are_enough() {
    let server = shared::mariadb().unwrap();
    let url = server.create_database("granted").unwrap();
    for name in ["cairn", "reader"] {
        server.sql(&format!("CREATE OR REPLACE USER {name}@'%' IDENTIFIED BY 'secret'")).unwrap();
    }
    for grant in [WORKS, CHANGES_TABLES, READS_A_COPY] {
        server.sql(grant).unwrap();
    }
    let at = |name: &str| url.replace("//app:app@", &format!("//{name}:secret@"));
    let (works, reads) = (at("cairn"), at("reader"));
    // For the rights it makes no difference that the copy is the original.
    let settings = [("CAIRN_LOG__URL", &*works), ("CAIRN_VIEWS__URL", &works), ("CAIRN_VIEWS__REPLICAS", &reads)];
    let mut drive = Drive::with(&settings);
    let user = drive.user().await;
    let file = user.upload("a.txt", b"a").await;
    drive.cairn(&["projection", "rebuild", "--all"]).success();
    drive.cairn(&["projection", "rollback"]).success();
    drive.cairn(&["projection", "verify"]).success();
    assert_eq!(user.list("").await, [file]);
    assert!(drive.stop().success());
    assert!(drive.log().contains("a replica is read from"), "{}", drive.log());

    // Who need not change tables works on without the rights for it.
    server.sql(&CHANGES_TABLES.replace("GRANT", "REVOKE").replace(" TO ", " FROM ")).unwrap();
    let as_node = [&settings[..], &[("CAIRN_SERVER__MIGRATE", "false")]].concat();
    let mut drive = Drive::with(&as_node);
    let user = user.back_on(&drive);
    user.upload("b.txt", b"b").await;
    assert_eq!(user.list("").await.len(), 2);
    drive.cairn(&["projection", "verify"]).success();
    assert!(drive.stop().success());
}
