//! From the draft to the contract: VAT and prices frozen, invoices issued, free advance used.

use super::world::World;
use namoyish_documents::{canonical_json, sha256_hex};
use namoyish_runtime::context::Role;
use serde_json::{Value, json};

#[tokio::test]
async fn signing_freezes_the_terms_and_issues_the_invoices() {
    let world = World::make(30).await;
    let admin = world.admin().await;
    let version = world.test.store.snapshot_version().await.unwrap();
    let lines = vec![
        world.media_line("300000.00", "2026-12-01", "2026-12-31"),
        world.period_line("2026-12", "2027-01"),
    ];
    let blank = world.signed(&admin, lines).await;
    assert_eq!(
        (blank.text("/state"), blank.text("/number")),
        ("signed".to_owned(), "OB-2026-000001".to_owned())
    );
    assert_eq!(
        (blank.text("/vat_rate"), blank.text("/signed_on")),
        ("0.12".to_owned(), "2026-11-02".to_owned())
    );
    assert!(world.test.store.snapshot_version().await.unwrap() > version);

    // The frozen text is canonical, and its hash is the one shown.
    let terms = blank.text("/terms");
    assert_eq!(sha256_hex(&terms), blank.text("/sha256"));
    let value: Value = serde_json::from_str(&terms).unwrap();
    assert_eq!(canonical_json(&value).unwrap(), terms);
    assert_eq!(value["lines"][0]["budget"], "300000.00");
    assert_eq!(value["lines"][0]["unit_price"], "12000.00");
    assert_eq!(value["lines"][0]["placement_codes"], json!(["site-top"]));
    assert_eq!(value["lines"][1]["last_day"], "2027-01-31");
    assert_eq!(value["customer"]["stir_or_pinfl"], "305123456");
    assert_eq!(value["rules_edition"], 1);

    // billing.md §2: media 3 business days before 1 December; the other line by 7 November.
    let invoices = admin.get("/api/v1/invoices").await.ok(200);
    let told: Vec<(&str, &str)> = invoices.json["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|invoice| {
            (
                invoice["due_on"].as_str().unwrap(),
                invoice["gross"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("2026-11-07", "2240000.00"), ("2026-11-26", "336000.00")]);
    let owner = world.client(Role::Owner, Some(world.customer)).await;
    let stranger = world.client(Role::Owner, Some(world.other_customer)).await;
    let path = format!("/api/v1/invoices/{}", invoices.text("/items/0/id"));
    let whole = owner.get(&path).await.ok(200);
    assert_eq!(whole.text("/lines/0/net"), "2000000.00");
    assert_eq!(stranger.get(&path).await.refusal().0, 404);
    assert_eq!(
        stranger.get("/api/v1/invoices").await.ok(200).json["items"],
        json!([])
    );
}

#[tokio::test]
async fn a_payment_recorded_by_the_accountant_pays_and_is_listed() {
    let world = World::make(31).await;
    let admin = world.admin().await;
    world
        .signed(
            &admin,
            vec![world.media_line("300000.00", "2026-12-01", "2026-12-31")],
        )
        .await;
    let accountant = world.client(Role::Accountant, None).await;
    let body = json!({"customer": world.customer.to_string(), "amount": "400000.00", "reference": "17"});
    let recorded = accountant
        .write("POST", "/api/v1/payments", "p-1", body.clone())
        .await
        .ok(201);
    assert_eq!(
        (recorded.text("/parts/0/amount"), recorded.text("/free")),
        ("336000.00".to_owned(), "64000.00".to_owned())
    );
    let again = accountant
        .write("POST", "/api/v1/payments", "p-1", body)
        .await
        .ok(201);
    assert!(again.replayed);
    let payments = accountant.get("/api/v1/payments").await.ok(200);
    assert_eq!(payments.json["items"].as_array().unwrap().len(), 1);
    assert_eq!(payments.text("/items/0/allocated"), "336000.00");

    // Sales don't record money, and a customer's accountant is not the operator's.
    let body = json!({"customer": world.customer.to_string(), "amount": "1.00"});
    for client in [
        world.client(Role::Sales, None).await,
        world.client(Role::Accountant, Some(world.customer)).await,
    ] {
        assert_eq!(
            client.post("/api/v1/payments", body.clone()).await.refusal().0,
            403
        );
    }
    let more = json!({"customer": world.customer.to_string(), "amount": "0.00"});
    accountant
        .post("/api/v1/payments", more)
        .await
        .refused_field(422, "amount_not_positive", "amount");
}

#[tokio::test]
async fn free_advance_pays_the_new_invoice_at_once() {
    let world = World::make(32).await;
    let admin = world.admin().await;
    let body = json!({"customer": world.customer.to_string(), "amount": "336000.00"});
    admin.post("/api/v1/payments", body).await.ok(201);
    world
        .signed(
            &admin,
            vec![world.media_line("300000.00", "2026-12-01", "2026-12-31")],
        )
        .await;
    let invoices = admin.get("/api/v1/invoices").await.ok(200);
    assert_eq!(
        (invoices.text("/items/0/paid"), invoices.text("/items/0/paid_on")),
        ("336000.00".to_owned(), "2026-11-02".to_owned())
    );
}

#[tokio::test]
async fn an_operator_that_pays_no_vat_shows_none() {
    let world = World::make(33).await;
    let mut tx = world.test.store.begin().await.unwrap();
    tx.operator()
        .put_vat_status("2026-11-01".parse().unwrap(), false)
        .await
        .unwrap();
    tx.save().await.unwrap();
    let admin = world.admin().await;
    let blank = world
        .signed(
            &admin,
            vec![world.media_line("300000.00", "2026-12-01", "2026-12-31")],
        )
        .await;
    assert_eq!(
        (blank.json["vat_payer"].clone(), blank.text("/vat_rate")),
        (json!(false), "0".to_owned())
    );
    let invoices = admin.get("/api/v1/invoices").await.ok(200);
    assert_eq!(invoices.text("/items/0/gross"), "300000.00");
}

#[tokio::test]
async fn only_the_moves_of_the_book_are_possible() {
    let world = World::make(34).await;
    let admin = world.admin().await;
    let drawn_up = admin
        .post(
            "/api/v1/order-blanks",
            world.blank(vec![world.media_line("300000.00", "2026-12-01", "2026-12-31")]),
        )
        .await
        .ok(201);
    let path = format!("/api/v1/order-blanks/{}", drawn_up.text("/id"));
    assert_eq!(
        world.sign_paper(&admin, &path, &[]).await.refusal(),
        (409, "order_blank_not_offered".to_owned())
    );
    admin.post(&format!("{path}/offer"), json!({})).await.ok(200);
    assert_eq!(
        admin.post(&format!("{path}/offer"), json!({})).await.refusal(),
        (409, "order_blank_not_draft".to_owned())
    );
    // A customer's own key can't record a paper signature for itself.
    let owner = world.client(Role::Owner, Some(world.customer)).await;
    assert_eq!(world.sign_paper(&owner, &path, &[]).await.refusal().0, 403);
    let tomorrow = world
        .sign_paper(&admin, &path, &[("signed_on", "2026-11-03")])
        .await;
    tomorrow.refused_field(422, "signature_date_out_of_range", "signed_on");
    world.sign_paper(&admin, &path, &[]).await.ok(200);
    assert_eq!(
        world.sign_paper(&admin, &path, &[]).await.refusal(),
        (409, "order_blank_not_offered".to_owned())
    );
    let cancel = admin
        .post(&format!("{path}/cancel"), json!({"reason": "xato"}))
        .await;
    assert_eq!(cancel.refusal(), (409, "order_blank_already_signed".to_owned()));
}

#[tokio::test]
async fn a_refused_blank_leaves_no_gap_in_the_numbers() {
    let world = World::make(35).await;
    let admin = world.admin().await;
    let good = || world.media_line("300000.00", "2026-12-01", "2026-12-31");
    let first = admin
        .post("/api/v1/order-blanks", world.blank(vec![good()]))
        .await
        .ok(201);
    // Refused after the number was taken.
    let bad = world.media_line("11.99", "2026-12-01", "2026-12-31");
    let refused = admin
        .post("/api/v1/order-blanks", world.blank(vec![good(), bad]))
        .await;
    refused.refused_field(422, "budget_below_one_impression", "lines[2].budget");
    assert_eq!(refused.text("/limit"), "12.00");
    let second = admin
        .post("/api/v1/order-blanks", world.blank(vec![good()]))
        .await
        .ok(201);
    assert_eq!(
        (first.text("/number"), second.text("/number")),
        ("OB-2026-000001".to_owned(), "OB-2026-000002".to_owned())
    );
}

#[tokio::test]
async fn a_line_tells_every_reason_why_it_does_not_run() {
    let world = World::make(36).await;
    let admin = world.admin().await;
    let blank = world
        .signed(
            &admin,
            vec![world.media_line("300000.00", "2026-12-01", "2026-12-31")],
        )
        .await;
    let path = format!("/api/v1/lines/{}", blank.text("/lines/0/id"));
    let line = admin.get(&path).await.ok(200);
    assert_eq!(line.json["runs"], false);
    assert_eq!(line.json["not_running"], json!(["term_not_begun", "no_material"]));
    world.advance_to("2026-12-02T10:00:00");
    let line = admin.get(&path).await.ok(200);
    assert_eq!(line.json["not_running"], json!(["invoice_unpaid", "no_material"]));
}
