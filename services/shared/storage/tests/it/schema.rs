//! The schema test: every SQL statement of the crate is prepared against the migrated schema, so a statement that names
//! a column that isn't there, or compares two types that can't be compared, fails here by name.

use namoyish_testkit::TestDatabase;
use sqlx::{Executor, SqlSafeStr};
use std::collections::BTreeSet;

#[tokio::test]
async fn every_statement_prepares_against_the_migrated_schema() {
    let database = TestDatabase::create().await;
    let pool = database.pool();
    let mut failures = Vec::new();
    let mut names = BTreeSet::new();
    for (name, sql) in namoyish_storage::all_statements() {
        assert!(names.insert(name), "the statement {name} is listed twice");
        if let Err(error) = pool
            .prepare(sqlx::AssertSqlSafe(sql.to_owned()).into_sql_str())
            .await
        {
            failures.push(format!("{name}: {error}"));
        }
    }
    assert!(
        names.len() > 50,
        "only {} statements are listed: a module is missing from all_statements()",
        names.len()
    );
    assert!(
        failures.is_empty(),
        "{} statements don't fit the schema:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[tokio::test]
async fn migrations_run_twice_change_nothing() {
    let database = TestDatabase::create().await;
    let store = namoyish_storage::Store::from_pool(database.pool());
    store.migrate().await.expect("a migrated database migrates again");
    assert_eq!(
        store
            .snapshot_version()
            .await
            .expect("the snapshot version is readable"),
        1
    );
}
