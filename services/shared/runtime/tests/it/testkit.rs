//! The harness itself: databases apart from each other, removed when dropped, and one Redis for the binary.

use namoyish_testkit::{START, TestDatabase};
use std::time::{Duration, Instant};

#[tokio::test]
async fn each_test_has_a_migrated_database_of_its_own() {
    let (one, other) = (TestDatabase::create().await, TestDatabase::create().await);
    assert_ne!(one.url(), other.url());
    let mut tx = one.store().begin().await.unwrap();
    let version = tx.bump_snapshot().await.unwrap();
    tx.save().await.unwrap();
    assert_eq!(one.store().snapshot_version().await.unwrap(), version);
    assert_eq!(other.store().snapshot_version().await.unwrap(), version - 1);
}

#[tokio::test]
async fn a_dropped_database_is_removed() {
    let (kept, dropped) = (TestDatabase::create().await, TestDatabase::create().await);
    let name = dropped.url().split(['/', '?']).nth(3).unwrap().to_owned();
    drop(dropped);
    let begun = Instant::now();
    loop {
        let there: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(&name)
            .fetch_one(&kept.pool())
            .await
            .unwrap();
        if !there {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{name} is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_context_begins_on_a_monday_morning_and_repeats_with_its_seed() {
    let (one, same) = (
        namoyish_testkit::context(7).await,
        namoyish_testkit::context(7).await,
    );
    assert_eq!(one.now(), START);
    assert_eq!(START.to_rfc3339(), "2026-11-02T04:00:00+00:00");
    assert_eq!(one.today().format("%a %Y-%m-%d").to_string(), "Mon 2026-11-02");
    assert_eq!(one.uuid(), same.uuid());
}

#[tokio::test]
async fn the_url_of_redis_is_understood_by_the_client() {
    let client = redis::Client::open(namoyish_testkit::redis_url().await).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let answer: String = redis::cmd("PING").query_async(&mut connection).await.unwrap();
    assert_eq!(answer, "PONG");
}
