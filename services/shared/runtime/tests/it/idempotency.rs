//! The same key and body gets the first answer again; the same key with another body is refused (spec README rule 7).

use axum::http::StatusCode;
use chrono::TimeDelta;
use namoyish_runtime::context::{Actor, Context};
use namoyish_runtime::idempotency::{
    Answer, Begun, IdempotencyError, IdempotencyKey, Repeatable, begin, finish,
};
use namoyish_storage::DbError;
use std::sync::atomic::{AtomicU32, Ordering};

fn repeatable(key: &str, body: &[u8]) -> Repeatable {
    Repeatable::new(
        "record_payment",
        &Actor::system("desk"),
        &IdempotencyKey::parse(key).unwrap(),
        body,
    )
}

/// A command that counts how often it is really carried out.
async fn command(
    ctx: &Context,
    request: &Repeatable,
    effects: &AtomicU32,
) -> Result<Answer, IdempotencyError> {
    let mut tx = ctx.store.begin().await?;
    if let Begun::Replay(answer) = begin(&mut tx, request).await? {
        return Ok(answer);
    }
    let effect = effects.fetch_add(1, Ordering::SeqCst) + 1;
    let done = serde_json::json!({ "effect": effect });
    let answer = finish(&mut tx, request, ctx.now(), StatusCode::CREATED, &done).await?;
    tx.save().await?;
    Ok(answer)
}

#[tokio::test]
async fn the_second_call_answers_as_the_first_did() {
    let t = namoyish_testkit::context(1).await;
    let effects = AtomicU32::new(0);
    let first = command(&t, &repeatable("k1", b"{}"), &effects).await.unwrap();
    let second = command(&t, &repeatable("k1", b"{}"), &effects).await.unwrap();
    assert_eq!(
        (first.status, first.body.as_str(), first.replayed),
        (201, "{\"effect\":1}", false)
    );
    assert_eq!(
        second,
        Answer {
            replayed: true,
            ..first
        }
    );
    let other = command(&t, &repeatable("k2", b"{}"), &effects).await.unwrap();
    assert_eq!(other.body, "{\"effect\":2}");
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused() {
    let t = namoyish_testkit::context(2).await;
    let effects = AtomicU32::new(0);
    command(&t, &repeatable("k", b"{\"amount\":1}"), &effects)
        .await
        .unwrap();
    let refused = command(&t, &repeatable("k", b"{\"amount\":2}"), &effects)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "idempotency_key_reused");
    let problem = namoyish_runtime::problem::Problem::from(refused);
    assert_eq!(
        (problem.status().as_u16(), problem.code()),
        (409, "idempotency_key_reused")
    );
}

#[tokio::test]
async fn a_command_that_is_rolled_back_keeps_no_answer() {
    let t = namoyish_testkit::context(3).await;
    let request = repeatable("k", b"{}");
    let mut tx = t.store.begin().await.unwrap();
    assert_eq!(begin(&mut tx, &request).await.unwrap(), Begun::Fresh);
    finish(&mut tx, &request, t.now(), StatusCode::OK, &1)
        .await
        .unwrap();
    drop(tx);
    let mut tx = t.store.begin().await.unwrap();
    assert_eq!(begin(&mut tx, &request).await.unwrap(), Begun::Fresh);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_calls_at_once_one_has_the_effect() {
    let t = namoyish_testkit::context(4).await;
    let effects = std::sync::Arc::new(AtomicU32::new(0));
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let (ctx, effects) = (t.context.clone(), effects.clone());
            tokio::spawn(async move { command(&ctx, &repeatable("k", b"{}"), &effects).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().body, "{\"effect\":1}");
    }
    assert_eq!(effects.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn old_answers_are_forgotten_some_at_a_time() {
    let t = namoyish_testkit::context(5).await;
    let effects = AtomicU32::new(0);
    for key in ["a", "b", "c"] {
        command(&t, &repeatable(key, b"{}"), &effects).await.unwrap();
    }
    let mut tx = t.store.begin().await.unwrap();
    assert_eq!(tx.idempotency().forget(t.now(), 10).await.unwrap(), 0);
    let later = t.now() + TimeDelta::seconds(1);
    assert_eq!(tx.idempotency().forget(later, 2).await.unwrap(), 2);
    assert_eq!(tx.idempotency().forget(later, 2).await.unwrap(), 1);
}

#[tokio::test]
async fn the_database_itself_refuses_a_second_answer_for_a_key() {
    let t = namoyish_testkit::context(6).await;
    let mut tx = t.store.begin().await.unwrap();
    tx.idempotency()
        .finish("s", "k", "h", 200, "1", t.now())
        .await
        .unwrap();
    let refused = tx
        .idempotency()
        .finish("s", "k", "h", 200, "2", t.now())
        .await
        .unwrap_err();
    assert!(matches!(&refused, DbError::Constraint { .. }) && refused.is_constraint("idempotency_keys_pkey"));
}
