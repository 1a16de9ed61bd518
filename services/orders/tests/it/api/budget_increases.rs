//! More budget over the API (orders.md §6).

use super::world::World;
use namoyish_runtime::context::Role;
use serde_json::json;

#[tokio::test]
async fn a_budget_increase_waits_for_its_invoice_is_paid_and_listed() {
    let world = World::make(71).await;
    let admin = world.admin().await;
    let blank = world
        .signed(
            &admin,
            vec![world.media_line("300000.00", "2026-12-01", "2026-12-31")],
        )
        .await;
    let line = blank.text("/lines/0/id");
    let path = format!("/api/v1/lines/{line}/budget-increases");
    let owner = world.client(Role::Owner, Some(world.customer)).await;
    let accountant = world.client(Role::Accountant, None).await;
    let pay =
        |amount: &str| json!({"customer": world.customer.to_string(), "amount": amount, "reference": "17"});
    accountant
        .write("POST", "/api/v1/payments", "p-1", pay("350000.00"))
        .await
        .ok(201);

    let body = json!({"amount": "100000.00"});
    let asked = owner.write("POST", &path, "b-1", body.clone()).await.ok(201);
    assert_eq!(
        (
            asked.text("/state"),
            asked.text("/from_free_advance"),
            asked.text("/missing")
        ),
        ("pending".to_owned(), "14000.00".to_owned(), "98000.00".to_owned())
    );
    // spec README rule 7: the same key answers as the first time, with another body it is refused.
    let again = owner.write("POST", &path, "b-1", body).await.ok(201);
    assert!(again.replayed && again.text("/id") == asked.text("/id"));
    let other = owner.write("POST", &path, "b-1", json!({"amount": "1.00"})).await;
    assert_eq!(other.refusal().0, 409);
    let second = owner.write("POST", &path, "b-2", json!({"amount": "1.00"})).await;
    assert_eq!(second.refusal(), (409, "increase_pending".to_owned()));
    let nothing = owner.write("POST", &path, "b-3", json!({"amount": "0.00"})).await;
    assert_eq!(nothing.refusal(), (422, "increase_not_positive".to_owned()));
    assert_eq!(nothing.text("/field"), "amount");
    let stranger = world.client(Role::Owner, Some(world.other_customer)).await;
    let foreign = stranger
        .write("POST", &path, "b-4", json!({"amount": "1.00"}))
        .await;
    assert_eq!(foreign.refusal(), (404, "no_such_line".to_owned()));
    assert_eq!(stranger.get(&path).await.refusal().0, 404);

    // The invoice of the request is one of the customer's, and paying it raises the budget.
    let number = asked.text("/invoice_to_pay");
    let invoices = owner.get("/api/v1/invoices").await.ok(200);
    let item = invoices.json["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["number"] == number.as_str())
        .unwrap();
    assert_eq!(
        (item["kind"].as_str(), item["due_gross"].as_str()),
        (Some("budget_increase"), Some("98000.00"))
    );
    accountant
        .write("POST", "/api/v1/payments", "p-2", pay("98000.00"))
        .await
        .ok(201);
    let listed = owner.get(&path).await.ok(200);
    assert_eq!(
        (
            listed.text("/items/0/state"),
            listed.text("/items/0/budget_after")
        ),
        ("in_force".to_owned(), "400000.00".to_owned())
    );
    assert_eq!(
        owner
            .get(&format!("/api/v1/lines/{line}"))
            .await
            .ok(200)
            .text("/budget"),
        "400000.00"
    );
    let whole = owner.get(&format!("{path}?limit=1")).await.ok(200);
    assert_eq!(whole.json["next"], serde_json::Value::Null);
}
