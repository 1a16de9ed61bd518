//! orders.md §3 "Acceptance of the public offer" and §2 "An additional service used without a signed blank" [003 §5.2].

use super::client::Client;
use super::world::World;
use namoyish_documents::sha256_hex;
use namoyish_runtime::context::Role;
use serde_json::{Value, json};

fn acceptance(world: &World, lines: Value) -> Value {
    json!({
        "customer": world.customer.to_string(), "rules_edition": 1, "rules_sha256": sha256_hex("Qoidalar"), "lines": lines,
    })
}

async fn owner(world: &World) -> Client {
    world.client(Role::Owner, Some(world.customer)).await
}

const ACCEPT: &str = "/api/v1/offer-acceptances";
const USE: &str = "/api/v1/service-uses";

#[tokio::test]
async fn accepting_the_public_offer_makes_a_contract_like_a_signed_one() {
    let world = World::make(710).await;
    let owner = owner(&world).await;
    let line = json!({"kind": "additional", "item": "DESIGN", "quantity": "2", "once": "2026-12-10"});
    let accepted = owner
        .post(ACCEPT, acceptance(&world, json!([line])))
        .await
        .ok(201);
    assert_eq!(accepted.text("/order_blank/state"), "signed");
    assert_eq!(accepted.text("/order_blank/signature_kind"), "public_offer");
    assert_eq!(accepted.text("/acceptance/how"), "acceptance");
    let path = format!("/api/v1/order-blanks/{}", accepted.text("/order_blank/id"));
    let blank = owner.get(&path).await.ok(200);
    assert_eq!(sha256_hex(&blank.text("/terms")), blank.text("/sha256"));
    // 2 × 250,000 and 12 % VAT, due within five days of the acceptance.
    let invoice = owner
        .get(&format!("/api/v1/invoices/{}", accepted.text("/invoices/0")))
        .await
        .ok(200);
    assert_eq!(
        (invoice.text("/gross"), invoice.text("/due_on")),
        ("560000.00".to_owned(), "2026-11-07".to_owned())
    );
    let kept = owner.get(&format!("{path}/acceptance")).await.ok(200);
    assert_eq!(kept.text("/rules_sha256"), sha256_hex("Qoidalar"));
    let stranger = world.client(Role::Owner, Some(world.other_customer)).await;
    assert_eq!(stranger.get(&format!("{path}/acceptance")).await.refusal().0, 404);
    let rewritten = sqlx::query("update offer_acceptances set accepted_by = 'nobody'")
        .execute(&world.test.database.pool())
        .await;
    assert!(rewritten.is_err(), "an acceptance is append-only");
}

#[tokio::test]
async fn what_was_not_read_is_not_accepted_and_nobody_accepts_for_the_customer() {
    let world = World::make(711).await;
    let admin = world.admin().await;
    let owner = owner(&world).await;
    let lines = json!([{"kind": "additional", "item": "DESIGN", "quantity": "1", "once": "2026-12-10"}]);
    let good = || acceptance(&world, lines.clone());
    let with = |field: &str, value: Value| {
        let mut body = good();
        body[field] = value;
        body
    };
    let other_edition = owner.post(ACCEPT, with("rules_edition", json!(2))).await;
    other_edition.refused_field(409, "edition_not_in_force", "rules_edition");
    let other_text = owner
        .post(ACCEPT, with("rules_sha256", json!("0".repeat(64))))
        .await;
    other_text.refused_field(422, "other_rules_text", "rules_sha256");
    let nothing = owner.post(ACCEPT, with("lines", json!([]))).await;
    nothing.refused_field(422, "line_count", "lines");
    let unknown = json!([{"kind": "additional", "item": "NOTHING", "quantity": "1", "once": "2026-12-10"}]);
    let unknown = owner.post(ACCEPT, with("lines", unknown)).await;
    unknown.refused_field(422, "no_such_item", "lines[1].item");
    assert_eq!(
        admin.post(ACCEPT, good()).await.refusal(),
        (403, "not_allowed".to_owned())
    );
    let manager = world.client(Role::Manager, Some(world.customer)).await;
    assert_eq!(
        manager.post(ACCEPT, good()).await.refusal(),
        (403, "not_allowed".to_owned())
    );
    let stranger = world.client(Role::Owner, Some(world.other_customer)).await;
    assert_eq!(stranger.post(ACCEPT, good()).await.refusal().0, 404);
    // A refusal leaves no draft and takes no number.
    let blanks = admin.get("/api/v1/order-blanks").await.ok(200);
    assert_eq!(blanks.json["items"], json!([]));
    let accepted = owner.post(ACCEPT, good()).await.ok(201);
    assert_eq!(accepted.text("/order_blank/number"), "OB-2026-000001");
}

#[tokio::test]
async fn a_service_used_without_a_blank_is_charged_at_the_list_of_the_day_of_use() {
    let world = World::make(712).await;
    let admin = world.admin().await;
    let owner = owner(&world).await;
    let new_list = json!({"valid_from": "2026-11-10", "items": [{
        "code": "DESIGN", "kind": "additional", "unit": "piece", "unit_price": "300000.00",
        "name_uz": "D", "name_ru": "D", "name_en": "D",
    }]});
    admin.post("/api/v1/price-lists", new_list).await.ok(201);
    world.advance_to("2026-11-12T10:00:00");
    let used = |day: &str| json!({"customer": world.customer.to_string(), "item": "DESIGN", "day": day});
    // Free advance pays at once.
    let payment = json!({
        "customer": world.customer.to_string(), "amount": "280000.00", "method": "bank", "received_on": "2026-11-12",
    });
    admin.post("/api/v1/payments", payment).await.ok(201);
    let before = admin.post(USE, used("2026-11-09")).await.ok(201);
    let invoice = async |answer: &super::client::Answer| {
        let path = format!("/api/v1/invoices/{}", answer.text("/invoices/0"));
        owner.get(&path).await.ok(200)
    };
    let paid = invoice(&before).await;
    assert_eq!(
        (paid.text("/gross"), paid.text("/paid")),
        ("280000.00".to_owned(), "280000.00".to_owned())
    );
    assert_eq!(before.text("/acceptance/used_on"), "2026-11-09");
    let after = owner.post(USE, used("2026-11-10")).await.ok(201);
    let unpaid = invoice(&after).await;
    assert_eq!(
        (unpaid.text("/gross"), unpaid.text("/due_on")),
        ("336000.00".to_owned(), "2026-11-17".to_owned())
    );
    assert_eq!(after.text("/order_blank/signature_kind"), "public_offer");
    assert_eq!(after.text("/acceptance/how"), "use_of_service");

    let past = admin.post(USE, used("2026-10-31")).await;
    past.refused_field(422, "use_outside_period", "day");
    let future = admin.post(USE, used("2026-11-13")).await;
    future.refused_field(422, "use_outside_period", "day");
    let mut other = used("2026-11-12");
    other["item"] = json!("TEXT-LINE");
    admin
        .post(USE, other)
        .await
        .refused_field(422, "no_such_service", "item");
    let mut nothing = used("2026-11-12");
    nothing["quantity"] = json!("0");
    let nothing = admin.post(USE, nothing).await;
    assert_eq!(nothing.status.as_u16(), 422);
    let moderator = world.client(Role::Moderator, None).await;
    assert_eq!(
        moderator.post(USE, used("2026-11-12")).await.refusal(),
        (403, "not_allowed".to_owned())
    );
    let stranger = world.client(Role::Owner, Some(world.other_customer)).await;
    assert_eq!(stranger.post(USE, used("2026-11-12")).await.refusal().0, 404);
}
