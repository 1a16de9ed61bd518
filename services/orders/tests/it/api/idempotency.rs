//! Idempotency keys (spec README rule 7): same key and body, same answer; another body, 409.

use super::world::World;
use namoyish_runtime::context::Role;
use serde_json::json;

fn customer(stir: &str) -> serde_json::Value {
    json!({
        "kind": "legal_entity", "name": "Yangi", "stir": stir, "address": "Buxoro", "bank_name": "Namuna bank",
        "mfo": "00440", "settlement_account": "20208000900123456003", "email": "a@b.uz", "phone": "998901234567",
        "signatory": "V. Aliyev", "authority": "Ustav",
    })
}

#[tokio::test]
async fn a_repeated_command_answers_as_the_first_and_does_nothing() {
    let world = World::make(10).await;
    let admin = world.admin().await;
    let first = admin
        .write("POST", "/api/v1/customers", "k-1", customer("305999001"))
        .await
        .ok(201);
    assert!(!first.replayed);
    let second = admin
        .write("POST", "/api/v1/customers", "k-1", customer("305999001"))
        .await
        .ok(201);
    assert!(second.replayed);
    assert_eq!(first.bytes, second.bytes);
    let all = admin.get("/api/v1/customers").await.ok(200);
    assert_eq!(all.json["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused() {
    let world = World::make(11).await;
    let admin = world.admin().await;
    admin
        .write("POST", "/api/v1/customers", "k-1", customer("305999001"))
        .await
        .ok(201);
    let other = admin
        .write("POST", "/api/v1/customers", "k-1", customer("305999002"))
        .await;
    other.refused_field(409, "idempotency_key_reused", "Idempotency-Key");
    // Another client's key of the same name is another key.
    let sales = world.client(Role::Sales, None).await;
    sales
        .write("POST", "/api/v1/customers", "k-1", customer("305999002"))
        .await
        .ok(201);
}

#[tokio::test]
async fn a_refused_command_keeps_no_answer() {
    let world = World::make(12).await;
    let admin = world.admin().await;
    let refused = admin
        .write("POST", "/api/v1/customers", "k-1", customer("1"))
        .await;
    refused.refused_field(422, "wrong_digits", "stir");
    admin
        .write("POST", "/api/v1/customers", "k-1", customer("305999001"))
        .await
        .ok(201);
}

#[tokio::test]
async fn two_requests_at_once_with_one_key_make_one_customer() {
    let world = World::make(13).await;
    let admin = world.admin().await;
    let ask = || admin.write("POST", "/api/v1/customers", "k-1", customer("305999001"));
    let (first, second) = tokio::join!(ask(), ask());
    let (first, second) = (first.ok(201), second.ok(201));
    assert_eq!(first.bytes, second.bytes);
    assert_ne!(first.replayed, second.replayed);
}

#[tokio::test]
async fn one_key_cannot_sign_two_blanks() {
    let world = World::make(14).await;
    let admin = world.admin().await;
    let line = || world.media_line("300000.00", "2026-12-01", "2026-12-31");
    let mut numbers = Vec::new();
    for _ in 0..2 {
        let drawn_up = admin
            .post("/api/v1/order-blanks", world.blank(vec![line()]))
            .await
            .ok(201);
        let path = format!("/api/v1/order-blanks/{}", drawn_up.text("/id"));
        let offered = admin
            .write("POST", &format!("{path}/offer"), "one", json!({}))
            .await
            .ok(200);
        assert!(
            !offered.replayed,
            "the key is bound to what the command is applied to"
        );
        numbers.push(offered.text("/number"));
    }
    assert_eq!(numbers, ["OB-2026-000001", "OB-2026-000002"]);
}
